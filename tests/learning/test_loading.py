"""Course files into pages: once, again, and after an editor has been there."""

import shutil
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.utils import timezone
from wagtail.models import Page, Revision

import learning
from learning.coursefiles import BadFile, read_course
from learning.loading import load_course
from learning.models import CourseDocument, CourseImage, CourseMedia, CoursePage, DayPage, LessonPage
from tests.factories import course_index
from tests.learning.steps import do_all, put_on

CONTENT = Path(learning.__file__).parent / "content"
LESSON = {
    "title": "Knocking",
    "minutes": 15,
    "summary": "At the door.",
    "aims": ["You can knock."],
    "sources": ["Somebody (2020). Doors."],
    "body": [
        {"text": "## The door\n\nKnock **once**."},
        {"callout": {"tone": "practice", "title": "Say", "text": "Hello."}},
        {"vignette": {"title": "At Ada's", "text": "Rain.", "questions": ["What now?"]}},
        {
            "check": {
                "id": "knock",
                "kind": "true_false",
                "question": "Knock?",
                "options": [{"text": "True", "correct": True, "feedback": "Yes."}, {"text": "False", "correct": False, "feedback": "Do."}],
                "explanation": "It is polite.",
            }
        },
        {"exercise": {"id": "say", "title": "Your words", "prompt": "What do you say?", "minimum_words": 5, "guidance": "Short."}},
        {"document": {"media": "sheet", "title": "Sheet"}},
    ],
}


@pytest.fixture
def folder(tmp_path):
    """A small course in files; `write` changes its lesson."""
    course = tmp_path / "content" / "doors"
    (course / "day-1").mkdir(parents=True)
    (course / "course.yaml").write_text("title: Doors\nslug: doors\nsummary: All about doors.\nhours: 2\n")
    (course / "day-1" / "day.yaml").write_text("title: Outside\nsummary: Before you are in.\n")
    media = tmp_path / "content" / "media"
    media.mkdir()
    (media / "sheet.pdf").write_bytes(b"%PDF-1.4 one")
    (media / "media.yaml").write_text("sheet: {kind: document, file: sheet.pdf, title: Sheet}\n")
    write(course, LESSON)
    return course


def write(course, lesson, name="01-knocking.yaml"):
    (course / "day-1" / name).write_text(yaml.safe_dump(lesson, allow_unicode=True))


def load(course, **more):
    return load_course(course, parent=course_index(), by=None, now=timezone.now(), **more)


def counts():
    return {model.__name__: model.objects.count() for model in (Page, Revision, CourseImage, CourseDocument, CourseMedia)}


def test_a_course_becomes_published_pages(folder, db):
    course = load(folder)

    lesson = LessonPage.objects.get()
    assert (course.title, course.live, course.hours) == ("Doors", True, 2)
    assert DayPage.objects.get().title == "Day 1: Outside"
    assert lesson.slug == "knocking"
    assert lesson.live
    assert [block.block_type for block in lesson.body] == ["text", "callout", "vignette", "check", "exercise", "document"]
    assert str(lesson.body[0].value.source) == "<h2>The door</h2><p>Knock <b>once</b>.</p>"
    assert lesson.body[5].value["document"] == CourseDocument.objects.get()


def test_loading_again_changes_nothing(folder, db):
    load(folder)
    before = counts()

    load(folder)

    assert counts() == before


def test_a_changed_file_updates_an_untouched_page_and_keeps_what_people_did(folder, thea):
    enrolment = do_all(put_on(thea, load(folder)))

    write(folder, {**LESSON, "title": "Knocking twice"})
    load(folder)

    lesson = LessonPage.objects.get()
    assert lesson.title == "Knocking twice"
    assert enrolment.completions.get().lesson_key == lesson.key


def test_a_page_edited_in_wagtail_is_left_alone(folder, ed):
    load(folder)
    lesson = LessonPage.objects.get()
    lesson.title = "As Ed put it"
    lesson.save_revision(user=ed).publish(user=ed, skip_permission_checks=True)

    write(folder, {**LESSON, "title": "Knocking twice"})
    load(folder)

    assert LessonPage.objects.get().title == "As Ed put it"


def test_an_editors_draft_is_not_overwritten(folder, ed):
    load(folder)
    lesson = LessonPage.objects.get()
    lesson.title = "As Ed may put it"
    lesson.save_revision(user=ed)

    write(folder, {**LESSON, "title": "Knocking twice"})
    load(folder)

    assert LessonPage.objects.get().get_latest_revision_as_object().title == "As Ed may put it"


def test_a_page_unpublished_in_wagtail_stays_unpublished(folder, db):
    load(folder)
    LessonPage.objects.get().unpublish()

    write(folder, {**LESSON, "title": "Knocking twice"})
    load(folder)

    assert not LessonPage.objects.get().live


def test_a_moved_and_renamed_page_is_not_loaded_twice(folder, db):
    load(folder)
    lesson = LessonPage.objects.get()
    lesson.slug = "renamed"
    lesson.save()

    load(folder)

    assert LessonPage.objects.count() == 1


