"""What the workbench's page and scripts carry, kept small: an hour and a half of talk is a few hundred kilobytes before it is packed.

The page itself holds a part of the transcript and of the annotations, so that it works without scripts; the scripts ask for the
whole transcript at once in the compact form of `words`.
"""

from dataclasses import dataclass
from typing import Any

from recordings import comments, transcript, vault, workbench
from recordings.models import Annotation, Recording

PART_TURNS = 40  # turns in the page itself
PART_NOTES = 30
SILENCE_MS = 2_000  # shorter pauses belong to the talk


@dataclass(frozen=True)
class Part:
    """Some of a long list, for a page that works without scripts. `number` counts from 1."""

    rows: list[Any]
    number: int
    parts: int
    total: int

    @property
    def before(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        return self.number + 1 if self.number < self.parts else None


def part(rows: list[Any], size: int, asked: str, *, holding: int | None = None) -> Part:
    """The part that is asked for by its number, or else the one with the row at `holding`; the nearest there is."""
    parts = max(1, -(-len(rows) // size))
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else (holding or 0) // size + 1
    number = min(max(1, number), parts)
    return Part(rows[(number - 1) * size : number * size], number, parts, len(rows))


def turn_at(turns: list[workbench.Turn], at_ms: int) -> int:
    """The place of the turn that is heard at a time: the last that has begun, or the first."""
    return max(0, sum(turn.start_ms <= at_ms for turn in turns) - 1)


def with_comments(kept: list[Annotation]) -> list[tuple[Annotation, str]]:
    """Annotations with their comments, opened together; empty ones where the key is gone."""
    sealed = [one.comment for one in kept if one.comment is not None]
    try:
        texts = dict(zip((text.pk for text in sealed), vault.open_texts(sealed), strict=True))
    except vault.KeyGone:
        return [(one, comments.opened(one.comment)) for one in kept]
    return [(one, texts[one.comment.pk] if one.comment is not None else "") for one in kept]


def words(recording: Recording) -> dict[str, Any]:
    """The whole transcript for the workbench's script, in milliseconds.

    `turns` are [start, length, speaker, reason, text, [steps]]: speaker and reason count in the lists beside them (-1: none),
    the text is the words with spaces between (a space within a word is one that does not break), and each step leads from one
    word's start to the next, the first from the turn's. `silences` are pairs, where nobody speaks for two seconds or longer.
    Raises vault.KeyGone, vault.Damaged.
    """
    layer = transcript.layer(recording)
    found = workbench.turns_of([turn for turn in layer.turns if not turn["refused"]])
    speakers = list(dict.fromkeys(turn.speaker for turn in found if turn.speaker))
    reasons = list(dict.fromkeys(turn.reason for turn in found if turn.reason))
    rows = []
    for turn in found:
        steps, at = [], turn.start_ms
        for start, _ in turn.words:
            steps.append(start - at)
            at = start
        text = " ".join("\u00a0".join(word.split()) for _, word in turn.words)
        speaker = speakers.index(turn.speaker) if turn.speaker else -1
        reason = reasons.index(turn.reason) if turn.reason else -1
        rows.append([turn.start_ms, turn.end_ms - turn.start_ms, speaker, reason, text, steps])
    return {"speakers": speakers, "reasons": reasons, "turns": rows, "silences": silences(layer.speech, recording.duration_ms)}


def silences(speech: list[tuple[float, float]], duration_ms: int) -> list[list[int]]:
    """Where nobody speaks for long enough to be passed over, as pairs of milliseconds. None where voice activity was never looked for."""
    if not speech:
        return []
    found, at = [], 0
    for start, end in [*sorted((round(1000 * a), round(1000 * b)) for a, b in speech), (duration_ms, duration_ms)]:
        if start - at >= SILENCE_MS:
            found.append([at, start])
        at = max(at, end)
    return found
