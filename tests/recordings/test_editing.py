"""The edit layer: what edits do to a run, that undoing brings everything back, and that times stay in order."""

import copy
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings import editing
from recordings.editing import Edit


def segment(start, end, text, *, speaker="S1", supported=True):
    parts = text.split()
    step = (end - start) / len(parts)
    words = [{"start": start + step * n, "end": start + step * (n + 1), "text": part, "probability": 0.8} for n, part in enumerate(parts)]
    return {"start": start, "end": end, "text": text, "words": words, "supported": supported, "speaker": speaker}


TALK = [
    segment(0.0, 2.0, "How did the cur few"),
    segment(2.5, 4.0, "go on Friday", speaker="S2"),
    segment(4.0, 5.0, "thank you thank you", speaker="S2", supported=False),
    segment(6.0, 8.0, "He was late again", speaker="S2"),
]


def replace(number, layer, place, first, after, text):
    words = layer.turns[place]["words"][first:after]
    return edit(number, layer, "replace", {**about(words), "text": text})


def about(words):
    return {
        "words": [word["id"] for word in words],
        "was": [word["text"] for word in words],
        "start": words[0]["start"],
        "end": words[-1]["end"],
    }


def boundary(number, layer, kind, place, word=0):
    there = layer.turns[place]["words"][word]
    return edit(number, layer, kind, {"word": there["id"], "was": there["text"], "start": there["start"]})


def whole(number, layer, kind, place, **more):
    return edit(number, layer, kind, {**about(layer.turns[place]["words"]), **more})


def edit(number, layer, kind, payload):
    return Edit(number, layer.run, kind, payload)


def texts(layer):
    return [turn["text"] for turn in layer.turns]


def test_without_edits_a_run_is_as_it_was_made():
    layer = editing.apply(TALK, [])
    for turn, was in zip(layer.turns, TALK, strict=True):
        assert {key: turn[key] for key in was if key != "words"} == {key: was[key] for key in was if key != "words"}
        assert [{**word, "id": ""} for word in turn["words"]] == [{**word, "id": ""} for word in was["words"]]
    assert [word["id"] for turn in layer.turns for word in turn["words"]][:3] == ["1:0", "1:1", "1:2"]


def test_two_words_become_one_and_the_others_keep_their_times():
    plain = editing.apply(TALK, [])
    layer = editing.apply(TALK, [replace(1, plain, 0, 3, 5, "curfew")])
    turn = layer.turns[0]
    assert turn["text"] == "How did the curfew"
    assert turn["words"][:3] == plain.turns[0]["words"][:3]
    assert (turn["words"][3]["start"], turn["words"][3]["end"]) == (plain.turns[0]["words"][3]["start"], 2.0)
    assert (turn["edited"], turn["edit"], turn["confirmed"]) == (True, 1, True)


def test_a_word_for_a_word_keeps_its_time_and_id():
    plain = editing.apply(TALK, [])
    layer = editing.apply(TALK, [replace(1, plain, 3, 0, 4, "She was late again")])
    word, was = layer.turns[3]["words"][0], plain.turns[3]["words"][0]
    assert (word["text"], word["id"], word["start"], word["end"]) == ("She", was["id"], was["start"], was["end"])


def test_a_turn_is_split_given_away_and_joined_again():
    plain = editing.apply(TALK, [])
    one = boundary(1, plain, "split", 3, 2)
    parted = editing.apply(TALK, [one])
    assert texts(parted)[3:] == ["He was", "late again"]
    two = whole(2, parted, "assign", 4, speaker="S1")
    given_away = editing.apply(TALK, [one, two])
    assert [turn["voice"] for turn in given_away.turns][3:] == ["S2", "S1"]
    three = boundary(3, given_away, "merge", 4)
    assert texts(editing.apply(TALK, [one, two, three])) == texts(plain)


def test_a_name_stands_wherever_the_voice_does_and_two_voices_become_one():
    plain = editing.apply(TALK, [])
    edits = [
        edit(1, plain, "name", {"speaker": "S1", "name": "Therapist"}),
        edit(2, plain, "merge_speakers", {"speaker": "S2", "into": "S1"}),
    ]
    assert [turn["speaker"] for turn in editing.apply(TALK, edits[:1]).turns] == ["Therapist", "S2", "S2", "S2"]
    joined = editing.apply(TALK, edits)
    assert {turn["speaker"] for turn in joined.turns} == {"Therapist"}
    assert joined.voices == ["S1"]


