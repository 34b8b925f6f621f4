"""After a restore: what was destroyed or withdrawn since the backup was made is destroyed again, before anybody sees the site.

A database, a key store or both from a backup know nothing of what was destroyed later. The erasure log does. As long as it
names something that is not destroyed here, the site is shut: no page, no work on recordings. `manage.py replay_erasures` and
every `manage.py tick` destroy it again and open the site.
"""

import contextlib
import datetime as dt
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from django.conf import settings

from recordings import casefile, destruction, erasurelog, keystore, narrowing, withdrawal
from recordings.models import Consent, FamilyKey, Recording
from supervision.models import User

SHUT = (
    "Plumbline is being put back from a backup, and stays closed until everything that was destroyed since then has been "
    "destroyed again. This takes a few minutes. Please come back then."
)
_LOOK_EVERY = 10.0  # seconds for which "open" is taken for granted
T = TypeVar("T")
_HALFWAY, _RESTORED = "halfway", "restored"


@dataclass(frozen=True)
class Replayed:
    """How many keys, recordings and consents there were to be destroyed or closed again."""

    keys: int
    recordings: int
    consents: int


class Halfway(Exception):
    """A restore is under way or was broken off."""

    def __init__(self) -> None:
        super().__init__(
            "A restore was begun and did not come to its end. Run `manage.py restore` again; the site stays closed until then."
        )


class NoLog(Exception):
    """A folder was named for its erasure log, and there is none to be read: what it would have said may come back to life."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"There is no {erasurelog.NAME} to be read in {folder}. Nothing was done, and the site is as it was.")


def _marker() -> Path:
    return settings.KEYSTORE_PATH.with_name("restored")


def mark_restored(*, is_whole: bool) -> None:
    """That what is here comes from a backup: first half of it, then all."""
    _marker().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _marker().write_text(_RESTORED if is_whole else _HALFWAY)


# Whether the site may open


class _Verdict:
    """The last answer of this process, so that not every request asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: tuple[Path, float] = (Path(), 0.0)

    def is_open(self) -> bool:
        store, until = self._open
        if store == settings.KEYSTORE_PATH and time.monotonic() < until:
            return True
        with self._lock:
            found = is_shut()
            self._open = (settings.KEYSTORE_PATH, 0.0 if found else time.monotonic() + _LOOK_EVERY)
        return not found


_verdict = _Verdict()


def is_open() -> bool:
    """Whether pages may be shown and recordings worked on. An answer of yes may be ten seconds old."""
    return _verdict.is_open()


def is_shut() -> bool:
    """Whether this site comes from a backup and the erasure log has not been replayed since. Asks afresh."""
    if _marker().exists():
        return True
    log = _logs()
    known = {row.id for row in keystore.erasures()}
    if log.erased.keys() - known:
        return True
    finished = [row.id for row in keystore.finished()]
    if any(Recording.objects.kept().filter(pk__in=some).exists() for some in _batches(finished)):
        return True
    return bool(_to_withdraw(log))


def _logs(also: Iterable[Path] = ()) -> erasurelog.Log:
    copies = [folder / erasurelog.NAME for folder in (*keystore.backup_folders(), *also)]
    return erasurelog.read(erasurelog.place(), *copies)


def _batches(items: list[T], size: int = 500) -> Iterable[list[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _to_withdraw(log: erasurelog.Log) -> list[tuple[Consent, erasurelog.Withdrawn]]:
    """What the log says was taken back and is not here: whole consents, and single purposes of some."""
    found = []
    for entries in _batches(list(log.withdrawn.values())):
        numbers = [entry.consent for entry in entries]
        still = {(row.pk, row.recorded_at): row for row in Consent.objects.filter(pk__in=numbers, withdrawn_at__isnull=True)}
        for entry in entries:
            consent = still.get((entry.consent, entry.recorded_at))
            if consent is not None and entry.purpose not in consent.ended_purposes:
                found.append((consent, entry))
    return sorted(found, key=lambda pair: pair[1].purpose)  # whole consents first: nothing is left to be narrowed in those


def _take_back(consent: Consent, entry: erasurelog.Withdrawn) -> None:
    if not entry.purpose:
        withdrawal.withdraw(consent=consent, channel=entry.channel, by=None, now=entry.at)
        return
    with contextlib.suppress(narrowing.NarrowingRefused):  # it was withdrawn altogether, just now
        narrowing.narrow(consent=consent, purposes=[entry.purpose], channel=entry.channel, by=None, now=entry.at)


# Doing it again


def replay(*, now: dt.datetime, also: Iterable[Path] = ()) -> Replayed:
    """Destroys again what the erasure log names, here, in the backups of the key store that are known, and in the folders `also`.

    Consents first, so that nothing begins under them; then keys; then what hung on them. Safe to break off and to repeat.
    One that breaks off stops no other; its error is raised in the end, and the site stays shut. Raises Halfway and, where one of
    `also` has no log, NoLog.
    """
    also = list(also)
    for folder in also:
        if not os.access(folder / erasurelog.NAME, os.R_OK) or not (folder / erasurelog.NAME).is_file():
            raise NoLog(folder)
    if _marker().exists() and _marker().read_text() == _HALFWAY:
        raise Halfway
    log = _logs(also)
    for row in keystore.erasures():
        log.add(erasurelog.Erased(row.id, row.reason, row.person, row.destroyed_at))
    came_back = {key_id for key_id in log.erased if keystore.get(key_id) is not None}
    kept_before = Recording.objects.kept().count()
    consents = _to_withdraw(log)
    each = destruction.EachByItself()
    for consent, entry in consents:
        with each:
            _take_back(consent, entry)
    known = {row.id for row in keystore.erasures()}
    for erased in log.erased.values():
        with each:
            if erased.id in known and keystore.get(erased.id) is None:
                continue
            keystore.erase(erased.id, reason=erased.reason, note="", person=erased.person, at=erased.at)
    for ids in _batches(list(log.erased)):
        for recording in Recording.objects.kept().filter(pk__in=ids).order_by("uploaded_at", "pk"):
            erased = log.erased[recording.pk]
            by = User.objects.filter(pk=erased.person).first() if erased.person else None
            with each:
                destruction.destroy(recording=recording, reason=erased.reason, by=by, now=now)
        for family in FamilyKey.objects.filter(pk__in=ids, destroyed_at__isnull=True).select_related("family").order_by("pk"):
            with each:
                casefile.clear(family, at=log.erased[family.pk].at)
    _bring_up_to_date(log)
    each.settle()
    _marker().unlink(missing_ok=True)
    return Replayed(len(came_back), kept_before - Recording.objects.kept().count(), len(consents))


def _bring_up_to_date(log: erasurelog.Log) -> None:
    """What only one of the logs or the key store knew is in ours from now on."""
    ours = erasurelog.read(erasurelog.place())
    missing = [entry for entry in log.erased.values() if entry.id not in ours.erased]
    erasurelog.append([*missing, *(entry for key, entry in log.withdrawn.items() if key not in ours.withdrawn)])
