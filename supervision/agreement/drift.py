"""Has a rater drifted? A chart of individual values and moving ranges (XmR), with limits and signals.

Shewhart 1931, Economic Control of Quality of Manufactured Product; Wheeler & Chambers 1992, Understanding Statistical Process Control,
chapter 3, and Wheeler 2000, Understanding Variation, for the constants and the run of eight.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

LIMIT = 2.660  # 3 / d2, with d2 = 1.128 for ranges of two
RANGE_LIMIT = 3.268  # D4 for ranges of two
RUN = 8
FEWEST = 10  # values behind limits that are no longer provisional


@dataclass(frozen=True)
class Point:
    """`moving_range` is the distance to the value before, None for the first. The three flags are the signals."""

    value: float
    moving_range: float | None
    is_outside: bool
    is_jump: bool
    is_in_run: bool

    @property
    def is_signal(self) -> bool:
        return self.is_outside or self.is_jump or self.is_in_run


@dataclass(frozen=True)
class Chart:
    """`centre`, `lower` and `upper` are in the unit of the values; None, with a `reason`, where they cannot be drawn."""

    points: tuple[Point, ...]
    centre: float | None
    lower: float | None
    upper: float | None
    range_upper: float | None
    n_baseline: int
    reason: str

    @property
    def is_provisional(self) -> bool:
        """Limits from fewer than ten values move with each further one: a signal is then a question, not a finding."""
        return self.n_baseline < FEWEST

    @property
    def has_signal(self) -> bool:
        return any(point.is_signal for point in self.points)


def chart(values: Sequence[float], *, baseline: int | None = None) -> Chart:
    """The chart of values in the order of time, such as a rater's score minus gold.

    Centre and limits come from the first `baseline` values, or from all: mean ± 2.660 × mean moving range, and 3.268 × mean moving
    range for the ranges themselves. Signals: a value outside the limits; a moving range above its own; eight values in a row on one side
    of the centre (a value on the centre ends a run). Raises ValueError for a value that is not finite or a baseline under 2.
    """
    if baseline is not None and baseline < 2:
        raise ValueError("A baseline takes two values or more.")
    if not all(math.isfinite(value) for value in values):
        raise ValueError("A chart takes finite values.")
    behind = list(values[:baseline])
    ranges = [abs(later - earlier) for earlier, later in itertools.pairwise(values)]
    n = len(behind)
    if n < 2:
        points = tuple(Point(value, None, False, False, False) for value in values)
        return Chart(points, None, None, None, None, n, "A chart takes two values or more.")
    centre = behind[0] if min(behind) == max(behind) else math.fsum(behind) / n
    mean_range = math.fsum(ranges[: n - 1]) / (n - 1)
    lower = upper = range_upper = None
    reason = "The values behind the limits are all the same, so there is no spread to draw limits from."
    if mean_range > 0:
        reason = ""
        lower, upper = centre - LIMIT * mean_range, centre + LIMIT * mean_range
        range_upper = RANGE_LIMIT * mean_range
    in_run = _in_runs(values, centre)
    points = tuple(
        Point(
            value,
            moving,
            lower is not None and upper is not None and not lower <= value <= upper,
            range_upper is not None and moving is not None and moving > range_upper,
            runs,
        )
        for value, moving, runs in zip(values, [None, *ranges], in_run, strict=True)
    )
    return Chart(points, centre, lower, upper, range_upper, n, reason)


def _in_runs(values: Sequence[float], centre: float) -> list[bool]:
    """Whether each value belongs to a run of eight or more on one side."""
    sides = [(value > centre) - (value < centre) for value in values]
    found = [False] * len(values)
    start = 0
    for index in range(1, len(sides) + 1):
        if index == len(sides) or sides[index] != sides[start]:
            if sides[start] and index - start >= RUN:
                found[start:index] = [True] * (index - start)
            start = index
    return found
