"""The coefficients give what the papers that brought them print, intervals included."""

import random

import pytest

from supervision.agreement import report
from supervision.agreement.cohen import cohen_kappa
from supervision.agreement.fleiss import fleiss_kappa
from supervision.agreement.gwet import gwet_ac1, gwet_ac2
from supervision.agreement.icc import icc
from supervision.agreement.krippendorff import krippendorff_alpha
from supervision.agreement.percent import percent_agreement
from supervision.agreement.ratings import Ratings
from tests.supervision.published import ABSTRACTORS, FLEISS, KRIPPENDORFF, PARADOX, PSYCHIATRISTS, SHROUT_FLEISS, crossed


@pytest.mark.parametrize(
    ("form", "value", "low", "high"),
    [
        ("1,1", 0.17, -0.133, 0.72),
        ("2,1", 0.29, 0.019, 0.76),
        ("3,1", 0.71, 0.342, 0.95),
        ("1,k", 0.44, -0.884, 0.91),
        ("2,k", 0.62, 0.071, 0.93),
        ("3,k", 0.91, 0.676, 0.99),
    ],
)
def test_the_six_correlations_of_shrout_and_fleiss(form, value, low, high):
    """Intervals as the function ICC of the R package psych prints them for these data."""
    found = icc(Ratings.of(SHROUT_FLEISS, "interval"))[form]
    assert found.value == pytest.approx(value, abs=0.005)
    assert found.low == pytest.approx(low, abs=0.0006)
    assert found.high == pytest.approx(high, abs=0.005)
    assert (found.n_units, found.n_raters) == (6, 4)


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)])
def test_krippendorffs_four_observers(level, value):
    found = krippendorff_alpha(Ratings.of(KRIPPENDORFF, level))
    assert found.value == pytest.approx(value, abs=0.0005)
    assert found.n_units == 11  # the unit that one observer rated drops out


def test_fleiss_thirty_patients():
    found = fleiss_kappa(Ratings.of(FLEISS))
    assert found.value == pytest.approx(0.430, abs=0.0005)
    assert percent_agreement(Ratings.of(FLEISS)).value == pytest.approx(0.556, abs=0.0005)
    assert (found.n_units, found.n_raters) == (30, 6)


def test_gwets_four_raters_with_gaps():
    """AC1 0.775, standard error 0.14295; Fleiss' κ 0.761, standard error 0.15302; Gwet 2014 cuts intervals at 1."""
    ratings = Ratings.of(KRIPPENDORFF)
    ac1, kappa = gwet_ac1(ratings), fleiss_kappa(ratings)
    assert (ac1.value, ac1.low, ac1.high) == (pytest.approx(0.77544, abs=1e-5), pytest.approx(0.461, abs=0.0005), 1.0)
    assert (kappa.value, kappa.low, kappa.high) == (pytest.approx(0.76117, abs=1e-5), pytest.approx(0.424, abs=0.0005), 1.0)
    assert percent_agreement(ratings).value == pytest.approx(0.81818, abs=1e-5)


@pytest.mark.parametrize(
    ("level", "value", "low"), [("ordinal", 0.89894, 0.66365), ("interval", 0.91400, 0.68518), ("ratio", 0.85737, 0.58869)]
)
def test_gwets_four_raters_with_credit_for_near_misses(level, value, low):
    """As Gwet's own package irrCAC gives them, with ordinal, quadratic and ratio weights."""
    found = gwet_ac2(Ratings.of(KRIPPENDORFF, level))
    assert (found.value, found.low, found.high) == (pytest.approx(value, abs=1e-5), pytest.approx(low, abs=1e-5), 1.0)


def test_gwets_two_abstractors():
    """Gwet's standard errors are 0.05891 for κ, 0.05905 for Scott's π and 0.04322 for AC1, with t on 99 degrees of freedom."""
    ratings = crossed(ABSTRACTORS)
    kappa, pi, ac1 = cohen_kappa(ratings), fleiss_kappa(ratings), gwet_ac1(ratings)
    assert kappa.value == pytest.approx(0.7964094, abs=1e-7)
    assert (kappa.high - kappa.low) / 2 == pytest.approx(1.95996 * 0.05891072, abs=2e-4)
    assert pi.value == pytest.approx(0.7962397, abs=1e-7)
    assert (pi.low, pi.high) == (pytest.approx(0.679, abs=0.0006), pytest.approx(0.913, abs=0.0011))
    assert ac1.value == pytest.approx(0.8493305, abs=1e-7)
    assert (ac1.low, ac1.high) == (pytest.approx(0.764, abs=0.001), pytest.approx(0.935, abs=0.001))
    assert krippendorff_alpha(ratings).value == pytest.approx(0.7972585, abs=1e-7)


def test_fleiss_levin_and_paiks_psychiatrists():
    """κ 0.68, standard error 0.087."""
    kappa = cohen_kappa(crossed(PSYCHIATRISTS))
    assert kappa.value == pytest.approx(0.676, abs=0.0005)
    assert (kappa.high - kappa.low) / 2 == pytest.approx(1.96 * 0.087, abs=0.002)


def test_where_a_value_is_rare_kappa_falls_below_nothing_and_ac1_does_not():
    ratings = crossed(PARADOX)
    assert percent_agreement(ratings).value == pytest.approx(0.90)
    assert cohen_kappa(ratings).value == pytest.approx(-0.05, abs=0.005)
    assert gwet_ac1(ratings).value == pytest.approx(0.89, abs=0.005)
    assert ratings.rarest == pytest.approx(0.05)


def test_near_misses_count_for_something_only_with_weights():
    ratings = crossed([[10, 5, 0], [5, 10, 5], [0, 5, 10]], "ordinal")
    plain, linear, quadratic = (cohen_kappa(ratings, weighted).value for weighted in ("none", "linear", "quadratic"))
    assert plain < linear < quadratic
    assert gwet_ac1(ratings).value < gwet_ac2(ratings).value


def test_chance_over_five_thousand_units_gives_a_narrow_interval_round_nothing_at_every_level():
    chance = random.Random(1)
    rows = [[chance.randrange(5) for _ in range(5)] for _ in range(5000)]
    for level in ("nominal", "ordinal", "interval", "ratio"):
        found = krippendorff_alpha(Ratings.of(rows, level))
        assert -0.03 < found.low < found.value < found.high < 0.03


@pytest.mark.slow
def test_five_thousand_units_of_measurements_that_never_repeat_can_be_reckoned():
    chance = random.Random(2)
    truth = [chance.uniform(10, 100) for _ in range(5000)]
    rows = [[abs(chance.gauss(value, 5)) for _ in range(3)] for value in truth]
    for level in ("ordinal", "interval", "ratio"):
        found = report.figures(Ratings.of(rows, level))
        alpha = found["krippendorff_alpha"]
        assert 0.8 < alpha.low < alpha.value < alpha.high < 1
        assert "read α or ICC" in found["gwet_ac2"].reason
