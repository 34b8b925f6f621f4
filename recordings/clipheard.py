"""Whether somebody has heard a teaching clip, all of it, before they approve it.

What its player reports counts. Of a browser that reports nothing, because it runs no scripts, what was sent to it counts: no
more than that can have been heard. Both are kept at the recording's own times, as every listening is.
"""

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import transaction

from recordings import listening, sent
from recordings.listening import Interval
from recordings.models import Clip, HeardInterval, Recording, SentInterval
from supervision.models import User

LEAST_MS = 500  # a shorter gap is the reporting, and not the listening


def purpose(clip: Clip) -> str:
    """Of its own, so that hearing another clip of the same moment does not count."""
    return f"{listening.CLIP} {clip.number}"[:20]


@transaction.atomic
def note(*, clip: Clip, person: User, intervals_ms: Iterable[Sequence[int]], now: dt.datetime) -> None:
    """Adds what the clip's player reports, in milliseconds of the clip. Raises listening.HeardRefused."""
    found = listening.checked(intervals_ms, clip.end_ms - clip.start_ms)
    new = [(clip.start_ms + start, clip.start_ms + end) for start, end in found]
    Recording.objects.select_for_update().get(pk=clip.recording_id)
    rows = HeardInterval.objects.filter(recording=clip.recording_id, person=person, purpose=purpose(clip))
    listening.add(rows, new, now=now, recording_id=clip.recording_id, person=person, purpose=purpose(clip))


def unheard(clip: Clip, person: User) -> list[Interval]:
    """What was not played to the person, in milliseconds of the clip."""
    length = clip.end_ms - clip.start_ms
    heard = HeardInterval.objects.filter(recording=clip.recording_id, person=person, purpose=purpose(clip))
    spans = list(heard.values_list("start_ms", "end_ms")) or _sent(clip, person)
    inside = [(max(start, clip.start_ms) - clip.start_ms, min(end, clip.end_ms) - clip.start_ms) for start, end in spans]
    return listening.gaps([(start, end) for start, end in inside if start < end], length, least_ms=LEAST_MS)


def _sent(clip: Clip, person: User) -> list[Interval]:
    """What of the clip's own sound left for the person's browser."""
    sent.write()
    rows = SentInterval.objects.filter(recording=clip.recording_id, person=person, clip=clip.number)
    return list(rows.values_list("start_ms", "end_ms"))


def why_not_all(clip: Clip, person: User) -> str:
    """One sentence that names what was not heard; empty when all was."""
    missing = unheard(clip, person)
    if not missing:
        return ""
    if missing == [(0, clip.end_ms - clip.start_ms)]:
        return "You have not heard this clip yet. Play all of it, then decide."
    parts = [f"{_clock(start // 1000)} to {_clock(-(-end // 1000))}" for start, end in missing]
    named = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"You have not heard {named} of this clip. Play that too, then decide."


def _clock(seconds: int) -> str:
    """ "0:04", as the player shows it."""
    return f"{seconds // 60}:{seconds % 60:02}"
