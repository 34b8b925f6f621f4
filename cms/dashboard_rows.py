"""The single rows of the home page. Each function reads through the app that owns the data and words one kind of row."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from learning import progress, record
from recordings.models import Consent, DestructionCertificate, Recording, Review
from supervision import matrix
from supervision.models import Invitation, Membership, SupervisionSession, Team

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


def own_feedback(who: "Viewer") -> Iterator[Need]:
    unseen = (
        Review.objects.visible_to(who.user)
        .filter(state=Review.State.RELEASED, recording__therapist=who.user, seen_by_therapist_at__isnull=True)
        .select_related("recording", "rater")
        .order_by("released_at", "pk")
    )
    for review in unseen:
        yield Need(
            WAITING,
            f"{review.rater.first_name}’s feedback on your session of {day(review.recording.session_on)} is ready for you.",
            reverse("recordings:feedback", args=[review.pk]),
            "Hear it",
        )


def own_recordings(who: "Viewer") -> Iterator[Need]:
    stopped = Recording.objects.visible_to(who.user).filter(therapist=who.user, state=Recording.State.FAILED).order_by("uploaded_at", "pk")
    for recording in stopped:
        yield Need(
            BROKEN,
            f"Your recording of {day(recording.session_on)} is safe, but its processing stopped.",
            reverse("recordings:detail", args=[recording.pk]),
            "See why",
            status="Stopped",
            tone="failed",
        )
    soon = who.today + dt.timedelta(days=14)
    ending = (
        Consent.objects.visible_to(who.user)
        .in_force(who.today)
        .filter(family__therapist=who.user, family__closed_on__isnull=True, valid_until__lte=soon)
        .select_related("family")
        .order_by("valid_until", "pk")
    )
    for consent in ending:
        yield Need(
            DUE,
            f"Consent of family {consent.family.reference} to recording ends on {day(consent.valid_until)}.",
            reverse("recordings:consent-create", args=[consent.family_id]),
            "Ask again",
            status=f"Until {day(consent.valid_until)}",
            tone="due",
        )


def own_requirements(who: "Viewer") -> Iterator[Need]:
    teams = who.teams(Role.THERAPIST, *Membership.SUPERVISORS)
    for person, requirement, cell in matrix.needs_action(teams, who.today):
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


def reviews(who: "Viewer") -> Iterator[Need]:
    begun = (
        Review.objects.visible_to(who.user)
        .filter(rater=who.user)
        .exclude(state=Review.State.RELEASED)
        .select_related("recording__therapist", "recording__team")
        .order_by("started_at", "pk")
    )
    for review in begun:
        name, on = review.recording.therapist.first_name, day(review.recording.session_on)
        url = reverse("recordings:review", args=[review.recording_id])
        if review.state == Review.State.IN_PROGRESS:
            yield Need(WAITING, f"You began to review {name}’s session of {on}.", url, "Carry on", status="In progress", tone="progress")
        else:
            yield Need(
                WAITING,
                f"Your review of {name}’s session of {on} is submitted but not released.",
                url,
                "Release it",
                status="Not released",
                tone="due",
            )
    mine = Review.objects.filter(recording=OuterRef("pk"), rater=who.user)
    waiting = (
        Recording.objects.visible_to(who.user)
        .ready()
        .filter(
            ~Exists(mine),
            ~Exists(Review.objects.filter(recording=OuterRef("pk"), submitted_at__isnull=False)),
            team__in=who.teams(Role.CONSULTANT),
        )
        .exclude(therapist=who.user)
        .select_related("therapist", "team")
        .order_by("uploaded_at", "pk")
    )
    for recording in waiting:
        yield Need(
            WAITING,
            f"{recording.therapist.first_name}’s session of {day(recording.session_on)} waits for your review.",
            reverse("recordings:review-list"),
            "Review",
            detail=f"{recording.team.name}, {round(recording.duration_ms / 60000)} minutes",
        )


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
        for person, requirement, cell in matrix.needs_action([team], who.today):
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
    for team in Team.objects.visible_to(who.user).order_by("name", "pk"):
        late = [cell for _, _, cell in matrix.needs_action([team], who.today) if cell.status == "overdue"]
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


def governance(who: "Viewer") -> Iterator[Need]:
    for recording in Recording.objects.visible_to(who.user).filter(state=Recording.State.FAILED).order_by("uploaded_at", "pk"):
        yield Need(
            BROKEN,
            f"Processing of a recording of {day(recording.session_on)} stopped.",
            reverse("recordings:detail", args=[recording.pk]),
            "See why",
            status="Stopped",
            tone="failed",
        )
    unfinished = Recording.objects.visible_to(who.user).kept().filter(consent__withdrawn_at__isnull=False).order_by("uploaded_at", "pk")
    for recording in unfinished:
        yield Need(
            BROKEN,
            "A withdrawn recording is not yet fully destroyed.",
            reverse("recordings:detail", args=[recording.pk]),
            "See it",
            status="Destruction unfinished",
            tone="failed",
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
    for team in teams:
        grid = matrix.team_matrix(team, on=who.today)
        for row in grid.rows:
            if row.person.pk != who.user.pk:
                continue
            for requirement, cell in zip(grid.requirements, row.cells, strict=True):
                if cell.date and cell.date >= who.today and cell.status in {"not_started", "in_progress", "due_soon"}:
                    yield Line(
                        cell.date,
                        f"{requirement.name} is due",
                        reverse("supervision:cell-detail", args=[team.slug, who.user.pk, requirement.key]),
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


def lately_recordings(who: "Viewer") -> Iterator[Line]:
    since = who.now - dt.timedelta(days=60)
    visible = Recording.objects.visible_to(who.user)
    released = (
        Review.objects.visible_to(who.user)
        .filter(released_at__gte=since)
        .select_related("recording__therapist")
        .order_by("-released_at", "pk")[:5]
    )
    for review in released:
        whose = "your" if review.recording.therapist_id == who.user.pk else f"{review.recording.therapist.first_name}’s"
        yield Line(
            timezone.localdate(review.released_at),
            f"Feedback was released on {whose} session of {day(review.recording.session_on)}",
            reverse("recordings:feedback", args=[review.pk]),
        )
    for recording in visible.kept().filter(uploaded_at__gte=since).select_related("therapist").order_by("-uploaded_at", "pk")[:5]:
        whose = "You" if recording.therapist_id == who.user.pk else recording.therapist.first_name
        yield Line(
            timezone.localdate(recording.uploaded_at), f"{whose} sent a recording", reverse("recordings:detail", args=[recording.pk])
        )
    for certificate in DestructionCertificate.objects.filter(recording__in=visible, destroyed_at__gte=since).order_by(
        "-destroyed_at", "pk"
    )[:3]:
        yield Line(
            timezone.localdate(certificate.destroyed_at),
            "A recording was destroyed",
            reverse("recordings:certificate", args=[certificate.recording_id]),
        )
