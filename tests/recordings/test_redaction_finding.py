"""What is found in the words of a session, and how it becomes stretches of time."""

import itertools
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import identifiers, shortforms, soundalike, spokendigits, stretches
from recordings.stretches import Stretch


def kinds(text):
    return {hit.kind for hit in identifiers.find(text.split())}


def covered(text, kind):
    """The words that hits of the kind cover together."""
    tokens = text.split()
    places = {at for hit in identifiers.find(tokens) if hit.kind == kind for at in range(hit.first, hit.last + 1)}
    return " ".join(tokens[at] for at in sorted(places))


@pytest.mark.parametrize(
    ("kind", "said", "around"),
    [
        ("date", "the third of May", "it was {} when"),
        ("date", "3/5/2026,", "on {} we met"),
        ("date", "2026-05-03", "written {} there"),
        ("date", "May third", "come {} please"),
        ("date", "the twenty-first of August 2012", "since {} he"),
        ("date", "January two thousand and nine", "until {} she"),
        ("date", "birthday is on the ninth", "his {} so"),
        ("telephone", "oh seven seven double one, two three four, five six seven", "ring {} tonight"),
        ("telephone", "07711 234567", "ring {} tonight"),
        ("telephone", "0-7-7-1-1-2-3-4-5-6-7", "ring {} tonight"),
        ("telephone", "+44 7711 234 567", "ring {} tonight"),
        ("telephone", "zero two zero um seven nine four six zero nine five eight", "on {} then"),
        ("postcode", "SW1A 1AA.", "at {} now"),
        ("postcode", "m1 1ae", "at {} now"),
        ("postcode", "N one six, five A B", "at {} now"),
        ("postcode", "S for sugar W one A one double A", "at {} now"),
        ("NHS number", "943 476 5919", "number {} is"),
        ("NHS number", "nine four three, four seven six, five nine one nine", "number {} is"),
        ("spelled", "J A Y D E N", "that is {} yes"),
        ("spelled", "J-A-Y-D-E-N.", "that is {} yes"),
        ("spelled", "J for Juliet, A for alpha", "that is {} yes"),
        ("spelled", "C A double L U M", "that is {} yes"),
        ("e-mail", "kay.smith@example.org", "write to {} today"),
        ("e-mail", "kay dot smith at example dot co dot uk", "write to {} today"),
        ("number", "oh eight hundred double one double one", "ring {} tonight"),
        ("telephone", "oh seven seven hundred nine hundred one two three", "ring {} tonight"),
        ("telephone", "oh seven seven hundred, nine hundred, triple two", "ring {} tonight"),
        ("telephone", "oh seven, seven double one, and then two three four, er, yeah, five six seven", "ring {} tonight"),
        ("NHS number", "nine hundred and forty three, four seven six, five nine one nine", "number {} is"),
        ("date", "the third of the fifth oh nine", "it was {} when"),
        ("date", "the third of the fifth", "it was {} when"),
        ("date", "the fourteenth of the third two thousand and twelve", "it was {} when"),
        ("date", "third of May oh nine", "it was {} when"),
        ("date", "14/3", "it was {} when"),
        ("date", "on 8/10,", "it was {} when"),
        ("date", "birthday is Christmas Day", "his {} so"),
        ("e-mail", "jay dot smith at g mail dot com", "write to {} today"),
        ("e-mail", "jay underscore smith nine nine at hot mail dot co dot uk", "write to {} today"),
        ("e-mail", "jay dot smith at gmail.com.", "write to {} today"),
        ("e-mail", "J K Smith at nhs dot net", "it is {} today"),
        ("address", "12 Harbour View Road", "over at {} still"),
        ("address", "twenty three Mill Lane", "over at {} still"),
        ("address", "Harbour Street", "down {} every"),
    ],
)
def test_each_kind_is_found_in_the_middle_of_speech(kind, said, around):
    assert covered(around.format(said), kind) == said


