"""What the workbench and the feedback page show, read once: the words of a session as turns, the annotations, the form of the instrument."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from recordings import codebook, comments, counting, listening, transcript, truth
from recordings.models import Annotation, Code, DraftScore, Recording, Reply, Review
from recordings.reviewforms import COUNTED, NOT_APPLICABLE, OWN, clock_text
from supervision.models import Item, Section

UNSUPPORTED = "The sound does not bear these words out: nobody is heard speaking, or the words repeat themselves."
LONGEST_TURN_MS = 30_000
OFFERED = 40  # annotations to tick in the page itself, under one item


@dataclass
class Turn:
    """What one speaker says until another does, or until the turn grows long. Words are (ms, text)."""

    start_ms: int
    end_ms: int
    speaker: str
    words: list[tuple[int, str]]
    is_supported: bool = True
    reason: str = ""


def turns(recording: Recording) -> list[Turn]:
    """The transcript for reading; empty unless it is ready and everybody agreed to it."""
    return turns_of(transcript.edited(recording))


def turns_of(segments: Iterable[dict[str, Any]]) -> list[Turn]:
    """What one speaker says on end, from segments with times in seconds."""
    made: list[Turn] = []
    for segment in segments:
        start, end = round(segment["start"] * 1000), round(segment["end"] * 1000)
        words = [(round(word["start"] * 1000), word["text"].strip()) for word in segment.get("words") or []]
        words = [word for word in words if word[1]] or [(start, segment["text"].strip())]
        speaker = segment.get("speaker") or ""
        is_supported = segment.get("supported", True)
        last = made[-1] if made else None
        if last and speaker and last.speaker == speaker and last.is_supported and is_supported and end - last.start_ms <= LONGEST_TURN_MS:
            last.words += words
            last.end_ms = end
            continue
        reason = "" if is_supported else reason_words(segment.get("reason") or "")
        made.append(Turn(start, end, speaker, words, is_supported, reason))
    return made


def reason_words(reason: str) -> str:
    """Why the sound does not bear words out, as a sentence."""
    return truth.SENTENCES.get(reason, UNSUPPORTED)


def excerpt(spoken: Iterable[Turn], start_ms: int, end_ms: int) -> list[tuple[str, str]]:
    """The supported words that begin within a stretch, as (speaker, text), a line for each change of voice."""
    lines: list[tuple[str, str]] = []
    for turn in spoken:
        inside = [text for at, text in turn.words if start_ms <= at < end_ms]
        if not inside or not turn.is_supported:
            continue
        text = ("… " if turn.words[0][0] < start_ms else "") + " ".join(inside) + (" …" if turn.words[-1][0] >= end_ms else "")
        if lines and lines[-1][0] == turn.speaker:
            text = f"{lines.pop()[1]} {text}"
        lines.append((turn.speaker, text))
    return lines


def annotations(review: Review) -> list[Annotation]:
    """Those that are kept, in the order of the session, with code and comment at hand."""
    kept = Annotation.objects.kept().filter(review=review)
    return list(kept.select_related("code", "code_version", "comment").order_by("start_ms", "end_ms", "pk"))


def annotation_data(annotation: Annotation, comment: str | None = None) -> dict[str, Any]:
    """For the page's script. Never for anyone but the rater. `comment` where it has been opened already."""
    meant = annotation.code_version
    return {
        "id": str(annotation.pk),
        "code": annotation.code.slug,
        "meant": meant.number if meant else annotation.code.version,
        "start": annotation.start_ms,
        "end": annotation.end_ms,
        "comment": comments.opened(annotation.comment) if comment is None else comment,
        "version": annotation.version,
        "removed": annotation.removed_at is not None,
    }


def code_data(code: Code) -> dict[str, Any]:
    return {
        "slug": code.slug,
        "name": code.name,
        "parent": code.parent.slug if code.parent else None,
        "digit": code.digit,
        "meant": code.version,
        "colour": code.colour,
        "shape": codebook.SHAPES.get(code.shape, codebook.SHAPES["circle"]),
        "item": code.item_key,
        "tone": code.tone,
    }


