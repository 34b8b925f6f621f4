"""The steps, with real sound and a real model: what each leaves, what is taken up again, what stops them."""

import os
import subprocess
import sys

import numpy as np
import pytest
from django.utils import timezone

from recordings import audio, features, ledger, pipeline, speech, steps, tasks, transcribing, transcript, vault, voicenet
from recordings.models import Processing, Purpose, Recording, SealedObject, SpeechSettings, TranscriptRun
from tests.factories import AUDIO, make_consent, make_family
from tests.recordings.making import bare_recording

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

RATE = 16_000


def wav(samples):
    """A WAV file of 16 kHz mono samples."""
    data = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    head = b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
    form = np.array([1, 1], "<u2").tobytes() + np.array([RATE, RATE * 2], "<u4").tobytes() + np.array([2, 16], "<u2").tobytes()
    return head + form + b"data" + len(data).to_bytes(4, "little") + data


@pytest.fixture(scope="module")
def session():
    with (AUDIO / "session-1.opus").open("rb") as stream:
        return audio.decode(stream)


@pytest.fixture(autouse=True)
def tiny(settings):
    settings.WHISPER_MODEL = "tiny.en"


@pytest.fixture
def make_claimed(harbour, thea):
    """A recording with its original, claimed by this process, and the token."""

    def make(original, *purposes):
        purposes = purposes or (Purpose.RECORD, Purpose.TRANSCRIBE)
        recording = bare_recording(consent=make_consent(make_family(harbour, thea), purposes=purposes))
        vault.seal(recording, "original", [original], now=timezone.now())
        pipeline.submit(recording=recording, now=timezone.now())
        return recording, ledger.claim(recording.pk, now=timezone.now())

    return make


def kinds(recording):
    return sorted(SealedObject.objects.filter(recording=recording).values_list("kind", flat=True))


def after(recording):
    recording.refresh_from_db()
    return recording.state, Processing.objects.get(recording=recording).state


class Stopped(Exception):
    """Stands for whatever ends an attempt."""


def test_speech_becomes_a_transcript_with_words_in_time(make_claimed, session):
    recording, token = make_claimed(wav(session[: 40 * RATE]))
    steps.perform(recording.pk, token)
    assert after(recording) == ("ready", "done")
    assert kinds(recording) == ["features", "original", "playback"]
    run = TranscriptRun.objects.get()
    segments = transcript.segments(recording)
    words = [word for segment in segments for word in segment["words"]]
    assert (run.number, run.engine, run.model, run.words) == (1, "openai-whisper", "tiny.en", len(words))
    assert run.parameters["language"] == "en"
    assert run.seconds_taken > 0
    assert run.language == "en"
    assert run.speakers == 2
    assert {segment["speaker"] for segment in segments} == {"S1", "S2"}
    assert len(words) > 60
    times = [word["start"] for word in words]
    assert times == sorted(times)
    assert all(0 <= word["start"] < word["end"] <= 40.1 for word in words)
    peaks = np.frombuffer(transcript.peaks(recording, 0, 0, None), np.int8)
    assert abs(len(peaks) / 2 / 20 - 40) < 0.2


def test_an_attempt_goes_on_after_the_last_checkpoint(make_claimed, session, monkeypatch):
    monkeypatch.setattr(speech.Engine, "batch", 1)
    recording, token = make_claimed(wav(session[: 90 * RATE]))
    whole = speech.Engine.transcribe_pieces
    heard = []

    def twice_at_most(self, pieces, *rest):
        if len(heard) == 2:
            raise Stopped
        heard.append(pieces[0].offset_s)
        return whole(self, pieces, *rest)

    monkeypatch.setattr(speech.Engine, "transcribe_pieces", twice_at_most)
    with pytest.raises(Stopped):
        steps.perform(recording.pk, token)
    assert kinds(recording).count("piece") == 2
    first = list(heard)
    assert ledger.crashed(recording.pk, token, now=timezone.now())
    token = ledger.claim(recording.pk, now=timezone.now())

    monkeypatch.setattr(
        speech.Engine,
        "transcribe_pieces",
        lambda self, pieces, *rest: heard.append(pieces[0].offset_s) or whole(self, pieces, *rest),
    )
    steps.perform(recording.pk, token)
    assert after(recording) == ("ready", "done")
    assert len(heard) > len(first)
    assert heard == sorted(set(heard))  # nothing was transcribed twice
    assert kinds(recording) == ["features", "original", "playback"]


