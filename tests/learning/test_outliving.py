"""What people did outlives what happens to the pages, and to their account."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from learning.models import Attempt, Completion, CourseIndexPage, CoursePage, Enrolment, ExerciseAnswer, LessonPage, TrainingRecord
from learning.progress import progress
from tests.factories import check_block, exercise_block, lessons_of, make_course, make_user, text_block
from tests.learning.steps import answer_everything, do, do_all, put_on, words


@pytest.fixture
def root(db):
    return make_user(is_superuser=True, is_staff=True)


def delete_in_admin(client, page):
    return client.post(
        reverse("wagtailadmin_pages:delete", args=[page.pk]), {"confirm_site_name": "Plumbline", "confirm_page_name": "Plumbline"}
    )


def test_an_edited_lesson_stays_done(thea):
    enrolment = put_on(thea, make_course(lessons=2))
    lesson = lessons_of(enrolment.course)[0]
    done = do(enrolment, lesson)

    lesson.body = [text_block(), check_block("new"), exercise_block("new-too")]
    lesson.title = "Another title"
    lesson.save_revision().publish()

    done.refresh_from_db()
    lesson.refresh_from_db()
    assert done.lesson_title == "Lesson 1.1"
    assert done.revision_id != lesson.live_revision_id
    assert progress(enrolment).done == 1


def test_a_lesson_added_later_is_owed_but_undoes_nothing(as_user, thea):
    enrolment = do_all(put_on(thea, make_course(lessons=1)))
    day = lessons_of(enrolment.course)[0].get_parent()

    day.add_child(instance=LessonPage(title="Fresh", slug="fresh", summary="Fresh.", minutes=5, body=[text_block()]))

    found = progress(enrolment)
    assert (found.is_complete, found.is_all_done, found.new_lessons) == (True, False, 1)
    assert TrainingRecord.objects.count() == 1
    assert "New since you finished: 1 lesson." in words(as_user(thea).get(enrolment.course.url))
    do(enrolment, LessonPage.objects.get(slug="fresh"))
    assert TrainingRecord.objects.count() == 1


@pytest.mark.parametrize("level", ["lesson", "day", "course", "index"])
def test_deleting_pages_in_wagtail_keeps_every_row(as_user, thea, root, level):
    enrolment = do_all(put_on(thea, make_course(lessons=2)))
    lesson = lessons_of(enrolment.course)[0]
    page = {"lesson": lesson, "day": lesson.get_parent(), "course": enrolment.course, "index": CourseIndexPage.objects.get()}[level]
    counts = [model.objects.count() for model in (Enrolment, Completion, Attempt, ExerciseAnswer, TrainingRecord)]

    response = delete_in_admin(as_user(root), page)

    assert response.status_code == 302
    assert not type(page).objects.filter(pk=page.pk).exists()
    assert [model.objects.count() for model in (Enrolment, Completion, Attempt, ExerciseAnswer, TrainingRecord)] == counts
    client = as_user(thea)
    assert client.get(reverse("learning:home")).status_code == 200
    assert enrolment.course_title in words(client.get(reverse("learning:record")))


def test_a_course_taken_away_half_way_is_named_on_the_learning_home(as_user, thea):
    enrolment = put_on(thea, make_course(title="Old ways"))
    do(enrolment, lessons_of(enrolment.course)[0])

    enrolment.course.unpublish()

    page = words(as_user(thea).get(reverse("learning:home")))
    assert "No longer offered" in page
    assert "Old ways" in page


def test_moving_a_lesson_keeps_its_completion(thea):
    enrolment = put_on(thea, make_course(days=2, lessons=2))
    first, _, _, last = lessons_of(enrolment.course)
    do(enrolment, first)

    first.slug = "moved"
    first.save()

    first.move(last.get_parent(), pos="first-child")

    assert progress(enrolment).done == 1


def test_a_copy_is_new_work_even_after_it_is_published_from_its_revision(thea):
    enrolment = put_on(thea, make_course(lessons=1))
    lesson = lessons_of(enrolment.course)[0]
    do(enrolment, lesson)

    copy = lesson.copy(update_attrs={"slug": "copy", "title": "Copy"}, keep_live=True)
    copy.get_latest_revision().publish()
    copy.refresh_from_db()

    assert copy.key != lesson.key
    assert (progress(enrolment).done, progress(enrolment).total) == (1, 2)


def test_a_copied_course_has_keys_of_its_own(thea):
    course = make_course(lessons=1)

    copy = course.copy(recursive=True, update_attrs={"slug": "second", "title": "Second"})

    keys = {page.key for page in (course, copy, *lessons_of(course), *lessons_of(CoursePage.objects.get(pk=copy.pk)))}
    assert len(keys) == 4


def test_a_record_outlives_the_account(db):
    leaver = make_user("lee")
    enrolment = do_all(put_on(leaver, make_course()))

    leaver.delete()

    kept = TrainingRecord.objects.get(enrolment=enrolment)
    assert kept.learner is None
    assert kept.learner_name == "Lee Example"
    assert Completion.objects.count() == 2


def test_a_course_whose_last_open_lesson_was_taken_away_can_be_completed(as_user, thea):
    enrolment = put_on(thea, make_course(lessons=2))
    first, second = lessons_of(enrolment.course)
    long_ago = timezone.now() - dt.timedelta(hours=20)
    answer_everything(enrolment, first, now=long_ago)
    do(enrolment, first, now=long_ago)
    second.unpublish()
    client = as_user(thea)
    assert "Complete the course" in words(client.get(enrolment.course.url))

    client.post(reverse("learning:course-finish", args=[enrolment.course.key]))
    client.post(reverse("learning:course-finish", args=[enrolment.course.key]))

    assert TrainingRecord.objects.get().course_title == enrolment.course_title


def test_a_course_with_lessons_left_cannot_be_completed(as_user, thea):
    enrolment = put_on(thea, make_course(lessons=2))

    as_user(thea).post(reverse("learning:course-finish", args=[enrolment.course.key]))

    assert not TrainingRecord.objects.exists()
