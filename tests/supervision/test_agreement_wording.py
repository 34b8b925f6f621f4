"""What may be said of a figure: always with n and interval, nothing good or bad of few, and whose convention it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervision.agreement import wording
from supervision.agreement.figures import Figure, inapplicable

JUDGEMENTS = ("poor", "slight", "fair", "moderate", "substantial", "almost perfect", "good.", "excellent")


def make(value=0.62, low=0.41, high=0.83, n=45):
    return Figure(value, low, high, n, 2)


def kappa(figure, *, rarest=0.4):
    return wording.of_kappa(figure, percent=make(0.81, 0.7, 0.89), ac1=make(0.7, 0.5, 0.9), rarest=rarest)


def test_a_kappa_is_said_whole():
    assert kappa(make()) == (
        "Cohen's κ is 0.62 (95 % interval 0.41 to 0.83; n = 45 units, 2 raters). "
        "By the convention of Landis and Koch (1977) that is substantial; the interval runs from moderate to almost perfect. "
        "Percent agreement is 81 % (95 % interval 70 % to 89 %; n = 45 units, 2 raters)."
    )


def test_a_rare_value_brings_ac1_and_a_common_one_does_not():
    assert "AC1 is 0.70" in kappa(make(), rarest=0.05)
    assert "AC1 is 0.70" in kappa(make(), rarest=0.97)
    assert "AC1" not in kappa(make(), rarest=0.1)
    assert "AC1" not in kappa(make(), rarest=None)


def test_a_correlation_is_said_with_its_form():
    assert wording.of_icc(make(0.78, 0.61, 0.74 + 0.14), "2,1") == (
        "ICC(2,1) is 0.78 (95 % interval 0.61 to 0.88; n = 45 units, 2 raters). "
        "By the convention of Cicchetti (1994) that is excellent; the interval runs from good to excellent."
    )


@given(st.integers(0, 9), st.floats(-1, 1), st.floats(0, 1))
def test_nothing_from_fewer_than_ten_is_called_good_or_bad(n, value, rarest):
    few = make(value, value, value, n)
    for said in (kappa(few, rarest=rarest), wording.of_icc(few, "1,1"), wording.of_other("Krippendorff's α", few)):
        assert "too few to call it good or bad" in said
        assert f"n = {n} " in said
        assert not any(word in said.replace(wording.NEEDS, "") for word in JUDGEMENTS)


def test_ten_are_enough():
    assert "substantial" in kappa(make(n=10))
    assert (
        wording.of_other("Krippendorff's α", make(n=10)) == "Krippendorff's α is 0.62 (95 % interval 0.41 to 0.83; n = 10 units, 2 raters)."
    )


def test_without_an_interval_there_is_no_label():
    said = kappa(Figure(1.0, None, None, 30, 2, "The two do not differ anywhere, so there is nothing from which to make an interval."))
    assert "no interval" in said
    assert "do not differ" in said
    assert not any(word in said.replace("good or bad", "") for word in JUDGEMENTS)


def test_what_does_not_apply_is_said_with_its_reason_and_percent_agreement_stays():
    said = kappa(inapplicable("Both raters gave one and the same value.", n_units=45, n_raters=2))
    assert said.startswith("Cohen's κ does not apply. Both raters gave one and the same value. Percent agreement is 81 %")


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (-0.01, "poor"),
        (-0.004, "slight"),
        (0.0, "slight"),
        (0.20, "slight"),
        (0.204, "slight"),
        (0.206, "fair"),
        (0.40, "fair"),
        (0.41, "moderate"),
        (0.60, "moderate"),
        (0.61, "substantial"),
        (0.80, "substantial"),
        (0.81, "almost perfect"),
        (1.0, "almost perfect"),
    ],
)
def test_the_labels_of_landis_and_koch(value, label):
    assert wording.landis_koch(value) == label


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (-0.3, "poor"),
        (0.39, "poor"),
        (0.40, "fair"),
        (0.59, "fair"),
        (0.596, "good"),
        (0.74, "good"),
        (0.75, "excellent"),
        (1, "excellent"),
    ],
)
def test_the_labels_of_cicchetti(value, label):
    assert wording.cicchetti(value) == label


def test_numbers_have_a_proper_minus_and_never_a_negative_nothing():
    assert wording.number(-0.053) == "−0.05"
    assert wording.number(-0.001) == "0.00"
