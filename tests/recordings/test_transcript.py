"""Who may read the transcript and the waveform, for how long, and that no cache keeps them."""

import datetime as dt

import numpy as np
import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import features, transcript, vault
from recordings.models import Purpose, Recording
from tests.factories import make_consent, make_family
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db

SEGMENTS = [
    {
        "start": 0.5,
        "end": 1.5,
        "text": "Good morning.",
        "supported": True,
        "speaker": None,
        "words": [
            {"start": 0.5, "end": 0.9, "text": "Good", "probability": 0.75},
            {"start": 1.0, "end": 1.5, "text": "morning.", "probability": 0.5},
        ],
    }
]
ALL = (Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE)


@pytest.fixture
def make_ready(harbour, thea):
    def make(*purposes, state=Recording.State.READY):
        recording = bare_recording(consent=make_consent(make_family(harbour, thea), purposes=purposes or ALL), state=state)
        samples = np.sin(np.arange(16_000 * 4, dtype=np.float32) / 9)
        vault.seal(recording, "features", [features.build(samples, SEGMENTS)], now=timezone.now())
        return recording

    return make


def read(client, recording, name="transcript-words", query="", **headers):
    return client.get(reverse(f"recordings:{name}", args=[recording.pk]) + query, headers=headers)


def test_the_transcript_comes_as_it_was_made(as_user, thea, make_ready):
    response = read(as_user(thea), make_ready())
    assert response.status_code == 200
    (segment,) = response.json()["segments"]
    assert {key: segment[key] for key in SEGMENTS[0] if key != "words"} == {key: SEGMENTS[0][key] for key in SEGMENTS[0] if key != "words"}
    assert segment["words"] == [{**word, "id": f"1:{at}"} for at, word in enumerate(SEGMENTS[0]["words"])]
    assert response.json()["duration"] == 60


def test_no_cache_keeps_it_and_a_reader_who_has_it_need_not_read_it_again(as_user, thea, make_ready):
    recording = make_ready()
    client = as_user(thea)
    response = read(client, recording)
    assert response.headers["Cache-Control"] == "private, no-store"
    tag = response.headers["ETag"]
    again = read(client, recording, **{"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    vault.seal(recording, "features", [features.build(np.zeros(16_000, np.float32), [])], now=timezone.now())
    assert read(client, recording, **{"If-None-Match": tag}).json()["segments"] == []


def test_without_consent_to_transcription_there_is_nothing_to_read_but_the_waveform(as_user, thea, make_ready):
    recording = make_ready(Purpose.RECORD)
    client = as_user(thea)
    assert read(client, recording).json()["segments"] == []
    assert transcript.segments(recording) == []
    assert read(client, recording, "peaks").content


def test_a_consent_that_ends_takes_effect_at_once_even_on_what_a_reader_has(as_user, thea, make_ready):
    recording = make_ready()
    client = as_user(thea)
    tag = read(client, recording).headers["ETag"]
    recording.consent.valid_until = timezone.localdate() - dt.timedelta(days=1)
    recording.consent.save()
    assert read(client, recording, **{"If-None-Match": tag}).status_code == 403
    assert read(client, recording, "peaks").status_code == 403


def test_the_consultant_reads_only_what_the_family_agreed_that_others_hear(as_user, cora, make_ready):
    client = as_user(cora)
    assert read(client, make_ready()).status_code == 200
    assert read(client, make_ready(Purpose.RECORD, Purpose.TRANSCRIBE)).status_code == 403


def test_the_governance_lead_knows_of_it_and_reads_nothing(as_user, iggy, make_ready):
    for name in ("transcript", "transcript-words", "peaks"):
        assert read(as_user(iggy), make_ready(), name).status_code == 403


def test_a_part_of_it_can_be_asked_for(as_user, thea, make_ready):
    client, recording = as_user(thea), make_ready()
    assert len(read(client, recording, query="?start=0.5&end=1").json()["segments"]) == 1
    assert read(client, recording, query="?start=0.6").json()["segments"] == []
    assert read(client, recording, query="?start=soon").status_code == 400


@pytest.mark.parametrize("state", ["queued", "processing", "failed"])
def test_what_is_there_can_be_read_while_work_goes_on(as_user, thea, make_ready, state):
    recording = make_ready(state=state)
    assert read(as_user(thea), recording).json()["segments"]
    assert read(as_user(thea), recording, "peaks").content


def test_of_a_destroyed_one_there_is_nothing(as_user, thea, make_ready):
    recording = make_ready()
    Recording.objects.update(state="destroyed", destroyed_at=timezone.now())
    assert read(as_user(thea), recording).status_code == 403
    recording.refresh_from_db()
    assert transcript.segments(recording) == []


def test_peaks_are_pairs_of_signed_bytes_of_the_part_asked_for(as_user, thea, make_ready):
    recording = make_ready()
    client = as_user(thea)
    whole = np.frombuffer(read(client, recording, "peaks").content, np.int8).reshape(-1, 2)
    assert whole.shape == (80, 2)
    assert (whole[:, 0] < -100).all()
    assert (whole[:, 1] > 100).all()
    response = read(client, recording, "peaks", "?level=1&start=5&end=10")
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Cache-Control"] == "private, no-store"
    assert len(response.content) == 10


@pytest.mark.parametrize(
    "query", ["?level=6", "?level=-1", "?level=x", "?start=9&end=3", "?start=-1", "?end=1e9", "?level=99999999999999999999"]
)
def test_peaks_that_there_are_not_are_refused(as_user, thea, make_ready, query):
    assert read(as_user(thea), make_ready(), "peaks", query).status_code == 400


def test_after_the_key_is_gone_nothing_can_be_read(as_user, thea, make_ready):
    recording = make_ready()
    vault.destroy_key(recording.pk)
    assert read(as_user(thea), recording).status_code == 404
    assert read(as_user(thea), recording, "peaks").status_code == 404
