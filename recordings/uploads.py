"""Taking in a recording: sealed from the first byte, looked at, and only then kept. A refusal changes nothing."""

import datetime as dt
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format
from wagtail.log_actions import log

from recordings import audio, keystore, permissions, pipeline, sealedfile, vault
from recordings import consent as consents
from recordings.models import Consent, Recording, SealedObject
from recordings.vault import Staging, StoreAway
from supervision.models import FamilyReference, Membership, User

QUIET_DB = -45.0
LOUD_DB = -0.1
NO_ROOM = "There is no room left for recordings. Nothing was kept. Tell the person who runs Plumbline, and try again later."
SAME_SUBMISSION = dt.timedelta(minutes=10)


class UploadRefused(Exception):
    """The recording was not taken; the text says why."""


class AlreadyUploaded(UploadRefused):
    """The very same bytes are here already."""

    def __init__(self, recording: Recording) -> None:
        super().__init__("This recording has already been uploaded.")
        self.recording = recording


class Unavailable(Exception):
    """Nothing is wrong with the recording: the service cannot look at it now. What has come stays."""


class Staged(Protocol):
    """What came in, sealed under a key of its own."""

    @property
    def size(self) -> int:
        """Bytes of content."""

    @property
    def fingerprint(self) -> str:
        """`vault.new_fingerprint` of the content, in hexadecimal."""

    def open(self) -> BinaryIO:
        """The content, from its beginning."""

    def promote(self, recording: Recording, *, now: dt.datetime) -> SealedObject:
        """Seals the content again, as the recording's original."""


def families_for(user: User) -> QuerySet[FamilyReference]:
    """The open families for which a person may send a recording: `permissions.can_upload` as a query."""
    today = timezone.localdate()
    held = Membership.objects.of(user).on(today).filter(team=OuterRef("team"))
    supervises = held.filter(role__in=Membership.SUPERVISORS)
    treats = held.filter(role__in=[Membership.Role.THERAPIST, *Membership.SUPERVISORS])
    is_open = Q(closed_on__isnull=True) | Q(closed_on__gte=today)
    return FamilyReference.objects.filter(is_open & (Q(Exists(supervises)) | Q(Exists(treats), therapist=user)))


def receive(
    *,
    consent: Consent,
    session_on: dt.date,
    staged: Staged,
    by: User,
    now: dt.datetime,
    then: Callable[[Recording], None] | None = None,
) -> Recording:
    """Keeps what was staged as a recording and hands it to the pipeline. Raises UploadRefused, Unavailable.

    Looks at permission and consent before the content, and again in the transaction that keeps it: a consent withdrawn
    meanwhile wins. `then` runs last in that transaction and may refuse by raising. The caller discards what was staged
    afterwards, whatever happens.
    """
    check(consent, session_on, by, now)
    twin = Recording.objects.kept().filter(fingerprint=staged.fingerprint).first()
    if twin is not None:
        raise AlreadyUploaded(twin)
    with staged.open() as content:
        try:
            probe = audio.inspect(content, min_seconds=settings.RECORDING_MIN_SECONDS, max_seconds=settings.RECORDING_MAX_SECONDS)
        except audio.UnreadableAudio as error:
            raise (Unavailable if error.code == "no_ffmpeg" else UploadRefused)(str(error)) from error

    recording = Recording(
        consent=consent,
        family=consent.family,
        therapist=consent.family.therapist,
        team=consent.family.team,
        session_on=session_on,
        uploaded_at=now,
        duration_ms=probe.duration_ms,
        mean_db=probe.mean_db,
        peak_db=probe.peak_db,
        container=probe.container,
        size=staged.size,
        has_video=probe.has_video,
        fingerprint=staged.fingerprint,
    )
    vault.create_key(recording.pk, purpose=vault.INCOMING)
    original = None
    try:
        original = staged.promote(recording, now=now)
        _keep(recording, original, by=by, now=now, then=then)
        keystore.settle(recording.pk, purpose=vault.KEPT)
    except BaseException as error:
        if Recording.objects.filter(pk=recording.pk).exists():
            raise  # it is committed and stays; only what follows went wrong
        keystore.remove(recording.pk)
        if original is not None:
            sealedfile.tidy_away(original.pk)
        if isinstance(error, IntegrityError):  # the same bytes came in twice at once
            twin = Recording.objects.kept().filter(fingerprint=recording.fingerprint).first()
            if twin is not None:
                raise AlreadyUploaded(twin) from error
        raise
    return recording


