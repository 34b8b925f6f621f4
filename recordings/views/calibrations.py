"""Gold recordings, exercises, how raters compare with gold, and certifications."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from recordings import calibration, certifying, explaining
from recordings.models import Assignment, GoldStandard
from recordings.ratingforms import ExerciseForm, GoldForm
from supervision.http import AuthenticatedRequest
from supervision.models import Instrument, Item, Membership, User

CHART_WIDTH, CHART_HEIGHT = 640, 200


def known_golds(user: User) -> QuerySet[GoldStandard]:
    """The gold recordings of the programmes in which the person leads a team."""
    leads = Membership.objects.of(user).current().filter(role__in=Membership.LEADS)
    return GoldStandard.objects.filter(recording__team__programme__in=leads.values("team__programme")).select_related(
        "instrument", "made_by"
    )


def _raters(user: User) -> list[User]:
    leads = Membership.objects.of(user).current().filter(role__in=Membership.LEADS)
    consults = Membership.objects.current().filter(role="consultant", team__programme__in=leads.values("team__programme"))
    return list(User.objects.filter(pk__in=consults.values("user")).order_by("first_name", "last_name", "pk"))


@never_cache
@require_GET
def overview(request: AuthenticatedRequest) -> HttpResponse:
    """Raters and until when they are certified, one's own open exercises, the gold recordings."""
    raters = _raters(request.user)
    if not raters and not Membership.objects.of(request.user).current().filter(role__in=Membership.LEADS).exists():
        raise PermissionDenied("Calibration is for those who lead a team.")
    today = timezone.localdate()
    submitted = Count("assignments", filter=Q(assignments__review__submitted_at__isnull=False))
    golds = list(known_golds(request.user).annotate(done=submitted).order_by("label", "made_at", "pk"))
    instruments = list(Instrument.objects.filter(pk__in={gold.instrument_id for gold in golds}).order_by("name", "version", "pk"))
    table = []
    for rater in raters:
        for instrument in instruments:
            last = certifying.latest(rater, instrument)
            table.append(
                {
                    "rater": rater,
                    "instrument": instrument,
                    "certification": last,
                    "is_good": last is not None and last.valid_until >= today,
                    "ended": certifying.ended_last(rater, instrument),
                    "done": len(calibration.done(rater, instrument)),
                }
            )
    mine = Assignment.objects.open().filter(rater=request.user, part="gold", is_hidden=False)
    context = {
        "table": table,
        "golds": golds,
        "mine": list(mine.exclude(recording__state="destroyed").select_related("gold", "instrument").order_by("due_on", "pk")),
        "today": today,
        "is_consultant": request.user in raters,
        "can_make": calibration.sources(request.user).exists(),
    }
    return render(request, "recordings/calibration.html", context)


@require_http_methods(["GET", "POST"])
def gold_create(request: AuthenticatedRequest) -> HttpResponse:
    if not Membership.objects.of(request.user).current().filter(role__in=Membership.LEADS).exists():
        raise PermissionDenied("Gold recordings are made by those who lead a team.")
    form = GoldForm(request.POST or None, sources=calibration.sources(request.user))
    if request.method == "POST" and form.is_valid():
        try:
            calibration.make_gold(by=request.user, now=timezone.now(), **form.cleaned_data)
        except calibration.CalibrationRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "The gold recording is in use. Give it to raters as an exercise.")
            return redirect("recordings:calibration")
    return render(request, "recordings/gold_create.html", {"form": form}, status=422 if request.method == "POST" else 200)


@require_POST
def gold_retire(request: AuthenticatedRequest, gold_id: uuid.UUID) -> HttpResponse:
    calibration.retire(gold=get_object_or_404(known_golds(request.user), pk=gold_id), by=request.user, now=timezone.now())
    messages.success(request, "It is given to nobody any more. What was given out may be finished.")
    return redirect("recordings:calibration")


@require_http_methods(["GET", "POST"])
def exercise_give(request: AuthenticatedRequest, gold_id: uuid.UUID) -> HttpResponse:
    """An exercise is given to a rater, openly or hidden in the ordinary queue."""
    gold = get_object_or_404(known_golds(request.user), pk=gold_id)
    raters = User.objects.filter(pk__in=[one.pk for one in _raters(request.user)]).order_by("first_name", "last_name", "pk")
    form = ExerciseForm(request.POST or None, raters=raters)
    if request.method == "POST" and form.is_valid():
        try:
            calibration.give(gold=gold, by=request.user, now=timezone.now(), **form.cleaned_data)
        except calibration.CalibrationRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"{form.cleaned_data['rater'].first_name} has the exercise in the work list.")
            return redirect("recordings:calibration")
    context = {"form": form, "gold": gold}
    return render(request, "recordings/exercise_give.html", context, status=422 if request.method == "POST" else 200)


