"""Clips in lessons. A lesson holds a clip's id and nothing else; what it is, and whether it may still be heard, is asked at every view.

The clips themselves belong to another app, which registers here what it can tell of them. Without one a lesson shows nothing.
"""

import datetime as dt
from typing import Any, Protocol

from django.utils import timezone


class Provider(Protocol):
    def shown(self, clip_id: str, user: Any, *, on: dt.date) -> Any:
        """The clip for this reader: title, seconds, url, captions (a URL of WebVTT), words, and two sentences: `wordless` stands
        in place of its words, `closed` in place of it. None: not for them."""

    def choices(self, *, on: dt.date) -> list[tuple[str, str]]:
        """Ids with titles, for the editor of a lesson."""


_provider: list[Provider] = []


def register(provider: Provider) -> None:
    _provider[:] = [provider]


def shown(clip_id: str, user: Any) -> Any:
    return _provider[0].shown(clip_id, user, on=timezone.localdate()) if _provider else None


def choices() -> list[tuple[str, str]]:
    return _provider[0].choices(on=timezone.localdate()) if _provider else []
