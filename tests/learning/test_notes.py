"""Private notes: only their writer sees them."""

import pytest
from django.urls import reverse
from wagtail.models import ModelLogEntry

from learning.models import LessonNote
from tests.factories import lessons_of, make_course
from tests.learning.steps import put_on, words


@pytest.fixture
def lesson(thea, tom, sam):
    course = make_course(lessons=1)
    for person in (thea, tom, sam):
        put_on(person, course)
    return lessons_of(course)[0]


def keep(client, lesson, text, **headers):
    return client.post(reverse("learning:lesson-note", args=[lesson.key]), {"text": text}, **headers)


def test_a_note_comes_back_to_its_writer(as_user, thea, lesson):
    client = as_user(thea)

    keep(client, lesson, "Ask Cora about this")

    assert "Ask Cora about this" in words(client.get(lesson.url))


@pytest.mark.parametrize("reader", ["tom", "sam"])
def test_nobody_else_sees_a_note(as_user, thea, lesson, reader, request):
    keep(as_user(thea), lesson, "Ask Cora about this")

    client = as_user(request.getfixturevalue(reader))

    assert "Ask Cora about this" not in words(client.get(lesson.url))


def test_saving_as_one_types_answers_with_the_time_alone(as_user, thea, lesson):
    response = keep(as_user(thea), lesson, "Half a thou", headers={"HX-Request": "true"})

    assert words(response).startswith("Saved ")
    assert LessonNote.objects.get().text == "Half a thou"


def test_a_note_may_be_emptied(as_user, thea, lesson):
    client = as_user(thea)
    keep(client, lesson, "Something")

    keep(client, lesson, "")

    assert LessonNote.objects.get().text == ""


def test_a_note_leaves_no_trace_in_the_audit_log(as_user, thea, lesson):
    before = ModelLogEntry.objects.count()

    keep(as_user(thea), lesson, "Ask Cora about this")

    assert ModelLogEntry.objects.count() == before