def rater_for(request: AuthenticatedRequest, rater_id: int) -> User:
    """Oneself where one rates, and whom one may certify; 404 for anybody else."""
    rater = get_object_or_404(User, pk=rater_id)
    consults = Membership.objects.of(rater).current().filter(role="consultant")
    if rater.pk == request.user.pk and consults.exists():
        return rater
    if not certifying.may_certify(request.user, rater):
        raise Http404
    return rater


@never_cache
@require_GET
def rater_report(request: AuthenticatedRequest, rater_id: int) -> HttpResponse:
    """How a rater compares with gold, item by item, and over time: the rater's own, and for those who may certify."""
    rater = rater_for(request, rater_id)
    done = Assignment.objects.filter(rater=rater, part="gold", review__submitted_at__isnull=False)
    today = timezone.localdate()
    parts: list[dict[str, Any]] = []
    for instrument in Instrument.objects.filter(pk__in=done.values("instrument")).order_by("name", "version", "pk"):
        found = certifying.report(rater, instrument)
        certification = certifying.latest(rater, instrument)
        parts.append(
            {
                "report": found,
                "points": list(zip(found.leanings, found.chart.points, strict=True)),
                "drift": _picture(found.chart),
                "certification": certification,
                "rested_on": certifying.rested_on(certification) if certification else "",
                "is_good": certifying.in_force(rater, instrument, on=today) is not None,
                "ended": certifying.ended_last(rater, instrument),
                "exercises": _side_by_side(request.user, found),
            }
        )
    context = {"rater": rater, "parts": parts, "is_own": rater.pk == request.user.pk, "today": today}
    return render(request, "recordings/rater_report.html", context)


def _side_by_side(viewer: User, found: certifying.Report) -> list[dict[str, Any]]:
    """Each submitted exercise beside gold, where the viewer may see that gold: nobody who may yet be given it."""
    items = list(Item.objects.filter(instrument=found.instrument).order_by("position", "pk"))
    return [
        {"exercise": exercise, "rows": explaining.beside(exercise.gold, scores, items)}
        for exercise, scores in calibration.done(found.rater, found.instrument)
        if exercise.gold is not None and explaining.can_see(viewer, exercise.gold)
    ]


def _picture(chart: Any) -> dict[str, Any] | None:
    """The drift chart as coordinates of an SVG; None under two exercises."""
    if chart.centre is None:
        return None
    known = [point.value for point in chart.points] + [value for value in (chart.lower, chart.upper) if value is not None]
    reach = max(0.5, *(abs(value) for value in known)) * 1.15
    step = (CHART_WIDTH - 60) / max(1, len(chart.points) - 1)

    def y(value: float) -> float:
        return round(CHART_HEIGHT / 2 - value / reach * (CHART_HEIGHT / 2 - 10), 1)

    dots = [(round(40 + index * step, 1), y(point.value), point.is_signal) for index, point in enumerate(chart.points)]
    return {
        "dots": dots,
        "line": " ".join(f"{x},{height}" for x, height, _ in dots),
        "centre": y(chart.centre),
        "zero": y(0),
        "limits": [y(value) for value in (chart.lower, chart.upper) if value is not None],
    }


@require_POST
def certify(request: AuthenticatedRequest, rater_id: int, instrument_id: int) -> HttpResponse:
    rater = rater_for(request, rater_id)
    if not certifying.may_certify(request.user, rater):
        raise PermissionDenied
    instrument = get_object_or_404(Instrument, pk=instrument_id)
    try:
        made = certifying.certify(rater=rater, instrument=instrument, by=request.user, now=timezone.now())
    except certifying.CertificationRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{rater.first_name} is certified until {made.valid_until:%-d %B %Y}.")
    return redirect("recordings:rater-report", rater.pk)


urlpatterns = [
    path("calibration/", overview, name="calibration"),
    path("calibration/gold/new/", gold_create, name="gold-create"),
    path("calibration/gold/<uuid:gold_id>/retire/", gold_retire, name="gold-retire"),
    path("calibration/gold/<uuid:gold_id>/give/", exercise_give, name="exercise-give"),
    path("calibration/raters/<int:rater_id>/", rater_report, name="rater-report"),
    path("calibration/raters/<int:rater_id>/certify/<int:instrument_id>/", certify, name="certify"),
]
