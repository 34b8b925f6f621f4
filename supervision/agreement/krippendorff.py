"""Krippendorff's α: any number of raters, any level of measurement, gaps and all."""

import itertools
from dataclasses import dataclass

import numpy as np

from supervision.agreement import intervals
from supervision.agreement.figures import Figure, figure, inapplicable
from supervision.agreement.ratings import MISSING, Codes, Floats, Level, Ratings, magnitudes, positions
from supervision.agreement.weights import ratio_distance

RESAMPLES = 1000
MOST_RESAMPLED = 2000
_SEED = 20_260_101
_BATCH = 100
_FEWEST = 0.95  # of the resamples must have an α, or there is no interval


def krippendorff_alpha(ratings: Ratings) -> Figure:
    """α = 1 - observed / expected disagreement (Krippendorff 2011, Computing Krippendorff's Alpha-Reliability; 2019, Content Analysis,
    4th ed., chapter 12). A unit rated once pairs with nothing and is left out.

    Interval: percentiles of a bootstrap over units (Zapf, Castell, Morawietz & Karch 2016, BMC Medical Research Methodology 16:93),
    seeded, and the same whatever the order of units and raters. Where every resample gives the same α, as in perfect agreement,
    Wilson's limits of the observed agreement. At the ratio level with more than 2,000 different values, where a thousand resamples would
    take minutes, a normal interval with the variance of the infinitesimal jackknife (Efron 1982, The Jackknife, the Bootstrap and Other
    Resampling Plans, chapter 6), which is close to the bootstrap in samples of that size.
    """
    n_units, n_raters = ratings.n_paired, ratings.n_raters
    reason = ratings.why_not()
    paired = ratings.codes[(ratings.codes != MISSING).sum(axis=1) >= 2]
    if not reason and len(np.unique(paired[paired != MISSING])) < 2:
        reason = "Every value that can be compared is the same, so there is no disagreement to expect and α is not defined."
    if reason:
        return inapplicable(reason, n_units=n_units, n_raters=n_raters)
    patterns = _patterns(paired, ratings)
    if ratings.level == Level.RATIO and patterns.scores.size > MOST_RESAMPLED:
        alpha, variance = patterns.linearised()
        interval = intervals.by_variance(alpha, variance, intervals.z())
        if variance <= 1e-12:
            interval = intervals.by_observed(*patterns.as_shares(), n_units)
        return figure(alpha, interval, n_units=n_units, n_raters=n_raters)
    alpha = float(patterns.alphas(patterns.times[None, :])[0])
    if n_units == 1:
        interval = intervals.by_observed(*patterns.as_shares(), n_units)
        return figure(alpha, interval, n_units=n_units, n_raters=n_raters)
    draws = np.random.default_rng(_SEED).multinomial(n_units, patterns.times / n_units, size=RESAMPLES).astype(np.float64)
    alphas = np.concatenate([patterns.alphas(draws[start : start + _BATCH]) for start in range(0, RESAMPLES, _BATCH)])
    alphas = alphas[~np.isnan(alphas)]
    if len(alphas) < _FEWEST * RESAMPLES:
        reason = "One value is so rare that many resamples of the units hold no other, so no interval can be made."
        return figure(alpha, None, n_units=n_units, n_raters=n_raters, reason=reason)
    if np.ptp(alphas) <= 1e-9:
        interval = intervals.by_observed(*patterns.as_shares(), n_units)
    else:
        low, high = np.percentile(alphas, [2.5, 97.5])
        interval = float(low), float(high)
    return figure(alpha, interval, n_units=n_units, n_raters=n_raters)


