"""The erasure log: what must stay destroyed, written where no backup of the database or of the keys can undo it.

One line of JSON for each key that was destroyed, and for each consent or purpose of one that was withdrawn: ids, a reason's name and
times, nothing else. It lies beside the key store, and again in every folder that the key store is backed up to. It is only ever
added to.
"""

import contextlib
import datetime as dt
import json
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

NAME = "erasures.log"


@dataclass(frozen=True)
class Erased:
    """A key that was destroyed."""

    id: uuid.UUID
    reason: str
    person: int | None
    at: dt.datetime


@dataclass(frozen=True)
class Withdrawn:
    """A consent that was taken back, or one purpose of it. `recorded_at` tells it from another one of the same number in another
    database."""

    consent: int
    recorded_at: dt.datetime
    channel: str
    at: dt.datetime
    purpose: str = ""  # all of it


Key = tuple[int, dt.datetime, str]


def key(consent: int, recorded_at: dt.datetime, purpose: str = "") -> Key:
    """By which the log knows what was taken back."""
    return consent, recorded_at, purpose


@dataclass
class Log:
    erased: dict[uuid.UUID, Erased] = field(default_factory=dict)
    withdrawn: dict[Key, Withdrawn] = field(default_factory=dict)

    def add(self, entry: Erased | Withdrawn) -> None:
        if isinstance(entry, Erased):
            self.erased.setdefault(entry.id, entry)
        else:
            self.withdrawn.setdefault(key(entry.consent, entry.recorded_at, entry.purpose), entry)

    def entries(self) -> list[Erased | Withdrawn]:
        return [*self.erased.values(), *self.withdrawn.values()]


def place() -> Path:
    return settings.KEYSTORE_PATH.with_name(NAME)


def append(entries: Iterable[Erased | Withdrawn], *, to: Path | None = None) -> None:
    """Adds lines, durable when this returns. A line that is there twice says the same twice. Raises OSError."""
    lines = "".join(json.dumps(_as_json(entry)) + "\n" for entry in entries)
    if not lines:
        return
    path = to or place()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600)
    try:
        end = os.fstat(descriptor).st_size
        if end and os.pread(descriptor, 1, end - 1) != b"\n":  # a line that a crash cut short
            lines = "\n" + lines
        os.write(descriptor, lines.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_everywhere(entry: Erased | Withdrawn, *, copies: Iterable[Path]) -> None:
    """Beside the key store, and to the folders of its backups that can be reached; the next backup brings the others up to date."""
    append([entry])
    for folder in copies:
        with contextlib.suppress(OSError):
            if folder.is_dir():
                append([entry], to=folder / NAME)


def read(*paths: Path) -> Log:
    """What these logs say together; a file that is not there says nothing. Lines that make no sense are left out."""
    log = Log()
    for path in paths:
        with contextlib.suppress(OSError):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValueError, KeyError, TypeError):
                    log.add(_from_json(json.loads(line)))
    return log


def _as_json(entry: Erased | Withdrawn) -> dict[str, Any]:
    if isinstance(entry, Erased):
        return {"erased": str(entry.id), "reason": entry.reason, "person": entry.person, "at": entry.at.isoformat()}
    recorded = entry.recorded_at.isoformat()
    line = {"withdrawn": entry.consent, "recorded_at": recorded, "channel": entry.channel, "at": entry.at.isoformat()}
    return {**line, "purpose": entry.purpose} if entry.purpose else line


def _from_json(line: dict[str, Any]) -> Erased | Withdrawn:
    at = dt.datetime.fromisoformat(line["at"])
    if "erased" in line:
        return Erased(uuid.UUID(line["erased"]), line["reason"], line["person"], at)
    return Withdrawn(line["withdrawn"], dt.datetime.fromisoformat(line["recorded_at"]), line["channel"], at, line.get("purpose", ""))
