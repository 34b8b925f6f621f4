"""Which stretches of a recording left the server for a person's browser: also of a browser that never reports what it plays.

The sound is of constant bitrate, so a range of bytes is a range of time, true to about a second; of a picture, `pictureindex.py`
tells which seconds the bytes hold. Where neither can be told, the whole is written down. A browser fetches ahead, so what was sent is more than what was heard: it is the most that can have been. Ranges are gathered in the process and written
at most once in SENT_FLUSH_SECONDS, so that a player's many small requests are not as many writes.
"""

import atexit
import datetime as dt
import functools
import logging
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connection, transaction
from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from recordings import listening, pictureindex, vault
from recordings.listening import Interval
from recordings.models import Clip, Recording, SealedObject, SentInterval
from supervision.models import User

logger = logging.getLogger("recordings.sent")

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_MOST_WAITING = 10_000  # ranges, while the database cannot be written; beyond that they are lost, and the log says so

_Key = tuple[uuid.UUID, int, int | None]  # recording, person, number of the clip


def follow(
    response: HttpResponseBase, *, recording: Recording, person: User, clip: Clip | None = None, picture: SealedObject | None = None
) -> HttpResponseBase:
    """Notes how much of the response is taken, as it is. Anything but content is let through.

    `clip`: where the content is a clip, and so a stretch of the recording; kept apart from what was sent of the recording itself.
    `picture`: where the content is the recording's picture with its sound.
    """
    if not isinstance(response, StreamingHttpResponse):
        return response
    match = _CONTENT_RANGE.fullmatch(response.get("Content-Range", ""))
    start, size = (int(match[1]), int(match[2])) if match else (0, int(response.get("Content-Length", "0")))
    content: Iterable[bytes] = response.streaming_content  # type: ignore[assignment]
    part_ms = (clip.start_ms, clip.end_ms) if clip else (0, recording.duration_ms)
    key = (recording.pk, person.pk, clip.number if clip else None)
    held = functools.partial(_held, picture, recording.duration_ms) if picture else functools.partial(_even, size, part_ms)
    response.streaming_content = _Counted(content, key, start, held if size else None)
    return response


class _Counted:
    """The content as it is, and a note of what is taken of it: at once, for a player may hold a response open for as long as it plays."""

    def __init__(self, content: Iterable[bytes], key: _Key, start: int, held: Callable[[int, int], list[Interval]] | None) -> None:
        self.content, self.key, self.at, self.held = content, key, start, held

    def __iter__(self) -> Iterator[bytes]:
        for part in self.content:
            if part and self.held:
                for span in self.held(self.at, self.at + len(part)):
                    _waiting.add(self.key, span)
            self.at += len(part)
            yield part


def _even(size: int, part_ms: Interval, start: int, end: int) -> list[Interval]:
    """The time that bytes of a sound hold which is the stretch `part_ms` of the recording."""
    first, last = part_ms
    begin, over = span_ms(start, end - start, size, last - first)
    return [(first + begin, first + over)]


def _held(picture: SealedObject, duration_ms: int, start: int, end: int) -> list[Interval]:
    """The time that bytes of a picture hold: none for its index; the whole where its index cannot be read."""
    try:
        spans = pictureindex.of(picture).spans(start, end)
    except pictureindex.NoIndex:
        return [(0, duration_ms)]
    except vault.KeyGone:
        return []
    return [(begin, min(over, duration_ms)) for begin, over in spans if begin < duration_ms]


def span_ms(start: int, count: int, size: int, duration_ms: int) -> Interval:
    """The time, in milliseconds, that `count` bytes from `start` cover in content of `size` bytes: rounded outwards."""
    return start * duration_ms // size, min(duration_ms, -(-(start + count) * duration_ms // size))


class _Waiting:
    """Ranges that are not written yet. One in each process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ranges: dict[_Key, list[Interval]] = {}
        self._written_at = float("-inf")
        self._timer: threading.Timer | None = None

    def add(self, key: _Key, span: Interval) -> None:
        with self._lock:
            ranges = self._ranges.setdefault(key, [])
            ranges[:] = listening.merged([*ranges, span], join=listening.JOIN_MS)
            left = self._written_at + settings.SENT_FLUSH_SECONDS - time.monotonic()
            if left > 0:
                self._write_later(left)
        if left <= 0:
            self.write()

    def _write_later(self, seconds: float) -> None:
        if self._timer is None and seconds > 0:
            self._timer = threading.Timer(seconds, self._write_and_disconnect)
            self._timer.daemon = True
            self._timer.start()

    def write(self) -> None:
        """Writes what waits. What cannot be written waits on."""
        with self._lock:
            ranges, self._ranges = self._ranges, {}
            self._written_at = time.monotonic()
        for key, spans in ranges.items():
            try:
                _store(key, spans, timezone.now())
            except DatabaseTrouble as error:
                logger.warning("What was sent to a browser could not be written yet: %s", type(error).__name__)
                self._put_back(key, spans)

    def _put_back(self, key: _Key, spans: list[Interval]) -> None:
        with self._lock:
            if sum(map(len, self._ranges.values())) < _MOST_WAITING:
                self._ranges[key] = listening.merged([*self._ranges.get(key, []), *spans], join=listening.JOIN_MS)
                self._write_later(settings.SENT_FLUSH_SECONDS)
            else:
                logger.error("A note of what was sent to a browser is lost: too many wait for the database.")

    def _write_and_disconnect(self) -> None:
        with self._lock:
            self._timer = None
        try:
            self.write()
        finally:
            connection.close()


def note(*, recording: Recording, person: User, spans: list[Interval], now: dt.datetime) -> None:
    """Written at once: what was sent of the recording itself, in milliseconds."""
    _store((recording.pk, person.pk, None), spans, now)


@transaction.atomic
def _store(key: _Key, spans: list[Interval], now: dt.datetime) -> None:
    recording_id, person_id, clip = key
    if Recording.objects.select_for_update().filter(pk=recording_id).exists() and User.objects.filter(pk=person_id).exists():
        rows = SentInterval.objects.filter(recording_id=recording_id, person_id=person_id, clip=clip)
        listening.add(rows, spans, now=now, recording_id=recording_id, person_id=person_id, clip=clip)


_waiting = _Waiting()
write = _waiting.write
atexit.register(write)
