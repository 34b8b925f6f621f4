"""The sealed file: a header of 64 bytes and AES-256-GCM chunks of 256 KiB.

    magic "PLMB" · version · cipher · 2 bytes zero · chunk size (u32) · key (16) · object (16) · nonce prefix (7) · zeros
    nonce = prefix ‖ chunk number (u32) ‖ last-chunk flag;  associated data = header ‖ kind ‖ number

The flag stops truncation, the number reordering, the associated data a swap with another file. Any place can be read
without decrypting what comes before it. The cipher, already holding the object's own subkey, comes from `vault.py`.
"""

import hashlib
import io
import os
import struct
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from django.conf import settings

from recordings import keystore

CHUNK = 256 * 1024
TAG = 16
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
    def seal(self, nonce: bytes, content: bytes, associated: bytes) -> bytes: ...

    def open(self, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        """Raises Damaged."""


@dataclass(frozen=True)
class Written:
    """A file in its place: the object's id, the bytes of its content, the SHA-256 of the sealed file."""

    object_id: uuid.UUID
    size: int
    sha256: str


def path_of(object_id: uuid.UUID) -> Path:
    return settings.VAULT_DIR / object_id.hex[:2] / f"{object_id}.sealed"


def remove_file(object_id: uuid.UUID) -> None:
    path_of(object_id).unlink(missing_ok=True)


def key_of(path: Path) -> uuid.UUID | None:
    """The id of the key that a sealed file needs, from its header; None where there is no header."""
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
    return uuid.UUID(bytes=_HEADER.unpack(header)[5]) if len(header) == _HEADER.size else None


def make_folder(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _associated(header: bytes, kind: str, number: int) -> bytes:
    return header + kind.encode() + b"\0" + number.to_bytes(4, "big")


class SealedWriter:
    """Seals as it goes into a file beside the vault; `finish` makes it durable and puts it in its place."""

    def __init__(self, cipher: Cipher, key_id: uuid.UUID, object_id: uuid.UUID, kind: str, number: int = 0) -> None:
        self.object_id = object_id
        self.size = 0
        self.closed = False
        self._cipher = cipher
        self._prefix = os.urandom(7)
        header = _HEADER.pack(_MAGIC, _VERSION, _AES_256_GCM, 0, CHUNK, key_id.bytes, self.object_id.bytes, self._prefix, bytes(13))
        self._associated = _associated(header, kind, number)
        self._index = 0
        self._held = bytearray()
        self._digest = hashlib.sha256()
        descriptor, name = tempfile.mkstemp(prefix=f"{self.object_id}.", suffix=".partial", dir=make_folder(settings.VAULT_DIR / "partial"))
        self._partial = Path(name)
        self._file = os.fdopen(descriptor, "wb")
        self._put(header)

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        nonce = self._prefix + struct.pack(">IB", self._index, is_last)
        self._put(self._cipher.seal(nonce, chunk, self._associated))
        self._index += 1

    def write(self, data: bytes | bytearray | memoryview) -> int:
        self._held += data
        self.size += len(data)
        while len(self._held) > CHUNK:  # never the last one: that is sealed by finish()
            self._seal(bytes(self._held[:CHUNK]), is_last=False)
            del self._held[:CHUNK]
        return len(data)

    def finish(self) -> Written:
        self._seal(bytes(self._held), is_last=True)
        self._held.clear()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        place = path_of(self.object_id)
        make_folder(place.parent)
        self._partial.rename(place)
        sync_folder(place.parent)
        self.closed = True
        return Written(self.object_id, self.size, self._digest.hexdigest())

    def abandon(self) -> None:
        if not self.closed:
            self._file.close()
            self._partial.unlink(missing_ok=True)
            self.closed = True


if TYPE_CHECKING:

    class _Binary(io.RawIOBase, BinaryIO):
        """What io.RawIOBase is to whoever asks for a BinaryIO."""
else:
    _Binary = io.RawIOBase


class SealedReader(_Binary):
    """The content of a sealed file: readable, seekable; decrypts only the chunks asked for. Raises KeyGone, Damaged."""

    def __init__(
        self, cipher: Cipher, key_id: uuid.UUID, object_id: uuid.UUID, kind: str, *, number: int = 0, size: int | None = None
    ) -> None:
        super().__init__()
        self.key_id, self.object_id = key_id, object_id
        self._cipher = cipher
        try:
            self._file = path_of(object_id).open("rb")
        except FileNotFoundError as error:
            raise Damaged from error
        try:
            self._read_header(object_id, kind, number)
            if size is not None and size != self.size:
                raise Damaged
            self._chunk(self._last)  # proves that the end is there
        except BaseException:
            self._file.close()
            raise

    def _read_header(self, object_id: uuid.UUID, kind: str, number: int) -> None:
        header = self._file.read(_HEADER.size)
        sealed = os.fstat(self._file.fileno()).st_size - _HEADER.size
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
        self._position = 0
        self._cached: tuple[int, bytes] = (-1, b"")

    def _chunk(self, index: int) -> bytes:
        if self._cached[0] != index:
            self._file.seek(_HEADER.size + index * (self._step + TAG))
            nonce = self._prefix + struct.pack(">IB", index, index == self._last)
            self._cached = (index, self._cipher.open(nonce, self._file.read(self._step + TAG), self._associated))
        return self._cached[1]

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
        done = 0
        while done < len(view) and self._position < self.size:
            index, inside = divmod(self._position, self._step)
            part = self._chunk(index)[inside : inside + len(view) - done]
            view[done : done + len(part)] = part
            done += len(part)
            self._position += len(part)
        return done

    def chunks(self, step: int = CHUNK) -> Iterator[bytes]:
        """From the present position to the end."""
        while part := self.read(step):
            yield part

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            self._cached = (-1, b"")
        super().close()
