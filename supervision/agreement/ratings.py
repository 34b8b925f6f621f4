"""The shape of the data: what each rater gave each unit, with gaps."""

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

MISSING = -1
MOST_VALUES = 1000  # κ and AC hold a table of values by values


class Level(StrEnum):
    """Level of measurement (Stevens 1946): what differences between values mean."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    RATIO = "ratio"


class BadRatings(Exception):
    """The values do not fit their level; the text says which."""


@dataclass(frozen=True, eq=False)
class Ratings:
    """`codes` is units by raters: each an index into `categories`, or MISSING. Every row and every column holds a rating.

    `categories` ascend where the level is ordered, and are then floats. They are all that the scale has where that was told, else
    those that were used: only Gwet's coefficients see the difference.
    """

    codes: Codes
    categories: tuple[Any, ...]
    level: Level

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]], level: Level | str = Level.NOMINAL, *, scale: Iterable[Hashable] | None = None) -> "Ratings":
        """From one row a unit, one column a rater; None or NaN is missing. Units and raters without any rating are left out.

        `scale` is every value that could have been given; values outside it are added. Raises BadRatings where an ordered level meets
        what is not a finite number, or the ratio level a negative one, and ValueError where rows differ in length.
        """
        level = Level(level)
        table = [[None if _is_missing(value) else value for value in row] for row in rows]
        if len({len(row) for row in table}) > 1:
            raise ValueError("Every unit needs one place for every rater.")
        used = {value for row in table for value in row if value is not None} | set(scale or ())
        if level == Level.NOMINAL:
            categories: list[Any] = sorted(used, key=lambda value: (isinstance(value, str), value))
            place = {value: index for index, value in enumerate(categories)}
        else:
            numbers = {value: number(value, level) for value in used}
            categories = sorted(set(numbers.values()))
            index_of = {taken: index for index, taken in enumerate(categories)}
            place = {value: index_of[taken] for value, taken in numbers.items()}
        codes = np.array([[MISSING if value is None else place[value] for value in row] for row in table], dtype=np.int64)
        codes = codes.reshape(len(table), len(table[0]) if table else 0)
        given = codes != MISSING
        return cls(codes[given.any(axis=1)][:, given.any(axis=0)], tuple(categories), level)

    def complete(self) -> "Ratings":
        """Only the units that every rater rated."""
        return Ratings(self.codes[(self.codes != MISSING).all(axis=1)], self.categories, self.level)

    def at(self, level: Level | str) -> "Ratings":
        """The same ratings taken at another level. Raises BadRatings."""
        rows = [[None if code == MISSING else self.categories[code] for code in row] for row in self.codes]
        return Ratings.of(rows, level, scale=self.categories)

    @property
    def n_units(self) -> int:
        """Units with at least one rating."""
        return int(self.codes.shape[0])

    @property
    def n_paired(self) -> int:
        """Units with at least two ratings: the only ones that can show agreement."""
        return int(((self.codes != MISSING).sum(axis=1) >= 2).sum())

    @property
    def n_raters(self) -> int:
        return int(self.codes.shape[1]) if self.n_units else 0

    @property
    def n_used(self) -> int:
        """How many different values were given."""
        return len(np.unique(self.codes[self.codes != MISSING]))

    @property
    def rarest(self) -> float | None:
        """The share, 0 to 1, of the rarest value of the scale among all ratings; None where nothing was rated."""
        given = self.codes[self.codes != MISSING]
        return float(np.bincount(given, minlength=len(self.categories)).min() / given.size) if given.size else None

    def why_not_by_value(self) -> str:
        """As `why_not`, for what compares value with value: that takes a scale, not measurements that hardly ever repeat."""
        if not self.why_not() and len(self.categories) > MOST_VALUES:
            return (
                f"There are {len(self.categories)} different values, and this is for scales of up to {MOST_VALUES}; read α or ICC instead."
            )
        return self.why_not()

    def counts(self) -> Floats:
        """How many raters gave each unit each value: units by categories."""
        table = np.zeros((self.n_units, len(self.categories)))
        for column in self.codes.T:
            rated = np.flatnonzero(column != MISSING)
            table[rated, column[rated]] += 1
        return table

    def why_not(self) -> str:
        """Why no agreement can be shown at all, as a sentence; empty where it can."""
        if self.n_units == 0:
            return "Nothing was rated."
        if self.n_raters < 2:
            return "Only one rater rated anything; agreement takes two."
        if self.n_paired == 0:
            return "No unit was rated by two raters."
        return ""


def positions(categories: Sequence[float]) -> Floats:
    """The values on a line from 0 to 1, lowest to highest: safe from overflow, and without their unit of measurement."""
    values = magnitudes(categories)
    span = float(values.max() - values.min()) if values.size else 0.0
    return (values - values.min()) / span if span else np.zeros(values.size)


def magnitudes(categories: Sequence[float]) -> Floats:
    """The values in units of the largest in size, so that 0 stays 0."""
    values = np.array(categories, dtype=np.float64)
    largest = float(np.abs(values).max()) if values.size else 0.0
    return values / largest if largest else values


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def number(value: Any, level: Level) -> float:
    """What a value is at an ordered level. Raises BadRatings."""
    try:
        taken = float(value)
    except (TypeError, ValueError, OverflowError):
        raise BadRatings(f"{str(value)[:40]!r} is not a number, and the {level} level needs numbers.") from None
    if not math.isfinite(taken):
        raise BadRatings(f"{str(value)[:40]!r} is not a finite number.")
    if level == Level.RATIO and taken < 0:
        raise BadRatings(f"{str(value)[:40]!r} is below 0, and the ratio level starts there; the interval level takes it.")
    return taken
