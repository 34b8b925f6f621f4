"""The workbench: a recording is reviewed, submitted, released. What the scripts save: `marking.py`."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from recordings import permissions
from recordings import review as reviews
from recordings.models import Assignment, Comparison, Recording, Review
from recordings.views import bench, feedback, marking, worklist
from supervision import instruments
from supervision.http import AuthenticatedRequest
from supervision.models import Membership

State = Review.State


# The workbench


@never_cache
@require_http_methods(["GET", "POST"])
def review(request: AuthenticatedRequest, recording_id: uuid.UUID) -> HttpResponse:
    """POST begins the review of that recording; GET is the workbench."""
    recording = get_object_or_404(
        Recording.objects.visible_to(request.user).select_related("consent", "team__programme", "therapist", "family"), pk=recording_id
    )
    choices = instruments.choices(recording.team)
    chosen = next((one for one in choices if str(one.pk) in (request.GET.get("with"), request.POST.get("instrument"))), None)
    asked = _asked(request, recording, chosen.pk if chosen else None)
    chosen = asked.instrument if asked else chosen
    own = bench.own_of(request.user, recording, instrument_id=request.GET.get("with", ""))
    why = permissions.why_not_review(request.user, recording)
    if own and why:
        can_listen = permissions.can_listen(request.user, recording)
        context = {"review": own, "recording": recording, "why": why if can_listen else bench.gone_sentence(recording)}
        return render(request, "recordings/review_gone.html", context)
    if why:
        raise PermissionDenied(why)
    if request.method == "POST":
        try:
            if request.POST.get("instrument") and chosen is None:
                raise reviews.ReviewRefused("That instrument is not used in this team. Choose another.")
            begun = reviews.start(recording=recording, rater=request.user, instrument=chosen, assignment=asked, now=timezone.now())
        except reviews.ReviewRefused as refusal:
            messages.error(request, str(refusal))
            return redirect("recordings:review-list")
        return _to_bench(begun)
    if own is None:
        choices = [asked.instrument] if asked else choices
        context = {"recording": recording, "instruments": choices, "chosen": chosen or next(iter(choices), None)}
        return render(request, "recordings/review_start.html", context)
    own.recording = recording
    return bench.page(request, own)


def _asked(request: AuthenticatedRequest, recording: Recording, instrument_id: int | None) -> Assignment | None:
    """What this person has been asked to rate of the recording and has not begun: with that instrument, where one was chosen."""
    mine = Assignment.objects.open().filter(rater=request.user, recording=recording, review__isnull=True)
    if instrument_id is not None and mine.filter(instrument=instrument_id).exists():
        mine = mine.filter(instrument=instrument_id)
    return mine.select_related("instrument").order_by("assigned_at", "pk").first()


# Submitting and releasing


@require_http_methods(["GET", "POST"])
def submit(request: AuthenticatedRequest, review_id: uuid.UUID) -> HttpResponse:
    own = bench.own_review(request, review_id)
    if own.state != State.IN_PROGRESS:
        return _to_bench(own)
    state = reviews.completeness(own)
    if request.method == "POST":
        try:
            reviews.submit(review=own, by=request.user, now=timezone.now())
        except reviews.NotReady:
            return render(request, "recordings/review_submit.html", {"review": own, "state": state, "is_refused": True}, status=422)
        except reviews.ReviewRefused as refusal:
            messages.error(request, str(refusal))
        else:
            return _submitted(request, own)
        return _to_bench(own)
    return render(request, "recordings/review_submit.html", {"review": own, "state": state})


def _submitted(request: AuthenticatedRequest, own: Review) -> HttpResponseRedirect:
    """On to what comes next: the comparison, the report of a calibration, waiting for the other rating, or the release."""
    own = Review.objects.select_related("recording__therapist", "assignment").get(pk=own.pk)
    comparison = Comparison.objects.filter(Q(first=own) | Q(second=own)).first()
    if comparison is not None:
        messages.success(request, "Your review is submitted and locked. Both ratings are in: this is how they compare.")
        return redirect("recordings:comparison", comparison.pk)
    if reviews.is_exercise(own):
        messages.success(request, "Submitted. This was a calibration: it counts for no therapist. Here is how you compare with gold.")
        return redirect("recordings:rater-report", request.user.pk)
    if why := reviews.why_not_released(own):
        messages.success(request, f"Your review is submitted and locked. {why}")
        return redirect("recordings:review-list")
    messages.success(request, f"Your review is submitted and locked. Release it when {own.recording.therapist.first_name} may hear it.")
    return _to_bench(own)


@require_http_methods(["GET", "POST"])
def release(request: AuthenticatedRequest, review_id: uuid.UUID) -> HttpResponse:
    own = bench.own_review(request, review_id)
    if own.state == State.RELEASED:
        return redirect("recordings:feedback", own.pk)
    if own.state == State.IN_PROGRESS:
        messages.error(request, "Submit the review first; then it can be released.")
        return _to_bench(own)
    if why := reviews.why_not_released(own):
        messages.error(request, why)
        return redirect("recordings:review-list")
    if request.method == "POST":
        try:
            reviews.release(review=own, by=request.user, now=timezone.now())
        except reviews.ReviewRefused as refusal:  # a second rater was asked meanwhile
            messages.error(request, str(refusal))
            return redirect("recordings:review-list")
        messages.success(request, f"Released. {own.recording.therapist.first_name} sees it from now on.")
        return redirect("recordings:feedback", own.pk)
    leads = Membership.objects.current().filter(team=own.recording.team_id, role__in=Membership.LEADS).exclude(user=request.user)
    readers = leads.select_related("user").order_by("user__first_name", "user__last_name", "pk")
    return render(request, "recordings/review_release.html", {"review": own, "readers": readers})


def _to_bench(own: Review) -> HttpResponseRedirect:
    return HttpResponseRedirect(bench.address(own))


urlpatterns = [
    path("<uuid:recording_id>/review/", review, name="review"),
    path("reviews/<uuid:review_id>/submit/", submit, name="review-submit"),
    path("reviews/<uuid:review_id>/release/", release, name="review-release"),
    *worklist.urlpatterns,
    *bench.urlpatterns,
    *marking.urlpatterns,
    *feedback.urlpatterns,
]
