"""How the time of a session was shared, counted from words and voice activity: described, never scored.

A turn is what one person says until another speaks, encouragers such as "mm" included. Words that the sound does not support
are left out until a person has confirmed them, and so are words that nobody was named for. Where two people speak at once the
machine usually gives the words to one of them, so overlap is a least value. None of these figures says how good a session was.
"""

import bisect
import itertools
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PAUSE_S = 0.2  # shorter silences belong to the sounds of speech: stops such as "p" and "t" are silent for a while
ENOUGH_S = 10.0  # of own speech, below which words a minute would be chance

Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Turn:
    """Seconds from the start of the recording, and whose turn it is."""

    start: float
    end: float
    speaker: str
    words: int
    parts: tuple[tuple[float, float], ...]  # its segments

    @property
    def length(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Pause:
    start: float
    end: float
    speaker: str  # who goes on, or answers
    is_within: bool  # inside one turn; else between two people's turns


@dataclass(frozen=True)
class Speaker:
    """One person's part. Seconds; medians are None where there is nothing to take one of."""

    speaker: str
    spoken: float
    share: float  # of all that was said, 0 to 1
    turns: int
    median_turn: float
    pauses: int
    median_pause: float | None
    answers: int  # turns after somebody else's
    median_latency: float | None  # from another's last word to this person's first; 0 where they overlap
    overlaps: int  # turns begun while another's was not over
    words: int
    rate: float | None  # words in a minute of own speech


@dataclass(frozen=True)
class Measures:
    duration: float
    speech: float  # seconds in which somebody speaks
    overlap: float  # seconds in which two turns run at once
    median_between: float | None  # pause from one person to another
    left_out: int  # words that are not supported, or that nobody was named for
    speakers: tuple[Speaker, ...]  # in the order in which they are first heard


def of(segments: Iterable[Mapping[str, Any]], speech: Spans, *, duration: float) -> Measures:
    """The measures of a transcript (`transcript.edited`) with the stretches of speech (`features.speech_spans`), all in seconds."""
    rows = list(segments)
    found = turns(rows)
    breaks = pauses(found, speech)
    spoken = _spoken(found, speech)
    total = sum(spoken.values())
    counted = sum(turn.words for turn in found)
    return Measures(
        duration=duration,
        speech=sum(end - start for start, end in speech),
        overlap=sum(end - start for start, end in overlaps(found)),
        median_between=_median(pause.end - pause.start for pause in breaks if not pause.is_within),
        left_out=sum(len(row["words"]) for row in rows) - counted,
        speakers=tuple(_speaker(name, found, breaks, spoken[name], total) for name in dict.fromkeys(turn.speaker for turn in found)),
    )


def turns(segments: Iterable[Mapping[str, Any]]) -> list[Turn]:
    """The turns in order of their start, from what is supported or confirmed and has a speaker."""
    counted = sorted((row for row in segments if _counts(row)), key=lambda row: (row["start"], row["end"]))
    found = []
    for name, group in itertools.groupby(counted, key=lambda row: str(row["speaker"])):
        rows = list(group)
        parts = tuple((float(row["start"]), float(row["end"])) for row in rows)
        words = sum(len(row["words"]) for row in rows)
        found.append(Turn(parts[0][0], max(end for _start, end in parts), name, words, parts))
    return found


def _counts(row: Mapping[str, Any]) -> bool:
    return bool(row["words"] and row.get("speaker") and (row["supported"] or row.get("confirmed")))


def pauses(found: Sequence[Turn], speech: Spans) -> list[Pause]:
    """Silences of PAUSE_S and more: inside each turn, and from one turn to the next where they do not overlap."""
    silences = [(a[1], b[0]) for a, b in itertools.pairwise(speech) if b[0] - a[1] >= PAUSE_S]
    begins = [start for start, _end in silences]
    breaks = []
    reached = 0.0
    for place, turn in enumerate(found):
        if place and turn.start - reached >= PAUSE_S:
            breaks.append(Pause(reached, turn.start, turn.speaker, is_within=False))
        for start, end in silences[bisect.bisect_left(begins, turn.start) :]:
            if start >= turn.end:
                break
            if end <= turn.end:
                breaks.append(Pause(start, end, turn.speaker, is_within=True))
        reached = max(reached, turn.end)
    return sorted(breaks, key=lambda pause: pause.start)


def overlaps(found: Sequence[Turn]) -> list[tuple[float, float]]:
    """Stretches in which segments of two people or more run at once, in order and apart."""
    edges = sorted((moment, step, turn.speaker) for turn in found for a, b in turn.parts for moment, step in ((a, 1), (b, -1)))
    active: dict[str, int] = {}
    stretches: list[tuple[float, float]] = []
    begun: float | None = None
    for moment, step, name in edges:
        active[name] = active.get(name, 0) + step
        several = sum(count > 0 for count in active.values()) > 1
        if several and begun is None:
            begun = moment
        elif not several and begun is not None:
            if moment > begun:
                stretches.append((begun, moment))
            begun = None
    return stretches


def _spoken(found: Sequence[Turn], speech: Spans) -> dict[str, float]:
    """Seconds of voice in each person's segments; a segment's own length where there is no voice activity to go by."""
    ends = [end for _start, end in speech]
    parts: dict[str, list[tuple[float, float]]] = {}
    for turn in found:
        parts.setdefault(turn.speaker, []).extend(turn.parts)
    spoken: dict[str, float] = {}
    for name, own in parts.items():
        spoken[name] = 0.0
        for start, end in _merged(sorted(own)):
            near = itertools.takewhile(lambda span: span[0] < end, speech[bisect.bisect_right(ends, start) :])  # noqa: B023 (used up at once)
            spoken[name] += sum(min(end, b) - max(start, a) for a, b in near) if speech else end - start
    return spoken


def _merged(parts: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, end in parts:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _speaker(name: str, found: Sequence[Turn], breaks: Sequence[Pause], spoken: float, total: float) -> Speaker:
    own = [turn for turn in found if turn.speaker == name]
    within = [pause.end - pause.start for pause in breaks if pause.is_within and pause.speaker == name]
    latencies = [after.start - before.end for before, after in itertools.pairwise(found) if after.speaker == name]
    words = sum(turn.words for turn in own)
    return Speaker(
        speaker=name,
        spoken=spoken,
        share=spoken / total if total else 0.0,
        turns=len(own),
        median_turn=statistics.median(turn.length for turn in own),
        pauses=len(within),
        median_pause=_median(within),
        answers=len(latencies),
        median_latency=_median(max(0.0, latency) for latency in latencies),
        overlaps=sum(latency < 0 for latency in latencies),
        words=words,
        rate=words / spoken * 60 if spoken >= ENOUGH_S else None,
    )


def _median(values: Iterable[float]) -> float | None:
    kept = list(values)
    return statistics.median(kept) if kept else None
