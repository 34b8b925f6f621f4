"""A recording with a muted version, a teaching clip of it, a lesson that shows it: a plugin for the tests of clips."""

import io

import pytest
from django.utils import timezone

from learning import enrolment
from recordings import audio, clipping, clips, features, vault, voice
from recordings.models import Processing, Recording, SealedObject
from tests import factories
from tests.recordings.clip_setup import ALL, QUIET, block, hear, make, muted
from tests.recordings.making import bare_recording
from tests.recordings.transcript_setup import said


@pytest.fixture(scope="module")
def playback(session_clip):
    return b"".join(audio.make_playback(io.BytesIO(session_clip)))


@pytest.fixture
def recording(harbour, thea, playback, clip_samples):
    consent = factories.make_consent(factories.make_family(harbour, thea), purposes=ALL)
    made = bare_recording(consent=consent, state=Recording.State.READY, duration_ms=22_000)
    Processing.objects.create(recording=made, state=Processing.State.DONE, queued_at=timezone.now())
    vault.seal(made, SealedObject.Kind.PLAYBACK, [playback], now=timezone.now())
    segments = [said(1.0, 3.0, "before the clip"), said(3.2, 8.0, "we met Callum by the harbour wall today", speaker="S2")]
    whole = features.build(clip_samples, segments, recording=str(made.pk), probability=voice.activity(clip_samples))
    vault.seal(made, SealedObject.Kind.FEATURES, [whole], now=timezone.now())
    muted(made, playback, [QUIET], thea)
    return made


@pytest.fixture
def clip(recording, thea, django_capture_on_commit_callbacks):
    made = make(recording, thea)
    clipping.make_clip.call(str(made.pk))
    made.refresh_from_db()
    return made


@pytest.fixture
def approved(clip, sam):
    hear(clip, sam)
    return clips.decide(clip=clip, approves=True, by=sam, now=timezone.now())


@pytest.fixture
def lesson(approved, tom):
    course = factories.make_course(lessons=1, body=[factories.text_block(), block(approved)])
    enrolment.enrol(learner=tom, course=course, reason="R", by=None, now=timezone.now())
    return factories.lessons_of(course)[0]
