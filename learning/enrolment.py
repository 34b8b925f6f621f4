"""Putting people on courses."""

import datetime as dt

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from wagtail.log_actions import log

from learning.models import CoursePage, Enrolment


class NotOpen(Exception):
    """The course is not one that people may start by themselves."""


@transaction.atomic
def enrol(
    *, learner: AbstractUser, course: CoursePage, reason: str, by: AbstractUser | None, now: dt.datetime, again: bool = False
) -> Enrolment:
    """The learner's enrolment in the course, made if there is none in force.

    A completed course gives the enrolment there is, unless `again`: then that period is closed, its completions and
    record stay as they are, and the next period opens empty. An enrolment that was ended before completion is likewise
    followed by a new period.
    """
    latest = Enrolment.objects.filter(learner=learner.pk, course_key=course.key).order_by("-period", "-pk").first()
    if latest is not None:
        is_running = latest.completed_at is None and latest.ended_at is None
        if is_running or (latest.completed_at is not None and not again):
            return latest
        if latest.ended_at is None:
            latest.ended_at = now
            latest.save(update_fields=["ended_at"])
    enrolment, is_new = Enrolment.objects.get_or_create(
        learner_id=learner.pk,
        course_key=course.key,
        period=latest.period + 1 if latest else 1,
        defaults={
            "course": course,
            "course_title": course.title,
            "reason": reason,
            "enrolled_at": now,
            "enrolled_by_id": by.pk if by else None,
        },
    )
    if is_new:
        log(instance=enrolment, action="learning.enrol", user=by, data={"learner": learner.pk, "course": str(course.key)})
    return enrolment


def start(*, learner: AbstractUser, course: CoursePage, now: dt.datetime) -> Enrolment:
    """Enrol oneself in a course that is open to all staff. Raises `NotOpen`."""
    if not course.is_open:
        raise NotOpen("People are enrolled in this course by their role. Ask your supervisor if you think you should be on it.")
    return enrol(learner=learner, course=course, reason="Started it themselves", by=learner, now=now)
