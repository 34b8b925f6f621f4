"""What comes of feedback: telling whether it was tried, and making its next step a goal of the development plan."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from recordings import comments, goalsetting, permissions, trying
from recordings.contestforms import TriedForm
from recordings.models import Annotation, Review
from supervision import permissions as people_permissions
from supervision.developmentforms import GoalForm
from supervision.http import AuthenticatedRequest
from supervision.models import Item


def _released(request: AuthenticatedRequest, review_id: uuid.UUID) -> Review:
    seen = Review.objects.visible_to(request.user).filter(state=Review.State.RELEASED)
    related = ("recording__consent", "recording__team__programme", "recording__therapist", "rater", "next_step")
    return get_object_or_404(seen.select_related(*related), pk=review_id)


@never_cache
@require_POST
def tried(request: AuthenticatedRequest, review_id: uuid.UUID) -> HttpResponse:
    review = _released(request, review_id)
    if not permissions.can_contest(request.user, review):
        raise PermissionDenied
    form = TriedForm(request.POST)
    moment = None
    try:
        if not form.is_valid():
            raise trying.TryRefused(next(iter(form.errors.values()))[0])
        values = form.cleaned_data
        if values["annotation"]:
            moment = get_object_or_404(Annotation.objects.kept().filter(review=review), pk=values["annotation"])
        trying.tell(review=review, annotation=moment, outcome=values["outcome"], text=values["text"], by=request.user, now=timezone.now())
    except trying.TryRefused as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, f"{review.rater.first_name} and those who lead the team see it.")
    target = redirect("recordings:feedback", review.pk)
    target["Location"] += f"#moment-{moment.pk}" if moment else "#part-growth"
    return target


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def goal(request: AuthenticatedRequest, review_id: uuid.UUID) -> HttpResponse:
    """The next step is shown, and put into a person's own words for the plan, which outlives the recording."""
    review = _released(request, review_id)
    recording = review.recording
    may_plan = people_permissions.can_plan(request.user, recording.therapist_id, recording.team)
    if not may_plan or not permissions.can_listen(request.user, recording):
        raise PermissionDenied
    items = Item.objects.filter(instrument=review.instrument_id).order_by("position", "pk")
    form = GoalForm(request.POST if request.method == "POST" else None, items=items)
    if form.is_valid():
        try:
            goalsetting.make(review=review, by=request.user, now=timezone.now(), **form.cleaned_data)
        except goalsetting.GoalRefused as reason:
            form.add_error("text", str(reason))
        else:
            messages.success(request, "The goal is in the development plan.")
            return redirect("supervision:plan", recording.team.slug, recording.therapist_id)
    context = {
        "review": review,
        "recording": recording,
        "form": form,
        "next_step": comments.opened(review.next_step),
        "is_therapist": request.user.pk == recording.therapist_id,
    }
    return render(request, "recordings/feedback_goal.html", context, status=422 if form.errors else 200)


urlpatterns = [
    path("feedback/<uuid:review_id>/tried/", tried, name="tried"),
    path("feedback/<uuid:review_id>/goal/", goal, name="feedback-goal"),
]
