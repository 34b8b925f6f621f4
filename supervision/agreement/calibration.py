"""A rater against gold: which way they lean on an item, and how often they hit it."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from supervision.agreement import intervals
from supervision.agreement.figures import Figure, figure, inapplicable

Pair = tuple[float | None, float | None]  # (rater's score, gold score); None is not applicable or not rated

COUNTED = "gold recordings"


@dataclass(frozen=True)
class AgainstGold:
    """One rater on one item. `bias` is in points of the scale: above 0 the rater scores higher than gold. The other two are shares,
    0 to 1. `one_sided` counts recordings that only the rater or only gold scored: they are in none of the figures."""

    bias: Figure
    exact: Figure
    within_one: Figure
    one_sided: int


def against_gold(pairs: Iterable[Pair]) -> AgainstGold:
    """Bias, exact agreement, and agreement to within a point, over the pairs in which both scored.

    Bias is the mean of score minus gold, with Student's t interval (Student 1908; Bland & Altman 1986, Lancet i:307-310, for the use). The
    shares have Wilson's interval.
    """
    known = list(pairs)
    differences = [score - gold for score, gold in known if score is not None and gold is not None]
    one_sided = sum((score is None) != (gold is None) for score, gold in known)
    if not differences:
        nothing = inapplicable("There is no gold recording that both were able to score.", n_units=0, n_raters=1, counted=COUNTED)
        return AgainstGold(nothing, nothing, nothing, one_sided)
    return AgainstGold(bias(differences), _share(differences, 0), _share(differences, 1), one_sided)


def by_item(items: Mapping[str, Sequence[Pair]]) -> dict[str, AgainstGold]:
    """`against_gold` for each item. With many items about one in twenty intervals leaves 0 out by chance alone."""
    return {key: against_gold(pairs) for key, pairs in items.items()}


def bias(differences: Sequence[float]) -> Figure:
    """The mean of differences (score minus gold), in points, with its t interval; there must be at least one."""
    n = len(differences)
    mean = math.fsum(differences) / n
    if n < 2:
        reason = "One recording shows no spread, so no interval can be made."
        return figure(mean, None, n_units=n, n_raters=1, reason=reason, counted=COUNTED, least=-math.inf, most=math.inf)
    if max(differences) == min(differences):
        reason = "The difference is the same in every recording, so there is no spread from which to make an interval."
        return figure(differences[0], None, n_units=n, n_raters=1, reason=reason, counted=COUNTED, least=-math.inf, most=math.inf)
    interval = intervals.by_variance(mean, statistics.variance(differences) / n, intervals.t(n - 1))
    return figure(mean, interval, n_units=n, n_raters=1, counted=COUNTED, least=-math.inf, most=math.inf)


def _share(differences: Sequence[float], points: float) -> Figure:
    n = len(differences)
    share = sum(abs(difference) <= points + 1e-9 for difference in differences) / n
    return figure(share, intervals.wilson(share, n), n_units=n, n_raters=1, counted=COUNTED, least=0.0)
