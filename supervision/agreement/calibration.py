"""A rater against gold: which way they lean on an item, and how often they hit it."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from supervision.agreement import intervals
from supervision.agreement.figures import Figure, figure, inapplicable

Pair = tuple[float | None, float | None]  # (rater's score, gold score); None is not applicable or not rated

COUNTED = "gold recordings"
EXERCISES = "exercises"


@dataclass(frozen=True)
class AgainstGold:
    """One rater on one item, or on several of the same steps. `bias` is in points of the scale: above 0 the rater scores higher than
    gold. The other two are shares, 0 to 1. `n_scores` is how many pairs of scores are behind them; `one_sided` counts those that only
    the rater or only gold scored: they are in none of the figures."""

    bias: Figure
    exact: Figure
    within_one: Figure
    n_scores: int
    one_sided: int


def against_gold(pairs: Iterable[Pair]) -> AgainstGold:
    """Bias, exact agreement, and agreement to within a point, over the recordings in which both scored; one pair for each.

    Bias is the mean of score minus gold, with Student's t interval (Student 1908; Bland & Altman 1986, Lancet i:307-310, for the use). The
    shares have Wilson's interval.
    """
    known = list(pairs)
    differences = _differences(known)
    one_sided = _one_sided(known)
    if not differences:
        nothing = inapplicable("There is no gold recording that both were able to score.", n_units=0, n_raters=1, counted=COUNTED)
        return AgainstGold(nothing, nothing, nothing, 0, one_sided)
    exact, within_one = (_share(differences, points) for points in (0, 1))
    return AgainstGold(bias(differences), exact, within_one, len(differences), one_sided)


def over_exercises(exercises: Iterable[Sequence[Pair]]) -> AgainstGold:
    """The same over several items of each exercise; the exercise is the sample, whose items go together.

    Each exercise gives one mean difference and one share, and the figures are their means: the summary of each cluster is the
    observation (Donner & Klar 2000, Design and Analysis of Cluster Randomization Trials, chapter 6). Bias has Student's t over exercises.
    The shares have Wilson's interval for as many scores as would, independent, be as sure, less for the few exercises behind that (Dean
    & Pagano 2015, Journal of Survey Statistics and Methodology 3:484-503; Korn & Graubard 1998, Survey Methodology 24:193-201); where
    all exercises have the same share, for as many as there are exercises. An exercise in which nothing can be compared is left out.
    """
    known = [list(pairs) for pairs in exercises]
    by_exercise = [differences for pairs in known if (differences := _differences(pairs))]
    one_sided = sum(_one_sided(pairs) for pairs in known)
    if not by_exercise:
        nothing = inapplicable("There is no exercise that both were able to score.", n_units=0, n_raters=1, counted=EXERCISES)
        return AgainstGold(nothing, nothing, nothing, 0, one_sided)
    leaning = bias([math.fsum(differences) / len(differences) for differences in by_exercise], counted=EXERCISES)
    exact, within_one = (_mean_share([_hits(differences, points) for differences in by_exercise]) for points in (0, 1))
    return AgainstGold(leaning, exact, within_one, sum(len(differences) for differences in by_exercise), one_sided)


def by_item(items: Mapping[str, Sequence[Pair]]) -> dict[str, AgainstGold]:
    """`against_gold` for each item. With many items about one in twenty intervals leaves 0 out by chance alone."""
    return {key: against_gold(pairs) for key, pairs in items.items()}


def bias(differences: Sequence[float], *, counted: str = COUNTED) -> Figure:
    """The mean of differences (score minus gold), in points, with its t interval; there must be at least one."""
    n = len(differences)
    mean = math.fsum(differences) / n
    if n < 2:
        reason = f"One {_one(counted)} shows no spread, so no interval can be made."
        return figure(mean, None, n_units=n, n_raters=1, reason=reason, counted=counted, least=-math.inf, most=math.inf)
    if max(differences) - min(differences) < 1e-12:
        reason = f"The difference is the same in every {_one(counted)}, so there is no spread from which to make an interval."
        return figure(differences[0], None, n_units=n, n_raters=1, reason=reason, counted=counted, least=-math.inf, most=math.inf)
    interval = intervals.by_variance(mean, statistics.variance(differences) / n, intervals.t(n - 1))
    return figure(mean, interval, n_units=n, n_raters=1, counted=counted, least=-math.inf, most=math.inf)


def _share(differences: Sequence[float], points: float) -> Figure:
    n = len(differences)
    share = _hits(differences, points)
    return figure(share, intervals.wilson(share, n), n_units=n, n_raters=1, counted=COUNTED, least=0.0)


def _mean_share(shares: Sequence[float]) -> Figure:
    n = len(shares)
    mean = math.fsum(shares) / n
    if n < 2:
        reason = "One exercise shows no spread, so no interval can be made."
        return figure(mean, None, n_units=n, n_raters=1, reason=reason, counted=EXERCISES, least=0.0)
    variance = statistics.variance(shares) / n
    as_sure_as = n if variance < 1e-12 else mean * (1 - mean) / variance * (intervals.z() / intervals.t(n - 1)) ** 2
    interval = intervals.wilson(mean, as_sure_as)
    return figure(mean, interval, n_units=n, n_raters=1, counted=EXERCISES, least=0.0)


def _differences(pairs: Iterable[Pair]) -> list[float]:
    return [score - gold for score, gold in pairs if score is not None and gold is not None]


def _one_sided(pairs: Iterable[Pair]) -> int:
    return sum((score is None) != (gold is None) for score, gold in pairs)


def _hits(differences: Sequence[float], points: float) -> float:
    return sum(abs(difference) <= points + 1e-9 for difference in differences) / len(differences)


def _one(counted: str) -> str:
    return "exercise" if counted == EXERCISES else "recording"