def test_voices_that_were_told_apart_are_not_told_apart_again(make_claimed, session, monkeypatch):
    recording, token = make_claimed(wav(session[: 30 * RATE]))
    monkeypatch.setattr(transcribing.features, "with_voices", lambda *args, **kwargs: (_ for _ in ()).throw(Stopped))
    with pytest.raises(Stopped):
        steps.perform(recording.pk, token)
    assert {"voice", "piece", "speakers"} < set(kinds(recording))
    ledger.crashed(recording.pk, token, now=timezone.now())
    monkeypatch.undo()
    monkeypatch.setattr(transcribing.speakers, "separate", lambda *args: pytest.fail("told apart again"))
    monkeypatch.setattr(transcribing.engines, "load", lambda *args, **kwargs: pytest.fail("transcribed again"))
    steps.perform(recording.pk, ledger.claim(recording.pk, now=timezone.now()))
    assert kinds(recording) == ["features", "original", "playback"]
    assert TranscriptRun.objects.get().speakers == 2


def test_without_the_voice_encoder_there_is_a_transcript_without_speakers(make_claimed, session, monkeypatch):
    recording, token = make_claimed(wav(session[: 20 * RATE]))
    monkeypatch.setattr(voicenet, "PACKAGE", "no_such_package")
    voicenet.load.cache_clear()
    steps.perform(recording.pk, token)
    assert after(recording) == ("ready", "done")
    assert TranscriptRun.objects.get().speakers == 0
    assert {segment["speaker"] for segment in transcript.segments(recording)} == {None}


def test_a_second_run_keeps_the_first(make_claimed, session, thea):
    recording, token = make_claimed(wav(session[: 20 * RATE]))
    steps.perform(recording.pk, token)
    first = transcript.segments(recording)
    SpeechSettings.objects.create(programme=recording.team.programme, vocabulary="Plumbline, Northport")
    pipeline.rerun(recording=recording, by=thea, now=timezone.now())
    token = ledger.claim(recording.pk, now=timezone.now())
    assert transcript.segments(recording) == first
    steps.perform(recording.pk, token)
    assert [run.number for run in TranscriptRun.objects.order_by("number")] == [1, 2]
    assert "Northport" in TranscriptRun.objects.get(number=2).parameters["vocabulary"]
    with vault.open_sealed(SealedObject.objects.get(recording=recording, kind="features")) as content:
        file = content.read()
    assert features.runs(file) == ["1", "2"]
    assert features.transcript(file, "1")[0]["text"] == first[0]["text"]


def test_checkpoints_of_another_model_are_dropped(make_claimed, session):
    recording, token = make_claimed(wav(session[: 20 * RATE]))
    vault.seal(recording, "piece", [b'{"model": "base", "of": 1, "seconds": 1, "segments": []}'], number=1, now=timezone.now())
    steps.perform(recording.pk, token)
    assert TranscriptRun.objects.get().words > 10
    assert kinds(recording) == ["features", "original", "playback"]


def test_without_consent_to_transcription_there_is_sound_and_waveform_and_no_transcript(make_claimed, session):
    recording, token = make_claimed(wav(session[: 20 * RATE]), Purpose.RECORD)
    steps.perform(recording.pk, token)
    assert after(recording) == ("ready", "done")
    assert kinds(recording) == ["features", "original", "playback"]
    assert not TranscriptRun.objects.exists()
    assert transcript.peaks(recording, 0, 0, None)


def test_a_recording_in_which_nobody_speaks_is_ready_and_says_so(make_claimed):
    noise = np.random.default_rng(1).normal(0, 0.02, 20 * RATE).astype(np.float32)
    recording, token = make_claimed(wav(noise))
    steps.perform(recording.pk, token)
    assert after(recording) == ("ready", "done")
    assert TranscriptRun.objects.get().words == 0
    assert pipeline.progress(recording).sentence == "It can be listened to. No speech was found in it."


