"""How far somebody is in a course: computed from the live pages and the completions, never stored."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Literal

from django.contrib.auth.models import AbstractUser
from django.db.models import Q

from learning.models import Completion, CoursePage, DayPage, Enrolment, LessonPage, LessonVisit, TrainingRecord

State = Literal["done", "current", "open", "locked"]


@dataclass(frozen=True)
class LessonProgress:
    lesson: LessonPage
    state: State
    is_visited: bool
    number: int
    """Its place in the day, from 1."""

    @property
    def is_done(self) -> bool:
        return self.state == "done"

    @property
    def is_locked(self) -> bool:
        return self.state == "locked"

    @property
    def minutes(self) -> int:
        return self.lesson.minutes

    @property
    def word(self) -> str:
        if self.state in {"done", "locked"}:
            return {"done": "Done", "locked": "Not open yet"}[self.state]
        if self.is_visited:
            return "Started"
        return "Next" if self.state == "current" else "To do"

    @property
    def tone(self) -> str:
        """The tone of that word in `components/tag.html`."""
        return {"Done": "done", "Started": "progress", "Next": "progress"}.get(self.word, "none")


@dataclass(frozen=True)
class DayProgress:
    day: DayPage
    lessons: list[LessonProgress]
    number: int

    @property
    def done(self) -> int:
        return sum(1 for lesson in self.lessons if lesson.is_done)

    @property
    def total(self) -> int:
        return len(self.lessons)

    @property
    def minutes(self) -> int:
        return sum(lesson.minutes for lesson in self.lessons)

    @property
    def minutes_left(self) -> int:
        return sum(lesson.minutes for lesson in self.lessons if not lesson.is_done)

    @property
    def time(self) -> str:
        return about(self.minutes)

    @property
    def time_left(self) -> str:
        return about(self.minutes_left)


@dataclass(frozen=True)
class CourseProgress:
    enrolment: Enrolment
    """Unsaved where nobody is enrolled: see `outline`."""
    course: CoursePage
    days: list[DayProgress]
    blocked_by: CoursePage | None
    """The course to complete first."""
    record: TrainingRecord | None
    last_seen_at: dt.datetime | None
    last_seen_key: uuid.UUID | None

    @property
    def lessons(self) -> list[LessonProgress]:
        return [lesson for day in self.days for lesson in day.lessons]

    @property
    def done(self) -> int:
        return sum(day.done for day in self.days)

    @property
    def total(self) -> int:
        return sum(day.total for day in self.days)

    @property
    def done_text(self) -> str:
        return f"{self.done} of {self.total}"

    @property
    def minutes_left(self) -> int:
        return sum(day.minutes_left for day in self.days)

    @property
    def time_left(self) -> str:
        """In words, as roughly as the estimates deserve: "25 minutes", "1½ hours", "10 hours"."""
        return about(self.minutes_left)

    @property
    def percent(self) -> int:
        return self.done * 100 // self.total if self.total else 0

    @property
    def is_all_done(self) -> bool:
        return self.total > 0 and self.done == self.total

    @property
    def is_complete(self) -> bool:
        """The course was completed; lessons added since do not undo that."""
        return self.enrolment.completed_at is not None

    @property
    def new_lessons(self) -> int:
        """Lessons added since the course was completed, and not done."""
        return self.total - self.done if self.is_complete else 0

    @property
    def next_lesson(self) -> LessonPage | None:
        """Where to go on: the lesson left half-way if it is still open, else the first open one."""
        open_lessons = [each.lesson for each in self.lessons if each.state in {"current", "open"}]
        half_way = next((lesson for lesson in open_lessons if lesson.key == self.last_seen_key), None)
        return half_way or (open_lessons[0] if open_lessons else None)

    @property
    def current_day(self) -> DayProgress | None:
        lesson = self.next_lesson
        return next((day for day in self.days if lesson and any(each.lesson.pk == lesson.pk for each in day.lessons)), None)

    def find(self, lesson: LessonPage) -> LessonProgress | None:
        return next((each for each in self.lessons if each.lesson.pk == lesson.pk), None)

    def before(self, lesson: LessonPage) -> LessonProgress | None:
        """The lesson before this one, over the ends of days."""
        order = self.lessons
        return next((order[place - 1] for place, each in enumerate(order) if place and each.lesson.pk == lesson.pk), None)

    def after(self, lesson: LessonPage) -> LessonProgress | None:
        order = self.lessons
        return next((order[place + 1] for place, each in enumerate(order[:-1]) if each.lesson.pk == lesson.pk), None)


def about(minutes: int) -> str:
    """Minutes below an hour, half hours above it."""
    if minutes < 60:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    halves = round(minutes / 30)
    half = "½" if halves % 2 else ""
    return f"{halves // 2}{half} hour{'' if halves == 2 else 's'}"


def progress(enrolment: Enrolment) -> CourseProgress:
    """How far this enrolment is. Its course must still exist."""
    course = CoursePage.objects.select_related("prerequisite").get(pk=enrolment.course_id)
    enrolment.course = course
    return _gather([enrolment])[0]


def outline(course: CoursePage) -> CourseProgress:
    """The course as somebody sees it who is not enrolled: every lesson open, nothing done. For previews and leaflets."""
    nobody = Enrolment(course=course, course_key=course.key, course_title=course.title)
    days, lessons = _pages([course])
    return _assemble(nobody, course, days, lessons, done=set(), visits=[], completed_keys=None, record=None)


def courses(learner: AbstractUser) -> list[CourseProgress]:
    """All courses of this person whose pages are live, newest enrolment first. The number of queries is fixed."""
    enrolments = (
        Enrolment.objects.filter(learner=learner.pk, course__live=True)
        .current()
        .select_related("course", "course__prerequisite")
        .order_by("-enrolled_at", "-pk")
    )
    return _gather(list(enrolments))


def current_courses(learner: AbstractUser) -> list[CourseProgress]:
    """Those with something left to do, the one touched last first, those not open yet at the end."""
    return in_hand(courses(learner))


def in_hand(all_courses: list[CourseProgress]) -> list[CourseProgress]:
    """As `current_courses`, from courses already in hand."""
    unfinished = [each for each in all_courses if not each.is_complete or each.new_lessons]
    unfinished.sort(key=lambda each: each.last_seen_at or each.enrolment.enrolled_at, reverse=True)
    return sorted(unfinished, key=lambda each: each.blocked_by is not None)


def _gather(enrolments: list[Enrolment]) -> list[CourseProgress]:
    pages = [enrolment.course for enrolment in enrolments if enrolment.course is not None]
    if not pages:
        return []
    days, lessons = _pages(pages)
    done: dict[int, set[uuid.UUID]] = {}
    for enrolment_id, key in Completion.objects.filter(enrolment__in=enrolments).order_by("pk").values_list("enrolment_id", "lesson_key"):
        done.setdefault(enrolment_id, set()).add(key)
    visits: dict[int, list[LessonVisit]] = {}
    for visit in LessonVisit.objects.filter(enrolment__in=enrolments).order_by("last_seen_at", "pk"):
        visits.setdefault(visit.enrolment_id, []).append(visit)
    learners = {enrolment.learner_id for enrolment in enrolments}
    records = list(TrainingRecord.objects.filter(learner_id__in=learners).order_by("completed_on", "pk"))
    by_enrolment = {record.enrolment_id: record for record in records}
    return [
        _assemble(
            enrolment,
            enrolment.course,
            days,
            lessons,
            done=done.get(enrolment.pk, set()),
            visits=visits.get(enrolment.pk, []),
            completed_keys={record.course_key for record in records if record.learner_id == enrolment.learner_id},
            record=by_enrolment.get(enrolment.pk),
        )
        for enrolment in enrolments
        if enrolment.course is not None
    ]


def _pages(pages: Iterable[CoursePage]) -> tuple[list[DayPage], list[LessonPage]]:
    """Live days and lessons under these courses, in order, without the lessons' bodies."""
    beneath = reduce(or_, (Q(path__startswith=page.path, depth__gt=page.depth) for page in pages))
    return list(DayPage.objects.filter(beneath).live().order_by("path")), list(
        LessonPage.objects.filter(beneath).live().defer("body").order_by("path")
    )


