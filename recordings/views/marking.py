"""What a rater saves while listening: annotations, scores, the overall words, and how much was heard.

Each address takes the plain form of the page and answers with a redirect; asked for JSON it answers with what is now stored,
409 with what another tab stored meanwhile, or 422 with what is wrong.
"""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from recordings import annotation as annotating
from recordings import comments, counting, listening, permissions, workbench
from recordings import review as reviews
from recordings.models import Annotation, Recording, Review, SealedText
from recordings.reviewforms import AnnotationForm, HeardForm, ScoreForm, WordsForm
from recordings.views import bench
from supervision.http import AuthenticatedRequest
from supervision.models import Item

View = Callable[..., HttpResponse]


def wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def own_annotation(request: AuthenticatedRequest, annotation_id: uuid.UUID) -> Annotation:
    found = get_object_or_404(Annotation.objects.visible_to(request.user), pk=annotation_id)
    found.review = bench.own_review(request, found.review_id)
    return found


def _answers_refusals(view: View) -> View:
    """A refusal becomes JSON for the scripts, and a message on the workbench for a plain form."""

    @wraps(view)
    def wrapped(request: AuthenticatedRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (annotating.AnnotationRefused, reviews.ReviewRefused) as refusal:
            is_locked = isinstance(refusal, annotating.Locked)
            if wants_json(request):
                return JsonResponse({"error": str(refusal), "locked": is_locked}, status=409 if is_locked else 422)
            messages.error(request, str(refusal))
            return redirect("recordings:review-list")

    return never_cache(require_POST(wrapped))


def _to_bench(review: Review, anchor: str = "") -> HttpResponseRedirect:
    return HttpResponseRedirect(bench.address(review) + anchor)


def _saved(request: HttpRequest, annotation: Annotation, sentence: str) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"annotation": workbench.annotation_data(annotation)})
    messages.success(request, sentence)
    return _to_bench(annotation.review, f"#annotation-{annotation.pk}")


def _invalid(request: AuthenticatedRequest, review: Review, form: AnnotationForm, *, action: str = "") -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"error": next(iter(form.errors.values()))[0], "errors": form.errors}, status=422)
    return bench.page(request, review, form, action=action, status=422)


# Annotations


@_answers_refusals
def annotation_create(request: AuthenticatedRequest, review_id: uuid.UUID) -> HttpResponse:
    review = bench.own_review(request, review_id)
    form = AnnotationForm(request.POST, review=review)
    if not form.is_valid():
        return _invalid(request, review, form)
    values = form.cleaned_data
    try:
        made = annotating.annotate(
            review=review,
            code=values["code"],
            start_ms=values["start"],
            end_ms=values["end"],
            comment=values["comment"],
            id=values["id"],
            by=request.user,
            now=timezone.now(),
        )
    except annotating.Locked:
        raise
    except annotating.AnnotationRefused as refusal:
        form.add_error("end", str(refusal))
        return _invalid(request, review, form)
    made.review = review
    return _saved(request, made, "Annotation added.")


@_answers_refusals
def annotation_change(request: AuthenticatedRequest, annotation_id: uuid.UUID) -> HttpResponse:
    there = own_annotation(request, annotation_id)
    form = AnnotationForm(request.POST, review=there.review)
    action = reverse("recordings:annotation-change", args=[there.pk])
    if not form.is_valid():
        return _invalid(request, there.review, form, action=action)
    values = form.cleaned_data
    try:
        changed = annotating.change(
            annotation=there,
            version=values["version"] or 0,
            code=values["code"],
            start_ms=values["start"],
            end_ms=values["end"],
            comment=values["comment"],
            by=request.user,
            now=timezone.now(),
        )
    except annotating.Stale as stale:
        return _stale(request, there.review, form, stale, action)
    except annotating.Locked:
        raise
    except annotating.AnnotationRefused as refusal:
        form.add_error("end", str(refusal))
        return _invalid(request, there.review, form, action=action)
    changed.review = there.review
    return _saved(request, changed, "Annotation changed.")


def _stale(request: AuthenticatedRequest, review: Review, form: AnnotationForm, stale: annotating.Stale, action: str) -> HttpResponse:
    """Both texts are shown, and the person chooses; sending the form again means "mine"."""
    stored = workbench.annotation_data(stale.current)
    if wants_json(request):
        return JsonResponse({"error": str(stale), "stored": stored}, status=409)
    form.data = {**form.data.dict(), "version": str(stale.current.version)}  # type: ignore[attr-defined]
    choice = "Below is what you wrote. Send it again to put yours in its place, or leave it to keep the other."
    there = f"There it is “{stale.current.code}”, with the comment: “{stored['comment']}”. {choice}"
    form.add_error(None, f"{stale} {'It has been removed there: bring it back before you change it.' if stored['removed'] else there}")
    return bench.page(request, review, form, action=action, status=409)


@_answers_refusals
def annotation_remove(request: AuthenticatedRequest, annotation_id: uuid.UUID) -> HttpResponse:
    there = own_annotation(request, annotation_id)
    removed = annotating.remove(annotation=there, by=request.user, now=timezone.now())
    removed.review = there.review
    if not wants_json(request):
        request.session["removed_annotation"] = str(removed.pk)
    return _saved(request, removed, "Annotation removed. You can bring it back until you submit.")


