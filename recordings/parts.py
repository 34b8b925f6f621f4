"""The parts of a resumable upload: sealed stretches of what a client sends, and all of them read as one stream."""

import bisect
import datetime as dt
import functools
import io
import time
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from recordings import keystore, sealedfile, vault
from recordings.models import Recording, SealedObject, Upload, UploadPart
from recordings.sealedfile import SealedReader

KEY = "upload"  # what the key is for, in the key store
STEP = 1024 * 1024
# A part is closed when it is this large or this old: so much is lost at most when the service is killed.
PART_BYTES = 32 * 1024 * 1024
PART_SECONDS = 2

Read = Callable[[int], bytes]


class Incoming:
    """What is left of a request's body: `size` bytes at most, from `read`. Knows when the client went away."""

    def __init__(self, read: Read, size: int, digest: Any = None) -> None:
        self.left = size
        self.is_broken = False
        self._read = read
        self._digest = digest

    def stretch(self) -> Iterator[bytes]:
        """The bytes of one part, as they come."""
        room, until = PART_BYTES, time.monotonic() + PART_SECONDS
        while self.left and room and time.monotonic() < until:
            try:
                data = self._read(min(STEP, self.left, room))
            except OSError:  # the client went away, or said nothing for too long
                data = b""
            if not data:
                self.is_broken = True
                return
            self.left -= len(data)
            room -= len(data)
            if self._digest is not None:
                self._digest.update(data)
            yield data


def seal(upload: Upload, number: int, incoming: Incoming) -> UploadPart | None:
    """The next part, durable; its row is for the caller to save. None when nothing more came. Raises KeyGone, OSError."""
    chunks = incoming.stretch()
    first = next(chunks, None)
    if first is None:
        return None
    written = vault.seal_apart(upload.pk, _kind(number), _chain(first, chunks), is_hashed=False)
    return UploadPart(upload=upload, number=number, object_id=written.object_id, size=written.size)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _kind(number: int) -> str:
    return f"{KEY} {number}"


def remove(parts: list[UploadPart]) -> None:
    """The files of parts that did not count."""
    for part in parts:
        sealedfile.tidy_away(part.object_id)


def clear(upload_id: uuid.UUID) -> None:
    """Destroys what has come of an upload: its key first, then its files, then their rows. Doing it again does no harm."""
    keystore.remove(upload_id)
    rows = UploadPart.objects.filter(upload_id=upload_id).order_by("number")
    remove(list(rows))
    rows.order_by().delete()


if TYPE_CHECKING:

    class _Binary(io.RawIOBase, BinaryIO):
        """What io.RawIOBase is to whoever asks for a BinaryIO."""
else:
    _Binary = io.RawIOBase


class Gathered:
    """The parts of an upload as one thing that came in (`uploads.Staged`)."""

    def __init__(self, upload: Upload, parts: list[UploadPart]) -> None:
        self._upload = upload
        self._parts = parts

    @property
    def size(self) -> int:
        return sum(part.size for part in self._parts)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Reads everything once."""
        digest = vault.new_fingerprint()
        with self.open() as content:
            for data in _chunks(content):
                digest.update(data)
        return digest.hexdigest()

    def open(self) -> BinaryIO:
        """Raises KeyGone, Damaged; so does reading."""
        return _PartsReader(self._upload, self._parts)

    def promote(self, recording: Recording, *, now: dt.datetime) -> SealedObject:
        with self.open() as content:
            return vault.seal_original(recording, _chunks(content), now=now)


def _chunks(content: BinaryIO) -> Iterator[bytes]:
    while data := content.read(STEP):
        yield data


class _PartsReader(_Binary):
    """Part after part; one file is open at a time."""

    def __init__(self, upload: Upload, parts: list[UploadPart]) -> None:
        super().__init__()
        self._upload, self._parts = upload, parts
        self._starts = [0]
        for part in parts:
            self._starts.append(self._starts[-1] + part.size)
        self._position = 0
        self._opened: tuple[int, SealedReader] | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}[whence]
        if start + offset < 0:
            raise ValueError("a position before the beginning")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        done = 0
        while done < len(view) and self._position < self._starts[-1]:
            index = bisect.bisect_right(self._starts, self._position) - 1
            reader = self._part(index)
            reader.seek(self._position - self._starts[index])
            came = reader.readinto(view[done:])
            if not came:
                raise vault.Damaged
            done += came
            self._position += came
        return done

    def _part(self, index: int) -> SealedReader:
        if self._opened is None or self._opened[0] != index:
            self._close_part()
            part = self._parts[index]
            reader = vault.open_apart(self._upload.pk, part.object_id, _kind(part.number))
            if reader.size != part.size:
                reader.close()
                raise vault.Damaged
            self._opened = (index, reader)
        return self._opened[1]

    def _close_part(self) -> None:
        if self._opened is not None:
            self._opened[1].close()
            self._opened = None

    def close(self) -> None:
        self._close_part()
        super().close()
