"""Reading course files. The format is described in the README of `learning/content`; a mistake is one sentence that names the file."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

KINDS = {"single", "multiple", "true_false"}
TONES = {"note", "practice", "warning"}
MEDIA_KINDS = {"audio", "video", "image", "document"}
NUMBERED = re.compile(r"^\d+-(?P<slug>[a-z0-9-]+)$")


class BadFile(Exception):
    """A course file cannot be used; the text says which and why."""


@dataclass
class LessonFile:
    path: Path
    slug: str
    data: dict[str, Any]


@dataclass
class DayFile:
    path: Path
    slug: str
    data: dict[str, Any]
    lessons: list[LessonFile] = field(default_factory=list)


@dataclass
class CourseFile:
    path: Path
    slug: str
    data: dict[str, Any]
    days: list[DayFile] = field(default_factory=list)


def name_of(path: Path) -> str:
    """The last folders of a path: enough to find the file, the same on every machine."""
    return "/".join(path.parts[-3:])


def digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()


def read_yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadFile(f"{name_of(path)} is missing.") from None
    except UnicodeDecodeError:
        raise BadFile(f"{name_of(path)} is not UTF-8 text.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise BadFile(f"{name_of(path)}{where}: {getattr(error, 'problem', None) or 'this is not YAML'}.") from None
    if not isinstance(data, dict):
        raise BadFile(f"{name_of(path)} must hold names with values, such as “title: …”.")
    return data


def read_course(folder: Path) -> CourseFile:
    """The whole course, checked. Raises `BadFile`."""
    path = folder / "course.yaml"
    data = read_yaml(path)
    _need(path, data, "title", "summary", "hours")
    _number(path, data, "hours")
    course = CourseFile(path, str(data.get("slug") or folder.name), data)
    for day_folder in sorted(folder.glob("day-*"), key=lambda each: _day_number(each)):
        day_path = day_folder / "day.yaml"
        day_data = read_yaml(day_path)
        _need(day_path, day_data, "title", "summary")
        day = DayFile(day_path, day_folder.name, day_data)
        for lesson_path in sorted(day_folder.glob("[0-9]*-*.yaml")):
            day.lessons.append(read_lesson(lesson_path))
        if not day.lessons:
            raise BadFile(f"{name_of(day_path)}: this day has no lessons.")
        slugs = [lesson.slug for lesson in day.lessons]
        if doubled := next((slug for slug in slugs if slugs.count(slug) > 1), None):
            raise BadFile(f"{name_of(day_path)}: two lessons of this day have the slug “{doubled}”.")
        course.days.append(day)
    if not course.days:
        raise BadFile(f"{name_of(path)}: this course has no day-1 folder.")
    return course


def read_lesson(path: Path) -> LessonFile:
    data = read_yaml(path)
    _need(path, data, "title", "summary", "minutes", "body")
    _number(path, data, "minutes")
    named = NUMBERED.match(path.stem)
    if named is None:
        raise BadFile(f"{name_of(path)}: name the file with a number and small letters, such as 01-first-lesson.yaml.")
    if not isinstance(data["body"], list):
        raise BadFile(f"{name_of(path)}: “body” must be a list of blocks.")
    keys: list[str] = []
    for number, entry in enumerate(data["body"], start=1):
        if not isinstance(entry, dict) or len(entry) != 1:
            raise BadFile(f"{name_of(path)}: block {number} must be one name with its content, such as “text: …”.")
        ((kind, value),) = entry.items()
        _check_block(path, number, kind, value)
        if kind in {"check", "exercise"}:
            keys.append(value["id"])
    if doubled := next((key for key in keys if keys.count(key) > 1), None):
        raise BadFile(f"{name_of(path)}: the id “{doubled}” is used twice.")
    return LessonFile(path, str(data.get("slug") or named["slug"]), data)


def lines(value: Any) -> str:
    """A list of sentences as one line each."""
    return "\n".join(" ".join(str(each).split()) for each in value or [])


def _day_number(folder: Path) -> int:
    try:
        return int(folder.name.removeprefix("day-"))
    except ValueError:
        raise BadFile(f"{name_of(folder)}: name the folders of days day-1, day-2 and so on.") from None


def _need(path: Path, data: dict[str, Any], *names: str) -> None:
    for name in names:
        if data.get(name) in (None, "", []):
            raise BadFile(f"{name_of(path)} has no “{name}”.")


def _number(path: Path, data: dict[str, Any], name: str) -> None:
    if isinstance(data[name], bool) or not isinstance(data[name], int | float) or data[name] <= 0:
        raise BadFile(f"{name_of(path)}: “{name}” must be a number above 0.")


def _check_block(path: Path, number: int, kind: str, value: Any) -> None:
    needs = {
        "callout": ("tone", "title", "text"),
        "vignette": ("title", "text"),
        "exercise": ("id", "title", "prompt"),
        "check": ("id", "kind", "question", "options"),
        "clip": ("id",),
        **dict.fromkeys(MEDIA_KINDS, ("media",)),
    }
    where = f"{name_of(path)}: block {number} ({kind})"
    if kind == "text":
        if not isinstance(value, str) or not value.strip():
            raise BadFile(f"{where} has no text.")
        return
    if kind not in needs:
        raise BadFile(f"{where} is of a kind that lessons do not have.")
    if not isinstance(value, dict):
        raise BadFile(f"{where} must hold names with values.")
    for name in needs[kind]:
        if value.get(name) in (None, "", []):
            raise BadFile(f"{where} has no “{name}”.")
    if kind == "callout" and value["tone"] not in TONES:
        raise BadFile(f"{where} has the tone “{value['tone']}”; use note, practice or warning.")
    if kind == "check":
        _check_question(f"{name_of(path)}: check “{value['id']}”", value)


def _check_question(where: str, value: dict[str, Any]) -> None:
    if value["kind"] not in KINDS:
        raise BadFile(f"{where} is of the kind “{value['kind']}”; use single, multiple or true_false.")
    options = value["options"]
    if not isinstance(options, list) or any(not isinstance(option, dict) or not str(option.get("text", "")).strip() for option in options):
        raise BadFile(f"{where} must list its options, each with a text.")
    if len(options) < 2 or (value["kind"] == "true_false" and len(options) != 2):
        raise BadFile(f"{where} has {len(options)} options.")
    if silent := next((option for option in options if not str(option.get("feedback") or "").strip()), None):
        raise BadFile(f"{where}: the option “{silent['text']}” has no feedback.")
    right = sum(1 for option in options if option.get("correct") is True)
    if right < 1 or (value["kind"] != "multiple" and right != 1):
        raise BadFile(f"{where} has {right} correct options.")
