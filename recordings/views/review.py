"""The consultant's work list and the workbench: a recording is reviewed, submitted, released. What the scripts save: `marking.py`."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from recordings import listening, permissions
from recordings import review as reviews
from recordings.models import Recording, Review
from recordings.reviewforms import WorkFilter
from recordings.views import bench, feedback, marking
from supervision.http import AuthenticatedRequest
from supervision.models import Item, Membership, Team, User

State = Review.State


# The work list


@require_GET
def review_list(request: AuthenticatedRequest) -> HttpResponse:
    """A consultant's queue across teams, oldest first; for everybody else, the feedback that was released to them."""
    user = request.user
    consults = Membership.objects.of(user).current().filter(role=Membership.Role.CONSULTANT)
    waiting = Recording.objects.visible_to(user).awaiting_review_by(user)
    seen = Review.objects.visible_to(user)
    teams = Team.objects.filter(Q(pk__in=consults.values("team")) | Q(pk__in=seen.values("recording__team"))).order_by("name", "pk")
    therapists = User.objects.filter(Q(pk__in=waiting.values("therapist")) | Q(pk__in=seen.values("recording__therapist")))
    choice = WorkFilter(request.GET or None, teams=teams, therapists=therapists.order_by("first_name", "last_name", "pk"))
    choice.is_valid()
    for name in ("team", "therapist"):
        if chosen := getattr(choice, "cleaned_data", {}).get(name):
            waiting = waiting.filter(**{name: chosen})
            seen = seen.filter(**{f"recording__{name}": chosen})
    own = _with_progress(seen.filter(rater=user), user)
    context = {
        "filter": choice,
        "is_consultant": consults.exists(),
        "waiting": list(waiting.select_related("therapist", "team", "family").order_by("uploaded_at", "pk")),
        "in_progress": [row for row in own if row["review"].state == State.IN_PROGRESS],
        "submitted": [row for row in own if row["review"].state == State.SUBMITTED],
        "released": list(
            seen.filter(state=State.RELEASED)
            .select_related("rater", "recording__therapist", "recording__team")
            .annotate(answers=Count("replies"))
            .order_by("-released_at", "pk")[:100]
        ),
        "today": timezone.localdate(),
    }
    return render(request, "recordings/review_list.html", context)


def _with_progress(own: QuerySet[Review], user: User) -> list[dict[str, Any]]:
    """Unreleased reviews with "7 of 9 rated, 64 % heard", in a fixed number of queries."""
    rated = Count("draft_scores", filter=Q(draft_scores__score__isnull=False) | Q(draft_scores__is_not_applicable=True))
    found = list(
        own.exclude(state=State.RELEASED)
        .select_related("recording__therapist", "recording__team")
        .annotate(rated=rated)
        .order_by("recording__uploaded_at", "pk")
    )
    totals = dict(Item.objects.filter(instrument__in=[one.instrument_id for one in found]).values_list("instrument").annotate(Count("pk")))
    shares = listening.shares_heard([one.recording for one in found], user)
    return [
        {
            "review": one,
            "progress": reviews.progress_sentence(one.rated, totals.get(one.instrument_id, 0), shares[one.recording_id]),
            "is_gone": one.recording.state == Recording.State.DESTROYED,
        }
        for one in found
    ]


# The workbench


@never_cache
@require_http_methods(["GET", "POST"])
def review(request: AuthenticatedRequest, recording_id: uuid.UUID) -> HttpResponse:
    """POST begins the review of that recording; GET is the workbench."""
    recording = get_object_or_404(
        Recording.objects.visible_to(request.user).select_related("consent", "team__programme", "therapist", "family"), pk=recording_id
    )
    own = Review.objects.visible_to(request.user).filter(recording=recording, rater=request.user).select_related("rater").first()
    may = permissions.can_review(request.user, recording)
    if own and not may:
        return render(
            request, "recordings/review_gone.html", {"review": own, "recording": recording, "why": bench.gone_sentence(recording)}
        )
    if not may:
        raise PermissionDenied
    if request.method == "POST":
        try:
            reviews.start(recording=recording, rater=request.user, now=timezone.now())
        except reviews.ReviewRefused as refusal:
            messages.error(request, str(refusal))
            return redirect("recordings:review-list")
        return redirect("recordings:review", recording.pk)
    if own is None:
        return render(request, "recordings/review_start.html", {"recording": recording})
    own.recording = recording
    return bench.page(request, own)


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
            messages.success(
                request, f"Your review is submitted and locked. Release it when {own.recording.therapist.first_name} may hear it."
            )
        return _to_bench(own)
    return render(request, "recordings/review_submit.html", {"review": own, "state": state})


@require_http_methods(["GET", "POST"])
def release(request: AuthenticatedRequest, review_id: uuid.UUID) -> HttpResponse:
    own = bench.own_review(request, review_id)
    if own.state == State.RELEASED:
        return redirect("recordings:feedback", own.pk)
    if own.state == State.IN_PROGRESS:
        messages.error(request, "Submit the review first; then it can be released.")
        return _to_bench(own)
    if request.method == "POST":
        reviews.release(review=own, by=request.user, now=timezone.now())
        messages.success(request, f"Released. {own.recording.therapist.first_name} sees it from now on.")
        return redirect("recordings:feedback", own.pk)
    leads = Membership.objects.current().filter(team=own.recording.team_id, role__in=Membership.LEADS).exclude(user=request.user)
    readers = leads.select_related("user").order_by("user__first_name", "user__last_name", "pk")
    return render(request, "recordings/review_release.html", {"review": own, "readers": readers})


def _to_bench(own: Review) -> HttpResponseRedirect:
    return redirect("recordings:review", own.recording_id)


urlpatterns = [
    path("reviews/", review_list, name="review-list"),
    path("<uuid:recording_id>/review/", review, name="review"),
    path("reviews/<uuid:review_id>/submit/", submit, name="review-submit"),
    path("reviews/<uuid:review_id>/release/", release, name="review-release"),
    *marking.urlpatterns,
    *feedback.urlpatterns,
]
