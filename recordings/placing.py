"""Finding again, by time and text, what an edit was about: in a new run of the transcript, or after an edit beneath it was undone.

Rather nothing than the wrong place: words are taken for the same only where they are, but for case and punctuation.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from recordings.editing import Turn

NEAR_S = 0.5  # how far two runs may disagree about when a word is said
BESIDE_S = 0.2  # another word this near still marks the same place
ALIKE = 0.7  # share of the words that must be the same where a whole stretch is meant
_OUTSIDE = re.compile(r"^\W+|\W+$")

Span: TypeAlias = "tuple[Turn, int, int]"
Words: TypeAlias = "list[tuple[Turn, int, dict[str, Any]]]"


def token(text: str) -> str:
    """A word as it is compared: without case and outer punctuation."""
    return _OUTSIDE.sub("", text.replace("’", "'")).casefold()


def same(one: Sequence[str], other: Sequence[str]) -> bool:
    return [token(text) for text in one] == [token(text) for text in other]


def within(turns: "Sequence[Turn]", start: float, end: float, *, slack: float = 0.0) -> Words:
    """The words whose middle lies between `start` and `end` (seconds), give or take `slack`, with their turns and places."""
    low, high = start - slack, end + slack
    found = []
    for turn in turns:
        if turn.start > high or turn.end < low:
            continue
        found += [(turn, place, word) for place, word in enumerate(turn.words) if low <= (word["start"] + word["end"]) / 2 <= high]
    return found


def replaced(turns: "Sequence[Turn]", payload: Mapping[str, Any]) -> "Span | str | None":
    """Where the words that a person replaced stand now; None where the new words stand there already; else why not, as a sentence."""
    near = within(turns, payload["start"], payload["end"], slack=NEAR_S)
    was, text = payload["was"], payload["text"].split()
    looked_for = [(was, False), (text, True)] if len(was) > len(text) else [(text, True), (was, False)]
    for tokens, is_done in looked_for:  # the longer first: it may hold the shorter
        window = _window(near, tokens, payload["start"])
        if window is not None:
            return None if is_done else window
    return "The transcript now has other words where somebody changed some."


def _window(near: Words, tokens: Sequence[str], start: float) -> "Span | None":
    """The stretch of one turn that says just that, the one nearest in time."""
    wanted = [token(text) for text in tokens]
    said = [token(word["text"]) for _turn, _place, word in near]
    size = len(wanted)
    found = [at for at in range(len(near) - size + 1) if said[at : at + size] == wanted and near[at][0] is near[at + size - 1][0]]
    if not found:
        return None
    best = min(found, key=lambda at: abs(near[at][2]["start"] - start))
    turn, place, _word = near[best]
    return turn, place, place + size


def nearest(turns: "Sequence[Turn]", payload: Mapping[str, Any]) -> "tuple[Turn, int] | None":
    """The word that begins nearest to `start`: the same word, or one just there."""
    start, wanted = payload["start"], token(payload["was"])
    best: tuple[Turn, int] | None = None
    least = float("inf")
    for turn in turns:
        if not turn.start - NEAR_S <= start <= turn.end + NEAR_S:
            continue
        for place, word in enumerate(turn.words):
            away = abs(word["start"] - start)
            limit = NEAR_S if token(word["text"]) == wanted else BESIDE_S
            if away <= limit and away < least:
                best, least = (turn, place), away
    return best


def beginning(turns: "Sequence[Turn]", start: float) -> "tuple[Turn, int] | None":
    """The turn that begins nearest to `start`, if one does near it."""
    near = [turn for turn in turns if abs(turn.words[0]["start"] - start) <= NEAR_S]
    return (min(near, key=lambda turn: abs(turn.words[0]["start"] - start)), 0) if near else None


def covered(turns: "Sequence[Turn]", payload: Mapping[str, Any], *, like: bool) -> list[Span]:
    """The stretches of turns that lie in the edit's time; where they must be `like` the words it names, only if they are."""
    inside: Words = []
    for slack in (0.0, 0.05):  # a neighbour that is shorter than a tenth of a second is no part of it
        inside = within(turns, payload["start"], payload["end"], slack=slack)
        if inside and (not like or _alike([word["text"] for _turn, _place, word in inside], payload["was"])):
            break
    else:
        return []
    spans: dict[int, Span] = {}
    for turn, place, _word in inside:
        first = spans[id(turn)][1] if id(turn) in spans else place
        spans[id(turn)] = (turn, first, place + 1)
    return list(spans.values())


def _alike(one: Sequence[str], other: Sequence[str]) -> bool:
    return SequenceMatcher(None, [token(text) for text in one], [token(text) for text in other], autojunk=False).ratio() >= ALIKE


def voices_across(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """For each voice of an older run the voice of a newer that speaks at the same time; one for one, most time in common first."""
    known = sorted((row for row in new if row.get("speaker")), key=lambda row: row["start"])
    starts = [row["start"] for row in known]
    longest = max((row["end"] - row["start"] for row in known), default=0.0)
    together: dict[tuple[str, str], float] = {}
    for row in old:
        if not row.get("speaker"):
            continue
        for other in known[bisect_left(starts, row["start"] - longest) : bisect_left(starts, row["end"])]:
            overlap = min(row["end"], other["end"]) - max(row["start"], other["start"])
            if overlap > 0:
                pair = (row["speaker"], other["speaker"])
                together[pair] = together.get(pair, 0.0) + overlap
    found: dict[str, str] = {}
    for (label, heir), _seconds in sorted(together.items(), key=lambda item: (-item[1], item[0])):
        if label not in found and heir not in found.values():
            found[label] = heir
    return found
