"""Marking lessons as done, and finishing courses."""

import datetime as dt
from dataclasses import dataclass

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from wagtail.log_actions import log

from learning import record
from learning.attempts import tries
from learning.exercises import latest_answers, word_count
from learning.models import Completion, CoursePage, Enrolment, LessonPage, TrainingRecord
from learning.progress import progress


@dataclass(frozen=True)
class Missing:
    """One thing between the learner and "done"."""

    block_id: str
    sentence: str


class NotYetDone(Exception):
    """Something in the lesson, or in the course, is still to do."""

    def __init__(self, sentence: str, missing: list[Missing] | None = None) -> None:
        super().__init__(sentence)
        self.missing = missing or []


def missing(*, enrolment: Enrolment, lesson: LessonPage) -> list[Missing]:
    """What is still to do in the lesson as it now stands, in reading order."""
    attempts, answers = tries(enrolment=enrolment, lesson=lesson), latest_answers(enrolment=enrolment, lesson=lesson)
    left: list[Missing] = []
    number = 0
    for block in lesson.body:
        if block.block_type == "check":
            number += 1
            given = attempts.get(block.value["key"], [])
            if not any(attempt.is_correct for attempt in given):
                left.append(Missing(str(block.id), f"Answer question {number}{' again' if given else ''}"))
        elif block.block_type == "exercise":
            answer, least = answers.get(block.value["key"]), block.value["minimum_words"]
            if answer is None:
                left.append(Missing(str(block.id), f"Write your answer to “{block.value['title']}”"))
            elif (short := least - word_count(answer.text)) > 0:
                words = "1 more word" if short == 1 else f"{short} more words"
                left.append(Missing(str(block.id), f"Write at least {words} in “{block.value['title']}”"))
    return left


@transaction.atomic
def mark_done(*, enrolment: Enrolment, lesson: LessonPage, by: AbstractUser | None, now: dt.datetime) -> Completion:
    """Mark the lesson as done, and the course as completed when it was the last. Doing so twice changes nothing.

    Whether the lesson is open to the learner is the caller's question. Raises `NotYetDone`, which lists what is missing.
    """
    locked = Enrolment.objects.select_for_update().get(pk=enrolment.pk)
    existing = Completion.objects.filter(enrolment=locked, lesson_key=lesson.key).first()
    if existing is not None:
        return existing
    if left := missing(enrolment=locked, lesson=lesson):
        raise NotYetDone("This lesson is not done yet.", left)
    completion = Completion.objects.create(
        enrolment=locked,
        lesson=lesson,
        lesson_key=lesson.key,
        lesson_title=lesson.title,
        revision_id=lesson.live_revision_id,
        minutes=lesson.minutes,
        criteria={
            "checks": [block.value["key"] for block in lesson.checks()],
            "exercises": [block.value["key"] for block in lesson.exercises()],
        },
        completed_at=now,
    )
    log(instance=completion, action="learning.lesson_done", user=by, data={"enrolment": locked.pk, "lesson": str(lesson.key)})
    if locked.completed_at is None and progress(locked).is_all_done:
        _finish(locked, by=by, now=now)
    return completion


@transaction.atomic
def finish(*, enrolment: Enrolment, by: AbstractUser | None, now: dt.datetime) -> TrainingRecord:
    """Complete a course whose last open lesson was taken away. Raises `NotYetDone` while lessons are left."""
    locked = Enrolment.objects.select_for_update().get(pk=enrolment.pk)
    existing = TrainingRecord.objects.filter(enrolment=locked).first()
    if existing is not None:
        return existing
    if not progress(locked).is_all_done:
        raise NotYetDone("There are lessons left in this course.")
    return _finish(locked, by=by, now=now)


def _finish(enrolment: Enrolment, *, by: AbstractUser | None, now: dt.datetime) -> TrainingRecord:
    course = CoursePage.objects.get(pk=enrolment.course_id)
    enrolment.completed_at = now
    enrolment.save(update_fields=["completed_at"])
    written = record.write(enrolment=enrolment, course=course, now=now)
    log(instance=written, action="learning.course_done", user=by, data={"enrolment": enrolment.pk, "course": str(course.key)})
    return written
