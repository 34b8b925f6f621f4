"""Whoever made a gold recording writes why each of its scores is what it is."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from recordings import explaining
from recordings.models import GoldScore
from recordings.ratingforms import ReasonsForm
from recordings.views import calibrations
from supervision.http import AuthenticatedRequest
from supervision.models import Item


@never_cache
@require_http_methods(["GET", "POST"])
def reasons(request: AuthenticatedRequest, gold_id: uuid.UUID) -> HttpResponse:
    gold = get_object_or_404(calibrations.known_golds(request.user).select_related("recording__consent"), pk=gold_id)
    if gold.made_by_id != request.user.pk:
        raise PermissionDenied("Only the person who made a gold recording writes why its scores are what they are.")
    scores = {row.item_key: row for row in GoldScore.objects.filter(gold=gold)}
    items = list(Item.objects.filter(instrument=gold.instrument_id, key__in=scores).order_by("position", "pk"))
    can_be_read = explaining.can_be_read(gold)
    there = explaining.written(gold) if can_be_read else {}
    form = ReasonsForm(request.POST or None, items=items, initial={f"why-{key}": text for key, text in there.items()})
    if request.method == "POST" and form.is_valid():
        try:
            explaining.explain(gold=gold, reasons=form.reasons, by=request.user, now=timezone.now())
        except explaining.ExplanationRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Saved. Raters read it once they have submitted the exercise.")
            return redirect("recordings:calibration")
    rows = [{"item": item, "score": scores[item.key].score, "field": form[f"why-{item.key}"]} for item in items]
    context = {"gold": gold, "form": form, "rows": rows, "can_be_read": can_be_read}
    return render(request, "recordings/gold_reasons.html", context, status=422 if request.method == "POST" else 200)


urlpatterns = [path("calibration/gold/<uuid:gold_id>/reasons/", reasons, name="gold-reasons")]
