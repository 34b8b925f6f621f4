"""Destroying a recording: its key first, which makes everything unreadable at once, then all that hung on the key.

Each step can be done again. A crash in between is finished by `finish_pending`, which `manage.py tick` calls: what the
erasure ledger of the key store names is destroyed to the end, and so is what a withdrawn consent or the retention asks for.
"""

import datetime as dt
import functools
import uuid
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from wagtail.log_actions import log

from recordings import keystore, ledger, sealedfile, vault
from recordings.models import DestructionCertificate, Recording, Review, SealedObject, SealedText
from supervision.models import User

Reason = DestructionCertificate.Reason

LEFT_BEHIND = dt.timedelta(days=1)


def destroy(*, recording: Recording, reason: str, note: str = "", by: User | None, now: dt.datetime) -> DestructionCertificate:
    """Destroys the recording and everything derived from it, for good. Doing it again gives the same certificate."""
    destroyed_at = vault.destroy_key(recording.pk, reason=reason, note=note, person=by.pk if by else None, at=now)
    certificate = _clear(recording.pk, reason=reason, note=note, by=by, key_destroyed_at=destroyed_at, now=now)
    transaction.on_commit(functools.partial(_remove_files, certificate, now))
    recording.refresh_from_db()
    return certificate


@transaction.atomic
def _clear(
    recording_id: uuid.UUID, *, reason: str, note: str, by: User | None, key_destroyed_at: dt.datetime, now: dt.datetime
) -> DestructionCertificate:
    recording = Recording.objects.select_for_update().get(pk=recording_id)
    ledger.cancel(recording, now=now)
    sealed = SealedObject.objects.filter(recording=recording)
    texts = SealedText.objects.filter(recording=recording)
    found = _items(sealed, texts.count())
    texts.delete()
    sealed.delete()
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


def _items(sealed: QuerySet[SealedObject], texts: int) -> list[dict[str, Any]]:
    """For the certificate: what there was, and by which SHA-256 a copy of the sealed file can be known."""
    items: list[dict[str, Any]] = [
        {"kind": row.kind, "number": row.number, "size": row.size, "sha256": row.sha256, "object": str(row.pk)}
        for row in sealed.order_by("kind", "number")
    ]
    return [*items, {"kind": "texts", "count": texts}] if texts else items


def _remove_files(certificate: DestructionCertificate, now: dt.datetime) -> None:
    for item in certificate.items:
        if "object" in item:
            sealedfile.remove_file(uuid.UUID(item["object"]))
    keystore.complete(certificate.recording_id, at=now)


def unreadable_on(key_destroyed_at: dt.datetime) -> dt.date:
    """When the last backup of the key store that holds the key has aged out."""
    return timezone.localdate(key_destroyed_at) + dt.timedelta(days=settings.KEYSTORE_BACKUP_DAYS)


# Retention


def due_on(recording: Recording, *, released_at: dt.datetime | None = None) -> dt.date:
    """The day on which it will be destroyed: so long after the first released review, but never longer than so long after the upload."""
    programme = recording.team.programme
    latest = timezone.localdate(recording.uploaded_at) + dt.timedelta(days=programme.retention_days_after_upload)
    if released_at is None:
        released_at = Review.objects.filter(recording=recording).aggregate(first=Min("released_at"))["first"]
    if released_at is None:
        return latest
    return min(latest, timezone.localdate(released_at) + dt.timedelta(days=programme.retention_days_after_release))


def _overdue(now: dt.datetime) -> list[Recording]:
    kept = Recording.objects.kept().select_related("team__programme").annotate(released_at=Min("reviews__released_at"))
    shortest = Recording.objects.kept().aggregate(
        upload=Min("team__programme__retention_days_after_upload"), release=Min("team__programme__retention_days_after_release")
    )
    if shortest["upload"] is None:
        return []
    perhaps = kept.filter(
        Q(uploaded_at__lte=now - dt.timedelta(days=shortest["upload"] - 1))
        | Q(released_at__lte=now - dt.timedelta(days=shortest["release"] - 1))
    )
    today = timezone.localdate(now)
    return [row for row in perhaps.order_by("uploaded_at", "pk") if due_on(row, released_at=row.released_at) <= today]


def finish_pending(*, now: dt.datetime | None = None) -> int:
    """Does what is due and what was broken off. Safe to call at any time, any number of times. Returns how many it destroyed."""
    now = now or timezone.now()
    done = 0
    for erasure in keystore.unfinished():
        recording = Recording.objects.filter(pk=erasure.id).first()
        if recording is None:  # its row was never committed
            keystore.complete(erasure.id, at=now)
            continue
        destroy(recording=recording, reason=erasure.reason, note=erasure.note, by=_person(erasure), now=now)
        done += 1
    for recording in Recording.objects.kept().filter(consent__withdrawn_at__isnull=False).order_by("uploaded_at", "pk"):
        destroy(recording=recording, reason=Reason.WITHDRAWAL, by=None, now=now)
        done += 1
    for recording in _overdue(now):
        destroy(recording=recording, reason=Reason.RETENTION, by=None, now=now)
        done += 1
    _sweep_daily(now)
    return done


def _person(erasure: keystore.Erasure) -> User | None:
    return User.objects.filter(pk=erasure.person).first() if erasure.person else None


def _sweep_daily(now: dt.datetime) -> None:
    """Once a day: the sealed remains of broken uploads and crashes, and recordings that a restored database brought back."""
    marker = settings.VAULT_DIR / "swept"
    if marker.exists() and now.timestamp() - marker.stat().st_mtime < LEFT_BEHIND.total_seconds():
        return
    vault.sweep(before=now - LEFT_BEHIND)
    for erasure in keystore.finished():
        for recording in Recording.objects.kept().filter(pk=erasure.id):
            destroy(recording=recording, reason=erasure.reason, by=_person(erasure), now=now)
    sealedfile.make_folder(settings.VAULT_DIR)
    marker.touch()
