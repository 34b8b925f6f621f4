"""Deleting a recording's voice prints, and its spectrum for drawing."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_http_methods, require_safe

from recordings import permissions, voiceprints, voices
from recordings.models import Recording
from recordings.vault import Damaged, KeyGone
from supervision.http import AuthenticatedRequest


def _load(request: AuthenticatedRequest, pk: uuid.UUID) -> Recording:
    known = Recording.objects.visible_to(request.user).select_related("consent", "family", "team__programme")
    return get_object_or_404(known, pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    recording = _load(request, pk)
    if not permissions.can_delete_voice_prints(request.user, recording):
        raise PermissionDenied("This is for the recording's therapist, the team's supervisors and the information governance lead.")
    if request.method == "POST":
        try:
            were_there = voiceprints.delete(recording=recording, by=request.user, now=timezone.now())
        except (voiceprints.NotDeletable, KeyGone, Damaged) as refusal:
            messages.error(request, str(refusal))
        else:
            done = "The voice prints are deleted. Who said what stays as it is."
            messages.success(request, done if were_there else "There are no voice prints of this recording.")
        return redirect("recordings:detail", pk)
    context = {
        "recording": recording,
        "family": recording.family,
        "goes": [
            "The numbers that stand for how each voice sounds. They are as personal as a fingerprint.",
        ],
        "stays": [
            "The recording, the transcript, and who said what, with the names that people gave.",
            "The figures about how the time was shared.",
            "Backups of the sealed file, until they have aged out. They cannot be read once the recording is destroyed.",
        ],
    }
    return render(request, "recordings/voices_delete.html", context)


@require_safe
def mel(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    """Part of the spectrum: 80 unsigned bytes a pixel of one level, `start` to before `end` in pixels."""
    recording = _load(request, pk)
    if not permissions.can_listen(request.user, recording):
        raise PermissionDenied
    try:
        level, start, end = (int(request.GET.get(name, usual)) for name, usual in (("level", "2"), ("start", "0"), ("end", "1024")))
        body = voices.spectrum(recording, level, start, end)
    except ValueError:
        return HttpResponseBadRequest("Ask for a level from 0 to 2, and for a start before the end.")
    except (KeyGone, Damaged) as error:
        raise Http404(str(error)) from None
    response = HttpResponse(body, content_type="application/octet-stream")
    patch_cache_control(response, private=True, no_store=True)
    return response


urlpatterns = [
    path("<uuid:pk>/voices/delete/", delete, name="voices-delete"),
    path("<uuid:pk>/mel/", mel, name="mel"),
]