def test_a_deleted_page_stays_deleted_unless_asked_for(folder, thea):
    course = load(folder)
    enrolment = do_all(put_on(thea, course))
    course.delete()

    assert load(folder) is None
    assert not CoursePage.objects.exists()

    restored = load(folder, restore=True)
    enrolment.refresh_from_db()
    assert enrolment.course == restored
    assert enrolment.completions.get().lesson_key == LessonPage.objects.get().key


def test_a_lesson_added_to_the_files_takes_its_place_in_the_order(folder, db):
    write(folder, {**LESSON, "title": "Leaving"}, "03-leaving.yaml")
    load(folder)

    write(folder, {**LESSON, "title": "Talking"}, "02-talking.yaml")
    load(folder)

    assert list(LessonPage.objects.order_by("path").values_list("title", flat=True)) == ["Knocking", "Talking", "Leaving"]


def test_a_changed_worksheet_replaces_the_file(folder, db):
    load(folder)
    (folder.parent / "media" / "sheet.pdf").write_bytes(b"%PDF-1.4 two")

    load(folder)

    assert CourseDocument.objects.get().file.read() == b"%PDF-1.4 two"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"minutes": "long"}, "“minutes” must be a number above 0"),
        ({"title": ""}, "has no “title”"),
        ({"body": [{"poem": "x"}]}, "block 1 (poem) is of a kind that lessons do not have"),
        ({"body": [{"image": {"media": "nowhere"}}]}, "shows “nowhere”, which media.yaml does not have"),
        ({"body": [LESSON["body"][3], LESSON["body"][3]]}, "the id “knock” is used twice"),
        (
            {
                "body": [
                    {
                        "check": {
                            **LESSON["body"][3]["check"],
                            "options": [{"text": "True", "correct": False, "feedback": "x"}, {"text": "False", "feedback": "x"}],
                        }
                    }
                ]
            },
            "has 0 correct options",
        ),
        ({"body": [{"callout": {"tone": "loud", "title": "x", "text": "x"}}]}, "has the tone “loud”"),
        ({"body": [{"callout": {"tone": "note", "title": "x" * 500, "text": "x"}}]}, "at most 120 characters"),
        ({"summary": "x" * 400}, "at most 300 characters"),
        ({"body": [{"clip": {"title": "A moment"}}]}, "block 1 (clip) has no “id”"),
        ({"body": [{"clip": {"id": "the-one-of-may"}}]}, "shows the clip “the-one-of-may”, which is not among the approved"),
        (
            {"body": [{"clip": {"id": "6b2f0c6e-5b0e-4d55-9f7e-0d4c3f0f8a11"}}]},
            "shows the clip “6b2f0c6e-5b0e-4d55-9f7e-0d4c3f0f8a11”, which is not among the approved teaching clips here.",
        ),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_file(folder, db, change, sentence):
    write(folder, {**LESSON, **change})

    with pytest.raises(BadFile) as refusal:
        load(folder)

    assert "doors/day-1/01-knocking.yaml" in str(refusal.value)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not CoursePage.objects.exists()


def test_broken_yaml_names_the_line(folder):
    (folder / "course.yaml").write_text("title: Doors\nsummary: [\n")

    with pytest.raises(BadFile, match=r"content/doors/course\.yaml, line \d+"):
        read_course(folder)


def test_a_course_that_comes_after_one_that_is_not_loaded_says_so(folder, db):
    with (folder / "course.yaml").open("a") as file:
        file.write("prerequisite: windows\n")

    with pytest.raises(BadFile, match="comes after the course “windows”, which is not loaded"):
        load(folder)


def test_the_command_says_what_is_wrong_and_loads_nothing(folder, db):
    write(folder, {**LESSON, "minutes": 0})

    with pytest.raises(CommandError, match="01-knocking"):
        call_command("load_courses", folder.parent, verbosity=0)
    assert not CoursePage.objects.exists()


def test_the_courses_that_come_with_plumbline_load_and_load_again(db):
    call_command("load_courses", verbosity=0)
    before = counts()
    orientation = CoursePage.objects.get(slug="mst-orientation")
    supervisors = CoursePage.objects.get(slug="mst-supervisor-orientation")

    call_command("load_courses", verbosity=0)

    assert counts() == before
    assert DayPage.objects.child_of(orientation).count() == 5
    assert all(LessonPage.objects.child_of(day).count() >= 4 for day in DayPage.objects.all())
    assert all(lesson.minutes >= 15 and lesson.checks() and lesson.exercises() for lesson in LessonPage.objects.all())
    assert supervisors.prerequisite == orientation
    assert {course.slug: course.kind for course in CoursePage.objects.all()} == {
        "mst-orientation": "orientation",
        "mst-supervisor-orientation": "orientation",
        "booster-sequences": "booster",
    }


def test_a_copied_content_folder_loads_as_the_same_pages(folder, tmp_path, db):
    load(folder)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder.parent, elsewhere)

    load(elsewhere / "doors")

    assert LessonPage.objects.count() == 1
