"""The 95 % intervals that several coefficients share, and quantiles of the distributions behind them."""

import math

LEVEL = 0.95
_UPPER = 0.5 + LEVEL / 2


def z() -> float:
    """The 97.5 % quantile of the standard normal distribution."""
    from scipy import special

    return float(special.ndtri(_UPPER))


def t(df: float) -> float:
    """The 97.5 % quantile of Student's t."""
    from scipy import special

    return float(special.stdtrit(df, _UPPER))


def f(df1: float, df2: float) -> float:
    """The 97.5 % quantile of F; `df2` may be a fraction."""
    from scipy import special

    return float(special.fdtri(df1, df2, _UPPER))


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's score interval of a share of n units (Wilson 1927, JASA 22:209-212; Brown, Cai & DasGupta 2001 recommend it).

    `share` may be an average of shares between 0 and 1 per unit: their variance is never more than that of yes or no, so the interval
    is then on the wide side.
    """
    square = z() ** 2
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = math.sqrt(square) * math.sqrt(max(share * (1 - share), 0.0) / n + square / (4 * n * n)) / (1 + square / n)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def by_variance(value: float, variance: float, quantile: float) -> tuple[float, float]:
    """value ± quantile × standard error."""
    half = quantile * math.sqrt(max(variance, 0.0))
    return value - half, value + half


def by_observed(observed: float, expected: float, n: float) -> tuple[float, float]:
    """The interval of (observed - expected) / (1 - expected) where the estimated variance is nothing.

    That happens when every unit shows the same agreement, as in perfect agreement. An interval of no width would claim certainty
    from however few units; so Wilson's limits of the observed agreement go through the formula, with the expected agreement held.
    """
    low, high = wilson(min(max(observed, 0.0), 1.0), n)
    return (low - expected) / (1 - expected), (high - expected) / (1 - expected)
