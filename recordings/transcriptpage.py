"""What the transcript's page shows, read once: turns and gaps in order, voices, the history of changes, and what waits to be settled."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from recordings import editing, exports, permissions, transcript, truth
from recordings.models import Recording, TranscriptEdit
from recordings.workbench import reason_words
from supervision.models import User

Kind = TranscriptEdit.Kind
UNCERTAIN = 0.5  # a word less probable than this is marked, until somebody confirms its turn
EXCERPT_S = 5.0
SHORTEST_HISTORY = 20
_LONGEST_QUOTE = 60


@dataclass(frozen=True)
class Item:
    """A turn, or a gap: speech without words. Two are equal when they look the same."""

    key: str
    start: float
    end: float
    is_gap: bool = False
    edit: int = 0
    speaker: str = ""
    voice: str = ""
    shows_speaker: bool = False
    is_supported: bool = True
    is_refused: bool = False
    is_edited: bool = False
    is_confirmed: bool = False
    reason: str = ""
    words: tuple[tuple[int, str, bool], ...] = ()  # begins at (ms), text, is uncertain

    @property
    def text(self) -> str:
        return " ".join(text for _at, text, _is_uncertain in self.words)

    @property
    def uncertain(self) -> int:
        return sum(is_uncertain for _at, _text, is_uncertain in self.words)

    @property
    def start_ms(self) -> int:
        return round(self.start * 1000)

    @property
    def needs_a_look(self) -> bool:
        return self.is_gap or bool(self.uncertain) or not (self.is_supported or self.is_refused)

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass
class Voice:
    """One of the voices: its label, what it is called, how much it speaks, and where it can be heard clearly."""

    label: str
    name: str
    who: str
    share: float
    excerpt: tuple[int, int]  # ms


@dataclass
class Change:
    """A line of the history."""

    number: int
    person: str
    made_at: dt.datetime
    what: str
    start_ms: int | None
    was: str = ""
    text: str = ""
    is_own: bool = False
    is_undone: bool = False


@dataclass
class Page:
    layer: editing.Layer
    items: list[Item] = field(default_factory=list)
    voices: list[Voice] = field(default_factory=list)
    history: list[Change] = field(default_factory=list)
    unplaced: list[tuple[Change, str, bool]] = field(default_factory=list)  # change, why, can be kept
    undo: int | None = None  # the number of the person's last change that is in force ...
    redo: int | None = None  # ... and of the one undone since
    changes: int = 0

    def find(self, key: str) -> Item | None:
        return next((item for item in self.items if item.key == key), None)

    @property
    def to_check(self) -> int:
        return sum(item.needs_a_look for item in self.items)


def items(layer: editing.Layer) -> list[Item]:
    """Turns and gaps in the order of the session."""
    made: list[Item] = []
    for turn in layer.turns:
        is_sure = turn["confirmed"] or turn["refused"]
        speaker = turn["speaker"] or ""
        made.append(
            Item(
                key=turn["id"],
                start=turn["start"],
                end=turn["end"],
                edit=turn["edit"],
                speaker=speaker,
                voice=turn["voice"] or "",
                shows_speaker=bool(speaker) and (not made or made[-1].speaker != speaker),
                is_supported=turn["supported"],
                is_refused=turn["refused"],
                is_edited=turn["edited"],
                is_confirmed=turn["confirmed"],
                reason="" if turn["supported"] or turn["refused"] else reason_words(turn["reason"]),
                words=tuple(
                    (round(word["start"] * 1000), word["text"], not is_sure and word["probability"] < UNCERTAIN) for word in turn["words"]
                ),
            )
        )
    silent = truth.gaps(exports.segments_from(layer.turns), layer.speech)
    gaps = [Item(f"gap-{round(start * 1000)}", round(start, 3), round(end, 3), is_gap=True) for start, end in silent]
    return sorted([*made, *gaps], key=lambda item: item.start)


def build(recording: Recording, reader: User, *, whole_history: bool = False) -> Page:
    """Raises KeyGone, Damaged."""
    layer = transcript.layer(recording)
    page = Page(layer)
    if not layer.run:
        return page
    page.items = items(layer)
    rows = list(
        TranscriptEdit.objects.filter(recording=recording, payload__isnull=False).select_related("payload", "made_by").order_by("-number")
    )
    page.changes = len(rows)
    shown = rows if whole_history else rows[:SHORTEST_HISTORY]
    page.history = [_change(row, edit, layer, reader) for row, edit in zip(shown, transcript.opened(shown), strict=True)]
    by_number = {row.number: row for row in rows}
    page.unplaced = [
        (
            _change(by_number[left.edit.number], left.edit, layer, reader),
            left.why,
            left.edit.kind in (Kind.REPLACE, Kind.CONFIRM),
        )
        for left in layer.unplaced
    ]
    own = [row for row in rows if row.made_by_id == reader.pk]
    page.undo = next((row.number for row in own if row.undone_at is None), None)
    undone = [row for row in own if row.undone_at and row.undone_by_id == reader.pk]
    last = max(undone, key=lambda row: row.undone_at or row.made_at, default=None)
    if last and last.undone_at and all(row.made_at <= last.undone_at for row in own):
        page.redo = last.number
    names = transcript.opened(row for row in rows if row.kind == Kind.NAME and row.undone_at is None)
    page.voices = _voices(recording, layer, reader, names)
    return page


def _voices(recording: Recording, layer: editing.Layer, reader: User, names: list[editing.Edit]) -> list[Voice]:
    spoken: dict[str, float] = {}
    clearest: dict[str, tuple[float, float]] = {}
    for turn in layer.turns:
        label, length = turn["voice"], turn["end"] - turn["start"]
        if not label or not turn["supported"]:
            continue
        spoken[label] = spoken.get(label, 0.0) + length
        start, end = clearest.get(label, (0.0, 0.0))
        if length > end - start:
            clearest[label] = (turn["start"], turn["end"])
    total = sum(spoken.values())
    may_measure = permissions.can_see_measures(reader, recording)
    who = {edit.payload["name"]: edit.payload.get("who", "") for edit in names}
    found = []
    for label in layer.voices:
        start, end = clearest.get(label, (0.0, 0.0))
        middle = max(start, (start + end - EXCERPT_S) / 2)
        name = layer.names.get(label, "")
        share = spoken.get(label, 0.0) / total if total and may_measure else -1.0
        found.append(Voice(label, name, who.get(name, ""), share, (round(middle * 1000), round(min(end, middle + EXCERPT_S) * 1000))))
    return found


def _change(row: TranscriptEdit, edit: editing.Edit, layer: editing.Layer, reader: User) -> Change:
    payload: dict[str, Any] = dict(edit.payload)
    what = {
        Kind.REPLACE: "changed words",
        Kind.SPLIT: "split a turn",
        Kind.MERGE: "joined two turns",
        Kind.ASSIGN: f"gave a turn to {layer.names.get(payload.get('speaker', ''), payload.get('speaker'))}",
        Kind.NAME: f"named {payload.get('speaker')}: {payload.get('name')}",
        Kind.MERGE_SPEAKERS: f"joined the voice {payload.get('speaker')} to {payload.get('into')}",
        Kind.CONFIRM: "confirmed that this was said",
        Kind.REFUSE: "marked words as not said",
    }[Kind(row.kind)]
    return Change(
        number=row.number,
        person="You" if row.made_by_id == reader.pk else row.made_by.first_name or str(row.made_by),
        made_at=row.made_at,
        what=what if payload.get("words", True) else "wrote words in a gap",
        start_ms=round(payload["start"] * 1000) if "start" in payload else None,
        was=_quote(" ".join(payload["was"])) if isinstance(payload.get("was"), list) and row.kind != Kind.ASSIGN else "",
        text=_quote(payload.get("text", "")),
        is_own=row.made_by_id == reader.pk,
        is_undone=row.undone_at is not None,
    )


def _quote(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE].rstrip()} …"


def differing(before: list[Item], after: list[Item]) -> tuple[list[str], list[Item]]:
    """What a change did to the page: the keys of the items to take out, which stand together, and those that take their place.

    An item that only stands beside the change comes along, so that there is always a place to put them.
    """
    first = next((at for at, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), min(len(before), len(after)))
    if first == len(before) == len(after):
        return [], []
    rest = min(len(before), len(after)) - first
    last = next((at for at in range(rest) if before[-1 - at] != after[-1 - at]), rest)
    if first == len(before) - last:  # nothing would go: take a neighbour along
        first, last = (first - 1, last) if first else (first, max(0, last - 1))
    return [item.key for item in before[first : len(before) - last]], after[first : len(after) - last]
