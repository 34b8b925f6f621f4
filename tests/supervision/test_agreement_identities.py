"""The coefficients again, from their definitions by brute force, and by what is known to hold between them."""

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from supervision.agreement import krippendorff
from supervision.agreement.cohen import cohen_kappa
from supervision.agreement.fleiss import fleiss_kappa
from supervision.agreement.gwet import gwet_ac1, gwet_ac2
from supervision.agreement.icc import icc
from supervision.agreement.krippendorff import krippendorff_alpha
from supervision.agreement.ratings import Ratings
from tests.supervision.published import ABSTRACTORS, FLEISS, PSYCHIATRISTS

values = st.integers(0, 4)
tables = st.integers(2, 4).flatmap(lambda raters: st.lists(st.lists(st.none() | values, min_size=raters, max_size=raters), max_size=9))
pairs = st.lists(st.tuples(values, values), min_size=2, max_size=20)


def alpha_by_definition(rows, level):
    """From the coincidences of all ordered pairs within units, straight from Krippendorff 2011."""
    units = [[value for value in row if value is not None] for row in rows]
    units = [unit for unit in units if len(unit) >= 2]
    pooled = [value for unit in units for value in unit]
    n = len(pooled)

    def distance(x, y):
        if level == "nominal":
            return float(x != y)
        if level == "interval":
            return float(x - y) ** 2
        if level == "ratio":
            return ((x - y) / (x + y)) ** 2 if x + y else 0.0
        low, high = min(x, y), max(x, y)
        between = sum(pooled.count(value) for value in range(low, high + 1))
        return (between - (pooled.count(x) + pooled.count(y)) / 2) ** 2 if x != y else 0.0

    observed = sum(sum(distance(x, y) for x, y in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in units) / n
    expected = sum(distance(x, y) for x, y in itertools.permutations(pooled, 2)) / (n * (n - 1))
    return 1 - observed / expected


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
@given(rows=tables)
def test_alpha_is_what_its_definition_says(level, rows):
    found = krippendorff_alpha(Ratings.of(rows, level))
    assume(found.value is not None)
    assert found.value == pytest.approx(alpha_by_definition(rows, level), abs=1e-9)


@given(pairs)
def test_quadratic_kappa_is_lins_concordance(rated):
    """Fleiss & Cohen 1973: with quadratic weights κ is an intraclass correlation, the concordance of Lin 1989."""
    found = cohen_kappa(Ratings.of(rated, "interval"), "quadratic")
    assume(found.value is not None)
    x, y = zip(*rated, strict=True)
    covariance = statistics.fmean(a * b for a, b in rated) - statistics.fmean(x) * statistics.fmean(y)
    spread = statistics.pvariance(x) + statistics.pvariance(y) + (statistics.fmean(x) - statistics.fmean(y)) ** 2
    assert found.value == pytest.approx(2 * covariance / spread, abs=1e-9)


@given(pairs)
def test_with_two_raters_and_no_gaps_alpha_is_scotts_pi_for_a_small_sample(rated):
    ratings = Ratings.of(rated)
    alpha, pi = krippendorff_alpha(ratings), fleiss_kappa(ratings)
    assume(alpha.value is not None)
    assert 1 - alpha.value == pytest.approx((1 - pi.value) * (1 - 1 / (2 * len(rated))), abs=1e-9)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=20))
def test_with_two_values_weights_change_nothing(rated):
    ratings = Ratings.of(rated, "ordinal")
    plain = cohen_kappa(ratings).value
    assume(plain is not None)
    assert cohen_kappa(ratings, "linear").value == pytest.approx(plain)
    assert cohen_kappa(ratings, "quadratic").value == pytest.approx(plain)
    assert gwet_ac2(ratings).value == pytest.approx(gwet_ac1(ratings).value)


@given(st.lists(st.tuples(values, values, values), min_size=2, max_size=12))
def test_the_correlations_come_from_the_analysis_of_variance(rows):
    """Mean squares by the textbook's sums of squares, not by deviations as the module has them."""
    n, k = len(rows), 3
    total = sum(map(sum, rows))
    correction = total**2 / (n * k)
    by_unit = sum(sum(row) ** 2 for row in rows) / k - correction
    by_rater = sum(sum(column) ** 2 for column in zip(*rows, strict=True)) / n - correction
    everything = sum(value**2 for row in rows for value in row) - correction
    bms, wms = by_unit / (n - 1), (everything - by_unit) / (n * (k - 1))
    jms, ems = by_rater / (k - 1), (everything - by_unit - by_rater) / ((n - 1) * (k - 1))
    assume(bms > 1e-9)
    found = icc(Ratings.of(rows, "interval"))
    assert found["1,1"].value == pytest.approx((bms - wms) / (bms + 2 * wms))
    assert found["2,1"].value == pytest.approx((bms - ems) / (bms + 2 * ems + 3 * (jms - ems) / n))
    assert found["3,1"].value == pytest.approx((bms - ems) / (bms + 2 * ems))
    assert found["1,k"].value == pytest.approx((bms - wms) / bms)
    assert found["3,k"].value == pytest.approx((bms - ems) / bms)
    if found["2,k"].value is not None:
        assert found["2,k"].value == pytest.approx((bms - ems) / (bms + (jms - ems) / n))


