"""Voices and words brought together: who said which word, and where one person's turn ends."""

import bisect
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recordings.speech import Segment, Word

SLIP_S, SLIP_PAUSE_S = 0.35, 0.12
REACH_WORDS, REACH_S = 2, 0.6  # how far a change may move between words ...
SENTENCE_S = 0.3  # ... and how much nearer the end of a sentence counts


@dataclass(frozen=True)
class Voices:
    """The voices of a recording. Labels are S1, S2 … in the order in which they are first heard."""

    labels: list[str]
    turns: list[tuple[float, float, str]]  # start and end in seconds, in order, apart
    times: NDArray[np.float32]  # [windows, 2] seconds
    embeddings: NDArray[np.float16]  # [windows, 256], of length 1: as personal as a fingerprint
    window_labels: NDArray[np.int8]  # [windows], places in `labels`


def assign(segments: Sequence[Segment | Mapping[str, Any]], voices: Voices) -> list[Segment]:
    """The segments with a speaker each, cut where the voice changes; words keep their times.

    A word goes to the voice that has most of it, and one that no turn reaches to the nearest. Whisper's word times and the
    turns are each off by a little, so a change between words moves to the pause or the end of a sentence beside it: the
    first words of a turn must not be left to the one before.
    """
    rows = [segment if isinstance(segment, Segment) else _segment(segment) for segment in segments]
    if not voices.turns:
        return rows
    return [part for row in rows for part in _divided(row, voices.turns)]


def _segment(row: Mapping[str, Any]) -> Segment:
    return Segment(**{**_known(Segment, row), "words": tuple(Word(**_known(Word, word)) for word in row["words"])})


def _known(kind: type[Segment] | type[Word], row: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: row[field.name] for field in fields(kind) if field.name in row}


def _divided(segment: Segment, turns: Sequence[tuple[float, float, str]]) -> list[Segment]:
    if not segment.words:
        return [replace(segment, speaker=_speaker(segment.start, segment.end, turns))]
    words = segment.words
    who = _without_slips(words, [_speaker(word.start, word.end, turns) for word in words])
    cuts = [0, *(_settled(words, who, at) for at in range(1, len(words)) if who[at] != who[at - 1]), len(words)]
    labels = [who[0], *(who[at] for at in range(1, len(words)) if who[at] != who[at - 1])]
    parts = [(words[first:last], label) for (first, last), label in zip(itertools.pairwise(cuts), labels, strict=True) if last > first]
    if len(parts) == 1:
        return [replace(segment, speaker=parts[0][1])]
    return [
        replace(
            segment,
            start=segment.start if place == 0 else part[0].start,
            end=segment.end if place == len(parts) - 1 else part[-1].end,
            text=_text(segment, part),
            words=part,
            speaker=label,
        )
        for place, (part, label) in enumerate(parts)
    ]


def _text(segment: Segment, words: tuple[Word, ...]) -> str:
    """As the whole was written: with spaces between words where the language has them."""
    has_spaces = " " in segment.text or len(segment.words) == 1
    return (" " if has_spaces else "").join(word.text for word in words)


def _speaker(start: float, end: float, turns: Sequence[tuple[float, float, str]]) -> str:
    """Whose turn covers most of the stretch, else whose is nearest to its middle."""
    shares: dict[str, float] = {}
    first = max(0, bisect.bisect_right(turns, start, key=lambda turn: turn[0]) - 2)
    near = turns[first : bisect.bisect_left(turns, end, key=lambda turn: turn[0]) + 1]
    for begin, stop, label in near:
        shares[label] = shares.get(label, 0.0) + max(0.0, min(end, stop) - max(start, begin))
    if any(shares.values()):
        return max(shares, key=lambda label: shares[label])
    middle = (start + end) / 2
    return min(near, key=lambda turn: max(turn[0] - middle, middle - turn[1], 0.0))[2]


def _without_slips(words: Sequence[Word], who: list[str]) -> list[str]:
    """A short word between two of another voice, with no pause on either side, is a slip of the times and not a turn."""
    steady = list(who)
    for at in range(1, len(words) - 1):
        before, word, after = words[at - 1 : at + 2]
        is_close = word.start - before.end < SLIP_PAUSE_S and after.start - word.end < SLIP_PAUSE_S
        if who[at - 1] == who[at + 1] != who[at] and is_close and word.end - word.start < SLIP_S:
            steady[at] = who[at - 1]
    return steady


def _settled(words: Sequence[Word], who: Sequence[str], at: int) -> int:
    """The best place near `at` for the change there: where the pause is longest, and sooner after a sentence than within one."""

    def cost(place: int) -> float:
        before, after = words[place - 1], words[place]
        pause = max(0.0, after.start - before.end)
        moved = abs(after.start - words[at].start)
        return moved - 2 * min(pause, 0.5) - (SENTENCE_S if before.text[-1:] in ".?!" else 0.0)

    least, most = max(1, at - REACH_WORDS), min(len(words) - 1, at + REACH_WORDS)
    places = [
        place
        for place in range(least, most + 1)
        if abs(words[place].start - words[at].start) <= REACH_S
        and all(who[other] in (who[at - 1], who[at]) for other in range(min(place, at), max(place, at)))
    ]
    return min(places, key=lambda place: (cost(place), abs(place - at)))
