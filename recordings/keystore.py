"""The key store: wrapped data keys, and the ledger of keys that were destroyed.

A SQLite file of its own, apart from the database and from the sealed files, with a backup life of its own. Whoever
destroys a key here makes every copy of what it sealed unreadable, in backups too. Written with `secure_delete`, no
write-ahead log and a journal that is wiped after a destruction, so that no copy of a destroyed key stays in the folder.

Every call opens its own connection: safe in threads and in forked workers, and a destroyed key is gone for everybody at once.
"""

import contextlib
import datetime as dt
import json
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from recordings import erasurelog

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, purpose TEXT NOT NULL, wrapped BLOB NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS erasures (
    id TEXT PRIMARY KEY, reason TEXT NOT NULL, note TEXT NOT NULL, person INTEGER, destroyed_at TEXT NOT NULL, completed_at TEXT
);
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


_BACKUPS = "backup folders"
SITE_KEY = "site key"  # the mark that says under which one the keys are wrapped


@dataclass(frozen=True)
class Erasure:
    """A key that was destroyed, and whether all that hung on it has been cleared away."""

    id: uuid.UUID
    reason: str
    note: str
    person: int | None
    destroyed_at: dt.datetime


def _journal() -> Path:
    return settings.KEYSTORE_PATH.with_name(settings.KEYSTORE_PATH.name + "-journal")


@contextlib.contextmanager
def _connection() -> Iterator[sqlite3.Connection]:
    path: Path = settings.KEYSTORE_PATH
    if not path.exists():
        _create(path)
    connection = sqlite3.connect(path, timeout=20, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=PERSIST")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'marks'").fetchone():
            connection.executescript(_SCHEMA)
        yield connection
    finally:
        connection.close()


