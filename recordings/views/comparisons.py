"""Two ratings side by side, for the two raters: differences first, talked over, agreed, released together."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from recordings import comparing, overlay, parting, permissions, workbench
from recordings.models import Comparison, Recording, Review
from recordings.ratingforms import ConsensusForm, NoteForm
from recordings.views import bench
from supervision.http import AuthenticatedRequest
from supervision.models import Item, Membership


def _load(request: AuthenticatedRequest, comparison_id: uuid.UUID) -> Comparison:
    seen = Comparison.objects.visible_to(request.user).select_related(
        "first__recording__consent",
        "first__recording__team__programme",
        "first__recording__therapist",
        "first__recording__family",
        "first__instrument",
        "first__rater",
        "second__rater",
    )
    return get_object_or_404(seen, pk=comparison_id)


def _to_work_on(request: AuthenticatedRequest, comparison_id: uuid.UUID) -> Comparison:
    comparison = _load(request, comparison_id)
    is_rater = request.user.pk in (comparison.first.rater_id, comparison.second.rater_id)
    if not is_rater or not permissions.can_listen(request.user, comparison.first.recording):
        raise PermissionDenied
    return comparison


@never_cache
@require_GET
def comparison(request: AuthenticatedRequest, comparison_id: uuid.UUID) -> HttpResponse:
    return _page(request, _load(request, comparison_id))


def _page(
    request: AuthenticatedRequest, comparison: Comparison, *, errors: list[tuple[str, str]] | None = None, status: int = 200
) -> HttpResponse:
    recording = comparison.first.recording
    is_rater = request.user.pk in (comparison.first.rater_id, comparison.second.rater_id)
    may_listen = permissions.can_listen(request.user, recording)
    rows = comparing.rows(comparison)
    at = request.GET.get("at", "")
    context: dict[str, Any] = {
        "comparison": comparison,
        "recording": recording,
        "is_rater": is_rater,
        "can_change": is_rater and may_listen and comparison.agreed_at is None,
        "can_release": is_rater and comparison.agreed_at is not None and comparison.released_at is None,
        "rows": [(row, ConsensusForm(item=row.item, prefix="") if is_rater else None) for row in rows],
        "left": sum(not row.is_agreed for row in rows),
        "same": sum(row.is_same for row in rows),
        "errors": errors or [],
        "is_gone": recording.state == Recording.State.DESTROYED,
        "can_listen": may_listen,
        "is_stuck": is_rater and permissions.can_part(request.user, comparison) and parting.is_stuck(comparison),
    }
    if may_listen:
        marks = [workbench.annotations(review) for review in (comparison.first, comparison.second)]
        context |= {
            "lanes": overlay.lanes(recording, marks),
            "wave": overlay.wave(recording),
            "sides": [(review.rater, workbench.moments(review, [])) for review in (comparison.first, comparison.second)],
            "talk": [pair for pair in comparing.notes(comparison) if not pair[0].item_key],
            "start_at": f"#t={int(at) / 1000:g}" if at.isascii() and at.isdigit() and len(at) < 10 else "",
        }
    else:
        context["why"] = bench.gone_sentence(recording)
    return render(request, "recordings/comparison_detail.html", context, status=status)


@require_POST
def item(request: AuthenticatedRequest, comparison_id: uuid.UUID, key: str) -> HttpResponse:
    """A score is proposed for an item, or the other's proposal agreed to."""
    comparison = _to_work_on(request, comparison_id)
    wanted = get_object_or_404(Item, instrument=comparison.first.instrument_id, key=key)
    form = ConsensusForm(request.POST, item=wanted)
    if not form.is_valid():
        said = [(f"item-{key}", str(error)) for errors in form.errors.values() for error in errors]
        return _page(request, comparison, errors=said, status=422)
    values = {"comparison": comparison, "item": wanted, "version": form.cleaned_data["version"], "by": request.user, "now": timezone.now()}
    try:
        if form.cleaned_data["action"] == "agree":
            comparing.agree(**values)
        else:
            comparing.propose(score=form.score, **values)
    except comparing.ComparisonRefused as refusal:
        return _page(request, comparison, errors=[(f"item-{key}", str(refusal))], status=422)
    return _back(comparison, f"item-{key}")


@require_POST
def note(request: AuthenticatedRequest, comparison_id: uuid.UUID) -> HttpResponse:
    comparison = _to_work_on(request, comparison_id)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _page(request, comparison, errors=[("talk", str(error)) for errors in form.errors.values() for error in errors], status=422)
    key = form.cleaned_data["item"]
    try:
        comparing.discuss(comparison=comparison, item_key=key, text=form.cleaned_data["text"], by=request.user, now=timezone.now())
    except comparing.ComparisonRefused as refusal:
        return _page(request, comparison, errors=[("talk", str(refusal))], status=422)
    return _back(comparison, f"item-{key}" if key else "talk")


@require_POST
def settle(request: AuthenticatedRequest, comparison_id: uuid.UUID) -> HttpResponse:
    comparison = _to_work_on(request, comparison_id)
    try:
        comparing.settle(comparison=comparison, by=request.user, now=timezone.now())
    except comparing.ComparisonRefused as refusal:
        return _page(request, comparison, errors=[("items", str(refusal))], status=422)
    messages.success(request, "The consensus is kept beside both ratings. It can be released now.")
    if Comparison.objects.visible_to(request.user).filter(pk=comparison.pk).exists():
        return redirect("recordings:comparison", comparison.pk)
    return redirect("recordings:review-list")  # whoever came from another team has done their part


@require_POST
def release(request: AuthenticatedRequest, comparison_id: uuid.UUID) -> HttpResponse:
    comparison = _load(request, comparison_id)
    is_rater = request.user.pk in (comparison.first.rater_id, comparison.second.rater_id)
    consults = Membership.objects.of(request.user).current().filter(role="consultant", team=comparison.first.recording.team_id)
    if not is_rater or not consults.exists():
        raise PermissionDenied
    try:
        comparing.release(comparison=comparison, by=request.user, now=timezone.now())
    except comparing.ComparisonRefused as refusal:
        return _page(request, comparison, errors=[("items", str(refusal))], status=422)
    messages.success(
        request, f"Released. {comparison.first.recording.therapist.first_name} sees both reviews and the consensus from now on."
    )
    own = Review.objects.filter(pk__in=[comparison.first_id, comparison.second_id], rater=request.user).get()
    return redirect("recordings:feedback", own.pk)


def _back(comparison: Comparison, place: str) -> HttpResponseRedirect:
    target = redirect("recordings:comparison", comparison.pk)
    target["Location"] += f"#{place}"
    return target


urlpatterns = [
    path("comparisons/<uuid:comparison_id>/", comparison, name="comparison"),
    path("comparisons/<uuid:comparison_id>/items/<slug:key>/", item, name="comparison-item"),
    path("comparisons/<uuid:comparison_id>/notes/", note, name="comparison-note"),
    path("comparisons/<uuid:comparison_id>/settle/", settle, name="comparison-settle"),
    path("comparisons/<uuid:comparison_id>/release/", release, name="comparison-release"),
]
