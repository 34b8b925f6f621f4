"""A review's annotations and ratings as a file: CSV, JSON, ELAN (EAF 3.0), Praat TextGrid.

In EAF and TextGrid each code has a tier, named by its slug; where annotations of one code overlap, the later ones stand in
"slug (2)" and so on, because a tier cannot hold both. The value of an annotation is its comment, or "." where there is none, for
an empty interval is no annotation to Praat. Times are whole milliseconds, as they are stored. Reading back: `annotationimport.py`.
"""

import csv
import datetime as dt
import io
import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

from learning.spreadsheets import safe_cell
from recordings import comments, exports, workbench
from recordings.models import DraftScore, Review
from supervision.models import Item, ItemScore

NO_COMMENT = "."
TITLES = {"csv": "Spreadsheet (CSV)", "json": "JSON", "eaf": "ELAN (EAF)", "textgrid": "Praat (TextGrid)"}
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "eaf": "application/xml", "textgrid": "text/plain; charset=utf-8"}
SUFFIXES = {"textgrid": "TextGrid"}


@dataclass(frozen=True)
class Mark:
    """An annotation; times in milliseconds."""

    code: str
    start_ms: int
    end_ms: int
    text: str = ""
    id: uuid.UUID | None = None
    name: str = ""


@dataclass(frozen=True)
class Scored:
    """`score` is a number, "na", or empty where the item is not rated yet."""

    key: str
    name: str
    score: str


@dataclass(frozen=True)
class Document:
    session_on: dt.date
    duration_ms: int
    instrument: str
    state: str
    marks: Sequence[Mark] = ()
    scores: Sequence[Scored] = ()
    codes: Sequence[str] = field(default_factory=tuple)
    keep_until: dt.date | None = None

    @property
    def notice(self) -> str:
        until = f" It may be kept until {self.keep_until:%-d %B %Y}, when the recording is destroyed," if self.keep_until else " Keep it"
        return f"Confidential.{until} and not at all once consent is withdrawn."


def document(review: Review, *, keep_until: dt.date | None = None) -> Document:
    """The review as it stands: drafts while it is in progress, the submitted rating afterwards."""
    marks = [
        Mark(one.code.slug, one.start_ms, one.end_ms, comments.opened(one.comment), one.pk, one.code.name)
        for one in workbench.annotations(review)
    ]
    items = list(Item.objects.filter(instrument=review.instrument_id).order_by("position", "pk"))
    given: dict[str, str] = {}
    if review.state == Review.State.IN_PROGRESS:
        given = {draft.item_key: workbench.draft_value(draft) for draft in DraftScore.objects.filter(review=review)}
    else:
        rows = ItemScore.objects.filter(rating__source=review.pk).values_list("item__key", "score")
        given = {key: "na" if score is None else str(score) for key, score in rows}
    scores = [Scored(item.key, item.name, given.get(item.key, "")) for item in items]
    recording = review.recording
    name = f"{review.instrument.slug} {review.instrument.version}"
    return Document(recording.session_on, recording.duration_ms, name, review.state, marks, scores, keep_until=keep_until)


def to_csv(made: Document) -> str:
    """One line for each annotation and each item; times in seconds. Nothing in it is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["kind", "id", "key", "name", "start", "end", "score", "comment"])
    for mark in made.marks:
        row = ["annotation", mark.id or "", mark.code, mark.name, mark.start_ms / 1000, mark.end_ms / 1000, "", mark.text]
        writer.writerow([safe_cell(cell) for cell in row])
    for one in made.scores:
        writer.writerow([safe_cell(cell) for cell in ["rating", "", one.key, one.name, "", "", one.score, ""]])
    return "\ufeff" + out.getvalue()


def to_json(made: Document) -> str:
    whole = {
        "notice": made.notice,
        "session_on": made.session_on.isoformat(),
        "duration": made.duration_ms / 1000,
        "instrument": made.instrument,
        "state": made.state,
        "annotations": [
            {
                "id": str(mark.id) if mark.id else None,
                "code": mark.code,
                "name": mark.name,
                "start": mark.start_ms / 1000,
                "end": mark.end_ms / 1000,
                "comment": mark.text,
            }
            for mark in made.marks
        ],
        "ratings": [{"item": one.key, "name": one.name, "score": _number(one.score)} for one in made.scores],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _number(score: str) -> int | str | None:
    return None if score == "" else score if score == "na" else int(score)


def tiers(marks: Iterable[Mark]) -> list[tuple[str, list[Mark]]]:
    """The marks of each code in order, in as few tiers as hold them without overlap."""
    by_code: dict[str, list[list[Mark]]] = {}
    for mark in sorted(marks, key=lambda one: (one.code, one.start_ms, one.end_ms, one.text)):
        layers = by_code.setdefault(mark.code, [])
        free = next((layer for layer in layers if layer[-1].end_ms <= mark.start_ms), None)
        if free is None:
            layers.append([mark])
        else:
            free.append(mark)
    return [
        (code if number == 1 else f"{code} ({number})", layer)
        for code, layers in by_code.items()
        for number, layer in enumerate(layers, start=1)
    ]


def to_eaf(made: Document) -> str:
    """ELAN 3.0: a tier for each code; the ratings and the notice are properties of the document."""
    schema = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"
    made_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {"AUTHOR": "", "DATE": made_at, "FORMAT": "3.0", "VERSION": "3.0", schema: "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"},
    )
    header = ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    ElementTree.SubElement(header, "PROPERTY", NAME="notice").text = made.notice
    for one in made.scores:
        ElementTree.SubElement(header, "PROPERTY", NAME=f"rating {one.key}").text = one.score
    order = ElementTree.SubElement(root, "TIME_ORDER")
    count = 0
    for name, marks in tiers(made.marks):
        tier = ElementTree.SubElement(root, "TIER", TIER_ID=name, LINGUISTIC_TYPE_REF="annotation")
        for mark in marks:
            count += 1
            slots = (f"ts{2 * count - 1}", f"ts{2 * count}")
            for slot, time in zip(slots, (mark.start_ms, mark.end_ms), strict=True):
                ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(time))
            attributes = {"ANNOTATION_ID": f"a{count}", "TIME_SLOT_REF1": slots[0], "TIME_SLOT_REF2": slots[1]}
            holder = ElementTree.SubElement(ElementTree.SubElement(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION", attributes)
            ElementTree.SubElement(holder, "ANNOTATION_VALUE").text = exports.plain(mark.text) or NO_COMMENT
    types = {"LINGUISTIC_TYPE_ID": "annotation", "TIME_ALIGNABLE": "true", "GRAPHIC_REFERENCES": "false"}
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", types)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def to_textgrid(made: Document) -> str:
    """Praat: a tier for each code, and one with the notice; ratings have no time, so they are not in it."""
    spans = [
        (name, [(mark.start_ms, mark.end_ms, exports.plain(mark.text) or NO_COMMENT) for mark in marks])
        for name, marks in tiers(made.marks)
    ]
    last = max([1, made.duration_ms, *(mark.end_ms for mark in made.marks)])
    return exports.textgrid([("notice", [(0, last, made.notice)]), *spans], last)


FORMATS: dict[str, Callable[[Document], str]] = {"csv": to_csv, "json": to_json, "eaf": to_eaf, "textgrid": to_textgrid}
