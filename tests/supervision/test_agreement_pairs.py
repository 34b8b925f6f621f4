"""Two ratings of each session by people who change: no figure sees who of the two is called first."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervision.agreement import pairs
from supervision.agreement.cohen import cohen_kappa
from supervision.agreement.fleiss import fleiss_kappa
from supervision.agreement.icc import icc
from supervision.agreement.pairs import Pair
from supervision.agreement.ranges import Session, boundaries_over, boundary_f1, frame_agreement, frames_over
from supervision.agreement.ratings import Level, Ratings

ITEMS = ("fit", "strengths", "ends")
MINUTES = 600_000
LEVELS = st.sampled_from([Level.NOMINAL, Level.ORDINAL])

scores = st.fixed_dictionaries({}, optional={item: st.none() | st.integers(0, 4) for item in ITEMS})
sessions = st.lists(st.builds(Pair, st.sampled_from([(1, 2), (2, 3), (3, 1), (4, 1)]), st.tuples(scores, scores)), min_size=1, max_size=8)
of_two = st.lists(st.builds(Pair, st.sampled_from([(1, 2), (2, 1)]), st.tuples(scores, scores)), min_size=1, max_size=8)


def everything(some, level):
    found = {f"steps {name}": figure for name, figure in pairs.of_item(some, "fit", level, scale=range(5)).items()}
    found |= {f"amount {name}": figure for name, figure in pairs.of_amount(some, "fit").items()}
    found["whole"] = pairs.of_mean(some, ITEMS)
    if applicable := pairs.applicable(some, "fit"):
        found |= {"applies": applicable.percent, "applies ac1": applicable.ac1}
    return found


def same(first, second):
    assert first.keys() == second.keys()
    for name, one in first.items():
        other = second[name]
        assert (one.reason, one.n_units, one.n_raters, one.counted) == (other.reason, other.n_units, other.n_raters, other.counted), name
        for a, b in zip((one.value, one.low, one.high), (other.value, other.low, other.high), strict=True):
            assert (a is None and b is None) or a == pytest.approx(b, rel=1e-6, abs=1e-7), name


@settings(max_examples=80)
@given(sessions | of_two, LEVELS, st.data())
def test_the_order_of_the_two_and_of_the_sessions_changes_nothing(some, level, data):
    turned = [Pair(one.raters[::-1], one.scores[::-1]) if data.draw(st.booleans()) else one for one in some]
    same(everything(some, level), everything(data.draw(st.permutations(turned)), level))


@settings(max_examples=60)
@given(sessions | of_two, LEVELS)
def test_what_people_are_called_changes_nothing(some, level):
    renamed = [Pair((10 - one.raters[0], 10 - one.raters[1]), one.scores) for one in some]
    same(everything(some, level), everything(renamed, level))


@settings(max_examples=60)
@given(sessions | of_two, LEVELS)
def test_a_figure_names_those_who_are_in_it_and_only_sessions_that_both_scored(some, level):
    both = [one for one in some if all(given.get("fit") is not None for given in one.scores)]
    for name, figure in pairs.of_item(some, "fit", level, scale=range(5)).items():
        assert (figure.n_units, figure.n_raters) == (len(both), len(pairs.people(both))), name


def rotating(seed=3, swap=False):
    """Thirty sessions by three people, one strict and one lenient; in every third the two change places, or not."""
    draw = random.Random(seed)
    lean = {1: -1, 2: 0, 3: 1}
    made = []
    for number in range(30):
        raters = [(1, 2), (2, 3), (3, 1)][number % 3]
        truth = draw.gauss(2, 1)
        given = tuple({"fit": min(4, max(0, round(truth + lean[rater] + draw.gauss(0, 0.2))))} for rater in raters)
        made.append(Pair(raters[::-1], given[::-1]) if swap and number % 3 == 2 else Pair(raters, given))
    return made


def test_three_people_in_turn_give_the_same_figures_whoever_is_called_first():
    """Audited: as columns "first" and "second", changing places in a third of the pairs moved ICC(2,1) and Cohen's κ by a tenth and more."""
    assert everything(rotating(), Level.ORDINAL) == everything(rotating(swap=True), Level.ORDINAL)
    columns = [[[given["fit"] for given in one.scores] for one in rotating(swap=swap)] for swap in (False, True)]
    before, after = (cohen_kappa(Ratings.of(rows, "ordinal"), "quadratic").value for rows in columns)
    assert abs(before - after) > 0.1


