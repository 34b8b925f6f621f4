"""A team's supervision and consultation, week by week."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from supervision import permissions, sessions
from supervision.forms import SessionForm
from supervision.http import AuthenticatedRequest
from supervision.models import SupervisionSession
from supervision.periods import say
from supervision.views.access import load_team, rights

WEEKS = 13


@require_safe
def session_list(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    team = load_team(request, slug)
    if not permissions.can_see_matrix(request.user, team):
        raise PermissionDenied
    weeks = 52 if request.GET.get("weeks") == "52" else WEEKS
    shown = sessions.by_week(team, today=timezone.localdate(), weeks=weeks)
    context = {
        "team": team,
        "weeks": shown,
        "gaps": sum(bool(one.gap) and one.is_over for one in shown),
        "is_year": weeks == 52,
        "any_session": any(one.sessions for one in shown),
        **rights(request.user, team),
    }
    return render(request, "supervision/session_list.html", context)


@require_http_methods(["GET", "POST"])
def session_create(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    team = load_team(request, slug)
    if not permissions.can_record_session(request.user, team):
        raise PermissionDenied
    now = timezone.now()
    form = SessionForm(request.POST if request.method == "POST" else None, team=team, user=request.user, today=timezone.localdate(now))
    if form.is_valid():
        try:
            session = sessions.hold(team=team, by=request.user, now=now, **form.cleaned_data)
        except sessions.SessionRefused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{SupervisionSession.Kind(session.kind).label} on {say(session.held_on)} is recorded.")
            return redirect("supervision:session-list", team.slug)
    return render(request, "supervision/session_create.html", {"team": team, "form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def session_cancel(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    team = load_team(request, slug)
    session = get_object_or_404(SupervisionSession.objects.select_related("held_by"), pk=pk, team=team)
    if not permissions.can_record_session(request.user, team):
        raise PermissionDenied
    if request.method == "POST":
        try:
            sessions.cancel(session=session, by=request.user, now=timezone.now())
        except sessions.SessionRefused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"The session of {say(session.held_on)} is cancelled and no longer counts.")
        return redirect("supervision:session-list", team.slug)
    people = [one.person.get_full_name() for one in session.attendances.select_related("person").order_by("person__last_name", "pk")]
    context = {
        "team": team,
        "session": session,
        "kind": SupervisionSession.Kind(session.kind).label,
        "goes": [f"The attendance of {', '.join(people)} on {say(session.held_on)}, which no longer counts in the matrix."],
        "stays": ["The entry itself, marked as cancelled, with your name and the time.", "Every other session."],
    }
    return render(request, "supervision/session_cancel.html", context)
