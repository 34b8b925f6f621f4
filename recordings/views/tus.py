"""tus 1.0.0 over HTTP, at /recordings/uploads/: creation, expiration, checksum, termination. The rules are in `recordings/tus.py`.

Every answer to a signed-in client is empty or JSON; nothing here redirects. What a person should read is {"error": a sentence}.
"""

import datetime as dt
import functools
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from recordings import declared, tus, uploads
from recordings.models import Consent, Recording, Upload
from recordings.views import body
from supervision.http import AuthenticatedRequest

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
STREAM = "application/offset+octet-stream"
SIGNED_OUT = "You are signed out. Sign in again in another tab, then go on here. What has arrived is safe."
ONE_STEP = "Your sign-in still needs its second step. Confirm it in another tab, then go on here. What has arrived is safe."
_FORMS = ("multipart/", "application/x-www-form-urlencoded")


class Problem(Exception):
    """An answer that ends the request."""

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.response = JsonResponse({"error": sentence}, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})


_STATUS: dict[type[Exception], int] = {
    tus.TooLarge: 413,
    tus.Refused: 422,
    uploads.UploadRefused: 422,
    tus.WrongOffset: 409,
    tus.Gone: 410,
    tus.Busy: 423,
    tus.ChecksumWrong: 460,
    tus.Crowded: 503,
    uploads.Unavailable: 503,
    tus.NoRoom: 507,
}

View = Callable[..., HttpResponse]


