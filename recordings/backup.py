"""Backups: the database, the sealed files and a manifest in one folder, the key store in another; the site key in neither.

    DIR/database/STAMP.sqlite3 (or .dump)   the database as it was at one moment
    DIR/sealed/ab/ID.sealed                 sealed files, from a folder or an S3-compatible store, copied once; those that
                                            no kept manifest names go
    DIR/media/…                             pictures and documents of courses, copied once
    DIR/manifests/STAMP.json                written last: a backup without it was broken off and does not count
    KEYS/keystore-STAMP.sqlite3             kept for KEYSTORE_BACKUP_DAYS days and no longer
    KEYS/erasures.log                       what must stay destroyed; kept for ever

Copies of keys go soon so that what is destroyed stays destroyed: without its key, the copy of a sealed file is noise.
"""

import contextlib
import datetime as dt
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from recordings import erasurelog, keystore, store
from recordings.models import Recording

_STAMP = "%Y%m%dT%H%M%SZ"
_BLOCK = 1024 * 1024
_AT_ONCE = 4 * 1024 * 1024  # what is asked of a store at once


class CannotBackUp(Exception):
    """The text says why."""


@dataclass(frozen=True)
class Made:
    """One backup: its name, and how many sealed files and bytes were copied, how many old copies of keys went."""

    stamp: str
    sealed: int
    copied: int
    bytes_copied: int
    keys_gone: int


def make(folder: Path, *, keys: Path | None, keep: int, now: dt.datetime) -> Made:
    """One backup. `keep` is how many of them, this one included, stay. Raises CannotBackUp, OSError."""
    if keep < 1:
        raise CannotBackUp("At least one backup stays: --keep must be 1 or more.")
    folder = folder.resolve()
    if folder.is_relative_to(settings.PLUMBLINE_DATA):
        raise CannotBackUp(f"What goes wrong with {settings.PLUMBLINE_DATA} goes wrong with all in it. Give a folder elsewhere.")
    if keys is not None:
        keys = keys.resolve()
        if keys.is_relative_to(settings.PLUMBLINE_DATA):
            raise CannotBackUp("The keys would lie in the data folder, with what they open. Give --keys-to a folder elsewhere.")
        if keys == folder or folder in keys.parents or keys in folder.parents:
            raise CannotBackUp("The keys would lie in the same folder as what they open. Give --keys-to a folder of its own, elsewhere.")
    with _alone(folder):
        return _make(folder, keys, keep, now)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time: to another, what this one has copied so far would be what no manifest names."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        with contextlib.suppress(OSError):  # a network folder that knows no locks
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotBackUp("Another backup to this folder is being made. Begin again once it has come to its end.") from None
        yield
    finally:
        os.close(descriptor)


def _make(folder: Path, keys: Path | None, keep: int, now: dt.datetime) -> Made:
    stamp = _free_stamp(folder, now)
    for name in ("database", "sealed", "media", "manifests"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    database = _database(folder / "database", stamp)
    before = _sums(folder)
    sealed: list[dict[str, Any]] = []
    copied = size_copied = 0
    for entry, is_new in _sealed(folder, before):
        sealed.append(entry)
        copied += is_new
        size_copied += entry["size"] if is_new else 0
    _copy_media(folder / "media")
    manifest = {
        "made_at": now.isoformat(),
        "version": settings.PLUMBLINE_VERSION,
        "database": {"file": database.name, "size": database.stat().st_size, "sha256": digest(database)},
        "storage": "s3" if settings.S3_BUCKET else "files",
        "recordings": Recording.objects.kept().count(),
        "sealed": sealed,
    }
    _write_whole(folder / "manifests" / f"{stamp}.json", json.dumps(manifest).encode())
    _prune(folder, keep)
    gone = _keys(keys, stamp, now) if keys else prune_keys(now=now)
    return Made(stamp, len(sealed), copied, size_copied, gone)


def _free_stamp(folder: Path, now: dt.datetime) -> str:
    """A name that no other backup has, also where two are made in the same second."""
    while any((folder / "database").glob(f"{now.astimezone(dt.UTC).strftime(_STAMP)}.*")):
        now += dt.timedelta(seconds=1)
    return now.astimezone(dt.UTC).strftime(_STAMP)


# The database


def _database(folder: Path, stamp: str) -> Path:
    if connection.vendor == "sqlite":
        path = folder / f"{stamp}.sqlite3"
        path.unlink(missing_ok=True)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(path)])
    else:
        path = folder / f"{stamp}.dump"
        run_postgres("pg_dump", "--format=custom", "--no-owner", f"--file={path}")
    path.chmod(0o600)
    _sync(path)
    return path


