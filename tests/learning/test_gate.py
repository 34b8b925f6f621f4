"""Course pages are for those on the course; strangers do not learn that they exist."""

import pytest
from django.urls import reverse

from learning.models import CourseDocument, CourseIndexPage
from tests.factories import lessons_of, make_course, text_block
from tests.learning.steps import put_on, words


@pytest.fixture
def course():
    return make_course(title="Hidden course", body=[text_block("<p>The secret.</p>")])


@pytest.fixture
def pages(course):
    lesson = lessons_of(course)[0]
    return [course, lesson.get_parent(), lesson]


def test_the_signed_out_are_sent_to_sign_in_and_back(client, db, pages):
    for page in [*pages, CourseIndexPage.objects.get()]:
        response = client.get(page.url)
        assert response.status_code == 302
        assert response["Location"] == f"{reverse('account_login')}?next={page.url}"


def test_the_signed_out_reach_nothing_below_learning(client, db, pages):
    lesson = pages[2]
    for name, args in (("home", []), ("record", []), ("record-csv", []), ("lesson-check", [lesson.key]), ("lesson-done", [lesson.key])):
        assert client.post(reverse(f"learning:{name}", args=args))["Location"].startswith(reverse("account_login"))


def test_a_stranger_gets_404_everywhere(as_user, olly, pages):
    client = as_user(olly)
    lesson = pages[2]

    assert [client.get(page.url).status_code for page in pages] == [404, 404, 404]
    for name in ("check", "exercise", "note", "done", "place"):
        assert client.post(reverse(f"learning:lesson-{name}", args=[lesson.key])).status_code == 404


def test_the_enrolled_read_course_day_and_first_lesson(as_user, thea, course, pages):
    put_on(thea, course)
    client = as_user(thea)

    assert [client.get(page.url).status_code for page in pages] == [200, 200, 200]
    assert "The secret." in words(client.get(pages[2].url))


def test_an_open_course_shows_its_outline_but_no_lesson_before_it_is_started(as_user, olly):
    course = make_course(is_open=True, body=[text_block("<p>The secret.</p>")])
    lesson = lessons_of(course)[0]
    client = as_user(olly)

    outline = client.get(course.url)
    closed = client.get(lesson.url)

    assert outline.status_code == 200
    assert "Start this course" in words(outline).replace("</span>", "").replace(
        '<span class="nhsuk-u-visually-hidden">: ' + course.title, ""
    )
    assert closed.status_code == 403
    assert "Start the course first" in words(closed)
    assert "The secret." not in words(closed)


def test_an_unpublished_lesson_is_gone_for_learners(as_user, thea, course):
    put_on(thea, course)
    lesson = lessons_of(course)[0]
    lesson.unpublish()

    assert as_user(thea).get(lesson.url).status_code == 404


def test_a_lesson_under_an_unpublished_day_is_gone_too(as_user, thea, course, pages):
    put_on(thea, course)
    pages[1].unpublish()

    assert as_user(thea).get(pages[2].url).status_code == 404


def test_somebody_taken_off_a_course_is_a_stranger_again(as_user, thea, course, pages):
    enrolment = put_on(thea, course)
    enrolment.ended_at = enrolment.enrolled_at
    enrolment.save()

    assert as_user(thea).get(pages[2].url).status_code == 404


def test_the_course_index_leads_to_the_learning_home(as_user, thea, course):
    assert as_user(thea).get(CourseIndexPage.objects.get().url)["Location"] == reverse("learning:home")


def test_documents_ask_for_sign_in(client, as_user, thea):
    from django.core.files.base import ContentFile

    document = CourseDocument.objects.create(title="Worksheet", file=ContentFile(b"%PDF-1.4", name="worksheet.pdf"))

    assert client.get(document.url)["Location"].startswith(reverse("account_login"))
    assert as_user(thea).get(document.url).status_code == 200
