import io
from dataclasses import asdict

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recordings import exports, features
from recordings.speech import Segment, Word

SEGMENTS = [
    Segment(
        0.5, 1.9, "Sut mae? Well.", (Word(0.5, 0.9, "Sut", 0.91), Word(0.9, 1.4, "mae?", 0.5), Word(1.4, 1.9, "Well.", 0.99)), True, "S1"
    ),
    Segment(2.0, 2.4, "no", (Word(2.0, 2.4, "no", 0.3),), False, "S2"),
    Segment(3.0, 3.5, "mm", (Word(3.0, 3.5, "mm", 0.7),), True, None),
]


def sound(seconds, seed=5):
    return np.random.default_rng(seed).uniform(-0.9, 0.9, int(seconds * 16000)).astype(np.float32)


@given(samples=arrays.arrays(np.float32, st.integers(0, 20_000), elements=st.floats(-1, 1, width=32)))
def test_peaks_are_the_extremes_of_the_samples(samples):
    for pairs, size in zip(features.peak_levels(samples), features.SAMPLES_PER_PIXEL, strict=True):
        assert pairs.shape == (-(-len(samples) // size), 2)
        for (least, greatest), at in zip(pairs.tolist(), range(0, len(samples), size), strict=True):
            stretch = samples[at : at + size] * 127
            assert least <= stretch.min() < least + 1.001 or least == -127
            assert greatest - 1.001 < stretch.max() <= greatest or greatest == 127


def test_peaks_are_read_by_level_and_range():
    file = features.peaks_only(sound(10))
    whole = np.frombuffer(features.peaks(file, 0), np.int8).reshape(-1, 2)
    assert len(whole) == 200
    part = np.frombuffer(features.peaks(io.BytesIO(file), 0, 20, 25), np.int8).reshape(-1, 2)
    assert np.array_equal(part, whole[20:25])
    assert features.peaks(file, 0, 500, 600) == b""
    assert len(features.peaks(file, 5)) == 2


@pytest.mark.parametrize("wrong", [(6, 0, None), (-1, 0, None), (0, 5, 4), (0, -1, 4)])
def test_a_level_or_range_that_there_is_not(wrong):
    with pytest.raises(ValueError, match=r"levels 0 to 5|must not lie before"):
        features.peaks(features.peaks_only(sound(1)), *wrong)


def test_the_file_says_what_it_is():
    with h5py.File(io.BytesIO(features.peaks_only(sound(2), recording="abc")), "r") as file:
        assert dict(file.attrs) | {"created": ""} == {
            "schema": 1, "pipeline": "1", "recording": "abc", "sample_rate": 16000, "duration": 2.0, "created": "",
        }  # fmt: skip
        assert file["peaks/l1"].attrs["samples_per_pixel"] == 3200


def test_there_is_no_transcript_before_the_words():
    assert features.transcript(features.peaks_only(sound(1))) == []


def test_words_come_back_as_they_went_in():
    file = features.with_words(features.peaks_only(sound(4)), SEGMENTS)
    assert exports.segments_from(features.transcript(file)) == SEGMENTS
    again = features.with_words(features.peaks_only(sound(4)), [asdict(one) for one in SEGMENTS])
    assert features.transcript(again) == features.transcript(io.BytesIO(file))
    assert features.peaks(file, 0) == features.peaks(features.peaks_only(sound(4)), 0)


def test_a_transcript_without_words_is_empty_but_there():
    file = features.with_words(features.peaks_only(sound(1)), [])
    assert features.transcript(file) == []


def test_a_new_run_leaves_the_old_one_alone():
    first = features.with_words(features.peaks_only(sound(4)), SEGMENTS, parameters={"model": "tiny.en"})
    second = features.with_words(first, SEGMENTS[:1])
    assert len(features.transcript(second)) == 1
    assert features.transcript(second, run="1") == features.transcript(first)
    with pytest.raises(ValueError, match="there already"):
        features.with_words(second, SEGMENTS, run="1")


def test_voice_activity_is_kept_beside_the_words():
    probability = np.array([0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0], np.float32)
    with h5py.File(io.BytesIO(features.build(sound(1), SEGMENTS, probability=probability)), "r") as file:
        assert file["vad/prob"][:].max() == 255
        assert file["vad/segments"][:].tolist() == [pytest.approx([0.064, 0.32])]


def test_a_damaged_file_is_not_read():
    file = features.build(sound(4), SEGMENTS)
    with pytest.raises(OSError, match="truncated"):
        features.transcript(file[:1000])
