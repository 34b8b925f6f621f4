"""A request whose user is known to be signed in; `LoginRequiredMiddleware` has seen to it."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from supervision.models import User


class AuthenticatedRequest(HttpRequest):
    user: User
    htmx: HtmxDetails


def asked_words(request: HttpRequest, name: str) -> str:
    """What somebody typed to look for, without what no database can look for."""
    return "".join(letter for letter in request.GET.get(name, "") if letter.isprintable()).strip()
