"""Derived scores: worked out safely, never by dividing by nothing, and with a reason where there is no figure."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervision import formulas
from supervision.formulas import FormulaRefused, Names, NotScorable
from supervision.models import DerivedScore

NAMES = Names(
    {"open": "Open questions", "closed": "Closed questions", "simple": "Simple", "total": "Total"}, {"counts": ["open", "closed", "simple"]}
)


def worked(formula, **values):
    return formulas.evaluate(formula, NAMES, values)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("open + closed * 2", 8),
        ("(open + closed) * 2", 10),
        ("-open / 4", -0.5),
        ("sum(counts)", 6),
        ("mean(open, closed)", 2.5),
        ("mean([open, closed])", 2.5),
        ("count(counts) + max(counts) - min(counts)", 5),
    ],
)
def test_a_formula_gives_its_figure(formula, value):
    assert worked(formula, open=2, closed=3, simple=1) == pytest.approx(value)


def test_dividing_by_nothing_is_not_scorable_and_says_what_was_nothing():
    with pytest.raises(NotScorable, match="“Open questions” with “Closed questions” is nothing"):
        worked("simple / (open + closed)", open=0, closed=0, simple=4)


def test_nothing_divided_by_something_is_nothing():
    assert worked("simple / open", open=3, simple=0) == 0


def test_not_applicable_is_never_taken_for_nothing():
    with pytest.raises(NotScorable, match="“Open questions” has no figure"):
        worked("open + closed", open=None, closed=3)


def test_a_mean_leaves_out_what_is_not_applicable_and_needs_half():
    assert worked("mean(open, closed)", open=None, closed=3) == 3
    with pytest.raises(NotScorable, match="only 1 of 3"):
        worked("mean(counts)", open=None, closed=3, simple=None)


def test_a_sum_of_nothing_scored_is_not_scorable_and_its_count_is_nothing():
    with pytest.raises(NotScorable, match="none of the items"):
        worked("sum(counts)")
    assert worked("count(counts)") == 0


def test_a_sum_needs_all_of_its_parts_and_a_count_of_none_is_a_part():
    with pytest.raises(NotScorable, match="needs all of its parts, and “Closed questions” and “Simple” have no figure"):
        worked("sum(counts)", open=3, closed=None)
    assert worked("sum(counts)", open=3, closed=0, simple=0) == 3


@pytest.mark.parametrize(
    ("formula", "values"),
    [
        ("open / (closed * 0.1 + simple * 0.2 - total * 0.3)", {"open": 1, "closed": 1, "simple": 1, "total": 1}),
        ("open / (closed + simple - total)", {"open": 1, "closed": 0.1, "simple": 0.2, "total": 0.3}),
        ("open / (mean(counts) * 3 - 1)", {"open": 1, "closed": 0, "simple": 0}),
        ("open / (open + 1e16 - 1e16 - open)", {"open": 1}),
        ("open / (1 / 3 * 3 - 1.0e0)", {"open": 1}),
    ],
)
def test_what_floats_would_leave_almost_nothing_is_nothing(formula, values):
    with pytest.raises(NotScorable, match="nothing can be divided by it"):
        worked(formula, **values)


@pytest.mark.parametrize(
    ("formula", "value"), [("0.1 + 0.2", 0.3), (".5 + 5.", 5.5), ("1e-3 * 1_000", 1), ("0x10 + 0e-999999999", 16), ("open / 3 * 3", 1)]
)
def test_a_number_is_what_is_written(formula, value):
    assert worked(formula, open=1) == value


def test_a_later_score_goes_on_from_the_exact_one_before_it(monkeypatch):
    scores = [DerivedScore(key="third", formula="open / 3"), DerivedScore(key="whole", formula="open / (third * 3 - open)")]

    class Rows(list):
        def order_by(self, *fields):
            return self

    class OfTwo:
        derived_scores = Rows(scores)

    names = Names({"open": "Open", "third": "A third", "whole": "Whole"}, {})
    monkeypatch.setattr(formulas, "names_of", lambda instrument: names)
    first, second = formulas.figures(OfTwo(), {"open": 1})
    assert first.value == pytest.approx(1 / 3)
    assert (second.value, second.text) == (None, "not scorable")


def test_a_formula_that_grows_without_end_is_stopped():
    with pytest.raises(NotScorable, match="too many digits"):
        worked("open * open", open=Fraction(10**2000 + 1, 10**2000))


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("", "empty"),
        ("open +", "cannot be read"),
        ("open.real", "nothing else"),
        ("__import__('os')", "no function"),
        ("open ** 9", "nothing else"),
        ("(lambda: 1)()", "nothing else"),
        ("'a' * 9", "nothing else"),
        ("True", "nothing else"),
        ("mean()", "at least one"),
        ("mean(open + 1)", "takes keys"),
        ("median(open)", "no function median"),
        ("sum(open, start=2)", "no function sum|nothing else"),
        ("charm / open", "charm is neither"),
        ("counts / 2", r"counts is a section. Write mean\(counts\)"),
        ("1e999", "too large"),
        ("open / 1e-999", "too small"),
        ("9" * 390, "too large"),
        ("-" * 390 + "open", "too many parts|cannot be read"),
        ("open+" * 90, "longer|cannot be read"),
    ],
)
def test_what_is_no_formula_is_refused_with_a_sentence(formula, words):
    with pytest.raises(FormulaRefused, match=words):
        formulas.check(formula, NAMES)


def test_a_key_written_with_its_hyphen_is_explained():
    names = Names({"open_questions": "Open questions"}, {})
    with pytest.raises(FormulaRefused, match="Write open_questions, with underscores"):
        formulas.check("open-questions / 2", names)


keys = st.sampled_from(["open", "closed", "simple", "total", "counts", "charm"])
expressions = st.recursive(
    st.one_of(keys, st.integers(-3, 3).map(str), st.floats(-1e308, 1e308).map(repr)),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({''.join(parts)})"),
        st.tuples(st.sampled_from(formulas.FUNCTIONS), st.lists(keys, min_size=1, max_size=3)).map(
            lambda parts: f"{parts[0]}({', '.join(parts[1])})"
        ),
        inner.map(lambda one: f"-{one}"),
    ),
    max_leaves=12,
)
figures = st.one_of(st.none(), st.integers(), st.floats())


@settings(max_examples=400)
@given(st.one_of(expressions, st.text(max_size=60)), st.dictionaries(st.sampled_from(["open", "closed", "simple", "total"]), figures))
def test_a_formula_gives_a_finite_figure_or_one_of_its_own_errors(formula, values):
    try:
        value = formulas.evaluate(formula, NAMES, values)
    except (NotScorable, FormulaRefused):
        return
    assert math.isfinite(value)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 3))
def test_a_ratio_is_there_exactly_where_its_divisor_is_something(top, bottom, other):
    try:
        value = worked("simple / (open + closed)", simple=top, open=bottom, closed=other)
    except NotScorable:
        assert bottom + other == 0
    else:
        assert value == pytest.approx(top / (bottom + other))


decimals = st.decimals(-1000, 1000, allow_nan=False, places=3)


@given(st.lists(decimals, min_size=2, max_size=5), st.sampled_from(["names", "numbers"]))
def test_what_cancels_is_never_divided_by_however_it_is_written(parts, where):
    """A sum less itself, added up in another order: with floats it is often 1e-16."""
    keys = [f"part_{number}" for number in range(len(parts))]
    written = keys if where == "names" else [f"({part})" for part in parts]
    names = Names({key: key for key in keys} | {"total": "Total"}, {})
    values = {**{key: float(part) for key, part in zip(keys, parts, strict=True)}, "total": float(sum(parts))}
    with pytest.raises(NotScorable, match="nothing can be divided by it"):
        formulas.evaluate(f"1 / ({' + '.join(written)} - total)", names, values)


@given(st.lists(st.one_of(st.none(), st.integers(0, 4)), min_size=3, max_size=3))
def test_a_mean_is_over_scored_items_only(scores):
    known = [score for score in scores if score is not None]
    values = dict(zip(["open", "closed", "simple"], scores, strict=True))
    try:
        value = worked("mean(counts)", **values)
    except NotScorable:
        assert len(known) < 2
    else:
        assert value == pytest.approx(sum(known) / len(known))


def test_the_threshold_that_is_reached_is_named_and_below_the_first_too():
    score = DerivedScore(key="ratio", decimals=1, thresholds=[{"least": 1, "label": "fair"}, {"least": 2, "label": "good"}])
    assert formulas.Figure(score, 2.0, "").label == "good"
    assert formulas.Figure(score, 1.99, "").threshold_sentence == "fair: 1.0 or more"
    assert formulas.Figure(score, 0.5, "").threshold_sentence == "below “fair”, which begins at 1.0"
    assert (formulas.Figure(score, None, "why").label, formulas.Figure(score, None, "why").text) == ("", "not scorable")


def test_a_share_is_written_as_per_cent():
    assert formulas.written(0.405, DerivedScore(decimals=0, is_percent=True)) == "40\u00a0%"
