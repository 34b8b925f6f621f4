"""The information governance lead's pages: what is kept, who listened, what was destroyed, what is held, what left, the keys."""

import datetime as dt
import io
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe
from wagtail.log_actions import log

from recordings import accessrecord, certificates, concern, evidence, governance, legalhold, life, permissions, researchasking
from recordings.keepingforms import CertificatesFilter, HoldsFilter, ListeningFilter, RecordingsFilter
from recordings.models import DestructionCertificate, LegalHold, Recording
from supervision.http import AuthenticatedRequest

PER_PAGE = 50

View = Callable[[AuthenticatedRequest], HttpResponse]


def _governs(view: View) -> View:
    """Only for information governance leads; nothing of these pages is kept by a browser."""

    @require_safe
    @wraps(view)
    def guarded(request: AuthenticatedRequest) -> HttpResponse:
        if not permissions.can_govern(request.user):
            raise PermissionDenied("These pages are for the information governance lead.")
        response = view(request)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return guarded


@_governs
def recordings(request: AuthenticatedRequest) -> HttpResponse:
    today = timezone.localdate()
    filters = RecordingsFilter(request.GET)
    chosen = filters.chosen()
    known = governance.shown(Recording.objects.visible_to(request.user), chosen.get("show", ""), on=today)
    if "team" in chosen:
        known = known.filter(team=chosen["team"])
    known = known.order_by("-session_on", "-uploaded_at", "pk")
    if request.GET.get("format") == "csv":
        return _csv(request, "recordings", governance.RECORDINGS, governance.recording_cells(governance.kept(known, on=today)))
    page = Paginator(known, PER_PAGE).get_page(request.GET.get("page"))
    rows = governance.kept(
        Recording.objects.filter(pk__in=[row.pk for row in page]).order_by("-session_on", "-uploaded_at", "pk"), on=today
    )
    context = {
        "filters": filters,
        "page": page,
        "rows": rows,
        "tones": life.TONES,
        "concerns": concern.counts(now=timezone.now()),
        "to_show": evidence.overdue(on=today),
    }
    return _render(request, "recordings", context)


@_governs
def listening(request: AuthenticatedRequest) -> HttpResponse:
    filters = ListeningFilter(request.GET)
    chosen = filters.chosen()
    known = Recording.objects.visible_to(request.user)
    if "team" in chosen:
        known = known.filter(team=chosen.pop("team"))
    rows = accessrecord.among(known, **chosen)
    if request.GET.get("format") == "csv":
        return _csv(request, "listening", governance.LISTENING, governance.listening_cells(rows))
    return _render(request, "listening", {"filters": filters, "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))})


@_governs
def certificate_list(request: AuthenticatedRequest) -> HttpResponse:
    filters = CertificatesFilter(request.GET)
    known = DestructionCertificate.objects.filter(recording__in=Recording.objects.visible_to(request.user))
    rows = certificates.among(known, **filters.chosen())
    if request.GET.get("format") == "csv":
        return _csv(request, "certificates", governance.CERTIFICATES, governance.certificate_cells(rows))
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return _render(request, "certificates", {"filters": filters, "page": page, "today": timezone.localdate()})


@_governs
def holds(request: AuthenticatedRequest) -> HttpResponse:
    today = timezone.localdate()
    filters = HoldsFilter(request.GET)
    related = ("recording__family", "recording__team", "recording__consent", "asked_by", "agreed_by", "released_by")
    known = LegalHold.objects.visible_to(request.user).select_related(*related).order_by("-asked_at", "-pk")
    rows = legalhold.rows(known, on=today, for_user=request.user)
    if filters.chosen().get("show") != "all":
        rows = [row for row in rows if row["tone"] in ("due", "progress")]
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return _render(request, "holds", {"filters": filters, "page": page, "days": legalhold.AGREE_WITHIN_DAYS})


@_governs
def exports(request: AuthenticatedRequest) -> HttpResponse:
    page = Paginator(governance.exports(), PER_PAGE).get_page(request.GET.get("page"))
    today = timezone.localdate()
    words = [(one, *researchasking.word(one, on=today)) for one in researchasking.open_requests(on=today)]
    asked = [{"request": one, "word": word, "tone": tone} for one, word, tone in words]
    return _render(request, "exports", {"page": page, "requests": asked})


@_governs
def keys(request: AuthenticatedRequest) -> HttpResponse:
    return _render(request, "keys", {"facts": governance.facts(on=timezone.localdate())})


def _render(request: AuthenticatedRequest, tab: str, context: dict[str, Any]) -> HttpResponse:
    is_filtered = any(value for name, value in request.GET.items() if name != "page")
    return render(request, f"recordings/governance_{tab}.html", {"here": tab, "is_filtered": is_filtered, **context})


def _csv(request: AuthenticatedRequest, name: str, headings: Iterable[str], cells: Iterable[Iterable[Any]]) -> HttpResponse:
    today: dt.date = timezone.localdate()
    content = io.StringIO()
    count = governance.write_csv(content, headings, cells)
    log(instance=request.user, action="recordings.governance_export", user=request.user, data={"list": name, "rows": count})
    response = HttpResponse("\N{BOM}" + content.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{today.isoformat()}.csv"'
    return response


urlpatterns = [
    path("governance/", recordings, name="governance"),
    path("governance/listening/", listening, name="governance-listening"),
    path("governance/certificates/", certificate_list, name="governance-certificates"),
    path("governance/holds/", holds, name="governance-holds"),
    path("governance/exports/", exports, name="governance-exports"),
    path("governance/keys/", keys, name="governance-keys"),
]
