"""A course that opens when another is complete."""

import pytest
from django.core.exceptions import ValidationError

from learning.access import can_open
from learning.models import CoursePage
from tests.factories import lessons_of, make_course
from tests.learning.steps import do_all, put_on, words


def test_a_course_stays_closed_until_its_prerequisite_is_complete(as_user, thea):
    needed = make_course(title="First things")
    course = make_course(prerequisite=needed)
    put_on(thea, course)
    first = lessons_of(course)[0]
    client = as_user(thea)

    assert client.get(first.url).status_code == 403
    assert "opens when you have completed “First things”" in words(client.get(first.url))
    assert "opens when you have completed “First things”" in words(client.get(course.url))
    do_all(put_on(thea, needed))
    assert client.get(first.url).status_code == 200


def test_a_prerequisite_met_stays_met_when_its_course_grows(thea):
    needed = make_course(lessons=1)
    course = make_course(prerequisite=needed)
    put_on(thea, course)
    do_all(put_on(thea, needed))
    lessons_of(needed)[0].copy(update_attrs={"slug": "another", "title": "Another"}, keep_live=True)

    assert can_open(thea, lessons_of(course)[0])


def test_a_prerequisite_that_is_not_published_is_named(as_user, thea):
    needed = make_course(title="First things")
    course = make_course(prerequisite=needed)
    put_on(thea, course)
    needed.unpublish()

    assert "which is not available at the moment" in words(as_user(thea).get(lessons_of(course)[0].url))


def test_deleting_the_prerequisite_opens_the_course(thea):
    needed = make_course()
    course = make_course(prerequisite=needed)
    put_on(thea, course)

    needed.delete()

    assert can_open(thea, lessons_of(CoursePage.objects.get(pk=course.pk))[0])


def test_a_course_cannot_come_after_itself(db):
    first = make_course()
    second = make_course(prerequisite=first)
    first.prerequisite = second

    with pytest.raises(ValidationError, match="completed before itself"):
        first.full_clean()
