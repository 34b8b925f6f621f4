"""Gwet's AC1 and AC2: agreement beyond chance that stays steady where one value is rare. Fleiss' κ shares the arithmetic."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from supervision.agreement import intervals, weights
from supervision.agreement.figures import Figure, figure, inapplicable
from supervision.agreement.ratings import Floats, Level, Ratings


def gwet_ac1(ratings: Ratings) -> Figure:
    """AC1 (Gwet 2008, British Journal of Mathematical and Statistical Psychology 61:29-48), any number of raters, gaps allowed.

    Chance agreement is Σ π(1 - π) / (q - 1) over the q values of the scale: `Ratings.of(scale=...)` tells it of values that nobody
    gave. Interval: Student's t with one degree of freedom fewer than units, on Gwet's linearised variance.
    """
    return _coefficient(ratings, weights.identity)


def gwet_ac2(ratings: Ratings) -> Figure:
    """AC2: AC1 with credit for near misses, by level: ordinal, quadratic or ratio weights (Gwet 2014, Handbook of Inter-Rater
    Reliability, 4th ed., chapters 3 to 5). Interval as for AC1."""
    if ratings.level == Level.NOMINAL:
        reason = "AC2 gives credit for near misses, and nominal values have none; AC1 is the one to read."
        return inapplicable(reason, n_units=ratings.n_paired, n_raters=ratings.n_raters)
    return _coefficient(ratings, weights.FOR_LEVEL[ratings.level])


def _coefficient(ratings: Ratings, weighing: Callable[[Sequence[Any]], Floats]) -> Figure:
    n_units, n_raters, q = ratings.n_paired, ratings.n_raters, len(ratings.categories)
    reason = ratings.why_not_by_value()
    if not reason and q < 2:
        reason = "Every rating has one and the same value, and no other is known, so chance agreement is not defined."
    if reason:
        return inapplicable(reason, n_units=n_units, n_raters=n_raters)
    credit = weighing(ratings.categories)
    scale = float(credit.sum()) / (q * (q - 1))

    def expected(prevalence: Floats) -> float:
        return scale * float((prevalence * (1 - prevalence)).sum())

    def by_unit(shares: Floats, prevalence: Floats) -> Floats:
        return scale * (shares @ (1 - prevalence))

    return beyond_chance(ratings, credit, expected, by_unit)


def beyond_chance(
    ratings: Ratings, credit: Floats, expected: Callable[[Floats], float], by_unit: Callable[[Floats, Floats], Floats]
) -> Figure:
    """(observed - expected) / (1 - expected) over many raters with gaps, and its t interval.

    `expected` gives chance agreement from the prevalence of each value, averaged over units; `by_unit` gives each unit's part in it
    from its own shares of values. A unit rated once bears on prevalence alone. Variance: Gwet 2014, section 5.3 (the linearisation
    of Gwet 2008, with units as the sample); where it is nothing, Wilson's limits of the observed agreement.
    """
    counts = ratings.counts()
    m = counts.sum(axis=1)
    paired = m >= 2
    n, n_paired = len(m), int(paired.sum())
    shares = counts / m[:, None]
    prevalence = shares.mean(axis=0)
    pairs = np.where(paired, m * (m - 1), 1.0)
    agreement = np.where(paired, (counts * (counts @ credit - 1)).sum(axis=1) / pairs, 0.0)
    observed = float(agreement[paired].mean())
    chance = expected(prevalence)
    value = (observed - chance) / (1 - chance)
    if value < -1 - 1e-9:
        reason = "So many units were rated only once that what chance would give cannot be told from them."
        return inapplicable(reason, n_units=n_paired, n_raters=ratings.n_raters)
    parts = (n / n_paired) * np.where(paired, agreement - chance, 0.0) / (1 - chance)
    parts -= 2 * (1 - value) * (by_unit(shares, prevalence) - chance) / (1 - chance)
    variance = float(((parts - value) ** 2).sum()) / (n * (n - 1)) if n > 1 else 0.0
    if variance <= 1e-12 or observed >= 1 - 1e-12:
        interval = intervals.by_observed(observed, chance, n_paired)
    else:
        interval = intervals.by_variance(value, variance, intervals.t(n - 1))
    return figure(value, interval, n_units=n_paired, n_raters=ratings.n_raters)
