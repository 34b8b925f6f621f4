"""No test here may reach the database: none asks for it, so pytest-django refuses every query."""

import io
import json
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from recordings import engines, speech, voicenet


@pytest.fixture
def clip_path(tmp_path, session_clip):
    path = tmp_path / "clip.wav"
    path.write_bytes(session_clip)
    return path


@pytest.fixture
def transcribe(whisper_engine, monkeypatch, clip_path):
    """Runs the command with the engine that is loaded already; gives (standard output, standard error)."""
    load = engines.load
    here = {("whisper", "tiny.en"): whisper_engine}
    monkeypatch.setattr(engines, "load", lambda name, model, **options: here.get((name, model)) or load(name, model, **options))

    def run(*arguments, file=clip_path):
        out, err = io.StringIO(), io.StringIO()
        call_command("transcribe", str(file), "--model", "tiny.en", *arguments, stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()

    return run


def test_json_with_words_and_progress_on_standard_error(transcribe):
    out, err = transcribe()
    document = json.loads(out)
    assert document["duration"] == 22.0
    assert (document["language"], document["engine"], document["model"], document["speakers"]) == (
        "en",
        "openai-whisper",
        "tiny.en",
        ["S1", "S2"],
    )
    assert document["segments"][0]["words"][0]["text"] == "Thanks"
    assert "100 %" in err


def test_another_format_into_a_file(transcribe, monkeypatch, tmp_path):
    monkeypatch.setattr(speech, "run", lambda samples, **options: iter([]))
    out, _err = transcribe("--format", "vtt", "--output", str(tmp_path / "talk.vtt"))
    assert out == ""
    assert (tmp_path / "talk.vtt").read_text().startswith("WEBVTT\n")


def test_the_other_engine_gives_the_same_json(transcribe, faster_engine, monkeypatch):
    monkeypatch.setattr(engines, "load", lambda name, model, **options: {"faster-whisper": faster_engine}[name])
    out, _err = transcribe("--engine", "faster-whisper", "--speakers", "1")
    document = json.loads(out)
    assert list(document) == ["duration", "language", "engine", "model", "speakers", "segments"]
    assert (document["engine"], document["model"]) == ("faster-whisper", "tiny.en")
    for segment in document["segments"]:
        assert list(segment) == ["start", "end", "speaker", "text", "supported", "words"]
        assert all(list(word) == ["start", "end", "text", "probability"] for word in segment["words"])


def test_the_voices_of_the_clip_are_told_apart(transcribe):
    """Five turns of two people."""
    out, _err = transcribe("--speakers", "2")
    document = json.loads(out)
    assert document["speakers"] == ["S1", "S2"]
    assert {segment["speaker"] for segment in document["segments"]} == {"S1", "S2"}


def test_without_the_voice_encoder_all_speech_is_labelled_s1(transcribe, monkeypatch):
    def refuse():
        raise voicenet.NoVoiceWeights

    monkeypatch.setattr(voicenet, "weights_path", refuse)
    voicenet.load.cache_clear()
    out, err = transcribe()
    assert json.loads(out)["speakers"] == ["S1"]
    assert "All speech is labelled S1." in err


def test_the_language_is_found_where_that_is_asked(transcribe):
    out, _err = transcribe("--language", "auto", "--speakers", "1")
    assert json.loads(out)["language"] == "en"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--language", "xx"], "does not know the language xx"),
        (["--speakers", "0"], "1 to 8"),
        (["--speakers", "99"], "1 to 8"),
        (["--model", "enormous"], "WHISPER_MODEL"),
        (["--engine", "faster-whisper", "--model", "enormous"], "WHISPER_MODEL .* faster-whisper knows"),
    ],
)
def test_a_wrong_option_ends_with_2_and_a_sentence(transcribe, arguments, says):
    with pytest.raises(CommandError, match=says) as caught:
        transcribe(*arguments)
    assert caught.value.returncode == 2


def test_an_engine_that_is_not_installed_is_named(transcribe, monkeypatch):
    monkeypatch.setattr(engines, "is_installed", lambda name: False)
    with pytest.raises(
        CommandError, match=r"faster-whisper, which is not installed: install it with `pip install faster-whisper`"
    ) as caught:
        transcribe("--engine", "faster-whisper", "--model", "base")
    assert caught.value.returncode == 2


@pytest.mark.parametrize("where", ["no/folder.json", "."])
def test_an_output_that_cannot_be_written_is_refused_before_any_work(where, transcribe, monkeypatch, tmp_path):
    monkeypatch.setattr(speech, "run", lambda samples, **options: pytest.fail("the work was done"))
    with pytest.raises(CommandError, match="cannot be written") as caught:
        transcribe("--output", str(tmp_path / where))
    assert caught.value.returncode == 2


def test_what_was_there_stays_where_the_work_fails_and_no_half_file_is_left(transcribe, tmp_path):
    (tmp_path / "talk.json").write_text("before")
    with pytest.raises(CommandError, match="does not know the language"):
        transcribe("--language", "xx", "--output", str(tmp_path / "talk.json"))
    assert (tmp_path / "talk.json").read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} <= {"talk.json", "clip.wav", "vault", "keys", "media"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [("notes.mp3", b"Notes. " * 99, "not an audio file"), ("empty.wav", b"", "is empty"), (None, b"", "cannot be read")],
)
def test_bad_input_ends_with_2_and_one_line(name, content, says, tmp_path):
    path = tmp_path / (name or "missing.wav")
    if name:
        path.write_bytes(content)
    command = [sys.executable, "manage.py", "transcribe", str(path)]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
