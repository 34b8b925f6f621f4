"""Editors read everything, and nothing they do there is recorded."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from learning.attempts import option_value
from learning.editors import grant_editing
from learning.models import Attempt, Completion, CoursePage, DayPage, LessonVisit
from tests.factories import lessons_of, make_course
from tests.learning.steps import put_on, words


@pytest.fixture
def editor(ed):
    make_course()
    group = Group.objects.create(name="Content")
    grant_editing(group)
    ed.groups.add(group)
    return ed


@pytest.fixture
def lesson(editor):
    return lessons_of(CoursePage.objects.get())[1]


def test_an_editor_reads_any_lesson_with_a_banner(as_user, editor, lesson):
    page = words(as_user(editor).get(lesson.url))

    assert "<strong>Preview.</strong>" in page
    assert "Because." in page
    assert "Mark as done" not in page
    assert not LessonVisit.objects.exists()


def test_an_editors_answer_is_marked_but_not_kept(as_user, editor, lesson):
    response = as_user(editor).post(reverse("learning:lesson-check", args=[lesson.key]), {"check": "c1", "chosen": option_value("Right")})

    assert response.status_code == 200
    assert "<strong>Right.</strong>" in words(response)
    assert not Attempt.objects.exists()


def test_an_editor_cannot_mark_as_done_or_write_answers(as_user, editor, lesson):
    client = as_user(editor)

    for name in ("done", "exercise", "note"):
        assert client.post(reverse(f"learning:lesson-{name}", args=[lesson.key]), {"exercise": "e1", "text": "x"}).status_code == 403
    assert not Completion.objects.exists()


def test_an_editor_on_the_course_is_a_learner_there(as_user, editor, lesson):
    put_on(editor, CoursePage.objects.get())
    first = lessons_of(CoursePage.objects.get())[0]

    page = words(as_user(editor).get(first.url))

    assert "<strong>Preview.</strong>" not in page
    assert "Mark as done" in page


def test_wagtail_previews_drafts_of_every_kind_of_page(as_user, editor, lesson):
    lesson.title = "A draft title"
    lesson.save_revision()
    client = as_user(editor)

    page = client.get(reverse("wagtailadmin_pages:view_draft", args=[lesson.pk]))

    assert page.status_code == 200
    assert "A draft title" in words(page)
    assert client.get(reverse("wagtailadmin_pages:view_draft", args=[DayPage.objects.get().pk])).status_code == 200
    assert client.get(reverse("wagtailadmin_pages:view_draft", args=[CoursePage.objects.get().pk])).status_code == 200


def test_a_learner_cannot_see_drafts(as_user, thea, lesson):
    put_on(thea, CoursePage.objects.get())

    assert as_user(thea).get(reverse("wagtailadmin_pages:view_draft", args=[lesson.pk])).status_code != 200


def test_pages_open_in_wagtails_editor(as_user, editor, lesson):
    client = as_user(editor)

    for page in (CoursePage.objects.get(), DayPage.objects.get(), lesson):
        assert client.get(reverse("wagtailadmin_pages:edit", args=[page.pk])).status_code == 200


def test_moderation_runs_through_wagtails_own_workflow(editor, lesson):
    assert lesson.get_workflow() is not None


def test_granting_editing_twice_changes_nothing(editor):
    group = Group.objects.get(name="Content")
    before = (group.permissions.count(), group.page_permissions.count(), group.collection_permissions.count())

    grant_editing(group)

    assert (group.permissions.count(), group.page_permissions.count(), group.collection_permissions.count()) == before
    assert before[1] == 3