@transaction.atomic
def _keep(recording: Recording, original: SealedObject, *, by: User, now: dt.datetime, then: Callable[[Recording], None] | None) -> None:
    consent = Consent.objects.select_for_update().get(pk=recording.consent_id)
    check(consent, recording.session_on, by, now)
    recording.save(force_insert=True)
    original.save(force_insert=True)
    pipeline.submit(recording=recording, now=now)
    log(instance=recording, action="recordings.upload", user=by, data={"consent": consent.pk, "family": recording.family_id})
    if then is not None:
        then(recording)


def check(consent: Consent, session_on: dt.date, by: User, now: dt.datetime) -> None:
    """Whether that person may send a recording of that day under that consent. Raises UploadRefused."""
    today = timezone.localdate(now)
    if not permissions.can_upload(by, consent.family):
        raise UploadRefused("You cannot send recordings of this family. Its therapist and the team's supervisors can.")
    if session_on > today:
        raise UploadRefused("The day of the session lies ahead. Enter the day on which it took place.")
    if session_on < consent.given_on:
        raise UploadRefused(
            f"The session took place before the consent was given on {date_format(consent.given_on, 'j F Y')}. A recording made without consent cannot be kept."
        )
    missing = consents.why_not_session(consent, session_on, on=today)
    if missing:
        raise UploadRefused(f"You can't upload yet. {missing} Ask for consent, or choose another family.")


def is_same_submission(recording: Recording, *, consent: Consent, by: User, now: dt.datetime) -> bool:
    """A form sent twice: the twin is what this very form made a moment ago."""
    return (
        recording.consent_id == consent.pk and now - recording.uploaded_at < SAME_SUBMISSION and permissions.can_upload(by, consent.family)
    )


def length_words(milliseconds: int) -> str:
    """ "1 hour 12 minutes 3 seconds", "1 minute", "25 seconds"."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    parts = [(minutes // 60, "hour"), (minutes % 60, "minute"), (seconds, "second")]
    return " ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in parts if number) or "less than a second"


def level_sentence(recording: Recording) -> str:
    """What the level of the sound means for whoever listens."""
    if recording.mean_db is None:
        return ""
    level = f"{recording.mean_db:.0f} dB on average".replace("-", "\u2212")
    if recording.mean_db < QUIET_DB:
        return f"It is very quiet ({level}). Put the recorder nearer next time."
    if recording.peak_db is not None and recording.peak_db >= LOUD_DB:
        return f"It is loud and partly distorted ({level}). Put the recorder further away next time."
    return f"The level is good ({level})."


# Reading the request


class StagedFile(UploadedFile):
    """An uploaded file that lies in the vault's staging; its name was never kept."""

    def __init__(self, staged: Staging) -> None:
        super().__init__(file=None, name="recording", content_type="application/octet-stream", size=staged.size)
        self.staged = staged

    def close(self) -> None:
        """Nothing to close: the staging has its own life."""


class SealingUploadHandler(FileUploadHandler):
    """Streams one file of a form straight into the vault's staging: no plaintext touches a disk, no name is kept."""

    chunk_size = 256 * 1024

    def __init__(self, request: HttpRequest, *, field: str) -> None:
        super().__init__(request)
        self.field = field
        self.staged: Staging | None = None
        self.refusal = ""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803 (Django's name)
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        if content_length > _plain_limit() + 64 * 1024:
            self._refuse_size()

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        if field_name != self.field or self.staged is not None or self.refusal:
            raise SkipFile
        self.staged = Staging()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        assert self.staged is not None  # noqa: S101 (new_file has run)
        if start + len(raw_data) > _plain_limit():
            self._refuse_size()
            raise SkipFile
        try:
            self.staged.write(raw_data)
        except OSError as error:
            self.refusal = str(error) if isinstance(error, StoreAway) else NO_ROOM
            self.discard()
            raise SkipFile from None

    def file_complete(self, file_size: int) -> StagedFile | None:
        return StagedFile(self.staged) if self.staged is not None and not self.refusal else None

    def upload_interrupted(self) -> None:
        self.discard()

    def discard(self) -> None:
        if self.staged is not None:
            self.staged.discard()

    def _refuse_size(self) -> None:
        largest = filesizeformat(_plain_limit())
        self.refusal = f"The file is larger than {largest}, the most that this form takes. " + (
            "Save it as sound only, in a compressed format."
            if _plain_limit() == settings.RECORDING_MAX_BYTES
            else "Use a browser with JavaScript, which can send more, or save it as sound only, in a compressed format."
        )
        self.discard()


def _plain_limit() -> int:
    """Bytes that a form may bring in one piece."""
    return min(settings.RECORDING_MAX_BYTES, settings.RECORDING_PLAIN_MAX_BYTES)
