"""Which sessions somebody is still rating. This app does not know; the one that does says so at start."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q, QuerySet

if TYPE_CHECKING:
    from supervision.models.people import User

Provider = Callable[["User"], QuerySet[Any, Any] | list[UUID]]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    """`provider` gives the ids of the sessions that a person is rating and has not submitted: nothing of theirs is shown meanwhile."""
    _providers.append(provider)


def open_to(user: "User") -> Q:
    """Ratings of sessions that the person is not rating at the moment."""
    condition = Q()
    for provider in _providers:
        condition &= ~Q(session__in=provider(user))
    return condition