def test_confirmed_words_are_supported_and_refused_ones_stay_to_be_restored():
    plain = editing.apply(TALK, [])
    assert editing.apply(TALK, [whole(1, plain, "confirm", 2)]).turns[2]["supported"]
    refused = editing.apply(TALK, [whole(1, plain, "refuse", 2)]).turns[2]
    assert (refused["refused"], refused["supported"], refused["text"]) == (True, False, TALK[2]["text"])


def test_what_is_said_in_a_gap_becomes_a_turn_of_its_own():
    plain = editing.apply(TALK, [])
    payload = {"words": [], "was": [], "start": 5.1, "end": 5.9, "text": "mm hm", "speaker": "S1"}
    layer = editing.apply(TALK, [edit(1, plain, "replace", payload)])
    assert [turn["start"] for turn in layer.turns] == [0.0, 2.5, 4.0, 5.1, 6.0]
    assert [(word["start"], word["end"]) for word in layer.turns[3]["words"]] == [(5.1, 5.5), (5.5, 5.9)]


def test_an_edit_on_words_whose_own_edit_was_undone_waits_to_be_settled():
    plain = editing.apply(TALK, [])
    one = replace(1, plain, 0, 3, 5, "strict curfew then")
    two = replace(2, editing.apply(TALK, [one]), 0, 3, 4, "stricter")
    assert editing.apply(TALK, [one, two]).turns[0]["text"] == "How did the stricter curfew then"
    alone = editing.apply(TALK, [two])
    assert texts(alone) == texts(plain)
    assert [left.edit.number for left in alone.unplaced] == [2]


# A new run


def test_a_new_run_keeps_what_still_fits_and_asks_about_the_rest():
    plain = editing.apply(TALK, [])
    edits = [
        replace(1, plain, 0, 3, 5, "curfew"),  # the new run heard it right by itself
        replace(2, plain, 1, 2, 3, "Saturday"),  # said a little later in the new run
        boundary(3, plain, "split", 3, 2),  # the new run says it a little later
        whole(4, plain, "assign", 1, speaker="S1"),
        whole(5, plain, "refuse", 2),  # the new run did not invent it
        edit(6, plain, "name", {"speaker": "S2", "name": "Caregiver M.B."}),  # S2 is called S1 now, and S1 S2
        replace(7, plain, 3, 1, 2, "is"),  # the new run has another word there
    ]
    new = [
        segment(0.0, 1.9, "How did the curfew", speaker="S2"),
        segment(2.6, 4.1, "Go on Friday,", speaker="S1"),
        segment(6.1, 8.1, "He came late again", speaker="S1"),
    ]
    layer = editing.apply(new, edits, run=2, earlier={1: TALK})
    assert texts(layer) == ["How did the curfew", "Go on Saturday", "He came", "late again"]
    assert [turn["speaker"] for turn in layer.turns] == ["S2", "S2", "Caregiver M.B.", "Caregiver M.B."]
    assert [left.edit.number for left in layer.unplaced] == [7]


def test_a_voice_that_a_new_run_does_not_tell_apart_leaves_its_name_to_be_settled():
    plain = editing.apply(TALK, [])
    names = [edit(1, plain, "name", {"speaker": label, "name": label * 2}) for label in ("S1", "S2")]
    names[1] = Edit(2, 1, "name", names[1].payload)
    one_voice = [{**row, "speaker": "S1"} for row in TALK]
    layer = editing.apply(one_voice, names, run=2, earlier={1: TALK})
    assert layer.names == {"S1": "S2S2"}  # S2 speaks longer
    assert [left.edit.number for left in layer.unplaced] == [1]


def test_a_longer_text_that_the_new_run_has_already_is_not_put_in_twice():
    plain = editing.apply(TALK, [])
    one = replace(1, plain, 3, 1, 2, "was not")
    new = [segment(6.0, 8.0, "He was not late again")]
    layer = editing.apply(new, [one], run=2, earlier={1: TALK})
    assert texts(layer) == ["He was not late again"]
    assert layer.unplaced == []


# Any edits at all

tokens = st.text(alphabet="abcdeŵ'-", min_size=1, max_size=6)


@st.composite
def runs(draw):
    at, made = 0.0, []
    for _ in range(draw(st.integers(1, 6))):
        at += draw(st.floats(0, 2))
        parts = draw(st.lists(tokens, min_size=1, max_size=6))
        length = draw(st.floats(0.05, 4))
        made.append(segment(at, at + length, " ".join(parts), speaker=draw(st.sampled_from(["S1", "S2", None]))))
        at += length
    return made


