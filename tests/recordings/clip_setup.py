"""A recording with a muted version, a teaching clip of it, a lesson that shows it: for the tests of clips. To be imported by name."""

import io
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from learning import enrolment
from recordings import audio, clipheard, clipping, clips, features, mp3frames, vault, voice
from recordings.models import Processing, Purpose, Recording, Redaction, SealedObject
from recordings.stretches import Stretch
from tests import factories
from tests.recordings.making import bare_recording
from tests.recordings.transcript_setup import said

ALL = [Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE, Purpose.TEACH]
TITLE = "Asking what happened just before"
QUIET = (4_000, 6_000)


@pytest.fixture(name="playback", scope="module")
def playback_fixture(session_clip):
    return b"".join(audio.make_playback(io.BytesIO(session_clip)))


@pytest.fixture(name="recording")
def recording_fixture(harbour, thea, playback, clip_samples):
    consent = factories.make_consent(factories.make_family(harbour, thea), purposes=ALL)
    made = bare_recording(consent=consent, state=Recording.State.READY, duration_ms=22_000)
    Processing.objects.create(recording=made, state=Processing.State.DONE, queued_at=timezone.now())
    vault.seal(made, SealedObject.Kind.PLAYBACK, [playback], now=timezone.now())
    segments = [said(1.0, 3.0, "before the clip"), said(3.2, 8.0, "we met Callum by the harbour wall today", speaker="S2")]
    whole = features.build(clip_samples, segments, recording=str(made.pk), probability=voice.activity(clip_samples))
    vault.seal(made, SealedObject.Kind.FEATURES, [whole], now=timezone.now())
    muted(made, playback, [QUIET], thea)
    return made


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


@pytest.fixture(name="clip")
def clip_fixture(recording, thea, django_capture_on_commit_callbacks):
    made = clips.make(recording=recording, start_ms=3_000, end_ms=9_000, title=TITLE, by=thea, now=timezone.now())
    clipping.make_clip.call(str(made.pk))
    made.refresh_from_db()
    return made


@pytest.fixture(name="approved")
def approved_fixture(clip, sam):
    hear(clip, sam)
    return clips.decide(clip=clip, approves=True, by=sam, now=timezone.now())


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


@pytest.fixture(name="lesson")
def lesson_fixture(approved, tom):
    course = factories.make_course(lessons=1, body=[factories.text_block(), block(approved)])
    enrolment.enrol(learner=tom, course=course, reason="R", by=None, now=timezone.now())
    return factories.lessons_of(course)[0]


def block(clip):
    return {"type": "clip", "value": {"clip": str(clip.pk)}, "id": str(uuid.uuid4())}


def read(client, lesson):
    answer = client.get(lesson.url)
    assert answer.status_code == 200
    return answer
