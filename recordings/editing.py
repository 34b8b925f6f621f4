"""What people did to a transcript, laid over a machine's run that is never changed. Pure: no database, no vault, no clock.

A run is a list of segments (`features.transcript`); here each is a turn. Every word has a stable id: "<run>:<place>" for the
machine's, "e<edit>.<place>" for what a person wrote. An edit names words by id, and their times and texts besides. Where the
ids are gone, because a new run took the old one's place or because an edit below was undone, the edit is looked for by time
and text (`placing.py`). What then cannot be placed is not guessed at: it comes back in `Layer.unplaced` for a person to settle.

Payloads by kind; times in seconds:

    replace         words (ids, one after another in a turn), was (their texts), start, end, text;
                    without words: text for a stretch where the machine heard none, with speaker
    split, merge    word (the id that begins the later turn), was, start
    assign          words (first and last id), was, start, end, speaker (a label)
    confirm, refuse words, was, start, end
    name            speaker (a label), name ("Caregiver M.B."), who (what was chosen)
    merge_speakers  speaker, into (labels)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from recordings import placing
from recordings.models import TranscriptEdit

Kind = TranscriptEdit.Kind
Row = dict[str, Any]
WRITTEN = 1.0  # the probability of a word that a person wrote


@dataclass(frozen=True)
class Edit:
    number: int
    run: int
    kind: str
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Unplaced:
    edit: Edit
    why: str  # a sentence for people, without a word of the transcript


@dataclass(eq=False)
class Turn:
    """What one speaker says. `text` is the machine's own as long as no word was touched."""

    start: float
    end: float
    speaker: str | None
    words: list[Row]
    text: str | None
    supported: bool = True
    reason: str = ""
    edit: int = 0  # the last edit that changed it
    is_edited: bool = False
    is_confirmed: bool = False
    is_refused: bool = False

    @property
    def id(self) -> str:
        return str(self.words[0]["id"])

    def row(self, names: Mapping[str, str]) -> Row:
        """As a segment, with the keys of `features.transcript` and more."""
        return {
            "id": self.id,
            "start": self.start,
            "end": self.end,
            "text": " ".join(word["text"] for word in self.words) if self.text is None else self.text,
            "words": self.words,
            "supported": self.supported,
            "speaker": names.get(self.speaker, self.speaker) if self.speaker else None,
            "voice": self.speaker,
            "reason": self.reason,
            "edit": self.edit,
            "edited": self.is_edited,
            "confirmed": self.is_confirmed,
            "refused": self.is_refused,
        }


@dataclass
class Layer:
    """A transcript with its edits. `turns` are segments with id, voice (the label beneath a name), edit (the number of the
    last one that changed it), edited, confirmed, refused; each word has an id."""

    run: int
    turns: list[Row] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    unplaced: list[Unplaced] = field(default_factory=list)
    speech: list[tuple[float, float]] = field(default_factory=list)  # where somebody speaks, in seconds

    def find(self, turn_id: str) -> int | None:
        """The place of a turn."""
        return next((place for place, turn in enumerate(self.turns) if turn["id"] == turn_id), None)

    @property
    def voices(self) -> list[str]:
        """Labels in the order they are first heard."""
        return list(dict.fromkeys(turn["voice"] for turn in self.turns if turn["voice"] and not turn["refused"]))


def apply(
    segments: Sequence[Mapping[str, Any]],
    edits: Sequence[Edit],
    *,
    run: int = 1,
    earlier: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
) -> Layer:
    """The run with the edits that are in force, in the order of their numbers.

    `earlier` holds the segments of the runs that edits were made on, so that a voice can be known again under another label.
    """
    draft = _Draft(segments, run, earlier or {})
    for edit in sorted(edits, key=lambda one: one.number):
        draft.take(edit)
    return Layer(run, [turn.row(draft.names) for turn in draft.turns], draft.names, draft.unplaced)


