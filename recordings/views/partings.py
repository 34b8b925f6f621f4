"""A session is rated by two on request; and two ratings are released as they are where a rater has left."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from recordings import assigning, parting, permissions, vault
from recordings.models import Comparison, Recording
from recordings.ratingforms import PartingForm
from supervision.http import AuthenticatedRequest


@require_POST
def second_ask(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    recording = get_object_or_404(Recording.objects.visible_to(request.user).select_related("team"), pk=pk)
    if not permissions.can_ask_second(request.user, recording):
        raise PermissionDenied
    try:
        assigning.ask_second(recording=recording, by=request.user, now=timezone.now())
    except assigning.AssignmentRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Asked. Two consultants now rate this session, neither seeing what the other gives.")
    return redirect("recordings:detail", recording.pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def comparison_part(request: AuthenticatedRequest, comparison_id: uuid.UUID) -> HttpResponse:
    """Those who lead the team know of it by its being stuck; what is in it stays closed until it is released."""
    comparison = next((one for one in parting.stuck_for(request.user) if one.pk == comparison_id), None)
    if comparison is None:
        own = Comparison.objects.visible_to(request.user).select_related("first__recording").filter(pk=comparison_id).first()
        if own is None:
            raise Http404
        if not permissions.can_part(request.user, own):
            raise PermissionDenied
        messages.error(request, "Both raters can still settle this, or it has been released.")
        return redirect("recordings:comparison", own.pk)
    form = PartingForm(request.POST or None)
    recording = comparison.first.recording
    if request.method == "POST" and form.is_valid():
        try:
            parting.release(comparison=comparison, by=request.user, now=timezone.now(), **form.cleaned_data)
        except (parting.PartingRefused, vault.KeyGone) as refusal:
            messages.error(request, str(refusal))
            return redirect("recordings:review-list")
        messages.success(request, f"Released. {recording.therapist.first_name} sees both reviews from now on.")
        return redirect("recordings:comparison", comparison.pk)
    context = {
        "comparison": comparison,
        "recording": recording,
        "form": form,
        "goes": [
            f"{recording.therapist.first_name} and those who lead {recording.team.name} see both reviews, with their words.",
            "The reason that you give stands beside them.",
        ],
        "stays": ["Both ratings stay as they were given.", "Nobody’s score is changed in that person’s name."],
        "cancel_url": reverse("recordings:review-list"),
    }
    return render(request, "recordings/comparison_part.html", context, status=422 if request.method == "POST" else 200)


urlpatterns = [
    path("<uuid:pk>/second-rating/", second_ask, name="second-ask"),
    path("comparisons/<uuid:comparison_id>/release-as-they-are/", comparison_part, name="comparison-part"),
]
