"""Words given to voices, and segments cut where the voice changes."""

from dataclasses import asdict
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recordings.speech import Segment, Word
from recordings.turns import Voices, assign


def voices(*turns):
    labels = list(dict.fromkeys(label for _start, _end, label in turns))
    return Voices(labels, list(turns), np.zeros((0, 2), np.float32), np.zeros((0, 256), np.float16), np.zeros(0, np.int8))


def segment(*words, **fields):
    said = tuple(Word(start, end, text, 0.9) for start, end, text in words)
    return Segment(said[0].start, said[-1].end, " ".join(word.text for word in said), said, **fields)


def told(segments):
    return [(one.speaker, one.text) for one in segments]


def test_a_segment_is_cut_where_the_voice_changes():
    one = segment((0, 0.4, "So"), (0.4, 0.9, "late."), (1.2, 1.5, "He"), (1.5, 1.9, "was."))
    parts = assign([one], voices((0, 1, "S1"), (1.1, 2, "S2")))
    assert told(parts) == [("S1", "So late."), ("S2", "He was.")]
    assert [(part.start, part.end) for part in parts] == [(0, 0.9), (1.2, 1.9)]


def test_the_first_words_of_a_turn_are_not_left_to_the_one_before():
    """The turn is found a little late: the pause and the full stop say where it really began."""
    one = segment((0, 0.4, "Was"), (0.4, 0.8, "he?"), (1.1, 1.25, "Well,"), (1.27, 1.4, "he"), (1.4, 1.8, "was."))
    assert told(assign([one], voices((0, 1.3, "S1"), (1.3, 2, "S2")))) == [("S1", "Was he?"), ("S2", "Well, he was.")]


def test_a_change_within_a_sentence_stays_where_it_was_heard():
    one = segment((0, 0.5, "and"), (0.5, 1.0, "then"), (1.0, 1.5, "no"), (1.5, 2.0, "wait"), (2.0, 2.5, "please"))
    assert told(assign([one], voices((0, 1.0, "S1"), (1.0, 2.5, "S2")))) == [("S1", "and then"), ("S2", "no wait please")]


def test_a_short_word_between_two_of_another_voice_is_a_slip_of_the_times():
    one = segment((0, 0.5, "we"), (0.5, 0.7, "did"), (0.7, 1.2, "it"))
    assert told(assign([one], voices((0, 0.5, "S1"), (0.5, 0.7, "S2"), (0.7, 1.2, "S1")))) == [("S1", "we did it")]


def test_an_encouragement_with_pauses_around_it_is_a_turn():
    one = segment((0, 0.5, "we"), (0.5, 0.9, "did"), (1.2, 1.4, "mm"), (1.8, 2.2, "it"))
    parts = assign([one], voices((0, 1, "S1"), (1.15, 1.45, "S2"), (1.7, 2.3, "S1")))
    assert told(parts) == [("S1", "we did"), ("S2", "mm"), ("S1", "it")]


def test_a_word_that_no_turn_reaches_goes_to_the_nearest():
    assert told(assign([segment((5, 5.2, "oh"))], voices((0, 1, "S1"), (6, 7, "S2")))) == [("S2", "oh")]
    assert told(assign([segment((3, 3.2, "oh"))], voices((0, 2.5, "S1"), (6, 7, "S2")))) == [("S1", "oh")]


def test_what_is_known_of_a_segment_stays_with_its_parts():
    one = segment((0, 0.5, "a."), (1.0, 1.5, "b."), supported=False, reason="loop")
    assert {(part.supported, part.reason) for part in assign([one], voices((0, 0.6, "S1"), (0.9, 1.6, "S2")))} == {(False, "loop")}


def test_segments_may_come_as_they_are_kept():
    one = segment((0, 0.5, "a."), (1.0, 1.5, "b."))
    heard = voices((0, 0.6, "S1"), (0.9, 1.6, "S2"))
    assert assign([{**asdict(one), "id": "unknown"}], heard) == assign([one], heard)


def test_where_nobody_was_told_apart_nobody_is_named():
    one = segment((0, 0.5, "a"))
    assert assign([one], voices()) == [one]


times = st.lists(st.floats(0.02, 2, allow_nan=False), min_size=2, max_size=40)


@given(gaps=times, spans=times, names=st.lists(st.sampled_from(["S1", "S2", "S3"]), min_size=20, max_size=20))
def test_no_word_is_lost_doubled_or_moved(gaps, spans, names):
    edges = np.cumsum(gaps).tolist()
    words = tuple(Word(a, b, f"w{n}", 0.5) for n, (a, b) in enumerate(pairwise(edges)))
    turns = np.cumsum(spans).tolist()
    heard = voices(*((a, b, name) for a, b, name in zip(turns[:-1], turns[1:], names * 2, strict=False)))
    parts = assign([Segment(words[0].start, words[-1].end, " ".join(word.text for word in words), words)], heard)
    assert tuple(word for part in parts for word in part.words) == words
    assert all(part.speaker in heard.labels and part.words for part in parts)
    assert " ".join(part.text for part in parts) == " ".join(word.text for word in words)
