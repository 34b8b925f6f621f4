"""Taking consent back. It acts at once on every recording made under it, whatever state each is in.

A family may have given several consents, one for each session say. Whoever takes one back is told of the others, and takes all
of them back in the same act unless they choose otherwise.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from wagtail.log_actions import log

from recordings import destruction, erasurelog, keystore, legalhold, tus
from recordings.models import Consent, ConsentPerson, DestructionCertificate, Recording, Upload, Withdrawal
from supervision.models import User


class Unfinished(Exception):
    """The consent is closed: nobody may listen and nothing can begin. Something of what follows broke off, and
    `manage.py tick` finishes it."""

    def __init__(self) -> None:
        super().__init__("The consent is withdrawn. Not everything is destroyed yet; that goes on by itself.")


@dataclass(frozen=True)
class Live:
    """A consent that has not been taken back, and the days of the sessions that are kept under it."""

    consent: Consent
    sessions: list[dt.date]


@dataclass(frozen=True)
class Outcome:
    """What a withdrawal has come to: what is destroyed, what a legal hold keeps sealed and until when, what is still to go, and
    what the family has not taken back. `given` are the days of the consents that were taken back in the same act."""

    withdrawn_at: dt.datetime
    given: list[dt.date]
    certificates: list[DestructionCertificate]
    held_until: list[dt.date]
    waiting: int
    remaining: list[Live]

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
    is_everything: bool = False,
    first: Callable[[], None] | None = None,
) -> Withdrawal:
    """Withdraws the consent for everybody: a voice cannot be taken out of a recording. `is_everything` withdraws every other
    consent of the family with it. Doing it again changes nothing.

    All are closed first, together, so that from then on nobody may listen and nothing more can begin under them: a crash before
    that has changed nothing, and one after it leaves nothing open. Then uploads under way end, and each recording is destroyed,
    its key first. A legal hold keeps a recording sealed until it ends. What a crash leaves over, `finish` and
    `destruction.finish_pending` do. `first` runs in the transaction that closes and may stop it by raising. Raises Unfinished
    once everything has been tried.
    """
    withdrawal, closed = _close(consent, is_everything=is_everything, person=person, channel=channel, by=by, now=now, first=first)
    each = destruction.EachByItself()
    with each:
        _note(closed)
    for one in closed:
        with each:
            tus.end_all(consent=one, now=now)
    for recording in Recording.objects.kept().filter(consent__in=closed).order_by("uploaded_at", "pk"):
        with each, contextlib.suppress(legalhold.Held):
            destruction.destroy(recording=recording, reason=DestructionCertificate.Reason.WITHDRAWAL, by=by, now=now)
    with each:
        consent.refresh_from_db()
    try:
        each.settle()
    except Exception as error:
        raise Unfinished from error
    return withdrawal


@transaction.atomic
def _close(
    consent: Consent,
    *,
    is_everything: bool,
    person: ConsentPerson | None,
    channel: str,
    by: User | None,
    now: dt.datetime,
    first: Callable[[], None] | None,
) -> tuple[Withdrawal, list[Consent]]:
    """The withdrawal of the consent itself, and all consents that are closed by now of those that were meant."""
    others = [one.pk for one in live(consent.family_id, on=timezone.localdate(now))] if is_everything else []
    locked = list(Consent.objects.select_for_update().filter(pk__in={consent.pk, *others}).order_by("pk"))
    if first is not None:
        first()
    for one in locked:
        if one.withdrawn_at is None:
            _close_one(one, person=person if one.pk == consent.pk else None, channel=channel, by=by, now=now)
    return Withdrawal.objects.get(consent=consent.pk), locked


def _close_one(consent: Consent, *, person: ConsentPerson | None, channel: str, by: User | None, now: dt.datetime) -> None:
    consent.withdrawn_at = now
    consent.save(update_fields=["withdrawn_at"])
    # A recording that a newer consent was extended to falls with the one under which it was made.
    Recording.objects.kept().filter(earlier_consents__consent=consent).update(consent=consent)
    Withdrawal.objects.create(consent=consent, person=person, channel=channel, withdrawn_at=now, recorded_by=by)
    log(instance=consent, action="recordings.withdraw", user=by, data={"person": person.pk if person else None, "channel": channel})


def _note(consents: Iterable[Consent]) -> int:
    """In the erasure log, so that no restore brings a consent back. How many were not there yet."""
    known = erasurelog.read(erasurelog.place()).withdrawn
    missing = [one for one in consents if erasurelog.key(one.pk, one.recorded_at) not in known]
    rows = Withdrawal.objects.filter(consent__in=missing).select_related("consent")
    for row in rows:
        entry = erasurelog.Withdrawn(row.consent_id, row.consent.recorded_at, row.channel, row.withdrawn_at)
        erasurelog.append_everywhere(entry, copies=keystore.backup_folders())
    return len(rows)


def finish(*, now: dt.datetime) -> int:
    """What broke off after a consent was closed, recordings apart (`destruction.finish_pending`). Safe at any time. How much it did."""
    closed = Consent.objects.filter(withdrawn_at__isnull=False)
    done = 0
    each = destruction.EachByItself()
    for consent in closed.filter(pk__in=Upload.objects.open().values("consent")).order_by("pk"):
        with each:
            done += tus.end_all(consent=consent, now=now)
    with each:
        done += _note(closed.order_by("pk"))
    each.settle()
    return done


def live(family_id: int, *, on: dt.date) -> QuerySet[Consent]:
    """A family's consents that are not taken back and under which something is kept or on its way, or could still be recorded.
    Oldest first."""
    kept = Recording.objects.kept().filter(consent=OuterRef("pk"))
    coming = Upload.objects.open().filter(consent=OuterRef("pk"))
    holds = Q(valid_until__isnull=True) | Q(valid_until__gte=on) | Exists(kept) | Exists(coming)
    return Consent.objects.filter(holds, family=family_id, withdrawn_at__isnull=True).order_by("given_on", "pk")


def others(consent: Consent, *, on: dt.date) -> list[Live]:
    """The family's other consents that have not been taken back, with what is kept under each. Days only, and no names."""
    found = list(live(consent.family_id, on=on).exclude(pk=consent.pk))
    kept: dict[int, list[dt.date]] = {}
    for consent_id, day in Recording.objects.kept().filter(consent__in=found).order_by("session_on").values_list("consent", "session_on"):
        kept.setdefault(consent_id, []).append(day)
    return [Live(one, kept.get(one.pk, [])) for one in found]


