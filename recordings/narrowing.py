"""One purpose of a consent taken back: "not for this any more". The recordings stay for whatever else was agreed to.

From the moment that it is noted, `consent.covers` says no, and every page, job and list asks there. What that purpose alone had
made is then destroyed (`unmaking.py`), and named in the row, which serves as its certificate.
"""

import datetime as dt
from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from wagtail.log_actions import log

from recordings import destruction, erasurelog, keystore, legalhold, unmaking, withdrawal
from recordings.models import Consent, ConsentPerson, Purpose, PurposeWithdrawal, Recording
from supervision.models import User

AFRESH = dt.timedelta(minutes=10)  # for so long what a page that was open may still have left is looked for again

# What comes of it, for people. Without recording there is nothing: that is taking everything back.
MEANS: dict[str, str] = {
    Purpose.REVIEW: "The supervisor and the consultant no longer listen: only the therapist can. What reviewers wrote is destroyed; their scores stay, without a word that was said.",
    Purpose.TRANSCRIBE: "Nothing is written down by a computer: what it wrote down is destroyed, and so is what people changed in that.",
    Purpose.TRAIN_RATERS: "Raters no longer train with it: their exercises end, and what was written for them is destroyed.",
    Purpose.TEACH: "No short clips in teaching: the clips go from all lessons at once, and are destroyed.",
    Purpose.RESEARCH: "No figures for research: it is in no file that is made from now on. Those made before cannot be called back.",
}


class NarrowingRefused(Exception):
    """It cannot be taken back; str() says why, for people."""


def can_be_ended(consents: Collection[Consent]) -> list[str]:
    """The purposes that somebody agreed to in one of these consents and that have not been taken back, in their usual order."""
    agreed = {
        purpose for one in consents if one.withdrawn_at is None for person in one.people.all() for purpose in person.purposes
        if purpose not in one.ended_purposes
    }  # fmt: skip
    return [purpose for purpose in MEANS if purpose in agreed]


def narrow(
    *,
    consent: Consent,
    purposes: Collection[str],
    person: ConsentPerson | None = None,
    channel: str,
    by: User | None,
    now: dt.datetime,
    is_everything: bool = False,
) -> list[PurposeWithdrawal]:
    """Takes these purposes back for everybody heard, and destroys what each alone had made. `is_everything`: in every other
    consent of the family too. Doing it again changes nothing. Returns those taken back in the consents meant.

    Closed first, in one transaction; then destroyed, what a legal hold keeps apart. What a crash leaves over, `finish` does.
    Raises NarrowingRefused; withdrawal.Unfinished once everything has been tried.
    """
    if not purposes or set(purposes) - MEANS.keys():
        raise NarrowingRefused("Choose what it is not to be used for any more.")
    rows = _close(consent, purposes, person=person, channel=channel, by=by, now=now, is_everything=is_everything)
    each = destruction.EachByItself()
    for row in rows:
        with each:
            _carry_out(row, now=now)
    try:
        each.settle()
    except Exception as error:
        raise withdrawal.Unfinished from error
    return rows


@transaction.atomic
def _close(
    consent: Consent,
    purposes: Collection[str],
    *,
    person: ConsentPerson | None,
    channel: str,
    by: User | None,
    now: dt.datetime,
    is_everything: bool,
) -> list[PurposeWithdrawal]:
    today = timezone.localdate(now)
    meant = {consent.pk}
    if is_everything:
        meant |= set(withdrawal.live(consent.family_id, on=today).values_list("pk", flat=True))
    # Recordings that a newer consent was extended to stand under that one.
    meant |= set(Recording.objects.kept().filter(earlier_consents__consent__in=meant).values_list("consent", flat=True))
    locked = list(Consent.objects.select_for_update().filter(pk__in=meant).order_by("pk"))
    if all(one.withdrawn_at is not None for one in locked):
        raise NarrowingRefused("This consent has been withdrawn. Everything that was recorded under it is destroyed.")
    for one in locked:
        ended = [purpose for purpose in can_be_ended([one]) if purpose in purposes]
        if not ended:
            continue
        one.ended_purposes = [*one.ended_purposes, *ended]
        one.save(update_fields=["ended_purposes"])
        for purpose in ended:
            who = person if one.pk == consent.pk else None
            PurposeWithdrawal.objects.create(consent=one, purpose=purpose, person=who, channel=channel, withdrawn_at=now, recorded_by=by)
            for recording in Recording.objects.select_for_update(of=("self",)).kept().filter(consent=one).order_by("pk"):
                unmaking.close(recording, purpose, now=now)
            log(instance=one, action="recordings.purpose_withdraw", user=by, data={"purpose": purpose, "channel": channel})
    return list(PurposeWithdrawal.objects.filter(consent__in=locked, purpose__in=purposes).select_related("consent").order_by("pk"))


