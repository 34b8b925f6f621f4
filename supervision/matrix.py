"""A team's people against its programme's requirements: gathers the facts with a fixed number of queries, and asks `compliance`."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils import timezone

from supervision import facts
from supervision.compliance import Assignment, Cell, Rule, assess
from supervision.models import Membership, Requirement, Team, User

Role = Membership.Role

DOING = {
    Requirement.Kind.COURSE: "Completing the course",
    Requirement.Kind.BOOSTER: "Attending a booster",
    Requirement.Kind.REVIEW: "Having a recorded session reviewed",
    Requirement.Kind.SUPERVISION: "Attending team supervision",
}
PLURALS = {
    Role.THERAPIST: "therapists",
    Role.SUPERVISOR: "supervisors",
    Role.BACKUP_SUPERVISOR: "back-up supervisors",
    Role.CONSULTANT: "consultants",
    Role.ADMINISTRATOR: "administrators",
    Role.SERVICE_MANAGER: "service managers",
    Role.CONTENT_EDITOR: "content editors",
    Role.IG_LEAD: "information governance leads",
}


@dataclass(frozen=True)
class Row:
    person: User
    roles: tuple[str, ...]
    """Labels of the roles held in the team on the day."""
    role_values: tuple[str, ...]
    cells: tuple[Cell, ...]
    """One for each requirement of the matrix, in its order."""

    @property
    def needs_action(self) -> bool:
        return any(cell.needs_action for cell in self.cells)


@dataclass(frozen=True)
class Matrix:
    team: Team
    on: dt.date
    known_at: dt.datetime | None
    requirements: tuple[Requirement, ...]
    rows: tuple[Row, ...]
    """People whom at least one requirement concerns, by surname."""

    def row_of(self, person: User) -> Row | None:
        return next((row for row in self.rows if row.person.pk == person.pk), None)

    def count(self, status: str) -> int:
        return sum(cell.status == status for row in self.rows for cell in row.cells)


def team_matrix(team: Team, *, on: dt.date, known_at: dt.datetime | None = None) -> Matrix:
    """The matrix on a day, inclusive of it, as it was known at a moment (None: as it is known now)."""
    return team_matrices([team], on=on, known_at=known_at)[0]


def team_matrices(
    teams: Iterable[Team], *, on: dt.date, known_at: dt.datetime | None = None, only: Iterable[User] | None = None
) -> list[Matrix]:
    """The matrices of several teams, in their order, with as many queries as for one; `only` these people if given."""
    teams = list(teams)
    programmes = {team.programme_id for team in teams}
    versions = _requirements(programmes, on)
    members = _members(teams, on=on, known_at=known_at, only=only)
    people = {membership.user_id for held in members.values() for membership in held}
    assignments = _assignments(people, programmes)
    gathered = facts.gather(people, [one for held in versions.values() for one, _ in held], on=on, known_at=known_at)
    matrices = []
    for team in teams:
        held = versions.get(team.programme_id, [])
        rules = [(requirement, rule_of(requirement, since=since)) for requirement, since in held]
        roles: dict[User, list[Membership]] = defaultdict(list)
        for membership in members.get(team.pk, []):
            roles[membership.user].append(membership)
        rows = []
        for person, memberships in roles.items():
            cells = []
            for requirement, rule in rules:
                own = gathered.of(person.pk, requirement)
                cell = assess(rule, assignments[person.pk, team.programme_id], own, on=on, known_at=known_at)
                cells.append(_with_action(cell, team, person, requirement))
            values = tuple(dict.fromkeys(membership.role for membership in memberships))
            if any(cell.steps for cell in cells) or any(set(values) & set(requirement.roles) for requirement, _ in rules):
                rows.append(Row(person, tuple(Role(value).label for value in values), values, tuple(cells)))
        rows.sort(key=lambda row: (row.person.last_name.lower(), row.person.first_name.lower(), row.person.pk))
        matrices.append(Matrix(team, on, known_at, tuple(requirement for requirement, _ in rules), tuple(rows)))
    return matrices


def needs_action(matrices: Iterable[Matrix]) -> list[tuple[User, Requirement, Cell]]:
    """Everything overdue or due soon in these matrices, the most urgent first; a person of two teams of one programme once."""
    found: dict[tuple[int, int], tuple[User, Requirement, Cell]] = {}
    for matrix in matrices:
        for row in matrix.rows:
            for requirement, cell in zip(matrix.requirements, row.cells, strict=True):
                if cell.needs_action:
                    found.setdefault((row.person.pk, requirement.pk), (row.person, requirement, cell))
    return sorted(found.values(), key=lambda one: (one[2].urgency, one[0].last_name, one[0].pk, one[1].position))


def person_row(team: Team, person: User, *, on: dt.date, known_at: dt.datetime | None = None) -> tuple[tuple[Requirement, ...], Row | None]:
    """One person's row of the team's matrix, with its requirements; None if nothing concerned the person on that day."""
    [matrix] = team_matrices([team], on=on, known_at=known_at, only=[person])
    return matrix.requirements, matrix.row_of(person)


def own_cells(person: User, *, on: dt.date) -> list[tuple[Team, Requirement, Cell]]:
    """What is asked of one person on a day, team by team; what is not required is left out."""
    held = Membership.objects.of(person).on(on).filter(team__isnull=False)
    teams = Team.objects.filter(pk__in=held.values("team")).select_related("programme").order_by("name", "pk")
    cells = []
    for matrix in team_matrices(teams, on=on, only=[person]):
        row = matrix.row_of(person)
        for requirement, cell in zip(matrix.requirements, row.cells if row else (), strict=False):
            if cell.status != "not_required":
                cells.append((matrix.team, requirement, cell))
    return cells


def rule_of(requirement: Requirement, *, since: dt.date) -> Rule:
    return Rule(
        key=requirement.key,
        name=requirement.name,
        sentence=requirement.rule,
        cadence=requirement.cadence,
        roles=frozenset(requirement.roles),
        applies_to=_list(PLURALS[Role(role)] for role in requirement.roles),
        due_days=requirement.due_days,
        warn_days=requirement.warn_days,
        valid_months=requirement.valid_months,
        since=since,
        doing=DOING[Requirement.Kind(requirement.kind)],
    )


def _requirements(programmes: set[int], on: dt.date) -> dict[int, list[tuple[Requirement, dt.date]]]:
    """By programme: the version in force on that day of each requirement, and the first day of any version of it."""
    latest: dict[tuple[int, str], Requirement] = {}
    since: dict[tuple[int, str], dt.date] = {}
    rules = Requirement.objects.filter(programme__in=programmes, effective_from__lte=on).select_related("programme")
    for rule in rules.order_by("effective_from", "version", "pk"):
        key = (rule.programme_id, rule.key)
        latest[key] = rule
        since.setdefault(key, rule.effective_from)
    found: dict[int, list[tuple[Requirement, dt.date]]] = defaultdict(list)
    for key, rule in sorted(latest.items(), key=lambda item: (item[1].position, item[1].key)):
        found[rule.programme_id].append((rule, since[key]))
    return found


def _members(teams: list[Team], *, on: dt.date, known_at: dt.datetime | None, only: Iterable[User] | None) -> dict[int, list[Membership]]:
    """Who was in the teams on the day. A past day shows people whose accounts were closed since: what was, was."""
    held = Membership.objects.in_force(on).filter(team__in=teams).select_related("user")
    if on >= timezone.localdate():
        held = held.filter(user__is_active=True)
    if only is not None:
        held = held.filter(user__in=[person.pk for person in only])
    if known_at is not None:
        held = held.filter(added_at__lte=known_at)
    found: dict[int, list[Membership]] = defaultdict(list)
    for membership in held.order_by("starts_on", "pk"):
        if membership.team_id is not None:
            found[membership.team_id].append(membership)
    return found


def _assignments(people: set[int], programmes: set[int]) -> dict[tuple[int, int], list[Assignment]]:
    """By person and programme: every role ever held in it, so that moving between its teams restarts no clock."""
    found: dict[tuple[int, int], list[Assignment]] = defaultdict(list)
    held = Membership.objects.filter(user__in=people, team__programme__in=programmes).order_by("starts_on", "pk")
    for user, programme, role, starts_on, ends_on, added_at in held.values_list(
        "user_id", "team__programme_id", "role", "starts_on", "ends_on", "added_at"
    ):
        found[user, programme].append(Assignment(role, starts_on, ends_on, added_at))
    return found


def _with_action(cell: Cell, team: Team, person: User, requirement: Requirement) -> Cell:
    """The next thing to do about a cell that is late or nearly so, as a label and an address."""
    if not cell.needs_action:
        return cell
    if requirement.kind == Requirement.Kind.SUPERVISION:
        return replace(cell, action=("Record a session", reverse("supervision:session-create", args=[team.slug])))
    if requirement.kind == Requirement.Kind.COURSE:
        return replace(cell, action=("See the progress", reverse("supervision:person-detail", args=[team.slug, person.pk])))
    return replace(cell, action=("See why", reverse("supervision:cell-detail", args=[team.slug, person.pk, requirement.key])))


def _list(words: Iterable[str]) -> str:
    *most, last = list(words)
    return f"{', '.join(most)} and {last}" if most else last