class _Draft:
    def __init__(self, segments: Sequence[Mapping[str, Any]], run: int, earlier: Mapping[int, Sequence[Mapping[str, Any]]]) -> None:
        self.run = run
        self.segments = segments
        self.earlier = earlier
        self.turns = turns_of(segments, run)
        self.home: dict[str, Turn] = {word["id"]: turn for turn in self.turns for word in turn.words}
        self.names: dict[str, str] = {}
        self.unplaced: list[Unplaced] = []
        self._voices: dict[int, dict[str, str]] = {}
        self._kinds: dict[str, Callable[[Edit], str]] = {
            Kind.REPLACE: self._replace,
            Kind.SPLIT: self._split,
            Kind.MERGE: self._merge,
            Kind.ASSIGN: self._assign,
            Kind.NAME: self._name,
            Kind.MERGE_SPEAKERS: self._merge_speakers,
            Kind.CONFIRM: self._confirm,
            Kind.REFUSE: self._refuse,
        }

    def take(self, edit: Edit) -> None:
        if why := self._kinds[edit.kind](edit):
            self.unplaced.append(Unplaced(edit, why))

    # Each kind: changes the turns, or says why it cannot

    def _replace(self, edit: Edit) -> str:
        if not edit.payload["words"]:
            return self._insert(edit)
        there = self._span(edit) or placing.replaced(self.turns, edit.payload)
        if isinstance(there, str):
            return there
        if there is None:  # the new run says so by itself
            return ""
        turn, first, after = there
        before = turn.words[first - 1]["end"] if first else turn.start
        until = turn.words[after]["start"] if after < len(turn.words) else turn.end
        new = rewritten(turn.words[first:after], edit.payload["text"].split(), before, until, f"e{edit.number}")
        for word in turn.words[first:after]:
            del self.home[word["id"]]
        turn.words[first:after] = new
        for word in new:
            self.home[word["id"]] = turn
        turn.text, turn.supported, turn.reason, turn.is_refused = None, True, "", False
        turn.edit, turn.is_edited, turn.is_confirmed = edit.number, True, True
        return ""

    def _insert(self, edit: Edit) -> str:
        start, end, tokens = edit.payload["start"], edit.payload["end"], edit.payload["text"].split()
        heard = [word["text"] for _turn, _place, word in placing.within(self.turns, start, end)]
        if heard and edit.run != self.run:
            return "" if placing.same(heard, tokens) else "The transcript now has words where somebody wrote some in a gap."
        label = self._voice(edit.run, edit.payload.get("speaker"))
        words = spread(tokens, start, end, f"e{edit.number}")
        turn = Turn(start, end, label, words, None, edit=edit.number, is_edited=True, is_confirmed=True)
        place = sum(one.start <= start for one in self.turns)
        self.turns.insert(place, turn)
        self.home.update((word["id"], turn) for word in words)
        return ""

    def _split(self, edit: Edit) -> str:
        there = self._word(edit) or placing.nearest(self.turns, edit.payload)
        if there is None:
            return "The transcript now has no word where the turn was split."
        turn, place = there
        if place:
            self._cut(turn, place)
            turn.edit = self._after(turn).edit = edit.number
        return ""

    def _merge(self, edit: Edit) -> str:
        there = self._word(edit) or placing.beginning(self.turns, edit.payload["start"])
        if there is None or there[1] > 0 or there[0] is self.turns[0]:
            return ""  # nothing is parted there
        later = there[0]
        place = self.turns.index(later)
        turn = self.turns[place - 1]
        if turn.is_refused != later.is_refused:
            return "One of the two turns is marked as not said."
        text = None if turn.text is None or later.text is None else f"{turn.text} {later.text}"
        turn.words, turn.text, turn.end = [*turn.words, *later.words], text, max(turn.end, later.end)
        turn.supported, turn.reason = turn.supported and later.supported, turn.reason or later.reason
        turn.is_edited = turn.is_edited or later.is_edited
        turn.is_confirmed = turn.is_confirmed and later.is_confirmed
        turn.edit = edit.number
        self.home.update((word["id"], turn) for word in later.words)
        del self.turns[place]
        return ""

    def _assign(self, edit: Edit) -> str:
        label = self._voice(edit.run, edit.payload["speaker"])
        if label is None:
            return "The voice that the turn was given to cannot be told apart any more."
        parts = self._parts(edit)
        for turn in parts:
            turn.speaker, turn.edit = label, edit.number
        return "" if parts else "The transcript now has no words where a turn was given to a speaker."

    def _name(self, edit: Edit) -> str:
        label = self._voice(edit.run, edit.payload["speaker"])
        if label is None:
            return "The voice that was named cannot be told apart any more."
        self.names[label] = edit.payload["name"]
        return ""

    def _merge_speakers(self, edit: Edit) -> str:
        label, into = (self._voice(edit.run, edit.payload[key]) for key in ("speaker", "into"))
        if into is None or label is None:
            return "" if label is None else "The voice that another was joined to cannot be told apart any more."
        for turn in self.turns:
            if turn.speaker == label:
                turn.speaker = into
        if label != into:
            self.names.pop(label, None)
        return ""

    def _confirm(self, edit: Edit) -> str:
        parts = self._parts(edit, like=True)
        for turn in parts:
            turn.supported, turn.reason, turn.is_refused, turn.is_confirmed, turn.edit = True, "", False, True, edit.number
        return "" if parts else "The transcript no longer has the words that somebody confirmed."

    def _refuse(self, edit: Edit) -> str:
        parts = self._parts(edit, like=True)
        for turn in parts:
            turn.supported, turn.is_refused, turn.is_confirmed, turn.edit = False, True, False, edit.number
        is_settled = parts or not placing.within(self.turns, edit.payload["start"], edit.payload["end"])
        return "" if is_settled else "The transcript now has other words where somebody marked some as not said."

    # Where

    def _word(self, edit: Edit) -> tuple[Turn, int] | None:
        turn = self.home.get(edit.payload["word"])
        return (turn, _place(turn, edit.payload["word"])) if turn else None

    def _span(self, edit: Edit) -> tuple[Turn, int, int] | None:
        """The turn, and from which of its words to before which: by id."""
        first, last = edit.payload["words"][0], edit.payload["words"][-1]
        turn = self.home.get(first)
        if turn is None or self.home.get(last) is not turn:
            return None
        return turn, _place(turn, first), _place(turn, last) + 1

    def _parts(self, edit: Edit, *, like: bool = False) -> list[Turn]:
        """The turns that the edit's words make up, cut out of longer ones. By time only where the words are `like` those named."""
        found = self._span(edit)
        spans = [found] if found else placing.covered(self.turns, edit.payload, like=like)
        parts = []
        for turn, first, after in spans:
            if after < len(turn.words):
                self._cut(turn, after)
            if first:
                self._cut(turn, first)
                turn = self._after(turn)
            parts.append(turn)
        return parts

    def _voice(self, run: int, label: str | None) -> str | None:
        """A label of the run that an edit was made on, in this run. What people made up (P1) stays."""
        if label is None or run == self.run or label.startswith("P"):
            return label
        if run not in self._voices:
            self._voices[run] = placing.voices_across(self.earlier.get(run, []), self.segments)
        return self._voices[run].get(label)

    # Turns

    def _after(self, turn: Turn) -> Turn:
        return self.turns[self.turns.index(turn) + 1]

    def _cut(self, turn: Turn, place: int) -> None:
        """Parts a turn before one of its words. The machine's sentence is made of its words on both sides."""
        words = turn.words[place:]
        later = Turn(
            words[0]["start"],
            max(turn.end, words[-1]["end"]),
            turn.speaker,
            words,
            None,
            turn.supported,
            turn.reason,
            turn.edit,
            turn.is_edited,
            turn.is_confirmed,
            turn.is_refused,
        )
        turn.words, turn.text = turn.words[:place], None
        turn.end = max(word["end"] for word in turn.words)
        self.turns.insert(self.turns.index(turn) + 1, later)
        self.home.update((word["id"], later) for word in words)


