"""Sampling plans: which recordings of a team are rated, seen, tried out on what there is, made and ended."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from recordings import assigning, permissions, sampling
from recordings.models import Assignment, SamplingPlan
from recordings.ratingforms import PlanForm
from supervision import instruments
from supervision.http import AuthenticatedRequest
from supervision.models import Instrument, Membership, Team


@require_GET
def plan_list(request: AuthenticatedRequest) -> HttpResponse:
    """The plans of the teams that the person leads."""
    teams = Team.objects.led_by(request.user).order_by("name", "pk")
    if not teams.exists():
        raise PermissionDenied("Sampling plans are for those who lead a team.")
    plans = SamplingPlan.objects.filter(team__in=teams).select_related("team", "instrument", "made_by").order_by("-starts_on", "-pk")
    today = timezone.localdate()
    rows = [
        {
            "plan": plan,
            "sentence": sampling.sentence(plan),
            "is_over": plan.ends_on is not None and plan.ends_on < today,
            "drawn": plan.draws.count(),
            "chosen": plan.draws.filter(is_chosen=True).count(),
            "double": plan.draws.filter(is_double=True).count(),
            "unplaced": _unplaced(plan),
            "is_uncertified": assigning.calibrates(plan.instrument) and not _has_certified(plan),
        }
        for plan in plans
    ]
    return render(request, "recordings/plan_list.html", {"teams": teams, "rows": rows, "is_consultant": _consults(request)})


def _consults(request: AuthenticatedRequest) -> bool:
    return Membership.objects.of(request.user).current().filter(role=Membership.Role.CONSULTANT).exists()


def _unplaced(plan: SamplingPlan) -> int:
    """Chosen recordings that nobody has been found for, in their first or their second rating."""
    kept = plan.draws.filter(is_chosen=True).exclude(recording__state="destroyed")
    held = Assignment.objects.filter(plan=plan, skipped_at__isnull=True)
    begun = kept.filter(recording__reviews__assignment__isnull=True, recording__reviews__instrument=plan.instrument_id)
    first = kept.exclude(recording__in=held.filter(part="first").values("recording")).exclude(pk__in=begun.values("pk"))
    second = kept.filter(is_double=True).exclude(recording__in=held.filter(part="second").values("recording"))
    return first.count() + second.count()


def _has_certified(plan: SamplingPlan) -> bool:
    today = timezone.localdate()
    inside = Membership.objects.on(today).filter(team=plan.team_id, role=Membership.Role.CONSULTANT)
    return inside.filter(user__in=assigning.certified_raters(plan.instrument, on=today)).exists()


def _team(request: AuthenticatedRequest, slug: str) -> Team:
    team = get_object_or_404(Team.objects.visible_to(request.user), slug=slug)
    if not permissions.can_plan(request.user, team):
        raise PermissionDenied
    return team


@require_http_methods(["GET", "POST"])
def plan_create(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """A plan is entered, tried out on the last 90 days as often as one likes, and made."""
    team = _team(request, slug)
    now = timezone.now()
    choices = instruments.choices(team)
    usable = Instrument.objects.filter(pk__in=[one.pk for one in choices]).order_by("name", "version", "pk")
    form = PlanForm(request.POST or None, instruments=usable, initial={"instrument": next(iter(choices), None)})
    context: dict[str, Any] = {"team": team, "form": form}
    if request.method != "POST":
        return render(request, "recordings/plan_create.html", context)
    if not form.is_valid():
        return render(request, "recordings/plan_create.html", context, status=422)
    instrument, values = form.cleaned_data["instrument"], form.values
    if request.POST.get("do") == "make":
        seed = request.POST.get("seed", "")
        if seed.isascii() and seed.isdigit() and len(seed) < 10:
            values["seed"] = int(seed)  # as it was tried out
        try:
            sampling.make(team=team, instrument=instrument, by=request.user, now=now, **values)
        except sampling.PlanRefused as refusal:
            form.add_error(None, str(refusal))
            return render(request, "recordings/plan_create.html", context, status=422)
        messages.success(request, "The plan is in force. Raters are asked within a minute of a recording’s being ready.")
        return redirect("recordings:plan-list")
    trial = SamplingPlan(team=team, instrument=instrument, seed=sampling.new_seed(), **values)
    found = sampling.preview(trial, on=timezone.localdate(now))
    context |= {
        "trial": trial,
        "sentence": sampling.sentence(trial),
        "found": found,
        "chosen": sum(decision.is_chosen for _, decision in found),
        "double": sum(decision.is_double for _, decision in found),
    }
    return render(request, "recordings/plan_create.html", context)


@require_POST
def plan_end(request: AuthenticatedRequest, plan_id: int) -> HttpResponse:
    plan = get_object_or_404(SamplingPlan.objects.filter(team__in=Team.objects.visible_to(request.user)), pk=plan_id)
    if not permissions.can_plan(request.user, plan.team):
        raise PermissionDenied
    ended = sampling.end(plan=plan, by=request.user, now=timezone.now())
    what = "ends today. What it has chosen stays with its raters" if ended else "is taken out. It had not begun, and has chosen nothing"
    messages.success(request, f"The plan {what}.")
    return redirect("recordings:plan-list")


urlpatterns = [
    path("plans/", plan_list, name="plan-list"),
    path("plans/<slug:slug>/new/", plan_create, name="plan-create"),
    path("plans/<int:plan_id>/end/", plan_end, name="plan-end"),
]