def _assemble(
    enrolment: Enrolment,
    course: CoursePage,
    days: list[DayPage],
    lessons: list[LessonPage],
    *,
    done: set[uuid.UUID],
    visits: list[LessonVisit],
    completed_keys: set[uuid.UUID] | None,
    record: TrainingRecord | None,
) -> CourseProgress:
    """`completed_keys`: courses the learner has a record of; None where rules do not bite (an outline)."""
    applies = completed_keys is not None
    needed = course.prerequisite
    blocked_by = needed if applies and needed is not None and needed.key not in (completed_keys or set()) else None
    visited = {visit.lesson_key for visit in visits}
    own_days = [day for day in days if day.path.startswith(course.path)]
    found: list[DayProgress] = []
    is_before_done, has_current = True, False
    for day_number, day in enumerate(own_days, start=1):
        inside: list[LessonProgress] = []
        for number, lesson in enumerate((each for each in lessons if each.path.startswith(day.path)), start=1):
            state: State
            if lesson.key in done:
                state = "done"
            elif blocked_by is not None or (applies and course.is_in_sequence and not is_before_done):
                state = "locked"
            else:
                state = "open" if has_current else "current"
                has_current = True
            is_before_done = state == "done"
            inside.append(LessonProgress(lesson=lesson, state=state, is_visited=lesson.key in visited, number=number))
        found.append(DayProgress(day=day, lessons=inside, number=day_number))
    last = visits[-1] if visits else None
    return CourseProgress(
        enrolment=enrolment,
        course=course,
        days=found,
        blocked_by=blocked_by,
        record=record,
        last_seen_at=last.last_seen_at if last else None,
        last_seen_key=last.lesson_key if last else None,
    )
