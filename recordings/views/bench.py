"""The workbench page itself, which the plain forms come back to, and who may be there."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Q, When
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from recordings import benchdata, benchkeys, codebook, comments, consent, counting, permissions, reading, vault, workbench
from recordings import review as reviews
from recordings.models import Annotation, BenchSettings, Code, Comparison, Purpose, Recording, Review
from recordings.reviewforms import AnnotationForm
from supervision.http import AuthenticatedRequest
from supervision.models import User


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


def own_of(user: User, recording: Recording, *, instrument_id: str = "") -> Review | None:
    """The person's own review of a recording: the one with that instrument, else the one that is not finished, else the newest."""
    own = Review.objects.visible_to(user).filter(recording=recording, rater=user).select_related("rater", "instrument")
    if instrument_id:
        return (
            own.filter(instrument_id=int(instrument_id)).first()
            if instrument_id.isascii() and instrument_id.isdigit() and len(instrument_id) < 10
            else None
        )
    return own.order_by(Case(When(state=Review.State.IN_PROGRESS, then=0), default=1), "-started_at", "pk").first()


def address(review: Review) -> str:
    """Of the workbench with this review; the instrument is named where the rater has several of the recording."""
    url = reverse("recordings:review", args=[review.recording_id])
    several = Review.objects.filter(recording=review.recording_id, rater=review.rater_id).exclude(pk=review.pk).exists()
    return f"{url}?with={review.instrument_id}" if several else url


def gone_sentence(recording: Recording) -> str:
    """Why its words cannot be shown any more."""
    if recording.state == Recording.State.DESTROYED:
        return "The recording is gone, and with it everything that was written about it."
    return consent.why_not(recording.consent, Purpose.REVIEW, on=timezone.localdate()) or "You can no longer listen to this recording."


def _settings_data(settings: BenchSettings) -> dict[str, Any]:
    """One's own way of working, for the scripts."""
    return {
        "keys": benchkeys.keys_of(settings),
        "own": settings.keys,
        "always": benchkeys.always_of(settings),
        "single": settings.has_single_keys,
        "reaction": settings.reaction_ms,
        "preroll": settings.preroll_ms,
        "backStep": settings.back_step_ms,
        "skips": settings.skips_silence,
    }


def _keys_shown(settings: BenchSettings, codes: list[Code]) -> list[tuple[str, list[tuple[str, str, list[str]]]]]:
    """The list of keys by group: action, what it does here, keys. That a code's key marks is said with the name of the code."""
    keys = benchkeys.keys_of(settings)
    marks = {f"code-{code.digit}": code.name for code in codes if code.digit}
    groups: dict[str, list[tuple[str, str, list[str]]]] = {}
    for action in benchkeys.ACTIONS:
        words = f"{action.words}: {marks[action.name]}" if action.name in marks else action.words
        groups.setdefault(action.group, []).append((action.name, words, keys[action.name]))
    return list(groups.items())


def _place(kept: list[Annotation], asked: str) -> int | None:
    """The place of an annotation among those that are kept."""
    return next((place for place, one in enumerate(kept) if str(one.pk) == asked), None)


@never_cache
@require_safe
def words(request: AuthenticatedRequest, review_id: uuid.UUID) -> HttpResponse:
    """The whole transcript in the compact form of `benchdata.words`; nothing of it stays in a browser's or a proxy's cache."""
    review = own_review(request, review_id)
    try:
        found = benchdata.words(review.recording)
    except (vault.KeyGone, vault.Damaged) as error:
        raise Http404(str(error)) from None
    if found["turns"]:
        reading.note_read(recording=review.recording, person=request.user, purpose="review", now=timezone.now())
    return JsonResponse(found, json_dumps_params={"separators": (",", ":"), "ensure_ascii": False})


def page(
    request: AuthenticatedRequest, review: Review, form: forms.Form | None = None, *, action: str = "", status: int = 200
) -> HttpResponse:
    """The workbench, with the form for an annotation as it came back, if it did."""
    kept = workbench.annotations(review)
    with_comments = benchdata.with_comments(kept)
    current = counting.bench_codes(review, codebook.current(review.recording.team.programme))
    codes = [*current, *{one.code_id: one.code for one in kept if one.code not in current}.values()]
    is_locked = review.state != Review.State.IN_PROGRESS
    at = request.GET.get("at", "")
    turns = workbench.turns(review.recording)
    if turns:
        reading.note_read(recording=review.recording, person=request.user, purpose="review", now=timezone.now())
    at_ms = int(at) if at.isascii() and at.isdigit() and len(at) < 10 else review.position_ms
    noted = _place(kept, request.GET.get("annotation", ""))
    settings = benchkeys.settings_of(request.user)
    context = {
        "review": review,
        "recording": review.recording,
        "is_locked": is_locked,
        "why_not": reviews.why_not_released(review) if is_locked and review.state != Review.State.RELEASED else "",
        "comparison": Comparison.objects.visible_to(request.user).filter(Q(first=review) | Q(second=review)).first() if is_locked else None,
        "codes": codes,
        "current": current,
        "with": f"with={review.instrument_id}&" if request.GET.get("with") else "",
        "turns": benchdata.part(turns, benchdata.PART_TURNS, request.GET.get("part", ""), holding=benchdata.turn_at(turns, at_ms)),
        "annotations": benchdata.part(with_comments, benchdata.PART_NOTES, request.GET.get("notes", ""), holding=noted),
        "keys": _keys_shown(settings, current),
        "settings": settings,
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
        "data": {**workbench.page_data(review, with_comments, codes), "settings": _settings_data(settings)},
        "start_at": f"#t={int(at) / 1000:g}" if at.isascii() and at.isdigit() and len(at) < 10 else "",
    }
    return render(request, "recordings/review_bench.html", context, status=status)


urlpatterns = [path("reviews/<uuid:review_id>/transcript/", words, name="bench-words")]
