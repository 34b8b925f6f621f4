"""Marking a lesson as done says what is missing, and counts once."""

from django.urls import reverse

from learning.models import Completion, TrainingRecord
from tests.factories import check_block, exercise_block, lessons_of, make_course
from tests.learning.steps import answer_everything, do, put_on, words


def mark(client, lesson):
    return client.post(reverse("learning:lesson-done", args=[lesson.key]))


def test_what_is_missing_is_named_with_links_to_it(as_user, thea):
    course = make_course(lessons=1, body=[check_block("c1"), exercise_block("e1"), check_block("c2")])
    put_on(thea, course)
    lesson = lessons_of(course)[0]

    response = mark(as_user(thea), lesson)

    page = words(response)
    ids = [block.id for block in lesson.body]
    assert response.status_code == 422
    for place, sentence in zip(ids, ("Answer question 1", "Write your answer to “Think”", "Answer question 2"), strict=True):
        assert f'<a href="#block-{place}">{sentence}</a>' in page
        assert f'id="block-{place}"' in page
    assert not Completion.objects.exists()


def test_a_lesson_with_everything_answered_is_done(as_user, thea):
    enrolment = put_on(thea, make_course())
    first, second = lessons_of(enrolment.course)
    answer_everything(enrolment, first)
    client = as_user(thea)

    response = mark(client, first)

    assert response.status_code == 302
    assert response["Location"].endswith("#done")
    page = words(client.get(first.url))
    assert "You have done this lesson" in page
    assert f"Next: {second.title}" in page


def test_a_completion_keeps_the_revision_and_the_criteria(thea):
    enrolment = put_on(thea, make_course())
    lesson = lessons_of(enrolment.course)[0]

    done = do(enrolment, lesson)

    assert done.revision_id == lesson.live_revision_id
    assert done.criteria == {"checks": ["c1"], "exercises": ["e1"]}


def test_marking_twice_counts_once(as_user, thea):
    enrolment = put_on(thea, make_course(lessons=1))
    lesson = lessons_of(enrolment.course)[0]
    answer_everything(enrolment, lesson)
    client = as_user(thea)

    assert [mark(client, lesson).status_code for _ in range(2)] == [302, 302]
    assert Completion.objects.count() == TrainingRecord.objects.count() == 1


def test_the_last_lesson_says_that_the_course_is_complete(as_user, thea):
    enrolment = put_on(thea, make_course(lessons=1))
    lesson = lessons_of(enrolment.course)[0]
    answer_everything(enrolment, lesson)
    client = as_user(thea)
    mark(client, lesson)

    page = words(client.get(lesson.url))

    assert f"You have completed “{enrolment.course_title}”." in page
    assert reverse("learning:certificate", args=[TrainingRecord.objects.get().reference]) in page
