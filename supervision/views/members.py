"""Who is in the team: the list, adding a colleague, changing and ending a membership."""

import datetime as dt

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from supervision import invitations, permissions, teams
from supervision.forms import EndChangeForm, MemberForm, MembershipEndForm
from supervision.http import AuthenticatedRequest
from supervision.models import Membership, Team, User
from supervision.periods import say
from supervision.views.access import load_team, rights

Role = Membership.Role


@require_safe
def member_list(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    team = load_team(request, slug)
    if not permissions.can_see_matrix(request.user, team):
        raise PermissionDenied
    now = timezone.now()
    today = timezone.localdate(now)
    held = list(
        Membership.objects.filter(team=team).select_related("user").order_by("user__last_name", "user__first_name", "starts_on", "pk")
    )
    current = [one for one in held if one.user.is_active and (one.ends_on is None or one.ends_on >= today)]
    context = {
        "team": team,
        "members": [
            {
                "membership": one,
                "role": Role(one.role).label,
                "can_change": permissions.can_change_membership(request.user, one),
                "is_future": one.starts_on > today,
            }
            for one in current
        ],
        "former": [{"membership": one, "role": Role(one.role).label} for one in held if one not in current],
        "invitations": [
            {"invitation": one, "role": Role(one.role).label, "is_lapsed": one.expires_at <= now}
            for one in invitations.pending(team).select_related("invited_by").order_by("invited_at", "pk")
        ],
        "fresh_link": request.session.pop(f"invitation-link-{team.pk}", None) if permissions.can_manage_team(request.user, team) else None,
        **rights(request.user, team),
    }
    response = render(request, "supervision/member_list.html", context)
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "POST"])
def membership_add(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """Give a role to a colleague who has an account: somebody of this team, or of another that the manager knows of."""
    team = load_team(request, slug)
    if not permissions.can_manage_team(request.user, team):
        raise PermissionDenied
    form = MemberForm(request.POST if request.method == "POST" else None, people=_colleagues(request.user, team))
    if form.is_valid():
        data = form.cleaned_data
        try:
            membership = teams.add_member(
                team=team,
                user=data["person"],
                role=data["role"],
                starts_on=data["starts_on"],
                ends_on=data["ends_on"],
                by=request.user,
                now=timezone.now(),
            )
        except teams.MembershipError as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request,
                f"{membership.user.get_full_name()} is {Role(membership.role).label.lower()} of {team.name} from {say(membership.starts_on)}.",
            )
            return redirect("supervision:member-list", team.slug)
    return render(request, "supervision/membership_add.html", {"team": team, "form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def membership_change(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    team, membership = _load(request, slug, pk)
    form = EndChangeForm(request.POST if request.method == "POST" else None, initial={"ends_on": membership.ends_on})
    if form.is_valid():
        try:
            teams.change_end(membership=membership, ends_on=form.cleaned_data["ends_on"], by=request.user, now=timezone.now())
        except teams.MembershipError as error:
            form.add_error("ends_on", str(error))
        else:
            until = f"ends on {say(membership.ends_on)}" if membership.ends_on else "has no end date"
            messages.success(request, f"{membership.user.get_full_name()}'s role as {Role(membership.role).label.lower()} {until}.")
            return redirect("supervision:member-list", team.slug)
    context = {"team": team, "membership": membership, "role": Role(membership.role).label, "form": form}
    return render(request, "supervision/membership_change.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def membership_end(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    team, membership = _load(request, slug, pk)
    form = MembershipEndForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        on: dt.date = form.cleaned_data["on"]
        try:
            teams.end_membership(membership=membership, on=on, by=request.user, now=timezone.now())
        except teams.MembershipError as error:
            form.add_error("on", str(error))
        else:
            messages.success(
                request,
                f"{membership.user.get_full_name()} is {Role(membership.role).label.lower()} of {team.name} until {say(on)}, inclusive.",
            )
            return redirect("supervision:member-list", team.slug)
    context = {"team": team, "membership": membership, "role": Role(membership.role).label, "form": form, **_consequences(membership, team)}
    return render(request, "supervision/membership_end.html", context, status=422 if form.errors else 200)


def _load(request: AuthenticatedRequest, slug: str, pk: int) -> tuple[Team, Membership]:
    team = load_team(request, slug)
    membership = get_object_or_404(Membership.objects.select_related("user", "team__programme"), pk=pk, team=team)
    if not permissions.can_change_membership(request.user, membership):
        raise PermissionDenied
    return team, membership


def _colleagues(user: User, team: Team) -> QuerySet[User]:
    """People of this team, past ones too, and of the other teams that the manager belongs to."""
    known = Team.objects.visible_to(user)
    here = Membership.objects.filter(user=OuterRef("pk"), team=team)
    elsewhere = Membership.objects.current().filter(user=OuterRef("pk"), team__in=known)
    return (
        User.objects.filter(Q(Exists(here)) | Q(Exists(elsewhere)), is_active=True)
        .exclude(pk=user.pk)
        .order_by("last_name", "first_name", "pk")
    )


def _consequences(membership: Membership, team: Team) -> dict[str, list[str]]:
    name = membership.user.first_name
    goes = [f"{name}'s access as {Role(membership.role).label.lower()} of {team.name}, at the end of the last day."]
    if membership.role in (Role.THERAPIST, *Membership.SUPERVISORS):
        goes.append("The recordings, consents and families of this team, which they can then no longer open.")
    if membership.role in Membership.LEADS:
        goes.append("Reviews that they have begun and not submitted.")
    stays = [
        "The account itself, and any role in another team.",
        "Training records, certificates and exercise answers.",
        "Recordings, reviews and ratings, for the team and under the same retention.",
        "Past dates of the matrix, as they were.",
    ]
    return {"goes": goes, "stays": stays}
