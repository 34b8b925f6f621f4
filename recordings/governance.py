"""What an information governance lead asks of the whole service: what is kept and why, who heard what, what is gone, what left.

Facts only, for the pages and as CSV: nothing here opens anything that is sealed.
"""

import csv
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TextIO

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format

from recordings import certificates, keeping, keystore, legalhold
from recordings.accessrecord import Access
from recordings.models import DestructionCertificate, LegalHold, Recording, ResearchExport, SealedObject
from supervision.exports import neutral
from supervision.models import Programme


@dataclass(frozen=True)
class Kept:
    """A recording as the governance page lists it. `due_on` is None once it has been destroyed."""

    recording: Recording
    consent_word: str
    consent_tone: str
    due_on: dt.date | None
    hold: LegalHold | None
    hold_word: str


def kept(recordings: QuerySet[Recording], *, on: dt.date) -> list[Kept]:
    """In the order of the queryset, in a fixed number of queries."""
    related = ("family", "team__programme", "therapist", "consent", "certificate")
    rows = list(keeping.with_dates(recordings.select_related(*related)))
    held = legalhold.held_among(rows, on=on)
    found = []
    for row in rows:
        word, tone = _consent(row, on)
        is_gone = row.state == Recording.State.DESTROYED
        hold = None if is_gone else held.get(row.pk)
        words = (
            "" if hold is None else f"{'Until' if hold.agreed_at else 'Asked for: to be agreed by'} {_day(legalhold.blocks_until(hold))}"
        )
        found.append(Kept(row, word, tone, None if is_gone else keeping.due_on(row), hold, words))
    return found


def _consent(recording: Recording, on: dt.date) -> tuple[str, str]:
    consent = recording.consent
    if consent.withdrawn_at is not None:
        return f"Withdrawn {_day(timezone.localdate(consent.withdrawn_at))}", "waived"
    if consent.valid_until is None:
        return "In force", "done"
    if consent.valid_until < on:
        return f"Ended {_day(consent.valid_until)}", "overdue"
    return f"Until {_day(consent.valid_until)}", "done"


def shown(recordings: QuerySet[Recording], show: str, *, on: dt.date) -> QuerySet[Recording]:
    """Those that the filter of the page asks for."""
    if show == "all":
        return recordings
    kept_ones = recordings.exclude(state=Recording.State.DESTROYED)
    if show == "withdrawn":
        return kept_ones.filter(consent__withdrawn_at__isnull=False)
    if show == "due":
        return kept_ones.filter(pk__in=list(keeping.soon_among(kept_ones, on)))
    if show == "held":
        with_holds = kept_ones.filter(holds__isnull=False).distinct()
        return kept_ones.filter(pk__in=list(legalhold.held_among(with_holds, on=on)))
    return kept_ones


# Keys and backups


@dataclass(frozen=True)
class Fact:
    key: str
    value: str


def facts(*, on: dt.date) -> list[Fact]:
    """How content is sealed, where its keys are, and what that means for backups; with today's figures."""
    days = settings.KEYSTORE_BACKUP_DAYS
    broken_off = len(keystore.unfinished())
    safe_before = on - dt.timedelta(days=days)
    waiting = DestructionCertificate.objects.filter(backups_unreadable_on__gt=on).count()
    gone = DestructionCertificate.objects.filter(backups_unreadable_on__lte=on).count()
    files = SealedObject.objects.count()
    return [
        Fact("How it is sealed", "AES-256-GCM, piece by piece. Each recording has a random key of its own, wrapped by the service's key."),
        Fact("Where the service's key is", _key_source()),
        Fact("Where the recordings' keys are", "In a key store of their own: neither in the database nor beside the sealed files."),
        Fact("Where the sealed files are", _storage()),
        Fact("Sealed files now", f"{files:,}, of {_recordings(Recording.objects.kept().count())} not destroyed"),
        Fact(
            "Backups of the key store",
            f"Kept for {days} days at the most. Once they have gone, no backup of anything opens a destroyed recording.",
        ),
        Fact(
            "Destroyed, backups included",
            f"{_recordings(gone)}. Whatever was destroyed on {_day(safe_before)} or before can be read by nobody, from no backup.",
        ),
        Fact("Destroyed, a key may be in a backup", f"{_recordings(waiting)}; each for {days} days"),
        Fact("Destructions not yet finished", f"{broken_off:,}" + (". They are carried on every few seconds." if broken_off else "")),
        Fact("Shortest and longest time kept", _retention()),
    ]


