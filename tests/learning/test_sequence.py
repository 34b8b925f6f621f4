"""Lessons open in order."""

from django.urls import reverse

from learning.access import can_open
from learning.models import LessonPage
from tests.factories import exercise_block, lessons_of, make_course, text_block
from tests.learning.steps import do, put_on, words


def test_a_lesson_opens_when_the_one_before_it_is_done(as_user, thea):
    enrolment = put_on(thea, make_course(days=2, lessons=1))
    first, second = lessons_of(enrolment.course)
    client = as_user(thea)

    assert client.get(second.url).status_code == 403
    do(enrolment, first)
    assert client.get(second.url).status_code == 200


def test_a_closed_lesson_says_why_and_where_to_go_and_shows_nothing_of_itself(as_user, thea):
    course = make_course(lessons=2, body=[text_block("<p>The secret of the second lesson.</p>")])
    first, second = lessons_of(course)
    put_on(thea, course)

    page = words(as_user(thea).get(second.url))

    assert f"opens when you have done “{first.title}”" in page
    assert f'href="{first.url}"' in page
    assert "secret" not in page


def test_nothing_can_be_sent_to_a_closed_lesson(as_user, thea):
    enrolment = put_on(thea, make_course(lessons=2))
    second = lessons_of(enrolment.course)[1]
    client = as_user(thea)

    for name in ("check", "exercise", "note", "done", "place"):
        assert (
            client.post(reverse(f"learning:lesson-{name}", args=[second.key]), {"check": "c1", "exercise": "e1", "text": "x"}).status_code
            == 403
        )
    assert enrolment.completions.count() == enrolment.attempts.count() == enrolment.notes.count() == 0


def test_a_course_out_of_sequence_has_all_lessons_open(thea):
    course = make_course(lessons=3, is_in_sequence=False)
    put_on(thea, course)

    assert all(can_open(thea, lesson) for lesson in lessons_of(course))


def test_a_lesson_put_in_later_does_not_close_what_was_open(thea):
    enrolment = put_on(thea, make_course(lessons=3))
    first, second, third = lessons_of(enrolment.course)
    do(enrolment, first)
    do(enrolment, second)

    new = first.add_sibling("right", instance=LessonPage(title="New", slug="new", summary="New.", minutes=5, body=[exercise_block("e")]))

    assert can_open(thea, new)
    assert can_open(thea, second)
    assert can_open(thea, third)


def test_a_done_lesson_stays_open_wherever_it_is_moved(thea):
    enrolment = put_on(thea, make_course(days=2, lessons=2))
    first, second, *_ = lessons_of(enrolment.course)
    do(enrolment, first)
    do(enrolment, second)

    first.slug = "moved"
    first.save()
    first.move(lessons_of(enrolment.course)[3].get_parent(), pos="last-child")

    assert can_open(thea, LessonPage.objects.get(pk=first.pk))
