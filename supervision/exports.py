"""The matrix for other programs: CSV with one line a cell, JSON, and plain text."""

import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from supervision.matrix import Matrix, Row

HEADINGS = ("team", "as_at", "known_at", "person", "roles", "requirement", "version", "status", "word", "date", "date_says", "reasons")


def neutral(value: str) -> str:
    """Text that no spreadsheet takes for a formula: such a cell gets an apostrophe in front."""
    return f"'{value}" if value[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"} else value


def write_csv(matrices: Iterable[Matrix], stream: TextIO) -> None:
    writer = csv.writer(stream)
    writer.writerow(HEADINGS)
    for matrix in matrices:
        for line in _lines(matrix):
            writer.writerow([neutral(value) for value in line])


def as_dict(matrices: Iterable[Matrix], *, on: dt.date, known_at: dt.datetime | None) -> dict[str, Any]:
    return {"on": on.isoformat(), "known_at": known_at.isoformat() if known_at else None, "teams": [_team(matrix) for matrix in matrices]}


def as_text(matrices: Iterable[Matrix]) -> str:
    parts = []
    for matrix in matrices:
        parts.append(f"{matrix.team.name}, as at {matrix.on.isoformat()}")
        for row in matrix.rows:
            parts.append(f"\n{row.person.get_full_name()} ({', '.join(row.roles)})")
            for requirement, cell in zip(matrix.requirements, row.cells, strict=True):
                parts.append(f"  {requirement.name}: {cell.word}{f'. {cell.date_label}' if cell.date_label else ''}")
                parts.extend(f"    {reason}" for reason in cell.reasons)
        parts.append("")
    return "\n".join(parts)


def _lines(matrix: Matrix) -> Iterator[list[str]]:
    known = matrix.known_at.isoformat() if matrix.known_at else ""
    for row in matrix.rows:
        for requirement, cell in zip(matrix.requirements, row.cells, strict=True):
            yield [
                matrix.team.name,
                matrix.on.isoformat(),
                known,
                row.person.get_full_name(),
                ", ".join(row.roles),
                requirement.name,
                str(requirement.version),
                cell.status.value,
                cell.word,
                cell.date.isoformat() if cell.date else "",
                cell.date_label,
                " ".join(cell.reasons),
            ]


def _team(matrix: Matrix) -> dict[str, Any]:
    return {
        "team": matrix.team.slug,
        "name": matrix.team.name,
        "requirements": [{"key": one.key, "version": one.version, "name": one.name, "rule": one.rule} for one in matrix.requirements],
        "people": [_person(matrix, row) for row in matrix.rows],
    }


def _person(matrix: Matrix, row: Row) -> dict[str, Any]:
    return {
        "id": row.person.pk,
        "name": row.person.get_full_name(),
        "roles": list(row.role_values),
        "cells": [
            {
                "requirement": requirement.key,
                "status": cell.status.value,
                "word": cell.word,
                "date": cell.date.isoformat() if cell.date else None,
                "date_says": cell.date_label,
                "reasons": list(cell.reasons),
            }
            for requirement, cell in zip(matrix.requirements, row.cells, strict=True)
        ],
    }
