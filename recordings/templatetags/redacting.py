"""What the recording's page shows of its muted versions and of its picture, for whoever looks."""

from typing import Any

from django import template

from recordings import permissions
from recordings.models import Recording, Redaction, SealedObject
from supervision.models import User

register = template.Library()


@register.simple_tag
def muted_versions(recording: Recording, user: User) -> dict[str, Any]:
    """`can_redact`, the versions there are, the newest first, and whether a clip can be made of them."""
    if not permissions.can_redact(user, recording):
        return {"can_redact": False, "versions": []}
    versions = list(Redaction.objects.filter(recording=recording).order_by("-number"))
    return {"can_redact": True, "versions": versions, "can_make_clip": permissions.can_make_clip(user, recording)}


@register.simple_tag
def has_picture(recording: Recording) -> bool:
    return recording.has_video and SealedObject.objects.filter(recording=recording, kind=SealedObject.Kind.VIDEO).exists()


@register.filter
def clock_tenths(milliseconds: int) -> str:
    """ "12:10.5": a place that can be typed again."""
    minutes, rest = divmod(milliseconds / 1000, 60)
    return f"{int(minutes)}:{rest:04.1f}"