def test_who_rates_decides_which_statistic_it_is():
    three = rotating()
    assert set(pairs.of_item(three, "fit", Level.NOMINAL)) == {"percent_agreement", "fleiss_kappa", "gwet_ac1", "krippendorff_alpha"}
    assert "icc_1_1" in pairs.of_amount(three, "fit")
    two = [Pair((7, 9), one.scores) for one in three]
    assert set(pairs.of_item(two, "fit", Level.ORDINAL)) == {"percent_agreement", "cohen_kappa_quadratic", "gwet_ac2", "krippendorff_alpha"}
    rows = [[given["fit"] for given in one.scores] for one in two]
    assert pairs.of_amount(two, "fit")["icc_2_1"].value == pytest.approx(icc(Ratings.of(rows, "interval"))["2,1"].value)
    assert (
        pairs.of_item(two, "fit", Level.ORDINAL)["cohen_kappa_quadratic"].value
        == cohen_kappa(Ratings.of(rows, "ordinal"), "quadratic").value
    )


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12), st.sampled_from(["none", "linear", "quadratic"]))
def test_fleiss_kappa_of_two_ratings_is_cohens_where_each_pair_also_stands_the_other_way_round(rows, weights):
    """The identity of Scott's π and Cohen's κ for equal margins, with and without weights."""
    doubled = cohen_kappa(Ratings.of([*rows, *(row[::-1] for row in rows)], "ordinal"), weights)
    found = fleiss_kappa(Ratings.of(rows, "ordinal"), weights)
    assert found.value == (None if doubled.value is None else pytest.approx(doubled.value))


def test_a_mean_is_over_what_both_scored_and_takes_half():
    def mean_of(first, second):
        return pairs.of_mean([Pair((1, 2), (first, second))] * 2, ITEMS)

    assert mean_of({"fit": 1}, {"fit": 1}).reason == "There is no session in which both scored half of these items."
    assert mean_of({"fit": 1, "ends": None, "strengths": 2}, {"fit": 1, "ends": 4, "strengths": 3}).n_units == 2


def test_two_who_say_that_it_does_not_apply_agree_on_that():
    one_sided, neither, scored = ({"fit": 3}, {"fit": None}), ({"fit": None}, {"fit": None}), ({"fit": 3}, {"fit": 1})
    found = pairs.applicable([Pair((1, 2), given) for given in [one_sided] * 3 + [neither] * 2 + [scored] * 5], "fit")
    assert (found.one_sided, found.neither, found.percent.value, found.percent.n_units) == (3, 2, 0.7, 10)
    assert found.ac1.low < found.ac1.value < found.ac1.high
    assert pairs.applicable([Pair((1, 2), scored)], "fit") is None
    assert pairs.applicable([Pair((1, 2), ({}, {"fit": None}))], "fit") is None


times = st.integers(0, MINUTES)
ranges = st.lists(st.tuples(times, times).map(lambda r: (min(r), max(r), "a")), max_size=4)
recordings = st.lists(st.builds(Session, ranges, ranges, st.just(MINUTES)), min_size=1, max_size=4)


@settings(max_examples=40)
@given(recordings, st.data())
def test_frames_and_boundaries_of_people_who_change_do_not_see_who_is_first(some, data):
    turned = [Session(one.second, one.first, one.duration_ms) if data.draw(st.booleans()) else one for one in some]
    before, after = (frames_over(those, code="a", are_same_two=False) for those in (some, turned))
    same(
        {name: getattr(before, name) for name in ("percent", "kappa", "ac1")},
        {name: getattr(after, name) for name in ("percent", "kappa", "ac1")},
    )
    same(*({"f1": boundaries_over(those, tolerance_ms=1000)} for those in (some, turned)))


def test_several_recordings_are_one_sample_and_nothing_reaches_from_one_into_the_next():
    one, other = [(0, 30_000, "a"), (60_000, 90_000, "a")], [(10_000, 40_000, "a")]
    alone = frame_agreement(one, other, code="a", duration_ms=MINUTES)
    twice = frames_over([Session(one, other, MINUTES)] * 2, code="a")
    assert (twice.percent.value, twice.kappa.value, twice.ac1.value) == (alone.percent.value, alone.kappa.value, alone.ac1.value)
    assert (twice.kappa.n_units, alone.kappa.n_units) == (4, 2)
    assert (
        boundaries_over([Session(one, other, MINUTES)] * 2, tolerance_ms=0).value
        == boundary_f1(one, other, tolerance_ms=0, duration_ms=MINUTES).value
    )
    end, start = Session([(MINUTES - 10, MINUTES, "a")], [], MINUTES), Session([], [(0, 10, "a")], MINUTES)
    assert boundaries_over([end, start], tolerance_ms=1000).value == 0


def test_kappa_of_frames_for_people_who_change_is_that_of_two_ratings_a_frame():
    """Of 100 frames the first marked 30 and the second 60, 20 of them both: π of the pooled margins of 45 %."""
    found = frames_over([Session([(0, 3000, "a")], [(1000, 7000, "a")], 10_000)], code="a", are_same_two=False)
    expected = 0.45**2 + 0.55**2
    assert found.kappa.value == pytest.approx((0.5 - expected) / (1 - expected))
