"""The sealed papers of a consent: scanned forms, notes about capacity, signatures."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadhandler import SkipFile
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from wagtail.log_actions import log

from recordings import casefile, consentproof, permissions, vault
from recordings.consentforms import PaperForm
from recordings.models import Consent, ConsentPaper
from recordings.uploads import SealingUploadHandler
from recordings.views import consents
from supervision.http import AuthenticatedRequest

# Nothing in a paper may run, load anything, or be taken for anything else than what it was sniffed to be.
_LOCKED = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'"
_SHOWN = {casefile.PNG: "inline", casefile.JPEG: "inline", casefile.TEXT: "inline", casefile.PDF: "attachment"}
_SUFFIX = {casefile.PNG: "png", casefile.JPEG: "jpg", casefile.TEXT: "txt", casefile.PDF: "pdf"}


class ScanUploadHandler(SealingUploadHandler):
    """Streams a scan straight into the vault's staging, up to the size of a scan."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803 (Django's name)
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        if content_length > casefile.MAX_SCAN_BYTES + 64 * 1024:
            self._refuse_size()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > casefile.MAX_SCAN_BYTES:
            self._refuse_size()
            raise SkipFile
        super().receive_data_chunk(raw_data, start)

    def _refuse_size(self) -> None:
        largest = filesizeformat(casefile.MAX_SCAN_BYTES)
        self.refusal = f"The file is larger than {largest}. Scan it in black and white or at a lower resolution."
        self.discard()


@csrf_exempt  # only to set the handler before anything reads the body; _add checks the token
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    consent = consents.load(request, pk)
    if not permissions.can_record_consent(request.user, consent.family):
        raise PermissionDenied("Papers are added by the family's therapist or the team's supervisors, while the family is open.")
    handler = ScanUploadHandler(request, field="scan")
    request.upload_handlers = [handler]
    try:
        return _add(request, consent, handler)
    finally:
        handler.discard()


@csrf_protect
def _add(request: AuthenticatedRequest, consent: Consent, handler: ScanUploadHandler) -> HttpResponse:
    context = {"consent": consent, "family": consent.family}
    if request.method != "POST":
        return render(request, "recordings/consent_paper.html", {**context, "form": PaperForm()})
    data, files = request.POST, request.FILES  # reads the body, through the handler
    form = PaperForm(data, files, refusal=handler.refusal)
    if form.is_valid():
        kind, scan, now = form.cleaned_data["kind"], form.cleaned_data["scan"], timezone.now()
        try:
            if scan:
                casefile.keep_scan(consent=consent, kind=kind, staged=scan.staged, by=request.user, now=now)
                consentproof.begin_transcripts(consent, by=request.user, now=now)
            else:
                casefile.keep_note(consent=consent, kind=kind, text=form.cleaned_data["note"], by=request.user, now=now)
        except casefile.PaperRefused as refusal:
            form.add_error("scan", str(refusal))
        except vault.KeyGone as gone:
            form.add_error(None, str(gone))
        else:
            messages.success(request, "The paper is sealed with the family's file.")
            return redirect("recordings:consent-detail", consent.pk)
    return render(request, "recordings/consent_paper.html", {**context, "form": form}, status=422)


def _load(request: AuthenticatedRequest, pk: str) -> ConsentPaper:
    seen = Consent.objects.visible_to(request.user)
    return get_object_or_404(ConsentPaper.objects.filter(consent__in=seen).select_related("consent__family"), pk=pk)


@require_safe
def show(request: AuthenticatedRequest, pk: str) -> HttpResponseBase:
    """The paper itself, as what it was found to be by its content. A PDF is handed over: no viewer runs in a locked page."""
    paper = _load(request, pk)
    try:
        content = casefile.open_paper(paper)
    except vault.KeyGone:
        return HttpResponse("This paper has been destroyed.\n", status=410, content_type="text/plain; charset=utf-8")
    if paper.kind != ConsentPaper.Kind.SIGNATURE:
        log(instance=paper.consent, action="recordings.paper_read", user=request.user, data={"paper": str(paper.pk)})
    charset = "; charset=utf-8" if paper.content_type == casefile.TEXT else ""
    response = StreamingHttpResponse(content.chunks(), content_type=paper.content_type + charset)
    response["Content-Length"] = str(content.size)
    suffix = _SUFFIX.get(paper.content_type, "bin")
    response["Content-Disposition"] = f'{_SHOWN.get(paper.content_type, "attachment")}; filename="consent-paper.{suffix}"'
    response["Content-Security-Policy"] = _LOCKED
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store, private"
    return response


@require_POST
def remove(request: AuthenticatedRequest, pk: str) -> HttpResponse:
    paper = _load(request, pk)
    if not permissions.can_record_consent(request.user, paper.consent.family):
        raise PermissionDenied("Papers are taken out by the family's therapist or the team's supervisors, while the family is open.")
    try:
        casefile.remove_paper(paper=paper, by=request.user, now=timezone.now())
    except casefile.PaperRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The paper is destroyed.")
    return redirect("recordings:consent-detail", paper.consent_id)


urlpatterns = [
    path("consents/<int:pk>/papers/", add, name="paper-add"),
    path("papers/<uuid:pk>/", show, name="paper"),
    path("papers/<uuid:pk>/remove/", remove, name="paper-remove"),
]
