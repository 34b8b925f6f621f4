"""Which engine works here is told without loading one; where a model comes from; and what makes openai-whisper fast."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from django.conf import settings as configured
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recordings import checks, engines, faster, openai_whisper, speech, voice, weights

RATE = 16_000


def errors():
    return [message.msg for message in checks.engine_can_work(None)]


def test_what_is_set_and_there_is_not_complained_about(settings):
    for settings.TRANSCRIPTION_ENGINE in engines.NAMES:
        assert errors() == []


def test_an_engine_that_is_not_installed_is_named_at_the_start(settings, monkeypatch):
    settings.TRANSCRIPTION_ENGINE = "faster-whisper"
    monkeypatch.setattr(engines, "is_installed", lambda name: False)
    (sentence,) = errors()
    assert sentence.startswith("TRANSCRIPTION_ENGINE is faster-whisper, which is not installed")


def test_cuda_without_a_card_is_named_at_the_start(settings, monkeypatch, tmp_path):
    settings.TRANSCRIPTION_DEVICE = "cuda"
    monkeypatch.setattr(engines, "_NVIDIA", (tmp_path / "driver",))
    assert errors() == ["TRANSCRIPTION_DEVICE is cuda, and this machine has no NVIDIA driver: set it to cpu, or to auto."]
    (tmp_path / "driver").touch()
    assert errors() == []


@pytest.mark.parametrize("engine", engines.NAMES)
def test_a_model_that_nobody_knows_is_named_at_the_start(engine, settings, tmp_path):
    settings.TRANSCRIPTION_ENGINE = engine
    settings.WHISPER_MODEL = str(tmp_path / "ours")
    (sentence,) = errors()
    assert sentence.startswith("WHISPER_MODEL is")
    if engine == "faster-whisper":
        (tmp_path / "ours").mkdir()
        (tmp_path / "ours" / "model.bin").touch()
    else:
        (tmp_path / "ours").touch()
    assert errors() == []


def test_the_names_of_models_are_those_that_the_engines_know():
    import whisper
    from faster_whisper.utils import available_models

    assert set(engines.MODELS) == set(whisper._MODELS)
    assert set(available_models()) == engines.MODELS | engines.DISTILLED


@pytest.mark.slow
def test_the_checks_load_no_engine():
    code = (
        "import django, sys; django.setup(); from recordings import checks, engines\n"
        "checks.engine_can_work(None); checks.weights_are_had(None); engines.refusal('faster-whisper', 'cuda')\n"
        "bad = {'torch', 'whisper', 'faster_whisper', 'ctranslate2'} & set(sys.modules)\nsys.exit(', '.join(sorted(bad)) if bad else 0)"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "cms.settings", "DEBUG": "1", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=configured.BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_card_that_the_engine_cannot_use_is_no_reason_to_stop_unless_it_was_asked_for(monkeypatch):
    monkeypatch.setattr(engines, "has_cuda", lambda: True)
    assert engines._chosen("auto", lambda: False) == "cpu"
    assert engines._chosen("auto", lambda: True) == "cuda"
    with pytest.raises(engines.CannotTranscribe, match="TRANSCRIPTION_DEVICE"):
        engines._chosen("cuda", lambda: False)


# Models of faster-whisper


@pytest.fixture
def offline(monkeypatch):
    import faster_whisper.utils

    def refuse(*args, **kwargs):
        raise ConnectionError("no network")

    monkeypatch.setattr(faster_whisper.utils, "download_model", refuse)


def test_the_packages_weights_are_put_together_once(offline, tmp_path):
    folder = faster.resolve("tiny.en", cache=tmp_path)
    made_at = (folder / "model.bin").stat().st_mtime_ns
    assert {path.name for path in folder.iterdir()} >= {"model.bin", "config.json", "tokenizer.json", "vocabulary.txt"}
    assert faster.resolve("tiny.en", cache=tmp_path) == folder
    assert (folder / "model.bin").stat().st_mtime_ns == made_at
    (folder / "model.bin").write_bytes(b"half")
    assert (faster.resolve("tiny.en", cache=tmp_path) / "model.bin").stat().st_size > 1_000_000


def test_weights_that_are_not_the_checked_ones_are_refused(offline, monkeypatch, tmp_path):
    monkeypatch.setitem(weights.CARRIED, "tiny.en", replace(weights.CARRIED["tiny.en"], sha256="0" * 64))
    with pytest.raises(weights.NoWeights, match="are not the ones we checked"):
        faster.resolve("tiny.en", cache=tmp_path)
    assert not list(tmp_path.rglob("model.bin"))


def test_without_any_weights_one_sentence_says_what_to_do(offline, monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "CARRIED", {})
    for name in ("auto", "small.en"):
        with pytest.raises(weights.NoWeights, match="connect this machine"):
            faster.resolve(name, cache=tmp_path)


@pytest.mark.parametrize("name", ["enormous", "/nowhere/model.pt", "/nowhere/folder"])
def test_a_wrong_setting_is_named(name, offline, tmp_path):
    with pytest.raises(weights.NoWeights, match="WHISPER_MODEL"):
        faster.resolve(name, cache=tmp_path)


def test_a_folder_that_is_there_is_taken_as_it_is(tmp_path):
    (tmp_path / "model.bin").touch()
    assert faster.resolve(str(tmp_path), cache=tmp_path / "cache") == tmp_path


# What makes openai-whisper fast


@given(cost=arrays.arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(1, 24)), elements=st.integers(-3, 3).map(float)))
def test_the_way_through_costs_what_whispers_own_does(cost):
    from whisper.timing import dtw_cpu

    rows, frames = dtw_cpu(cost.astype(np.float64))
    own = openai_whisper.warp(cost)
    assert own.tolist() == [int(frames[rows == row][0]) for row in range(len(cost))]


@pytest.mark.slow
def test_word_times_are_whispers_own(tiny_checkpoint, clip_samples):
    """One pass for all pieces gives what `whisper.timing.find_alignment` gives piece by piece, with the same numbers in the model."""
    import torch
    import whisper
    from whisper.timing import find_alignment
    from whisper.tokenizer import get_tokenizer

    model = whisper.load_model(str(tiny_checkpoint), device="cpu").eval()
    model.set_alignment_heads(whisper._ALIGNMENT_HEADS["tiny.en"])
    engine = openai_whisper.OpenAIWhisper(model, "tiny.en")
    pieces = [speech.Piece(clip_samples[: 9 * RATE], 0.0, []), speech.Piece(clip_samples[9 * RATE :], 9.0, [])]
    tokenizer = get_tokenizer(False, language="en", task="transcribe")
    texts = [tokenizer.encode(" Thanks for having me again, and thank you for keeping the log."), tokenizer.encode(" It's all right.")]
    with torch.inference_mode():
        features = engine._encode([piece.samples for piece in pieces])
        ours = engine._align(features, pieces, texts, "en")

        class Encoded:
            def __getattr__(self, name):
                return getattr(model, name)

            def __call__(self, encoded, tokens):
                return model.decoder(tokens, encoded)

        for piece, text, encoded, found in zip(pieces, texts, features, ours, strict=True):
            theirs = find_alignment(Encoded(), tokenizer, text, encoded, len(piece.samples) // 160)
            assert [one.text for one in found] == [one.word for one in theirs][: len(found)]
            for one, other in zip(found, theirs, strict=False):
                assert (one.start, one.end) == pytest.approx((other.start, other.end), abs=0.021)
                assert one.probability == pytest.approx(other.probability, abs=1e-3)


@pytest.mark.slow
def test_half_precision_as_on_a_card_gives_the_same_words(tiny_checkpoint, clip_samples, whisper_engine):
    """The way that CUDA takes, with its 16-bit numbers, as far as a processor can go along."""
    import whisper

    model = whisper.load_model(str(tiny_checkpoint), device="cpu").eval()
    model.set_alignment_heads(whisper._ALIGNMENT_HEADS["tiny.en"])
    engine = openai_whisper.OpenAIWhisper(model, "tiny.en", half=True)
    heard = [segment for _done, _total, found in speech.run(clip_samples, engine=engine) for segment in found]
    plain = [segment for _done, _total, found in speech.run(clip_samples, engine=whisper_engine) for segment in found]
    ours, theirs = (" ".join(segment.text for segment in some).lower().split() for some in (heard, plain))
    assert len(set(ours) & set(theirs)) > 0.9 * len(set(theirs))
    assert all(type(word.start) is float for segment in heard for word in segment.words)


@pytest.mark.slow
@pytest.mark.skipif(not engines.has_cuda(), reason="this machine has no NVIDIA card")
@pytest.mark.parametrize("name", engines.NAMES)
def test_a_card_hears_what_the_processor_hears(name, clip_samples, request):
    """With 16-bit numbers a word may differ, not more."""
    here = request.getfixturevalue("whisper_engine" if name == engines.WHISPER else "faster_engine")
    there = engines.load(name, "tiny.en", device="cuda")
    said = [[word for segment in _heard(engine, clip_samples) for word in segment.text.lower().split()] for engine in (here, there)]
    assert len(set(said[0]) ^ set(said[1])) <= 2
    assert abs(len(said[0]) - len(said[1])) <= 2


def _heard(engine, samples):
    work = speech.run(samples, engine=engine, language="en", probability=voice.activity(samples))
    return [segment for _, _, segments in work for segment in segments]
