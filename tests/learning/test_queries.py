"""Pages ask a fixed number of questions, however long the course."""

import pytest
from django.urls import reverse

from tests.factories import lessons_of, make_course
from tests.learning.steps import do, put_on


@pytest.mark.parametrize("lessons", [1, 6])
def test_the_course_page_is_bounded(as_user, thea, lessons, django_assert_max_num_queries):
    enrolment = put_on(thea, make_course(days=3, lessons=lessons))
    do(enrolment, lessons_of(enrolment.course)[0])
    client = as_user(thea)

    with django_assert_max_num_queries(30):
        client.get(enrolment.course.url)


@pytest.mark.parametrize("courses", [1, 4])
def test_the_learning_home_is_bounded(as_user, thea, courses, django_assert_max_num_queries):
    for _ in range(courses):
        put_on(thea, make_course(days=2, lessons=3))
    client = as_user(thea)

    with django_assert_max_num_queries(25):
        client.get(reverse("learning:home"))


@pytest.mark.parametrize("lessons", [1, 6])
def test_a_lesson_is_bounded(as_user, thea, lessons, django_assert_max_num_queries):
    enrolment = put_on(thea, make_course(days=3, lessons=lessons))
    first = lessons_of(enrolment.course)[0]
    client = as_user(thea)

    with django_assert_max_num_queries(45):
        client.get(first.url)
