"""Where a coefficient does not apply it says why, and small samples make wide intervals."""

import pytest

from supervision.agreement import report
from supervision.agreement.cohen import cohen_kappa
from supervision.agreement.gwet import gwet_ac1
from supervision.agreement.icc import icc
from supervision.agreement.krippendorff import krippendorff_alpha
from supervision.agreement.percent import percent_agreement
from supervision.agreement.ratings import BadRatings, Ratings


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "Nothing was rated."),
        ([[None, None]], "Nothing was rated."),
        ([[1, None], [2, None]], "Only one rater rated anything; agreement takes two."),
        ([[1, None], [None, 2]], "No unit was rated by two raters."),
    ],
)
def test_too_little_for_anything(rows, reason):
    known = report.figures(Ratings.of(rows, "interval"))
    assert {found.reason for found in known.values()} == {reason}


def test_one_value_throughout_is_percent_agreement_and_nothing_else():
    known = report.figures(Ratings.of([[3, 3]] * 20, "interval"))
    assert {name for name, found in known.items() if found.value is not None} == {"percent_agreement"}
    assert "is not defined" in known["cohen_kappa"].reason
    assert "nothing to tell units apart" in known["icc(2,1)"].reason


def test_a_constant_rater_has_a_kappa_of_nothing():
    assert cohen_kappa(Ratings.of([["yes", "yes"], ["yes", "no"], ["yes", "no"]])).value == pytest.approx(0)


def test_ac1_of_a_code_that_nobody_used_is_one_where_the_scale_is_known():
    rows = [["no", "no"]] * 20
    assert gwet_ac1(Ratings.of(rows)).value is None
    found = gwet_ac1(Ratings.of(rows, scale=["yes", "no"]))
    assert found.value == 1
    assert 0.8 < found.low < 0.9


def test_a_value_of_the_scale_that_nobody_gave_lowers_chance_agreement_and_nothing_else():
    rows = [[0, 0], [1, 1], [4, 4], [0, 1], [4, 0]]
    used, known = Ratings.of(rows, "ordinal"), Ratings.of(rows, "ordinal", scale=range(5))
    assert gwet_ac1(known).value > gwet_ac1(used).value
    for coefficient in (percent_agreement, krippendorff_alpha, cohen_kappa, lambda some: cohen_kappa(some, "linear")):
        assert coefficient(known) == coefficient(used)


def test_linear_weights_count_a_step_that_nobody_took():
    """From 0 to 1 is a quarter of the way to 4, not half of it."""
    found = cohen_kappa(Ratings.of([[0, 1], [4, 4], [0, 0], [1, 4]], "ordinal"), "linear")
    expected = (2 * 1 * 1 + 2 * 2 * 4 + 1 * 1 * 1 + 1 * 2 * 3 + 1 * 1 * 4 + 1 * 1 * 3) / 16  # rows 0, 0, 1, 4; columns 0, 1, 4, 4
    assert found.value == pytest.approx(1 - ((1 + 3) / 4) / expected)


def test_cohens_kappa_takes_two_raters_and_weights_take_an_order():
    assert cohen_kappa(Ratings.of([[1, 2, 1], [2, 2, 1]])).reason == "Cohen's κ compares two raters; 3 rated here."
    assert "nominal" in cohen_kappa(Ratings.of([["a", "b"], ["b", "b"]]), "linear").reason


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_the_correlations_take_scores(level):
    assert all(level in found.reason for found in icc(Ratings.of([[1, 2], [3, 4]], level)).values())


def test_units_that_do_not_differ_on_average_leave_the_correlations_nothing_to_measure():
    assert all("same average" in found.reason for found in icc(Ratings.of([[1, 3], [2, 2], [3, 1]], "interval")).values())


def test_a_rater_who_always_gives_more_is_consistent_but_not_in_agreement():
    found = icc(Ratings.of([[1, 3], [2, 4], [5, 7], [4, 6]], "interval"))
    assert found["3,1"].value == 1
    assert "no error from which to make an interval" in found["3,1"].reason
    assert 0 < found["2,1"].value < 0.7
    assert found["2,1"].low < found["2,1"].value < found["2,1"].high


def test_raters_who_differ_within_units_more_than_between_leave_an_average_without_reliability():
    found = icc(Ratings.of([[0, 10], [10, 0.5]], "interval"))
    assert found["2,1"].value < -0.9
    assert found["2,k"].value is None
    assert "no reliability" in found["2,k"].reason


def test_perfect_agreement_on_a_few_is_less_sure_than_on_many():
    few, many = (krippendorff_alpha(Ratings.of([["a", "a"], ["b", "b"]] * times)) for times in (3, 100))
    assert few.value == many.value == 1
    assert few.low < 0.3 < 0.9 < many.low


def test_measurements_that_hardly_repeat_have_no_kappa_but_an_alpha():
    rows = [[float(unit), unit + 0.5] for unit in range(600)]
    ratings = Ratings.of(rows, "interval")
    assert "scales of up to 1000" in cohen_kappa(ratings).reason
    assert krippendorff_alpha(ratings).value > 0.99
    assert percent_agreement(ratings).value == 0


def test_a_value_too_rare_to_be_resampled_leaves_alpha_without_an_interval():
    found = krippendorff_alpha(Ratings.of([[0, 0]] * 30 + [[0, 1]]))
    assert found.value is not None
    assert found.low is None
    assert "so rare" in found.reason


def test_the_complete_block_is_a_decision_of_whoever_asks():
    ratings = Ratings.of([[1, 2], [3, None], [4, 4], [6, 5]], "interval")
    assert icc(ratings)["2,1"].value is None
    assert icc(ratings.complete())["2,1"].n_units == 3


@pytest.mark.parametrize(("level", "value"), [("ordinal", "high"), ("interval", float("inf")), ("ratio", -1)])
def test_values_that_do_not_fit_their_level_are_refused(level, value):
    with pytest.raises(BadRatings):
        Ratings.of([[value, 1]], level)


def test_rows_of_different_length_are_refused():
    with pytest.raises(ValueError, match="one place for every rater"):
        Ratings.of([[1, 2], [1]])
