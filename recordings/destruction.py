"""Destroying a recording: its key first, which makes everything unreadable at once, then all that hung on the key.

Each step can be done again. A crash in between is finished by `finish_pending`, which `manage.py tick` calls: what the
erasure ledger of the key store names is destroyed to the end, and so is what a withdrawn consent or the retention asks for.
A legal hold puts all of it off (`Held`), except a destruction that has begun: what the erasure ledger names is gone, also
where a restored database knows of a hold.
"""

import datetime as dt
import functools
import logging
import uuid
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from wagtail.log_actions import log

from recordings import keeping, keystore, ledger, legalhold, sealedfile, vault
from recordings.keeping import due_on
from recordings.legalhold import Held
from recordings.models import (
    Clip,
    DestructionCertificate,
    Recording,
    Redaction,
    SealedObject,
    SealedText,
    TranscriptEdit,
    TranscriptRun,
    Upload,
    UploadPart,
)
from recordings.store import StoreAway
from supervision.models import User

__all__ = [
    "EachByItself", "Held", "LeftBehind", "counted", "destroy", "due_on", "finish_pending", "listed", "remove_files_of", "unreadable_on",
]  # fmt: skip

Reason = DestructionCertificate.Reason

LEFT_BEHIND = dt.timedelta(days=1)

logger = logging.getLogger("recordings.destruction")


class LeftBehind(Exception):
    """Keys are destroyed and nothing can be read, but some sealed files could not be removed yet."""

    def __init__(self) -> None:
        super().__init__("Everything that was due is destroyed, but some of its sealed files could not be removed yet.")


class EachByItself:
    """A `with` around each of many destructions, so that one that breaks off stops no other; `settle` then raises its error."""

    def __init__(self) -> None:
        self._first: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if not isinstance(error, Exception):
            return False
        logger.warning("A destruction broke off: %s", type(error).__name__)
        self._first = self._first or error
        return True

    def settle(self) -> None:
        if self._first is not None:
            raise self._first


def destroy(*, recording: Recording, reason: str, note: str = "", by: User | None, now: dt.datetime) -> DestructionCertificate:
    """Destroys the recording and everything derived from it, for good. Doing it again gives the same certificate.

    Raises Held, and leaves everything sealed as it is, while a legal hold stands. A withdrawal then still ends all work on
    the recording; `finish_pending` destroys it once no hold stands any more. Where the store is away, the files, which
    nothing can read from now on, stay until `finish_pending` finds it again.
    """
    with transaction.atomic():
        locked = Recording.objects.select_for_update().get(pk=recording.pk)  # against a hold that is being agreed to
        hold = legalhold.is_held(locked, on=timezone.localdate(now))
        is_put_off = hold is not None and not _is_begun(locked)
        if not is_put_off:
            destroyed_at = vault.destroy_key(locked.pk, reason=reason, note=note, person=by.pk if by else None, at=now)
        elif reason == Reason.WITHDRAWAL:
            ledger.cancel(locked, now=now)
    if hold is not None and is_put_off:
        raise Held(hold)
    certificate = _clear(recording.pk, reason=reason, note=note, by=by, key_destroyed_at=destroyed_at, now=now)
    transaction.on_commit(functools.partial(_remove_files, certificate, now))
    recording.refresh_from_db()
    return certificate


def _is_begun(recording: Recording) -> bool:
    """Whether the erasure ledger names it: then its key is gone, or came back with a restored key store and must go again."""
    return keystore.is_erased(recording.pk)


@transaction.atomic
def _clear(
    recording_id: uuid.UUID, *, reason: str, note: str, by: User | None, key_destroyed_at: dt.datetime, now: dt.datetime
) -> DestructionCertificate:
    recording = Recording.objects.select_for_update().get(pk=recording_id)
    ledger.cancel(recording, now=now)
    sealed = SealedObject.objects.filter(recording=recording)
    texts = SealedText.objects.filter(recording=recording)
    found = _items(recording, sealed, texts.count())
    texts.delete()
    sealed.delete()
    Redaction.objects.filter(recording=recording).update(spans=[])  # when names were said
    Clip.objects.filter(recording=recording).exclude(state=Clip.State.GONE).update(state=Clip.State.GONE, gone_at=now)
    _clear_upload(recording)
    certificate = DestructionCertificate.objects.filter(recording=recording).first()
    if certificate is not None:
        if found:  # sealed by a worker that did not yet know; unreadable from the start
            certificate.items = [*certificate.items, *found]
            certificate.save(update_fields=["items"])
        return certificate
    recording.state = Recording.State.DESTROYED
    recording.destroyed_at = now
    recording.save(update_fields=["state", "destroyed_at"])
    certificate = DestructionCertificate.objects.create(
        reference=uuid.uuid5(recording.pk, "destruction"),  # the same when it is destroyed again after a restore: families hold on to it
        recording=recording,
        reason=reason,
        note=note,
        items=found,
        key_destroyed_at=key_destroyed_at,
        backups_unreadable_on=unreadable_on(key_destroyed_at),
        destroyed_at=now,
        destroyed_by=by,
    )
    log(instance=recording, action="recordings.destroy", user=by, data={"reason": reason, "certificate": str(certificate.reference)})
    return certificate


