"""Answers to reflective exercises, kept for the learner and the supervisor."""

import datetime as dt

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from wagtail.log_actions import log

from learning.models import Enrolment, ExerciseAnswer, LessonPage


class NoSuchExercise(Exception):
    """The lesson has no exercise with that key, or no longer has it."""


def word_count(text: str) -> int:
    return len(text.split())


@transaction.atomic
def save(*, enrolment: Enrolment, lesson: LessonPage, key: str, text: str, by: AbstractUser | None, now: dt.datetime) -> ExerciseAnswer:
    """Keep the answer as a new version. The same words again add nothing. Raises `NoSuchExercise`.

    A short answer is kept too: unfinished work is never refused. Whether it is long enough counts only when the lesson
    is marked as done.
    """
    block = next((block for block in lesson.exercises() if block.value["key"] == key), None)
    if block is None:
        raise NoSuchExercise("This exercise has been taken out of the lesson since you opened it.")
    latest = latest_answers(enrolment=enrolment, lesson=lesson).get(key)
    if latest is not None and latest.text == text:
        return latest
    answer = ExerciseAnswer.objects.create(
        enrolment=enrolment,
        lesson_key=lesson.key,
        lesson_title=lesson.title,
        exercise_key=key,
        prompt=str(block.value["prompt"].source),
        text=text,
        saved_at=now,
    )
    log(instance=answer, action="learning.answer", user=by, data={"enrolment": enrolment.pk, "lesson": str(lesson.key)})
    return answer


def latest_answers(*, enrolment: Enrolment, lesson: LessonPage) -> dict[str, ExerciseAnswer]:
    """The newest version of each answer in the lesson, by exercise key."""
    answers = ExerciseAnswer.objects.filter(enrolment=enrolment, lesson_key=lesson.key).order_by("saved_at", "pk")
    return {answer.exercise_key: answer for answer in answers}
