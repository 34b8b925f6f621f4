"""How much credit two values get that are near but not the same: 1 on the diagonal, 0 for the farthest apart."""

from collections.abc import Sequence

import numpy as np

from supervision.agreement.ratings import Floats, Level, magnitudes, positions


def identity(categories: Sequence[object]) -> Floats:
    return np.eye(len(categories))


def linear(categories: Sequence[float]) -> Floats:
    """1 - |x - y| / range, by the values themselves, so that a value nobody gave still counts as a step (Cicchetti & Allison 1971)."""
    x = positions(categories)
    return 1 - np.abs(x[:, None] - x[None, :])


def quadratic(categories: Sequence[float]) -> Floats:
    """1 - ((x - y) / range)², by the values themselves (Fleiss & Cohen 1973)."""
    x = positions(categories)
    return 1 - (x[:, None] - x[None, :]) ** 2


def ordinal(categories: Sequence[float]) -> Floats:
    """1 - C(d + 1, 2) / C(q, 2), with d ranks between two of q values: by order alone (Gwet 2014, chapter 3)."""
    q = len(categories)
    rank = np.arange(q)
    d = np.abs(rank[:, None] - rank[None, :])
    return 1 - d * (d + 1) / max(q * (q - 1), 1)


def ratio(categories: Sequence[float]) -> Floats:
    """1 - ((x - y) / (x + y))² over its largest value (Gwet 2014, chapter 3). Values are 0 or more."""
    x = magnitudes(categories)
    distance = ratio_distance(x[:, None], x[None, :])
    largest = distance.max(initial=0.0)
    return 1 - distance / largest if largest else np.ones_like(distance)


def ratio_distance(x: Floats, y: Floats) -> Floats:
    """((x - y) / (x + y))², and 0 between two zeros (Krippendorff 2011, Computing Krippendorff's Alpha-Reliability)."""
    total = x + y
    share: Floats = np.divide(x - y, total, out=np.zeros_like(total), where=total > 0)
    return share**2


FOR_LEVEL = {Level.NOMINAL: identity, Level.ORDINAL: ordinal, Level.INTERVAL: quadratic, Level.RATIO: ratio}
