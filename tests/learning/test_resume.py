"""Coming back lands where one stopped."""

import json
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from learning import visits
from learning.models import LessonVisit
from tests.factories import lessons_of, make_course
from tests.learning.steps import do, put_on, words


@pytest.fixture
def lesson(thea):
    course = make_course(lessons=2)
    put_on(thea, course)
    return lessons_of(course)[0]


def send(client, lesson, **fields):
    return client.post(reverse("learning:lesson-place", args=[lesson.key]), fields)


def test_the_page_carries_the_place_and_the_time_of_its_media(as_user, thea, lesson):
    client = as_user(thea)
    block = lesson.body[1].id

    assert send(client, lesson, block=f"{block}:2").status_code == 204
    assert send(client, lesson, player=block, seconds="12.34").status_code == 204

    page = unescape(words(client.get(lesson.url)))
    assert f'data-lesson-block="{block}:2"' in page
    assert json.dumps({block: 12.3}) in page


def test_ids_that_are_not_in_the_lesson_are_ignored(as_user, thea, lesson):
    client = as_user(thea)

    assert send(client, lesson, block="elsewhere", player="nothing", seconds="5").status_code == 204

    visit = LessonVisit.objects.get()
    assert (visit.block_id, visit.media_positions) == ("", {})


def test_nonsense_is_refused_and_keeps_nothing(as_user, thea, lesson):
    assert send(as_user(thea), lesson, player=lesson.body[0].id, seconds="soon").status_code == 422
    assert not LessonVisit.objects.exists()


def test_the_learning_home_continues_where_i_left_off(as_user, thea, lesson):
    course = lesson.get_parent().get_parent().specific
    course.is_in_sequence = False
    course.save()
    second = lessons_of(course)[1]
    client = as_user(thea)
    client.get(lesson.url)
    client.get(second.url)

    assert f'href="{second.url}">Continue' in words(client.get(reverse("learning:home")))


def test_a_done_lesson_is_not_where_to_go_on(as_user, thea, lesson):
    enrolment = thea.enrolments.get()
    do(enrolment, lesson)
    visits.seen(enrolment=enrolment, lesson=lesson, now=timezone.now())

    page = words(as_user(thea).get(reverse("learning:home")))

    assert f'href="{lessons_of(enrolment.course)[1].url}">Continue' in page
