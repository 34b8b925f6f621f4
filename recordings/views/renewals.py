"""A family's newer consent, used for a recording made before it."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST

from recordings import permissions, renewing
from recordings.models import Consent, Recording
from supervision.http import AuthenticatedRequest


@require_POST
def use(request: AuthenticatedRequest, pk: uuid.UUID, consent_pk: int) -> HttpResponse:
    recording = get_object_or_404(Recording.objects.visible_to(request.user).select_related("consent", "family"), pk=pk)
    if not permissions.can_use_renewal(request.user, recording):
        raise PermissionDenied("The recording's therapist and the team's supervisors decide this.")
    newer = get_object_or_404(Consent.objects.filter(family=recording.family), pk=consent_pk)
    try:
        renewing.use(recording=recording, newer=newer, by=request.user, now=timezone.now())
    except renewing.RenewalRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"The consent of {newer.given_on:%-d %B %Y} holds for this recording now.")
    return redirect("recordings:detail", recording.pk)


urlpatterns = [path("<uuid:pk>/consent/<int:consent_pk>/", use, name="consent-use")]
