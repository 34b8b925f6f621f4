"""Score reports of a team: TAM-R, SAM, CAM totals by measure, family by family, entered, brought in and taken out."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from wagtail.log_actions import log

from supervision import measures, measuresummary, permissions, scorechart, scorefile
from supervision.http import AuthenticatedRequest
from supervision.models import FamilyReference, Instrument, ScoreReport, Team
from supervision.periods import add_months, say
from supervision.scoreforms import ScoreFileForm, ScoreForm, ScoreWithdrawForm
from supervision.views.access import load_team, rights

MONTHS = (3, 6, 12)
PER_PAGE = 100  # entries


def _measure(slug: str) -> Instrument:
    return get_object_or_404(measures.kept_here(), slug=slug)


def _rights(request: AuthenticatedRequest, team: Team) -> dict[str, Any]:
    return {
        "team": team,
        "can_enter": permissions.can_enter_scores(request.user, team),
        "sees_team": permissions.can_see_scores(request.user, team),
        **rights(request.user, team),
    }


def _allowed(request: AuthenticatedRequest, team: Team) -> None:
    """Those who lead or administer the team, and its therapists for what is about themselves."""
    if not (permissions.can_see_scores(request.user, team) or permissions.can_open_family(request.user, team)):
        raise PermissionDenied


def _enters(request: AuthenticatedRequest, team: Team) -> None:
    if not permissions.can_enter_scores(request.user, team):
        raise PermissionDenied


@require_safe
def score_list(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """One measure of a team over some months: targets, who is missing, family by family."""
    team = load_team(request, slug)
    _allowed(request, team)
    known = sorted(measures.kept_here(), key=lambda one: not measures.is_of_families(one))
    measure = next((one for one in known if one.slug == request.GET.get("measure")), next(iter(known), None))
    context: dict[str, Any] = {"known": known, "measure": measure, **_rights(request, team)}
    if measure is not None:
        months = next((one for one in MONTHS if str(one) == request.GET.get("months")), MONTHS[0])
        context |= {"months": months, "choices": MONTHS, **_shown(request, team, measure, months)}
    return render(request, "supervision/score_list.html", context)


def _shown(request: AuthenticatedRequest, team: Team, measure: Instrument, months: int) -> dict[str, Any]:
    today = timezone.localdate()
    since = add_months(today, -months)
    rows = list(
        ScoreReport.objects.visible_to(request.user)
        .kept()
        .filter(team=team, instrument__slug=measure.slug, occurred_on__gt=add_months(today.replace(day=1), -12))
        .select_related("family", "about")
    )
    is_of_families = measures.is_of_families(measure)
    counted = [row for row in rows if row.occurred_on > since]
    parts = []
    for about, some in _by_person(counted) if not is_of_families else [(None, counted)]:
        is_hidden = about == request.user and len({measures.reference(row.respondent) for row in some}) < measuresummary.FEW_RESPONDENTS
        parts.append({"about": about, "is_hidden": is_hidden, "summaries": [] if is_hidden else measuresummary.summaries(measure, some)})
    context: dict[str, Any] = {
        "parts": parts,
        "is_of_families": is_of_families,
        "since": since,
        "few": measuresummary.FEW,
        "share_target": measuresummary.SHARE_TARGET * 100,
    }
    if is_of_families:
        families = FamilyReference.objects.visible_to(request.user).filter(team=team)
        if permissions.can_see_scores(request.user, team):
            families = FamilyReference.objects.filter(team=team)
        context["data"] = measuresummary.this_month(families.select_related("therapist"), rows, today=today)
    about = {row.about_id for row in rows}
    is_hidden = request.user.pk in about and len({measures.reference(row.respondent) for row in rows}) < measuresummary.FEW_RESPONDENTS
    if is_of_families or (len(about) == 1 and not is_hidden):
        context["trends"] = _trends(measure, rows)
    return context


def _trends(measure: Instrument, rows: list[ScoreReport]) -> list[dict[str, Any]]:
    """The last twelve months of each figure that has any."""
    made = []
    for summary in measuresummary.summaries(measure, rows):
        months = measuresummary.by_month(summary.item, rows, today=timezone.localdate(), months=12)
        if any(month.n for month in months):
            made.append({"item": summary.item, "months": months, "chart": _chart(months, summary)})
    return made


def _by_person(rows: list[ScoreReport]) -> list[tuple[Any, list[ScoreReport]]]:
    found: dict[Any, list[ScoreReport]] = {}
    for row in rows:
        found.setdefault(row.about, []).append(row)
    return sorted(found.items(), key=lambda pair: (pair[0].last_name, pair[0].first_name, pair[0].pk))


def _chart(months: list[measuresummary.Month], summary: measuresummary.Summary) -> scorechart.Chart:
    return scorechart.drawn(
        [month.mean for month in months],
        [f"{month.starts_on:%b}" for month in months],
        least=summary.item.least,
        most=summary.item.most,
        target=summary.target,
    )


@require_safe
def score_family(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """One family's scores over the whole time; nothing is filled in from other families."""
    team = load_team(request, slug)
    family = get_object_or_404(FamilyReference.objects.filter(team=team).select_related("therapist"), pk=pk)
    sees_team = permissions.can_see_scores(request.user, team)
    if not sees_team:
        get_object_or_404(FamilyReference.objects.visible_to(request.user).filter(team=team), pk=pk)
    rows = ScoreReport.objects.visible_to(request.user).filter(family=family).select_related("instrument", "recorded_by", "withdrawn_by")
    rows = rows.order_by("occurred_on", "recorded_at", "pk")
    parts = []
    for measure in [one for one in measures.kept_here() if measures.is_of_families(one)]:
        kept = [row for row in rows if row.instrument.slug == measure.slug and row.withdrawn_at is None]
        for summary in measuresummary.summaries(measure, kept):
            scores = summary.each[0].scores if summary.each else ()
            chart = scorechart.drawn(
                [value for _, value in scores], [f"{day:%-d %b}" for day, _ in scores],
                least=summary.item.least, most=summary.item.most, target=summary.target,
            )  # fmt: skip
            parts.append({"measure": measure, "summary": summary, "scores": scores, "chart": chart})
    context = {"family": family, "parts": parts, "rows": rows, **_rights(request, team)}
    return render(request, "supervision/score_family.html", context)


