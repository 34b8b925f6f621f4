"""Each person's home page: what needs them now, what is coming, what happened lately. All of it is read, none of it stored."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from django.urls import reverse
from django.utils import timezone

from cms import dashboard_followup as followup_rows
from cms import dashboard_recordings as recording_rows
from cms import dashboard_rows as rows
from cms.dashboard_rows import Line, Need
from supervision import matrix
from supervision.matrix import Matrix
from supervision.models import Membership, Team, User

Role = Membership.Role
MOST = 7


@dataclass
class Viewer:
    """The person, the day, and their roles today by team."""

    user: User
    now: dt.datetime
    memberships: list[Membership]

    @property
    def today(self) -> dt.date:
        return timezone.localdate(self.now)

    def roles(self) -> set[str]:
        return {membership.role for membership in self.memberships}

    def teams(self, *roles: str) -> list[Team]:
        """The distinct teams in which one of these roles is held, by name."""
        found = {m.team for m in self.memberships if m.team is not None and m.role in roles}
        return sorted(found, key=lambda team: team.name)

    @cached_property
    def served(self) -> list[Team]:
        """The teams of a service manager."""
        return list(Team.objects.visible_to(self.user).order_by("name", "pk")) if Role.SERVICE_MANAGER in self.roles() else []

    def matrices(self, teams: Iterable[Team]) -> list[Matrix]:
        """Of such of these as this page tells of, in their order."""
        return [self._matrices[team.pk] for team in teams]

    @cached_property
    def _matrices(self) -> dict[int, Matrix]:
        """By team, read once for the whole page: everybody where the person looks after the team, else the person's own row."""
        whole = {team.pk: team for team in (*self.teams(*Membership.SUPERVISORS, Role.ADMINISTRATOR), *self.served)}
        own = [team for team in self.teams(Role.THERAPIST) if team.pk not in whole]
        found = matrix.team_matrices(whole.values(), on=self.today) if whole else []
        found += matrix.team_matrices(own, on=self.today, only=[self.user]) if own else []
        return {one.team.pk: one for one in found}


@dataclass
class Board:
    today: dt.date
    has_role: bool
    needs: list[Need] = field(default_factory=list)
    more: int = 0
    more_url: str = ""
    coming: list[Line] = field(default_factory=list)
    lately: list[Line] = field(default_factory=list)
    calm: str = "Nothing needs you today."
    record_url: str = ""


def viewer(user: User, *, now: dt.datetime) -> Viewer:
    held = Membership.objects.of(user).on(timezone.localdate(now)).select_related("team", "team__programme").order_by("pk")
    return Viewer(user=user, now=now, memberships=list(held))


def build(user: User, *, now: dt.datetime) -> Board:
    """At most seven needs, the gravest first; ties keep the order in which they were found."""
    who = viewer(user, now=now)
    board = Board(today=who.today, has_role=bool(who.memberships) or user.is_superuser, record_url=reverse("learning:record"))
    needs = sorted(_needs(who), key=lambda need: need.gravity)
    board.needs, board.more = needs[:MOST], max(0, len(needs) - MOST)
    board.more_url = reverse("supervision:team-list") if who.teams() else reverse("learning:home")
    board.coming = sorted(_coming(who), key=lambda line: line.on)[:6]
    board.lately = sorted(_lately(who), key=lambda line: line.on, reverse=True)[:6]
    if board.coming:
        first = board.coming[0]
        board.calm = f"Nothing needs you today. Next: {first.sentence[:1].lower()}{first.sentence[1:]}, {first.on.day} {first.on:%B}."
    return board


def _needs(who: Viewer) -> Iterable[Need]:
    roles = who.roles()
    yield from rows.own_learning(who)
    if Role.THERAPIST in roles:
        yield from recording_rows.own_feedback(who)
        yield from recording_rows.own_recordings(who)
    if roles & {Role.THERAPIST, *Membership.SUPERVISORS}:
        yield from recording_rows.own_uploads(who)
        yield from recording_rows.consents_ending(who)
        yield from recording_rows.consents_again(who)
        yield from recording_rows.consents_to_show(who)
        yield from recording_rows.keeping_ends(who)
    if roles & set(Membership.SUPERVISORS):
        yield from recording_rows.concerns(who)
    if roles & {Role.IG_LEAD, *Membership.SUPERVISORS}:
        yield from recording_rows.holds_to_agree(who)
    if roles & set(Membership.SUPERVISORS) | {Role.THERAPIST} & roles:
        yield from rows.own_requirements(who)
    if Role.CONSULTANT in roles:
        yield from recording_rows.to_rate(who)
        yield from recording_rows.reviews(who)
        yield from recording_rows.certifications_ending(who)
    if roles & set(Membership.SUPERVISORS):
        yield from rows.team_supervision(who)
        yield from recording_rows.ratings_overdue(who)
    if roles & {*Membership.SUPERVISORS, Role.ADMINISTRATOR}:
        yield from rows.team_overdue(who)
        yield from rows.invitations(who)
    if roles & {Role.THERAPIST, *Membership.LEADS}:
        yield from followup_rows.contests(who)
        yield from followup_rows.to_try(who)
        yield from followup_rows.goals(who)
    if roles & set(Membership.LEADS):
        yield from followup_rows.clips_to_decide(who)
        yield from followup_rows.booster_topics(who)
    if Role.SERVICE_MANAGER in roles:
        yield from rows.service(who)
    if Role.IG_LEAD in roles:
        yield from recording_rows.exports_to_agree(who)
        yield from recording_rows.governance(who)
    if Role.CONTENT_EDITOR in roles:
        yield from rows.content(who)


def _coming(who: Viewer) -> Iterable[Line]:
    yield from rows.coming_requirements(who)
    yield from rows.coming_cover(who)


def _lately(who: Viewer) -> Iterable[Line]:
    yield from rows.lately_learning(who)
    yield from recording_rows.lately_recordings(who)
    yield from followup_rows.lately(who)