def _speaks_tus(view: View) -> View:
    """Signed in or 401; this version or 412; the method that was meant; every problem as JSON; `Tus-Resumable` on all."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Problem as problem:
            return problem.response
        except tuple(_STATUS) as error:
            status = next(status for kind, status in _STATUS.items() if isinstance(error, kind))
            if isinstance(error, uploads.AlreadyUploaded):
                return _twin(request, error.recording)
            return JsonResponse({"error": str(error)}, status=status, headers={"Retry-After": "10"} if status == 503 else {})

    # A form would be read, and its file written to the disk, to find the token in it: so no forms here, and only then the token.
    protected = csrf_protect(answer)

    @csrf_exempt
    @login_not_required
    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _unauthorised(SIGNED_OUT)
        if request.content_type and request.content_type.startswith(_FORMS):
            return _marked(JsonResponse({"error": "Forms are not taken here."}, status=415))
        return _marked(protected(request, *args, **kwargs))

    guarded.turn_away = lambda request: _unauthorised(ONE_STEP)  # type: ignore[attr-defined]  # see supervision/mfa.py
    return guarded


def _unauthorised(sentence: str) -> HttpResponse:
    return _marked(JsonResponse({"error": sentence}, status=401))


def _marked(response: HttpResponse) -> HttpResponse:
    response.headers["Tus-Resumable"] = VERSION
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _twin(request: HttpRequest, recording: Recording) -> JsonResponse:
    known = Recording.objects.visible_to(request.user).filter(pk=recording.pk).exists()  # type: ignore[arg-type]
    where = {"url": reverse("recordings:detail", args=[recording.pk])} if known else {}
    return JsonResponse({"error": str(uploads.AlreadyUploaded(recording)), **where}, status=422)


def _method(request: HttpRequest, *allowed: str) -> str:
    """The method meant. Some networks let only GET and POST by; a POST, whose token was checked, may say that it is another."""
    method = request.method or ""
    if method == "POST":
        method = request.headers.get("X-HTTP-Method-Override", method).upper()
    if method not in allowed:
        raise Problem(405, "This address does not know that method.", Allow=", ".join(allowed))
    if method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
        raise Problem(412, f"This service speaks tus {VERSION}.", Tus_Version=VERSION)
    return method


def _options() -> HttpResponse:
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(settings.RECORDING_MAX_BYTES),
        "Tus-Checksum-Algorithm": ",".join(declared.CHECKSUMS),
    }
    return HttpResponse(status=204, headers=headers)


def _number(request: HttpRequest, header: str) -> int:
    value = request.headers.get(header, "")
    if not (value.isascii() and value.isdecimal() and len(value) < 19):
        raise Problem(400, f"{header} must be a whole number of bytes.")
    return int(value)


@_speaks_tus
def collection(request: AuthenticatedRequest) -> HttpResponse:
    if _method(request, "OPTIONS", "POST") == "OPTIONS":
        return _options()
    for header in ("Upload-Defer-Length", "Upload-Concat"):
        if header in request.headers:
            raise Problem(400, f"{header} is not offered here. Say the whole length at the beginning.")
    if request.headers.get("Content-Length") not in (None, "", "0") or "Transfer-Encoding" in request.headers:
        raise Problem(400, "Begin the upload first, then send its bytes.")
    length = _number(request, "Upload-Length")
    said = _metadata(request)
    consent = _consent(request, said.get("consent", ""))
    upload = tus.begin(
        consent=consent,
        session_on=_session_on(said.get("session_on")),
        length=length,
        about=declared.Label(declared.clean_name(said.get("filename", "")), said.get("fingerprint", "")[:64], said.get("live") == "1"),
        by=request.user,
        now=timezone.now(),
    )
    return HttpResponse(status=201, headers={"Location": reverse("recordings:tus-upload", args=[upload.pk]), **_expires(upload)})


def _metadata(request: HttpRequest) -> dict[str, str]:
    try:
        return declared.metadata(request.headers.get("Upload-Metadata", ""))
    except ValueError as error:
        raise Problem(400, "Upload-Metadata must hold pairs of a key and a value in base64, each key once.") from error


def _consent(request: AuthenticatedRequest, given: str) -> Consent:
    if not given:
        raise Problem(400, "Upload-Metadata must name the consent.")
    families = uploads.families_for(request.user)
    known = given.isascii() and given.isdecimal() and len(given) < 18
    consent = Consent.objects.filter(pk=given, family__in=families).first() if known else None
    if consent is None:
        raise Problem(422, "This consent is not known here. Reload the page and choose who was in the session.")
    return consent


def _session_on(given: str | None) -> dt.date:
    if given is None:
        return timezone.localdate()
    try:
        day = parse_date(given)
    except ValueError:
        day = None
    if day is None:
        raise Problem(400, "session_on must be a day, such as 2027-05-12.")
    return day


@_speaks_tus
def item(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    upload = Upload.objects.visible_to(request.user).select_related("consent__family__team").filter(pk=pk).first()
    if upload is None:
        raise Problem(404, "There is no such upload.")
    method = _method(request, "OPTIONS", "HEAD", "PATCH", "DELETE")
    if method == "OPTIONS":
        return _options()
    if method == "DELETE":
        tus.end(upload=upload, by=request.user, now=timezone.now())
        return HttpResponse(status=204)
    if method == "HEAD":
        return _head(upload)
    return _patch(request, upload)


def _head(upload: Upload) -> HttpResponse:
    if upload.state != Upload.State.FINISHED and (upload.state != Upload.State.OPEN or upload.expires_at <= timezone.now()):
        raise tus.Gone
    said = {"consent": str(upload.consent_id), "session_on": upload.session_on.isoformat()}
    headers = {"Upload-Length": str(upload.length), "Upload-Metadata": declared.as_metadata(said)}
    return HttpResponse(status=200, headers={**headers, **_offset(upload)})


def _patch(request: AuthenticatedRequest, upload: Upload) -> HttpResponse:
    if request.content_type != STREAM:
        raise Problem(415, f"The content type must be {STREAM}.")
    offset = _number(request, "Upload-Offset")
    if "Transfer-Encoding" in request.headers:
        raise Problem(411, "Say how many bytes follow.")
    size = int(request.META.get("CONTENT_LENGTH") or 0)
    try:
        given = request.headers.get("Upload-Checksum")
        checksum = declared.Checksum.parse(given) if given is not None else None
    except ValueError as error:
        raise Problem(400, f"Upload-Checksum must be one of {', '.join(declared.CHECKSUMS)} and a sum in base64.") from error
    if checksum is not None and size > tus.CHECKED_AT_MOST:
        raise Problem(413, f"At most {tus.CHECKED_AT_MOST} bytes can be checked at once.")
    if upload.state == Upload.State.FINISHED and offset == upload.offset and not size:
        return HttpResponse(status=204, headers=_offset(upload))
    with tus.writing(upload, offset=offset, now=timezone.now()) as lease:
        if size > upload.length - offset:
            raise Problem(413, "These are more bytes than the upload was said to have.")
        tus.append(upload=upload, lease=lease, read=body.reader(request), size=size, checksum=checksum, by=request.user)
    return HttpResponse(status=204, headers=_offset(upload))


def _expires(upload: Upload) -> dict[str, str]:
    return {"Upload-Expires": http_date(upload.expires_at.timestamp())}


def _offset(upload: Upload) -> dict[str, str]:
    headers = {"Upload-Offset": str(upload.offset)}
    if upload.recording_id is None:
        return {**headers, **_expires(upload)}
    return {**headers, "X-Recording": reverse("recordings:detail", args=[upload.recording_id])}


urlpatterns: list[URLPattern] = [
    path("uploads/", collection, name="tus"),
    path("uploads/<uuid:pk>/", item, name="tus-upload"),
]
