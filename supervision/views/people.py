"""One person in a team: what is asked, what was done and said; and one cell of the matrix with its reasons."""

import datetime as dt
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from wagtail.log_actions import log

from learning import progress, record
from learning.models import ExerciseAnswer
from supervision import permissions
from supervision.http import AuthenticatedRequest
from supervision.matrix import person_row
from supervision.models import Evidence, Membership, Rating, User
from supervision.periods import asked_day
from supervision.views.access import load_person, load_team, rights


@require_safe
def person_detail(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    team = load_team(request, slug)
    person = load_person(request, team, pk)
    today = timezone.localdate()
    requirements, row = person_row(team, person, on=today)
    may_read = permissions.can_read_answers(request.user, person, team)
    answers = _answers(person) if may_read else []
    if answers and person.pk != request.user.pk:
        log(instance=person, action="supervision.answers_read", user=request.user, data={"team": team.pk})
    context = {
        "team": team,
        "person": person,
        "is_self": person.pk == request.user.pk,
        "memberships": _memberships(person, team, today),
        "cells": list(zip(requirements, row.cells, strict=True)) if row else [],
        "courses": progress.courses(person),
        "may_read_answers": may_read,
        "answers": answers,
        "records": record.records([person.pk], known_at=None),
        "ratings": _ratings(request.user, person),
        "has_plan": permissions.can_plan(request.user, person.pk, team) and permissions.works_with_families(person, team),
        **rights(request.user, team),
    }
    return render(request, "supervision/person_detail.html", context)


@require_safe
def cell_detail(request: AuthenticatedRequest, slug: str, person_pk: int, requirement_key: str) -> HttpResponse:
    """The reasons of one cell: a panel for htmx, a page of its own otherwise."""
    team = load_team(request, slug)
    person = load_person(request, team, person_pk)
    today = timezone.localdate()
    on = asked_day(request.GET.get("on", "")) or today
    requirements, row = person_row(team, person, on=on)
    found = next(
        ((one, cell) for one, cell in zip(requirements, row.cells if row else (), strict=False) if one.key == requirement_key), None
    )
    if found is None:
        raise Http404
    requirement, cell = found
    entries = {
        f"evidence-{one.pk}": one
        for one in Evidence.objects.filter(person=person, programme=team.programme, requirement_key=requirement_key).select_related(
            "recorded_by"
        )
    }
    context = {
        "team": team,
        "person": person,
        "requirement": requirement,
        "cell": cell,
        "on": on,
        "is_today": on == today,
        "evidence": [{"fact": fact, "entry": entries.get(fact.ref)} for fact in cell.evidence],
        "withdrawn": [
            {"entry": one.withdraws, "note": one.note, "by": one.recorded_by, "at": one.recorded_at} for one in _withdrawals(entries)
        ],
        "can_record": permissions.can_record_evidence(request.user, person, team),
        "can_record_session": permissions.can_record_session(request.user, team),
        "can_see_matrix": permissions.can_see_matrix(request.user, team),
    }
    is_panel = request.headers.get("HX-Request") and request.headers.get("HX-Target") == "panel"
    return render(request, "supervision/_cell.html" if is_panel else "supervision/cell_detail.html", context)


def _withdrawals(entries: dict[str, Evidence]) -> list[Evidence]:
    return [one for one in entries.values() if one.kind == Evidence.Kind.WITHDRAWN]


def _memberships(person: User, team: Any, today: dt.date) -> list[dict[str, Any]]:
    held = Membership.objects.filter(user=person, team=team).order_by("-starts_on", "-pk")
    return [
        {"role": Membership.Role(one.role).label, "starts_on": one.starts_on, "ends_on": one.ends_on, "is_current": one.is_on(today)}
        for one in held
    ]


def _answers(person: User) -> list[dict[str, Any]]:
    """The exercises by course and lesson, each with its latest answer and how many versions came before."""
    saved = (
        ExerciseAnswer.objects.filter(enrolment__learner=person)
        .select_related("enrolment")
        .order_by("enrolment__enrolled_at", "saved_at", "pk")
    )
    by_exercise: dict[tuple[int, Any, str], list[ExerciseAnswer]] = {}
    for answer in saved:
        by_exercise.setdefault((answer.enrolment_id, answer.lesson_key, answer.exercise_key), []).append(answer)
    courses: dict[int, dict[str, Any]] = {}
    for (enrolment_id, _lesson, _exercise), versions in by_exercise.items():
        latest = versions[-1]
        course = courses.setdefault(enrolment_id, {"title": latest.enrolment.course_title, "answers": []})
        course["answers"].append({"latest": latest, "earlier": versions[-2::-1]})
    return list(courses.values())


def _ratings(user: User, person: User) -> dict[str, Any]:
    """Released ratings that the viewer may see, as a table: items down, sessions across, oldest first."""
    shown = list(
        Rating.objects.visible_to(user)
        .released()
        .filter(therapist=person)
        .select_related("rater", "instrument")
        .prefetch_related("scores__item")
        .order_by("session_on", "pk")
    )[-8:]
    items: dict[str, dict[str, Any]] = {}
    for column, rating in enumerate(shown):
        for score in sorted(rating.scores.all(), key=lambda one: one.item.position):
            line = items.setdefault(score.item.key, {"name": score.item.name, "scores": ["" for _ in shown]})
            line["scores"][column] = "n/a" if score.score is None else str(score.score)
    return {"columns": shown, "items": list(items.values())}
