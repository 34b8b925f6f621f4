"""The teams a person knows of, and a team's matrix."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from wagtail.log_actions import log

from supervision import exports, permissions
from supervision.forms import MatrixFilterForm
from supervision.http import AuthenticatedRequest
from supervision.matrix import Matrix, Row, team_matrices, team_matrix
from supervision.models import Membership, Team
from supervision.periods import asked_day
from supervision.views.access import load_team, rights


@require_safe
def team_list(request: AuthenticatedRequest) -> HttpResponse:
    today = timezone.localdate()
    teams = list(Team.objects.visible_to(request.user).select_related("programme").order_by("name", "pk"))
    held = Membership.objects.of(request.user).on(today).order_by("starts_on", "pk")
    seen = [team for team in teams if permissions.can_see_matrix(request.user, team)]
    matrices = {matrix.team.pk: matrix for matrix in team_matrices(seen, on=today)} if seen else {}
    rows = []
    for team in teams:
        matrix = matrices.get(team.pk)
        roles = [Membership.Role(one.role).label for one in held if one.team_id == team.pk]
        rows.append(
            {
                "team": team,
                "roles": roles,
                "can_see_matrix": matrix is not None,
                "is_member": bool(roles),
                "overdue": matrix.count("overdue") if matrix else 0,
                "due_soon": matrix.count("due_soon") if matrix else 0,
            }
        )
    context = {"rows": rows, "can_read_instruments": permissions.can_read_instruments(request.user)}
    return render(request, "supervision/team_list.html", context)


@dataclass(frozen=True)
class Shown:
    """What of the matrix is on the page, from the address."""

    form: MatrixFilterForm
    matrix: Matrix
    show: str
    on: dt.date
    query: str
    waiting: int
    """People for whom something needs action, before any filter."""


@require_safe
def team_detail(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    team = load_team(request, slug)
    if not permissions.can_see_matrix(request.user, team):
        raise PermissionDenied
    today = timezone.localdate()
    view = _view(request, team, today)
    context = {
        "team": team,
        "view": view,
        "form": None,
        "filter": view.form,
        "rows": [_row(team, row, view) for row in view.matrix.rows],
        "requirements": view.matrix.requirements,
        "is_today": view.on == today,
        "overdue": view.matrix.count("overdue"),
        "due_soon": view.matrix.count("due_soon"),
        **rights(request.user, team),
    }
    return render(request, "supervision/team_detail.html", context)


@require_safe
def team_matrix_csv(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """The rows of the page, with the reasons, one line a cell."""
    team = load_team(request, slug)
    if not permissions.can_see_matrix(request.user, team):
        raise PermissionDenied
    view = _view(request, team, timezone.localdate())
    log(instance=team, action="supervision.matrix_exported", user=request.user, data={"on": view.on.isoformat()})
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{team.slug}-{view.on.isoformat()}.csv"'
    response.write("\N{BOM}")
    exports.write_csv([view.matrix], response)  # type: ignore[arg-type]
    return response


def _view(request: AuthenticatedRequest, team: Team, today: dt.date) -> Shown:
    given = request.GET
    on = asked_day(given.get("on", "")) or today
    full = team_matrix(team, on=on)
    held = {value: label for row in full.rows for value, label in zip(row.role_values, row.roles, strict=True)}
    requirements = [(one.key, one.name) for one in full.requirements]
    waiting = sum(row.needs_action for row in full.rows)
    show = given.get("show") if given.get("show") in {"all", "action"} else ("action" if waiting else "all")
    wanted = given.get("requirement", "") if given.get("requirement") in dict(requirements) else ""
    role = given.get("role", "") if given.get("role") in held else ""
    sort = "urgency" if given.get("sort") == "urgency" else ""
    values = {"show": show, "requirement": wanted, "role": role, "sort": sort, "on": on}
    form = MatrixFilterForm(values, requirements=requirements, roles=sorted(held.items()))
    matrix = _narrowed(full, requirement=wanted, role=role, only_action=show == "action")
    if sort:
        matrix = replace(
            matrix,
            rows=tuple(
                sorted(matrix.rows, key=lambda row: (min(cell.urgency for cell in row.cells), row.person.last_name.lower(), row.person.pk))
            ),
        )
    query = urlencode({"on": on.isoformat()}) if on != today else ""
    return Shown(form=form, matrix=matrix, show=str(show), on=on, query=query, waiting=waiting)


def _narrowed(matrix: Matrix, *, requirement: str, role: str, only_action: bool) -> Matrix:
    columns = [number for number, one in enumerate(matrix.requirements) if requirement in ("", one.key)]
    rows = [
        replace(row, cells=tuple(row.cells[number] for number in columns)) for row in matrix.rows if not role or role in row.role_values
    ]
    kept = [row for row in rows if row.needs_action or not only_action]
    return replace(matrix, requirements=tuple(matrix.requirements[number] for number in columns), rows=tuple(kept))


def _row(team: Team, row: Row, view: Shown) -> dict[str, Any]:
    suffix = f"?{view.query}" if view.query else ""
    cells = [
        {
            "cell": cell,
            "requirement": requirement,
            "url": reverse("supervision:cell-detail", args=[team.slug, row.person.pk, requirement.key]) + suffix,
        }
        for requirement, cell in zip(view.matrix.requirements, row.cells, strict=True)
    ]
    return {"person": row.person, "roles": ", ".join(row.roles), "cells": cells}
