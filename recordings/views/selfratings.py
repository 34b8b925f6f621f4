"""The therapist rates a session of their own before the feedback is there.

The page's script saves by itself: asked for JSON, a save answers with the stored version, 409 with what another tab stored
meanwhile or with `locked` where nothing is changed any more, or 422 with what is wrong.
"""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from recordings import comments, permissions, selfrating
from recordings.models import Recording, Review, SelfRating
from recordings.ratingforms import SelfRatingForm
from recordings.views.marking import wants_json
from supervision import instruments
from supervision.http import AuthenticatedRequest
from supervision.models import Instrument, Item, ItemScore

CLOSED = "Your own rating is handed in, or the feedback is there. It is no longer changed."


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
            if wants_json(request):
                return JsonResponse({"error": CLOSED, "locked": True}, status=409)
            raise PermissionDenied(CLOSED)
        return _save(request, recording, instrument, SelfRatingForm(request.POST, items=items))
    initial = {**_fields(own), "version": own.version} if own else {"version": 0}
    form = SelfRatingForm(items=items, initial=initial)
    return _page(request, recording, instrument, form, own=own, is_open=is_open)


def _fields(own: SelfRating) -> dict[str, str]:
    """What is stored, as the fields of the form have it."""
    return {f"item-{key}": str(score) for key, score in own.scores.items()} | {"note": comments.opened(own.note)}


def _save(request: AuthenticatedRequest, recording: Recording, instrument: Instrument, form: SelfRatingForm) -> HttpResponse:
    own: SelfRating | None = None
    if not form.is_valid():
        if wants_json(request):
            return JsonResponse({"error": " ".join(str(error) for errors in form.errors.values() for error in errors)}, status=422)
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
        return _refused(request, recording, instrument, form, own=own, refusal=refusal)
    if wants_json(request):
        return JsonResponse({"version": own.version})
    if request.POST.get("do") == "submit":
        messages.success(request, "Handed in. You see it beside the feedback once that is there.")
    else:
        messages.success(request, "Saved. You can go on until the feedback is there.")
    return redirect("recordings:self-rating", recording.pk)


def _refused(
    request: AuthenticatedRequest,
    recording: Recording,
    instrument: Instrument,
    form: SelfRatingForm,
    *,
    own: SelfRating | None,
    refusal: selfrating.SelfRatingRefused,
) -> HttpResponse:
    """The page goes on from what is stored. What another tab stored meanwhile is shown beside what was sent; sent again, it is kept."""
    stored = refusal.current if isinstance(refusal, selfrating.Stale) else own
    is_stale = isinstance(refusal, selfrating.Stale) and stored is not None
    if wants_json(request):
        if is_stale and stored is not None:
            return JsonResponse({"stored": {"version": stored.version, "fields": _fields(stored)}}, status=409)
        is_locked = isinstance(refusal, selfrating.HandedIn)
        return JsonResponse({"error": str(refusal), "locked": is_locked}, status=409 if is_locked else 422)
    others = _others(form, stored) if is_stale and stored is not None else []
    form.add_error(None, str(refusal))
    if stored is not None:
        form.data = {**request.POST.dict(), "version": str(stored.version)}
    return _page(request, recording, instrument, form, own=stored, is_open=True, others=others, status=422)


def _others(form: SelfRatingForm, stored: SelfRating) -> list[dict[str, str]]:
    """Where what was sent differs from what is stored: the name, what is there, what is here."""
    rows = [
        {"name": item.name, "there": _words(item, stored.scores.get(item.key)), "here": _words(item, form.scores.get(item.key))}
        for item in form.items
    ]
    rows.append({"name": "Note", "there": comments.opened(stored.note), "here": form.cleaned_data["note"].strip()})
    return [row for row in rows if row["there"] != row["here"]]


def _page(
    request: AuthenticatedRequest,
    recording: Recording,
    instrument: Instrument,
    form: SelfRatingForm,
    *,
    own: SelfRating | None,
    is_open: bool,
    others: list[dict[str, str]] | None = None,
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
                "own": _words(item, own.scores.get(item.key)) if own else "",
                "theirs": _words(item, beside[item.key] if beside.get(item.key) is not None else "na") if item.key in beside else "",
            }
            for item in form.items
        ],
        "review": review,
        "others": others or [],
    }
    return render(request, "recordings/self_rating.html", context, status=status)


def _words(item: Item, score: object) -> str:
    if score is None:
        return "Not rated"
    if item.scale == Item.Scale.YES_NO and score in (0, 1):
        return "Yes" if score else "No"
    return "Not applicable" if score == selfrating.NOT_APPLICABLE else str(score)


urlpatterns = [path("<uuid:recording_id>/self-rating/", self_rating, name="self-rating")]
