"""Answers to knowledge checks. Every try is a row of its own, which is its own audit; it is passed by one right answer."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

from learning.models import Attempt, Enrolment, LessonPage

TRIES_BEFORE_EXPLANATION = 3


class NoSuchCheck(Exception):
    """The lesson has no check with that key, or no longer has it."""


@dataclass(frozen=True)
class Answer:
    """What somebody chose, and whether it was right."""

    chosen: tuple[str, ...]
    is_correct: bool


def option_value(text: str) -> str:
    """A short name for an option that changes when its words do, so that an answer never lands on another option."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def find(lesson: LessonPage, key: str) -> Any:
    """The check block of that key. Raises `NoSuchCheck`."""
    block = next((block for block in lesson.checks() if block.value["key"] == key), None)
    if block is None:
        raise NoSuchCheck("This question has been taken out of the lesson since you opened it.")
    return block


def mark(check: Any, values: list[str]) -> Answer:
    """Right when exactly the right options were chosen. `check` is a check block's value; `values` are `option_value`s."""
    options = list(check["options"])
    chosen = tuple(option["text"] for option in options if option_value(option["text"]) in values)
    right = {option["text"] for option in options if option["is_correct"]}
    return Answer(chosen=chosen, is_correct=bool(chosen) and set(chosen) == right)


def answer(*, enrolment: Enrolment, lesson: LessonPage, key: str, values: list[str], now: dt.datetime) -> Attempt:
    """Record a try. Once the check is passed, answering again changes nothing. Raises `NoSuchCheck`."""
    check = find(lesson, key).value
    passed = Attempt.objects.filter(enrolment=enrolment, lesson_key=lesson.key, check_key=key, is_correct=True).order_by("pk").first()
    if passed is not None:
        return passed
    given = mark(check, values)
    return Attempt.objects.create(
        enrolment=enrolment,
        lesson_key=lesson.key,
        check_key=key,
        question=check["question"],
        chosen=list(given.chosen),
        is_correct=given.is_correct,
        attempted_at=now,
    )


def tries(*, enrolment: Enrolment, lesson: LessonPage) -> dict[str, list[Attempt]]:
    """All tries in the lesson, oldest first, by check key."""
    found: dict[str, list[Attempt]] = {}
    for attempt in Attempt.objects.filter(enrolment=enrolment, lesson_key=lesson.key).order_by("attempted_at", "pk"):
        found.setdefault(attempt.check_key, []).append(attempt)
    return found