@pytest.mark.parametrize(
    "text",
    [
        "Two or fewer out of seven, and ten o'clock it is.",
        "I may go on the first day of the week, and she may not.",
        "It was gone two in the morning and four nights out of seven.",
        "He was on the second floor of the building. We walk in a row.",
        "I am a bit tired. Oh no. I said I would.",
        "Twenty five minutes, then thirty.",
        "I'd say 8/10 today, and it was 24/7 before that.",
        "It cost two hundred thousand pounds, or two hundred and fifty.",
        "One or two, and then three. Look at it. At the end of the day, dot the letters.",
        "Seven and a half, so call it eight.",
    ],
)
def test_ordinary_speech_is_left_alone(text):
    assert kinds(text) == set()


@given(st.text("0123456789", min_size=10, max_size=10))
def test_the_check_digit_of_an_nhs_number(digits):
    """By the definition: the sum of digit times weight, the check digit weighing one, is a multiple of eleven."""
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 0, -1), strict=True))
    assert identifiers.is_nhs_number(digits) == (total % 11 == 0 and len(set(digits)) > 1)


@given(st.text("0123456789", min_size=9, max_size=9), st.randoms(use_true_random=False))
def test_a_telephone_number_is_found_however_it_is_said(rest, chance):
    spoken = {
        "0": ["oh", "zero", "0", "nought"],
        **{str(value): [word, str(value)] for value, word in enumerate(spokendigits.UNITS) if value},
    }
    said = " ".join(chance.choice(spoken[digit]) for digit in "07" + rest)
    hits = identifiers.find(f"ring {said} tonight".split())
    assert any(hit.kind in ("telephone", "NHS number") and (hit.first, hit.last) == (1, 11) for hit in hits)


@given(
    st.lists(st.sampled_from(["um", "and", "then", "yeah", "so", "okay"]), max_size=spokendigits.MOST_BETWEEN),
    st.integers(1, 9),
)
def test_what_is_said_in_between_does_not_hide_a_number(between, place):
    digits = "oh seven seven one one two three four five six seven".split()
    said = [*digits[:place], *between, *digits[place:]]
    hits = identifiers.find(["ring", *said, "tonight"])
    assert any(hit.kind == "telephone" and (hit.first, hit.last) == (1, len(said)) for hit in hits)


@given(st.integers(1, 9), st.integers(0, 99), st.sampled_from(["hundred", "thousand"]))
def test_a_round_number_is_read_with_what_is_added_to_it(digit, rest, zeros):
    tens, units = divmod(rest, 10)
    small = spokendigits.UNITS[units] if tens == 0 else spokendigits.TEENS[units] if tens == 1 else spokendigits.TENS[tens - 2]
    small += f" {spokendigits.UNITS[units]}" if tens > 1 and units else ""
    said = f"{spokendigits.UNITS[digit]} {zeros}" + (f" and {small}" if rest else "")
    unit, length = spokendigits.digits_at([(word, at) for at, word in enumerate(said.split())], 0)
    assert int(unit.text) == digit * {"hundred": 100, "thousand": 1000}[zeros] + rest
    assert length == len(said.split())


NAMES = ["Callum", "Jayden Smith", "Kay", "Siobhan", "Will", "Mohammed"]


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("and Callum went", "Callum"),
        ("it was callum's turn", "callum's"),
        ("so Column went", "Column"),
        ("and Calum came", "Calum"),
        ("and Cal came", "Cal"),
        ("and Cally came", "Cally"),
        ("when Jaden left", "Jaden"),
        ("when Jay den left", "Jay den"),
        ("that Smyth boy", "Smyth"),
        ("with Kaye again", "Kaye"),
        ("because Mohamed and", "Mohamed"),
        ("then Will came", "Will"),
        ("or walk K round", "K"),
        ("then Will-Jayden came", "Will-Jayden"),
    ],
)
def test_names_are_found_as_they_are_misheard(said, word):
    tokens = said.split()
    found = {" ".join(tokens[hit.first : hit.last + 1]) for hit in soundalike.find(tokens, NAMES)}
    assert word in found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Jo", "Joe"),
        ("Li", "Lee"),
        ("Zoë", "zoe"),
        ("Zoe", "Zoë"),
        ("Siân", "sian"),
        ("Renée", "renee"),
        ("Łukasz", "lukasz"),
        ("Łukasz", "Wukash"),
        ("Elizabeth", "Liz"),
        ("Liz", "Elizabeth"),
        ("Liz Jones", "lizzie"),
        ("Robert", "Bob's"),
        ("William", "Bill"),
        ("Mohammed", "Mo"),
        ("Niamh", "Neve"),
        ("O'Connor", "oconnor"),
        ("O'Connor", "Connor"),
        ("Anne-Marie", "annemarie"),
        ("李", "李"),
        ("李", "我是李明"),
        ("José", "Jose\u0301"),
        ("मोहम्मद", "मोहम्मद"),
        ("Callum", "Callum'll"),
        ("J", "J"),
    ],
)
def test_a_name_is_found_without_its_accents_and_by_its_short_forms(name, said):
    assert (1, 1) in [(hit.first, hit.last) for hit in soundalike.find(["so", said, "went"], [name])]


