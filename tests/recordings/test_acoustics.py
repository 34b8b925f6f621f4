import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings import acoustics

RATE = 16_000


def tone(hertz, seconds=0.6, *, loudness=0.3, harmonics=5):
    moments = np.arange(int(seconds * RATE)) / RATE
    return sum(loudness / n * np.sin(2 * np.pi * hertz * n * moments) for n in range(1, harmonics + 1)).astype(np.float32)


def noise(seconds, level=0.1, seed=3):
    return np.random.default_rng(seed).normal(0, level, int(seconds * RATE)).astype(np.float32)


def whole(blocks):
    return np.concatenate(list(blocks))


@settings(max_examples=60)
@given(hertz=st.floats(70, 480), harmonics=st.integers(1, 8), loudness=st.floats(0.01, 0.4))
def test_the_pitch_of_a_tone_is_found_within_two_percent(hertz, harmonics, loudness):
    found = acoustics.pitch(tone(hertz, loudness=loudness, harmonics=harmonics))[5:-5]
    assert np.isfinite(found).all()
    assert np.abs(found / hertz - 1).max() < 0.02


def test_a_gliding_pitch_is_followed():
    moments = np.arange(RATE * 2) / RATE
    hertz = 120 + 60 * moments
    samples = (0.3 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)).astype(np.float32)
    found = acoustics.pitch(samples)[10:-10]
    assert np.abs(found / hertz[::160][10:-10] - 1).max() < 0.03


@pytest.mark.parametrize(
    "samples", [noise(1), np.zeros(RATE, np.float32), tone(150, loudness=0.0002)], ids=["noise", "silence", "too quiet"]
)
def test_what_does_not_repeat_itself_or_is_not_heard_has_no_pitch(samples):
    assert np.isnan(acoustics.pitch(samples)).mean() > 0.98


def test_a_tone_of_full_scale_has_a_level_of_minus_three_decibels():
    level = acoustics.intensity(tone(200, 1, loudness=1.0, harmonics=1))
    assert level[5:-5] == pytest.approx(-3.01, abs=0.1)
    assert acoustics.intensity(np.zeros(1600, np.float32)) == pytest.approx(-110)


def test_the_spectrum_shows_a_tone_in_its_band_and_at_its_level():
    levels = whole(acoustics.log_mel(tone(1000, 1, loudness=0.5, harmonics=1)))
    decibels = levels[50].astype(float) / 255 * (acoustics.DB_MAX - acoustics.DB_MIN) + acoustics.DB_MIN
    filters = acoustics.mel_filters(80)
    assert decibels.argmax() == filters[:, round(1000 / 40)].argmax()
    assert decibels.max() == pytest.approx(-6, abs=1.5)
    assert np.median(decibels) < -60


def test_mel_bands_have_the_same_area_and_cover_the_whole_range():
    filters = acoustics.mel_filters(40)
    assert filters.shape == (40, 201)
    assert filters.sum(axis=1) * 40 == pytest.approx(2 / 2, abs=0.45)  # 40 Hz a bin: the narrowest bands are a few bins wide
    centres = filters.argmax(axis=1) * 40
    assert (np.diff(centres) >= 0).all()
    assert (np.diff(centres[:12]) <= 120).all()  # even steps below 1 kHz
    assert centres[-1] > 7000


@settings(max_examples=30)
@given(length=st.integers(0, 9000))
def test_there_is_one_frame_every_ten_milliseconds_whatever_is_measured(length):
    samples = noise(1)[:length]
    count = -(-length // 160)
    assert len(acoustics.pitch(samples)) == len(acoustics.intensity(samples)) == count
    assert sum(len(block) for block in acoustics.log_mel(samples)) == count


def test_where_the_blocks_fall_makes_no_difference(monkeypatch):
    samples = np.concatenate([tone(180, 1.1), noise(0.7), tone(90, 1)])
    at_once = acoustics.pitch(samples), acoustics.intensity(samples), whole(acoustics.log_mel(samples))
    monkeypatch.setattr(acoustics, "BLOCK", 16)
    in_blocks = acoustics.pitch(samples), acoustics.intensity(samples), whole(acoustics.log_mel(samples))
    for one, other in zip(at_once, in_blocks, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=0.01)


def test_a_minutes_edge_leaves_no_mark_in_the_pitch():
    found = acoustics.pitch(tone(140, 61))[5:-5]
    assert np.abs(found / 140 - 1).max() < 0.01


def test_pooling_keeps_the_greatest():
    levels = np.arange(10, dtype=np.uint8).reshape(10, 1)
    assert acoustics.pooled(levels).tolist() == [[3], [7], [9]]
    assert acoustics.pooled(levels[:0]).shape == (0, 1)