@_answers_refusals
def annotation_restore(request: AuthenticatedRequest, annotation_id: uuid.UUID) -> HttpResponse:
    there = own_annotation(request, annotation_id)
    restored = annotating.restore(annotation=there, by=request.user, now=timezone.now())
    restored.review = there.review
    return _saved(request, restored, "Annotation brought back.")


# Scores and words


@_answers_refusals
def score(request: AuthenticatedRequest, review_id: uuid.UUID, item_key: str) -> HttpResponse:
    review = bench.own_review(request, review_id)
    item = get_object_or_404(Item, instrument=review.instrument_id, key=item_key)
    form = ScoreForm(request.POST, review=review, item=item)
    if not form.is_valid():
        raise reviews.ReviewRefused(next(iter(form.errors.values()))[0])
    try:
        draft = reviews.score(review=review, item=item, **form.values, by=request.user, now=timezone.now())
    except reviews.Stale as stale:
        if wants_json(request):
            return JsonResponse({"error": str(stale), "stored": _score_data(stale.current, item)}, status=409)
        messages.error(request, f"{item.name}: {stale} Look at what is stored now, and rate it again if you wish.")
        return _to_bench(review, f"#item-{item.key}")
    if wants_json(request):
        return JsonResponse({"score": _score_data(draft, item), "progress": _progress_data(review)})
    messages.success(request, f"{item.name}: saved.")
    return _to_bench(review, f"#item-{item.key}")


def _score_data(draft: Any, item: Item) -> dict[str, Any]:
    evidence = [str(one.pk) for one in draft.evidence.all()]
    figure = {"figure": draft.score} if item.scale in counting.FILLED else {}
    return {"score": workbench.draft_value(draft, item), "version": draft.version, "evidence": evidence, **figure}


def _progress_data(review: Review) -> dict[str, Any]:
    state = reviews.completeness(review)
    return {"sentence": state.sentence, "rated": state.rated, "total": state.total}


@_answers_refusals
def words(request: AuthenticatedRequest, review_id: uuid.UUID, name: str) -> HttpResponse:
    review = bench.own_review(request, review_id)
    form = WordsForm(request.POST)
    if not form.is_valid():
        raise reviews.ReviewRefused(next(iter(form.errors.values()))[0])
    try:
        text = reviews.write(review=review, name=name, text=form.cleaned_data["text"], seen=form.cleaned_data["seen"], by=request.user)
    except reviews.Stale as stale:
        current = stale.current if isinstance(stale.current, SealedText) else None
        stored = {"text": comments.opened(current), "seen": str(current.pk) if current else ""}
        if wants_json(request):
            return JsonResponse({"error": str(stale), "stored": stored}, status=409)
        messages.error(request, f"{stale} Your words were not saved: “{form.cleaned_data['text']}”. Look at what is stored now.")
        return _to_bench(review, f"#words-{name}")
    if wants_json(request):
        return JsonResponse({"seen": str(text.pk) if text else ""})
    messages.success(request, "Saved.")
    return _to_bench(review, f"#words-{name}")


# Listening


@require_POST
def heard(request: AuthenticatedRequest, recording_id: uuid.UUID) -> HttpResponse:
    """The stretches that were just played, from the workbench, the feedback page or a player. What was heard is of a person and a
    recording; the workbench names its review besides, where the place is kept: a person may have several of one recording."""
    recording = get_object_or_404(Recording.objects.visible_to(request.user).select_related("consent"), pk=recording_id)
    if not permissions.can_listen(request.user, recording):
        raise PermissionDenied
    form = HeardForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"error": next(iter(form.errors.values()))[0]}, status=422)
    values = form.cleaned_data
    own = None
    if values["review"]:
        there = Review.objects.visible_to(request.user).filter(recording=recording, rater=request.user)
        own = get_object_or_404(there.select_related("recording", "rater", "instrument"), pk=values["review"])
    try:
        listening.heard(
            recording=recording, person=request.user, purpose=values["purpose"], intervals_ms=values["intervals"], now=timezone.now()
        )
    except listening.HeardRefused as refusal:
        return JsonResponse({"error": str(refusal)}, status=422)
    if own and values["position"] is not None:
        reviews.place(review=own, position_ms=values["position"])
    intervals = listening.heard_by(recording, request.user)
    share = listening.share(intervals, recording.duration_ms)
    return JsonResponse({"heard": intervals, "share": share, "sentence": reviews.completeness(own).sentence if own else ""})


urlpatterns = [
    path("reviews/<uuid:review_id>/annotations/", annotation_create, name="annotation-create"),
    path("annotations/<uuid:annotation_id>/change/", annotation_change, name="annotation-change"),
    path("annotations/<uuid:annotation_id>/remove/", annotation_remove, name="annotation-remove"),
    path("annotations/<uuid:annotation_id>/restore/", annotation_restore, name="annotation-restore"),
    path("reviews/<uuid:review_id>/scores/<slug:item_key>/", score, name="score"),
    path("reviews/<uuid:review_id>/words/<slug:name>/", words, name="review-words"),
    path("<uuid:recording_id>/heard/", heard, name="heard"),
]