def test_a_name_in_a_script_without_spaces_is_found_over_several_tokens():
    assert [(hit.first, hit.last) for hit in soundalike.find("我 见 李 明 了".split(), ["李明"])] == [(2, 3)]


@pytest.mark.parametrize(
    ("name", "said"), [("William", "I'll will bill him"), ("Jo", "So go on"), ("Mark", "don't mark it"), ("Patrick", "pat it rick")]
)
def test_everyday_words_are_no_short_forms(name, said):
    assert soundalike.find(said.split(), [name]) == []


@given(st.text(max_size=20))
def test_folding_twice_is_folding_once(word):
    assert soundalike.folded(soundalike.folded(word)) == soundalike.folded(word)


@given(st.sampled_from(sorted(shortforms.everything())))
def test_short_forms_are_looked_up_in_both_directions(name):
    assert soundalike.folded(name) == name
    assert name.isalpha()
    assert all(name in shortforms.related(other) for other in shortforms.related(name))


@pytest.mark.parametrize("said", ["I will go then okay", "go on then", "the key is here so calm down and carry on", "could you call him"])
def test_everyday_words_are_no_names(said):
    assert [hit for hit in soundalike.find(said.split(), [name for name in NAMES if name != "Callum"]) if hit.confidence >= 70] == []


@given(st.lists(st.text(string.printable, max_size=12), max_size=30), st.lists(st.text(max_size=12), max_size=5))
def test_no_text_at_all_upsets_it(tokens, names):
    for hit in [*identifiers.find(tokens), *soundalike.find(tokens, names)]:
        assert 0 <= hit.first <= hit.last < len(tokens)


# From words to time


def turn(text, start=0.0, *, times=True, **more):
    words = [{"start": start + at, "end": start + at + 0.5, "text": f" {word}"} for at, word in enumerate(text.split())] if times else []
    return {"start": start, "end": start + len(text.split()), "text": text, "words": words, "supported": True, "speaker": "S1", **more}


def test_a_name_is_muted_with_a_quarter_of_a_second_on_each_side():
    assert stretches.propose([turn("then Callum went")], names=["Callum"], gaps=[], duration_ms=9000) == [
        Stretch(750, 1750, "name", confidence=99)
    ]


def test_a_hit_without_word_times_mutes_its_whole_turn():
    (one,) = stretches.propose([turn("then Callum went", 10, times=False)], names=["Callum"], gaps=[], duration_ms=60_000)
    assert (one.start_ms, one.end_ms, one.is_muted) == (9750, 13_250, True)
    upside_down = turn("then Callum went", 10)
    upside_down["words"][1]["end"] = 0
    (one,) = stretches.propose([upside_down], names=["Callum"], gaps=[], duration_ms=60_000)
    assert (one.start_ms, one.end_ms) == (9750, 13_250)


def test_words_that_the_sound_does_not_bear_out_and_speech_without_words_are_muted():
    rows = [turn("thank you for watching", 5, supported=False), turn("yes", 20, supported=False, confirmed=True)]
    found = stretches.propose(rows, names=[], gaps=[(30.0, 31.5)], duration_ms=60_000)
    assert [(one.kind, one.start_ms, one.end_ms, one.is_muted) for one in found] == [
        ("unsupported", 4750, 9250, True),
        ("gap", 29_750, 31_750, True),
    ]


def test_a_number_that_runs_on_into_the_next_turn_is_found():
    rows = [turn("it is oh seven seven", 0), turn("one one two three four five six seven", 10)]
    (one,) = stretches.propose(rows, names=[], gaps=[], duration_ms=60_000)
    assert (one.kind, one.start_ms, one.end_ms) == ("telephone", 1750, 17_750)


