"""Figures for research: chosen, looked at once more, made. For the information governance lead, freshly signed in."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from recordings import permissions, research
from recordings.researchforms import ResearchForm
from recordings.vault import Damaged
from supervision.http import AuthenticatedRequest


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: AuthenticatedRequest) -> HttpResponseBase:
    if not permissions.can_govern(request.user):
        raise PermissionDenied("This is for the information governance lead.")
    return _create(request)


@reauthentication_required
def _create(request: HttpRequest) -> HttpResponseBase:
    form = ResearchForm(request.POST or None)
    if request.method != "POST":
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, status=422)
    chosen = form.chosen()
    now = timezone.now()
    days = {name: chosen[name] for name in ("programme", "since", "until")}
    cohort = research.cohort(**days, on=timezone.localdate(now))
    if cohort.refusal:
        form.add_error(None, cohort.refusal)
        return _page(request, form, status=422)
    if "confirmed" not in request.POST:
        return render(request, "recordings/research_confirm.html", {"form": form, "cohort": cohort, **_consequence(chosen)})
    try:
        export, file = research.make(**chosen, by=request.user, now=now)  # type: ignore[arg-type]
    except (research.ExportRefused, Damaged) as refusal:
        form.add_error(None, str(refusal))
        return _page(request, form, status=422)
    name = f"research-{timezone.localdate(now).isoformat()}-{export.pk.hex[:8]}.h5"
    response = FileResponse(file, as_attachment=True, filename=name, content_type="application/x-hdf5")
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _page(request: HttpRequest, form: ResearchForm, *, status: int = 200) -> HttpResponse:
    return render(request, "recordings/research_create.html", {"form": form, "least": research.LEAST_FAMILIES}, status=status)


def _consequence(chosen: dict[str, Any]) -> dict[str, list[str]]:
    leaves = [
        "Random names for sessions, families, therapists and teams, drawn anew for this file.",
        "The month of each session, its place among the family’s sessions, and its length to the second.",
        "Voice activity, pitch and level, times of words, turns, pauses and overlaps, and the measures of each speaker.",
    ]
    stays = ["The sound.", "Names, references, initials and dates.", "What anybody marked, scored or wrote."]
    (leaves if chosen["with_text"] else stays).append("Every word that was said, names included." if chosen["with_text"] else "Every word.")
    (leaves if chosen["with_voices"] else stays).append("Voice prints. A voice print can be matched with a voice.")
    return {"leaves": leaves, "stays": stays}


urlpatterns = [path("governance/exports/new/", create, name="research")]