def test_a_stale_attempt_writes_nothing(make_claimed, session):
    recording, token = make_claimed(wav(session[: 20 * RATE]))
    pipeline.cancel(recording)
    with pytest.raises(ledger.LeaseLost):
        steps.perform(recording.pk, token)
    assert kinds(recording) == ["original"]


def test_what_cannot_be_decoded_stops_with_a_sentence(make_claimed):
    recording, token = make_claimed(b"RIFF" + bytes(5000))
    with pytest.raises(steps.CannotProcess, match=r"damaged|not an audio file"):
        steps.perform(recording.pk, token)


def test_without_weights_it_says_what_to_do_and_can_be_tried_again(make_claimed, session, settings, tmp_path, thea):
    settings.WHISPER_MODEL = str(tmp_path / "nowhere.pt")
    recording, token = make_claimed(wav(session[: 20 * RATE]))
    with pytest.raises(steps.CannotProcess, match="WHISPER_MODEL") as reason:
        steps.perform(recording.pk, token)
    ledger.fail(recording.pk, token, str(reason.value), now=timezone.now())
    assert after(recording) == ("failed", "failed")
    pipeline.retry(recording=recording, by=thea, now=timezone.now())
    settings.WHISPER_MODEL = "tiny.en"
    steps.perform(recording.pk, ledger.claim(recording.pk, now=timezone.now()))
    assert after(recording) == ("ready", "done")


def test_a_task_for_a_recording_whose_consent_has_ended_fails_with_the_reason_and_starts_no_child(harbour, thea, monkeypatch):
    monkeypatch.setattr(tasks.subprocess, "Popen", lambda *args, **kwargs: pytest.fail("a child was started"))
    recording = bare_recording(consent=make_consent(make_family(harbour, thea), valid_until=timezone.localdate()))
    pipeline.submit(recording=recording, now=timezone.now())
    recording.consent.people.update(purposes=[])
    tasks.process_recording.call(str(recording.pk))
    assert after(recording) == ("failed", "failed")
    assert Processing.objects.get().failure == "Caregiver M.B. has not agreed to being recorded."


def test_a_task_for_nothing_does_nothing(harbour, thea):
    recording = bare_recording(state=Recording.State.READY)
    tasks.process_recording.call(str(recording.pk))
    assert not Processing.objects.exists()


def test_the_child_gets_the_configuration_and_nothing_else(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("EMAIL_URL", "smtp://user:password@example.org")
    monkeypatch.setenv("PLUMBLINE_VAULT_KEY_FILE", "/run/key")
    passed = tasks._environment()
    assert passed["PLUMBLINE_VAULT_KEY_FILE"] == "/run/key"
    assert not {"AWS_SECRET_ACCESS_KEY", "EMAIL_URL"} & set(passed)


def run_child(tmp_path, parent):
    environment = {**os.environ, "DEMO": "1", "PLUMBLINE_DATA": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path / 'none.sqlite3'}"}
    command = [sys.executable, "-m", "recordings.child", "6f1c1d5e-0000-4000-8000-000000000000", "1", str(parent)]
    return subprocess.run(
        command, env={**environment, "DJANGO_SETTINGS_MODULE": "cms.settings"}, capture_output=True, text=True, check=False
    )


def test_a_child_whose_parent_is_gone_ends_before_it_begins(tmp_path):
    finished = run_child(tmp_path, parent=1)
    assert (finished.returncode, finished.stdout, finished.stderr) == (3, "", "")


def test_a_child_that_breaks_names_the_exception_and_says_no_more(tmp_path):
    finished = run_child(tmp_path, parent=os.getpid())
    assert (finished.returncode, finished.stdout) == (5, "")
    assert finished.stderr == "recordings.child 6f1c1d5e-0000-4000-8000-000000000000 token 1: django.db.utils.OperationalError\n"
