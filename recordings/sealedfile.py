"""The sealed file: a header of 64 bytes and AES-256-GCM chunks of 256 KiB.

    magic "PLMB" · version · cipher · 2 bytes zero · chunk size (u32) · key (16) · object (16) · nonce prefix (7) · zeros
    nonce = prefix ‖ chunk number (u32) ‖ last-chunk flag;  associated data = header ‖ kind ‖ number

The flag stops truncation, the number reordering, the associated data a swap with another file. Any place can be read
without decrypting what comes before it. The cipher, already holding the object's own subkey, comes from `vault.py`.
"""

import contextlib
import hashlib
import io
import os
import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from django.conf import settings

from recordings import keystore, store

CHUNK = 256 * 1024
TAG = 16
AT_ONCE = 4 * 1024 * 1024  # bytes of content that are fetched and decrypted in one go
_HEADER = struct.Struct(">4sBBHI16s16s7s13s")
_MAGIC, _VERSION, _AES_256_GCM = b"PLMB", 1, 1


class KeyGone(Exception):
    """The recording's key has been destroyed: nothing of it can be read any more."""

    def __init__(self, message: str = "This recording has been destroyed. Nothing of it can be read any more.") -> None:
        super().__init__(message)


class Damaged(Exception):
    """A sealed file is missing, cut short or altered."""

    def __init__(
        self, message: str = "A sealed file of this recording is damaged or missing. Ask the person who runs Plumbline to restore it."
    ) -> None:
        super().__init__(message)


