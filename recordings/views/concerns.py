"""A concern about somebody's safety: raised from a recording, read by those who lead the team, closed with what was done."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from recordings import comments, permissions
from recordings import concern as concerns
from recordings.benchforms import ConcernClosedForm, ConcernForm
from recordings.models import Concern, Recording
from recordings.reviewforms import clock_text
from supervision.http import AuthenticatedRequest


@never_cache
@require_http_methods(["GET", "POST"])
def create(request: AuthenticatedRequest, recording_id: uuid.UUID) -> HttpResponse:
    known = Recording.objects.visible_to(request.user).select_related("consent", "team", "therapist", "family")
    recording = get_object_or_404(known, pk=recording_id)
    if not permissions.can_raise_concern(request.user, recording):
        raise PermissionDenied
    at = request.GET.get("at", "")
    place = clock_text(int(at) // 1000 * 1000) if at.isascii() and at.isdigit() and len(at) < 10 else ""
    form = ConcernForm(request.POST if request.method == "POST" else None, initial={"at": place})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            made = concerns.raise_concern(
                recording=recording,
                urgency=values["urgency"],
                text=values["text"],
                at_ms=values["at"],
                with_therapist=values["with_therapist"],
                by=request.user,
                now=timezone.now(),
            )
        except concerns.ConcernRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request, "Your concern is raised, and the team’s supervisors have been told. Follow your safeguarding procedure as well."
            )
            return redirect("recordings:concern", made.pk)
    told = concerns.readers(recording, with_therapist=False, on=timezone.localdate())
    context = {"recording": recording, "form": form, "told": told, "is_own": recording.therapist_id == request.user.pk}
    return render(request, "recordings/concern_create.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def detail(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    known = Concern.objects.visible_to(request.user).select_related(
        "recording__therapist", "recording__family", "recording__team", "raised_by", "closed_by", "text", "outcome"
    )
    concern = get_object_or_404(known, pk=pk)
    may_close = permissions.can_close_concern(request.user, concern)
    form = ConcernClosedForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not may_close:
            raise PermissionDenied
        is_gone = concern.recording.state == Recording.State.DESTROYED
        if form.is_valid() or is_gone:
            try:
                concerns.close(concern=concern, outcome=form.cleaned_data.get("outcome", ""), by=request.user, now=timezone.now())
            except concerns.ConcernRefused as refusal:
                form.add_error("outcome", str(refusal))
            else:
                messages.success(request, "The concern is closed.")
                return redirect("recordings:concern", concern.pk)
    context = {
        "concern": concern,
        "recording": concern.recording,
        "text": comments.opened(concern.text),
        "outcome": comments.opened(concern.outcome),
        "is_gone": concern.recording.state == Recording.State.DESTROYED,
        "form": form if may_close and concern.closed_at is None else None,
        "may_listen": permissions.can_listen(request.user, concern.recording),
    }
    return render(request, "recordings/concern_detail.html", context, status=422 if form.errors else 200)


urlpatterns = [
    path("<uuid:recording_id>/concerns/new/", create, name="concern-create"),
    path("concerns/<uuid:pk>/", detail, name="concern"),
]
