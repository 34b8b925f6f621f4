"""One statistic: value, 95 % interval, what it rests on, or why there is none."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`value` is None where the statistic does not apply, and `low` and `high` are None where no honest interval can be made.

    `reason` is then a sentence that says why; otherwise it is empty. `n_units` counts the units that bear on the value (those with at
    least two ratings, for a coefficient of agreement); `counted` names them in the plural.
    """

    value: float | None
    low: float | None
    high: float | None
    n_units: int
    n_raters: int
    reason: str = ""
    counted: str = "units"


def figure(
    value: float,
    interval: tuple[float, float] | None,
    *,
    n_units: int,
    n_raters: int,
    reason: str = "",
    counted: str = "units",
    least: float = -1.0,
    most: float = 1.0,
) -> Figure:
    """A figure that applies. The interval is cut to what is possible, `least` to `most`, and always holds the value.

    `reason` is for a figure without an interval. The value itself is cut only by what rounding in floating point has added.
    """
    fuzz = 1e-9
    value = min(value, most) if value <= most + fuzz else value
    value = max(value, least) if value >= least - fuzz else value
    if interval is None:
        return Figure(value, None, None, n_units, n_raters, reason, counted)
    low, high = interval
    return Figure(value, min(max(low, least), value), max(min(high, most), value), n_units, n_raters, "", counted)


def inapplicable(reason: str, *, n_units: int, n_raters: int, counted: str = "units") -> Figure:
    return Figure(None, None, None, n_units, n_raters, reason, counted)
