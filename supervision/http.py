"""A request whose user is known to be signed in; `LoginRequiredMiddleware` has seen to it."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from supervision.models import User


class AuthenticatedRequest(HttpRequest):
    user: User
    htmx: HtmxDetails
