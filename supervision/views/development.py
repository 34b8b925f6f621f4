"""A therapist's development plan: goals, when they are looked at again, and what became of them."""

import uuid

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from wagtail.log_actions import log

from learning.spreadsheets import csv_response
from supervision import development, permissions, trends
from supervision.developmentforms import GoalCloseForm, GoalForm, LookAgainForm
from supervision.http import AuthenticatedRequest
from supervision.models import DevelopmentGoal, Item, Membership, Rating, Team, User
from supervision.periods import say
from supervision.views.access import load_team, rights


def load_planner(request: AuthenticatedRequest, slug: str, pk: int) -> tuple[Team, User]:
    """The person's own plan, and those of the teams one leads: for anybody else there is none."""
    team = load_team(request, slug)
    if not permissions.can_plan(request.user, pk, team):
        raise Http404
    roles = [Membership.Role.THERAPIST, *Membership.SUPERVISORS]
    people = User.objects.filter(pk__in=Membership.objects.filter(team=team, role__in=roles).values("user"))
    return team, get_object_or_404(people, pk=pk)


def _goals(request: AuthenticatedRequest, team: Team, person: User) -> QuerySet[DevelopmentGoal]:
    seen = development.seen_by(request.user).filter(team=team, therapist=person)
    return seen.select_related("item", "set_by", "closed_by")


def scored_items(user: User, person: User) -> QuerySet[Item]:
    """The items of the instruments with which the person has been rated, as far as the viewer may see that."""
    rated = Rating.objects.visible_to(user).released().filter(therapist=person)
    return Item.objects.filter(instrument__in=rated.values("instrument")).order_by("instrument_id", "position", "pk")


@require_safe
def plan(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    team, person = load_planner(request, slug, pk)
    return _page(request, team, person)


def _page(
    request: AuthenticatedRequest, team: Team, person: User, *, failed: DevelopmentGoal | None = None, form: GoalCloseForm | None = None
) -> HttpResponse:
    goals = _goals(request, team, person)
    is_current = Membership.objects.of(person).current().filter(team=team).exists()
    closes = [
        (goal, form if failed == goal and form else GoalCloseForm(auto_id=f"{goal.pk}-%s"), LookAgainForm(auto_id=f"again-{goal.pk}-%s"))
        for goal in goals.filter(state=DevelopmentGoal.State.OPEN).order_by("look_again_on", "set_at", "pk")
    ]
    ratings = Rating.objects.visible_to(request.user).released().filter(therapist=person)
    found = trends.of_items(ratings.select_related("instrument").prefetch_related("scores__item"))
    context = {
        "team": team,
        "person": person,
        "is_self": person.pk == request.user.pk,
        "open": closes,
        "closed": goals.exclude(state=DevelopmentGoal.State.OPEN).order_by("-closed_at", "pk"),
        "trends": {trend.item.key: trend for trend in found},
        "today": timezone.localdate(),
        "can_change": is_current,
        "failed": form,
        **rights(request.user, team),
    }
    return render(request, "supervision/plan_detail.html", context, status=422 if form else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def goal_create(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    team, person = load_planner(request, slug, pk)
    form = GoalForm(request.POST if request.method == "POST" else None, items=scored_items(request.user, person))
    if form.is_valid():
        try:
            development.set_goal(therapist=person, team=team, by=request.user, now=timezone.now(), **form.cleaned_data)
        except development.GoalRefused as reason:
            form.add_error(None, str(reason))
        else:
            messages.success(request, "The goal is in the plan.")
            return redirect("supervision:plan", team.slug, person.pk)
    context = {"team": team, "person": person, "is_self": person.pk == request.user.pk, "form": form}
    return render(request, "supervision/goal_create.html", context, status=422 if form.errors else 200)


@require_POST
def goal_close(request: AuthenticatedRequest, slug: str, pk: int, goal_id: uuid.UUID) -> HttpResponse:
    team, person = load_planner(request, slug, pk)
    goal = get_object_or_404(_goals(request, team, person), pk=goal_id)
    form = GoalCloseForm(request.POST, auto_id=f"{goal.pk}-%s")
    if form.is_valid():
        try:
            closed = development.close(goal=goal, by=request.user, now=timezone.now(), **form.cleaned_data)
        except development.GoalRefused as reason:
            form.add_error("outcome", str(reason))
        else:
            messages.success(request, f"The goal is closed: {closed.get_state_display().lower()}.")
            return redirect("supervision:plan", team.slug, person.pk)
    return _page(request, team, person, failed=goal, form=form)


@require_POST
def goal_again(request: AuthenticatedRequest, slug: str, pk: int, goal_id: uuid.UUID) -> HttpResponse:
    team, person = load_planner(request, slug, pk)
    goal = get_object_or_404(_goals(request, team, person), pk=goal_id)
    form = LookAgainForm(request.POST)
    try:
        if not form.is_valid():
            raise development.GoalRefused(next(iter(form.errors.values()))[0])
        moved = development.look_again(goal=goal, on=form.cleaned_data["on"], by=request.user, now=timezone.now())
    except development.GoalRefused as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, f"You look at it again on {say(moved.look_again_on) if moved.look_again_on else 'no day'}.")
    return redirect("supervision:plan", team.slug, person.pk)


@require_safe
def plan_csv(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    team, person = load_planner(request, slug, pk)
    log(instance=person, action="supervision.plan_exported", user=request.user, data={"team": team.pk})
    header = ["goal", "bears_on", "set_on", "set_by", "look_again_on", "state", "closed_on", "outcome"]
    rows = [
        [
            goal.text,
            goal.item.name if goal.item else "",
            timezone.localdate(goal.set_at),
            goal.set_by,
            goal.look_again_on,
            goal.get_state_display(),
            timezone.localdate(goal.closed_at) if goal.closed_at else "",
            goal.outcome,
        ]
        for goal in _goals(request, team, person).order_by("set_at", "pk")
    ]
    return csv_response(f"development-plan-{team.slug}-{timezone.localdate()}.csv", header, rows)


_plan = "teams/<slug:slug>/people/<int:pk>/plan/"

urlpatterns = [
    path(_plan, plan, name="plan"),
    path(f"{_plan}goals/new/", goal_create, name="goal-create"),
    path(f"{_plan}goals/<uuid:goal_id>/close/", goal_close, name="goal-close"),
    path(f"{_plan}goals/<uuid:goal_id>/look-again/", goal_again, name="goal-again"),
    path(f"{_plan}plan.csv", plan_csv, name="plan-csv"),
]