def test_one_way_takes_gaps_and_two_way_says_why_it_does_not():
    """By hand: units (1, 2), (4, 5, 6), (9, 9): mean squares 74.5 / 2 ≈ 35.17 and 2.5 / 4, k0 = (7 - 17 / 7) / 2."""
    found = icc(Ratings.of([[1, 2, None], [4, 5, 6], [9, None, 9]], "interval"))
    grand = 36 / 7
    bms = (2 * (1.5 - grand) ** 2 + 3 * (5 - grand) ** 2 + 2 * (9 - grand) ** 2) / 2
    wms, k0 = 2.5 / 4, (7 - 17 / 7) / 2
    assert found["1,1"].value == pytest.approx((bms - wms) / (bms + (k0 - 1) * wms))
    assert found["1,k"].value == pytest.approx(1 - wms / bms)
    for form in ("2,1", "3,1", "2,k", "3,k"):
        assert found[form].value is None
        assert "1 of 3 units" in found[form].reason


def jackknifed(rows, statistic):
    """The standard error by leaving out one unit at a time (Efron 1979): another way than the formulas in the modules."""
    left_out = [statistic(rows[:index] + rows[index + 1 :]) for index in range(len(rows))]
    n, mean = len(rows), math.fsum(left_out) / len(rows)
    return math.sqrt((n - 1) / n * math.fsum((value - mean) ** 2 for value in left_out))


@pytest.mark.parametrize("coefficient", [fleiss_kappa, gwet_ac1])
def test_the_variance_with_many_raters_is_about_that_of_the_jackknife(coefficient):
    found = coefficient(Ratings.of(FLEISS))
    half = 2.0452 * jackknifed(FLEISS, lambda rows: coefficient(Ratings.of(rows)).value)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.06)


@pytest.mark.parametrize("table", [ABSTRACTORS, PSYCHIATRISTS])
@pytest.mark.parametrize("weighted", ["none", "linear", "quadratic"])
def test_the_variance_of_kappa_is_about_that_of_the_jackknife(table, weighted):
    rows = [(i, j) for i, row in enumerate(table) for j, times in enumerate(row) for _ in range(times)]
    found = cohen_kappa(Ratings.of(rows, "ordinal"), weighted)
    error = jackknifed(rows, lambda some: cohen_kappa(Ratings.of(some, "ordinal"), weighted).value)
    assert (found.high - found.value) == pytest.approx(1.96 * error, rel=0.06)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_the_interval_of_alpha_is_about_that_of_the_jackknife(level):
    chance = np.random.default_rng(3)
    truth = chance.integers(0, 4, size=200)
    rows = [[int(np.clip(value + step, 0, 4)) for step in chance.integers(-1, 2, size=3)] for value in truth]
    found = krippendorff_alpha(Ratings.of(rows, level))
    error = jackknifed(rows, lambda some: alpha_alone(some, level))
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.12)


def alpha_alone(rows, level):
    """Without the bootstrap of its own."""
    ratings = Ratings.of(rows, level)
    patterns = krippendorff._patterns(ratings.codes, ratings)
    return float(patterns.alphas(patterns.times[None, :])[0])


def test_the_shorter_way_to_an_interval_of_many_measurements_comes_to_the_same(monkeypatch):
    chance = np.random.default_rng(4)
    truth = chance.gamma(3.0, 20.0, size=300)
    ratings = Ratings.of([[float(abs(value + step)) for step in chance.normal(0, 60, size=2)] for value in truth], "ratio")
    resampled = krippendorff_alpha(ratings)
    monkeypatch.setattr(krippendorff, "MOST_RESAMPLED", 10)
    shorter = krippendorff_alpha(ratings)
    assert shorter.value == pytest.approx(resampled.value, abs=1e-12)
    assert shorter.high - shorter.low == pytest.approx(resampled.high - resampled.low, rel=0.06)
    assert shorter.low == pytest.approx(resampled.low, abs=0.02)


def test_intervals_of_kappa_hold_the_truth_about_as_often_as_they_say():
    """Two raters who see the truth with chance 0.8 and else guess: κ of the population is 0.8² = 0.64."""
    chance = np.random.default_rng(11)
    n, samples, hits = 80, 400, {"cohen": 0, "fleiss": 0, "alpha": 0}
    for _ in range(samples):
        truth = chance.integers(0, 2, size=n)
        rated = [np.where(chance.random(n) < 0.8, truth, chance.integers(0, 2, size=n)).tolist() for _ in range(2)]
        ratings = Ratings.of(list(zip(*rated, strict=True)))
        for name, found in zip(hits, (cohen_kappa(ratings), fleiss_kappa(ratings), krippendorff_alpha(ratings)), strict=True):
            hits[name] += found.low <= 0.64 <= found.high
    assert all(0.92 <= hit / samples <= 0.98 for hit in hits.values()), hits
