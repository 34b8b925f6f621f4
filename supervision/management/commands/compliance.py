"""Who is in date for what, and why: the matrix as JSON, CSV or text."""

import datetime as dt
import io
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from supervision import exports, periods
from supervision.matrix import team_matrices
from supervision.models import Team


class Command(BaseCommand):
    help = "Print the compliance matrix of one team or of all, with statuses, dates and reasons."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--team", metavar="SLUG", help="one team; all of them if left out")
        parser.add_argument("--on", metavar="DATE", help="as at that day, such as 2026-03-31; today if left out")
        parser.add_argument(
            "--known-at", metavar="DATETIME", help="as it was known then, such as 2026-03-31T17:00; a date alone means its end"
        )
        parser.add_argument("--format", default="text", metavar="json|csv|text", help="text if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["format"] not in {"json", "csv", "text"}:
            raise CommandError(f"--format is {options['format']!r}; use json, csv or text.", returncode=2)
        on = _day(options["on"]) if options["on"] else timezone.localdate()
        known_at = _moment(options["known_at"]) if options["known_at"] else None
        teams = Team.objects.select_related("programme").order_by("name", "pk")
        if options["team"]:
            teams = teams.filter(slug=options["team"])
            if not teams:
                raise CommandError(f"There is no team called {options['team']!r}.", returncode=2)
        matrices = team_matrices(teams, on=on, known_at=known_at)
        if options["format"] == "json":
            self.stdout.write(json.dumps(exports.as_dict(matrices, on=on, known_at=known_at), indent=2, ensure_ascii=False))
        elif options["format"] == "csv":
            stream = io.StringIO()
            exports.write_csv(matrices, stream)
            self.stdout.write(stream.getvalue(), ending="")
        else:
            self.stdout.write(exports.as_text(matrices))


def _day(text: str) -> dt.date:
    day = periods.asked_day(text)
    if day is None:
        raise CommandError(f"--on is {text!r}; write a date such as 2026-03-31.", returncode=2)
    return day


def _moment(text: str) -> dt.datetime:
    try:
        if len(text) == len("2026-03-31"):
            moment = dt.datetime.combine(dt.date.fromisoformat(text), dt.time.max)
        else:
            moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--known-at is {text!r}; write a time such as 2026-03-31T17:00.", returncode=2) from None
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
