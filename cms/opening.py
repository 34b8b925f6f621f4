"""When no page can be shown: the site comes from a backup that is not replayed yet, or sealed recordings cannot be reached."""

import errno
from collections.abc import Callable

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from recordings import replay
from recordings.sealedfile import Damaged, KeyGone
from recordings.sitekey import SiteKeyTrouble
from recordings.store import StoreAway

_ALWAYS_OPEN = ("/health/", settings.STATIC_URL)
RETRY_SECONDS = 120
BUSY = "The database does not answer in time. What you had saved before is safe; what you were just sending was not kept. Try again in a minute."
NO_ROOM = (
    "What you had saved before is safe; what you were just sending was not kept. Tell the person who runs Plumbline, and try again later."
)


class OpeningMiddleware:
    """503 with one sentence, instead of a page, as long as that is so. Health checks and the style sheets are always answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(_ALWAYS_OPEN) or replay.is_open():
            return self.get_response(request)
        return _closed(request, "Plumbline is closed for a short time", replay.SHUT)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What is no fault of a page: storage that is away or full, a database that is, a site key that is missing or wrong."""
        if isinstance(error, StoreAway):
            return _closed(request, "Recordings cannot be reached just now", str(error))
        if isinstance(error, Damaged):
            return _closed(request, "This cannot be opened just now", str(error))
        if isinstance(error, SiteKeyTrouble | KeyGone):
            sentence = (
                "The key that opens recordings is missing or is not the right one. Nothing is lost. Tell the person who runs Plumbline."
            )
            return _closed(request, "Recordings cannot be opened just now", sentence)
        if isinstance(error, OperationalError):
            return _closed(request, "Plumbline is too busy just now", BUSY)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return _closed(request, "There is no room left on the server", NO_ROOM)
        return None


def _closed(request: HttpRequest, title: str, sentence: str) -> HttpResponse:
    response = render(None, "503.html", {"title": title, "sentence": sentence}, status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    response["Cache-Control"] = "no-store"
    return response
