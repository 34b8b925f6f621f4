"""Knowledge checks: feedback at once, every try kept, passed by one right answer."""

import pytest
from django.urls import reverse

from learning.attempts import option_value
from learning.models import Attempt
from tests.factories import check_block, lessons_of, make_course
from tests.learning.steps import put_on, words


@pytest.fixture
def lesson(thea):
    course = make_course(lessons=1, body=[check_block("c1", right=("Ask her",), wrong=("Tell her", "Leave"))])
    put_on(thea, course)
    return lessons_of(course)[0]


def answer(client, lesson, *texts, key="c1", **headers):
    data = {"check": key, "chosen": [option_value(text) for text in texts]}
    return client.post(reverse("learning:lesson-check", args=[lesson.key]), data, **headers)


def test_a_wrong_answer_is_told_what_it_should_learn(as_user, thea, lesson):
    client = as_user(thea)

    response = answer(client, lesson, "Tell her")

    assert response.status_code == 302
    page = words(client.get(lesson.url))
    assert "Tell her, not quite." in page
    assert "Leave, not quite." not in page
    assert "Because." not in page


def test_a_right_answer_passes_and_brings_the_explanation(as_user, thea, lesson):
    client = as_user(thea)

    answer(client, lesson, "Ask her")

    page = words(client.get(lesson.url))
    assert "<strong>Right.</strong> Because." in page


def test_every_try_is_kept(as_user, thea, lesson):
    client = as_user(thea)

    for text in ("Tell her", "Leave", "Ask her"):
        answer(client, lesson, text)

    kept = Attempt.objects.order_by("pk").values_list("chosen", "is_correct", "question")
    assert list(kept) == [(["Tell her"], False, "Question c1?"), (["Leave"], False, "Question c1?"), (["Ask her"], True, "Question c1?")]


def test_the_explanation_comes_after_three_wrong_tries(as_user, thea, lesson):
    client = as_user(thea)
    for _ in range(2):
        answer(client, lesson, "Leave")
    assert "Because." not in words(client.get(lesson.url))

    answer(client, lesson, "Leave")

    assert "Because." in words(client.get(lesson.url))


def test_answering_after_passing_changes_nothing(as_user, thea, lesson):
    client = as_user(thea)
    answer(client, lesson, "Ask her")

    answer(client, lesson, "Leave")

    assert Attempt.objects.count() == 1


def test_choosing_nothing_is_refused_with_a_sentence(as_user, thea, lesson):
    response = answer(as_user(thea), lesson)

    assert response.status_code == 422
    assert "Choose an answer." in words(response)
    assert "There is a problem" in words(response)
    assert not Attempt.objects.exists()


def test_htmx_gets_the_fragment_with_the_feedback_and_what_is_still_missing(as_user, thea, lesson):
    response = answer(as_user(thea), lesson, "Tell her", headers={"HX-Request": "true"})

    page = words(response)
    assert response.status_code == 200
    assert "<html" not in page
    assert "Tell her, not quite." in page
    assert 'id="done"' in page
    assert "Answer question 1 again" in page


def test_several_answers_must_all_be_right(as_user, thea):
    course = make_course(lessons=1, body=[check_block("c1", kind="multiple", right=("A", "B"), wrong=("C",))])
    put_on(thea, course)
    lesson = lessons_of(course)[0]
    client = as_user(thea)

    answer(client, lesson, "A")
    assert "Right so far, and there is more to choose." in words(client.get(lesson.url))
    answer(client, lesson, "A", "C")
    assert "1 of the 2 you chose is right" in words(client.get(lesson.url))
    answer(client, lesson, "A", "B", "C")
    answer(client, lesson, "A", "B")

    assert list(Attempt.objects.order_by("pk").values_list("is_correct", flat=True)) == [False, False, False, True]


def test_an_option_reworded_meanwhile_is_not_taken_for_another(as_user, thea, lesson):
    response = answer(as_user(thea), lesson, "An option of yesterday")

    assert response.status_code == 422
    assert "has been changed since you opened it" in words(response)
    assert not Attempt.objects.exists()


def test_a_question_taken_away_meanwhile_leads_back_to_the_lesson(as_user, thea, lesson):
    client = as_user(thea)

    response = answer(client, lesson, "Ask her", key="gone")

    assert response.status_code == 302
    assert "has been taken out of the lesson" in words(client.get(lesson.url))


def test_an_edited_question_stays_passed(as_user, thea, lesson):
    client = as_user(thea)
    answer(client, lesson, "Ask her")

    lesson.body = [check_block("c1", right=("Ask him",), wrong=("No",))]
    lesson.save_revision().publish()

    assert "Answer question 1" not in words(client.get(lesson.url))
