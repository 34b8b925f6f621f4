"""Weekly supervision and consultation: what took place, and who was there."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from wagtail.log_actions import log

from supervision.models import Membership, SessionAttendance, SupervisionSession, Team, User
from supervision.periods import Period, say, week

OLDEST = dt.timedelta(days=366)


class SessionRefused(Exception):
    """The session cannot be recorded or cancelled; the text says why."""


@dataclass(frozen=True)
class Week:
    """A week of a team's list: its sessions, or the gap."""

    period: Period
    sessions: list[SupervisionSession]
    is_over: bool

    @property
    def has_supervision(self) -> bool:
        return any(one.kind == SupervisionSession.Kind.SUPERVISION and one.cancelled_at is None for one in self.sessions)

    @property
    def gap(self) -> str:
        """A sentence where team supervision is missing."""
        if self.has_supervision:
            return ""
        return (
            f"No supervision recorded in the week of {say(self.period.start)}."
            if self.is_over
            else "No supervision recorded yet this week."
        )


@transaction.atomic
def hold(
    *, team: Team, kind: str, held_on: dt.date, held_by: User, minutes: int, people: Iterable[User], by: User, now: dt.datetime
) -> SupervisionSession:
    """Record a session that took place and who was there; who held it was there. Raises SessionRefused."""
    today = timezone.localdate(now)
    if held_on > today:
        raise SessionRefused("The day is in the future. Record the session once it has taken place.")
    if held_on < today - OLDEST:
        raise SessionRefused("The day is more than a year ago. Check the year.")
    if not 5 <= minutes <= 600:
        raise SessionRefused("The length is between 5 and 600 minutes.")
    if not Membership.objects.of(held_by).in_force(held_on).filter(team=team, role__in=Membership.LEADS).exists():
        raise SessionRefused(f"On {say(held_on)} {held_by.get_full_name()} was not a supervisor or consultant of {team.name}.")
    attending = {person.pk: person for person in [*people, held_by]}
    members = set(Membership.objects.in_force(held_on).filter(team=team, user__in=attending).values_list("user_id", flat=True))
    strangers = [person.get_full_name() for pk, person in attending.items() if pk not in members]
    if strangers:
        raise SessionRefused(f"On {say(held_on)} {', '.join(strangers)} {'was' if len(strangers) == 1 else 'were'} not in {team.name}.")
    if len(attending) == 1:
        raise SessionRefused("Tick at least one other person who was there.")
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)  # a form sent twice makes one
    same_day = SupervisionSession.objects.filter(team=team, kind=kind, held_on=held_on, held_by=held_by, cancelled_at__isnull=True)
    if same_day.exists():
        raise SessionRefused(f"A session of this kind on {say(held_on)} is recorded already. Cancel that one first if it is wrong.")
    session = SupervisionSession.objects.create(
        team=team, kind=kind, held_on=held_on, held_by=held_by, minutes=minutes, recorded_at=now, recorded_by=by
    )
    SessionAttendance.objects.bulk_create(SessionAttendance(session=session, person=person) for person in attending.values())
    log(instance=session, action="supervision.session_recorded", user=by, data={"team": team.pk, "people": sorted(attending)})
    return session


@transaction.atomic
def cancel(*, session: SupervisionSession, by: User, now: dt.datetime) -> SupervisionSession:
    """Stop counting a session that was entered by mistake; the entry is kept. Raises SessionRefused."""
    changed = SupervisionSession.objects.filter(pk=session.pk, cancelled_at__isnull=True).update(cancelled_at=now, cancelled_by=by)
    if not changed:
        raise SessionRefused("This session has been cancelled already.")
    session.refresh_from_db()
    log(instance=session, action="supervision.session_cancelled", user=by, data={"team": session.team_id})
    return session


def by_week(team: Team, *, today: dt.date, weeks: int) -> list[Week]:
    """The team's last weeks, the present one first, each with its sessions; not before the team's first session or member."""
    present = week(today)
    earliest = present.start - dt.timedelta(days=7 * (weeks - 1))
    joined = (
        Membership.objects.filter(team=team, role__in=[Membership.Role.THERAPIST, Membership.Role.SUPERVISOR])
        .order_by("starts_on")
        .values_list("starts_on", flat=True)
        .first()
    )
    if joined:
        earliest = max(earliest, week(joined).start)
    held = (
        SupervisionSession.objects.filter(team=team, held_on__gte=earliest, held_on__lte=present.end)
        .select_related("held_by", "cancelled_by")
        .prefetch_related("attendances__person")
        .order_by("-held_on", "-pk")
    )
    found: dict[dt.date, list[SupervisionSession]] = {}
    for session in held:
        found.setdefault(week(session.held_on).start, []).append(session)
    starts = [
        present.start - dt.timedelta(days=7 * back) for back in range(weeks) if present.start - dt.timedelta(days=7 * back) >= earliest
    ]
    return [Week(week(start), found.get(start, []), is_over=start != present.start) for start in starts]
