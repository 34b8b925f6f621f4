"""Front page, dashboards and health."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from wagtail import views as wagtail_views


@login_not_required
def home(request: HttpRequest) -> HttpResponse:
    return wagtail_views.serve(request, "")


@login_not_required
def health_live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@login_not_required
def health_ready(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def media(request: HttpRequest, path: str) -> HttpResponse:
    return HttpResponse(status=404)
