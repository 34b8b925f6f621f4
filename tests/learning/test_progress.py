"""How far somebody is."""

from learning.progress import about, current_courses, progress
from tests.factories import lessons_of, make_course
from tests.learning.steps import do, do_all, put_on


def test_progress_counts_lessons_and_minutes_left(thea):
    enrolment = put_on(thea, make_course(days=2, lessons=2))
    do(enrolment, lessons_of(enrolment.course)[0])

    found = progress(enrolment)

    assert (found.done, found.total, found.percent, found.minutes_left) == (1, 4, 25, 45)
    assert [[each.state for each in day.lessons] for day in found.days] == [["done", "current"], ["locked", "locked"]]
    assert found.next_lesson == lessons_of(enrolment.course)[1]


def test_drafts_are_neither_shown_nor_counted(thea):
    enrolment = put_on(thea, make_course(lessons=3))
    lessons_of(enrolment.course)[2].unpublish()

    assert progress(enrolment).total == 2


def test_lessons_under_an_unpublished_day_are_not_counted(thea):
    enrolment = put_on(thea, make_course(days=2, lessons=2))
    lessons_of(enrolment.course)[3].get_parent().unpublish()

    assert progress(enrolment).total == 2


def test_a_finished_course_with_nothing_new_is_not_current(thea):
    enrolment = do_all(put_on(thea, make_course()))
    other = put_on(thea, make_course())

    assert [each.enrolment for each in current_courses(thea)] == [other]
    assert progress(enrolment).percent == 100


def test_courses_not_open_yet_come_last(thea):
    first = make_course()
    put_on(thea, first)
    put_on(thea, make_course(prerequisite=first))

    assert [each.blocked_by for each in current_courses(thea)] == [None, first]


def test_times_are_said_as_roughly_as_they_are_known():
    assert [about(minutes) for minutes in (1, 45, 62, 100, 150, 609)] == [
        "1 minute",
        "45 minutes",
        "1 hour",
        "1½ hours",
        "2½ hours",
        "10 hours",
    ]