class Cipher(Protocol):
    def seal(self, nonce: bytes, content: bytes | memoryview, associated: bytes) -> bytes: ...

    def open(self, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        """Raises Damaged."""


@dataclass(frozen=True)
class Written:
    """A file in its place: the object's id, the bytes of its content, the SHA-256 of the sealed file (empty where nobody asked for it)."""

    object_id: uuid.UUID
    size: int
    sha256: str


def path_of(object_id: uuid.UUID) -> Path:
    """Where the file lies while sealed files are kept in a folder."""
    return store.FileStore(settings.VAULT_DIR).place(object_id)


def remove_file(object_id: uuid.UUID) -> None:
    """Raises StoreAway."""
    store.current().remove(object_id)


def tidy_away(object_id: uuid.UUID) -> None:
    """Removes a file that nothing names. Where the store is away it stays, and the daily sweep finds it once its key has gone."""
    with contextlib.suppress(store.StoreAway):
        remove_file(object_id)


def key_of(object_id: uuid.UUID) -> uuid.UUID | None:
    """The id of the key that a sealed file needs, from its header; None where there is no header. Raises FileNotFoundError, StoreAway."""
    with contextlib.closing(store.current().open(object_id)) as source:
        header = source.head(_HEADER.size)
    return uuid.UUID(bytes=_HEADER.unpack(header)[5]) if len(header) == _HEADER.size else None


def make_folder(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _associated(header: bytes, kind: str, number: int) -> bytes:
    return header + kind.encode() + b"\0" + number.to_bytes(4, "big")


class SealedWriter:
    """Seals as it goes, into the store; `finish` makes it durable and puts it in its place. Raises StoreAway."""

    def __init__(
        self, cipher: Cipher, key_id: uuid.UUID, object_id: uuid.UUID, kind: str, number: int = 0, *, is_hashed: bool = True
    ) -> None:
        self.object_id = object_id
        self.size = 0
        self.closed = False
        self._cipher = cipher
        self._prefix = os.urandom(7)
        header = _HEADER.pack(_MAGIC, _VERSION, _AES_256_GCM, 0, CHUNK, key_id.bytes, self.object_id.bytes, self._prefix, bytes(13))
        self._associated = _associated(header, kind, number)
        self._index = 0
        self._held = bytearray()
        self._digest = hashlib.sha256() if is_hashed else None
        self._sink = store.current().create(self.object_id)
        try:
            self._put(header)
        except BaseException:
            self._sink.abandon()  # there is nobody else who could
            raise

    def _put(self, data: bytes) -> None:
        self._sink.write(data)
        if self._digest is not None:
            self._digest.update(data)

    def _seal(self, chunk: bytes | memoryview, *, is_last: bool) -> None:
        nonce = self._prefix + struct.pack(">IB", self._index, is_last)
        self._put(self._cipher.seal(nonce, chunk, self._associated))
        self._index += 1

    def write(self, data: bytes | bytearray | memoryview) -> int:
        self._held += data
        self.size += len(data)
        if (whole := (len(self._held) - 1) // CHUNK) > 0:  # never the last one: that is sealed by finish()
            with memoryview(self._held) as held:
                for start in range(0, whole * CHUNK, CHUNK):
                    self._seal(held[start : start + CHUNK], is_last=False)
            del self._held[: whole * CHUNK]
        return len(data)

    def finish(self) -> Written:
        self._seal(bytes(self._held), is_last=True)
        self._held.clear()
        self._sink.finish()
        self.closed = True
        return Written(self.object_id, self.size, self._digest.hexdigest() if self._digest is not None else "")

    def abandon(self) -> None:
        if not self.closed:
            self._sink.abandon()
            self.closed = True


if TYPE_CHECKING:

    class _Binary(io.RawIOBase, BinaryIO):
        """What io.RawIOBase is to whoever asks for a BinaryIO."""
else:
    _Binary = io.RawIOBase


class SealedReader(_Binary):
    """The content of a sealed file: readable, seekable; fetches and decrypts only the chunks asked for. Raises KeyGone, Damaged, StoreAway."""

    def __init__(
        self, cipher: Cipher, key_id: uuid.UUID, object_id: uuid.UUID, kind: str, *, number: int = 0, size: int | None = None
    ) -> None:
        super().__init__()
        self.key_id, self.object_id = key_id, object_id
        self._cipher = cipher
        self._position = 0
        self._cached: tuple[int, bytes] = (-1, b"")
        try:
            self._source = store.current().open(object_id)
        except FileNotFoundError as error:
            raise Damaged from error
        try:
            self._read_header(object_id, kind, number)
            if size is not None and size != self.size:
                raise Damaged
            if not self._source.proved:
                list(self._chunks(self._last, self._last))  # proves that the end is there
                self._source.prove()
        except BaseException:
            self._source.close()
            raise

    def _read_header(self, object_id: uuid.UUID, kind: str, number: int) -> None:
        header = self._source.head(_HEADER.size)
        sealed = self._source.size - _HEADER.size
        if len(header) < _HEADER.size or sealed < TAG:
            raise Damaged
        magic, version, cipher, _, self._step, key_id, own_id, self._prefix, _ = _HEADER.unpack(header)
        known = (magic, version, cipher, key_id, own_id) == (_MAGIC, _VERSION, _AES_256_GCM, self.key_id.bytes, object_id.bytes)
        if not known or not 0 < self._step <= 16 * 1024 * 1024:
            raise Damaged
        self._associated = _associated(header, kind, number)
        whole = self._step + TAG
        self._last = max(0, -(-sealed // whole) - 1)
        self.size = sealed - (self._last + 1) * TAG
        if sealed - self._last * whole < TAG:
            raise Damaged

    def _chunks(self, first: int, last: int) -> Iterator[bytes]:
        """The content of these chunks, in one read of the store; one that was just used is not fetched again."""
        if self._cached[0] == first:
            yield self._cached[1]
            first += 1
        if first > last:
            return
        whole = self._step + TAG
        try:
            sealed = self._source.read(_HEADER.size + first * whole, (last + 1 - first) * whole)
        except FileNotFoundError as error:
            raise Damaged from error
        for index in range(first, last + 1):
            nonce = self._prefix + struct.pack(">IB", index, index == self._last)
            start = (index - first) * whole
            self._cached = (index, self._cipher.open(nonce, sealed[start : start + whole], self._associated))
            yield self._cached[1]

    def check(self) -> None:
        """Raises KeyGone when the key has been destroyed since this was opened."""
        if keystore.get(self.key_id) is None:
            raise KeyGone

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("a position before the beginning")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        wanted = min(len(view), self.size - self._position, AT_ONCE)
        if wanted <= 0:
            return 0
        first, inside = divmod(self._position, self._step)
        done = 0
        for chunk in self._chunks(first, (self._position + wanted - 1) // self._step):
            part = chunk[inside : inside + wanted - done]
            view[done : done + len(part)] = part
            done += len(part)
            inside = 0
        self._position += done
        return done

    def read(self, size: int | None = -1, /) -> bytes:
        """Exactly so many bytes, but for the end; all that is left for none or a negative number."""
        left = max(0, self.size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        data = bytearray(wanted)
        view, done = memoryview(data), 0
        while done < wanted:
            done += self.readinto(view[done:])
        return bytes(data)

    def readall(self) -> bytes:
        return self.read()

    def chunks(self, step: int = CHUNK) -> Iterator[bytes]:
        """From the present position to the end."""
        while part := self.read(step):
            yield part

    def close(self) -> None:
        if not self.closed:
            self._source.close()
            self._cached = (-1, b"")
        super().close()
