"""How the time was shared: counted by hand, and what must hold for any conversation."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import measures


def said(start, end, speaker, words=4, *, supported=True, **more):
    step = (end - start) / words
    each = [{"start": start + step * n, "end": start + step * (n + 1), "text": "x", "probability": 0.9} for n in range(words)]
    return {"start": start, "end": end, "text": "x", "words": each, "supported": supported, "speaker": speaker, **more}


TALK = [said(0, 10, "S1", 30), said(11, 13, "S2", 5), said(13.5, 15.5, "S2", 5), said(15, 25, "S1", 20)]
SPEECH = [(0.0, 4.0), (4.5, 10.0), (11.0, 13.0), (13.5, 25.0)]


def test_a_conversation_counted_by_hand():
    found = measures.of(TALK, SPEECH, duration=30)
    first, second = found.speakers
    assert (first.speaker, first.turns, first.words) == ("S1", 2, 50)
    assert first.spoken == pytest.approx(19.5)
    assert second.spoken == pytest.approx(4.0)
    assert first.share == pytest.approx(19.5 / 23.5)
    assert (first.median_turn, second.median_turn) == (10, 4.5)
    assert (first.pauses, first.median_pause) == (1, 0.5)
    assert (second.pauses, second.median_pause) == (1, 0.5)
    assert (second.answers, second.median_latency) == (1, 1.0)
    assert (first.answers, first.median_latency, first.overlaps) == (1, 0.0, 1)
    assert found.overlap == pytest.approx(0.5)
    assert found.median_between == pytest.approx(1.0)
    assert first.rate == pytest.approx(50 / 19.5 * 60)
    assert second.rate is None  # four seconds are too few for words a minute
    assert (found.speech, found.duration, found.left_out) == (23.0, 30, 0)


def test_what_the_sound_does_not_support_counts_for_nothing_until_somebody_confirms_it():
    invented = said(26, 28, "S2", 6, supported=False)
    without = measures.of(TALK, SPEECH, duration=30)
    with_it = measures.of([*TALK, invented], SPEECH, duration=30)
    assert with_it.speakers == without.speakers
    assert with_it.left_out == 6
    confirmed = measures.of([*TALK, {**invented, "confirmed": True}], [*SPEECH, (26.0, 28.0)], duration=30)
    assert confirmed.speakers[1].words == 16
    assert confirmed.left_out == 0


def test_words_without_a_speaker_are_left_out():
    assert measures.of([*TALK, said(26, 28, None, 3)], SPEECH, duration=30).left_out == 3


def test_nothing_said_is_nothing_measured():
    found = measures.of([], [], duration=10)
    assert (found.speakers, found.overlap, found.median_between) == ((), 0, None)


def test_without_voice_activity_the_words_own_lengths_count():
    assert measures.of(TALK[:1], [], duration=30).speakers[0].spoken == 10


segments = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(1, 200), st.sampled_from(["S1", "S2", "S3", None]), st.integers(1, 9), st.booleans()),
    max_size=25,
).map(lambda rows: [said(a / 10, (a + length) / 10, who, words, supported=ok) for a, length, who, words, ok in rows])
spans = st.lists(st.integers(1, 60), max_size=40).map(
    lambda steps: [(sum(steps[:n]) / 10, sum(steps[: n + 1]) / 10) for n in range(0, len(steps), 2)]
)


@given(talk=segments, speech=spans)
def test_what_holds_for_any_conversation(talk, speech):
    found = measures.of(talk, speech, duration=300)
    shares = sum(one.share for one in found.speakers)
    assert shares == pytest.approx(1) or not sum(one.spoken for one in found.speakers)
    assert sum(one.words for one in found.speakers) + found.left_out == sum(len(row["words"]) for row in talk)
    turns = measures.turns(talk)
    assert sum(one.turns for one in found.speakers) == len(turns)
    assert sum(one.answers for one in found.speakers) == max(0, len(turns) - 1)
    assert all(before.speaker != after.speaker for before, after in pairwise(turns))
    for one in found.speakers:
        assert 0 <= one.spoken <= (found.speech if speech else 300 * len(talk)) + 1e-6
        assert 0 <= one.overlaps <= one.answers
    for pause in measures.pauses(turns, speech):
        assert pause.end - pause.start >= measures.PAUSE_S - 1e-9
    overlaps = measures.overlaps(turns)
    assert all(a < b for a, b in overlaps)
    assert all(before[1] <= after[0] for before, after in pairwise(overlaps))


@given(talk=segments, speech=spans, later=st.integers(0, 50))
def test_neither_the_clock_nor_the_order_nor_the_labels_matter(talk, speech, later):
    moved = [{**row, "start": row["start"] + later, "end": row["end"] + later} for row in reversed(talk)]
    moved_speech = [(a + later, b + later) for a, b in speech]
    one, other = measures.of(talk, speech, duration=300), measures.of(moved, moved_speech, duration=300)
    key = {speaker.speaker: speaker for speaker in other.speakers}
    for speaker in one.speakers:
        assert key[speaker.speaker].spoken == pytest.approx(speaker.spoken)
        assert key[speaker.speaker].words == speaker.words
    assert one.overlap == pytest.approx(other.overlap)
