"""How far raters agree: every coefficient for a table of ratings, as JSON or text."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from supervision.agreement import report, table
from supervision.agreement.ratings import Level

LEVELS = [level.value for level in Level]


class Command(BaseCommand):
    help = "Print how far raters agree, with 95 % intervals, from a CSV file with the columns unit,rater,value."
    requires_system_checks = []  # a file in, figures out: nothing else has to be in order

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE.csv", help="columns unit,rater,value; an empty value is missing")
        parser.add_argument("--level", default="nominal", metavar="|".join(LEVELS), help="what values mean; nominal if left out")
        parser.add_argument("--format", default="text", metavar="json|text", help="text if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["format"] not in {"json", "text"}:
            raise CommandError(f"--format is {options['format']!r}; use json or text.", returncode=2)
        if options["level"] not in LEVELS:
            raise CommandError(f"--level is {options['level']!r}; use nominal, ordinal, interval or ratio.", returncode=2)
        try:
            with Path(options["file"]).open(encoding="utf-8-sig", newline="") as lines:
                ratings = table.read(lines, options["level"])
        except (OSError, ValueError, table.BadTable) as error:
            raise CommandError(f"{options['file']}: {_said(error)}", returncode=2) from None
        if options["format"] == "json":
            self.stdout.write(json.dumps(report.as_dict(ratings), indent=2, ensure_ascii=False, allow_nan=False))
        else:
            self.stdout.write(report.as_text(ratings))


def _said(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"this file cannot be read ({error.strerror})."
    if isinstance(error, UnicodeDecodeError):
        return "this file is not text in UTF-8; save it as CSV UTF-8."
    return str(error)
