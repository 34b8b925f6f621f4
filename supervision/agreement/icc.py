"""Intraclass correlations: how much of what differs between scores comes from the units."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from supervision.agreement import intervals
from supervision.agreement.figures import Figure, figure, inapplicable
from supervision.agreement.ratings import MISSING, Codes, Floats, Level, Ratings, positions

FORMS = ("1,1", "2,1", "3,1", "1,k", "2,k", "3,k")
_EXACT = "Every unit has exactly the same score from all its raters, so there is no error from which to make an interval."


@dataclass(frozen=True)
class _Squares:
    """Mean squares of the analysis of variance: units, within units, raters, residual; n units, k raters (k0 where they vary)."""

    units: float
    within: float
    raters: float
    residual: float
    n: int
    k: float
    df_within: float


def icc(ratings: Ratings) -> dict[str, Figure]:
    """The six of Shrout & Fleiss 1979, Psychological Bulletin 86:420-428, by their names: "1,1" to "3,k".

    1 is one-way (raters differ from unit to unit), 2 two-way with raters drawn at random, absolute agreement (McGraw & Wong 1996,
    Psychological Methods 1:30-46: "A"), 3 two-way with these raters only, consistency ("C"); "1" is one rater's score, "k" the
    average of all. Averages have no lower bound: far below 0 means that units differ less than chance would make them.

    With gaps only the one-way forms apply, over the units with two ratings or more: the ratings per unit are then
    k0 = (N - Σm²/N) / (n - 1) (Donner 1986, International Statistical Review 54:67-82) and the interval is approximate. The two-way forms
    need every rating; `Ratings.complete()` leaves the other units out, for those who decide so.

    Intervals: exact F for 1 and 3, Satterthwaite's F for 2, as in the two papers; for the averages by Spearman and Brown.
    """
    reason = ratings.why_not()
    n_units = ratings.n_paired
    if not reason and ratings.level in (Level.NOMINAL, Level.ORDINAL):
        reason = f"ICC takes differences between scores, and {ratings.level} values have none; the interval level has."
    if not reason and n_units < 2:
        reason = "ICC compares units with each other, and only one was rated by two raters."
    if reason:
        return {form: inapplicable(reason, n_units=n_units, n_raters=ratings.n_raters) for form in FORMS}
    one_way = _one_way(ratings)
    incomplete = "" if (ratings.codes != MISSING).all() else _incomplete(ratings)
    two_way = None if incomplete else _two_way(ratings)
    return {form: _form(form, one_way, two_way, incomplete, ratings) for form in FORMS}


def _form(form: str, one_way: "_Squares | None", two_way: "_Squares | None", incomplete: str, ratings: Ratings) -> Figure:
    n_units, n_raters = ratings.n_paired, ratings.n_raters
    kind, unit = form.split(",")
    squares = one_way if kind == "1" else two_way
    if kind != "1" and incomplete:
        return inapplicable(incomplete, n_units=n_units, n_raters=n_raters)
    if squares is None:
        reason = "All scores are the same, so there is nothing to tell units apart by."
        return inapplicable(reason, n_units=n_units, n_raters=n_raters)
    if squares.units == 0:
        reason = "All units have the same average, so there are no differences between units to measure."
        return inapplicable(reason, n_units=n_units, n_raters=n_raters)
    value, interval = _KINDS[kind](squares)
    reason = "" if interval else _EXACT
    if unit == "1":
        return figure(value, interval, n_units=n_units, n_raters=n_raters, reason=reason, least=-math.inf)
    average = _stepped_up(value, squares.k)
    if average is None:
        reason = "Scores differ so much more within units than between them that an average has no reliability to speak of."
        return inapplicable(reason, n_units=n_units, n_raters=n_raters)
    if interval is None:
        return figure(average, None, n_units=n_units, n_raters=n_raters, reason=reason)
    low, high = (_stepped_up(limit, squares.k) for limit in interval)
    if low is None or high is None:
        reason = "Scores differ so much more within units than between them that the interval has no lower end."
        return figure(average, None, n_units=n_units, n_raters=n_raters, reason=reason, least=-math.inf)
    return figure(average, (low, high), n_units=n_units, n_raters=n_raters, least=-math.inf)


_Estimate = tuple[float, tuple[float, float] | None]


def _agreement_one_way(ms: _Squares) -> _Estimate:
    """ICC(1,1) = (BMS - WMS) / (BMS + (k - 1) WMS)."""
    return _by_f(ms.units, ms.within, ms.k, ms.n - 1, ms.df_within)


def _agreement(ms: _Squares) -> _Estimate:
    """ICC(2,1) = (BMS - EMS) / (BMS + (k - 1) EMS + k (JMS - EMS) / n).

    The interval is that of Shrout & Fleiss; an estimate below 0 counts as 0 in Satterthwaite's degrees of freedom, since
    components of variance are not negative.
    """
    n, k = ms.n, ms.k
    value = (ms.units - ms.residual) / (ms.units + (k - 1) * ms.residual + k * (ms.raters - ms.residual) / n)
    if value >= 1 - 1e-12:
        return 1.0, None
    rho = max(value, 0.0)
    a = k * rho / (n * (1 - rho))
    b = 1 + k * rho * (n - 1) / (n * (1 - rho))
    parts = (a * ms.raters) ** 2 / (k - 1) + (b * ms.residual) ** 2 / ((n - 1) * (k - 1))
    if parts == 0:
        return value, None
    df = (a * ms.raters + b * ms.residual) ** 2 / parts
    above, below = intervals.f(n - 1, df), intervals.f(df, n - 1)
    rest = k * ms.raters + (k * n - k - n) * ms.residual
    low = n * (ms.units - above * ms.residual) / (above * rest + n * ms.units)
    high = n * (below * ms.units - ms.residual) / (rest + n * below * ms.units)
    return value, (low, high)


def _consistency(ms: _Squares) -> _Estimate:
    """ICC(3,1) = (BMS - EMS) / (BMS + (k - 1) EMS)."""
    return _by_f(ms.units, ms.residual, ms.k, ms.n - 1, (ms.n - 1) * (ms.k - 1))


_KINDS: dict[str, Callable[[_Squares], _Estimate]] = {"1": _agreement_one_way, "2": _agreement, "3": _consistency}


def _by_f(units: float, error: float, k: float, df1: float, df2: float) -> _Estimate:
    if error == 0:
        return 1.0, None
    ratio = units / error
    low, high = ratio / intervals.f(df1, df2), ratio * intervals.f(df2, df1)
    return (ratio - 1) / (ratio + k - 1), ((low - 1) / (low + k - 1), (high - 1) / (high + k - 1))


def _stepped_up(single: float, k: float) -> float | None:
    """From one rater to the average of k (Spearman 1910; Brown 1910); None at or below -1 / (k - 1), where that breaks down."""
    divisor = 1 + (k - 1) * single
    return k * single / divisor if divisor > 1e-12 else None


def _one_way(ratings: Ratings) -> _Squares | None:
    paired = ratings.codes[(ratings.codes != MISSING).sum(axis=1) >= 2]
    scores, noise = _scores(paired, ratings)
    given = paired != MISSING
    m = given.sum(axis=1)
    total = float(m.sum())
    n = len(paired)
    means = np.where(given, scores, 0.0).sum(axis=1) / m
    grand = float((m * means).sum() / total)
    within = float((np.where(given, scores - means[:, None], 0.0) ** 2).sum())
    units = float((m * (means - grand) ** 2).sum())
    k = total / n if (m == m[0]).all() else (total - float((m**2).sum()) / total) / (n - 1)
    return _squares(units=units, within=within, raters=0.0, residual=within, dfs=(n - 1, total - n, 1, total - n), n=n, k=k, noise=noise)


def _two_way(ratings: Ratings) -> _Squares | None:
    scores, noise = _scores(ratings.codes, ratings)
    n, k = scores.shape
    means, judges, grand = scores.mean(axis=1), scores.mean(axis=0), float(scores.mean())
    within = float(((scores - means[:, None]) ** 2).sum())
    residual = float(((scores - means[:, None] - judges[None, :] + grand) ** 2).sum())
    units, raters = k * float(((means - grand) ** 2).sum()), n * float(((judges - grand) ** 2).sum())
    dfs = (n - 1, n * (k - 1), k - 1, (n - 1) * (k - 1))
    return _squares(units=units, within=within, raters=raters, residual=residual, dfs=dfs, n=n, k=k, noise=noise)


def _squares(
    *, units: float, within: float, raters: float, residual: float, dfs: tuple[float, ...], n: int, k: float, noise: float
) -> _Squares | None:
    """Mean squares from sums of squares; what is only rounding is 0. None where all scores are the same."""
    units, within, raters, residual = (0.0 if one <= noise else one for one in (units, within, raters, residual))
    if not any((units, within, raters, residual)):
        return None
    return _Squares(units / dfs[0], within / dfs[1], raters / dfs[2], residual / dfs[3], n, k, dfs[1])


def _scores(codes: Codes, ratings: Ratings) -> tuple[Floats, float]:
    """Scores from 0 to 1 (no ICC sees the unit of measurement), and the sum of squares that rounding alone can make."""
    used = np.unique(codes[codes != MISSING])
    values = [ratings.categories[code] for code in used]
    scores = positions(values)[np.searchsorted(used, codes)] if used.size else np.zeros(codes.shape)
    span = (max(values) - min(values)) / max(max(abs(value) for value in values), 1e-300) if values else 0.0
    error = 8 * np.finfo(np.float64).eps / min(span, 1.0) if span else 0.0
    return scores, float(codes.size * error**2)


def _incomplete(ratings: Ratings) -> str:
    whole = ratings.complete().n_units
    return (
        f"Two-way ICC needs every unit rated by every rater, and {whole} of {ratings.n_units} units are. "
        "Leave the others out, or read the one-way ICC."
    )
