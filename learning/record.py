"""The training record: written once, when a course is completed; read by the learner and by compliance."""

import datetime as dt
from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils import timezone

from learning.models import Completion, CoursePage, Enrolment, TrainingRecord


def write(*, enrolment: Enrolment, course: CoursePage, now: dt.datetime) -> TrainingRecord:
    """Freeze what was done: names, hours and lessons as they are now. The caller holds the transaction.

    `completed_on` is the organisation's local date of the last lesson, whatever the clock of the server says.
    """
    done = list(Completion.objects.filter(enrolment=enrolment).order_by("completed_at", "pk"))
    learner = enrolment.learner
    last = max((completion.completed_at for completion in done), default=now)
    return TrainingRecord.objects.create(
        learner=learner,
        learner_name=learner.get_full_name() if learner else "",
        enrolment=enrolment,
        course_key=course.key,
        course_slug=course.slug,
        course_title=course.title,
        course_kind=course.kind,
        hours=course.hours,
        completed_on=local_date(last),
        recorded_at=now,
        lessons=[
            {
                "key": str(completion.lesson_key),
                "title": completion.lesson_title,
                "minutes": completion.minutes,
                "completed_on": local_date(completion.completed_at).isoformat(),
                "revision": completion.revision_id,
            }
            for completion in done
        ],
    )


def local_date(moment: dt.datetime) -> dt.date:
    return timezone.localdate(moment, timezone=timezone.get_default_timezone())


def records(people: Iterable[int], *, known_at: dt.datetime | None = None) -> QuerySet[TrainingRecord]:
    """Records of these people (ids), as they were known at that moment, newest first."""
    found = TrainingRecord.objects.filter(learner_id__in=list(people))
    if known_at is not None:
        found = found.filter(recorded_at__lte=known_at)
    return found.order_by("-completed_on", "-pk")
