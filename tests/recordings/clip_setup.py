"""What the tests of teaching clips share; their fixtures are in `clip_fixtures.py`."""

import uuid

from django.urls import reverse
from django.utils import timezone

from recordings import clipheard, clips, mp3frames, vault
from recordings.models import Purpose, Redaction, SealedObject
from recordings.stretches import Stretch

ALL = [Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE, Purpose.TEACH]
TITLE = "Asking what happened just before"
QUIET = (4_000, 6_000)


def muted(recording, playback, quiet, by, number=1):
    """A muted version as `mutework` leaves it."""
    now = timezone.now()
    row = Redaction.objects.create(
        recording=recording,
        number=number,
        state=Redaction.State.READY,
        spans=[Stretch(start, end, "name").row() for start, end in quiet],
        proposed_at=now,
        proposed_by=by,
        confirmed_at=now,
        confirmed_by=by,
    )
    vault.seal(recording, SealedObject.Kind.REDACTED, [mp3frames.silenced(playback, quiet)], number=number, now=now)
    return row


def hear(clip, person, *stretches):
    """As its player reports it, in milliseconds of the clip; all of it unless said."""
    spans = stretches or [(0, clip.end_ms - clip.start_ms)]
    clipheard.note(clip=clip, person=person, intervals_ms=spans, now=timezone.now())


def sealed(clip):
    return SealedObject.objects.filter(recording=clip.recording_id, kind=SealedObject.Kind.CLIP, number=clip.number).first()


def make(recording, by):
    return clips.make(recording=recording, start_ms=3_000, end_ms=9_000, title=TITLE, by=by, now=timezone.now())


def listen(client, clip, **headers):
    return client.get(reverse("recordings:clip-audio", args=[clip.pk]), headers=headers)


def block(clip):
    return {"type": "clip", "value": {"clip": str(clip.pk)}, "id": str(uuid.uuid4())}


def read(client, lesson):
    answer = client.get(lesson.url)
    assert answer.status_code == 200
    return answer
