"""Serving sealed content by HTTP Range (RFC 9110, section 14), decrypting only what was asked for.

One range is answered with 206; several at once, or a header that makes no sense, are ignored and the whole is sent, as the
RFC allows. Nothing may be stored on the way, and nobody may take the bytes for anything but sound.
"""

import re
from collections.abc import Callable, Iterator
from typing import Protocol

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from recordings.vault import KeyGone

STEP = 1024 * 1024
_ONE_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.ASCII)


class Content(Protocol):
    """What can be served: a `vault.SealedReader`, or a plain file that dresses as one."""

    @property
    def size(self) -> int: ...
    @property
    def object_id(self) -> object: ...
    def seek(self, offset: int, whence: int = ..., /) -> int: ...
    def tell(self) -> int: ...
    def read(self, size: int = ..., /) -> bytes | None: ...
    def check(self) -> None: ...
    def close(self) -> None: ...


def range_response(
    request: HttpRequest, reader: Content, content_type: str, *, may_go_on: Callable[[], bool] = lambda: True
) -> HttpResponseBase:
    """The content, or the part that `Range` names. Closes the reader in the end. `may_go_on` is asked before each further step."""
    strong = f'"{reader.object_id}"'  # other content is another object
    header = request.headers.get("Range", "")
    if request.headers.get("If-Range", strong) != strong:
        header = ""  # the client holds parts of something else: it gets the whole
    try:
        span = _span(header, reader.size)
    except ValueError:
        reader.close()
        response: HttpResponseBase = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{reader.size}"
        return _marked(response, strong)

    start, end = span or (0, reader.size - 1)
    if request.method == "HEAD":
        reader.close()
        response = HttpResponse(content_type=content_type)
    else:
        response = StreamingHttpResponse(_Steps(reader, start, end, may_go_on), content_type=content_type)
    response["Content-Length"] = str(end - start + 1)
    if span:
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{end}/{reader.size}"
    return _marked(response, strong)


def _span(header: str, size: int) -> tuple[int, int] | None:
    """First and last byte, inclusive; None for the whole. Raises ValueError when the range cannot be satisfied."""
    match = _ONE_RANGE.fullmatch(header)
    if not match or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:  # the last so many bytes
        if int(last) == 0 or size == 0:
            raise ValueError("an empty suffix")
        return max(0, size - int(last)), size - 1
    if last and int(last) < int(first):
        return None  # not a valid range: ignored
    if int(first) >= size:
        raise ValueError("past the end")
    return int(first), min(int(last), size - 1) if last else size - 1


class _Steps:
    """At most 1 MiB at a time; stops short as soon as the recording's key has been destroyed, or whoever listens may not any more.

    A class and not a generator, so that Django closes the reader also when a client hangs up before the first byte.
    """

    def __init__(self, reader: Content, start: int, end: int, may_go_on: Callable[[], bool]) -> None:
        self.reader, self.start, self.end, self.may_go_on = reader, start, end, may_go_on

    def __iter__(self) -> Iterator[bytes]:
        self.reader.seek(self.start)
        while (left := self.end + 1 - self.reader.tell()) > 0:
            try:
                self.reader.check()
            except KeyGone:
                return
            if self.reader.tell() > self.start and not self.may_go_on():
                return
            part = self.reader.read(min(STEP, left))
            if not part:
                return
            yield part

    def close(self) -> None:
        self.reader.close()


def _marked(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Cache-Control"] = "no-store, private"
    response["Content-Disposition"] = "inline"
    response["X-Content-Type-Options"] = "nosniff"
    return response


_SIGNATURES: list[tuple[int, bytes, str]] = [
    (0, b"OggS", "audio/ogg"),
    (4, b"ftyp", "audio/mp4"),
    (0, b"RIFF", "audio/wav"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1aE\xdf\xa3", "audio/webm"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
]


def sound_type(reader: Content) -> str:
    """The media type by the first bytes: never by a name. Leaves the reader at its beginning."""
    reader.seek(0)
    beginning = reader.read(12) or b""
    reader.seek(0)
    for offset, signature, media_type in _SIGNATURES:
        if beginning.startswith(signature, offset):
            return media_type
    return "audio/mpeg"
