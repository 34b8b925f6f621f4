"""Reading a large request body as it comes: quickly, and without waiting for more than is there."""

from typing import Any

from django.http import HttpRequest

from recordings.parts import Read

SILENT_SECONDS = 20  # a client that says nothing for so long has gone
_SMALL = 64 * 1024  # elsewhere than under gunicorn a read waits until all that was asked for is there


def reader(request: HttpRequest) -> Read:
    """`read(size)` gives at most that many bytes, and none at the end. Raises OSError when the client has gone, or fallen silent.

    gunicorn's own body collects what was asked for and copies it several times on the way (300 MB in 1.5 s where the socket
    takes 0.2 s), so where it is the server its reader is asked for what has come. Nothing may have read the body before.
    """
    server = request.META.get("gunicorn.socket")
    if server is not None:
        server.settimeout(SILENT_SECONDS)  # a client whose network vanished would hold a thread of the server for ever
    whole: Any = request.META.get("wsgi.input")
    length = getattr(whole, "reader", None)
    unreader = getattr(length, "unreader", None)
    if not (hasattr(length, "length") and hasattr(unreader, "take_buffered") and hasattr(unreader, "chunk")):
        return lambda size: request.read(min(size, _SMALL))

    def read(size: int) -> bytes:
        size = min(size, length.length)  # type: ignore[union-attr]
        if not size:
            return b""
        try:
            data: bytes = unreader.take_buffered() or unreader.chunk(size)  # type: ignore[union-attr]
        except OSError:
            whole.failed = True  # where the next request would begin is unknown
            raise
        if len(data) > size:
            unreader.unread(data[size:])  # type: ignore[union-attr]
            data = data[:size]
        length.length -= len(data)  # type: ignore[union-attr]
        return data

    return read