@pytest.mark.parametrize("between", ["Mm-hm.", "Yeah, go on.", "Okay. Right. Got it, yeah.", "Oh right."])
def test_a_number_goes_on_past_whoever_takes_it_down(between):
    rows = [turn("it is oh seven seven", 0), turn(between, 6, speaker="S2"), turn("one one two three four five six seven", 12)]
    (one,) = stretches.propose(rows, names=[], gaps=[], duration_ms=60_000)
    assert (one.kind, one.start_ms, one.end_ms) == ("telephone", 1750, 19_750)


def test_a_turn_that_says_something_parts_two_numbers():
    rows = [turn("it is five six", 0), turn("what happened after that", 6), turn("seven one one two", 12)]
    assert stretches.propose(rows, names=[], gaps=[], duration_ms=60_000) == []


def test_words_that_a_person_wrote_are_given_more_room():
    (one,) = stretches.propose([turn("then Callum went", 10, edited=True)], names=["Callum"], gaps=[], duration_ms=60_000)
    assert (one.start_ms, one.end_ms) == (11_000 - 750, 11_500 + 750)


SPANS = st.lists(
    st.builds(
        lambda start, length, kind, is_muted: Stretch(start, start + length, kind, is_muted),
        st.integers(-500, 10_000),
        st.integers(-5, 3000),
        st.sampled_from(list(stretches.LABELS)),
        st.booleans(),
    ),
    max_size=15,
)


@given(SPANS, st.integers(1, 12_000))
def test_merging_loses_no_muted_moment(spans, duration):
    joined = stretches.merged(spans, duration)
    assert all(0 <= one.start_ms < one.end_ms <= duration for one in joined)
    assert all(one.end_ms <= other.start_ms for one, other in itertools.pairwise(joined))
    quiet = stretches.muted(joined)
    for one in spans:
        start, end = max(0, one.start_ms), min(duration, one.end_ms)
        if one.is_muted and start < end:
            assert any(a <= start and end <= b for a, b in quiet)
    assert stretches.merged(joined, duration) == joined


@given(SPANS, SPANS, st.integers(1, 12_000))
def test_what_is_added_is_muted_whatever_was_kept_there(before, new, duration):
    new = [Stretch(one.start_ms, one.end_ms, one.kind) for one in new]
    quiet = stretches.muted(stretches.added(stretches.merged(before, duration), new, duration))
    for one in new:
        start, end = max(0, one.start_ms), min(duration, one.end_ms)
        assert start >= end or any(a <= start and end <= b for a, b in quiet)


def test_a_second_look_reports_only_what_nobody_decided_on():
    decided = [Stretch(1000, 2000, "name"), Stretch(5000, 6000, "date", is_muted=False)]
    again = [Stretch(900, 2050, "name"), Stretch(5100, 5900, "name"), Stretch(8000, 9000, "name"), Stretch(1200, 4000, "name")]
    assert stretches.news(again, decided) == [Stretch(8000, 9000, "name"), Stretch(1200, 4000, "name")]


def test_the_transcript_of_the_muted_version_names_nobody():
    rows = [turn("then Callum rang oh seven seven one one two three four five six seven from home")]
    found = stretches.propose(rows, names=["Callum"], gaps=[], duration_ms=60_000)
    (shown,) = stretches.redacted(rows, found)
    assert shown["text"] == "then [name] rang [telephone number] from home"


def test_a_turn_without_word_times_is_replaced_whole():
    rows = [turn("then Callum went", times=False)]
    (shown,) = stretches.redacted(rows, stretches.propose(rows, names=["Callum"], gaps=[], duration_ms=9000))
    assert shown["text"] == "[name]"


def test_no_word_of_a_transcript_is_in_what_is_kept():
    chance = random.Random(3)
    rows = [turn(f"then Callum lives at 12 Harbour Road and {chance.random()}", 20 * at) for at in range(5)]
    for one in stretches.propose(rows, names=["Callum"], gaps=[], duration_ms=100_000):
        assert set(one.row()) == {"start_ms", "end_ms", "kind", "is_muted", "confidence"}
        assert one.kind in stretches.LABELS
