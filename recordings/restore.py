"""Putting a site back from a backup. It stays shut until the erasure log has been replayed (`replay.py`)."""

import contextlib
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from recordings import backup, erasurelog, replay, store

_BLOCK = 1024 * 1024


class CannotRestore(Exception):
    """Nothing was changed; the text says why."""


def restore(folder: Path, *, stamp: str, keys: Path | None, replace: bool) -> int:
    """Puts the database, the sealed files and the media back, and the key store where `keys` is given. How many sealed files.

    A key store that is here stays, for it knows best what was destroyed, unless `replace` is given with `keys`. Raises
    CannotRestore before anything is changed. Broken off, it can be run again; the site is shut from its first change on.
    """
    known = backup.manifests(folder)
    if stamp not in known:
        raise CannotRestore(f"There is no whole backup of that name in {folder}.")
    if found := next(backup.troubles(folder, stamp, keys=keys), None):
        raise CannotRestore(f"This backup cannot be relied on. {found}")
    if not replace and _has_tables():
        raise CannotRestore("There is a database here already. Stop Plumbline, and give --replace to put the backup in its place.")
    manifest = known[stamp]
    replay.mark_restored(is_whole=False)
    if keys is not None:
        _put_keys(keys, replace=replace)
    _put_database(folder / "database" / manifest["database"]["file"])
    count = _put_all_sealed(folder, manifest["sealed"])
    if (folder / "media").is_dir():
        shutil.copytree(folder / "media", settings.MEDIA_ROOT, dirs_exist_ok=True)
    replay.mark_restored(is_whole=True)
    return count


def _has_tables() -> bool:
    return "recordings_recording" in connection.introspection.table_names()


def _put_keys(folder: Path, *, replace: bool) -> None:
    newest = backup.newest_keys(folder)
    if newest is not None and (replace or not settings.KEYSTORE_PATH.exists()):
        _put(newest, settings.KEYSTORE_PATH)
        settings.KEYSTORE_PATH.with_name(f"{settings.KEYSTORE_PATH.name}-journal").unlink(missing_ok=True)
    theirs, ours = erasurelog.read(folder / erasurelog.NAME), erasurelog.read(erasurelog.place())
    missing = [entry for key, entry in theirs.erased.items() if key not in ours.erased]
    erasurelog.append([*missing, *(entry for key, entry in theirs.withdrawn.items() if key not in ours.withdrawn)])


def _put_database(copy: Path) -> None:
    connection.close()
    if connection.vendor != "sqlite":
        backup.run_postgres("pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "--dbname", _name(), str(copy))
        return
    place = Path(_name())
    for suffix in ("-wal", "-shm"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)
    _put(copy, place)


def _name() -> str:
    return str(settings.DATABASES["default"]["NAME"])


def _put_all_sealed(folder: Path, entries: list[dict[str, Any]]) -> int:
    """Into the store that is set now, also where it is another one than that of the backup; what is there whole is left. How many."""
    place = store.current()
    there = {str(stored.object_id): stored.size for stored in place.listing()}
    missing = [entry["id"] for entry in entries if there.get(entry["id"]) != entry["size"]]
    if isinstance(place, store.FileStore):
        place.partial.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in missing:
        copy = backup.copy_of(folder, name)
        if isinstance(place, store.FileStore):
            _put(copy, place.place(uuid.UUID(name)))
        else:
            _send(copy, place.create(uuid.UUID(name)))
    return len(missing)


def _send(copy: Path, sink: store.Sink) -> None:
    try:
        with copy.open("rb") as content:
            while block := content.read(_BLOCK):
                sink.write(block)
        sink.finish()
    finally:
        sink.abandon()


def _put(copy: Path, place: Path) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = place.with_name(f"{place.name}.partial")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    shutil.copyfile(copy, beside)
    beside.chmod(0o600)
    with beside.open("rb") as file:
        os.fsync(file.fileno())
    beside.replace(place)
    store.sync_folder(place.parent)
