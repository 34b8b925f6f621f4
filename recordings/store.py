"""Where sealed files lie: in a folder (here), or in an S3-compatible store (`s3.py`). Knows bytes and places, and nothing of keys.

A file is written once, under an id that no other file ever had, and is durable when `finish` returns.
"""

import contextlib
import datetime as dt
import errno
import os
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.conf import settings

from recordings import keystore


class StoreAway(OSError):
    """The store does not answer, or its folder is not there."""

    def __init__(
        self,
        message: str = "The place where sealed recordings lie does not answer. Nothing is lost. Try again in a few minutes; "
        "if it stays so, tell the person who runs Plumbline.",
    ) -> None:
        super().__init__(message)


class Sink(Protocol):
    """A file on its way in."""

    def write(self, data: bytes) -> object: ...

    def finish(self) -> None:
        """Makes it durable and puts it in its place."""

    def abandon(self) -> None:
        """Leaves nothing of it. Never raises."""


class Source(Protocol):
    """A file that is read. `proved` says that its end has been seen before, so that it need not be looked at again."""

    size: int
    proved: bool

    def head(self, length: int) -> bytes: ...

    def read(self, offset: int, length: int) -> bytes:
        """At most so many bytes. Raises FileNotFoundError when it has gone, or is another file than was opened; StoreAway."""

    def prove(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Stored:
    object_id: uuid.UUID
    size: int
    stored_at: dt.datetime


class Store(Protocol):
    def create(self, object_id: uuid.UUID) -> Sink: ...

    def open(self, object_id: uuid.UUID) -> Source:
        """Raises FileNotFoundError, StoreAway."""

    def remove(self, object_id: uuid.UUID) -> None:
        """Does nothing where there is none."""

    def listing(self) -> Iterator[Stored]:
        """All files that are in their place, in no order."""

    def clear_partial(self, *, before: dt.datetime) -> int:
        """Removes what was begun before that moment and never finished. Returns how many."""


def current() -> Store:
    if settings.S3_BUCKET:
        from recordings.s3 import S3Store

        return S3Store(settings.S3_BUCKET, settings.S3_PREFIX)
    return FileStore(settings.VAULT_DIR)


def id_in(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(name.removesuffix(".sealed")) if name.endswith(".sealed") else None
    except ValueError:
        return None


# In a folder

_begun: set[tuple[Path, Path]] = set()  # vaults of which this process knows that their key store knows them
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def _reaching() -> Iterator[None]:
    """A full disk stays what it is; whatever else the system says against the folder means that it cannot be reached."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL or isinstance(error, StoreAway):
            raise
        raise StoreAway from error


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FileStore:
    """Two levels of folders under the vault's. The folder "partial" in it also tells a vault from the empty place where one is not mounted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.partial = folder / "partial"

    def place(self, object_id: uuid.UUID) -> Path:
        return self.folder / object_id.hex[:2] / f"{object_id}.sealed"

    def create(self, object_id: uuid.UUID) -> "_FileSink":
        with _reaching():
            if (settings.KEYSTORE_PATH, self.folder) not in _begun or not self.partial.is_dir():
                self._begin()
            return _FileSink(self, object_id)

    def _begin(self) -> None:
        """The vault's first file. A folder that had files, and now looks as if it never had, is not the vault's.

        The mark is read before the folder is looked at, because whoever sets it has made the folder: several may begin at once.
        """
        has_had_files = keystore.marked("vault") is not None
        if not self.partial.is_dir():
            if has_had_files:
                raise StoreAway
            self.partial.mkdir(mode=0o700, parents=True, exist_ok=True)
        keystore.mark("vault", "files")
        _begun.add((settings.KEYSTORE_PATH, self.folder))

    def open(self, object_id: uuid.UUID) -> "_FileSource":
        try:
            return _FileSource(self.place(object_id))
        except FileNotFoundError:
            if self.partial.is_dir():
                raise
            raise StoreAway from None
        except OSError as error:
            raise StoreAway from error

    def remove(self, object_id: uuid.UUID) -> None:
        with _reaching():
            self.place(object_id).unlink(missing_ok=True)

    def listing(self) -> Iterator[Stored]:
        for path in self.folder.glob("??/*.sealed"):
            object_id = id_in(path.name)
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                if object_id is not None:
                    yield Stored(object_id, status.st_size, dt.datetime.fromtimestamp(status.st_mtime, dt.UTC))

    def clear_partial(self, *, before: dt.datetime) -> int:
        gone = 0
        for path in self.partial.glob("*.partial"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    gone += 1
        return gone


class _FileSink:
    def __init__(self, store: FileStore, object_id: uuid.UUID) -> None:
        self._place = store.place(object_id)
        descriptor, name = tempfile.mkstemp(prefix=f"{object_id}.", suffix=".partial", dir=store.partial)
        self._partial = Path(name)
        self._file = os.fdopen(descriptor, "wb")

    def write(self, data: bytes) -> object:
        with _reaching():
            return self._file.write(data)

    def finish(self) -> None:
        with _reaching():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._place.parent.mkdir(mode=0o700, exist_ok=True)
            self._partial.rename(self._place)
            sync_folder(self._place.parent)

    def abandon(self) -> None:
        with contextlib.suppress(OSError):  # what a full disk could not take
            self._file.close()
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)


class _FileSource:
    proved = False

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size

    def head(self, length: int) -> bytes:
        return self.read(0, length)

    def read(self, offset: int, length: int) -> bytes:
        with _reaching():
            data = os.pread(self._file.fileno(), length, offset)
            while data and len(data) < length and (more := os.pread(self._file.fileno(), length - len(data), offset + len(data))):
                data += more
        return data

    def prove(self) -> None:
        """Nothing is remembered: the next opening looks again."""

    def close(self) -> None:
        self._file.close()