def _carry_out(row: PurposeWithdrawal, *, now: dt.datetime) -> None:
    """Destroys what hung on it and may go today. Raises StoreAway."""
    _note([row])
    kept = list(Recording.objects.kept().filter(consent=row.consent_id).select_related("consent", "team").order_by("uploaded_at", "pk"))
    held = legalhold.held_among(kept, on=timezone.localdate(now))
    each = destruction.EachByItself()
    for recording in kept:
        if recording.pk not in held:
            with each:
                unmaking.destroy(recording, row, now=now)
    each.settle()
    row.refresh_from_db()
    destruction.remove_files_of(row.items)
    if not held and row.finished_at is None:
        PurposeWithdrawal.objects.filter(pk=row.pk, finished_at__isnull=True).update(finished_at=now)
        row.refresh_from_db()


def _note(rows: Sequence[PurposeWithdrawal]) -> int:
    """In the erasure log, so that no restore brings the purpose back. How many were not there yet."""
    known = erasurelog.read(erasurelog.place()).withdrawn
    missing = [row for row in rows if erasurelog.key(row.consent_id, row.consent.recorded_at, row.purpose) not in known]
    for row in missing:
        entry = erasurelog.Withdrawn(row.consent_id, row.consent.recorded_at, row.channel, row.withdrawn_at, row.purpose)
        erasurelog.append_everywhere(entry, copies=keystore.backup_folders())
    return len(missing)


def finish(*, now: dt.datetime) -> int:
    """What broke off, or a legal hold had put off. Safe to call at any time. Returns how many are finished by it."""
    pending = Q(finished_at__isnull=True) | Q(withdrawn_at__gte=now - AFRESH)
    each = destruction.EachByItself()
    done = 0
    for row in PurposeWithdrawal.objects.filter(pending).select_related("consent").order_by("withdrawn_at", "pk"):
        with each:
            was_open = row.finished_at is None
            _carry_out(row, now=now)
            done += was_open and row.finished_at is not None
    each.settle()
    return done


def of(consent: Consent) -> list[tuple[PurposeWithdrawal, str]]:
    """What was taken back by itself, in that order, with what has been destroyed for it, as a sentence."""
    rows = PurposeWithdrawal.objects.filter(consent=consent).select_related("person", "recorded_by").order_by("withdrawn_at", "pk")
    return [(row, destroyed_words(row)) for row in rows]


def is_held(consent: Consent, *, on: dt.date) -> bool:
    """Whether a legal hold keeps something recorded under it."""
    return bool(legalhold.held_among(Recording.objects.kept().filter(consent=consent), on=on))


def destroyed_words(row: PurposeWithdrawal) -> str:
    """What has been destroyed for it, as a sentence."""
    files = sum("object" in item for item in row.items)
    texts = sum(item.get("count", 0) for item in row.items)
    parts = [f"{files} sealed file{'' if files == 1 else 's'}"] if files else []
    parts += [f"{texts} text{'' if texts == 1 else 's'}"] if texts else []
    if row.finished_at is None:
        return "What hung on it is being destroyed; what a legal hold keeps stays sealed until that ends."
    return f"Destroyed: {' and '.join(parts)}." if parts else "There was nothing to destroy."
