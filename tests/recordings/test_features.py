import io
from dataclasses import asdict, replace

import h5py
import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recordings import exports, features, vault
from recordings.speech import Segment, Word
from recordings.turns import Voices
from tests.recordings.making import bare_recording

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
            "schema": 2, "pipeline": "1", "recording": "abc", "sample_rate": 16000, "duration": 2.0, "created": "",
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


# Voices, spectrum and prosody (schema 2)


def speech(seconds=20):
    """Something like speech: a voice that comes and goes."""
    moments = np.arange(int(seconds * 16000)) / 16000
    voice = sum(0.2 / n * np.sin(2 * np.pi * 140 * n * moments) for n in range(1, 6))
    return (voice * (np.sin(2 * np.pi * 0.3 * moments) > 0)).astype(np.float32)


def told_apart(windows=30, seed=7):
    embeddings = np.random.default_rng(seed).normal(size=(windows, 256)).astype(np.float16)
    times = np.stack([np.arange(windows), np.arange(windows) + 1.6], axis=1).astype(np.float32)
    return Voices(["S1", "S2"], [(0.5, 1.9, "S1"), (2.0, 2.4, "S2")], times, embeddings, np.zeros(windows, np.int8))


def described(existing=None, voices=None, samples=None):
    samples = speech() if samples is None else samples
    existing = existing or features.with_words(features.peaks_only(samples), SEGMENTS)
    return features.with_voices(
        existing, samples=samples, probability=np.full(len(samples) // 512, 0.9, np.float32), voices=voices, segments=SEGMENTS
    )


def opened(file):
    return h5py.File(io.BytesIO(file), "r")


def test_voices_spectrum_and_prosody_stand_beside_the_words():
    file = described(voices=told_apart())
    assert exports.segments_from(features.transcript(file)) == SEGMENTS
    with opened(file) as h5:
        assert h5["mel/logmel"].shape == (2000, 80)
        assert (h5["mel/l1"].shape, h5["mel/l2"].shape) == ((500, 80), (125, 80))
        assert h5["mel/logmel"].chunks == (1024, 80)
        assert h5["mel/logmel"].compression == "gzip"
        assert (h5["mel/logmel"].attrs["db_min"], h5["mel/logmel"].attrs["db_max"]) == (-110, 0)
        assert np.array_equal(h5["mel/l2"][0], h5["mel/logmel"][:16].max(axis=0))
        assert (h5["prosody/f0"].dtype, h5["prosody/f0"].shape, h5["prosody/intensity"].shape) == (np.float16, (2000,), (2000,))
        assert np.nanmedian(h5["prosody/f0"][:]) == pytest.approx(140, rel=0.02)
        assert h5["spk/emb"].shape == (30, 256)
        assert h5["spk/turns"][:].tolist() == [(0.5, 1.9, 0), (2.0, 2.4, 1)]
        assert h5["derived/turns"][:].tolist() == [(0.5, 1.9, 0)]  # the other is not supported, the third has no speaker
        assert h5["asr/1/words"][0]["spk"] == 0


def test_why_a_word_is_not_supported_is_kept():
    doubtful = [replace(SEGMENTS[1], reason="loop")]
    assert features.transcript(features.with_words(features.peaks_only(sound(4)), doubtful))[0]["reason"] == "loop"


def test_doing_it_again_replaces_what_was_there():
    first = described(voices=told_apart(seed=1))
    second = described(existing=first, voices=told_apart(seed=2))
    with opened(second) as h5:
        assert np.array_equal(h5["spk/emb"][:], told_apart(seed=2).embeddings)
    assert told_apart(seed=1).embeddings.tobytes()[:512] not in second
    assert len(second) < len(first) * 1.05


def test_voices_that_could_not_be_told_apart_leave_the_rest():
    with opened(described()) as h5:
        assert h5["spk"].attrs["embeddings"] == "none"
        assert "emb" not in h5["spk"]
        assert len(h5["prosody/f0"]) == 2000


@pytest.mark.parametrize("seconds", [0, 0.005, 0.5])
def test_hardly_any_sound_is_no_trouble(seconds):
    samples = speech(seconds)
    file = features.with_voices(
        features.peaks_only(samples), samples=samples, probability=np.zeros(len(samples) // 512, np.float32), voices=None, segments=[]
    )
    assert features.transcript(file) == []


def test_forgetting_voices_leaves_no_byte_of_them_and_takes_nothing_else():
    voices = told_apart()
    before = described(voices=voices)
    secret = voices.embeddings.tobytes()
    assert secret[:512] in before
    after = features.forget_voices(before)
    assert not any(secret[at : at + 64] in after for at in range(0, len(secret) - 64, 512))
    assert (features.has_voice_prints(before), features.has_voice_prints(after)) == (True, False)
    assert features.transcript(after) == features.transcript(before)
    assert features.peaks(after, 0) == features.peaks(before, 0)
    with opened(before) as old, opened(after) as new:
        paths = []
        old.visititems(lambda path, item: paths.append(path) if isinstance(item, h5py.Dataset) else None)
        assert "spk/emb" in paths
        for path in set(paths) - {"spk/emb"}:
            assert np.array_equal(old[path][()].astype("O"), new[path][()].astype("O")) or path == "prosody/f0"
            assert dict(old[path].attrs) == dict(new[path].attrs)
        assert new["spk"].attrs["embeddings"] == "deleted"


def test_what_was_forgotten_is_not_made_again():
    forgotten = features.forget_voices(described(voices=told_apart()))
    again = described(existing=forgotten, voices=told_apart())
    assert not features.has_voice_prints(again)
    assert features.forget_voices(again)  # and once more
    with opened(again) as h5:
        assert len(h5["spk/turns"]) == 2


def test_a_file_of_schema_1_is_read_and_brought_up_to_date():
    file = io.BytesIO(features.peaks_only(speech()))
    with h5py.File(file, "r+") as h5:  # as the first version wrote it
        h5.attrs["schema"] = 1
        run = h5.create_group("asr/1")
        h5["asr"].attrs["current"] = "1"
        run.attrs.update(speakers='["S1"]', parameters="{}")
        run["segments"] = np.array([(0.5, 0.9, 0, 1)], [("t0", "<f8"), ("t1", "<f8"), ("spk", "<i2"), ("flags", "u1")])
        run["words"] = np.array([(0.5, 0.9, 0.9, 0, 1)], [("t0", "<f8"), ("t1", "<f8"), ("p", "<f4"), ("seg", "<i4"), ("flags", "u1")])
        for name in ("text", "segtext"):
            run.create_dataset(name, data=["Sut"], dtype=h5py.string_dtype())
    old = file.getvalue()
    assert features.transcript(old)[0]["text"] == "Sut"
    assert (features.mel(old, 0), features.has_voice_prints(old), features.speech_spans(old)) == (b"", False, [])
    new = described(existing=old, voices=told_apart())
    assert features.transcript(new) == features.transcript(old)
    with opened(new) as h5:
        assert h5.attrs["schema"] == 2


def test_the_spectrum_is_read_by_level_and_range():
    file = described()
    assert len(features.mel(file, 2)) == 125 * 80
    assert features.mel(file, 0, 100, 110) == features.mel(file, 0)[8000:8800]
    for wrong in ((3, 0, None), (0, 5, 4), (-1, 0, None)):
        with pytest.raises(ValueError, match=r"levels 0 to 2|must not lie before"):
            features.mel(file, *wrong)


@pytest.mark.django_db
def test_h5py_opens_the_decrypted_stream():
    recording = bare_recording()
    sealed = vault.seal(recording, "features", [described(voices=told_apart())], now=timezone.now())
    with vault.open_sealed(sealed) as stream, h5py.File(stream, "r") as h5:
        assert h5["spk/emb"].shape == (30, 256)
        assert h5["mel/logmel"][500:510].shape == (10, 80)
        assert h5["asr/1/text"].asstr()[0] == "Sut"
