"""Taking a consent back. It acts at once on every recording made under it, whatever state each is in."""

import contextlib
import datetime as dt
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from wagtail.log_actions import log

from recordings import destruction, erasurelog, keystore, legalhold, tus
from recordings.models import Consent, ConsentPerson, DestructionCertificate, Recording, Withdrawal
from supervision.models import User


@dataclass(frozen=True)
class Outcome:
    """What a withdrawal has come to: what is destroyed, what a legal hold keeps sealed and until when, what is still to go."""

    withdrawn_at: dt.datetime
    certificates: list[DestructionCertificate]
    held_until: list[dt.date]
    waiting: int

    @property
    def unreadable_on(self) -> dt.date | None:
        """The day from which no backup can be read either."""
        return max((row.backups_unreadable_on for row in self.certificates), default=None)


def withdraw(
    *,
    consent: Consent,
    person: ConsentPerson | None = None,
    channel: str,
    by: User | None,
    now: dt.datetime,
    first: Callable[[], None] | None = None,
) -> Withdrawal:
    """Withdraws the consent for everybody: a voice cannot be taken out of a recording. Doing it again changes nothing.

    The consent is closed first and for itself, so that from then on nobody may listen and nothing more can begin under it;
    then uploads under way end, and each recording is destroyed. A legal hold keeps a recording sealed until it ends. What a
    crash leaves over `destruction.finish_pending` destroys. `first` runs in the transaction that closes the consent and
    may stop it by raising.
    """
    withdrawal = _close(consent, person=person, channel=channel, by=by, now=now, first=first)
    try:
        tus.end_all(consent=consent, now=now)
    finally:
        _destroy_all(consent, by=by, now=now)
    consent.refresh_from_db()
    return withdrawal


def _destroy_all(consent: Consent, *, by: User | None, now: dt.datetime) -> None:
    each = destruction.EachByItself()
    for recording in Recording.objects.kept().filter(consent=consent).order_by("uploaded_at", "pk"):
        with each, contextlib.suppress(legalhold.Held):
            destruction.destroy(recording=recording, reason=DestructionCertificate.Reason.WITHDRAWAL, by=by, now=now)
    each.settle()


@transaction.atomic
def _close(
    consent: Consent,
    *,
    person: ConsentPerson | None,
    channel: str,
    by: User | None,
    now: dt.datetime,
    first: Callable[[], None] | None,
) -> Withdrawal:
    locked = Consent.objects.select_for_update().get(pk=consent.pk)
    if first is not None:
        first()
    existing = Withdrawal.objects.filter(consent=locked).first()
    if existing is not None:
        return existing
    locked.withdrawn_at = now
    locked.save(update_fields=["withdrawn_at"])
    withdrawal = Withdrawal.objects.create(consent=locked, person=person, channel=channel, withdrawn_at=now, recorded_by=by)
    entry = erasurelog.Withdrawn(locked.pk, locked.recorded_at, channel, now)
    transaction.on_commit(functools.partial(erasurelog.append_everywhere, entry, copies=keystore.backup_folders()))
    log(instance=locked, action="recordings.withdraw", user=by, data={"person": person.pk if person else None, "channel": channel})
    return withdrawal


def outcome(consent: Consent, *, on: dt.date) -> Outcome:
    """What has become of everything under a withdrawn consent."""
    withdrawn_at = consent.withdrawn_at or timezone.now()
    certificates = list(DestructionCertificate.objects.filter(recording__consent=consent).order_by("destroyed_at", "pk"))
    kept = list(Recording.objects.kept().filter(consent=consent).order_by("uploaded_at", "pk"))
    until = held_until(kept, on=on)
    return Outcome(withdrawn_at, certificates, until, len(kept) - len(until))


def held_until(recordings: Sequence[Recording], *, on: dt.date) -> list[dt.date]:
    """For each recording that a legal hold keeps, the last day on which it does; soonest first."""
    return sorted(legalhold.blocks_until(hold) for hold in legalhold.held_among(recordings, on=on).values())
