"""The sound of a recording, to those who may hear it, for as long as they may: every request is judged anew."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase, HttpResponseNotFound
from django.utils import timezone
from django.views.decorators.http import require_safe
from wagtail.log_actions import log

from recordings import permissions, sent, serving, vault
from recordings.models import Recording, SealedObject
from supervision.http import AuthenticatedRequest
from supervision.models import User

_LOGGED_SECONDS = 1800


@require_safe
def stream(request: AuthenticatedRequest, pk: str) -> HttpResponseBase:
    return serve(request, pk, SealedObject.Kind.PLAYBACK)


def serve(request: AuthenticatedRequest, pk: str, kind: str, *, number: int = 0, media_type: str = "") -> HttpResponseBase:
    """What was sealed of that kind and number, or the part that is asked for, to whoever may listen to the recording.

    Where no media type is given, the first bytes tell which sound it is.
    """
    recording = Recording.objects.visible_to(request.user).select_related("consent", "team__programme").filter(pk=pk).first()
    if recording is None:
        return _missing()
    if recording.state == Recording.State.DESTROYED:
        return _gone()
    if not permissions.can_listen(request.user, recording):
        raise PermissionDenied("You cannot listen to this recording.")
    sealed = SealedObject.objects.filter(recording=recording, kind=kind, number=number).first()
    if sealed is None:
        return _missing()
    try:
        reader = vault.open_sealed(sealed)
    except vault.KeyGone:
        return _gone()
    _note(request, recording)
    response = serving.range_response(
        request, reader, media_type or serving.sound_type(reader), may_go_on=lambda: _may_still(request.user, recording)
    )
    picture = sealed if kind == SealedObject.Kind.VIDEO else None
    return sent.follow(response, recording=recording, person=request.user, picture=picture)


def _may_still(user: User, recording: Recording) -> bool:
    """Asked while the sound is on its way: a consent, or this use of it, may be taken back at any moment."""
    now = Recording.objects.select_related("consent", "team__programme").get(pk=recording.pk)
    return permissions.can_listen(user, now)


def _missing() -> HttpResponse:
    """One and the same answer whether there is nothing, or nothing for this person."""
    return HttpResponseNotFound("Not found.\n", content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store, private"})


def _gone() -> HttpResponse:
    return HttpResponse(
        "This recording has been destroyed.\n",
        status=410,
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store, private"},
    )


def _note(request: AuthenticatedRequest, recording: Recording) -> None:
    """One line in the audit log for a listening, not for each of its many requests. What was heard: `listening.py`."""
    now = int(timezone.now().timestamp())
    noted: dict[str, int] = request.session.get("listening", {})
    key = recording.pk.hex
    if now - noted.get(key, 0) < _LOGGED_SECONDS:
        return
    log(instance=recording, action="recordings.listen", user=request.user)
    recent = {other: at for other, at in noted.items() if now - at < _LOGGED_SECONDS}
    request.session["listening"] = {**recent, key: now}