def _items(recording: Recording, sealed: QuerySet[SealedObject], texts: int) -> list[dict[str, Any]]:
    """For the certificate: what there was, and by which SHA-256 a copy of the sealed file can be known; then counts of what
    was sealed in the database or lay within those files."""
    items = listed(sealed)
    if any(item["kind"] == SealedObject.Kind.FEATURES for item in items):
        run = TranscriptRun.objects.filter(recording=recording).order_by("-number").first()
        items += counted("words", run.words if run else 0) + counted("voices", run.speakers if run else 0)
    edits = TranscriptEdit.objects.filter(recording=recording, payload__isnull=False).count()
    redactions = Redaction.objects.filter(recording=recording).exclude(spans=[]).count()
    return [*items, *counted("edits", edits), *counted("texts", texts - edits), *counted("redactions", redactions)]


def listed(sealed: QuerySet[SealedObject]) -> list[dict[str, Any]]:
    """What there was, and the SHA-256 by which a copy of each sealed file can be known."""
    return [
        {"kind": row.kind, "number": row.number, "size": row.size, "sha256": row.sha256, "object": str(row.pk)}
        for row in sealed.order_by("kind", "number")
    ]


def counted(kind: str, count: int) -> list[dict[str, Any]]:
    return [{"kind": kind, "count": count}] if count > 0 else []


def _clear_upload(recording: Recording) -> None:
    """What may be left of the way in. Its parts have a key of their own; normally they went when the recording came about."""
    for upload in Upload.objects.filter(recording=recording):
        parts = UploadPart.objects.filter(upload=upload)
        keystore.remove(upload.pk)
        for object_id in parts.values_list("object_id", flat=True):
            transaction.on_commit(functools.partial(sealedfile.remove_file, object_id))
        parts.delete()
        if upload.name_sealed:
            Upload.objects.filter(pk=upload.pk).update(name_sealed=b"")


def _remove_files(certificate: DestructionCertificate, now: dt.datetime) -> None:
    try:
        remove_files_of(certificate.items)
    except StoreAway:
        logger.warning("The sealed files of a destroyed recording could not be removed yet.")
        return
    keystore.complete(certificate.recording_id, at=now)


def remove_files_of(items: list[dict[str, Any]]) -> None:
    """The sealed files that a certificate names; those that have gone already are no harm. Raises StoreAway."""
    for item in items:
        if "object" in item:
            sealedfile.remove_file(uuid.UUID(item["object"]))


def unreadable_on(key_destroyed_at: dt.datetime) -> dt.date:
    """When the last backup of the key store that holds the key has aged out."""
    return timezone.localdate(key_destroyed_at) + dt.timedelta(days=settings.KEYSTORE_BACKUP_DAYS)


# What is due


def finish_pending(*, now: dt.datetime | None = None) -> int:
    """Does what is due and what was broken off. Safe to call at any time, any number of times. Returns how many it destroyed.

    Raises, once everything has been tried, the error of the first that broke off; LeftBehind where files could not be removed.
    """
    now = now or timezone.now()
    each = EachByItself()
    done = 0
    begun = keystore.unfinished()
    for erasure in begun:
        with each:
            done += _go_on(erasure, now)
    withdrawn = Recording.objects.kept().filter(consent__withdrawn_at__isnull=False).order_by("uploaded_at", "pk")
    for recording in withdrawn:
        with each:
            done += _carry_out(recording, Reason.WITHDRAWAL, now)
    for _, recording in keeping.due_by(timezone.localdate(now)):
        with each:
            done += _carry_out(recording, Reason.RETENTION, now)
    with each:
        _sweep_daily(now)
    each.settle()
    if {erasure.id for erasure in begun} & {erasure.id for erasure in keystore.unfinished()}:
        raise LeftBehind
    return done


def _go_on(erasure: keystore.Erasure, now: dt.datetime) -> bool:
    """With a destruction that was broken off."""
    recording = Recording.objects.filter(pk=erasure.id).first()
    if recording is None:  # its row was never committed
        keystore.complete(erasure.id, at=now)
        return False
    destroy(recording=recording, reason=erasure.reason, note=erasure.note, by=_person(erasure), now=now)
    return True


def _carry_out(recording: Recording, reason: str, now: dt.datetime) -> bool:
    try:
        destroy(recording=recording, reason=reason, by=None, now=now)
    except Held:
        return False
    return True


def _person(erasure: keystore.Erasure) -> User | None:
    return User.objects.filter(pk=erasure.person).first() if erasure.person else None


def _sweep_daily(now: dt.datetime) -> None:
    """Once a day: the sealed remains of broken uploads and crashes, and recordings that a restored database brought back."""
    marker = settings.KEYSTORE_PATH.with_name("swept")
    if marker.exists() and now.timestamp() - marker.stat().st_mtime < LEFT_BEHIND.total_seconds():
        return
    vault.sweep(before=now - LEFT_BEHIND)
    for erasure in keystore.finished():
        for recording in Recording.objects.kept().filter(pk=erasure.id):
            destroy(recording=recording, reason=erasure.reason, by=_person(erasure), now=now)
    sealedfile.make_folder(marker.parent)
    marker.touch()
