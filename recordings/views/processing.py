"""How far a recording is, trying again, and what its page reads once it is ready: the waveform."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_POST, require_safe

from recordings import permissions, pipeline, transcript
from recordings.models import Recording
from recordings.vault import Damaged, KeyGone
from supervision.http import AuthenticatedRequest

STOP_POLLING = 286


@require_safe
def status(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    """The fragment that a recording's page asks for every two seconds, until there is nothing more to wait for."""
    recording = get_object_or_404(Recording.objects.visible_to(request.user).select_related("consent"), pk=pk)
    page = reverse("recordings:detail", args=[pk])
    if not request.htmx:
        return redirect(page)
    response = render(
        request, "recordings/_status.html", {"recording": recording, "can_retry": permissions.can_retry(request.user, recording)}
    )
    if pipeline.progress(recording).is_final:
        response.status_code = STOP_POLLING
        response.headers["HX-Refresh"] = "true"  # the page around this fragment says it in other places too
    patch_cache_control(response, private=True, no_store=True)
    return response


@require_POST
def retry(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    recording = get_object_or_404(Recording.objects.visible_to(request.user).select_related("consent"), pk=pk)
    if recording.state != Recording.State.FAILED:
        messages.info(request, "This recording is not one that stopped. The page shows how far it is.")
        return redirect("recordings:detail", pk)
    if not permissions.can_retry(request.user, recording):
        raise PermissionDenied
    try:
        pipeline.retry(recording=recording, by=request.user, now=timezone.now())
    except pipeline.NotRetryable as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, "The recording is being processed again.")
    return redirect("recordings:detail", pk)


def _audible(request: AuthenticatedRequest, pk: uuid.UUID) -> Recording:
    """A recording that this person may hear. Raises Http404 for strangers, PermissionDenied where consent or role do not reach."""
    recording = get_object_or_404(Recording.objects.visible_to(request.user).select_related("consent"), pk=pk)
    if not permissions.can_listen(request.user, recording):
        raise PermissionDenied
    return recording


@require_safe
def read_peaks(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    """Part of the waveform: pairs of signed bytes (least, greatest) of one level, `start` to `end` in pairs."""
    recording = _audible(request, pk)
    try:
        level, start, end = (_number(request, name, least) for name, least in (("level", 0), ("start", 0), ("end", 0)))
        body = transcript.peaks(recording, level or 0, start or 0, end)
    except (ValueError, LookupError):
        return HttpResponseBadRequest("Ask for a level that there is, and for a start before the end.")
    except (KeyGone, Damaged) as error:
        raise Http404(str(error)) from None
    return _unkept(HttpResponse(body, content_type="application/octet-stream"), transcript.tag(recording))


def _number(request: AuthenticatedRequest, name: str, least: int) -> int | None:
    given = request.GET.get(name)
    if given is None:
        return None
    value = int(given)
    if value < least:
        raise ValueError(name)
    return value


def _unkept(response: HttpResponse, tag: str) -> HttpResponse:
    """Nothing of a voice stays in a browser's or a proxy's cache."""
    patch_cache_control(response, private=True, no_store=True)
    if tag:
        response.headers["ETag"] = tag
    return response


urlpatterns = [
    path("<uuid:pk>/status/", status, name="status"),
    path("<uuid:pk>/retry/", retry, name="retry"),
    path("<uuid:pk>/peaks/", read_peaks, name="peaks"),
]
