"""Ratings from a CSV file with the columns unit, rater, value; an empty value is missing."""

import csv
from collections.abc import Iterable

from supervision.agreement.ratings import BadRatings, Level, Ratings, number

COLUMNS = ("unit", "rater", "value")


class BadTable(Exception):
    """The file is not such a table; the text says where and what to do, in one line."""


def read(lines: Iterable[str], level: Level | str) -> Ratings:
    """Columns may stand in any order, and further ones are passed over. Spaces around a cell do not count. Raises BadTable."""
    level = Level(level)
    reader = csv.reader(lines, strict=True)
    values: dict[tuple[str, str], str | None] = {}
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check(header)
        places = [header.index(column) for column in COLUMNS]
        for row in reader:
            if any(cell.strip() for cell in row):
                if len(row) != len(header):
                    raise BadTable(f"Line {reader.line_num} has {len(row)} columns and the first line has {len(header)}.")
                _take(values, [row[place].strip() for place in places], reader.line_num, level)
    except csv.Error as error:
        raise BadTable(f"Line {reader.line_num} is not CSV: {error}.") from None
    if not values:
        raise BadTable("There is no rating under the first line.")
    units = list(dict.fromkeys(unit for unit, _ in values))
    raters = list(dict.fromkeys(rater for _, rater in values))
    return Ratings.of([[values.get((unit, rater)) for rater in raters] for unit in units], level)


def _check(header: list[str]) -> None:
    for column in COLUMNS:
        if header.count(column) != 1:
            raise BadTable("The first line must name the columns unit,rater,value, each once and with commas between.")


def _take(values: dict[tuple[str, str], str | None], cells: list[str], line: int, level: Level) -> None:
    unit, rater, value = cells
    if not unit or not rater:
        raise BadTable(f"Line {line} has no {'rater' if unit else 'unit'}.")
    if (unit, rater) in values:
        raise BadTable(f"Line {line} has a second value of the same rater for the same unit.")
    if value and level != Level.NOMINAL:
        try:
            number(value, level)
        except BadRatings as error:
            raise BadTable(f"Line {line}: {error}") from None
    values[unit, rater] = value or None