@dataclass
class ItemRow:
    """An item of the form with what has been rated so far."""

    item: Item
    anchors: list[tuple[str, str]]
    chosen: str = ""
    version: int = 0
    section: Section | None = None  # where a new heading begins
    figure: int | None = None  # the rater's own count or duration
    counted: int = 0  # what the annotations give
    codes: str = ""  # that fill it, for the page's script
    evidence: set[uuid.UUID] = field(default_factory=set)
    offers: list[tuple[Annotation, bool]] = field(default_factory=list)  # annotation, ticked

    @property
    def ticked(self) -> int:
        return sum(is_ticked for _, is_ticked in self.offers)

    @property
    def is_figure(self) -> bool:
        return self.item.scale in counting.FILLED

    @property
    def is_filled(self) -> bool:
        return counting.is_filled(self.item)

    @property
    def steps(self) -> list[tuple[str, str, str]]:
        """The choices as (value, what stands on it, anchor)."""
        if self.item.scale == Item.Scale.YES_NO:
            return [("1", "Yes", self.item.anchors.get("1", "")), ("0", "No", self.item.anchors.get("0", ""))]
        return [(score, score, wording) for score, wording in self.anchors]


def draft_value(draft: DraftScore | None, item: Item | None = None) -> str:
    """As the radio's value: "0" to "4", "na", or empty; for counts and durations "counted", "own", "na" or empty."""
    if item is not None and counting.is_filled(item) and (draft is None or draft.is_counted):
        return COUNTED
    if draft is None or (draft.score is None and not draft.is_not_applicable):
        return ""
    if draft.is_not_applicable:
        return NOT_APPLICABLE
    return OWN if item is not None and item.scale in counting.FILLED else str(draft.score)


def item_rows(review: Review, kept: list[Annotation]) -> list[ItemRow]:
    """The items in order. Until an item is rated, annotations whose code bears on it are offered ticked."""
    drafts = {draft.item_key: draft for draft in DraftScore.objects.filter(review=review).prefetch_related("evidence")}
    rows = []
    items = list(Item.objects.filter(instrument=review.instrument_id).order_by("position", "pk"))
    sections = {section.key: section for section in Section.objects.filter(instrument=review.instrument_id)}
    slugs = counting.slugs_of(items, review.recording.team.programme)
    before = ""
    for item in items:
        draft = drafts.get(item.key)
        anchors = sorted(item.anchors.items(), key=lambda pair: int(pair[0]))
        row = ItemRow(item, anchors, draft_value(draft, item), draft.version if draft else 0)
        if item.section_key != before:
            row.section, before = sections.get(item.section_key), item.section_key
        if item.key in slugs:
            row.counted, row.codes = counting.figure(item, slugs[item.key], kept), " ".join(sorted(slugs[item.key]))
        row.figure = draft.score if draft and row.chosen == OWN else None
        if draft:
            row.evidence = {one.pk for one in draft.evidence.all()}
        row.offers = _offers(kept, row.evidence if draft else {one.pk for one in kept if one.code.item_key == item.key})
        rows.append(row)
    return rows


def _offers(kept: list[Annotation], ticked: set[uuid.UUID]) -> list[tuple[Annotation, bool]]:
    """All that are ticked, and others up to a number that a page can hold; the page's script offers every one."""
    left = max(0, OFFERED - len(ticked))
    others = {one.pk for one in [one for one in kept if one.pk not in ticked][:left]}
    return [(one, one.pk in ticked) for one in kept if one.pk in ticked or one.pk in others]


@dataclass
class Moment:
    """A moment of the feedback, as it is heard."""

    annotation: Annotation
    comment: str
    excerpt: list[tuple[str, str]]
    replies: list[tuple[Reply, str]]

    @property
    def length(self) -> str:
        return clock_text((self.annotation.end_ms - self.annotation.start_ms) // 1000 * 1000)


def moments(review: Review, spoken: list[Turn]) -> list[Moment]:
    answers: dict[uuid.UUID | None, list[tuple[Reply, str]]] = {}
    for reply, text in replies(review):
        answers.setdefault(reply.annotation_id, []).append((reply, text))
    return [
        Moment(one, comments.opened(one.comment), excerpt(spoken, one.start_ms, one.end_ms), answers.get(one.pk, []))
        for one in annotations(review)
    ]


def replies(review: Review) -> list[tuple[Reply, str]]:
    """All answers in order, opened."""
    rows = Reply.objects.filter(review=review).select_related("author", "text").order_by("written_at", "pk")
    return [(row, comments.opened(row.text)) for row in rows]


def page_data(review: Review, kept: list[tuple[Annotation, str]], codes: list[Code]) -> dict[str, Any]:
    """What the scripts begin with. `kept` are annotations with their comments."""
    heard = listening.heard_by(review.recording, review.rater)
    return {
        "duration": review.recording.duration_ms,
        "position": review.position_ms,
        "isLocked": review.state != Review.State.IN_PROGRESS,
        "codes": [code_data(code) for code in codes],
        "annotations": [annotation_data(one, comment) for one, comment in kept],
        "heard": heard,
    }
