"""What the therapist hears back: the released review, moment by moment, and the answers to it."""

import datetime as dt
import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from recordings import annotationfiles, comments, permissions, reading, trying, workbench
from recordings import review as reviews
from recordings.models import Annotation, Code, Comparison, Contest, Recording, Review, TriedIt
from recordings.reviewforms import ReplyForm
from recordings.views import bench
from supervision import formulas, trends
from supervision import permissions as people_permissions
from supervision.http import AuthenticatedRequest
from supervision.models import ItemScore, Rating, User

YEAR = dt.timedelta(days=365)


def _review(request: AuthenticatedRequest, review_id: uuid.UUID) -> Review:
    """Released, or submitted and one's own: a rater sees beforehand what the therapist will see."""
    seen = Review.objects.visible_to(request.user).exclude(state=Review.State.IN_PROGRESS)
    related = (
        "recording__consent",
        "recording__team",
        "recording__therapist",
        "rater",
        "instrument",
        "strengths",
        "next_step",
        "assignment",
    )
    return get_object_or_404(seen.select_related(*related), pk=review_id)


@never_cache
@require_GET
def feedback(request: AuthenticatedRequest, review_id: uuid.UUID) -> HttpResponse:
    review = _review(request, review_id)
    reviews.see(review=review, by=request.user, now=timezone.now())
    return _page(request, review)


def _page(request: AuthenticatedRequest, review: Review, form: ReplyForm | None = None, *, status: int = 200) -> HttpResponse:
    recording = review.recording
    scores = ItemScore.objects.filter(rating__source=review.pk).select_related("item").order_by("item__position", "pk")
    context = {
        "review": review,
        "recording": recording,
        "scores": [(one, one.item.anchors.get(str(one.score), "") if one.score is not None else "") for one in scores],
        "figures": [one for rating in Rating.objects.filter(source=review.pk) for one in formulas.derived(rating)],
        "is_rater": request.user.pk == review.rater_id,
        "is_therapist": request.user.pk == recording.therapist_id,
        "form": form,
        "contests": list(Contest.objects.filter(review=review).select_related("answer").order_by("raised_at", "pk")),
        **_over_time(request.user, review),
        **_before_release(review),
    }
    if permissions.can_listen(request.user, recording):
        found = workbench.moments(review, workbench.turns(recording))
        if any(one.excerpt for one in found):
            reading.note_read(recording=recording, person=request.user, purpose="feedback", now=timezone.now())
        by_tone = {tone: [one for one in found if one.annotation.code.tone == tone] for tone in Code.Tone.values}
        context |= {
            "can_listen": True,
            "parts": [
                ("What went well", "strengths", comments.opened(review.strengths), by_tone[Code.Tone.STRENGTH]),
                ("What to work on", "growth", comments.opened(review.next_step), by_tone[Code.Tone.GROWTH]),
                ("To talk about", "neutral", "", by_tone[Code.Tone.NEUTRAL]),
            ],
            "moment_count": len(found),
            "overall_replies": [(row, text) for row, text in workbench.replies(review) if row.annotation_id is None],
            "can_reply": review.state == Review.State.RELEASED and (context["is_rater"] or context["is_therapist"]),
            "can_follow_up": permissions.can_contest(request.user, review),
            "tried": trying.told(review),
            "outcomes": TriedIt.Outcome.choices,
            "can_plan": people_permissions.can_plan(request.user, recording.therapist_id, recording.team),
            "can_make_clip": permissions.can_make_clip(request.user, recording),
            "formats": list(annotationfiles.TITLES.items()),
            "start_at": _fragment(request.GET.get("moment", ""), found),
        }
    else:
        context["why"] = bench.gone_sentence(recording)
        context["is_destroyed"] = recording.state == Recording.State.DESTROYED
    return render(request, "recordings/feedback_detail.html", context, status=status)


def _before_release(review: Review) -> dict[str, object]:
    """Of a review that only its rater sees yet: why it cannot be released by itself, and where the way on is."""
    if review.state == Review.State.RELEASED:
        return {}
    comparison = Comparison.objects.filter(Q(first=review) | Q(second=review)).first()
    return {"why_not": reviews.why_not_released(review), "is_exercise": reviews.is_exercise(review), "comparison": comparison}


def _over_time(user: User, review: Review) -> dict[str, object]:
    """Each item's scores over the released reviews of the last twelve months with this instrument."""
    rows = (
        Rating.objects.visible_to(user).released().filter(therapist=review.recording.therapist_id, instrument__slug=review.instrument.slug)
    )
    lately = rows.filter(session_on__gte=timezone.localdate() - YEAR)
    found = trends.of_items(lately.select_related("instrument").prefetch_related("scores__item"))
    sessions = len({point.session for trend in found for point in trend.points})
    return {"trends": found, "trend_sessions": sessions, "trend_few": sessions < trends.FEW}


def _fragment(wanted: str, found: list[workbench.Moment]) -> str:
    """Without scripts a moment is a link, and the player is told by a media fragment what to play."""
    for one in found:
        if str(one.annotation.pk) == wanted:
            return f"#t={one.annotation.start_ms / 1000:g},{one.annotation.end_ms / 1000:g}"
    return ""


@never_cache
@require_POST
def reply(request: AuthenticatedRequest, review_id: uuid.UUID) -> HttpResponse:
    review = _review(request, review_id)
    is_party = request.user.pk in (review.rater_id, review.recording.therapist_id)
    if not is_party or not permissions.can_listen(request.user, review.recording):
        raise PermissionDenied
    form = ReplyForm(request.POST)
    if not form.is_valid():
        return _page(request, review, form, status=422)
    moment = form.cleaned_data["annotation"]
    annotation = get_object_or_404(Annotation.objects.kept().filter(review=review), pk=moment) if moment else None
    try:
        reviews.reply(review=review, annotation=annotation, text=form.cleaned_data["text"], by=request.user, now=timezone.now())
    except reviews.ReviewRefused as refusal:
        messages.error(request, str(refusal))
    else:
        other = review.recording.therapist if request.user.pk == review.rater_id else review.rater
        messages.success(request, f"Your answer is there for {other.first_name} to see.")
    target = redirect("recordings:feedback", review.pk)
    if annotation:
        target["Location"] += f"#moment-{annotation.pk}"
    return target


urlpatterns = [
    path("feedback/<uuid:review_id>/", feedback, name="feedback"),
    path("feedback/<uuid:review_id>/reply/", reply, name="reply"),
]
