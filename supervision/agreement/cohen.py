"""Cohen's κ: two raters, agreement beyond what their own habits would give by chance."""

import numpy as np

from supervision.agreement import intervals, weights
from supervision.agreement.figures import Figure, figure, inapplicable
from supervision.agreement.ratings import MISSING, Floats, Level, Ratings

WEIGHTS = {"none": weights.identity, "linear": weights.linear, "quadratic": weights.quadratic}


def cohen_kappa(ratings: Ratings, weighted: str = "none") -> Figure:
    """κ of two raters over the units that both rated (Cohen 1960, Educational and Psychological Measurement 20:37-46).

    `weighted` is "none", "linear" or "quadratic" (Cohen 1968, Psychological Bulletin 70:213-220). Interval: normal, with the
    large-sample variance of Fleiss, Cohen & Everitt 1969, Psychological Bulletin 72:323-327, equation 13; where that is nothing,
    Wilson's limits of the observed agreement.
    """
    n_raters = ratings.n_raters
    n_units = ratings.n_paired
    if reason := ratings.why_not_by_value():
        return inapplicable(reason, n_units=n_units, n_raters=n_raters)
    if n_raters != 2:
        return inapplicable(f"Cohen's κ compares two raters; {n_raters} rated here.", n_units=n_units, n_raters=n_raters)
    if weighted != "none" and ratings.level == Level.NOMINAL:
        return inapplicable("Weights need values with an order; these are nominal.", n_units=n_units, n_raters=n_raters)
    both = ratings.codes[(ratings.codes != MISSING).all(axis=1)]
    used, places = np.unique(both, return_inverse=True)
    if used.size < 2:
        return inapplicable("Both raters gave one and the same value throughout, so κ is not defined.", n_units=n_units, n_raters=2)
    table = np.zeros((used.size, used.size))
    np.add.at(table, tuple(places.reshape(both.shape).T), 1)
    return _kappa(table, WEIGHTS[weighted]([ratings.categories[code] for code in used]))


def _kappa(table: Floats, credit: Floats) -> Figure:
    """Every value of the table was given by a rater, and there are two or more, so the expected disagreement is more than nothing."""
    n = int(table.sum())
    p = table / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed = float((credit * p).sum())
    disagreement = float((1 - credit) @ columns @ rows)
    expected = 1 - disagreement
    kappa = 1 - float(((1 - credit) * p).sum()) / disagreement
    average = (credit @ columns)[:, None] + (rows @ credit)[None, :]
    spread = float((p * (credit * disagreement - average * (1 - observed)) ** 2).sum())
    variance = (spread - (observed * expected - 2 * expected + observed) ** 2) / (n * disagreement**4)
    if variance <= 1e-12:
        return figure(kappa, intervals.by_observed(observed, expected, n), n_units=n, n_raters=2)
    return figure(kappa, intervals.by_variance(kappa, variance, intervals.z()), n_units=n, n_raters=2)
