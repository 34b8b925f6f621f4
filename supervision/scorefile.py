"""Score reports from and to CSV. A file is looked through row by row before anything is kept."""

import csv
import datetime as dt
import io
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TextIO

from django.db import transaction
from django.utils import timezone

from supervision import measures
from supervision.exports import neutral
from supervision.measures import ScoreRefused
from supervision.models import FamilyReference, Instrument, ScoreReport, Team, User

MOST_ROWS = 500
LONGEST = 100_000  # characters


class FileRefused(ValueError):
    """The file as a whole cannot be read; str() says why."""


@dataclass
class Line:
    """One row of a file: what it would become, or what is wrong with it."""

    number: int
    cells: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def columns(instrument: Instrument) -> list[str]:
    who = ["family"] if measures.is_of_families(instrument) else ["about", "respondent"]
    return [*who, "date", *instrument.items.order_by("position", "pk").values_list("key", flat=True), "answered"]


def look_through(text: str, *, instrument: Instrument, team: Team, by: User, now: dt.datetime) -> list[Line]:
    """Every row, checked as if it were recorded; nothing is. `about` is an e-mail address, dates are like 2027-05-12. Raises FileRefused."""
    if len(text) > LONGEST:
        raise FileRefused("The file is too long. Split it into files of a few hundred rows.")
    try:
        reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=_delimiter(text), strict=True)
        rows = list(reader)
    except csv.Error:
        raise FileRefused("The file cannot be read as CSV. Save it from the spreadsheet as CSV, in UTF-8.") from None
    wanted = columns(instrument)
    there = [(name or "").strip().lower() for name in reader.fieldnames or []]
    if twice := next((name for name in wanted if there.count(name) > 1), None):
        raise FileRefused(f"The first row names the column {twice} twice. Which of the two counts cannot be told.")
    lacking = [name for name in wanted if name not in there and name != "answered"]
    if lacking:
        raise FileRefused(f"The first row lacks: {', '.join(lacking)}. It names the columns {', '.join(wanted)}.")
    if len(rows) > MOST_ROWS:
        raise FileRefused(f"The file has {len(rows)} rows. The most at once is {MOST_ROWS}.")
    families = {one.reference.casefold(): one for one in FamilyReference.objects.filter(team=team).select_related("therapist")}
    people = {one.email.casefold(): one for one in measures.people(instrument, team, on=timezone.localdate(now))}
    known = {
        (row.family_id, row.about_id, row.respondent, row.occurred_on)
        for row in ScoreReport.objects.kept().filter(team=team, instrument=instrument)
    }
    lines = []
    for number, row in enumerate(rows, start=2):
        cells = {(name or "").strip().lower(): (cell or "").strip() for name, cell in row.items() if isinstance(cell, str | None)}
        if not any(cells.values()) and None not in row:  # a spreadsheet leaves such rows at the end
            continue
        line = Line(number, {name: cells.get(name, "") for name in wanted})
        try:
            _check_width(row, len(there))
            line.values = _values(line.cells, instrument, families, people)
            measures.checked(instrument=instrument, team=team, by=by, now=now, **line.values)
            about, family = line.values["about"], line.values["family"]
            key = (family.pk if family else None, about.pk, line.values["respondent"], line.values["occurred_on"])
            if key in known:
                raise ScoreRefused(measures.already_there(family.reference if family else key[2], key[3]))
            known.add(key)
        except ScoreRefused as refusal:
            line.problem = str(refusal)
        lines.append(line)
    if not lines:
        raise FileRefused("The file has no rows under its first one.")
    return lines


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _check_width(row: dict[str | None, Any], width: int) -> None:
    """0,72 between commas is two cells: a nought, and a figure under the next name or under none. Raises ScoreRefused."""
    beyond = row.get(None) or []
    if any(cell.strip() for cell in beyond):
        raise ScoreRefused(
            f"The row has {width + len(beyond)} cells, the first row {width}. Write figures with a point, or save the file with semicolons."
        )


def _values(cells: dict[str, str], instrument: Instrument, families: dict[str, FamilyReference], people: dict[str, User]) -> dict[str, Any]:
    family, about = None, None
    if measures.is_of_families(instrument):
        family = families.get(cells["family"].casefold())
        if family is None:
            raise ScoreRefused("There is no family with this reference in the team.")
        about = family.therapist
    else:
        about = people.get(cells["about"].casefold())
        if about is None:
            raise ScoreRefused(f"Under “about” stands the e-mail address of somebody whom {instrument.name} is about in this team.")
    try:
        day = dt.date.fromisoformat(cells["date"])
    except ValueError:
        raise ScoreRefused("The date is written as year, month, day, such as 2027-05-12.") from None
    return {
        "about": about,
        "family": family,
        "respondent": measures.reference(cells.get("respondent", "")),
        "occurred_on": day,
        "values": {item.key: _figure(cells[item.key], item.name) for item in instrument.items.all()},
        "answered": _answered(cells["answered"]),
    }


def _figure(cell: str, name: str) -> float | None:
    if not cell:
        return None
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        raise ScoreRefused(f"{name} is a figure, such as 0.72.") from None


def _answered(cell: str) -> int | None:
    if not cell:
        return None
    if not (cell.isascii() and cell.isdigit()):
        raise ScoreRefused("How many questions were answered is a whole number.")
    return int(cell[:9])


@transaction.atomic
def bring_in(text: str, *, instrument: Instrument, team: Team, by: User, now: dt.datetime) -> list[ScoreReport]:
    """Keeps every row, or none: a row with a problem refuses the whole. Raises FileRefused, ScoreRefused."""
    lines = look_through(text, instrument=instrument, team=team, by=by, now=now)
    if wrong := next((line for line in lines if line.problem), None):
        raise ScoreRefused(f"Row {wrong.number}: {wrong.problem}")
    batch = uuid.uuid4()
    return [
        measures.record(instrument=instrument, team=team, source=ScoreReport.Source.IMPORTED, batch=batch, by=by, now=now, **line.values)
        for line in lines
    ]


def write_csv(rows: Iterable[ScoreReport], instrument: Instrument, stream: TextIO) -> None:
    """In the columns of the import, with whom it is about and whether it was withdrawn."""
    keys = list(instrument.items.order_by("position", "pk").values_list("key", flat=True))
    writer = csv.writer(stream)
    writer.writerow(["measure", "family", "about", "respondent", "date", *keys, "answered", "source", "withdrawn", "reason"])
    for row in rows:
        figures = ["" if row.values.get(key) is None else str(row.values[key]) for key in keys]
        cells = [
            instrument.name,
            row.family.reference if row.family else "",
            row.about.email,
            row.respondent,
            row.occurred_on.isoformat(),
            *figures,
            "" if row.answered is None else str(row.answered),
            row.get_source_display(),
            row.withdrawn_at.date().isoformat() if row.withdrawn_at else "",
            row.withdrawn_reason,
        ]
        writer.writerow([neutral(cell) for cell in cells])
