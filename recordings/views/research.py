"""Figures for research: chosen, looked at once more, made. For the information governance lead, freshly signed in.

With words or voice prints it takes two of them: one asks, another agrees, and the first one makes it.
"""

import uuid
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from recordings import permissions, research, researchasking
from recordings.models import ResearchExport, ResearchRequest
from recordings.researchforms import ResearchForm
from recordings.vault import Damaged
from supervision.http import AuthenticatedRequest


def _permit(request: AuthenticatedRequest) -> None:
    if not permissions.can_govern(request.user):
        raise PermissionDenied("This is for the information governance lead.")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: AuthenticatedRequest) -> HttpResponseBase:
    _permit(request)
    return _create(request)


@reauthentication_required
def _create(request: HttpRequest) -> HttpResponseBase:
    form = ResearchForm(request.POST or None)
    if request.method != "POST":
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, status=422)
    now = timezone.now()
    cohort = research.cohort(**form.days(), on=timezone.localdate(now))
    if cohort.refusal:
        form.add_error(None, cohort.refusal)
        return _page(request, form, status=422)
    if "confirmed" not in request.POST:
        lacks = researchasking.lacks_second(request.user, on=timezone.localdate(now)) if form.needs_two else ""  # type: ignore[arg-type]
        context = {"form": form, "cohort": cohort, "is_asking": form.needs_two, "lacks": lacks, **_consequence(form.cleaned_data)}
        return render(request, "recordings/research_confirm.html", context)
    try:
        if form.needs_two:
            researchasking.ask(**form.cleaned_data, by=request.user, now=now)  # type: ignore[arg-type]
            messages.success(
                request,
                "You have asked for the export. It waits for a second information governance lead, "
                f"who has {researchasking.AGREE_WITHIN_DAYS} days to agree.",
            )
            return redirect("recordings:governance-exports")
        export, file = research.make(**form.days(), reason=form.cleaned_data["reason"], by=request.user, now=now)  # type: ignore[arg-type]
    except (research.ExportRefused, researchasking.AskingRefused, Damaged) as refusal:
        form.add_error(None, str(refusal))
        return _page(request, form, status=422)
    return _file(export, file)


def _file(export: ResearchExport, file: Any) -> FileResponse:
    name = f"research-{timezone.localdate(export.made_at).isoformat()}-{export.pk.hex[:8]}.h5"
    response = FileResponse(file, as_attachment=True, filename=name, content_type="application/x-hdf5")
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _page(request: HttpRequest, form: ResearchForm, *, status: int = 200) -> HttpResponse:
    return render(request, "recordings/research_create.html", {"form": form, "least": research.LEAST_FAMILIES}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def asked(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponseBase:
    """A request for words or voice prints: what would leave, and what this person can do about it."""
    _permit(request)
    return _asked(request, pk)


@reauthentication_required
def _asked(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    found = get_object_or_404(ResearchRequest.objects.select_related("programme", "asked_by", "agreed_by", "export"), pk=pk)
    decision = request.POST.get("decision", "")
    if request.method == "POST" and decision in ("agree", "close", "make"):
        who: Any = {"request": found, "by": request.user, "now": timezone.now()}
        try:
            if decision == "make":
                return _file(*research.make_agreed(**who))
            if decision == "agree":
                researchasking.agree(**who)
                messages.success(request, f"You have agreed. {found.asked_by} can make the export once.")
            else:
                researchasking.close(**who)
                messages.success(request, "The request is closed. Nothing has left.")
        except (research.ExportRefused, researchasking.AskingRefused, Damaged) as refusal:
            messages.error(request, str(refusal))
        return redirect("recordings:governance-exports")
    return render(request, "recordings/research_asked.html", _standing(request, found), status=422 if request.method == "POST" else 200)


def _standing(request: HttpRequest, found: ResearchRequest) -> dict[str, Any]:
    today = timezone.localdate()
    is_own, is_open = found.asked_by_id == request.user.pk, researchasking.is_open(found, on=today)
    cohort = research.cohort(programme=found.programme, since=found.sessions_from, until=found.sessions_until, on=today)
    word, tone = researchasking.word(found, on=today)
    return {
        "found": found,
        "word": word,
        "tone": tone,
        "last_day": researchasking.last_day(found),
        "cohort": cohort,
        "is_open": is_open,
        "lacks": researchasking.lacks_second(found.asked_by, on=today) if is_open and found.agreed_at is None else "",
        "can_agree": is_open and not is_own and found.agreed_at is None,
        "can_make": is_open and is_own and found.agreed_at is not None and not cohort.refusal,
        **_consequence({"with_text": found.with_text, "with_voices": found.with_voices}),
    }


def _consequence(chosen: dict[str, Any]) -> dict[str, list[str]]:
    leaves = [
        "Random names for sessions, families, therapists and teams, drawn anew for this file.",
        "The month of each session, its place among the family’s sessions, and its length to the second.",
        "Voice activity, pitch and level, times of words, turns, pauses and overlaps, and the measures of each speaker.",
    ]
    unless = " other than as they were said" if chosen["with_text"] else ""
    stays = ["The sound.", f"Names, references, initials and dates{unless}.", "What anybody marked, scored or wrote."]
    (leaves if chosen["with_text"] else stays).append("Every word that was said, names included." if chosen["with_text"] else "Every word.")
    (leaves if chosen["with_voices"] else stays).append("Voice prints. A voice print can be matched with a voice.")
    return {"leaves": leaves, "stays": stays}


urlpatterns = [
    path("governance/exports/new/", create, name="research"),
    path("governance/exports/requests/<uuid:pk>/", asked, name="research-asked"),
]
