"""Sending a recording: choose the family, see the consent in force, send the file."""

import datetime as dt

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from recordings import consent as consents
from recordings import uploads
from recordings.forms import UploadForm
from recordings.models import Consent, Purpose, Recording
from supervision.http import AuthenticatedRequest
from supervision.models import FamilyReference


@csrf_exempt  # only to set the handler before anything reads the body; _upload checks the token
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: AuthenticatedRequest) -> HttpResponse:
    families = uploads.families_for(request.user).select_related("therapist", "team").order_by("reference", "pk")
    chosen = request.GET.get("family", "")
    if not chosen:
        return _choose(request, list(families))
    family = families.filter(pk=chosen).first() if chosen.isdecimal() and len(chosen) < 18 else None
    if family is None:
        raise Http404
    handler = uploads.SealingUploadHandler(request, field="recording")
    request.upload_handlers = [handler]
    try:
        return _upload(request, family, handler)
    finally:
        handler.discard()


def _choose(request: AuthenticatedRequest, families: list[FamilyReference]) -> HttpResponse:
    if len(families) == 1:
        return redirect(f"{reverse('recordings:upload')}?family={families[0].pk}")
    today = timezone.localdate()
    latest: dict[int, Consent] = {}
    for consent in Consent.objects.filter(family__in=families).prefetch_related("people").order_by("given_on", "pk"):
        known = latest.get(consent.family_id)
        if known is None or consents.covers(consent, Purpose.RECORD, on=today) or not consents.covers(known, Purpose.RECORD, on=today):
            latest[consent.family_id] = consent
    rows = [{"family": family, **_standing(latest.get(family.pk), today)} for family in families]
    return render(request, "recordings/upload_family.html", {"rows": rows})


def _standing(consent: Consent | None, today: dt.date) -> dict[str, object]:
    missing = consents.why_not(consent, Purpose.RECORD, on=today) if consent else "Nobody has been asked yet."
    return {"consent": consent, "missing": missing, "lines": consents.lines(consent) if consent and not missing else []}


@csrf_protect
def _upload(request: AuthenticatedRequest, family: FamilyReference, handler: uploads.SealingUploadHandler) -> HttpResponse:
    now = timezone.now()
    today = timezone.localdate(now)
    given = list(Consent.objects.filter(family=family).prefetch_related("people").order_by("-given_on", "-pk"))
    usable = [consent for consent in given if consents.covers(consent, Purpose.RECORD, on=today)]
    context: dict[str, object] = {
        "family": family,
        "largest": settings.RECORDING_MAX_BYTES,
        "usable": [{"consent": c, "lines": consents.lines(c)} for c in usable],
    }
    if not usable:
        context["missing"] = consents.why_not(given[0], Purpose.RECORD, on=today) if given else "Nobody in this family has been asked yet."
        return render(request, "recordings/upload_form.html", context, status=403 if request.method == "POST" else 200)
    if request.method != "POST":
        form = UploadForm(consents=usable, today=today)
        return render(request, "recordings/upload_form.html", {**context, "form": form})

    data, files = request.POST, request.FILES  # reads the body, through the handler
    form = UploadForm(data, files, consents=usable, today=today, refusal=handler.refusal)
    if form.is_valid():
        consent = form.cleaned_data["consent"]
        try:
            recording = uploads.receive(
                consent=consent,
                session_on=form.cleaned_data["session_on"],
                staged=form.cleaned_data["recording"].staged,
                by=request.user,
                now=now,
            )
        except uploads.AlreadyUploaded as refusal:
            if uploads.is_same_submission(refusal.recording, consent=consent, by=request.user, now=now):
                return _taken(request, refusal.recording)
            form.add_error("recording", str(refusal))
            context["twin"] = Recording.objects.visible_to(request.user).filter(pk=refusal.recording.pk).first()
        except uploads.UploadRefused as refusal:
            form.add_error("recording", str(refusal))
        else:
            return _taken(request, recording)
    return render(request, "recordings/upload_form.html", {**context, "form": form}, status=422)


def _taken(request: AuthenticatedRequest, recording: Recording) -> HttpResponse:
    length = uploads.length_words(recording.duration_ms)
    messages.success(
        request,
        f"Your recording is safe: {length}. {uploads.level_sentence(recording)} You can close this page; the transcript is made without you.",
    )
    url = reverse("recordings:detail", args=[recording.pk])
    if request.headers.get("Accept") == "application/json":  # upload.js
        return JsonResponse({"url": url})
    return redirect(url)
