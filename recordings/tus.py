"""Resumable uploads: what the tus protocol (1.0.0) asks of the service, without its HTTP (`views/tus.py`).

The row's offset is the authority. It moves in a short transaction once the bytes before it are sealed and durable, and
only under the lease of the request that writes: of two at once one is told to wait, and one that was believed dead and
comes back changes nothing. The last part counts only together with the verdict about the whole, so that a client
that is cut off there sends it again and hears the verdict then.
"""

import contextlib
import datetime as dt
import functools
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q, Sum
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from wagtail.log_actions import log

from recordings import keystore, parts, sealedfile, uploads, vault
from recordings.declared import Checksum, Label, label
from recordings.models import Consent, Recording, Upload, UploadPart
from recordings.store import StoreAway
from supervision.models import User

State = Upload.State
LEASE = dt.timedelta(seconds=45)
BEAT_SECONDS = 15
OPEN_AT_MOST = 20  # uploads of one person under way
WRITING_AT_MOST = 4  # of one person at the same moment
WRITING_IN_ALL = 16  # each holds a thread of the web server
ROOM_LEFT = 1024**3  # bytes of disk that uploads leave free
CHECKED_AT_MOST = 64 * 1024 * 1024  # bytes that may hang on one checksum
NO_KEY = "The key that opens recordings is missing or is not the right one. Nothing is lost. Tell the person who runs Plumbline."
ORPHANED_AFTER = dt.timedelta(minutes=10)


class Refused(Exception):
    """Nothing was begun; the text says why."""


class TooLarge(Refused):
    """More than may be sent."""


class Gone(Exception):
    """The upload has ended: it was given up, ran out, was refused, or its consent was withdrawn."""

    def __init__(self, message: str = "This upload has ended. Nothing of it was kept. Begin again.") -> None:
        super().__init__(message)


class WrongOffset(Exception):
    """The bytes do not join on to those that are here."""

    def __init__(self) -> None:
        super().__init__("These bytes do not join on to those that have arrived. Ask how far it is and go on from there.")


class Busy(Exception):
    """Another request is writing to this upload."""

    def __init__(self) -> None:
        super().__init__("Another page is sending this recording. It can go on here in less than a minute.")


class Crowded(Exception):
    """Too many uploads at this moment."""

    def __init__(self) -> None:
        super().__init__("Many recordings are being sent at this moment. Yours goes on in a few seconds.")


class ChecksumWrong(Exception):
    """The bytes were changed on their way; none of them counts."""

    def __init__(self) -> None:
        super().__init__("These bytes were changed on their way. None of them was kept.")


class NoRoom(Exception):
    """The bytes could not be written."""

    def __init__(
        self, message: str = "There is no room for more just now. What has arrived is safe. Tell the person who runs Plumbline."
    ) -> None:
        super().__init__(message)


# Beginning


def begin(*, consent: Consent, session_on: dt.date, length: int, about: Label, by: User, now: dt.datetime) -> Upload:
    """Makes room for a recording of `length` bytes. Raises Refused, TooLarge, uploads.UploadRefused."""
    if length > settings.RECORDING_MAX_BYTES:
        largest = filesizeformat(settings.RECORDING_MAX_BYTES)
        raise TooLarge(f"The file is larger than {largest}, the most that can be sent. Save it as sound only, in a compressed format.")
    if length < 1:
        raise Refused("The file is empty. Choose another one.")
    uploads.check(consent, session_on, by, now)
    upload = Upload(user=by, consent=consent, session_on=session_on, length=length, began_at=now, changed_at=now, expires_at=_expiry(now))
    vault.create_key(upload.pk, purpose=parts.KEY)
    try:
        upload.name_sealed = about.sealed(upload.pk)
        _begin(upload, by=by, now=now)
    except BaseException:
        keystore.remove(upload.pk)
        raise
    return upload


@transaction.atomic
def _begin(upload: Upload, *, by: User, now: dt.datetime) -> None:
    User.objects.select_for_update().get(pk=by.pk)
    if Upload.objects.visible_to(by).open().count() >= OPEN_AT_MOST:
        raise Refused(f"You have {OPEN_AT_MOST} unfinished uploads. Finish or give up some of them first.")
    if not settings.S3_BUCKET and _free() < 2 * upload.length + _expected() + ROOM_LEFT:
        raise Refused("There is no room for a recording of this size. Tell the person who runs Plumbline, and try again later.")
    uploads.check(Consent.objects.select_for_update().get(pk=upload.consent_id), upload.session_on, by, now)
    upload.save(force_insert=True)
    log(instance=upload, action="recordings.upload_begin", user=by, data={"consent": upload.consent_id})


