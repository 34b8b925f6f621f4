"""How far raters agree: by instrument, period and team, as a page and as a table to download."""

import csv
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from wagtail.log_actions import log

from recordings import agreeing
from recordings.models import Comparison
from supervision import periods
from supervision.agreement.figures import Figure
from supervision.http import AuthenticatedRequest
from supervision.models import Instrument, Membership, Team

CSV_HEADER = ("part", "name", "statistic", "value", "low_95", "high_95", "n", "counted", "raters", "reason")


class AgreementFilter(forms.Form):
    instrument = forms.ModelChoiceField(Instrument.objects.none(), required=False, empty_label=None)
    team = forms.ModelChoiceField(Team.objects.none(), required=False, to_field_name="slug", empty_label="All teams of the programme")
    since = forms.DateField(label="Sessions from", required=False)
    until = forms.DateField(label="To", required=False)

    def __init__(self, *args: Any, instruments: Any, teams: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["instrument"].queryset = instruments  # type: ignore[attr-defined]
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since > until:
            self.add_error("since", "The first day is after the last. Swap them.")
            del cleaned["until"]
        return cleaned


def _found(request: AuthenticatedRequest) -> dict[str, Any]:
    led = Team.objects.led_by(request.user)
    if not led.exists():
        raise PermissionDenied("Agreement is for those who lead a team.")
    teams = Team.objects.filter(programme__in=led.values("programme")).order_by("name", "pk")
    used = Comparison.objects.filter(first__recording__team__in=teams).values("first__instrument")
    instruments = Instrument.objects.filter(pk__in=used).order_by("name", "-version", "pk")
    choice = AgreementFilter(request.GET or None, instruments=instruments, teams=teams)
    choice.is_valid()
    chosen = getattr(choice, "cleaned_data", {})
    instrument = chosen.get("instrument") or instruments.first()
    today = timezone.localdate()
    until: dt.date = chosen.get("until") or max(today, chosen.get("since") or today)
    since: dt.date = chosen.get("since") or periods.add_months(until, -12)
    context: dict[str, Any] = {"filter": choice, "instrument": instrument, "since": since, "until": until}
    if instrument is not None:
        context["nothing"] = f"No session from {periods.say(since)} to {periods.say(until)} was rated twice and released"
        within = [chosen["team"]] if chosen.get("team") else list(teams)
        pairs = agreeing.pairs(request.user, instrument=instrument, teams=within, since=since, until=until)
        context["found"] = agreeing.figures(instrument, pairs)
    return context


@never_cache
@require_GET
def agreement(request: AuthenticatedRequest) -> HttpResponse:
    context = _found(request)
    consults = Membership.objects.of(request.user).current().filter(role=Membership.Role.CONSULTANT)
    return render(request, "recordings/agreement.html", {**context, "is_consultant": consults.exists()})


@never_cache
@require_GET
def agreement_csv(request: AuthenticatedRequest) -> HttpResponse:
    """The same figures, one a line."""
    context = _found(request)
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="agreement.csv"'})
    writer = csv.writer(response)
    writer.writerow(CSV_HEADER)
    found: agreeing.Found | None = context.get("found")
    if found is not None:
        log(instance=context["instrument"], action="recordings.agreement_export", user=request.user, data={"pairs": found.n_pairs})
        for row in (row for table in found.tables for row in table.rows):
            for name, figure in row.figures.items():
                writer.writerow(_line("item", row.name, name, figure))
        for row in found.doubtful:
            writer.writerows(_applicability(row))
        for whole in found.whole:
            name = f"Mean of {len(whole.items)} items, {whole.least} to {whole.most}"
            writer.writerow(_line("whole", name, f"icc_{whole.form.replace(',', '_')}", whole.figure))
        for code in found.codes:
            for name, figure in code.figures.items():
                writer.writerow(_line("code", code.name, name if name == "boundary_f1" else f"frame_{name}", figure))
    return response


def _applicability(row: agreeing.Row) -> Iterator[list[str]]:
    """How often one of the two, or both, said that the item does not apply, and how far they agree on that."""
    if (found := row.applicable) is None:
        return
    for name, count in (("not_applicable_by_one", found.one_sided), ("not_applicable_by_both", found.neither)):
        yield _line("item", row.name, name, replace(found.percent, value=count, low=None, high=None, reason=""))
    yield _line("item", row.name, "applicable_percent_agreement", found.percent)
    yield _line("item", row.name, "applicable_gwet_ac1", found.ac1)


def _line(part: str, name: str, statistic: str, figure: Figure) -> list[str]:
    numbers = ["" if value is None else f"{value:.4f}" for value in (figure.value, figure.low, figure.high)]
    safe = f"'{name}" if name[:1] in "=+-@\t\r" else name  # a spreadsheet would run it
    return [part, safe, statistic, *numbers, str(figure.n_units), figure.counted, str(figure.n_raters), figure.reason]


urlpatterns = [
    path("agreement/", agreement, name="agreement"),
    path("agreement.csv", agreement_csv, name="agreement-csv"),
]
