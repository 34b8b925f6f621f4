"""Putting a site back from a backup. It stays shut until the erasure log has been replayed (`replay.py`)."""

import contextlib
import os
import shutil
from pathlib import Path

from django.conf import settings
from django.db import connection

from recordings import backup, erasurelog, replay, store


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
    count = sum(_put_sealed(folder, entry["id"]) for entry in manifest["sealed"]) if manifest["storage"] == "files" else 0
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


def _put_sealed(folder: Path, name: str) -> bool:
    files = store.FileStore(settings.VAULT_DIR)
    files.partial.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = files.folder / name[:2] / f"{name}.sealed"
    if place.exists():
        return False
    place.parent.mkdir(mode=0o700, exist_ok=True)
    _put(backup.copy_of(folder, name), place)
    return True


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
