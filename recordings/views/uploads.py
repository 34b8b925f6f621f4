"""Sending a recording: choose the family, see the consent in force, send the file or record it here; uploads that are unfinished."""

import datetime as dt
import uuid
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from recordings import consent as consents
from recordings import declared, tus, uploads
from recordings.forms import UploadForm
from recordings.models import Consent, Purpose, Recording, Upload
from supervision.http import AuthenticatedRequest, asked_words
from supervision.models import FamilyReference, User

_POLICY = "camera=(), geolocation=(), microphone=(self)"
MIC_BYTES_A_SECOND = 16_000  # twice what upload-mic.js asks of the browser
SHOWN_AFTER = dt.timedelta(days=2)
PER_PAGE = 25  # families
FEW = 10  # to look for one among them is no help


@csp_update({"media-src": ["blob:"]})  # to read a file's length, and to hear again what was recorded here
@csrf_exempt  # only to set the handler before anything reads the body; _upload checks the token
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: AuthenticatedRequest) -> HttpResponse:
    families = uploads.families_for(request.user).select_related("therapist", "team").order_by("reference", "pk")
    chosen = request.GET.get("family", "")
    if not chosen:
        return _choose(request, families)
    family = families.filter(pk=chosen).first() if chosen.isdecimal() and len(chosen) < 18 else None
    if family is None:
        raise Http404
    handler = uploads.SealingUploadHandler(request, field="recording")
    request.upload_handlers = [handler]
    try:
        response = _upload(request, family, handler)
    finally:
        handler.discard()
    response.headers["Permissions-Policy"] = _POLICY
    return response


def _choose(request: AuthenticatedRequest, families: QuerySet[FamilyReference]) -> HttpResponse:
    few = list(families[: FEW + 1])
    if len(few) == 1:
        return redirect(f"{reverse('recordings:upload')}?family={few[0].pk}")
    find = asked_words(request, "find")
    page = Paginator(families.filter(reference__icontains=find), PER_PAGE).get_page(request.GET.get("page"))
    today = timezone.localdate()
    latest: dict[int, Consent] = {}
    for consent in Consent.objects.filter(family__in=list(page)).prefetch_related("people").order_by("given_on", "pk"):
        known = latest.get(consent.family_id)
        if known is None or consents.covers(consent, Purpose.RECORD, on=today) or not consents.covers(known, Purpose.RECORD, on=today):
            latest[consent.family_id] = consent
    rows = [{"family": family, **_standing(latest.get(family.pk), today)} for family in page]
    context = {"rows": rows, "page": page, "find": find, "is_long": len(few) > FEW, "unfinished": _unfinished(request.user)}
    return render(request, "recordings/upload_family.html", context)


def _unfinished(user: User) -> list[dict[str, Any]]:
    """A person's uploads under way, and those that lately came to nothing."""
    now = timezone.now()
    rows = Upload.objects.visible_to(user).select_related("consent__family", "user").order_by("-began_at", "pk")
    under_way = [row for row in rows.open() if row.expires_at > now]
    shown = [{"upload": row, "label": declared.label(row), "share": row.offset * 100 // row.length} for row in under_way]
    ended = rows.filter(state__in=[Upload.State.REFUSED, Upload.State.EXPIRED], changed_at__gt=now - SHOWN_AFTER)[:5]
    return [*shown, *({"upload": row, "label": declared.Label(), "share": 0} for row in ended)]


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
        "plain_largest": settings.RECORDING_PLAIN_MAX_BYTES,
        "shortest": settings.RECORDING_MIN_SECONDS,
        "longest": settings.RECORDING_MAX_SECONDS,
        "mic_room": min(settings.RECORDING_MAX_BYTES, settings.RECORDING_MAX_SECONDS * MIC_BYTES_A_SECOND),
        "unfinished": _unfinished(request.user),
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
        except (uploads.UploadRefused, uploads.Unavailable) as refusal:
            form.add_error("recording", str(refusal))
        else:
            return _taken(request, recording)
    return render(request, "recordings/upload_form.html", {**context, "form": form}, status=422)


def _taken(request: AuthenticatedRequest, recording: Recording) -> HttpResponse:
    messages.success(request, _said(recording))
    return redirect("recordings:detail", recording.pk)


def _said(recording: Recording) -> str:
    return (
        f"Your recording is safe: {uploads.length_words(recording.duration_ms)}. {uploads.level_sentence(recording)} "
        "You can close this page; the transcript is made without you."
    )


# Uploads that are unfinished


def _own(request: AuthenticatedRequest, pk: uuid.UUID) -> Upload:
    return get_object_or_404(Upload.objects.visible_to(request.user).select_related("consent__family__team"), pk=pk)


def _back(upload: Upload) -> str:
    return f"{reverse('recordings:upload')}?family={upload.consent.family_id}"


@require_http_methods(["GET", "HEAD", "POST"])
def give_up(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    upload = _own(request, pk)
    if upload.state != Upload.State.OPEN:
        messages.info(request, "This upload has ended already.")
        return redirect(_back(upload))
    if request.method != "POST":
        context = {"upload": upload, "label": declared.label(upload), "back": _back(upload)}
        return render(request, "recordings/upload_give_up.html", context)
    tus.end(upload=upload, by=request.user, now=timezone.now())
    messages.success(request, "The upload was given up. Nothing of it was kept.")
    return redirect(_back(upload))


@require_POST
def finish(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    """Ends a recording that was sent while it was made: what has arrived is all of it."""
    upload = _own(request, pk)
    recording, sentence = upload.recording, ""
    if recording is None:
        try:
            recording = tus.take_what_came(upload=upload, by=request.user)
        except (tus.Refused, tus.Gone, tus.Busy, tus.WrongOffset, tus.Crowded, uploads.UploadRefused, uploads.Unavailable) as refusal:
            sentence = str(refusal)
    if request.headers.get("Accept") == "application/json":  # upload-mic.js
        if recording is None:
            return JsonResponse({"error": sentence}, status=422)
        return JsonResponse({"url": reverse("recordings:detail", args=[recording.pk]), "said": _said(recording)})
    if recording is None:
        messages.error(request, sentence)
        return redirect(_back(upload))
    return _taken(request, recording)


urlpatterns: list[URLPattern] = [
    path("upload/", upload, name="upload"),
    path("uploads/<uuid:pk>/give-up/", give_up, name="upload-give-up"),
    path("uploads/<uuid:pk>/finish/", finish, name="upload-finish"),
]
