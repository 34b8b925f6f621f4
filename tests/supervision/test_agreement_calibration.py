"""A rater against gold, and the chart that shows drift."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervision.agreement import intervals
from supervision.agreement.calibration import against_gold, bias, by_item, over_exercises
from supervision.agreement.drift import chart

points = st.integers(0, 4)


def test_bias_is_the_mean_difference_with_a_t_interval():
    """Differences 1, 1, 0, 2, 1: mean 1, standard deviation √0.5, t with 4 degrees of freedom 2.776."""
    found = against_gold([(3, 2), (4, 3), (2, 2), (3, 1), (1, 0)])
    half = 2.776445 * math.sqrt(0.5 / 5)
    assert found.bias.value == pytest.approx(1)
    assert (found.bias.low, found.bias.high) == (pytest.approx(1 - half), pytest.approx(1 + half))
    assert (found.bias.n_units, found.bias.counted) == (5, "gold recordings")
    assert found.exact.value == pytest.approx(0.2)
    assert found.within_one.value == pytest.approx(0.8)


def test_the_shares_have_wilsons_interval():
    """3 of 10: 0.108 to 0.603 (Newcombe 1998 gives the method's figures for small samples like it)."""
    found = against_gold([(1, 1)] * 3 + [(0, 3)] * 7).exact
    assert (found.low, found.high) == (pytest.approx(0.108, abs=0.0005), pytest.approx(0.603, abs=0.0005))


def test_not_applicable_on_one_side_is_no_difference_and_is_counted():
    found = against_gold([(3, 3), (None, 2), (4, None), (None, None)])
    assert found.one_sided == 2
    assert found.exact.n_units == 1
    assert "One recording" in found.bias.reason
    nothing = against_gold([(None, 2)])
    assert nothing.bias.value is nothing.exact.value is None
    assert nothing.bias.reason == "There is no gold recording that both were able to score."


def test_the_same_difference_throughout_has_no_interval():
    found = against_gold([(3, 2)] * 6)
    assert (found.bias.value, found.bias.low) == (1, None)
    assert "no spread" in found.bias.reason


def test_items_are_reported_apart():
    found = by_item({"fit": [(1, 1), (2, 1)], "strengths": [(0, 4), (1, 4)]})
    assert found["fit"].bias.value == pytest.approx(0.5)
    assert found["strengths"].bias.value == pytest.approx(-3.5)


def test_over_exercises_the_exercise_is_the_sample():
    """Means of 1, 0 and −1 over nine items each: mean 0, standard deviation 1, t with 2 degrees of freedom 4.303. As 27 scores the
    interval would be a fifth of that."""
    found = over_exercises([[(3, 2)] * 9, [(2, 2)] * 9, [(1, 2)] * 9])
    half = 4.302653 / math.sqrt(3)
    assert (found.bias.value, found.bias.low, found.bias.high) == (0, pytest.approx(-half), pytest.approx(half))
    assert {figure.n_units for figure in (found.bias, found.exact, found.within_one)} == {3}
    assert {figure.counted for figure in (found.bias, found.exact, found.within_one)} == {"exercises"}
    assert found.n_scores == 27
    assert found.exact.value == pytest.approx(1 / 3)
    as_sure_as = (2 / 9) / (1 / 9) * (1.959964 / 4.302653) ** 2  # shares 0, 1, 0: their mean has variance 1 / 9
    assert (found.exact.low, found.exact.high) == pytest.approx(intervals.wilson(1 / 3, as_sure_as), abs=1e-6)
    assert found.exact.high - found.exact.low > 0.8


def test_an_exercise_counts_once_however_many_items_could_be_scored():
    found = over_exercises([[(3, 2)] * 8 + [(None, 2)], [(2, 2), (None, None)], [(None, 1)]])
    assert (found.bias.value, found.exact.value, found.exact.n_units) == (0.5, 0.5, 2)
    assert (found.n_scores, found.one_sided) == (9, 2)


def test_exercises_that_are_all_alike_are_not_certain():
    found = over_exercises([[(2, 2)] * 9] * 3)
    assert (found.exact.value, found.exact.high) == (1, 1)
    assert found.exact.low == pytest.approx(1 / (1 + 1.959964**2 / 3))  # Wilson's lower limit of 3 of 3
    assert (found.bias.low, found.bias.reason) == (
        None,
        "The difference is the same in every exercise, so there is no spread from which to make an interval.",
    )


@pytest.mark.parametrize("exercises", [[], [[(None, 3)]], [[]]])
def test_nothing_to_compare_over_exercises_says_so(exercises):
    assert over_exercises(exercises).bias.reason == "There is no exercise that both were able to score."


def test_one_exercise_has_no_interval():
    found = over_exercises([[(2, 2)] * 9])
    for figure in (found.bias, found.exact, found.within_one):
        assert (figure.n_units, figure.low, figure.reason) == (1, None, "One exercise shows no spread, so no interval can be made.")


@given(st.lists(st.lists(st.tuples(st.none() | points, st.none() | points), max_size=5), max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_exercises_and_items_changes_nothing_over_exercises(exercises, random):
    shuffled = [random.sample(pairs, len(pairs)) for pairs in random.sample(exercises, len(exercises))]
    one, other = over_exercises(exercises), over_exercises(shuffled)
    for name in ("bias", "exact", "within_one"):
        figure, turned = getattr(one, name), getattr(other, name)
        assert (figure.n_units, figure.reason) == (turned.n_units, turned.reason)
        for a, b in zip((figure.value, figure.low, figure.high), (turned.value, turned.low, turned.high), strict=True):
            assert (a is None and b is None) or a == pytest.approx(b, abs=1e-9)
        assert name == "bias" or figure.low is None or 0 <= figure.low <= figure.value <= figure.high <= 1


@given(st.lists(st.tuples(points, points), min_size=2, max_size=12))
def test_turning_rater_and_gold_round_turns_the_bias_round(pairs):
    one, other = against_gold(pairs), against_gold([(gold, score) for score, gold in pairs])
    assert one.bias.value == pytest.approx(-other.bias.value)
    assert one.exact == other.exact
    assert one.exact.value <= one.within_one.value
    if one.bias.low is not None:
        assert (one.bias.low, one.bias.high) == (pytest.approx(-other.bias.high), pytest.approx(-other.bias.low))


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, -0.7]), min_size=1, max_size=10))
def test_the_interval_holds_the_bias(differences):
    found = bias(differences)
    assert found.low is None or found.low <= found.value <= found.high


