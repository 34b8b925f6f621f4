"""Everything on record that bears on compliance, brought into one form. One query for each kind of record."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from learning import record
from learning.models import Completion, CoursePage, Enrolment, LessonPage
from supervision.compliance import Fact, What
from supervision.models import Evidence, Rating, Requirement, SessionAttendance, SupervisionSession

Kind = Requirement.Kind
ONE_DAY = dt.timedelta(days=1)


@dataclass
class Facts:
    """Facts by person; evidence also by programme and requirement, the rest by what it can serve."""

    evidence: dict[tuple[int, int, str], list[Fact]] = field(default_factory=lambda: defaultdict(list))
    courses: dict[tuple[int, str], list[Fact]] = field(default_factory=lambda: defaultdict(list))
    boosters: dict[int, list[Fact]] = field(default_factory=lambda: defaultdict(list))
    reviews: dict[int, list[Fact]] = field(default_factory=lambda: defaultdict(list))
    supervision: dict[tuple[int, int], list[Fact]] = field(default_factory=lambda: defaultdict(list))

    def of(self, person: int, requirement: Requirement) -> list[Fact]:
        """What bears on this requirement for this person."""
        outside = self.evidence.get((person, requirement.programme_id, requirement.key), [])
        if requirement.kind == Kind.COURSE:
            return [*outside, *self.courses.get((person, requirement.course_slug), [])]
        if requirement.kind == Kind.BOOSTER:
            own = self.courses.get((person, requirement.course_slug), []) if requirement.course_slug else self.boosters.get(person, [])
            return [*outside, *own]
        if requirement.kind == Kind.REVIEW:
            return [*outside, *self.reviews.get(person, [])]
        return [*outside, *self.supervision.get((person, requirement.programme_id), [])]


def gather(people: Iterable[int], requirements: Iterable[Requirement], *, on: dt.date, known_at: dt.datetime | None) -> Facts:
    people, requirements = list(people), list(requirements)
    kinds = {requirement.kind for requirement in requirements}
    facts = Facts()
    _add_evidence(facts, people, requirements)
    if kinds & {Kind.COURSE, Kind.BOOSTER}:
        _add_records(facts, people, known_at)
        _add_started(facts, people, requirements, _moment_of_knowledge(on, known_at))
    if Kind.REVIEW in kinds:
        _add_reviews(facts, people)
    if Kind.SUPERVISION in kinds:
        _add_sessions(facts, people, requirements, on)
    return facts


def _moment_of_knowledge(on: dt.date, known_at: dt.datetime | None) -> dt.datetime:
    """The end of the day asked about, or the moment of knowledge if that is earlier."""
    end = timezone.make_aware(dt.datetime.combine(on + ONE_DAY, dt.time.min))
    return min(end, known_at) if known_at else end


def _add_evidence(facts: Facts, people: list[int], requirements: list[Requirement]) -> None:
    programmes = {requirement.programme_id for requirement in requirements}
    kinds = {Evidence.Kind.WAIVER: What.WAIVER, Evidence.Kind.WITHDRAWN: What.WITHDRAWN}
    for one in Evidence.objects.filter(person__in=people, programme__in=programmes).order_by("recorded_at", "pk"):
        facts.evidence[one.person_id, one.programme_id, one.requirement_key].append(
            Fact(
                kind=kinds.get(Evidence.Kind(one.kind), What.DONE),
                occurred_on=one.occurred_on,
                recorded_at=one.recorded_at,
                label=Evidence.Kind(one.kind).label,
                valid_until=one.valid_until,
                ref=f"evidence-{one.pk}",
                withdraws=f"evidence-{one.withdraws_id}" if one.withdraws_id else "",
                note=one.note,
            )
        )


def _add_records(facts: Facts, people: list[int], known_at: dt.datetime | None) -> None:
    for one in record.records(people, known_at=known_at):
        if one.learner_id is None:
            continue
        fact = Fact(What.DONE, one.completed_on, one.recorded_at, f"Completed “{one.course_title}”", ref=f"record-{one.pk}")
        facts.courses[one.learner_id, one.course_slug].append(fact)
        if one.course_kind == CoursePage.Kind.BOOSTER:
            facts.boosters[one.learner_id].append(fact)


def _add_started(facts: Facts, people: list[int], requirements: list[Requirement], known: dt.datetime) -> None:
    """Courses begun and not finished by then: from the first lesson done, with how many of how many."""
    slugs = {requirement.course_slug for requirement in requirements if requirement.course_slug}
    wanted = Q(course__slug__in=slugs) | Q(course__kind=CoursePage.Kind.BOOSTER)
    open_then = Q(completed_at__isnull=True) | Q(completed_at__gt=known)
    lessons = Completion.objects.filter(completed_at__lte=known)
    enrolments = (
        Enrolment.objects.filter(wanted, open_then, learner__in=people, ended_at__isnull=True)
        .filter(completions__in=lessons)
        .annotate(lessons_done=Count("completions"), first_at=Min("completions__completed_at"), last_at=Max("completions__completed_at"))
        .select_related("course")
        .order_by("enrolled_at", "pk")
    )
    found = list(enrolments)
    totals = _lessons_by_course({enrolment.course for enrolment in found if enrolment.course})
    for enrolment in found:
        first_at: dt.datetime | None = enrolment.first_at
        if enrolment.course is None or enrolment.learner_id is None or first_at is None:
            continue
        total = totals.get(enrolment.course.pk, 0)
        fact = Fact(
            What.STARTED,
            timezone.localdate(first_at),
            first_at,
            f"{enrolment.lessons_done} of {total} lessons of “{enrolment.course_title}” done",
            ref=f"enrolment-{enrolment.pk}",
        )
        facts.courses[enrolment.learner_id, enrolment.course.slug].append(fact)
        if enrolment.course.kind == CoursePage.Kind.BOOSTER:
            facts.boosters[enrolment.learner_id].append(fact)


def _lessons_by_course(courses: set[CoursePage]) -> dict[int, int]:
    if not courses:
        return {}
    beneath = Q()
    for course in courses:
        beneath |= Q(path__startswith=course.path)
    paths = list(LessonPage.objects.live().filter(beneath).values_list("path", flat=True))
    return {course.pk: sum(path.startswith(course.path) for path in paths) for course in courses}


def _add_reviews(facts: Facts, people: list[int]) -> None:
    """A released review counts for the day of the session that was reviewed, and is known from its release; a session that was
    rated by several counts once, from the first release."""
    rows = Rating.objects.released().filter(therapist__in=people).order_by("session_on", "released_at", "pk")
    seen = set()
    for pk, therapist, session_on, released_at, session in rows.values_list("pk", "therapist_id", "session_on", "released_at", "session"):
        if released_at is None or (session is not None and session in seen):
            continue
        seen.add(session)
        facts.reviews[therapist].append(Fact(What.DONE, session_on, released_at, "A reviewed session, held", ref=f"rating-{pk}"))


def _add_sessions(facts: Facts, people: list[int], requirements: list[Requirement], on: dt.date) -> None:
    programmes = {requirement.programme_id for requirement in requirements}
    rows = SessionAttendance.objects.filter(
        person__in=people,
        session__kind=SupervisionSession.Kind.SUPERVISION,
        session__team__programme__in=programmes,
        session__held_on__lte=on,
    ).order_by("session__held_on", "pk")
    values = rows.values_list(
        "pk", "person_id", "session__team__programme_id", "session__held_on", "session__recorded_at", "session__cancelled_at"
    )
    for pk, person, programme, held_on, recorded_at, cancelled_at in values:
        own = facts.supervision[person, programme]
        own.append(Fact(What.DONE, held_on, recorded_at, "Attended team supervision", ref=f"attendance-{pk}"))
        if cancelled_at:
            own.append(Fact(What.WITHDRAWN, held_on, cancelled_at, "Session entered by mistake", withdraws=f"attendance-{pk}"))