def run_postgres(tool: str, *arguments: str) -> None:
    """A PostgreSQL tool on our database. Raises CannotBackUp; nothing that it says is passed on, for it may hold rows."""
    own = settings.DATABASES["default"]
    where = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    environment = {**os.environ, **{name: str(own[key]) for name, key in where.items() if own.get(key)}}
    if shutil.which(tool) is None:
        raise CannotBackUp(f"{tool} is not installed. Install PostgreSQL's client tools.")
    done = subprocess.run([tool, *arguments], env=environment, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode:
        raise CannotBackUp(f"{tool} ended with exit code {done.returncode}. Check that it is at least as new as the server.")


# Sealed files


def _sums(folder: Path) -> dict[str, str]:
    """SHA-256 by id, of files that an earlier backup has copied; a sealed file never changes."""
    return {entry["id"]: entry["sha256"] for manifest in manifests(folder).values() for entry in manifest["sealed"]}


def _sealed(folder: Path, before: dict[str, str]) -> Iterator[tuple[dict[str, Any], bool]]:
    """What the store holds, each file copied unless an earlier backup has, and whether it was. An S3-compatible store too."""
    place = store.current()
    for stored in place.listing():
        name = str(stored.object_id)
        entry = {"id": name, "size": stored.size, "sha256": before.get(name, "")}
        copy = copy_of(folder, name)
        if copy.exists() and copy.stat().st_size == stored.size and name in before:
            yield entry, False
            continue
        with contextlib.suppress(FileNotFoundError), contextlib.closing(place.open(stored.object_id)) as source:  # destroyed meanwhile
            entry["sha256"] = _write_copy(_stretches(source), copy)
            yield entry, True


def _stretches(source: store.Source) -> Iterator[bytes]:
    at = 0
    while block := source.read(at, _AT_ONCE):
        yield block
        at += len(block)
    if at != source.size:
        raise store.StoreAway


def copy_of(folder: Path, name: str) -> Path:
    return folder / "sealed" / name[:2] / f"{name}.sealed"


def _copy(source: Path, copy: Path) -> str:
    with source.open("rb") as content:
        return _write_copy(iter(lambda: content.read(_BLOCK), b""), copy)


def _write_copy(blocks: Iterable[bytes], copy: Path) -> str:
    """Writes whole or not at all, and returns the SHA-256 of what was written."""
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = copy.with_suffix(".partial")
    total = hashlib.sha256()
    with beside.open("wb") as file:
        for block in blocks:
            total.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    beside.chmod(0o600)
    beside.replace(copy)
    return total.hexdigest()


def _copy_media(folder: Path) -> None:
    for source in settings.MEDIA_ROOT.rglob("*"):
        copy = folder / source.relative_to(settings.MEDIA_ROOT)
        if source.is_file() and not (copy.exists() and copy.stat().st_size == source.stat().st_size):
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                _copy(source, copy)


# The key store


def _keys(folder: Path, stamp: str, now: dt.datetime) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = folder / f"keystore-{stamp}.partial"
    beside.unlink(missing_ok=True)
    keystore.remember_backup(folder)
    keystore.copy_to(beside)
    beside.chmod(0o600)
    _sync(beside)
    beside.replace(folder / f"keystore-{stamp}.sqlite3")
    ours, theirs = erasurelog.read(erasurelog.place()), erasurelog.read(folder / erasurelog.NAME)
    missing = [entry for key, entry in ours.erased.items() if key not in theirs.erased]
    erasurelog.append([*missing, *(e for key, e in ours.withdrawn.items() if key not in theirs.withdrawn)], to=folder / erasurelog.NAME)
    return prune_keys(now=now)


def prune_keys(*, now: dt.datetime) -> int:
    """Removes copies of the key store that are KEYSTORE_BACKUP_DAYS old, in every folder that it was backed up to. How many."""
    oldest = now - dt.timedelta(days=settings.KEYSTORE_BACKUP_DAYS)
    gone = 0
    for folder in keystore.backup_folders():
        for path in (*folder.glob("keystore-*.sqlite3"), *folder.glob("keystore-*.partial")):
            made_at = stamped_at(path.stem.removeprefix("keystore-"))
            if made_at is not None and made_at <= oldest:
                with contextlib.suppress(FileNotFoundError):
                    _overwrite(path)
                    path.unlink()
                    gone += 1
    return gone


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(os.fstat(file.fileno()).st_size))
        file.flush()
        os.fsync(file.fileno())


# Old backups


def manifests(folder: Path) -> dict[str, dict[str, Any]]:
    """The backups in a folder by their stamps, oldest first."""
    found = sorted((folder / "manifests").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in found}


def _prune(folder: Path, keep: int) -> None:
    known = manifests(folder)
    for stamp in list(known)[:-keep]:
        (folder / "manifests" / f"{stamp}.json").unlink(missing_ok=True)
        known.pop(stamp)
    named = {entry["id"] for manifest in known.values() for entry in manifest["sealed"]}
    for path in (folder / "sealed").glob("*/*"):
        if path.stem not in named:
            path.unlink(missing_ok=True)
    for path in (folder / "database").iterdir():
        if path.stem not in known and stamped_at(path.stem):  # another's file that lies there stays
            path.unlink(missing_ok=True)


def stamped_at(stamp: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(stamp, _STAMP).replace(tzinfo=dt.UTC)
    except ValueError:
        return None


# Whether one can be relied on


def troubles(folder: Path, stamp: str, *, keys: Path | None = None) -> Iterator[str]:
    """One sentence for each thing that is wrong with a backup. Reads every byte of it."""
    manifest = manifests(folder)[stamp]
    database = folder / "database" / manifest["database"]["file"]
    if not database.exists() or digest(database) != manifest["database"]["sha256"]:
        yield f"The database {database.name} is missing or was changed."
    elif database.suffix == ".sqlite3":
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            if opened.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                yield f"The database {database.name} is not sound."
    for entry in manifest["sealed"]:
        copy = copy_of(folder, entry["id"])
        if not copy.exists():
            yield f"The sealed file {entry['id']} is missing."
        elif copy.stat().st_size != entry["size"] or digest(copy) != entry["sha256"]:
            yield f"The sealed file {entry['id']} was changed."
    if keys is not None and newest_keys(keys) is None:
        yield f"There is no copy of the key store in {keys}."


def newest_keys(folder: Path) -> Path | None:
    """The newest copy of the key store in a folder; None where there is none that is whole."""
    for path in sorted(folder.glob("keystore-*.sqlite3"), reverse=True):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened, contextlib.suppress(sqlite3.Error):
            if opened.execute("PRAGMA integrity_check").fetchone()[0] == "ok":
                return path
    return None


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _write_whole(path: Path, content: bytes) -> None:
    beside = path.with_suffix(".partial")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.chmod(0o600)
    beside.replace(path)
    store.sync_folder(path.parent)