@require_http_methods(["GET", "POST"])
def score_create(request: AuthenticatedRequest, slug: str, measure: str) -> HttpResponse:
    team = load_team(request, slug)
    _enters(request, team)
    instrument = _measure(measure)
    form = ScoreForm(request.POST if request.method == "POST" else None, instrument=instrument, team=team, today=timezone.localdate())
    if form.is_valid():
        try:
            row = measures.record(instrument=instrument, team=team, by=request.user, now=timezone.now(), **form.values)
        except measures.ScoreRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"{instrument.name} of {say(row.occurred_on)} is kept.")
            return redirect(_list_url(team, instrument))
    context = {"team": team, "measure": instrument, "form": form, "back": _list_url(team, instrument)}
    return render(request, "supervision/score_create.html", context, status=422 if form.errors else 200)


def _list_url(team: Team, measure: Instrument) -> str:
    return f"{reverse('supervision:score-list', args=[team.slug])}?measure={measure.slug}"


@require_http_methods(["GET", "POST"])
def score_import(request: AuthenticatedRequest, slug: str, measure: str) -> HttpResponse:
    """The file is shown row by row first; only a second, confirmed sending keeps it, and only as a whole."""
    team = load_team(request, slug)
    _enters(request, team)
    instrument = _measure(measure)
    form = ScoreFileForm(request.POST or None, request.FILES or None) if request.method == "POST" else ScoreFileForm()
    context: dict[str, Any] = {
        "team": team, "measure": instrument, "form": form, "back": _list_url(team, instrument), "columns": scorefile.columns(instrument),
    }  # fmt: skip
    if form.is_valid():
        text, now = form.cleaned_data["text"], timezone.now()
        try:
            if form.cleaned_data["confirmed"]:
                kept = scorefile.bring_in(text, instrument=instrument, team=team, by=request.user, now=now)
                messages.success(request, f"{len(kept)} score{'' if len(kept) == 1 else 's'} of {instrument.name} kept.")
                return redirect(_list_url(team, instrument))
            lines = scorefile.look_through(text, instrument=instrument, team=team, by=request.user, now=now)
            context |= {"lines": lines, "text": text, "problems": sum(bool(line.problem) for line in lines)}
        except (scorefile.FileRefused, measures.ScoreRefused) as refusal:
            form.add_error("file", str(refusal))
    return render(request, "supervision/score_import.html", context, status=422 if form.errors else 200)