def sessions(consent: Consent) -> list[dt.date]:
    """The days of the sessions that are kept under it."""
    return list(Recording.objects.kept().filter(consent=consent).order_by("session_on").values_list("session_on", flat=True))


def outcome(consent: Consent, *, on: dt.date) -> Outcome:
    """What has become of everything that was taken back in the same act as this consent, and what was not taken back."""
    withdrawn_at = consent.withdrawn_at or timezone.now()
    together = list(Consent.objects.filter(family=consent.family_id, withdrawn_at=withdrawn_at).order_by("given_on", "pk"))
    gone = DestructionCertificate.objects.filter(recording__consent__in=together).select_related("recording")
    kept = list(Recording.objects.kept().filter(consent__in=together).order_by("uploaded_at", "pk"))
    until = held_until(kept, on=on)
    return Outcome(
        withdrawn_at,
        [one.given_on for one in together],
        list(gone.order_by("recording__session_on", "destroyed_at", "pk")),
        until,
        len(kept) - len(until),
        others(consent, on=on),
    )


def held_until(recordings: Sequence[Recording], *, on: dt.date) -> list[dt.date]:
    """For each recording that a legal hold keeps, the last day on which it does; soonest first."""
    return sorted(legalhold.blocks_until(hold) for hold in legalhold.held_among(recordings, on=on).values())
