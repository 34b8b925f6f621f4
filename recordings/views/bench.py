"""The workbench page itself, which the plain forms come back to, and who may be there."""

import uuid

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone

from recordings import codebook, comments, consent, listening, permissions, workbench
from recordings import review as reviews
from recordings.models import Purpose, Recording, Review
from recordings.reviewforms import AnnotationForm
from supervision.http import AuthenticatedRequest


def own_review(request: AuthenticatedRequest, review_id: uuid.UUID) -> Review:
    """404 where the person may not know of it; 403 where it is not theirs to change, or may not be heard any more."""
    found = get_object_or_404(
        Review.objects.visible_to(request.user).select_related(
            "recording__consent", "recording__team__programme", "recording__therapist", "rater", "instrument", "strengths", "next_step"
        ),
        pk=review_id,
    )
    if found.rater_id != request.user.pk or not permissions.can_review(request.user, found.recording):
        raise PermissionDenied
    return found


def gone_sentence(recording: Recording) -> str:
    """Why its words cannot be shown any more."""
    if recording.state == Recording.State.DESTROYED:
        return "The recording is gone, and with it everything that was written about it."
    return consent.why_not(recording.consent, Purpose.REVIEW, on=timezone.localdate()) or "You can no longer listen to this recording."


def page(
    request: AuthenticatedRequest, review: Review, form: forms.Form | None = None, *, action: str = "", status: int = 200
) -> HttpResponse:
    """The workbench, with the form for an annotation as it came back, if it did."""
    kept = workbench.annotations(review)
    with_comments = [(one, comments.opened(one.comment)) for one in kept]
    codes = codebook.current(review.recording.team.programme)
    is_locked = review.state != Review.State.IN_PROGRESS
    at = request.GET.get("at", "")
    turns = workbench.turns(review.recording)
    if turns:
        listening.note_read(recording=review.recording, person=request.user, now=timezone.now())
    context = {
        "review": review,
        "recording": review.recording,
        "is_locked": is_locked,
        "codes": codes,
        "turns": turns,
        "annotations": with_comments,
        "items": workbench.item_rows(review, kept),
        "state": reviews.completeness(review),
        "overall": [
            (name, title, hint, comments.opened(text), text.pk if text else "")
            for name, title, hint, text in (
                ("strengths", "What went well", "Two or three things that this therapist should keep doing.", review.strengths),
                (
                    "next_step",
                    "One next step",
                    "The one thing to try in the next session, and how they will know that it worked.",
                    review.next_step,
                ),
            )
        ],
        "form": form or AnnotationForm(review=review),
        "form_action": action or reverse("recordings:annotation-create", args=[review.pk]),
        "is_change": bool(action),
        "data": workbench.page_data(review, with_comments, codes),
        "start_at": f"#t={int(at) / 1000:g}" if at.isascii() and at.isdigit() and len(at) < 10 else "",
    }
    return render(request, "recordings/review_bench.html", context, status=status)
