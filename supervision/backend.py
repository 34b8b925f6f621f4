"""Signing in, and what a membership that has ended no longer gives."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.utils import timezone

from supervision.models import Membership, User

ADMIN = "wagtailadmin.access_admin"


class MembershipBackend(AuthenticationBackend):
    """allauth's, but for one thing: the Wagtail admin opens only to somebody who is a content editor today.

    The editors' group is given when the membership begins; asking here means that access ends on the day the
    membership does, without anybody having to take the group away.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        if perm == ADMIN and isinstance(user_obj, User) and not user_obj.is_superuser and not is_editor(user_obj):
            return False
        return bool(super().has_perm(user_obj, perm, obj))


def is_editor(user: User) -> bool:
    return Membership.objects.of(user).on(timezone.localdate()).filter(role=Membership.Role.CONTENT_EDITOR).exists()
