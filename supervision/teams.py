"""Who is in a team, in which role, from when to when."""

import datetime as dt

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from wagtail.log_actions import log

from learning import editors, enrolment
from learning.models import CoursePage
from supervision.models import Membership, Programme, Requirement, Team, User
from supervision.periods import say

Role = Membership.Role

EDITORS_GROUP = "Content editors"


class MembershipError(Exception):
    """The membership cannot be made or changed so; the text says why."""


@transaction.atomic
def add_member(
    *, team: Team | None, user: User, role: str, starts_on: dt.date, ends_on: dt.date | None = None, by: User | None, now: dt.datetime
) -> Membership:
    """Give a person a role and enrol them into the courses that the programme asks of it.

    `team` is None only for a role of the whole service. Raises MembershipError.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # against the same at the same moment
    _check(team=team, user=user, role=role, starts_on=starts_on, ends_on=ends_on)
    membership = Membership.objects.create(team=team, user=user, role=role, starts_on=starts_on, ends_on=ends_on, added_at=now, added_by=by)
    log(
        instance=membership,
        action="supervision.member_added",
        user=by,
        data={"user": user.pk, "team": team.pk if team else None, "role": role},
    )
    enrol_for_role(membership=membership, by=by, now=now)
    if role == Role.CONTENT_EDITOR:
        group, _ = Group.objects.get_or_create(name=EDITORS_GROUP)
        editors.grant_editing(group)
        user.groups.add(group)
    return membership


@transaction.atomic
def change_end(*, membership: Membership, ends_on: dt.date | None, by: User | None, now: dt.datetime) -> Membership:
    """Move the last day of a membership. Raises MembershipError."""
    if ends_on is not None and ends_on < membership.starts_on:
        raise MembershipError(f"It cannot end before it began on {say(membership.starts_on)}.")
    if ends_on is None and membership.role == Role.BACKUP_SUPERVISOR:
        raise MembershipError("Cover needs a last day.")
    if ends_on is not None:
        _check_managed_without(membership, after=ends_on)
    before = membership.ends_on
    membership.ends_on = ends_on
    membership.save(update_fields=["ends_on"])
    data = {"before": before.isoformat() if before else None, "after": ends_on.isoformat() if ends_on else None}
    log(instance=membership, action="supervision.membership_changed", user=by, data=data)
    return membership


@transaction.atomic
def end_membership(*, membership: Membership, on: dt.date, by: User | None, now: dt.datetime) -> Membership:
    """Make `on` the last day, inclusive; access ends with it. Nothing that the person did is lost. Raises MembershipError."""
    if membership.ends_on is not None and membership.ends_on <= on and membership.ends_on < timezone.localdate(now):
        raise MembershipError(f"It ended on {say(membership.ends_on)} already.")
    change_end(membership=membership, ends_on=on, by=by, now=now)
    log(instance=membership, action="supervision.member_ended", user=by, data={"on": on.isoformat()})
    return membership


def enrol_for_role(*, membership: Membership, by: User | None, now: dt.datetime) -> None:
    """Enrol into every course that the programme's rules of today name for this role; done before, nothing happens."""
    if membership.team is None:
        return
    programme = membership.team.programme
    rules = [
        rule
        for rule in current_rules(programme, on=timezone.localdate(now))
        if rule.kind == Requirement.Kind.COURSE and membership.role in rule.roles
    ]
    courses = {course.slug: course for course in CoursePage.objects.live().filter(slug__in=[rule.course_slug for rule in rules])}
    for rule in rules:
        if course := courses.get(rule.course_slug):
            reason = f"{Role(membership.role).label} in {membership.team.name}"
            enrolment.enrol(learner=membership.user, course=course, reason=reason, by=by, now=now)


def current_rules(programme: Programme, *, on: dt.date) -> list[Requirement]:
    """The version in force on that day of each of a programme's requirements, in their order."""
    latest: dict[str, Requirement] = {}
    for rule in Requirement.objects.filter(programme=programme, effective_from__lte=on).order_by("effective_from", "version"):
        latest[rule.key] = rule
    return sorted(latest.values(), key=lambda rule: (rule.position, rule.key))


def _check(*, team: Team | None, user: User, role: str, starts_on: dt.date, ends_on: dt.date | None) -> None:
    if team is None and role not in Membership.SERVICE_WIDE:
        raise MembershipError(f"{Role(role).label} is a role in a team; choose the team.")
    if team is not None and role in (Role.CONTENT_EDITOR, Role.IG_LEAD):
        raise MembershipError(f"{Role(role).label} is a role of the whole service, not of one team.")
    if role == Role.BACKUP_SUPERVISOR and ends_on is None:
        raise MembershipError("Cover needs a last day.")
    if ends_on is not None and ends_on < starts_on:
        raise MembershipError("The last day cannot come before the first.")
    overlapping = Membership.objects.of(user).filter(Q(ends_on__isnull=True) | Q(ends_on__gte=starts_on), team=team, role=role)
    if ends_on is not None:
        overlapping = overlapping.filter(starts_on__lte=ends_on)
    held = overlapping.order_by("starts_on", "pk").first()
    if held:
        until = f" until {say(held.ends_on)}" if held.ends_on else ""
        raise MembershipError(f"{user.get_full_name()} has this role from {say(held.starts_on)}{until} already. Change that entry instead.")


def _check_managed_without(membership: Membership, *, after: dt.date) -> None:
    """A team must keep somebody who can add people to it."""
    managers = (Role.SUPERVISOR, Role.ADMINISTRATOR)
    if membership.team is None or membership.role not in managers:
        return
    Team.objects.select_for_update(no_key=True).get(pk=membership.team.pk)  # two who end each other's at the same moment
    day = after + dt.timedelta(days=1)
    if not Membership.objects.on(day).filter(team=membership.team, role__in=managers).exclude(pk=membership.pk).exists():
        raise MembershipError("That would leave the team without a supervisor or administrator. Add another one first.")
