"""A certification is ended before its time, with a reason."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from recordings import certifying
from recordings.ratingforms import EndCertificationForm
from recordings.views import calibrations
from supervision.http import AuthenticatedRequest
from supervision.models import Instrument


@never_cache
@require_http_methods(["GET", "POST"])
def end(request: AuthenticatedRequest, rater_id: int, instrument_id: int) -> HttpResponse:
    rater = calibrations.rater_for(request, rater_id)
    if not certifying.may_certify(request.user, rater):
        raise PermissionDenied("A certification is ended by those who certify, never by the rater.")
    instrument = get_object_or_404(Instrument, pk=instrument_id)
    standing = certifying.in_force(rater, instrument, on=timezone.localdate())
    if standing is None:
        raise Http404
    form = EndCertificationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            certifying.end(rater=rater, instrument=instrument, reason=form.cleaned_data["reason"], by=request.user, now=timezone.now())
        except certifying.CertificationRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"{rater.first_name}\u2019s certification has ended. The reason stands in the report.")
            return redirect("recordings:rater-report", rater.pk)
    context = {
        "rater": rater,
        "instrument": instrument,
        "standing": standing,
        "form": form,
        "goes": [
            f"{rater.first_name} is no longer certified for {instrument.name}, from now on. Until now it was to be until "
            f"{standing.valid_until:%-d %B %Y}.",
            "Certified raters are asked before others: new sessions go to them first.",
        ],
        "stays": [
            "All ratings given until now, and the exercises with their figures.",
            "That there was a certification, on what figures, who ended it and why. The rater reads it.",
            "What has been asked for already can still be rated.",
        ],
        "back": reverse("recordings:rater-report", args=[rater.pk]),
    }
    return render(request, "recordings/certification_end.html", context, status=422 if request.method == "POST" else 200)


urlpatterns = [
    path("calibration/raters/<int:rater_id>/certification/<int:instrument_id>/end/", end, name="certification-end"),
]
