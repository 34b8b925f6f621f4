"""Private notes: a learner's own, shown to nobody else. They are not in the audit log either."""

import datetime as dt

from learning.models import Enrolment, LessonNote, LessonPage


def keep(*, enrolment: Enrolment, lesson: LessonPage, text: str, now: dt.datetime) -> LessonNote:
    """Replace the learner's note on this lesson."""
    note, _ = LessonNote.objects.update_or_create(enrolment=enrolment, lesson_key=lesson.key, defaults={"text": text, "saved_at": now})
    return note


def text_of(*, enrolment: Enrolment, lesson: LessonPage) -> LessonNote | None:
    return LessonNote.objects.filter(enrolment=enrolment, lesson_key=lesson.key).first()
