"""Inviting somebody, and the page behind the link."""

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from supervision import invitations, permissions
from supervision.forms import InvitationForm, PasswordForm
from supervision.http import AuthenticatedRequest
from supervision.models import Invitation, Membership, Team, User
from supervision.views.access import load_team

Role = Membership.Role


@require_http_methods(["GET", "POST"])
def invitation_create(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    team = load_team(request, slug)
    if not permissions.can_manage_team(request.user, team):
        raise PermissionDenied
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            invitation, token = invitations.invite(**form.cleaned_data, team=team, by=request.user, now=timezone.now())
        except invitations.InvitationRefused as error:
            form.add_error(None, str(error))
        else:
            return _handed_over(request, team, invitation, token, "An invitation is on its way to")
    return render(request, "supervision/invitation_create.html", {"team": team, "form": form}, status=422 if form.errors else 200)


@require_POST
def invitation_resend(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    team, invitation = _load(request, slug, pk)
    try:
        token = invitations.resend(invitation=invitation, by=request.user, now=timezone.now())
    except invitations.InvitationRefused as error:
        messages.error(request, str(error))
        return redirect("supervision:member-list", team.slug)
    return _handed_over(request, team, invitation, token, "A new link is on its way to")


@require_POST
def invitation_cancel(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    team, invitation = _load(request, slug, pk)
    try:
        invitations.cancel(invitation=invitation, by=request.user, now=timezone.now())
    except invitations.InvitationRefused as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, f"The invitation of {invitation.first_name} {invitation.last_name} is cancelled. Its link no longer works."
        )
    return redirect("supervision:member-list", team.slug)


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def invitation_accept(request: HttpRequest, token: str) -> HttpResponse:
    """Open to everybody: the token is the key. A new account gets its password here; an existing one joins after signing in."""
    now = timezone.now()
    try:
        invitation = invitations.find(token, now=now)
    except invitations.InvitationRefused as error:
        return render(request, "supervision/invitation_over.html", {"reason": str(error)}, status=410)
    context = {"invitation": invitation, "role": Role(invitation.role).label}
    if request.user.is_authenticated or invitations.account_of(invitation):
        return _join(request, invitation, token, context)
    person = User(email=invitation.email, first_name=invitation.first_name, last_name=invitation.last_name)
    form = PasswordForm(request.POST if request.method == "POST" else None, user=person)
    if form.is_valid():
        try:
            user = invitations.accept(token=token, password=form.cleaned_data["password"], now=now)
        except invitations.InvitationRefused as error:
            return render(request, "supervision/invitation_over.html", {"reason": str(error)}, status=410)
        # Just chosen, so just proved: setting up the second step need not ask for it again.
        record_authentication(request, user, "password", email=user.email, reauthenticated=True)
        messages.success(request, f"Welcome, {user.first_name}. Your account is ready.")
        response: HttpResponse = perform_login(request, user, email_verification="none", redirect_url=reverse("home"))
        return response
    return render(request, "supervision/invitation_accept.html", {**context, "form": form}, status=422 if form.errors else 200)


def _join(request: HttpRequest, invitation: Invitation, token: str, context: dict[str, object]) -> HttpResponse:
    user = request.user
    if not isinstance(user, User):
        sign_in = f"{reverse('account_login')}?{urlencode({'next': request.path})}"
        return render(request, "supervision/invitation_sign_in.html", {**context, "sign_in": sign_in})
    if user.email.lower() != invitation.email.lower():
        return render(request, "supervision/invitation_other.html", context, status=403)
    if request.method != "POST":
        return render(request, "supervision/invitation_join.html", context)
    try:
        membership = invitations.join(token=token, user=user, now=timezone.now())
    except invitations.InvitationRefused as error:
        return render(request, "supervision/invitation_over.html", {"reason": str(error)}, status=410)
    place = membership.team.name if membership.team else "the whole service"
    messages.success(request, f"You are {Role(membership.role).label.lower()} of {place} now.")
    return redirect("home")


def _load(request: AuthenticatedRequest, slug: str, pk: int) -> tuple[Team, Invitation]:
    team = load_team(request, slug)
    if not permissions.can_manage_team(request.user, team):
        raise PermissionDenied
    return team, get_object_or_404(Invitation, pk=pk, team=team)


def _handed_over(request: AuthenticatedRequest, team: Team, invitation: Invitation, token: str, begins: str) -> HttpResponse:
    """Back to the list, which shows the link this once."""
    request.session[f"invitation-link-{team.pk}"] = {
        "name": f"{invitation.first_name} {invitation.last_name}",
        "link": invitations.link(token),
    }
    messages.success(request, f"{begins} {invitation.email}.")
    return redirect("supervision:member-list", team.slug)