WHEELER = [39, 41, 41, 41, 43, 44, 41, 42, 40, 41, 44, 40]


def test_limits_are_the_mean_and_266_mean_moving_ranges():
    """By hand: mean 497 / 12, moving ranges 2 0 0 2 1 3 1 2 1 3 4, mean 19 / 11."""
    drawn = chart(WHEELER)
    assert drawn.centre == pytest.approx(497 / 12)
    assert (drawn.lower, drawn.upper) == (pytest.approx(497 / 12 - 2.66 * 19 / 11), pytest.approx(497 / 12 + 2.66 * 19 / 11))
    assert drawn.range_upper == pytest.approx(3.268 * 19 / 11)
    assert [point.moving_range for point in drawn.points] == [None, 2, 0, 0, 2, 1, 3, 1, 2, 1, 3, 4]
    assert not drawn.has_signal
    assert not drawn.is_provisional


def test_a_value_outside_the_limits_and_a_jump_are_signals():
    drawn = chart([*WHEELER, 60], baseline=12)
    assert drawn.centre == pytest.approx(497 / 12)
    assert [index for index, point in enumerate(drawn.points) if point.is_outside] == [12]
    assert drawn.points[12].is_jump
    assert not drawn.points[12].is_in_run


def test_eight_on_one_side_are_a_signal_and_seven_are_not():
    baseline = [0, 1, 0, -1, 0, 1, 0, -1, 1, -1]
    seven, eight = (chart([*baseline, *[0.5] * n], baseline=10) for n in (7, 8))
    assert not seven.has_signal
    assert [point.is_in_run for point in eight.points] == [False] * 10 + [True] * 8
    assert chart([-1, 1] * 5 + [0.5] * 4 + [0] + [0.5] * 4, baseline=10).has_signal is False


def test_the_run_shows_drift_even_where_there_are_no_limits():
    drawn = chart([2, 2, 2, *[3] * 8], baseline=3)
    assert drawn.lower is None
    assert "no spread" in drawn.reason
    assert [point.is_in_run for point in drawn.points] == [False] * 3 + [True] * 8


def test_few_values_are_provisional_and_fewer_than_two_are_no_chart():
    assert chart([1, 2, 1]).is_provisional
    for values in ([], [1]):
        assert chart(values).reason == "A chart takes two values or more."
        assert not chart(values).has_signal


@pytest.mark.parametrize(("values", "baseline"), [([1.0, math.nan], None), ([1.0, 2.0], 1)])
def test_what_makes_no_chart_is_refused(values, baseline):
    with pytest.raises(ValueError, match=r"finite|baseline"):
        chart(values, baseline=baseline)


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=30), st.integers(-10, 10))
def test_moving_every_value_moves_the_chart_and_no_signal(values, shift):
    one, other = chart(values), chart([value + shift for value in values])
    assert other.centre == pytest.approx(one.centre + shift)
    if one.lower is not None:
        assert other.lower == pytest.approx(one.lower + shift)
    assert [point.is_jump for point in one.points] == [point.is_jump for point in other.points]