@dataclass(frozen=True, eq=False)
class _Patterns:
    """Units that hold the same values, whoever gave them, are one pattern; `times` says how many there are of each.

    `codes` is patterns by places, the values ascending and MISSING first; `scores` are what the level makes of the categories.
    """

    codes: Codes
    times: Floats
    level: Level
    scores: Floats

    def alphas(self, times: Floats) -> Floats:
        """One α for each row of `times` (draws by patterns); NaN where all comparable values are the same."""
        marginals = self._marginals(times)
        total = marginals.sum(axis=1)
        observed = self._observed(times, marginals) / total
        expected = self._expected(marginals) / (total * (total - 1))
        differs = ((marginals > 0).sum(axis=1) >= 2) & (expected > 0)
        return np.where(differs, 1 - observed / np.where(differs, expected, 1.0), np.nan)

    def as_shares(self) -> tuple[float, float]:
        """Observed and expected agreement, 0 to 1, so that α is (observed - expected) / (1 - expected)."""
        marginals = self._marginals(self.times[None, :])
        total = float(marginals.sum())
        scores = _midranks(marginals)[0] if self.level == Level.ORDINAL else self.scores
        used = scores[marginals[0] > 0]
        farthest = float(self._distance(used.min(), used.max()))
        observed = float(self._observed(self.times[None, :], marginals)[0]) / total / farthest
        return 1 - observed, 1 - float(self._expected(marginals)[0]) / (total * (total - 1)) / farthest

    def linearised(self) -> tuple[float, float]:
        """α and its variance by the infinitesimal jackknife: how α moves as each unit gets a little more weight."""
        given = self.codes != MISSING
        [marginals] = self._marginals(self.times[None, :])
        total, m = float(marginals.sum()), given.sum(axis=1)
        within, pull = self._within(self.scores), self._pull(marginals)
        observed, expected = float(self.times @ within), float(marginals @ pull)
        pulls = np.where(given, pull[self.codes], 0.0).sum(axis=1)
        slopes = 2 * observed * (total - 1) * pulls / expected**2 - (within * (total - 1) + observed * m) / expected
        n = float(self.times.sum())
        centred = slopes - float(self.times @ slopes) / n
        return 1 - observed * (total - 1) / expected, float(self.times @ centred**2) * n / (n - 1)

    def _pull(self, marginals: Floats) -> Floats:
        """For each value its distances to all that was given, summed."""
        sums = np.empty(self.scores.size)
        for start in range(0, self.scores.size, 256):
            some = slice(start, start + 256)
            sums[some] = self._distance(self.scores[some, None], self.scores[None, :]) @ marginals
        return sums

    def _marginals(self, times: Floats) -> Floats:
        """How often each value was given: draws by categories."""
        given = self.codes != MISSING
        row, _ = np.nonzero(given)
        codes, size = self.codes[given], self.scores.size
        return np.array([np.bincount(codes, weights=draw[row], minlength=size) for draw in times], dtype=np.float64)

    def _observed(self, times: Floats, marginals: Floats) -> Floats:
        """Σ over units of the distances between their values, each unit's over one fewer than its values."""
        if self.level != Level.ORDINAL:
            return times @ self._within(self.scores)
        return np.array([draw @ self._within(ranks) for draw, ranks in zip(times, _midranks(marginals), strict=True)])

    def _within(self, scores: Floats) -> Floats:
        sums = np.zeros(len(self.codes))
        given = self.codes != MISSING
        values = scores[self.codes]
        for first, second in itertools.combinations(range(self.codes.shape[1]), 2):
            both = given[:, first] & given[:, second]
            sums[both] += 2 * self._distance(values[both, first], values[both, second])
        shared: Floats = sums / (given.sum(axis=1) - 1)
        return shared

    def _expected(self, marginals: Floats) -> Floats:
        """Σ over pairs of values of how often each occurs, times their distance."""
        total = marginals.sum(axis=1)
        if self.level == Level.NOMINAL:
            return total**2 - (marginals**2).sum(axis=1)
        if self.level == Level.RATIO:
            sums = np.zeros(len(marginals))
            for start in range(0, self.scores.size, 256):
                some = slice(start, start + 256)
                distances = self._distance(self.scores[:, None], self.scores[None, some])
                sums += ((marginals @ distances) * marginals[:, some]).sum(axis=1)
            return sums
        scores = _midranks(marginals) if self.level == Level.ORDINAL else np.broadcast_to(self.scores, marginals.shape)
        centred = scores - ((marginals * scores).sum(axis=1) / total)[:, None]
        return 2 * total * (marginals * centred**2).sum(axis=1)

    def _distance(self, x: Floats, y: Floats) -> Floats:
        """The squared difference of the level. Ordinal scores are midranks, whose difference is the number of ratings between."""
        if self.level == Level.NOMINAL:
            return (x != y).astype(np.float64)
        return ratio_distance(x, y) if self.level == Level.RATIO else (x - y) ** 2


def _patterns(paired: Codes, ratings: Ratings) -> _Patterns:
    codes, times = np.unique(np.sort(paired, axis=1), axis=0, return_counts=True)
    used = np.unique(codes[codes != MISSING])
    renumbered = np.where(codes == MISSING, MISSING, np.searchsorted(used, codes))
    values = [ratings.categories[code] for code in used]
    if ratings.level == Level.INTERVAL:
        scores = positions(values)
    elif ratings.level == Level.RATIO:
        scores = magnitudes(values)
    else:
        scores = np.arange(used.size, dtype=np.float64)
    return _Patterns(renumbered, times.astype(np.float64), ratings.level, scores)


def _midranks(marginals: Floats) -> Floats:
    """The middle rank of each value among all ratings: one row a draw."""
    return np.cumsum(marginals, axis=1) - marginals / 2
