"""A lesson as one reader sees it: its blocks, each with what this person has done there."""

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ObjectDoesNotExist

from learning.attempts import TRIES_BEFORE_EXPLANATION, Answer, option_value, tries
from learning.completion import Missing, missing
from learning.exercises import latest_answers, word_count
from learning.forms import ExerciseForm
from learning.models import Attempt, Completion, Enrolment, ExerciseAnswer, LessonNote, LessonPage, LessonVisit


@dataclass
class OptionView:
    value: str
    text: str
    is_correct: bool
    is_chosen: bool
    feedback: str


@dataclass
class CheckView:
    key: str
    number: int
    block_id: str
    kind: str
    question: str
    explanation: str
    options: list[OptionView]
    is_answered: bool = False
    is_passed: bool = False
    tries: int = 0
    error: str = ""

    @property
    def instruction(self) -> str:
        if self.kind == "multiple":
            return "Choose every answer that applies."
        return "Is this true or false?" if self.kind == "true_false" else "Choose one answer."

    @property
    def widget(self) -> dict[str, str]:
        """The kind of control, and the design system's name for it."""
        return {"css": "checkboxes", "type": "checkbox"} if self.kind == "multiple" else {"css": "radios", "type": "radio"}

    @property
    def shows_explanation(self) -> bool:
        return bool(self.explanation) and (self.is_passed or self.tries >= TRIES_BEFORE_EXPLANATION)

    @property
    def verdict(self) -> str:
        """What a wrong answer is told, beside the feedback on each option chosen."""
        if self.kind != "multiple":
            return "Not quite. Read the comment under your answer, then try again."
        chosen = [option for option in self.options if option.is_chosen]
        right = sum(1 for option in chosen if option.is_correct)
        if right == len(chosen):
            return "Right so far, and there is more to choose. Try again."
        return f"Not quite: {right} of the {len(chosen)} you chose {'is' if right == 1 else 'are'} right. Try again."


@dataclass
class ExerciseView:
    key: str
    block_id: str
    title: str
    prompt: Any
    guidance: Any
    minimum_words: int
    form: ExerciseForm
    text: str = ""
    saved_at: dt.datetime | None = None

    @property
    def words(self) -> int:
        return word_count(self.text)

    @property
    def words_short(self) -> int:
        return max(self.minimum_words - self.words, 0)

    @property
    def is_met(self) -> bool:
        return self.saved_at is not None and not self.words_short


@dataclass
class BlockView:
    id: str
    type: str
    block: Any
    check: CheckView | None = None
    exercise: ExerciseView | None = None


@dataclass
class Reading:
    """Everything on the page that differs between readers. Empty but for the blocks in a preview."""

    blocks: list[BlockView]
    missing: list[Missing] = field(default_factory=list)
    completion: Completion | None = None
    note: LessonNote | None = None
    visit: LessonVisit | None = None

    @property
    def media_json(self) -> str:
        return json.dumps(self.visit.media_positions if self.visit else {})

    def find_check(self, key: str) -> CheckView | None:
        return next((each.check for each in self.blocks if each.check and each.check.key == key), None)

    def find_exercise(self, key: str) -> ExerciseView | None:
        return next((each.exercise for each in self.blocks if each.exercise and each.exercise.key == key), None)


def read(lesson: LessonPage, enrolment: Enrolment | None) -> Reading:
    """The lesson for the holder of this enrolment; without one, as an editor previews it."""
    if enrolment is None:
        return Reading(blocks=_blocks(lesson, {}, {}))
    return Reading(
        blocks=_blocks(lesson, tries(enrolment=enrolment, lesson=lesson), latest_answers(enrolment=enrolment, lesson=lesson)),
        missing=missing(enrolment=enrolment, lesson=lesson),
        completion=Completion.objects.filter(enrolment=enrolment, lesson_key=lesson.key).first(),
        note=LessonNote.objects.filter(enrolment=enrolment, lesson_key=lesson.key).first(),
        visit=LessonVisit.objects.filter(enrolment=enrolment, lesson_key=lesson.key).first(),
    )


def answered(check: CheckView, given: Answer) -> CheckView:
    """The check with an answer that is shown but not kept: an editor's preview."""
    for option in check.options:
        option.is_chosen = option.text in given.chosen
    check.is_answered, check.is_passed = True, given.is_correct
    return check


def _blocks(lesson: LessonPage, attempts: dict[str, list[Attempt]], answers: dict[str, ExerciseAnswer]) -> list[BlockView]:
    views: list[BlockView] = []
    number = 0
    for block in lesson.body:
        view = BlockView(id=str(block.id), type=block.block_type, block=block)
        if block.block_type == "check":
            number += 1
            view.check = _check(block, number, attempts.get(block.value["key"], []))
        elif block.block_type == "exercise":
            view.exercise = _exercise(block, answers.get(block.value["key"]))
        if not _is_gone(block):
            views.append(view)
    return views


def _is_gone(block: Any) -> bool:
    """A picture, sound or document whose file was deleted from the library leaves no hole in the lesson."""
    try:
        chosen = {"image": "image", "audio": "media", "video": "media", "document": "document"}.get(block.block_type)
        return chosen is not None and block.value.get(chosen) is None
    except ObjectDoesNotExist:
        return True


def _check(block: Any, number: int, given: list[Attempt]) -> CheckView:
    last = next((attempt for attempt in given if attempt.is_correct), given[-1] if given else None)
    chosen = set(last.chosen) if last else set()
    return CheckView(
        key=block.value["key"],
        number=number,
        block_id=str(block.id),
        kind=block.value["kind"],
        question=block.value["question"],
        explanation=block.value["explanation"],
        options=[
            OptionView(
                option_value(option["text"]), option["text"], bool(option["is_correct"]), option["text"] in chosen, option["feedback"]
            )
            for option in block.value["options"]
        ],
        is_answered=last is not None,
        is_passed=bool(last and last.is_correct),
        tries=len(given),
    )


def _exercise(block: Any, answer: ExerciseAnswer | None) -> ExerciseView:
    text = answer.text if answer else ""
    return ExerciseView(
        key=block.value["key"],
        block_id=str(block.id),
        title=block.value["title"],
        prompt=block.value["prompt"],
        guidance=block.value["guidance"],
        minimum_words=block.value["minimum_words"] or 0,
        form=ExerciseForm(initial={"text": text}, auto_id=f"exercise-{block.id}-%s"),
        text=text,
        saved_at=answer.saved_at if answer else None,
    )
