"""Lets Wagtail's admin work under the site's content security policy, without `unsafe-inline`.

Wagtail 8 still writes a few initialisers as inline scripts. Those, and only those, are allowed by their SHA-256: the
whole script must be one call of a known function whose arguments are JSON, so nothing that a person typed can run; or it
is, to the letter, a script that Wagtail's media library writes.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

STYLE_ATTRIBUTES = ["'unsafe-inline'"]  # the page editor's templates carry style attributes; style elements stay forbidden
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_CALL = re.compile(
    r"(?:initDateChooser|initDateTimeChooser|initTimeChooser|createMediaChooser|createTaskChooser|new (?:Page|Snippet|Image|Document)?Chooser)\((.*)\);?",
    re.DOTALL,
)
_PANEL = re.compile(r'\(function\(\) \{\s*var panel = new InlinePanel\(JSON\.parse\(("[^"]*")\)\);\s*\}\)\(\);')  # rows of a form
_CONSTANT = {
    "Jx16Tpaz2Kcypjovu4mlVyW3Ji0PExMKe5W9Wr3cmBs=",  # wagtailmedia/media/add.html: a chosen file's name becomes the title
}


def allowed_hashes(html: str) -> list[str]:
    """CSP sources for the known initialisers in a page."""
    sources = []
    for script in _SCRIPT.findall(html):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        if digest in _CONSTANT or _is_known_call(script.strip()):
            sources.append(f"'sha256-{digest}'")
    return sorted(set(sources))


def _is_known_call(script: str) -> bool:
    call = _CALL.fullmatch(script) or _PANEL.fullmatch(script)
    if call is None:
        return False
    try:
        json.loads(f"[{call.group(1)}]")
    except ValueError:
        return False
    return True


class AdminScriptsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = not response.streaming and response.get("Content-Type", "").startswith("text/html")
        if request.path.startswith("/admin/") and is_page:
            sources = allowed_hashes(response.content.decode(response.charset or "utf-8", errors="replace"))
            response._csp_update = {"script-src": sources, "style-src-attr": STYLE_ATTRIBUTES}  # type: ignore[attr-defined]
        return response
