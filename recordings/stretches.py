"""What is to be muted, as stretches of time: from the words of a transcript to milliseconds. Pure; no word comes out of here.

It fails closed. A hit whose words have no times mutes its whole turn; so do turns that the sound does not bear out; speech
for which there are no words is muted as a gap.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from recordings import identifiers, soundalike
from recordings.identifiers import Hit

PAD_MS = 250
PAD_WRITTEN_MS = 750  # words that a person wrote have estimated times
UNSUPPORTED, GAP, BY_HAND = "unsupported", "gap", "by hand"
UNHEARD = (UNSUPPORTED, GAP)  # kinds of which nobody knows what is said, unless they listen
LABELS = {
    soundalike.NAME: "Name",
    "date": "Date",
    "telephone": "Telephone number",
    "NHS number": "NHS number",
    "number": "Long number",
    "postcode": "Postcode",
    "address": "Address",
    "e-mail": "E-mail address",
    "spelled": "Spelled out",
    UNSUPPORTED: "Words that the sound does not bear out",
    GAP: "Speech without words",
    BY_HAND: "Added by hand",
}


@dataclass(frozen=True, order=True)
class Stretch:
    """A row of `Redaction.spans`. `confidence` in percent, of the detector."""

    start_ms: int
    end_ms: int
    kind: str
    is_muted: bool = True
    confidence: int = 100

    @classmethod
    def read(cls, rows: Iterable[Mapping[str, Any]]) -> list[Self]:
        return [cls(**row) for row in rows]

    def row(self) -> dict[str, Any]:
        return asdict(self)


def propose(
    turns: Sequence[Mapping[str, Any]], *, names: Sequence[str], gaps: Sequence[tuple[float, float]], duration_ms: int
) -> list[Stretch]:
    """All that should be muted, in order and without overlap. `turns` are segments, `gaps` in seconds."""
    found = [*_unsupported(turns), *(Stretch(_ms(start) - PAD_MS, _ms(end) + PAD_MS, GAP) for start, end in gaps), *hits(turns, names)]
    return merged(found, duration_ms)


def hits(turns: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Stretch]:
    """What identifies somebody, padded; not merged, and perhaps before the start or beyond the end. A name or a number may
    run on from one turn into the next; a number, past a turn that only encourages whoever tells it."""
    tokens: list[tuple[str, Mapping[str, Any] | None, Mapping[str, Any]]] = []
    for turn in turns:
        words = [word for word in turn.get("words") or [] if word["text"].strip()]
        tokens += [(word["text"].strip(), word, turn) for word in words] or [(text, None, turn) for text in turn["text"].split()]
    texts = [text for text, _, _ in tokens]
    found = [_stretch(hit, tokens) for hit in [*soundalike.find(texts, names), *identifiers.find(texts)]]
    told = [one for one in tokens if not _only_encourages(one[2])]
    if len(told) < len(tokens):
        found += [_stretch(hit, told) for hit in identifiers.find([text for text, _, _ in told])]
    return list(dict.fromkeys(found))


_ENCOURAGING = set(
    "ah alright aye cool fine go good got great hm hmm huh it mhm mm okay ok on right sure that uh um yeah yep yes yup".split()
)


def _only_encourages(turn: Mapping[str, Any]) -> bool:
    """ "Mm-hm.", "Yeah, go on.", "Oh right.": whoever else is telling a number goes on with it afterwards."""
    words = re.findall(r"[^\W_]+", turn["text"].lower())
    return any(word in _ENCOURAGING for word in words) and all(word in _ENCOURAGING or word == "oh" for word in words)


def _stretch(hit: Hit, tokens: Sequence[tuple[str, Mapping[str, Any] | None, Mapping[str, Any]]]) -> Stretch:
    starts, ends = [], []
    for _, word, turn in tokens[hit.first : hit.last + 1]:
        pad = PAD_WRITTEN_MS if turn.get("edited") else PAD_MS
        timed = word if word is not None and word["end"] > word["start"] >= 0 else turn
        starts.append(_ms(timed["start"]) - pad)
        ends.append(_ms(timed["end"]) + pad)
    return Stretch(min(starts), max(ends), hit.kind, confidence=hit.confidence)


def _unsupported(turns: Sequence[Mapping[str, Any]]) -> list[Stretch]:
    doubtful = [turn for turn in turns if not turn.get("supported", True) and not turn.get("confirmed")]
    return [Stretch(_ms(turn["start"]) - PAD_MS, _ms(turn["end"]) + PAD_MS, UNSUPPORTED) for turn in doubtful]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def merged(stretches: Iterable[Stretch], duration_ms: int) -> list[Stretch]:
    """In order, within the recording, each moment in one stretch at most. What overlaps is joined under the kind that
    identifies more surely; muted beats kept."""
    joined: list[Stretch] = []
    for one in sorted(stretches):
        one = replace(one, start_ms=max(0, one.start_ms), end_ms=min(duration_ms, one.end_ms))
        if one.start_ms >= one.end_ms:
            continue
        if joined and one.start_ms < joined[-1].end_ms:
            joined[-1] = _join(joined[-1], one)
        else:
            joined.append(one)
    return joined


def _join(one: Stretch, other: Stretch) -> Stretch:
    order = list(LABELS)
    kind = min((one, other), key=lambda each: order.index(each.kind))
    start, end = min(one.start_ms, other.start_ms), max(one.end_ms, other.end_ms)
    return Stretch(start, end, kind.kind, one.is_muted or other.is_muted, max(one.confidence, other.confidence))


def added(stretches: Sequence[Stretch], new: Iterable[Stretch], duration_ms: int) -> list[Stretch]:
    """With more that a person, or a second look, found. What was kept and lies beneath is muted from now on."""
    return merged([*stretches, *new], duration_ms)


def muted(stretches: Iterable[Stretch]) -> list[tuple[int, int]]:
    return [(one.start_ms, one.end_ms) for one in stretches if one.is_muted]


def news(found: Iterable[Stretch], decided: Sequence[Stretch]) -> list[Stretch]:
    """Of what a second look found, that on which nobody has decided: it neither touches a stretch that was kept nor lies in muted ones.

    A machine that listens to silence imagines words, so what lies in muted stretches but for its padding is no news.
    """
    fresh = []
    for one in found:
        core = (one.start_ms + PAD_MS, max(one.start_ms + PAD_MS + 1, one.end_ms - PAD_MS))
        if any(not each.is_muted and each.start_ms < core[1] and core[0] < each.end_ms for each in decided):
            continue
        covered = sum(max(0, min(core[1], each.end_ms) - max(core[0], each.start_ms)) for each in decided if each.is_muted)
        if covered < 0.9 * (core[1] - core[0]):
            fresh.append(one)
    return fresh


def redacted(turns: Sequence[Mapping[str, Any]], stretches: Sequence[Stretch]) -> list[dict[str, Any]]:
    """The transcript of the muted version: start, end, speaker, text. Each run of muted words becomes its kind in brackets."""
    return [
        {
            "start": turn["start"],
            "end": turn["end"],
            "speaker": turn.get("speaker"),
            "text": " ".join(text for _, _, text in said(turn, stretches, _in_brackets)),
        }
        for turn in turns
    ]


def said(turn: Mapping[str, Any], stretches: Iterable[Stretch], mark: Callable[[str], str]) -> list[tuple[int, int, str]]:
    """A turn's words as (start, end, text) in milliseconds; each run of muted words is one, with the `mark` of its kind."""
    quiet = [one for one in stretches if one.is_muted]
    words = turn.get("words") or [{"start": turn["start"], "end": turn["end"], "text": turn["text"]}]
    made: list[tuple[int, int, str]] = []
    for word in words:
        start, end = _ms(word["start"]), max(_ms(word["end"]), _ms(word["start"]) + 1)
        found = next((one for one in quiet if one.start_ms < end and start < one.end_ms), None)
        text = mark(found.kind) if found else word["text"].strip()
        if found and made and made[-1][2] == text:
            made[-1] = (made[-1][0], max(made[-1][1], end), text)
        elif text:
            made.append((start, end, text))
    return made


def _in_brackets(kind: str) -> str:
    return f"[{LABELS[kind].lower() if kind != 'NHS number' else kind}]"