def _free() -> int:
    return shutil.disk_usage(sealedfile.make_folder(settings.VAULT_DIR)).free


def _expected() -> int:
    """Bytes that uploads under way may still bring."""
    return Upload.objects.open().aggregate(rest=Sum(F("length") - F("offset")))["rest"] or 0


def _expiry(now: dt.datetime) -> dt.datetime:
    return now + dt.timedelta(hours=settings.UPLOAD_EXPIRY_HOURS)


# Writing


@contextlib.contextmanager
def writing(upload: Upload, *, offset: int, now: dt.datetime) -> Iterator[uuid.UUID]:
    """The lease to write from `offset` on. Raises Gone, Busy, WrongOffset, Crowded."""
    lease = _claim(upload, offset=offset, now=now)
    try:
        yield lease
    finally:
        with contextlib.suppress(DatabaseError):  # it runs out by itself
            Upload.objects.filter(pk=upload.pk, lease=lease).update(lease=None, lease_until=None)


def _claim(upload: Upload, *, offset: int, now: dt.datetime) -> uuid.UUID:
    at_work = Upload.objects.open().filter(lease_until__gt=now).exclude(pk=upload.pk)
    if at_work.count() >= WRITING_IN_ALL or at_work.filter(user=upload.user_id).count() >= WRITING_AT_MOST:
        raise Crowded
    lease = uuid.uuid4()
    free = Q(lease=None) | Q(lease_until__lte=now)
    mine = Upload.objects.open().filter(free, pk=upload.pk, offset=offset, expires_at__gt=now)
    if not mine.update(lease=lease, lease_until=now + LEASE):
        upload.refresh_from_db()
        if upload.state == State.OPEN and upload.expires_at > now:
            raise Busy if upload.lease and upload.lease_until and upload.lease_until > now else WrongOffset
        if upload.state == State.FINISHED:
            raise WrongOffset
        raise Gone
    upload.refresh_from_db()
    return lease


@dataclass
class _Write:
    """One PATCH: what came, what of it counts."""

    upload: Upload
    lease: uuid.UUID
    clock: Callable[[], dt.datetime]
    pending: list[UploadPart] = field(default_factory=list)

    @property
    def came(self) -> int:
        return self.upload.offset + sum(part.size for part in self.pending)

    def count(self) -> None:
        """Moves the offset over the pending parts, durable as they are. Raises Gone."""
        with transaction.atomic():
            self._move()
            UploadPart.objects.bulk_create(self.pending)
        self.upload.offset = self.came
        self.pending = []

    def _move(self) -> None:
        now = self.clock()
        mine = Upload.objects.open().filter(pk=self.upload.pk, lease=self.lease, offset=self.upload.offset)
        expires = _expiry(now)
        if not mine.update(offset=self.came, changed_at=now, expires_at=expires, lease_until=now + LEASE):
            raise Gone
        self.upload.expires_at = expires


def append(
    *,
    upload: Upload,
    lease: uuid.UUID,
    read: parts.Read,
    size: int,
    checksum: Checksum | None = None,
    by: User,
    clock: Callable[[], dt.datetime] = timezone.now,
) -> Recording | None:
    """Takes `size` bytes, or what comes of them, and moves `upload.offset`. The recording, once it is whole and taken.

    Raises Gone, ChecksumWrong, NoRoom, uploads.Unavailable; uploads.UploadRefused when the consent no longer holds or the
    whole is not taken: the upload has then ended.
    """
    try:
        uploads.check(upload.consent, upload.session_on, by, clock())
    except uploads.UploadRefused as refusal:
        refuse(upload, str(refusal), by=by, now=clock())
        raise
    digest = checksum.new() if checksum else None
    write = _Write(upload, lease, clock)
    incoming = parts.Incoming(read, size, digest)
    number = upload.parts.count()
    try:
        while incoming.left and not incoming.is_broken:
            part = parts.seal(upload, number, incoming)
            if part is None:
                break
            number += 1
            write.pending.append(part)
            if checksum is None and write.came < upload.length:
                write.count()
        if checksum is not None and digest is not None and (incoming.left or digest.digest() != checksum.expected):
            raise ChecksumWrong
        if write.came == upload.length:
            return _finish(upload, lease, write.pending, by=by, clock=clock)
        if write.pending:
            write.count()
    except StoreAway as error:
        raise uploads.Unavailable(str(error)) from error
    except OSError as error:
        raise NoRoom from error
    except vault.KeyGone as error:
        if Upload.objects.open().filter(pk=upload.pk).exists():  # nobody ended it: the key store is away
            raise uploads.Unavailable(NO_KEY) from error
        raise Gone from error
    finally:
        parts.remove(write.pending)
    return None


