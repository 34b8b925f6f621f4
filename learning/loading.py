"""Courses from files into Wagtail pages.

Loading again changes nothing, and never undoes an editor's work. What was loaded is remembered in Wagtail's own log: the
page's key, a digest of the file and the revision made. A page is brought up to date only while that revision is still its
newest and it is still live. A page that was deleted stays deleted unless `restore` is asked for. Keys are made from the
file's place, so that completions find their lesson again after a restore, and on another machine.
"""

import datetime as dt
import uuid
from pathlib import Path
from typing import Any, TypeVar

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models, transaction
from wagtail.log_actions import log
from wagtail.models import Page, PageLogEntry

from learning import clips
from learning.coursefiles import BadFile, CourseFile, LessonFile, digest, lines, name_of, read_course
from learning.medialibrary import load_media
from learning.models import CourseIndexPage, CoursePage, DayPage, Enrolment, LessonPage
from learning.richtext import rich_text

CONVERSION = 1
"""Raise it when the same file makes another page, so that untouched pages are made again."""
PREREQUISITES = {"mst-supervisor-orientation": "mst-orientation"}
T = TypeVar("T", CoursePage, DayPage, LessonPage)
NAMESPACE = uuid.UUID("6b2f0c6e-5b0e-4d55-9f7e-0d4c3f0f8a11")


@transaction.atomic
def load_course(
    path: Path, *, parent: CourseIndexPage, by: AbstractUser | None, now: dt.datetime, restore: bool = False
) -> CoursePage | None:
    """The course in this folder, made or brought up to date. None where an editor deleted it. Raises `BadFile`."""
    file = read_course(path)
    media = load_media(path.parent / "media", by=by, now=now)
    for day in file.days:
        for lesson in day.lessons:
            _check_media(lesson, media)
            _check_clips(lesson)
    course = _page(CoursePage, parent, None, file.slug, _course_fields(file, parent), file.path, by, restore)
    if course is None:
        return None
    Enrolment.objects.filter(course__isnull=True, course_key=course.key).update(course=course)
    previous_day: Page | None = None
    for number, day in enumerate(file.days, start=1):
        summary = " ".join(str(day.data["summary"]).split())
        fields = {"title": f"Day {number}: {day.data['title']}", "summary": summary}
        day_page = _page(DayPage, course, previous_day, f"{file.slug}/{day.slug}", fields, day.path, by, restore)
        if day_page is None:
            continue
        previous_day, previous_lesson = day_page, None
        for lesson in day.lessons:
            name = f"{file.slug}/{day.slug}/{lesson.slug}"
            page = _page(LessonPage, day_page, previous_lesson, name, _lesson_fields(lesson, media, name), lesson.path, by, restore)
            previous_lesson = page or previous_lesson
    return CoursePage.objects.get(pk=course.pk)


def key_for(name: str) -> uuid.UUID:
    """The key of a loaded page, from "course/day/lesson"."""
    return uuid.uuid5(NAMESPACE, name)


def _page(
    model: type[T], parent: Page, after: Page | None, name: str, fields: dict[str, Any], path: Path, by: AbstractUser | None, restore: bool
) -> T | None:
    """The page of that name, made or brought up to date; None where an editor deleted it."""
    key = key_for(name)
    made_from = digest([CONVERSION, {field: value.pk if isinstance(value, models.Model) else value for field, value in fields.items()}])
    loaded = PageLogEntry.objects.filter(action="learning.load", data__key=str(key)).order_by("-timestamp", "-pk").first()
    page = model.objects.filter(key=key).first()
    if page is None:
        if loaded is not None and not restore:
            return None
        slug = name.rsplit("/", 1)[-1]
        if parent.get_children().filter(slug=slug).exists():
            return model.objects.child_of(parent).filter(slug=slug).first()
        page = model(key=key, slug=slug, live=False, **fields)
        _check(page, path)
        if after is not None and after.is_child_of(parent):
            after.add_sibling("right", instance=page)
        else:
            parent.add_child(instance=page)
    else:
        is_ours = loaded is not None and page.live and page.latest_revision_id == loaded.data.get("revision")
        if not is_ours or (loaded is not None and loaded.data.get("digest") == made_from):
            return page
        for field, value in fields.items():
            setattr(page, field, value)
        _check(page, path)
    revision = page.save_revision(user=by)
    revision.publish(user=by, skip_permission_checks=True)
    log(instance=page, action="learning.load", user=by, data={"key": str(key), "digest": made_from, "revision": revision.pk})
    return page


def _course_fields(file: CourseFile, parent: CourseIndexPage) -> dict[str, Any]:
    data = file.data
    guessed = (
        CoursePage.Kind.BOOSTER
        if file.slug.startswith("booster-")
        else CoursePage.Kind.ORIENTATION
        if file.slug.endswith("orientation")
        else CoursePage.Kind.OTHER
    )
    kind = str(data.get("kind") or guessed)
    if kind not in CoursePage.Kind.values:
        raise BadFile(f"{name_of(file.path)}: “kind” is “{kind}”; use orientation, booster or other.")
    needed = data.get("prerequisite") or PREREQUISITES.get(file.slug)
    prerequisite = (
        CoursePage.objects.filter(key=key_for(str(needed))).first() or CoursePage.objects.child_of(parent).filter(slug=needed).first()
        if needed
        else None
    )
    if needed and prerequisite is None:
        raise BadFile(f"{name_of(file.path)} comes after the course “{needed}”, which is not loaded.")
    return {
        "title": str(data["title"]),
        "kind": kind,
        "summary": " ".join(str(data["summary"]).split()),
        "audience": " ".join(str(data.get("audience") or "").split()),
        "hours": data["hours"],
        "licence_note": " ".join(str(data.get("licence_note") or "").split()),
        "is_open": bool(data.get("is_open", kind == CoursePage.Kind.BOOSTER)),
        "is_in_sequence": bool(data.get("is_in_sequence", True)),
        "prerequisite": prerequisite,
    }


