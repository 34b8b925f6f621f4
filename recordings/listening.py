"""Which stretches of a recording a person has really played. The page reports them; here they are merged and summed.

What left the server for a browser, whether the browser reports it or not, is kept beside this by `sent.py`. Only what was both
reported and sent counts as heard: a report alone shows nothing. Both together, and who read the transcript, are put before
people by `accessrecord.py`.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import Q, QuerySet

from recordings.models import HeardInterval, Recording, SentInterval
from supervision.models import User

LISTEN = "listen"  # what a player says that is there for whoever may hear: resolved by who it is
PURPOSES = {
    "own": "Own recording",
    "supervision": "Supervision or consultation",
    "review": "Review",
    "feedback": "Feedback",
    "transcript": "Checking the transcript",
    "redaction": "Taking names out",
    "consent": "Checking a spoken consent",
    LISTEN: "Listening",
}
CLIP = "Teaching clip"  # with the clip's number after it; no page can say it of itself, see `clipheard.py`
JOIN_MS = 250  # a gap this short between two reports is the reporting, not the listening
MOST_AT_ONCE = 500
GAP_MS = 5_000  # shorter unheard stretches are not worth naming
SENT_SLACK_MS = 2_000  # what was sent is reckoned from bytes, and is true to about a second

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


def checked(intervals_ms: Iterable[Sequence[int]], duration_ms: int) -> list[Interval]:
    """What a page reports, cut off at the end. Raises HeardRefused."""
    found: list[Interval] = []
    for pair in intervals_ms:
        if len(pair) != 2 or any(isinstance(value, bool) or not isinstance(value, int) for value in pair):
            raise HeardRefused("A stretch that was heard is two whole numbers of milliseconds.")
        start, end = pair
        if start < 0 or end < start:
            raise HeardRefused("A stretch that was heard must start before it ends.")
        end = min(end, duration_ms)
        if end > start:
            found.append((start, end))
    if len(found) > MOST_AT_ONCE:
        raise HeardRefused("That is too many stretches in one report.")
    return found


def purpose_word(purpose: str) -> str:
    """For people; empty where it has none. A clip's number is left out."""
    return CLIP if purpose.startswith(CLIP) else PURPOSES.get(purpose, "")


def purpose_of(person: User, recording: Recording, said: str) -> str:
    """What a player's report is for: a plain player does not know who sits before it. Raises HeardRefused."""
    if said not in PURPOSES:
        raise HeardRefused("That is not a purpose of listening.")
    if said != LISTEN:
        return said
    return "own" if recording.therapist_id == person.pk else "supervision"


@transaction.atomic
def heard(*, recording: Recording, person: User, purpose: str, intervals_ms: Iterable[Sequence[int]], now: dt.datetime) -> list[Interval]:
    """Adds stretches and returns all that the person has heard for that purpose, merged, in milliseconds.

    What lies beyond the end is cut off. Sending the same report twice changes nothing but the time. Raises HeardRefused.
    """
    purpose = purpose_of(person, recording, purpose)
    new = checked(intervals_ms, recording.duration_ms)
    Recording.objects.select_for_update().get(pk=recording.pk)
    rows = HeardInterval.objects.filter(recording=recording, person=person, purpose=purpose)
    return add(rows, new, now=now, recording=recording, person=person, purpose=purpose)


def add(
    rows: QuerySet[HeardInterval] | QuerySet[SentInterval], new: Sequence[Interval], *, now: dt.datetime, **fields: object
) -> list[Interval]:
    """Merges stretches into the rows that there are, which keep when each was first and last added to. Returns the union.
    For the caller's transaction, under the lock on the recording; `fields` are those of a new row."""
    stored: list[HeardInterval | SentInterval] = list(rows.order_by("start_ms", "pk"))
    union = merged([*((row.start_ms, row.end_ms) for row in stored), *new], join=JOIN_MS)
    kept = {(row.start_ms, row.end_ms) for row in stored}
    for start, end in union:
        inside = [row for row in stored if start <= row.start_ms and row.end_ms <= end]
        if (start, end) in kept:
            if any(start <= a and b <= end for a, b in new):
                rows.filter(pk=inside[0].pk).update(last_at=now)
            continue
        rows.filter(pk__in=[row.pk for row in inside]).delete()
        first_at = min([row.first_at for row in inside], default=now)
        rows.model.objects.create(start_ms=start, end_ms=end, first_at=first_at, last_at=now, **fields)
    return union


def heard_by(recording: Recording, person: User) -> list[Interval]:
    """All that the person has heard of the recording itself, whatever for, merged. A clip, with names muted, is not it."""
    return _heard([recording], person)[recording.pk]


def _heard(recordings: Sequence[Recording], person: User) -> dict[object, list[Interval]]:
    """Recording id to what the person has heard of it, in two queries."""
    mine = Q(recording__in=recordings, person=person)
    reported = _by_recording(HeardInterval.objects.filter(mine).exclude(purpose__startswith=CLIP))
    sent = _by_recording(SentInterval.objects.filter(mine, clip=None))
    return {one.pk: possible(reported[one.pk], sent[one.pk]) for one in recordings}


def _by_recording(rows: QuerySet[HeardInterval] | QuerySet[SentInterval]) -> dict[object, list[Interval]]:
    found: dict[object, list[Interval]] = defaultdict(list)
    for recording_id, start, end in rows.values_list("recording_id", "start_ms", "end_ms"):
        found[recording_id].append((start, end))
    return found


def possible(reported: Iterable[Interval], sent: Iterable[Interval]) -> list[Interval]:
    """What of the reported stretches can have been heard: that which was sent, with SENT_SLACK_MS on both sides."""
    reached = merged((max(0, start - SENT_SLACK_MS), end + SENT_SLACK_MS) for start, end in sent)
    return [(max(a, c), min(b, d)) for a, b in merged(reported, join=JOIN_MS) for c, d in reached if max(a, c) < min(b, d)]


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
    """Recording id to share heard, for a list, in two queries."""
    heard = _heard(recordings, person)
    return {one.pk: share(heard[one.pk], one.duration_ms) for one in recordings}