@require_safe
def score_export(request: AuthenticatedRequest, slug: str, measure: str) -> HttpResponse:
    team = load_team(request, slug)
    if not permissions.can_see_scores(request.user, team):
        raise PermissionDenied
    instrument = _measure(measure)
    rows = ScoreReport.objects.visible_to(request.user).filter(team=team, instrument__slug=instrument.slug)
    if not measures.is_of_families(instrument):
        rows = rows.exclude(about=request.user)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{team.slug}-{instrument.slug}.csv"'
    scorefile.write_csv(rows.select_related("family", "about").order_by("occurred_on", "recorded_at", "pk"), instrument, response)  # type: ignore[arg-type]
    log(instance=team, action="supervision.scores_exported", user=request.user, data={"instrument": instrument.pk})
    return response


@require_safe
def score_rows(request: AuthenticatedRequest, slug: str, measure: str) -> HttpResponse:
    """Every row with who entered it, for those who keep the scores; never to the person a colleague's score is about."""
    team = load_team(request, slug)
    _enters(request, team)
    instrument = _measure(measure)
    rows = ScoreReport.objects.visible_to(request.user).filter(team=team, instrument__slug=instrument.slug)
    rows = (
        rows.exclude(about=request.user)
        .select_related("family", "about", "recorded_by", "withdrawn_by")
        .order_by("-occurred_on", "-recorded_at", "pk")
    )
    items = list(instrument.items.order_by("position", "pk"))
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    shown = [{"row": row, "figures": [row.values.get(item.key) for item in items]} for row in page]
    context = {
        "measure": instrument,
        "items": items,
        "rows": shown,
        "page": page,
        "back": _list_url(team, instrument),
        **_rights(request, team),
    }
    return render(request, "supervision/score_rows.html", context)


@require_http_methods(["GET", "POST"])
def score_withdraw(request: AuthenticatedRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    team = load_team(request, slug)
    _enters(request, team)
    seen = ScoreReport.objects.visible_to(request.user).kept().filter(team=team).exclude(about=request.user)
    row = get_object_or_404(seen.select_related("instrument", "family", "about", "team"), pk=pk)
    form = ScoreWithdrawForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            measures.withdraw(row=row, reason=form.cleaned_data["reason"], by=request.user, now=timezone.now())
        except measures.ScoreRefused as refusal:
            form.add_error("reason", str(refusal))
        else:
            messages.success(request, "The score is withdrawn. It stays on record with your reason.")
            return redirect(_list_url(team, row.instrument))
    context = {"team": team, "row": row, "form": form, "back": reverse("supervision:score-rows", args=[team.slug, row.instrument.slug])}
    return render(request, "supervision/score_withdraw.html", context, status=422 if form.errors else 200)


_scores = "teams/<slug:slug>/scores/"
urlpatterns = [
    path(_scores, score_list, name="score-list"),
    path(f"{_scores}families/<int:pk>/", score_family, name="score-family"),
    path(f"{_scores}<uuid:pk>/withdraw/", score_withdraw, name="score-withdraw"),
    path(f"{_scores}<slug:measure>/new/", score_create, name="score-create"),
    path(f"{_scores}<slug:measure>/import/", score_import, name="score-import"),
    path(f"{_scores}<slug:measure>/rows/", score_rows, name="score-rows"),
    path(f"{_scores}<slug:measure>/scores.csv", score_export, name="score-export"),
]
