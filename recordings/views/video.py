"""The picture of a recording, with its sound: to the same people, judged in the same way at every request."""

from django.http import HttpResponseBase
from django.urls import path
from django.views.decorators.http import require_safe

from recordings.models import SealedObject
from recordings.views.audio import serve
from supervision.http import AuthenticatedRequest


@require_safe
def stream(request: AuthenticatedRequest, pk: str) -> HttpResponseBase:
    return serve(request, pk, SealedObject.Kind.VIDEO, media_type="video/mp4")


urlpatterns = [path("<uuid:pk>/video/", stream, name="video")]