def turns_of(segments: Sequence[Mapping[str, Any]], run: int) -> list[Turn]:
    """A run's segments as turns, with ids for their words. What has no word is left out."""
    turns, count = [], 0
    for at, segment in enumerate(segments):
        words = [{**word, "id": f"{run}:{place}"} for place, word in enumerate(segment["words"], count)]
        count += len(segment["words"])
        words = words or spread(segment["text"].split(), segment["start"], segment["end"], f"{run}:s{at}", probability=0.0)
        if not words:
            continue
        supported = bool(segment.get("supported", True))
        reason = "" if supported else segment.get("reason") or ""
        turns.append(Turn(segment["start"], segment["end"], segment.get("speaker"), words, segment["text"], supported, reason))
    return turns


def rewritten(old: Sequence[Row], tokens: Sequence[str], before: float, until: float, prefix: str) -> list[Row]:
    """Words for `tokens` in place of `old`. What stays the same keeps its times and id, and so does a word for a word; other
    new words share the time of those whose place they take, by length; what is put in gets the pause around it, from `before`
    (seconds, where the word ahead ends) to `until`."""
    new: list[Row] = []
    count = 0
    matcher = SequenceMatcher(None, [word["text"] for word in old], tokens, autojunk=False)
    for what, i, j, k, m in matcher.get_opcodes():
        if what == "equal":
            new += old[i:j]
            continue
        if j - i == m - k:
            new += [{**word, "text": token, "probability": WRITTEN} for word, token in zip(old[i:j], tokens[k:m], strict=True)]
            continue
        if i == j:
            start, end = (new[-1]["end"] if new else before), (old[i]["start"] if i < len(old) else until)
        else:
            start, end = old[i]["start"], old[j - 1]["end"]
        new += spread(tokens[k:m], start, max(start, end), prefix, first=count)
        count += m - k
    return new


def spread(tokens: Sequence[str], start: float, end: float, prefix: str, *, first: int = 0, probability: float = WRITTEN) -> list[Row]:
    """Words from `start` to `end` (seconds), each as long as its share of the letters."""
    letters = sum(len(token) for token in tokens) or 1
    words, done, at = [], 0, start
    for place, token in enumerate(tokens, first):
        done += len(token)
        upto = end if done == letters else min(end, max(at, round(start + (end - start) * done / letters, 3)))
        words.append({"start": at, "end": upto, "text": token, "probability": probability, "id": f"{prefix}.{place}"})
        at = upto
    return words


def _place(turn: Turn, word_id: str) -> int:
    return next(place for place, word in enumerate(turn.words) if word["id"] == word_id)
