"""What must hold of agreement whatever the ratings: order, gaps, perfection, range, and no division by nothing."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from supervision.agreement import report
from supervision.agreement.percent import percent_agreement
from supervision.agreement.ratings import Level, Ratings

levels = st.sampled_from(list(Level))
awkward = st.sampled_from([0, 1, 2, 3, 4, 0.1, 0.2, 0.30000000000000004, 0.3, 5e-324, 1e-200, 1e200, 1.7e308, 1e9, 1e9 + 1])


def tables_of(values, *, gaps=True, least=0):
    cell = st.none() | values if gaps else values
    return st.integers(2, 4).flatmap(lambda raters: st.lists(st.lists(cell, min_size=raters, max_size=raters), min_size=least, max_size=8))


small = tables_of(st.integers(0, 4))


def same(first, second):
    """The same figures but for rounding, the sentences that say why not among them."""
    assert first.keys() == second.keys()
    for name, one in first.items():
        other = second[name]
        assert one.reason == other.reason, name
        assert (one.n_units, one.n_raters) == (other.n_units, other.n_raters), name
        for a, b in zip((one.value, one.low, one.high), (other.value, other.low, other.high), strict=True):
            assert (a is None and b is None) or a == pytest.approx(b, rel=1e-6, abs=1e-7), name


@settings(max_examples=60)
@given(small, levels, st.randoms(use_true_random=False))
def test_the_order_of_units_and_of_raters_changes_nothing(rows, level, random):
    units = random.sample(rows, len(rows))
    raters = random.sample(range(len(rows[0])), len(rows[0])) if rows else []
    shuffled = [[row[rater] for rater in raters] for row in units]
    same(report.figures(Ratings.of(rows, level)), report.figures(Ratings.of(shuffled, level)))


@settings(max_examples=60)
@given(small, levels)
def test_a_rater_who_rated_nothing_and_a_unit_nobody_rated_change_nothing(rows, level):
    width = len(rows[0]) if rows else 2
    padded = [[None] * (width + 1), *([*row, None] for row in rows), [None] * (width + 1)]
    same(report.figures(Ratings.of(rows, level)), report.figures(Ratings.of(padded, level)))


@settings(max_examples=60)
@given(small, levels, st.integers(0, 4))
def test_a_unit_rated_once_adds_no_agreement(rows, level, value):
    """Percent agreement and α do not see it; the count of units that bear on a figure does not grow."""
    width = len(rows[0]) if rows else 2
    before = report.figures(Ratings.of([*rows, [None] * width], level))
    after = report.figures(Ratings.of([*rows, [value] + [None] * (width - 1)], level))
    assume(Ratings.of(rows, level).n_raters >= 2)
    for name in ("percent_agreement", "krippendorff_alpha"):
        assert after[name].value == pytest.approx(before[name].value)
    assert all(figure.n_units == before[name].n_units for name, figure in after.items())


@settings(max_examples=60)
@given(tables_of(st.integers(0, 4), gaps=False, least=1), st.data())
def test_taking_ratings_away_never_counts_as_agreement(rows, data):
    """Two raters who agree nowhere still agree nowhere, whichever of their ratings are missing."""
    disagreeing = [[row[0], row[0] + 1] for row in rows]
    holed = [[value if data.draw(st.booleans()) else None for value in row] for row in disagreeing]
    found = percent_agreement(Ratings.of(holed))
    assert found.value in (None, 0.0)
    if found.value is None:
        assert found.reason


@settings(max_examples=80)
@given(st.lists(awkward, min_size=1, max_size=8), st.integers(2, 4), levels, st.data())
def test_perfect_agreement_is_one_wherever_it_is_defined(truth, raters, level, data):
    rows = [[value] * raters for value in truth]
    rows = [[value if place < 2 or data.draw(st.booleans()) else None for place, value in enumerate(row)] for row in rows]
    for name, found in report.figures(Ratings.of(rows, level)).items():
        assert found.value in (None, 1.0), name
        if found.value is None:
            assert found.reason
        elif found.low is not None:
            assert found.low < 1 == found.high, "a perfect sample is not a perfect world"
    assert percent_agreement(Ratings.of(rows, level)).value == 1.0


@settings(max_examples=250)
@given(small | tables_of(awkward), levels)
def test_nothing_divides_by_nothing_and_intervals_hold_their_value_within_its_range(rows, level):
    known = report.figures(Ratings.of(rows, level))
    for name, found in known.items():
        if found.value is None:
            assert found.low is None
            assert found.high is None
            assert found.reason.endswith("."), name
            continue
        assert math.isfinite(found.value)
        assert found.value <= 1, name
        if not name.startswith("icc"):
            assert found.value >= (0 if name == "percent_agreement" else -1), name
        if found.low is None:
            assert found.reason.endswith("."), name
            continue
        assert found.low <= found.value <= found.high <= 1, name
        assert math.isfinite(found.low)
        assert found.n_units >= 1 <= found.n_raters - 1
        if not name.startswith("icc"):
            assert found.low >= (0 if name == "percent_agreement" else -1), name


@settings(max_examples=60)
@given(tables_of(st.integers(0, 4), least=2), st.sampled_from([0.001, 7, 1e6]), st.sampled_from([0, 3, -50]))
def test_interval_figures_do_not_see_the_unit_of_measurement(rows, factor, shift):
    moved = [[None if value is None else value * factor + shift for value in row] for row in rows]
    same(report.figures(Ratings.of(rows, "interval")), report.figures(Ratings.of(moved, "interval")))


@settings(max_examples=60)
@given(small)
def test_ordinal_figures_see_order_alone(rows):
    stretched = [[None if value is None else value**3 for value in row] for row in rows]
    before, after = (report.figures(Ratings.of(some, "ordinal")) for some in (rows, stretched))
    same(*({name: some[name] for name in ("krippendorff_alpha", "gwet_ac2", "fleiss_kappa")} for some in (before, after)))


@settings(max_examples=60)
@given(small)
def test_nominal_figures_do_not_see_what_the_values_are_called(rows):
    renamed = [[None if value is None else "dbeac"[value] for value in row] for row in rows]
    before, after = report.figures(Ratings.of(rows)), report.figures(Ratings.of(renamed))
    # The resamples of α are drawn in the order of the values, so its interval may differ a little, as with another seed.
    assert before["krippendorff_alpha"].value == pytest.approx(after["krippendorff_alpha"].value)
    same(*({name: found for name, found in some.items() if name != "krippendorff_alpha"} for some in (before, after)))
