"""Evidence and waivers given by people. Entries are only ever added; a mistake is withdrawn by another entry."""

import datetime as dt

from django.db import transaction
from django.utils import timezone
from wagtail.log_actions import log

from supervision.models import Evidence, Programme, User
from supervision.periods import add_months, say

LONGEST_WAIVER_MONTHS = 12


class EvidenceRefused(Exception):
    """The entry cannot be made; the text says why."""


@transaction.atomic
def record(
    *,
    person: User,
    programme: Programme,
    requirement_key: str,
    kind: str,
    occurred_on: dt.date,
    valid_until: dt.date | None = None,
    note: str,
    by: User,
    now: dt.datetime,
) -> Evidence:
    """Add an attendance, a certificate from elsewhere, or a waiver (from `occurred_on` to `valid_until`, both included).

    Raises EvidenceRefused.
    """
    today = timezone.localdate(now)
    if person.pk == by.pk:
        raise EvidenceRefused("Somebody else has to record this for you.")
    if kind == Evidence.Kind.WITHDRAWN:
        raise EvidenceRefused("Withdraw the entry itself.")
    if not note.strip():
        raise EvidenceRefused("Say what this rests on, so that it can be checked later.")
    if valid_until is not None and valid_until < occurred_on:
        raise EvidenceRefused("The last day cannot come before the first.")
    if kind == Evidence.Kind.WAIVER:
        if valid_until is None:
            raise EvidenceRefused("A waiver needs a last day.")
        longest = add_months(occurred_on, LONGEST_WAIVER_MONTHS)
        if valid_until > longest:
            raise EvidenceRefused(f"A waiver lasts a year at most: until {say(longest)}. It can be given again then.")
    elif occurred_on > today:
        raise EvidenceRefused("This has not happened yet. Record it on the day or afterwards.")
    entry = Evidence.objects.create(
        person=person,
        programme=programme,
        requirement_key=requirement_key,
        kind=kind,
        occurred_on=occurred_on,
        valid_until=valid_until,
        note=note.strip(),
        recorded_at=now,
        recorded_by=by,
    )
    action = "supervision.requirement_waived" if kind == Evidence.Kind.WAIVER else "supervision.evidence_recorded"
    log(instance=entry, action=action, user=by, data={"person": person.pk, "requirement": requirement_key})
    return entry


@transaction.atomic
def withdraw(*, entry: Evidence, note: str, by: User, now: dt.datetime) -> Evidence:
    """Take an entry back from now on. What was known before stays known for earlier dates. Raises EvidenceRefused."""
    Evidence.objects.select_for_update().get(pk=entry.pk)  # against the same at the same moment
    if entry.kind == Evidence.Kind.WITHDRAWN or Evidence.objects.filter(withdraws=entry).exists():
        raise EvidenceRefused("This entry has been withdrawn already.")
    if entry.person_id == by.pk:
        raise EvidenceRefused("Somebody else has to change this for you.")
    if not note.strip():
        raise EvidenceRefused("Say why the entry is withdrawn.")
    withdrawal = Evidence.objects.create(
        person=entry.person,
        programme=entry.programme,
        requirement_key=entry.requirement_key,
        kind=Evidence.Kind.WITHDRAWN,
        occurred_on=entry.occurred_on,
        note=note.strip(),
        withdraws=entry,
        recorded_at=now,
        recorded_by=by,
    )
    log(instance=withdrawal, action="supervision.evidence_withdrawn", user=by, data={"entry": entry.pk})
    return withdrawal
