"""For the tests of this folder: real speech, a real ffmpeg, a real model, and two more consultants."""

import io
import json
import subprocess
import wave
from pathlib import Path

import pytest
from django.conf import settings

from recordings import audio, engines, faster, weights
from tests import factories
from tests.recordings import rating_setup as rating

AUDIO = Path(settings.BASE_DIR) / "cms" / "demo" / "audio"


@pytest.fixture(scope="session")
def tiny_checkpoint():
    return weights.resolve("tiny.en", cache=settings.WEIGHTS_DIR, download=False)


@pytest.fixture(scope="session")
def whisper_engine(tiny_checkpoint):
    """Whisper's tiny.en, loaded once."""
    return engines.load("whisper", tiny_checkpoint, device="cpu")


@pytest.fixture(scope="session")
def faster_engine():
    """The same weights under faster-whisper, loaded once."""
    folder = faster.resolve("tiny.en", cache=settings.WEIGHTS_DIR, download=False)
    return engines.load("faster-whisper", folder, device="cpu")


@pytest.fixture(scope="session", params=engines.NAMES)
def engine(request):
    """Each engine in turn: what holds for one holds for the other."""
    return request.getfixturevalue("whisper_engine" if request.param == "whisper" else "faster_engine")


@pytest.fixture(scope="session")
def make_media():
    """`make_media("-i", …, format="wav")` runs ffmpeg without our limits and gives the bytes."""

    def make(*arguments, format, stdin=None):
        command = [audio.ffmpeg_path(), "-v", "error", *map(str, arguments), "-f", format, "pipe:1"]
        return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout

    return make


@pytest.fixture(scope="session")
def session_clip(make_media):
    """The first 22 s of a role-played session as 16 kHz mono WAV: five turns of two speakers."""
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(make_media("-i", AUDIO / "session-1.opus", "-t", 22, "-ar", 16000, "-ac", 1, format="s16le"))
    return memory.getvalue()


@pytest.fixture(scope="session")
def session_turns():
    """What is said in `session_clip`, turn by turn, with the times of its synthesis."""
    turns = json.loads((AUDIO / "session-1.json").read_text())["turns"]
    return [turn for turn in turns if turn["end"] <= 22]


@pytest.fixture(scope="session")
def clip_samples(session_clip):
    return audio.decode(io.BytesIO(session_clip))


@pytest.fixture
def carl(harbour):
    """Another consultant of the same team."""
    return rating.consultant("carl", harbour)


@pytest.fixture
def otis(harbour):
    """Consultant of another team of the programme."""
    return rating.consultant("otis", factories.make_team("Third team", programme=harbour.programme))
