"""What our views may rely on in a request."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails


class AuthenticatedRequest(HttpRequest):
    """A request past the sign-in gate: its user is a person, never anonymous."""

    user: AbstractUser  # type: ignore[assignment]
    htmx: HtmxDetails


def is_draft_preview(request: HttpRequest) -> bool:
    """True inside Wagtail's own preview, which has already asked whether this person may edit the page."""
    return bool(getattr(request, "is_preview", False))


def signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Wagtail serves pages past the site's sign-in gate; this closes it again for pages of courses."""

    @wraps(view)
    def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated and not is_draft_preview(request):
            return redirect_to_login(request.get_full_path())
        return view(cast(AuthenticatedRequest, request), *args, **kwargs)

    return gate
