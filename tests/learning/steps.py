"""What learners do in these tests, in one word each."""

import datetime as dt

from django.utils import timezone

from learning import attempts, completion, exercises
from learning.attempts import option_value
from learning.enrolment import enrol
from tests.factories import lessons_of


def put_on(learner, course, *, now=None, **more):
    return enrol(learner=learner, course=course, reason="Test", by=None, now=now or timezone.localtime() - dt.timedelta(days=1), **more)


def answer_everything(enrolment, lesson, *, now=None):
    """Right answers to all checks, long answers to all exercises."""
    now = now or timezone.now()
    for block in lesson.checks():
        right = [option_value(option["text"]) for option in block.value["options"] if option["is_correct"]]
        attempts.answer(enrolment=enrolment, lesson=lesson, key=block.value["key"], values=right, now=now)
    for block in lesson.exercises():
        text = "word " * (block.value["minimum_words"] or 1)
        exercises.save(enrolment=enrolment, lesson=lesson, key=block.value["key"], text=text.strip(), by=None, now=now)


def do(enrolment, lesson, *, now=None):
    answer_everything(enrolment, lesson, now=now)
    return completion.mark_done(enrolment=enrolment, lesson=lesson, by=enrolment.learner, now=now or timezone.now())


def do_all(enrolment, *, now=None):
    for lesson in lessons_of(enrolment.course):
        do(enrolment, lesson, now=now)
    enrolment.refresh_from_db()
    return enrolment


def words(response):
    """The page's text with its spaces made single."""
    return " ".join(response.content.decode().split())
