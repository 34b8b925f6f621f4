"""The therapist rates a session of their own before the feedback is there."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from recordings import comments, permissions, selfrating
from recordings.models import Recording, Review, SelfRating
from recordings.ratingforms import SelfRatingForm
from supervision import instruments
from supervision.http import AuthenticatedRequest
from supervision.models import Instrument, ItemScore


def _instrument(recording: Recording, own: SelfRating | None) -> Instrument | None:
    """The one begun with; else the usual one of the team. Which one a rater was asked to use is not looked at: it would tell."""
    return own.instrument if own else next(iter(instruments.choices(recording.team)), None)


@never_cache
@require_http_methods(["GET", "POST"])
def self_rating(request: AuthenticatedRequest, recording_id: uuid.UUID) -> HttpResponse:
    seen = Recording.objects.visible_to(request.user).select_related("consent", "team__programme", "therapist", "family")
    recording = get_object_or_404(seen, pk=recording_id)
    if recording.therapist_id != request.user.pk:
        raise PermissionDenied
    related = SelfRating.objects.visible_to(request.user).filter(recording=recording).select_related("instrument", "note")
    own = related.order_by("pk").first()
    instrument = _instrument(recording, own)
    is_open = permissions.can_rate_oneself(request.user, recording) and instrument is not None
    is_open = is_open and not (own and own.submitted_at)
    if instrument is None or (not is_open and own is None):
        raise PermissionDenied("A rating of your own comes before the feedback.")
    items = list(instrument.items.order_by("position", "pk"))
    if request.method == "POST":
        if not is_open:
            raise PermissionDenied
        return _save(request, recording, instrument, SelfRatingForm(request.POST, items=items))
    initial: dict[str, Any] = {f"item-{key}": str(score) for key, score in (own.scores if own else {}).items()}
    initial |= {"note": comments.opened(own.note) if own else "", "version": own.version if own else 0}
    form = SelfRatingForm(items=items, initial=initial)
    return _page(request, recording, instrument, form, own=own, is_open=is_open)


def _save(request: AuthenticatedRequest, recording: Recording, instrument: Instrument, form: SelfRatingForm) -> HttpResponse:
    own: SelfRating | None = None
    if not form.is_valid():
        return _page(request, recording, instrument, form, own=None, is_open=True, status=422)
    now = timezone.now()
    try:
        own = selfrating.save(
            recording=recording,
            instrument=instrument,
            scores=form.scores,
            note=form.cleaned_data["note"],
            version=form.cleaned_data["version"] or 0,
            by=request.user,
            now=now,
        )
        if request.POST.get("do") == "submit":
            selfrating.submit(own=own, by=request.user, now=now)
    except selfrating.SelfRatingRefused as refusal:
        form.add_error(None, str(refusal))
        if own is not None:  # saved, not handed in: the page goes on from what is stored
            form.data = {**request.POST.dict(), "version": str(own.version)}
        return _page(request, recording, instrument, form, own=own, is_open=True, status=422)
    if request.POST.get("do") == "submit":
        messages.success(request, "Handed in. You see it beside the feedback once that is there.")
    else:
        messages.success(request, "Saved. You can go on until the feedback is there.")
    return redirect("recordings:self-rating", recording.pk)


def _page(
    request: AuthenticatedRequest,
    recording: Recording,
    instrument: Instrument,
    form: SelfRatingForm,
    *,
    own: SelfRating | None,
    is_open: bool,
    status: int = 200,
) -> HttpResponse:
    beside = {}
    released = Review.objects.visible_to(request.user).filter(recording=recording, instrument=instrument, state=Review.State.RELEASED)
    review = released.order_by("released_at", "pk").first()
    if review is not None:
        beside = dict(ItemScore.objects.filter(rating__source=review.pk).values_list("item__key", "score"))
    context = {
        "recording": recording,
        "instrument": instrument,
        "form": form,
        "own": own,
        "is_open": is_open,
        "rows": [
            {
                "item": item,
                "field": form[f"item-{item.key}"],
                "own": _words(own.scores.get(item.key)) if own else "",
                "theirs": _words(beside[item.key] if beside.get(item.key) is not None else "na") if item.key in beside else "",
            }
            for item in form.items
        ],
        "review": review,
    }
    return render(request, "recordings/self_rating.html", context, status=status)


def _words(score: object) -> str:
    if score is None:
        return "Not rated"
    return "Not applicable" if score == selfrating.NOT_APPLICABLE else str(score)


urlpatterns = [path("<uuid:recording_id>/self-rating/", self_rating, name="self-rating")]