def _lesson_fields(file: LessonFile, media: dict[str, models.Model], name: str) -> dict[str, Any]:
    data = file.data
    body = []
    for number, entry in enumerate(data["body"]):
        ((kind, value),) = entry.items()
        own = value["id"] if kind in {"check", "exercise"} else str(number)
        body.append(
            {"type": kind, "value": _block(kind, value, media, f"{name}#{own}"), "id": str(uuid.uuid5(NAMESPACE, f"{name}#{kind}-{own}"))}
        )
    return {
        "title": str(data["title"]),
        "summary": " ".join(str(data["summary"]).split()),
        "minutes": int(data["minutes"]),
        "aims": lines(data.get("aims")),
        "sources": lines(data.get("sources")),
        "body": body,
    }


def _block(kind: str, value: Any, media: dict[str, models.Model], name: str) -> Any:
    if kind == "text":
        return rich_text(value)
    if kind == "callout":
        return {"tone": value["tone"], "title": value["title"], "text": rich_text(value["text"], headings=False)}
    if kind == "vignette":
        questions = [_item(f"{name}-{number}", _flat(each)) for number, each in enumerate(value.get("questions") or [])]
        return {"title": value["title"], "text": rich_text(value["text"], headings=False), "questions": questions}
    if kind == "exercise":
        return {
            "key": value["id"],
            "title": value["title"],
            "prompt": rich_text(value["prompt"], headings=False),
            "minimum_words": int(value.get("minimum_words", 30)),
            "guidance": rich_text(value.get("guidance") or "", headings=False),
        }
    if kind == "check":
        options = [
            _item(
                f"{name}-{number}",
                {"text": _flat(each["text"]), "is_correct": each.get("correct") is True, "feedback": _flat(each["feedback"])},
            )
            for number, each in enumerate(value["options"])
        ]
        return {
            "key": value["id"],
            "kind": value["kind"],
            "question": _flat(value["question"]),
            "options": options,
            "explanation": _flat(value.get("explanation")),
        }
    if kind == "clip":
        return {"clip": str(uuid.UUID(str(value["id"])))}
    item: Any = media[value["media"]]
    title = _flat(value.get("title") or item.title)
    if kind == "image":
        return {"image": item.pk, "alt": _flat(value.get("alt")), "caption": _flat(value.get("caption"))}
    if kind == "document":
        return {"document": item.pk, "title": title, "description": _flat(value.get("description"))}
    return {"media": item.pk, "title": title}


def _item(name: str, value: Any) -> dict[str, Any]:
    return {"type": "item", "value": value, "id": str(uuid.uuid5(NAMESPACE, name))}


def _flat(value: Any) -> str:
    return " ".join(str(value or "").split())


def _check_media(file: LessonFile, media: dict[str, models.Model]) -> None:
    for entry in file.data["body"]:
        ((kind, value),) = entry.items()
        if kind in {"audio", "video", "image", "document"} and value["media"] not in media:
            raise BadFile(f"{name_of(file.path)} shows “{value['media']}”, which media.yaml does not have.")


def _check_clips(file: LessonFile) -> None:
    """A lesson may hold what its editor could choose; one that was withdrawn since stays, as the dated line that it leaves."""
    wanted = [str(value["id"]) for entry in file.data["body"] for kind, value in entry.items() if kind == "clip"]
    known = {key for key, _ in clips.choices()} if wanted else set()
    for each in wanted:
        try:
            is_known = str(uuid.UUID(each)) in known
        except ValueError:
            is_known = False
        if not is_known:
            raise BadFile(f"{name_of(file.path)} shows the clip “{each}”, which is not among the approved teaching clips here.")


def _check(page: Page, path: Path) -> None:
    """Hold the page to the rules that Wagtail's form would hold it to."""
    try:
        page.clean_fields(exclude=["path", "depth", "numchild", "url_path", "content_type", "locale", "translation_key", "slug"])
        if isinstance(page, LessonPage):
            page.body.stream_block.clean(page.body)
    except ValidationError as error:
        raise BadFile(f"{name_of(path)}: {_first_sentence(error)}") from None


def _first_sentence(error: Any) -> str:
    """The first message in a validation error, however deeply Wagtail has nested it."""
    nested = getattr(error, "block_errors", None) or []
    for inner in nested.values() if isinstance(nested, dict) else nested:
        if inner:
            return _first_sentence(inner)
    if getattr(error, "non_block_errors", None):
        return " ".join(error.non_block_errors.as_data()[0].messages)
    if isinstance(error, ValidationError) and hasattr(error, "error_dict"):
        name, found = next(iter(error.message_dict.items()))
        return f"{name}: {found[0]}"
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