@st.composite
def changed(draw):
    """A run, and edits each of which was made on what the ones before it left."""
    run = draw(runs())
    edits = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        layer = editing.apply(run, edits)
        place = draw(st.integers(0, len(layer.turns) - 1))
        words = layer.turns[place]["words"]
        kind = draw(st.sampled_from(["replace", "split", "merge", "assign", "name", "merge_speakers", "confirm", "refuse"]))
        if kind == "replace":
            first = draw(st.integers(0, len(words) - 1))
            after = draw(st.integers(first + 1, len(words)))
            edits.append(replace(number, layer, place, first, after, " ".join(draw(st.lists(tokens, min_size=1, max_size=5)))))
        elif kind in ("split", "merge"):
            edits.append(boundary(number, layer, kind, place, draw(st.integers(0, len(words) - 1)) if kind == "split" else 0))
        elif kind in ("name", "merge_speakers"):
            labels = layer.voices or ["S1"]
            payload = {"speaker": draw(st.sampled_from(labels)), "name": "Therapist", "into": draw(st.sampled_from(labels))}
            edits.append(edit(number, layer, kind, payload))
        else:
            edits.append(whole(number, layer, kind, place, speaker="P1"))
    return run, edits


@given(changed(), st.randoms())
@settings(max_examples=150)
def test_whatever_is_edited_and_undone_times_stay_in_order_and_words_are_kept(made, chance):
    run, edits = made
    untouched = copy.deepcopy(run)
    everything = editing.apply(run, edits)
    assert [left for left in everything.unplaced if "not said" not in left.why] == []
    in_force = [one for one in edits if chance.random() < 0.6]
    for layer in (everything, editing.apply(run, in_force)):
        for turn in layer.turns:
            times = [time for word in turn["words"] for time in (word["start"], word["end"])]
            assert all(one <= two + 1e-9 for one, two in pairwise(times))  # reckoned in floats
            assert turn["start"] - 1e-9 <= times[0]
            assert times[-1] <= turn["end"] + 1e-9
            assert turn["text"] == " ".join(word["text"] for word in turn["words"])
        ids = [word["id"] for turn in layer.turns for word in turn["words"]]
        assert len(set(ids)) == len(ids)
        assert all(one["words"][-1]["end"] <= two["words"][0]["start"] + 1e-9 for one, two in pairwise(layer.turns))
    if not any(one.kind == "replace" for one in edits):
        assert [word["text"] for turn in everything.turns for word in turn["words"]] == [
            word["text"] for row in run for word in row["words"]
        ]
    assert run == untouched
    assert editing.apply(run, []).turns == editing.apply(untouched, []).turns


@given(changed())
@settings(max_examples=60)
def test_the_very_same_run_made_again_takes_every_edit(made):
    """But for those that hang on the words of another edit: there the ids are gone, and times decide."""
    run, edits = made
    again = editing.apply(run, edits, run=2, earlier={1: run})
    numbers = {left.edit.number for left in again.unplaced}
    first = edits[0]
    assert first.number not in numbers or first.kind in ("name", "merge_speakers", "assign")


@pytest.mark.parametrize("kind", ["confirm", "refuse", "assign"])
def test_a_very_short_neighbour_neither_hides_the_place_nor_is_taken_along(kind):
    run = [segment(0, 1, "a", speaker="S1"), segment(1, 1.06, "a", speaker="S1"), segment(1.06, 2, "b", speaker="S1")]
    only = [whole(1, editing.apply(run, []), kind, 0, speaker="P1")]
    first, again = editing.apply(run, only), editing.apply(run, only, run=2, earlier={1: run})
    assert not again.unplaced

    def plain(layer):
        return [{key: value for key, value in turn.items() if key not in ("id", "words")} for turn in layer.turns]

    assert plain(again) == plain(first)


@pytest.mark.parametrize("kind", ["name", "merge_speakers"])
def test_without_the_older_run_nobody_guesses_who_a_voice_was(kind):
    one = Edit(1, 1, kind, {"speaker": "S1", "into": "S2", "name": "Therapist"})
    layer = editing.apply(TALK, [one], run=2)
    assert layer.names == {}
    assert {turn["voice"] for turn in layer.turns} == {"S1", "S2"}
