"""Families on a therapist's list: a reference and initials, never a name."""

import datetime as dt

from django.db import transaction
from django.utils import timezone
from wagtail.log_actions import log

from supervision.initials import NEVER_A_NAME, are_initials
from supervision.models import FamilyReference, Membership, Team, User
from supervision.periods import say


class FamilyRefused(Exception):
    """The family cannot be added or closed; the text says why."""


@transaction.atomic
def open_family(
    *, team: Team, therapist: User, reference: str, initials: str, opened_on: dt.date, by: User | None, now: dt.datetime
) -> FamilyReference:
    """Put a family on a therapist's list. Raises FamilyRefused."""
    reference, initials = reference.strip(), initials.strip()
    if opened_on > timezone.localdate(now):
        raise FamilyRefused("The opening day is in the future. Add the family on the day it starts.")
    if not any(character.isdigit() for character in reference):
        raise FamilyRefused("A reference has at least one digit in it. Use your service's own case reference, never a name.")
    if initials and not are_initials(initials):
        raise FamilyRefused(NEVER_A_NAME)
    roles = [Membership.Role.THERAPIST, *Membership.SUPERVISORS]
    if not Membership.objects.of(therapist).on(timezone.localdate(now)).filter(team=team, role__in=roles).exists():
        raise FamilyRefused(f"{therapist.get_full_name()} does not see families in {team.name}.")
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)  # a form sent twice makes one
    if FamilyReference.objects.filter(team=team, reference__iexact=reference).exists():
        raise FamilyRefused(f"{reference} is on {team.name}'s list already.")
    family = FamilyReference.objects.create(team=team, therapist=therapist, reference=reference, initials=initials, opened_on=opened_on)
    log(instance=family, action="supervision.family_opened", user=by, data={"therapist": therapist.pk, "team": team.pk})
    return family


@transaction.atomic
def close_family(*, family: FamilyReference, on: dt.date, by: User | None, now: dt.datetime) -> FamilyReference:
    """End the work with a family. Recordings and consents keep their own dates. Raises FamilyRefused."""
    family.refresh_from_db(from_queryset=FamilyReference.objects.select_for_update())
    if family.closed_on is not None:
        raise FamilyRefused(f"{family.reference} was closed on {say(family.closed_on)}.")
    if on < family.opened_on:
        raise FamilyRefused(f"It cannot close before it opened on {say(family.opened_on)}.")
    if on > timezone.localdate(now):
        raise FamilyRefused("The closing day is in the future. Close the family on the day it ends.")
    family.closed_on = on
    family.save(update_fields=["closed_on"])
    log(instance=family, action="supervision.family_closed", user=by, data={"on": on.isoformat()})
    return family
