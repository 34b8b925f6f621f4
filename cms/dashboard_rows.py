"""The single rows of the home page. Each function reads through the app that owns the data and words one kind of row."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q
from django.urls import reverse

from learning import progress, record
from supervision import matrix
from supervision.models import Invitation, Membership, SupervisionSession

if TYPE_CHECKING:
    from cms.dashboard import Viewer

Role = Membership.Role

# Consequence, gravest first.
BROKEN, OVERDUE, WAITING, DUE, NEXT, LOOK = range(6)


@dataclass
class Need:
    """One sentence with one button."""

    gravity: int
    sentence: str
    url: str
    label: str
    status: str = ""
    tone: str = "none"
    detail: str = ""
    is_secondary: bool = False

    @property
    def about(self) -> str:
        return self.sentence


@dataclass
class Line:
    on: dt.date
    sentence: str
    url: str = ""


def day(date: dt.date | None) -> str:
    return "" if date is None else f"{date.day} {date:%B}"


# --- One's own ------------------------------------------------------------------------------------------------


def own_learning(who: "Viewer") -> Iterator[Need]:
    for course in progress.current_courses(who.user):
        lesson = course.next_lesson
        if lesson is None:
            continue
        started = course.done > 0
        yield Need(
            NEXT,
            f"Your next lesson is “{lesson.title}”, in {course.enrolment.course_title}.",
            lesson.url,
            "Continue" if started else "Begin",
            detail=f"{course.done} of {course.total} lessons done; this one takes about {lesson.minutes} minutes.",
        )


def own_requirements(who: "Viewer") -> Iterator[Need]:
    teams = who.teams(Role.THERAPIST, *Membership.SUPERVISORS)
    for person, requirement, cell in matrix.needs_action(who.matrices(teams)):
        if person.pk != who.user.pk or (requirement.kind in {"course", "supervision"} and cell.status not in {"overdue"}):
            continue
        team = next((team for team in teams if team.programme_id == requirement.programme_id), teams[0])
        late = cell.status == "overdue"
        url, label = reverse("supervision:cell-detail", args=[team.slug, person.pk, requirement.key]), "See why"
        if requirement.kind == "review":
            url, label = reverse("recordings:upload"), "Send a recording"
        elif requirement.kind in {"course", "booster"}:
            url, label = reverse("learning:home"), "Open learning"
        yield Need(
            OVERDUE if late else DUE,
            f"{requirement.name} is {'overdue' if late else 'due'} for you.",
            url,
            label,
            status=cell.word,
            tone=cell.tone,
        )


# --- A team's ---------------------------------------------------------------------------------------------------


def team_supervision(who: "Viewer") -> Iterator[Need]:
    monday = who.today - dt.timedelta(days=who.today.weekday())
    for team in who.teams(*Membership.SUPERVISORS):
        last_week = SupervisionSession.objects.filter(
            team=team, kind="supervision", cancelled_at__isnull=True, held_on__gte=monday - dt.timedelta(days=7)
        )
        if not last_week.exists():
            yield Need(
                DUE,
                f"No supervision is recorded for {team.name} since {day(monday - dt.timedelta(days=7))}.",
                reverse("supervision:session-create", args=[team.slug]),
                "Record it",
                status="Missing",
                tone="due",
            )


def team_overdue(who: "Viewer") -> Iterator[Need]:
    """One row a requirement and team, with the names, so that a bad week still fits on the page."""
    for team in who.teams(*Membership.SUPERVISORS, Role.ADMINISTRATOR):
        late: dict[str, list[str]] = defaultdict(list)
        for person, requirement, cell in matrix.needs_action(who.matrices([team])):
            if cell.status == "overdue" and person.pk != who.user.pk:
                late[requirement.name].append(person.first_name)
        for name, people in late.items():
            listed = people[0] if len(people) == 1 else f"{', '.join(people[:-1])} and {people[-1]}"
            yield Need(
                OVERDUE,
                f"{name} is overdue for {listed}.",
                reverse("supervision:team-detail", args=[team.slug]),
                "See the team",
                status="Overdue",
                tone="overdue",
                detail=team.name,
            )


def invitations(who: "Viewer") -> Iterator[Need]:
    teams = who.teams(*Membership.SUPERVISORS, Role.ADMINISTRATOR)
    lapsed = (
        Invitation.objects.filter(team__in=teams, accepted_at__isnull=True, cancelled_at__isnull=True, expires_at__lt=who.now)
        .select_related("team")
        .order_by("expires_at", "pk")
    )
    for invitation in lapsed:
        if (team := invitation.team) is None:
            continue
        yield Need(
            DUE,
            f"{invitation.first_name} {invitation.last_name} has not used the invitation to {team.name}; it has run out.",
            reverse("supervision:invitation-create", args=[team.slug]),
            "Invite again",
        )


def service(who: "Viewer") -> Iterator[Need]:
    for team in who.served:
        late = [cell for _, _, cell in matrix.needs_action(who.matrices([team])) if cell.status == "overdue"]
        if late:
            yield Need(
                LOOK,
                f"{team.name} has {len(late)} overdue requirement{'s' if len(late) != 1 else ''}.",
                reverse("supervision:team-detail", args=[team.slug]),
                "See the team",
                status="Overdue",
                tone="overdue",
                is_secondary=True,
            )


def content(who: "Viewer") -> Iterator[Need]:
    from wagtail.models import Page, TaskState

    waiting = TaskState.objects.reviewable_by(who.user).count()
    if waiting:
        yield Need(
            WAITING,
            f"{waiting} page{'s wait' if waiting != 1 else ' waits'} for your moderation.",
            reverse("wagtailadmin_home"),
            "Moderate",
        )
    drafts = Page.objects.filter(has_unpublished_changes=True, latest_revision__user=who.user).order_by("-latest_revision_created_at")
    for page in drafts[:3]:
        yield Need(NEXT, f"Your draft of “{page.title}” is not published.", reverse("wagtailadmin_pages:edit", args=[page.pk]), "Edit")


# --- Coming up and lately ----------------------------------------------------------------------------------------


def coming_requirements(who: "Viewer") -> Iterator[Line]:
    teams = who.teams(Role.THERAPIST, *Membership.SUPERVISORS)
    for grid in who.matrices(teams):
        row = grid.row_of(who.user)
        for requirement, cell in zip(grid.requirements, row.cells if row else (), strict=False):
            if cell.date and cell.date >= who.today and cell.status in {"not_started", "in_progress", "due_soon"}:
                yield Line(
                    cell.date,
                    f"{requirement.name} is due",
                    reverse("supervision:cell-detail", args=[grid.team.slug, who.user.pk, requirement.key]),
                )


def coming_cover(who: "Viewer") -> Iterator[Line]:
    soon = who.today + dt.timedelta(days=60)
    teams = who.teams(*Membership.SUPERVISORS, Role.ADMINISTRATOR)
    ending = (
        Membership.objects.on(who.today)
        .filter(Q(team__in=teams) | Q(user=who.user), ends_on__isnull=False, ends_on__lte=soon)
        .select_related("user", "team")
        .order_by("ends_on", "pk")
    )
    for membership in ending:
        whose = "Your" if membership.user_id == who.user.pk else f"{membership.user.first_name}’s"
        label = (
            "cover as back-up supervisor"
            if membership.role == Role.BACKUP_SUPERVISOR
            else f"time as {membership.get_role_display().lower()}"
        )
        if membership.ends_on is not None:
            yield Line(membership.ends_on, f"{whose} {label} ends")


def lately_learning(who: "Viewer") -> Iterator[Line]:
    since = who.now - dt.timedelta(days=60)
    teams = who.teams(*Membership.SUPERVISORS, Role.ADMINISTRATOR, Role.CONSULTANT)
    people = {who.user.pk: who.user.first_name}
    people |= dict(Membership.objects.on(who.today).filter(team__in=teams).values_list("user_id", "user__first_name"))
    for entry in record.records(people, known_at=None).filter(recorded_at__gte=since).order_by("-completed_on", "-pk")[:6]:
        name = "You" if entry.learner_id == who.user.pk else people.get(entry.learner_id or 0, "Somebody")
        yield Line(entry.completed_on, f"{name} completed {entry.course_title}", reverse("learning:record") if name == "You" else "")
