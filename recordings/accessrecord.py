"""The access record: who heard or read what of a recording or took it away, when, and what for. Kept after destruction; it holds
no word of it. Reading is a line a day for each purpose (`reading.py`); every file that was taken away has its own."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.utils import timezone

from recordings import listening, reading
from recordings.listening import Interval
from recordings.models import HeardInterval, Recording, SentInterval
from supervision.models import Membership, User

PLAYED, SENT, READ, TAKEN = "played", "sent", "read", "taken"
WAYS = {PLAYED: "Played", SENT: "Sent to the browser", READ: "Transcript read"}


@dataclass
class Access:
    """What one person did with one recording in one way, for one purpose."""

    recording: Recording
    person: User
    way: str
    purpose: str
    first_at: dt.datetime
    last_at: dt.datetime
    stretches: list[Interval] = field(default_factory=list)
    role: str = ""
    what: str = ""  # of a file that was taken away: "Taken away as Word"

    @property
    def way_word(self) -> str:
        return self.what or WAYS[self.way]

    @property
    def minutes(self) -> str:
        """ "0:00 to 4:10, 12:10 to 14:55" """
        return ", ".join(f"{_position(start)} to {_position(end)}" for start, end in self.stretches)

    @property
    def total_ms(self) -> int:
        return sum(end - start for start, end in self.stretches)

    @property
    def total_seconds(self) -> float:
        return self.total_ms / 1000


def of(recording: Recording) -> list[Access]:
    """Everybody's, in the order in which they began."""
    return _collect(Recording.objects.filter(pk=recording.pk), lines=reading.lines(recording=recording))


def among(
    recordings: QuerySet[Recording], *, person: User | None = None, since: dt.date | None = None, until: dt.date | None = None
) -> list[Access]:
    """Of several recordings, what fell at least in part between two days, inclusive; the latest first."""
    found = _collect(recordings, lines=reading.lines(person=person), person=person)
    within = [
        row
        for row in found
        if (since is None or timezone.localdate(row.last_at) >= since) and (until is None or timezone.localdate(row.first_at) <= until)
    ]
    return sorted(within, key=lambda row: row.last_at, reverse=True)


def _collect(recordings: QuerySet[Recording], *, lines: Iterable[reading.Line], person: User | None = None) -> list[Access]:
    by_key: dict[tuple[object, ...], Access] = {}

    def note(recording: Recording, who: User, way: str, purpose: str, first: dt.datetime, last: dt.datetime, span: Interval | None) -> None:
        row = by_key.setdefault((recording.pk, who.pk, way, purpose), Access(recording, who, way, purpose, first, last))
        row.first_at, row.last_at = min(row.first_at, first), max(row.last_at, last)
        if span:
            row.stretches.append(span)

    ids = recordings.order_by().values("pk")
    for model, way in ((HeardInterval, PLAYED), (SentInterval, SENT)):
        rows = model.objects.filter(recording__in=ids).select_related("recording__family", "recording__team", "person")
        if person is not None:
            rows = rows.filter(person=person)
        for one in rows.order_by("pk"):
            said = one.purpose if isinstance(one, HeardInterval) else listening.CLIP if one.clip is not None else ""
            purpose = listening.purpose_word(said)
            note(one.recording, one.person, way, purpose, one.first_at, one.last_at, (one.start_ms, one.end_ms))
    for number, (recording, reader, line) in enumerate(_known(lines, recordings)):
        if line.what:
            by_key[TAKEN, number] = Access(recording, reader, TAKEN, line.purpose, line.at, line.at, what=line.what)
        else:
            note(recording, reader, READ, line.purpose, line.at, line.at, None)
    found = sorted(by_key.values(), key=lambda row: (row.first_at, row.person.pk, row.way))
    for row in found:
        row.stretches = listening.merged(row.stretches, join=listening.JOIN_MS)
    _add_roles(found)
    return found


def _known(lines: Iterable[reading.Line], recordings: QuerySet[Recording]) -> Iterable[tuple[Recording, User, reading.Line]]:
    lines = list(lines)
    known = {one.pk: one for one in recordings.filter(pk__in={line.recording_id for line in lines}).select_related("family", "team")}
    people = User.objects.in_bulk({line.person_id for line in lines})
    return [
        (known[line.recording_id], people[line.person_id], line)
        for line in lines
        if line.recording_id in known and line.person_id in people
    ]


def _add_roles(rows: list[Access]) -> None:
    """The roles that each held in the recording's team, or for the whole service, on the day on which they began."""
    memberships: dict[int, list[Membership]] = {}
    for membership in Membership.objects.filter(user__in={row.person.pk for row in rows}).order_by("pk"):
        memberships.setdefault(membership.user_id, []).append(membership)
    for row in rows:
        day = timezone.localdate(row.first_at)
        held = [m for m in memberships.get(row.person.pk, []) if m.team_id in (None, row.recording.team_id) and m.is_on(day)]
        row.role = ", ".join(dict.fromkeys(m.get_role_display() for m in held))


def _position(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