# The end


def take_what_came(*, upload: Upload, by: User, clock: Callable[[], dt.datetime] = timezone.now) -> Recording:
    """Ends a recording that was sent while it was made: what has come is all of it.

    Raises Refused for any other upload, Gone, Busy, uploads.UploadRefused and uploads.Unavailable.
    """
    if not label(upload).is_live:
        raise Refused("Only a recording made on this page can be ended early. Send the rest of the file.")
    with writing(upload, offset=upload.offset, now=clock()) as lease:
        return _finish(upload, lease, [], by=by, clock=clock)


def _finish(upload: Upload, lease: uuid.UUID, pending: list[UploadPart], *, by: User, clock: Callable[[], dt.datetime]) -> Recording:
    gathered = parts.Gathered(upload, [*upload.parts.order_by("number"), *pending])
    now = clock()
    try:
        with _kept_alive(upload, lease, clock):
            recording = uploads.receive(
                consent=upload.consent,
                session_on=upload.session_on,
                staged=gathered,
                by=by,
                now=now,
                then=functools.partial(_settle, upload, lease, gathered.size, now),
            )
    except uploads.UploadRefused as refusal:
        refuse(upload, str(refusal), by=by, now=clock())
        raise
    upload.refresh_from_db()
    parts.clear(upload.pk)
    return recording


def _settle(upload: Upload, lease: uuid.UUID, size: int, now: dt.datetime, recording: Recording) -> None:
    """In the transaction that keeps the recording: an upload that has ended meanwhile takes it back."""
    mine = Upload.objects.open().filter(pk=upload.pk, lease=lease)
    ended = {"state": State.FINISHED, "name_sealed": b"", "lease": None, "lease_until": None}
    if not mine.update(recording=recording, offset=size, length=size, changed_at=now, **ended):
        raise Gone


@contextlib.contextmanager
def _kept_alive(upload: Upload, lease: uuid.UUID, clock: Callable[[], dt.datetime]) -> Iterator[None]:
    """Looking at three hours of sound takes longer than a lease."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(BEAT_SECONDS):
            with contextlib.suppress(DatabaseError):
                Upload.objects.filter(pk=upload.pk, lease=lease).update(lease_until=clock() + LEASE)
            connection.close()

    thread = threading.Thread(target=beat, name="upload lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def refuse(upload: Upload, sentence: str, *, by: User, now: dt.datetime) -> None:
    """The upload is not taken; it stays on its owner's page with the reason, and nothing of it is kept."""
    _close(upload, State.REFUSED, by=by, now=now, refusal=sentence[:300])


def end(*, upload: Upload, by: User, now: dt.datetime) -> None:
    """Its owner gives it up. Ending what has ended changes nothing."""
    _close(upload, State.ENDED, by=by, now=now)


def end_all(*, consent: Consent, now: dt.datetime) -> int:
    """Ends every upload under a consent that was withdrawn; a request that is writing at this moment keeps nothing. How many."""
    sentence = "The consent was withdrawn. Everything that had arrived was destroyed."
    ended = [_close(row, State.ENDED, by=None, now=now, refusal=sentence) for row in Upload.objects.open().filter(consent=consent)]
    return sum(ended)


def expire(*, now: dt.datetime) -> int:
    """Clears uploads that nobody went on with in time, and what broken ones left. Returns how many ran out."""
    idle = Upload.objects.expired(now).filter(Q(lease=None) | Q(lease_until__lte=now))
    count = sum(_close(row, State.EXPIRED, by=None, now=now) for row in idle)
    open_ones = set(Upload.objects.open().values_list("pk", flat=True))
    for key_id in keystore.older_than(now - ORPHANED_AFTER, purpose=parts.KEY):
        if key_id not in open_ones:
            parts.clear(key_id)
    return count


def _close(upload: Upload, state: str, *, by: User | None, now: dt.datetime, refusal: str = "") -> bool:
    ended = {"state": state, "refusal": refusal, "name_sealed": b"", "lease": None, "lease_until": None, "changed_at": now}
    with transaction.atomic():
        was_open = bool(Upload.objects.open().filter(pk=upload.pk).update(**ended))
        if was_open:
            log(instance=upload, action="recordings.upload_end", user=by, data={"state": str(state)})
    if was_open:
        parts.clear(upload.pk)
    upload.refresh_from_db()
    return was_open
