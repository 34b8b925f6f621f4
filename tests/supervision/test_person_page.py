"""One person's page: course progress, exercise answers, records; and who sees the answers."""

import pytest
from django.urls import reverse
from django.utils import timezone

from learning import enrolment
from learning.models import ExerciseAnswer
from tests import factories

SECRET = "I would ask her what happened just before."


@pytest.fixture
def answered(thea):
    course = factories.make_course(title="Orientation")
    lesson = factories.lessons_of(course)[0]
    enrolled = enrolment.enrol(learner=thea, course=course, reason="Role", by=None, now=timezone.now())
    for text in ("A first thought.", SECRET):
        ExerciseAnswer.objects.create(
            enrolment=enrolled,
            lesson_key=lesson.key,
            lesson_title=lesson.title,
            exercise_key="e1",
            prompt="<p>What would you say?</p>",
            text=text,
            saved_at=timezone.now(),
        )
    return course


def content(client, person):
    return client.get(reverse("supervision:person-detail", args=["harbour", person.pk])).content.decode()


@pytest.mark.parametrize("reader", ["thea", "sam", "bea"])
def test_the_learner_and_the_supervisors_read_the_answers(request, as_user, answered, thea, reader):
    page = content(as_user(request.getfixturevalue(reader)), thea)
    assert SECRET in page
    assert "1 earlier version" in page


@pytest.mark.parametrize("reader", ["cora", "ada", "mona"])
def test_others_who_see_the_page_do_not(request, as_user, answered, thea, reader):
    page = content(as_user(request.getfixturevalue(reader)), thea)
    assert SECRET not in page
    assert "Orientation" in page


def test_a_colleague_sees_no_page(as_user, answered, thea, tom):
    assert as_user(tom).get(reverse("supervision:person-detail", args=["harbour", thea.pk])).status_code == 404


def test_progress_is_shown_lesson_by_lesson(as_user, answered, thea, sam):
    page = content(as_user(sam), thea)
    assert "0 of 2 lessons" in page
    assert "Lesson 1.1" in page


def test_the_page_of_somebody_who_left_stays_for_the_supervisor(as_user, lena, sam):
    assert "Lena Example" in content(as_user(sam), lena)
