"""Reflective exercises: every version kept, nothing written is refused, guidance once the answer is long enough."""

import pytest
from django.urls import reverse

from learning.models import ExerciseAnswer
from tests.factories import exercise_block, lessons_of, make_course
from tests.learning.steps import put_on, words


@pytest.fixture
def lesson(thea):
    course = make_course(lessons=1, body=[exercise_block("e1", minimum_words=4)])
    put_on(thea, course)
    return lessons_of(course)[0]


def write(client, lesson, text, **headers):
    return client.post(reverse("learning:lesson-exercise", args=[lesson.key]), {"exercise": "e1", "text": text}, **headers)


def test_an_answer_is_kept_and_shown_again(as_user, thea, lesson):
    client = as_user(thea)

    assert write(client, lesson, "I would ask her first.").status_code == 302

    assert "I would ask her first." in words(client.get(lesson.url))


def test_guidance_comes_after_an_answer_that_is_long_enough(as_user, thea, lesson):
    client = as_user(thea)
    assert "Say it plainly." not in words(client.get(lesson.url))

    write(client, lesson, "I would ask her first.")

    assert "Say it plainly." in words(client.get(lesson.url))


def test_a_short_answer_is_kept_and_told_how_much_is_missing(as_user, thea, lesson):
    client = as_user(thea)

    write(client, lesson, "Ask her.")

    page = words(client.get(lesson.url))
    assert ExerciseAnswer.objects.get().text == "Ask her."
    assert "Write at least 2 more words" in page
    assert "Say it plainly." not in page


def test_saving_again_adds_a_version_unless_nothing_changed(as_user, thea, lesson):
    client = as_user(thea)

    for text in ("One two three four", "One two three four", "One two three four five"):
        write(client, lesson, text)

    assert list(ExerciseAnswer.objects.order_by("pk").values_list("text", flat=True)) == ["One two three four", "One two three four five"]


def test_an_empty_answer_is_refused(as_user, thea, lesson):
    response = write(as_user(thea), lesson, "   ")

    assert response.status_code == 422
    assert "Write your answer first." in words(response)


def test_an_answer_too_long_to_keep_comes_back_whole(as_user, thea, lesson):
    response = write(as_user(thea), lesson, "word " * 5000)

    assert response.status_code == 422
    assert "shorten it to 20,000 characters" in words(response)
    assert response.content.decode().count("word word") > 1000
    assert not ExerciseAnswer.objects.exists()


def test_htmx_gets_the_saved_answer_as_a_fragment(as_user, thea, lesson):
    response = write(as_user(thea), lesson, "I would ask her first.", headers={"HX-Request": "true"})

    assert response.status_code == 200
    assert "<html" not in words(response)
    assert "Say it plainly." in words(response)


def test_the_page_says_who_can_read_the_answer(as_user, thea, lesson):
    assert "You and your team's supervisors can read what you save." in words(as_user(thea).get(lesson.url)).replace("&#x27;", "'")


def test_the_text_of_an_answer_is_escaped(as_user, thea, lesson):
    client = as_user(thea)

    write(client, lesson, "<script>alert(1)</script> two three four")

    assert "<script>alert(1)" not in client.get(lesson.url).content.decode()