def _create(path: Path) -> None:
    """For its owner alone. Made beside its place and linked there: closing the file itself would end the locks that SQLite holds on it
    for another thread of this process."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with contextlib.suppress(FileExistsError):  # another was first
        path.hardlink_to(beside)
    beside.unlink()


@contextlib.contextmanager
def _writing() -> Iterator[sqlite3.Connection]:
    with _connection() as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


class OtherKey(Exception):
    """The store was made, or has been re-wrapped, under another site key."""


def add(key_id: uuid.UUID, wrapped: bytes, *, purpose: str, under: list[str]) -> bool:
    """Keeps a wrapped key; false when there is one already, or was one that has been destroyed.

    `under` are the marks of the site keys at hand, the one that wrapped it first. Raises OtherKey where the store has another.
    """
    now = dt.datetime.now(dt.UTC).isoformat()
    with _writing() as connection:
        connection.execute("INSERT OR IGNORE INTO marks (name, value) VALUES (?, ?)", (SITE_KEY, under[0]))
        if connection.execute("SELECT value FROM marks WHERE name = ?", (SITE_KEY,)).fetchone()[0] not in under:
            raise OtherKey
        if connection.execute("SELECT 1 FROM erasures WHERE id = ?", (key_id.hex,)).fetchone():
            return False
        values = (key_id.hex, purpose, wrapped, now)
        return connection.execute("INSERT OR IGNORE INTO keys (id, purpose, wrapped, created_at) VALUES (?, ?, ?, ?)", values).rowcount == 1


def is_empty() -> bool:
    with _connection() as connection:
        return not connection.execute("SELECT EXISTS (SELECT 1 FROM keys) OR EXISTS (SELECT 1 FROM erasures)").fetchone()[0]


def rewrap(again: Callable[[bytes], bytes], *, mark: str) -> int:
    """Every wrapped key through `again`, and the store marked as being under another site key: all of it, or nothing.

    Returns how many keys there are. A process that is killed in between leaves the store as it was; so does whatever `again` raises.
    """
    with _writing() as connection:
        rows = connection.execute("SELECT id, wrapped FROM keys ORDER BY id").fetchall()
        for key_id, wrapped in rows:
            connection.execute("UPDATE keys SET wrapped = ? WHERE id = ?", (again(wrapped), key_id))
        connection.execute("INSERT OR REPLACE INTO marks (name, value) VALUES (?, ?)", (SITE_KEY, mark))
    _wipe_journal()
    return len(rows)


def settle(key_id: uuid.UUID, *, purpose: str) -> None:
    """What the key was made for has come about."""
    with _writing() as connection:
        connection.execute("UPDATE keys SET purpose = ? WHERE id = ?", (purpose, key_id.hex))


def get(key_id: uuid.UUID) -> bytes | None:
    with _connection() as connection:
        row = connection.execute("SELECT wrapped FROM keys WHERE id = ?", (key_id.hex,)).fetchone()
    return row[0] if row else None


def remove(key_id: uuid.UUID) -> None:
    """Removes the key without an entry in the ledger: for uploads that came to nothing."""
    with _writing() as connection:
        connection.execute("DELETE FROM keys WHERE id = ?", (key_id.hex,))
    _wipe_journal()


def erase(key_id: uuid.UUID, *, reason: str, note: str, person: int | None, at: dt.datetime) -> dt.datetime:
    """Destroys the key and enters that in the ledger, in one step. Returns when it was (first) destroyed."""
    with _writing() as connection:
        connection.execute("DELETE FROM keys WHERE id = ?", (key_id.hex,))
        values = (key_id.hex, reason, note, person, at.isoformat())
        connection.execute("INSERT OR IGNORE INTO erasures (id, reason, note, person, destroyed_at) VALUES (?, ?, ?, ?, ?)", values)
        first = connection.execute("SELECT destroyed_at FROM erasures WHERE id = ?", (key_id.hex,)).fetchone()[0]
    _wipe_journal()
    destroyed_at = dt.datetime.fromisoformat(first)
    erasurelog.append_everywhere(erasurelog.Erased(key_id, reason, person, destroyed_at), copies=backup_folders())
    return destroyed_at


def complete(key_id: uuid.UUID, *, at: dt.datetime) -> None:
    """Everything that hung on the destroyed key has been cleared away; the note is no longer needed here."""
    with _writing() as connection:
        connection.execute("UPDATE erasures SET completed_at = ?, note = '' WHERE id = ?", (at.isoformat(), key_id.hex))


def erasures() -> list[Erasure]:
    """All destructions, oldest first, as they were at one moment."""
    return _erasures("TRUE")


def unfinished() -> list[Erasure]:
    """Destructions that were begun and not finished, oldest first."""
    return _erasures("completed_at IS NULL")


def finished() -> list[Erasure]:
    return _erasures("completed_at IS NOT NULL")


def _erasures(condition: str) -> list[Erasure]:
    with _connection() as connection:
        rows = connection.execute(
            f"SELECT id, reason, note, person, destroyed_at FROM erasures WHERE {condition} ORDER BY destroyed_at, id"  # noqa: S608 (ours)
        ).fetchall()
    return [Erasure(uuid.UUID(i), reason, note, person, dt.datetime.fromisoformat(at)) for i, reason, note, person, at in rows]


def is_erased(key_id: uuid.UUID) -> bool:
    """Whether the ledger says that it was destroyed. A key that is neither here nor there is missing."""
    with _connection() as connection:
        return connection.execute("SELECT 1 FROM erasures WHERE id = ?", (key_id.hex,)).fetchone() is not None


def older_than(moment: dt.datetime, *, purpose: str) -> list[uuid.UUID]:
    with _connection() as connection:
        rows = connection.execute(
            "SELECT id FROM keys WHERE purpose = ? AND created_at < ? ORDER BY created_at, id",
            (purpose, moment.astimezone(dt.UTC).isoformat()),
        ).fetchall()
    return [uuid.UUID(row[0]) for row in rows]


def marked(name: str) -> str | None:
    """The value of a mark; None where it was never set."""
    with _connection() as connection:
        row = connection.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else None


def mark(name: str, value: str) -> str:
    """Sets a mark once, and returns the value that it has from then on."""
    found = marked(name)
    if found is not None:
        return found
    with _writing() as connection:
        connection.execute("INSERT OR IGNORE INTO marks (name, value) VALUES (?, ?)", (name, value))
        return str(connection.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()[0])


def backup_folders() -> list[Path]:
    """The folders that this store has been backed up to."""
    return [Path(folder) for folder in json.loads(marked(_BACKUPS) or "[]")]


def remember_backup(folder: Path) -> None:
    with _writing() as connection:
        row = connection.execute("SELECT value FROM marks WHERE name = ?", (_BACKUPS,)).fetchone()
        folders = sorted({*json.loads(row[0] if row else "[]"), str(folder)})
        connection.execute("INSERT OR REPLACE INTO marks (name, value) VALUES (?, ?)", (_BACKUPS, json.dumps(folders)))


def copy_to(path: Path) -> None:
    """A whole copy of the store as it is at this moment; nothing of what was erased before is in it."""
    with _connection() as connection:
        connection.execute("VACUUM INTO ?", (str(path),))


def _wipe_journal() -> None:
    """The rollback journal still holds the page as it was. Overwrites it while nobody else can be writing."""
    journal = _journal()
    with _connection() as connection:
        connection.execute("BEGIN EXCLUSIVE")
        try:
            with contextlib.suppress(FileNotFoundError), journal.open("r+b") as file:
                file.write(bytes(os.fstat(file.fileno()).st_size))
                file.flush()
                os.fsync(file.fileno())
        finally:
            connection.execute("ROLLBACK")
