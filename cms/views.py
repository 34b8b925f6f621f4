"""Front page, dashboards, health, and course media."""

import io
import os
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousFileOperation
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils._os import safe_join
from django.views.decorators.http import require_safe
from wagtail import views as wagtail_views

from cms import dashboard, health
from recordings import serving
from supervision.http import AuthenticatedRequest


class CourseFile(io.FileIO):
    """A course's audio or video, as `serving` wants its content."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        status = os.fstat(self.fileno())
        self.size = status.st_size
        self.object_id = f"{status.st_mtime_ns}-{status.st_size}"

    def check(self) -> None:
        """A course's media are not withdrawn while they play."""


@login_not_required
def home(request: HttpRequest) -> HttpResponse:
    """Signed out, the site's front page; signed in, the person's own dashboard."""
    if not request.user.is_authenticated:
        return wagtail_views.serve(request, "")
    return own_dashboard(request)  # type: ignore[arg-type]


def own_dashboard(request: AuthenticatedRequest) -> HttpResponse:
    board = dashboard.build(request.user, now=timezone.now())
    return render(request, "cms/dashboard.html", {"board": board})


@login_not_required
@require_safe
def health_live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def health_ready(request: HttpRequest) -> JsonResponse:
    """200 when database, storage, queue and media tools answer; 503 with the names of those that do not."""
    checks = health.checks()
    ready = all(result == "ok" for result in checks.values())
    return JsonResponse({"status": "ok" if ready else "unavailable", "checks": checks}, status=200 if ready else 503)


@require_safe
def media(request: AuthenticatedRequest, path: str) -> HttpResponseBase:
    """Course images, audio and video, for signed-in people only. Documents go through Wagtail's own view instead."""
    if path.startswith(("documents/", "original_images/")):
        raise Http404
    try:
        file = Path(safe_join(settings.MEDIA_ROOT, path))
    except SuspiciousFileOperation:
        raise Http404 from None
    if not file.is_file():
        raise Http404
    kinds = {".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".mp4": "video/mp4", ".webm": "video/webm", ".ogg": "audio/ogg"}
    if file.suffix.lower() in kinds:
        return serving.range_response(request, CourseFile(file), kinds[file.suffix.lower()])
    response = FileResponse(file.open("rb"))
    if file.suffix.lower() == ".vtt":
        response["Content-Type"] = "text/vtt; charset=utf-8"
    response["Cache-Control"] = "private, max-age=3600"
    response["X-Content-Type-Options"] = "nosniff"
    return response
