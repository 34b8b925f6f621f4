"""Totals of licensed measures that were collected elsewhere: TAM-R about a therapist, SAM about a supervisor, CAM about a consultant.

Figures only, entered by an administrator or a supervisor, never by the person they are about nor by a therapist of the team.
A row is written once; a wrong one is withdrawn with a reason and entered again.
"""

import datetime as dt
import math
from collections.abc import Mapping
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from wagtail.log_actions import log

from supervision import instruments, permissions
from supervision.models import FamilyReference, Instrument, Item, Membership, ScoreReport, Team, User
from supervision.periods import say

Role = Membership.Role
ABOUT = {"tam-r": (Role.THERAPIST, *Membership.SUPERVISORS), "sam": Membership.SUPERVISORS, "cam": (Role.CONSULTANT,)}
OF_FAMILIES = ("tam-r",)
LONGEST_RESPONDENT = 20


class ScoreRefused(Exception):
    """The score cannot be kept or withdrawn; the text says why."""


def kept_here() -> QuerySet[Instrument]:
    """The measures whose totals may be entered, by name."""
    return Instrument.objects.filter(kind=Instrument.Kind.SCORES, is_current=True).order_by("name", "pk")


def is_of_families(instrument: Instrument) -> bool:
    """Told by a family's caregiver, one total for one family; else by a respondent about a colleague."""
    return instrument.slug in OF_FAMILIES


def people(instrument: Instrument, team: Team, *, on: dt.date) -> QuerySet[User]:
    """Whom a score of this measure may be about in a team."""
    roles = ABOUT.get(instrument.slug, (Role.THERAPIST, *Membership.LEADS))
    held = Membership.objects.in_force(on).filter(team=team, role__in=roles)
    return User.objects.filter(pk__in=held.values("user")).order_by("last_name", "first_name", "pk")


def checked(
    *,
    instrument: Instrument,
    team: Team,
    about: User,
    family: FamilyReference | None,
    respondent: str,
    occurred_on: dt.date,
    values: Mapping[str, float | None],
    answered: int | None,
    by: User,
    now: dt.datetime,
) -> None:
    """Refuses a score that cannot be true or may not come from this person. Changes nothing. Raises ScoreRefused."""
    today = timezone.localdate(now)
    if instrument.kind != Instrument.Kind.SCORES:
        raise ScoreRefused(f"{instrument.name} is rated from recordings; its scores are not entered.")
    if not permissions.can_enter_scores(by, team):
        raise ScoreRefused("Scores are entered by an administrator or a supervisor of the team, never by one of its therapists.")
    if about.pk == by.pk:
        raise ScoreRefused("Nobody enters a score about themselves. Ask the administrator to do it.")
    if occurred_on > today:
        raise ScoreRefused("The day is in the future. Enter the score once it has been collected.")
    if is_of_families(instrument):
        if family is None or family.team_id != team.pk:
            raise ScoreRefused(f"{instrument.name} belongs to one family. Choose a family of {team.name}.")
        if family.therapist_id != about.pk:
            raise ScoreRefused(f"{family.reference} is not on {about.get_full_name()}'s list.")
        if occurred_on < family.opened_on:
            raise ScoreRefused(f"{family.reference} was opened on {say(family.opened_on)}, after that day.")
    else:
        if family is not None:
            raise ScoreRefused(f"{instrument.name} does not belong to a family.")
        if not respondent:
            raise ScoreRefused("Enter a reference for whoever answered, so that each respondent is averaged first.")
        if not people(instrument, team, on=occurred_on).filter(pk=about.pk).exists():
            raise ScoreRefused(f"{about.get_full_name()} was not somebody whom {instrument.name} is about on that day.")
    if respondent and not any(character.isdigit() for character in respondent):
        raise ScoreRefused("A respondent's reference has at least one digit in it, such as R1. Never enter a name.")
    if len(respondent) > LONGEST_RESPONDENT or not respondent.isprintable():
        raise ScoreRefused(f"A respondent's reference has at most {LONGEST_RESPONDENT} characters, such as R1. Never enter a name.")
    _check_values(list(instrument.items.order_by("position", "pk")), values)
    if answered is not None and not 0 <= answered <= 200:
        raise ScoreRefused("The number of questions that were answered is from 0 to 200.")


def _check_values(items: list[Item], values: Mapping[str, float | None]) -> None:
    if set(values) != {item.key for item in items}:
        raise ScoreRefused(f"The figures are {', '.join(item.name for item in items)}, and no others.")
    for item in items:
        value = values[item.key]
        if value is not None and not (math.isfinite(value) and item.least <= value <= item.most):
            raise ScoreRefused(f"{item.name} is a figure from {item.least} to {item.most}.")
    if all(value is None for value in values.values()):
        raise ScoreRefused("Enter at least one figure. A questionnaire with too few answers is simply not entered.")


@transaction.atomic
def record(
    *,
    instrument: Instrument,
    team: Team,
    about: User,
    family: FamilyReference | None,
    respondent: str = "",
    occurred_on: dt.date,
    values: Mapping[str, float | None],
    answered: int | None = None,
    source: str = ScoreReport.Source.TYPED,
    batch: UUID | None = None,
    by: User,
    now: dt.datetime,
) -> ScoreReport:
    """Keep one respondent's score of one day, as figures by item key; None where that part had too few answers. Raises ScoreRefused."""
    respondent = reference(respondent)
    checked(
        instrument=instrument,
        team=team,
        about=about,
        family=family,
        respondent=respondent,
        occurred_on=occurred_on,
        values=values,
        answered=answered,
        by=by,
        now=now,
    )
    try:
        with transaction.atomic():
            row = ScoreReport.objects.create(
                instrument=instrument,
                team=team,
                about=about,
                family=family,
                respondent=respondent,
                occurred_on=occurred_on,
                values=dict(values),
                answered=answered,
                source=source,
                batch=batch,
                recorded_at=now,
                recorded_by=by,
            )
    except IntegrityError:
        raise ScoreRefused(already_there(family.reference if family else respondent, occurred_on)) from None
    instruments.note_use(instrument=instrument, now=now)
    log(instance=row, action="supervision.score_recorded", user=by, data={"instrument": instrument.pk, "team": team.pk})
    return row


def reference(respondent: str) -> str:
    """As it is kept: r1 and R1 are one person, who answers once a day and is averaged once."""
    return respondent.strip().upper()


def already_there(who: str, day: dt.date) -> str:
    return f"There is a score of {who} for {say(day)} already. Withdraw that one first if it is wrong."


@transaction.atomic
def withdraw(*, row: ScoreReport, reason: str, by: User, now: dt.datetime) -> ScoreReport:
    """It stops counting and stays on record with the reason. Raises ScoreRefused."""
    if not permissions.can_enter_scores(by, row.team) or row.about_id == by.pk:
        raise ScoreRefused("A score is withdrawn by an administrator or a supervisor of the team, and never by the person it is about.")
    if not reason.strip():
        raise ScoreRefused("Say why it is withdrawn.")
    kept = ScoreReport.objects.kept().filter(pk=row.pk)
    if not kept.update(withdrawn_at=now, withdrawn_by=by, withdrawn_reason=reason.strip()):
        raise ScoreRefused("This score has been withdrawn already.")
    log(instance=row, action="supervision.score_withdrawn", user=by, data={"team": row.team_id})
    row.refresh_from_db()
    return row
