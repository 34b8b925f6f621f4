"""Two-step sign-in for everyone, whichever page they came in by (`REQUIRE_MFA`)."""

from collections.abc import Callable

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

_ALWAYS_OPEN = ("/accounts/", "/static/", "/health/")


class RequireMFAMiddleware:
    """Lets a signed-in person go nowhere but to their security page until the session holds a second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.REQUIRE_MFA and request.user.is_authenticated and not request.path.startswith(_ALWAYS_OPEN):
            records = get_authentication_records(request)
            if not any(record.get("method") == "mfa" for record in records):
                enrolled = Authenticator.objects.filter(user=request.user).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
                return redirect(reverse("account_reauthenticate") if enrolled else reverse("mfa_index"))
        return self.get_response(request)
