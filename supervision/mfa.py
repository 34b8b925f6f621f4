"""Who gets past the door: two-step sign-in for everyone (`REQUIRE_MFA`), and the back office for those who edit today."""

from collections.abc import Callable
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from supervision.backend import is_editor

_ALWAYS = {"account_logout", "health-live", "health-ready", "static"}
_SET_UP = {
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_list_webauthn",
    "mfa_generate_recovery_codes",
    "mfa_view_recovery_codes",
    "mfa_download_recovery_codes",
    "account_reauthenticate",
}
_PROVE = {"mfa_reauthenticate", "mfa_reauthenticate_webauthn"}
_BACK_OFFICE = "/admin/"


class RequireMFAMiddleware:
    """Lets a signed-in person go nowhere until the session holds a second factor.

    Whoever has none set up may only set one up; whoever has one may only prove it, whichever page they came in by. A passkey
    used at sign-in and a recovery code count. `REQUIRE_MFA` off lets everybody by: for the demo, and for tests.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> HttpResponse | None:
        if not request.user.is_authenticated:
            return None
        name = request.resolver_match.url_name if request.resolver_match else None
        if request.path.startswith(_BACK_OFFICE) and name != "admin-login" and not _may_edit(request):
            raise PermissionDenied
        if not settings.REQUIRE_MFA or has_second_factor(request):
            return None
        enrolled = Authenticator.objects.filter(user_id=request.user.pk).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
        if name in _ALWAYS | (_PROVE if enrolled else _SET_UP):
            return None
        if answer := getattr(view, "turn_away", None):  # a view that speaks to programs says no in its own way
            return answer(request)
        return _turn_away(request, enrolled=enrolled)


def has_second_factor(request: HttpRequest) -> bool:
    """Whether this session proved more than a password."""
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, request.user))


def _may_edit(request: HttpRequest) -> bool:
    """Wagtail itself would send whoever may not in to sign in again, and that page straight back: round and round."""
    return bool(request.user.is_superuser) or is_editor(request.user)  # type: ignore[arg-type]


def _turn_away(request: HttpRequest, *, enrolled: bool) -> HttpResponse:
    target = reverse("mfa_reauthenticate") if enrolled else reverse("mfa_index")
    if enrolled and request.method == "GET":
        target = f"{target}?{urlencode({'next': request.get_full_path()})}"
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    sentence = (
        "Confirm your second step to go on."
        if enrolled
        else "Set up two-step sign-in to go on. Everybody here needs it, because of the recordings."
    )
    messages.info(request, sentence)
    return redirect(target)


@receiver(authenticator_added, dispatch_uid="plumbline-mfa")
def count_as_proof(request: HttpRequest, user: Any, authenticator: Authenticator, **kwargs: Any) -> None:
    """Setting up an app or a key proves it: nobody is asked for it again straight away."""
    if authenticator.type != Authenticator.Type.RECOVERY_CODES and request.user.is_authenticated:
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