def _recordings(count: int) -> str:
    return f"{count:,} recording{'' if count == 1 else 's'}"


def _key_source() -> str:
    if settings.VAULT_KEY:
        return "Given to the server from outside (PLUMBLINE_VAULT_KEY). Never in a backup made by Plumbline."
    return "In a file on the server, made when it was set up. Never in a backup made by Plumbline: keep a copy in a safe."


def _storage() -> str:
    if settings.S3_BUCKET:
        return "In an S3-compatible store, sealed before they leave this server."
    return "On this server's own disk. Nothing is written there before it is sealed."


def _retention() -> str:
    parts = [
        f"{programme}: {programme.retention_days_after_release} days after the feedback, {programme.retention_days_after_upload} after the upload"
        for programme in Programme.objects.order_by("name", "pk")
    ]
    return "; ".join(parts)


# CSV


RECORDINGS = (
    "recording", "family", "team", "therapist", "session_on", "uploaded_at", "state", "consent", "due_on", "hold", "destroyed_at"
)  # fmt: skip
LISTENING = (
    "recording", "family", "team", "session_on", "person", "role", "way", "purpose", "first_at", "last_at", "minutes", "seconds"
)  # fmt: skip
CERTIFICATES = (
    "certificate", "recording", "family", "team", "session_on", "reason", "note", "on_the_word_of",
    "key_destroyed_at", "destroyed_at", "backups_unreadable_on", "files", "bytes", "counts", "sha256"
)  # fmt: skip


def write_csv(stream: TextIO, headings: Iterable[str], rows: Iterable[Iterable[Any]]) -> int:
    """Writes the table so that no spreadsheet takes a cell for a formula. Returns how many rows."""
    writer = csv.writer(stream)
    writer.writerow(headings)
    count = 0
    for row in rows:
        writer.writerow([neutral(_text(value)) for value in row])
        count += 1
    return count


def recording_cells(rows: Iterable[Kept]) -> Iterable[list[Any]]:
    for row in rows:
        one = row.recording
        state = one.get_state_display()
        days = (one.session_on, one.uploaded_at, state, row.consent_word, row.due_on, row.hold_word, one.destroyed_at)
        yield [one.pk, one.family.reference, one.team, one.therapist, *days]


def listening_cells(rows: Iterable[Access]) -> Iterable[list[Any]]:
    for row in rows:
        one = row.recording
        what = (row.way_word, row.purpose, row.first_at, row.last_at, row.minutes, round(row.total_seconds))
        yield [one.pk, one.family.reference, one.team, one.session_on, row.person, row.role, *what]


def certificate_cells(rows: Iterable[DestructionCertificate]) -> Iterable[list[Any]]:
    for row in rows:
        one = row.recording
        sealed = [item for item in row.items if "object" in item]
        counts = "; ".join(f"{kind} {count}" for kind, count in certificates.counts(row).items())
        hashes = " ".join(item["sha256"] for item in sealed)
        why = (row.get_reason_display(), row.note, certificates.on_whose_word(row))
        when = (row.key_destroyed_at, row.destroyed_at, row.backups_unreadable_on)
        yield [
            row.reference,
            one.pk,
            one.family.reference,
            one.team,
            one.session_on,
            *why,
            *when,
            len(sealed),
            sum(i["size"] for i in sealed),
            counts,
            hashes,
        ]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _day(day: dt.date) -> str:
    return date_format(day, "j F Y")


def exports() -> QuerySet[ResearchExport]:
    """What was taken away for research, the latest first."""
    return ResearchExport.objects.select_related("programme", "made_by").order_by("-made_at", "pk")
