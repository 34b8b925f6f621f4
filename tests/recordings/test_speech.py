import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recordings import speech, voice

RATE = 16_000


@pytest.fixture(scope="module")
def heard(whisper_engine, clip_samples):
    return [segment for _done, _total, found in speech.run(clip_samples, engine=whisper_engine) for segment in found]


def words_of(segments):
    return [word for segment in segments for word in segment.words]


def noises():
    rng = np.random.default_rng(3)
    time = np.arange(15 * RATE) / RATE
    return {
        "silence": np.zeros(15 * RATE, np.float32),
        "hiss": (0.1 * rng.standard_normal(15 * RATE)).astype(np.float32),
        "tone": (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32),
        "hum": (0.2 * np.sin(2 * np.pi * 50 * time) + 0.1 * np.sin(2 * np.pi * 150 * time)).astype(np.float32),
    }


def test_what_was_said_is_heard(heard, session_turns):
    import jiwer
    from whisper.normalizers import EnglishTextNormalizer

    normal = EnglishTextNormalizer()
    said = " ".join(turn["text"] for turn in session_turns)
    assert jiwer.wer(normal(said), normal(" ".join(segment.text for segment in heard))) <= 0.1


def test_every_word_has_a_time_in_order_and_a_probability(heard):
    words = words_of(heard)
    assert len(words) > 40
    last = 0.0
    for word in words:
        assert type(word.start) is float
        assert last <= word.start < word.end <= 22.1
        assert 0 <= word.probability <= 1
        assert word.text == word.text.strip() != ""
        last = word.end


def test_segments_hold_their_words(heard):
    for segment in heard:
        assert segment.supported
        assert segment.text == " ".join(word.text for word in segment.words)
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)


def test_words_begin_where_the_turns_begin(heard, session_turns):
    words = words_of(heard)
    errors = []
    for turn in session_turns:
        first = re.sub(r"\W", "", turn["text"].split()[0].lower())
        same = [word.start for word in words if re.sub(r"\W", "", word.text.lower()) == first]
        errors.append(min(abs(start - turn["start"]) for start in same))
    assert np.median(errors) < 0.15


def test_an_apostrophe_does_not_split_a_word(heard):
    assert not [word.text for word in words_of(heard) if word.text.startswith("'")]


@pytest.mark.parametrize("name", noises())
def test_where_nobody_speaks_there_are_no_words(name, whisper_engine):
    sound = noises()[name]
    assert voice.segments(voice.activity(sound)) == []
    assert list(speech.run(sound, engine=whisper_engine)) == []


def test_words_forced_upon_noise_are_not_supported(whisper_engine):
    assert not [one for one in whisper_engine.transcribe_piece(noises()["hiss"], 0.0, speech=[]) if one.supported]


def test_a_long_silence_is_left_out_of_the_pieces(clip_samples):
    quiet = np.concatenate([clip_samples, np.zeros(40 * RATE, np.float32), clip_samples])
    pieces = voice.cuts(voice.activity(quiet), duration_s=len(quiet) / RATE)
    assert not [piece for piece in pieces if piece[0] < 40 < piece[1]]


def test_a_quiet_voice_after_a_loud_one_is_found(clip_samples):
    both = np.concatenate([clip_samples, clip_samples * 0.06])
    spans = voice.segments(voice.activity(both))
    assert voice.overlap(spans, 22, 44) > 0.8 * voice.overlap(spans, 0, 22)


def test_a_broken_off_run_goes_on_from_its_piece(whisper_engine, clip_samples, monkeypatch):
    monkeypatch.setattr(speech, "MAX_PIECE_S", 12.0)
    whole = list(speech.run(clip_samples, engine=whisper_engine))
    assert len(whole) == 2
    assert [(done, total) for done, total, _found in whole] == [(n, len(whole)) for n in range(1, len(whole) + 1)]
    seen = []
    rest = list(speech.run(clip_samples, engine=whisper_engine, start_piece=1, on_progress=lambda done, total: seen.append(done)))
    assert seen == [2]
    assert [[one.text for one in found] for _d, _t, found in rest] == [[one.text for one in found] for _d, _t, found in whole[1:]]


def test_a_sentence_that_whisper_skipped_is_heard_after_all(whisper_engine, clip_samples, heard, monkeypatch):
    engine = speech.Engine(whisper_engine.model, whisper_engine.model_name)
    hear, calls = engine._hear, []

    def skip_the_rest_at_first(pieces, language):
        calls.append(pieces)
        answers = hear(pieces, language)
        return [(words[:10], doubtful) for words, doubtful in answers] if len(calls) == 1 else answers

    monkeypatch.setattr(engine, "_hear", skip_the_rest_at_first)
    again = [segment for _d, _t, found in speech.run(clip_samples, engine=engine) for segment in found]
    assert len(calls) > 1
    assert len(words_of(again)) > 0.9 * len(words_of(heard))


def test_a_language_the_model_does_not_know_is_not_offered(whisper_engine):
    assert whisper_engine.languages == {"en"}
    assert whisper_engine.detect_language(np.zeros(RATE, np.float32)) == "en"


@pytest.mark.parametrize(
    "text", ["no no no no, that is mine", "I said I said I said it", "", "very, very, very good", "yes. " * 6, "is it? it is. " * 3]
)
def test_people_repeat_themselves(text):
    assert not speech.has_loop(text)


@pytest.mark.parametrize("text", ["thank you " * 8, "so I " * 6 + "left", "la " * 12, "I was going to say that it was. " * 4])
def test_whisper_loops(text):
    assert speech.has_loop(text)


probabilities = arrays.arrays(np.float32, st.integers(0, 4000), elements=st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]))


@given(probability=probabilities, max_s=st.sampled_from([10.0, 28.0]))
def test_pieces_hold_all_speech_in_order_and_none_is_too_long(probability, max_s):
    duration = len(probability) * voice.FRAME_S
    pieces = voice.cuts(probability, duration_s=duration, max_s=max_s)
    assert all(0 <= start < end <= duration + 1e-6 and end - start <= max_s + 0.05 for start, end in pieces)
    assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(pieces))
    for start, end in voice.segments(probability):
        assert voice.overlap(pieces, start, end) == pytest.approx(end - start, abs=1e-6)
