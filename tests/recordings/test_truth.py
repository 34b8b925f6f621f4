"""No text over silence, and no silence about it: what the sound does not bear out is marked, what nobody understood shows as a gap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import speech, truth, vocabulary, voice
from recordings.speech import Heard, Piece, Segment, Timing, Word

RATE = 16_000


def silence(seconds=15):
    return np.zeros(seconds * RATE, np.float32)


def hiss():
    return (0.1 * np.random.default_rng(3).standard_normal(15 * RATE)).astype(np.float32)


def moments():
    return np.arange(15 * RATE) / RATE


def tone():
    return (0.3 * np.sin(2 * np.pi * 440 * moments())).astype(np.float32)


def mains_hum():
    return (0.2 * np.sin(2 * np.pi * 50 * moments()) + 0.1 * np.sin(2 * np.pi * 150 * moments())).astype(np.float32)


def room():
    """A fan and the street: noise that falls by 6 dB an octave, and swells."""
    brown = np.cumsum(np.random.default_rng(4).standard_normal(15 * RATE))
    brown -= np.convolve(brown, np.ones(4000) / 4000, "same")
    return (0.05 * brown / np.abs(brown).max() * (1.2 + np.sin(moments()))).astype(np.float32)


def music():
    """Four chords, each note with overtones and a decay."""
    out = np.zeros(15 * RATE)
    for at, chord in enumerate(((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294)) * 3):
        start = int(at * 1.2 * RATE)
        time = np.arange(len(out) - start) / RATE
        for note in chord:
            out[start:] += sum(np.sin(2 * np.pi * note * k * time) / k for k in (1, 2, 3)) * np.exp(-2 * time)
    return (0.2 * out / np.abs(out).max()).astype(np.float32)


def doors():
    """Six bangs in a quiet room."""
    rng = np.random.default_rng(5)
    out = 0.001 * rng.standard_normal(15 * RATE)
    for second in (1, 3, 4, 8, 8.4, 12):
        bang = rng.standard_normal(RATE // 2) * np.exp(-np.arange(RATE // 2) / 900)
        out[int(second * RATE) : int(second * RATE) + len(bang)] += bang
    return (0.5 * out / np.abs(out).max()).astype(np.float32)


WITHOUT_SPEECH = (silence, hiss, tone, mains_hum, room, music, doors)


@pytest.mark.parametrize("make", WITHOUT_SPEECH)
@pytest.mark.parametrize("prompt", ["", vocabulary.prompt("Harbourside, Callum House, MST")])
def test_where_nobody_speaks_no_word_stands_unmarked(make, prompt, engine):
    found = [segment for _done, _total, some in speech.run(make(), engine=engine, prompt=prompt) for segment in some]
    assert [segment.text for segment in found if segment.supported] == []


@pytest.mark.parametrize("make", WITHOUT_SPEECH)
def test_words_forced_upon_noise_are_marked(make, engine):
    """Even where the voice activity is wrong about where a piece begins."""
    (found,) = engine.transcribe_pieces([Piece(make(), 60.0, [])], "en", speech.SMALL_SOUNDS)
    assert [segment for segment in found if segment.supported or not segment.reason] == []


def test_words_in_a_long_silence_between_speech_are_marked_alone(clip_samples):
    """Five true words, then three invented ones ten seconds after the last voice: only those are marked."""
    said = [Timing(f" word{n}", 0.5 + 0.4 * n, 0.8 + 0.4 * n, 0.9) for n in range(5)]
    made_up = [Timing(f" made{n}", 12 + 0.4 * n, 12.3 + 0.4 * n, 0.9) for n in range(3)]
    segments = heard_as([*said, *made_up], speech_at=[(0.4, 2.6)])
    assert [(segment.supported, segment.reason, len(segment.words)) for segment in segments] == [(True, "", 5), (False, truth.NO_VOICE, 3)]


def test_a_loop_is_marked_and_what_was_said_before_it_is_not():
    said = [Timing(f" word{n}", 0.3 * n, 0.3 * n + 0.25, 0.9) for n in range(6)]
    loop = [Timing(text, 2 + 0.2 * n, 2.15 + 0.2 * n, 0.9) for n, text in enumerate([" thank", " you."] * 12)]
    segments = heard_as([*said, *loop], speech_at=[(0, 8)], compression=3.0)
    assert {segment.reason for segment in segments} == {"", truth.LOOP}
    assert " ".join(segment.text for segment in segments if segment.supported) == "word0 word1 word2 word3 word4 word5"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"compression": 2.6}, truth.COMPRESSION), ({"logprob": -1.2}, truth.LOW_CONFIDENCE)],
)
def test_a_piece_that_whisper_doubts_is_marked_as_a_whole(changes, reason):
    segments = heard_as([Timing(f" word{n}", 0.3 * n, 0.3 * n + 0.25, 0.9) for n in range(6)], speech_at=[(0, 8)], **changes)
    assert {segment.reason for segment in segments} == {reason}


def test_a_guess_over_near_silence_is_marked_and_an_unclear_word_in_a_sentence_is_not():
    speech_at = [(0.0, 2.0), (8.0, 8.3)]
    sentence = [Word(0.4 * n, 0.4 * n + 0.3, f"word{n}", 0.1 if n == 2 else 0.9) for n in range(4)]
    guess = [Word(7.6, 8.3, "you", 0.2)]
    assert truth.reason_together(sentence, speech_at) == ""
    assert truth.reason_together(guess, speech_at) == truth.LOW_CONFIDENCE
    assert truth.reason_together([Word(9.0, 9.9, "you", 0.9)], speech_at) == truth.NO_VOICE


def test_each_reason_has_a_sentence_and_a_number():
    assert set(truth.SENTENCES) == set(truth.REASONS) - {""}
    assert truth.REASONS.index("") == 0


def heard_as(timings, *, speech_at, logprob=-0.1, compression=1.2):
    """What becomes of these words by themselves, as if an engine had heard them."""

    class Told(speech.Engine):
        name, model_name, languages = "told", "none", frozenset({"en"})

        def language_probabilities(self, stretches):
            return []

        def _hear(self, pieces, language, prompt, encoded=None):
            return [Heard(timings, logprob, compression, 0.0) for _piece in pieces]

    (segments,) = Told().transcribe_pieces([Piece(silence(20), 0.0, speech_at)])
    return segments


@pytest.mark.parametrize(
    "text", ["no no no no, that is mine", "I said I said I said it", "", "very, very, very good", "yes. " * 6, "is it? it is. " * 3]
)
def test_people_repeat_themselves(text):
    assert not truth.has_loop(text)


@pytest.mark.parametrize("text", ["thank you " * 8, "so I " * 6 + "left", "la " * 12, "I was going to say that it was. " * 4])
def test_whisper_loops(text):
    assert truth.has_loop(text)


@given(before=st.lists(st.sampled_from("abcdefgh"), max_size=8, unique=True), times=st.integers(6, 20))
def test_only_the_loop_is_marked(before, times):
    marked = truth.loops([*before, *["round", "and"] * times])
    assert marked == [False] * len(before) + [True] * (2 * times)


# Gaps


def spoken(*spans):
    words = tuple(Word(start, end, "word", 0.9) for start, end in spans)
    return [Segment(words[0].start, words[-1].end, "words", words)]


def test_speech_without_words_is_a_gap():
    assert truth.gaps(spoken((0, 1), (3, 4)), [(0, 4)]) == [pytest.approx((1.2, 2.8))]


def test_a_breath_is_none_and_nor_is_silence():
    assert truth.gaps(spoken((0, 1), (1.7, 2.5)), [(0, 1.2), (1.6, 2.5)]) == []
    assert truth.gaps(spoken((0, 1), (9, 10)), [(0, 1), (9, 10)]) == []


def test_without_any_words_all_speech_is_a_gap():
    assert truth.gaps([], [(1, 3), (5, 5.4)]) == [(1, 3)]


times = st.integers(0, 400).map(lambda tenths: tenths / 10)
spans = st.lists(st.tuples(times, times), max_size=12).map(lambda pairs: sorted((min(pair), max(pair) + 0.1) for pair in pairs))


@given(words=spans, speech_at=spans)
def test_gaps_lie_in_speech_are_long_enough_and_hold_no_word(words, speech_at):
    apart = []
    for start, end in speech_at:
        if not apart or start > apart[-1][1]:
            apart.append((start, end))
    for start, end in truth.gaps(spoken(*words) if words else [], apart):
        assert end - start >= truth.GAP_S - 1e-9
        assert voice.overlap(apart, start, end) == pytest.approx(end - start)
        assert voice.overlap(words, start, end) == 0
