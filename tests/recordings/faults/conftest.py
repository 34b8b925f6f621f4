"""A recording of real speech, on its way through the steps, whose models have been asked once for all cells."""

import io
import wave

import pytest
from django.utils import timezone

from recordings import engines, pipeline, vault
from recordings.models import Purpose
from tests.factories import AUDIO, make_consent, make_family
from tests.recordings import _faults
from tests.recordings.faults.cells import SECONDS
from tests.recordings.making import bare_recording


@pytest.fixture(scope="session")
def sound(make_media):
    """Nine seconds of two people as a WAV file, and its samples as they would lie in plain on a disk."""
    samples = make_media("-i", AUDIO / "session-1.opus", "-t", SECONDS, "-ar", 16000, "-ac", 1, format="s16le")
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples)
    return memory.getvalue()


@pytest.fixture(scope="session")
def once():
    return _faults.Once()


@pytest.fixture(autouse=True)
def one_engine(settings, monkeypatch, whisper_engine, once):
    """The model is loaded once for all cells, and what it hears in their sound is found out once."""
    settings.WHISPER_MODEL = "tiny.en"
    monkeypatch.setattr(engines, "load", lambda *arguments, **options: whisper_engine)
    once.patch(monkeypatch)


@pytest.fixture(autouse=True)
def private_temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))


@pytest.fixture
def disk(settings):
    with _faults.small_disk(settings.VAULT_DIR):
        yield


@pytest.fixture
def recording(harbour, thea, sound):
    consent = make_consent(make_family(harbour, thea), purposes=(Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE))
    recording = bare_recording(consent=consent, duration_ms=SECONDS * 1000)
    vault.seal(recording, "original", [sound], now=timezone.now())
    pipeline.submit(recording=recording, now=timezone.now())
    return recording
