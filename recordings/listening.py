"""Which stretches of a recording a person has really played. The page reports them; here they are merged and summed."""

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import transaction

from recordings.models import HeardInterval, Recording
from supervision.models import User

PURPOSES = ("review", "feedback", "listen")
JOIN_MS = 250  # a gap this short between two reports is the reporting, not the listening
MOST_AT_ONCE = 500
GAP_MS = 5_000  # shorter unheard stretches are not worth naming

Interval = tuple[int, int]


class HeardRefused(ValueError):
    """The report cannot be true; str() says why."""


def merged(intervals: Iterable[Interval], *, join: int = 0) -> list[Interval]:
    """The union as disjoint intervals in order; those at most `join` apart become one."""
    union: list[Interval] = []
    for start, end in sorted(intervals):
        if union and start <= union[-1][1] + join:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union


def _checked(intervals_ms: Iterable[Sequence[int]], duration_ms: int) -> list[Interval]:
    checked: list[Interval] = []
    for pair in intervals_ms:
        if len(pair) != 2 or any(isinstance(value, bool) or not isinstance(value, int) for value in pair):
            raise HeardRefused("A stretch that was heard is two whole numbers of milliseconds.")
        start, end = pair
        if start < 0 or end < start:
            raise HeardRefused("A stretch that was heard must start before it ends.")
        end = min(end, duration_ms)
        if end > start:
            checked.append((start, end))
    if len(checked) > MOST_AT_ONCE:
        raise HeardRefused("That is too many stretches in one report.")
    return checked


@transaction.atomic
def heard(*, recording: Recording, person: User, purpose: str, intervals_ms: Iterable[Sequence[int]], now: dt.datetime) -> list[Interval]:
    """Adds stretches and returns all that the person has heard for that purpose, merged, in milliseconds.

    What lies beyond the end is cut off. Sending the same report twice changes nothing but the time. Raises HeardRefused.
    """
    if purpose not in PURPOSES:
        raise HeardRefused("That is not a purpose of listening.")
    new = _checked(intervals_ms, recording.duration_ms)
    Recording.objects.select_for_update().get(pk=recording.pk)
    stored = list(HeardInterval.objects.filter(recording=recording, person=person, purpose=purpose).order_by("start_ms", "pk"))
    union = merged([*((row.start_ms, row.end_ms) for row in stored), *new], join=JOIN_MS)
    kept = {(row.start_ms, row.end_ms) for row in stored}
    for start, end in union:
        inside = [row for row in stored if start <= row.start_ms and row.end_ms <= end]
        if (start, end) in kept:
            if any(start <= a and b <= end for a, b in new):
                HeardInterval.objects.filter(pk=inside[0].pk).update(last_at=now)
            continue
        HeardInterval.objects.filter(pk__in=[row.pk for row in inside]).delete()
        first_at = min([row.first_at for row in inside], default=now)
        HeardInterval.objects.create(
            recording=recording, person=person, purpose=purpose, start_ms=start, end_ms=end, first_at=first_at, last_at=now
        )
    return union


def heard_by(recording: Recording, person: User) -> list[Interval]:
    """All that the person has heard, whatever for, merged."""
    rows = HeardInterval.objects.filter(recording=recording, person=person).order_by("start_ms", "pk")
    return merged(rows.values_list("start_ms", "end_ms"), join=JOIN_MS)


def share(intervals: Iterable[Interval], duration_ms: int) -> float:
    """Share of the duration that disjoint intervals cover, 0 to 1."""
    if duration_ms <= 0:
        return 0.0
    return min(1.0, sum(end - start for start, end in intervals) / duration_ms)


def share_heard(recording: Recording, person: User) -> float:
    """Share of the recording that the person has heard, 0 to 1."""
    return share(heard_by(recording, person), recording.duration_ms)


def gaps(intervals: Iterable[Interval], duration_ms: int, *, least_ms: int = GAP_MS) -> list[Interval]:
    """The unheard stretches of at least `least_ms`, in order."""
    found: list[Interval] = []
    at = 0
    for start, end in [*merged(intervals), (duration_ms, duration_ms)]:
        if start - at >= least_ms:
            found.append((at, start))
        at = max(at, end)
    return found


def shares_heard(recordings: Sequence[Recording], person: User) -> dict[object, float]:
    """Recording id to share heard, for a list, in one query."""
    intervals: dict[object, list[Interval]] = {}
    rows = HeardInterval.objects.filter(recording__in=recordings, person=person)
    for recording_id, start, end in rows.values_list("recording_id", "start_ms", "end_ms"):
        intervals.setdefault(recording_id, []).append((start, end))
    return {one.pk: share(merged(intervals.get(one.pk, []), join=JOIN_MS), one.duration_ms) for one in recordings}
