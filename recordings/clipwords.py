"""What is said in a teaching clip, as captions and as a transcript beneath its player.

Written down once, from the transcript as people left it when the clip was cut, with everything muted left out: so whoever
approves the clip reads what lessons will show, and no later edit brings a name back. Sealed under the recording's key.
"""

import datetime as dt
import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from recordings import casefile, exports, stretches, transcript, vault
from recordings import consent as consents
from recordings.models import Clip, Purpose, Redaction, SealedText
from recordings.speech import Segment
from recordings.stretches import Stretch

LONGEST_CUE = 80  # characters: two lines of captions
LONGEST_CUE_MS = 6_000
PAUSE_MS = 1_500  # a cue ends before a pause as long as this
UNNAMED = re.compile(r"[SP]\d+")  # a label of the machine's, or of a voice that a person told apart
ENDS = (".", "?", "!")

Cue = tuple[int, int, str]  # start and end in milliseconds of the clip, text


@dataclass(frozen=True)
class Line:
    """What one speaker says at a stretch."""

    speaker: str
    cues: list[Cue]


@dataclass(frozen=True)
class Words:
    """What there is to read today; `missing` is the sentence that stands where there is nothing."""

    lines: list[Line] = field(default_factory=list)
    missing: str = ""

    @property
    def spoken(self) -> list[tuple[str, str]]:
        """(speaker, text) in order, for reading: what one speaker says in a row stands together."""
        rows = itertools.groupby(self.lines, key=lambda line: line.speaker)
        return [(speaker, " ".join(text for line in lines for _, _, text in line.cues)) for speaker, lines in rows]


def written(clip: Clip, redaction: Redaction) -> list[Line] | None:
    """The words of the clip's stretch; None where there is no transcript. Raises vault.KeyGone, vault.Damaged.

    Left out is what was muted, and also what reads like a name of the family where nobody decided to keep it: times of words
    that people wrote are estimates, and may lie beside the stretch that was muted.
    """
    turns = transcript.edited(clip.recording)
    if not turns:
        return None
    decided = Stretch.read(redaction.spans)
    beside = stretches.news(stretches.hits(turns, casefile.names(clip.recording.family)), decided)
    lines = []
    for turn in turns:
        said = turn.get("words") or [{"start": turn["start"], "end": turn["end"], "text": turn["text"]}]
        kept = [word for word in said if clip.start_ms <= word["start"] * 1000 < clip.end_ms]
        if not kept or not turn.get("supported", True):
            continue
        words = stretches.said({**turn, "words": kept}, [*decided, *beside], removed)
        length = clip.end_ms - clip.start_ms
        moved = [(start - clip.start_ms, min(end - clip.start_ms, length), text) for start, end, text in words]
        lines.append(Line(turn["speaker"] or "", cues(moved)))
    return _named(lines)


def could_be_written(clip: Clip, *, on: dt.date) -> bool:
    """Whether there is a transcript today, to which everybody heard agrees."""
    if not consents.covers(clip.recording.consent, Purpose.TRANSCRIBE, on=on):
        return False
    try:
        return bool(transcript.edited(clip.recording))
    except (vault.KeyGone, vault.Damaged):
        return False


def _named(lines: Sequence[Line]) -> list[Line]:
    """With the voices that nobody has named as Speaker 1, Speaker 2 and so on, in the order in which the clip has them."""
    unnamed = list(dict.fromkeys(line.speaker for line in lines if UNNAMED.fullmatch(line.speaker)))
    names = {label: f"Speaker {number}" for number, label in enumerate(unnamed, 1)}
    return [Line(names.get(line.speaker, line.speaker), line.cues) for line in lines]


def removed(kind: str) -> str:
    """What stands for something muted: "[name removed]"."""
    if kind in (*stretches.UNHEARD, stretches.BY_HAND):
        return "[removed]"
    return f"[{kind if kind == 'NHS number' else stretches.LABELS[kind].lower()} removed]"


def cues(words: Sequence[Cue]) -> list[Cue]:
    """Words joined to captions of two short lines at most; all of them, in order."""
    made: list[Cue] = []
    for start, end, text in words:
        if made:
            first, last, so_far = made[-1]
            is_full = len(so_far) + 1 + len(text) > LONGEST_CUE or end - first > LONGEST_CUE_MS
            is_over = start - last >= PAUSE_MS or (so_far.endswith(ENDS) and len(so_far) > LONGEST_CUE // 2)
            if not is_full and not is_over:
                made[-1] = (first, max(last, end), f"{so_far} {text}")
                continue
        made.append((start, end, text))
    return made


def sealed(clip: Clip, lines: Sequence[Line]) -> SealedText:
    """Raises vault.KeyGone."""
    return vault.seal_text(clip.recording, json.dumps([[line.speaker, line.cues] for line in lines], ensure_ascii=False))


def of(clip: Clip, *, on: dt.date) -> Words:
    """For somebody who may hear the clip, which is for the caller to ask. The consent to a transcript is asked each time."""
    if not consents.covers(clip.recording.consent, Purpose.TRANSCRIBE, on=on):
        return Words(missing="There is no transcript of this clip: not everybody heard in it agrees to one.")
    if clip.words is None:
        return Words(missing="There is no transcript of this clip, and so there are no captions.")
    try:
        rows = json.loads(vault.open_text(clip.words))
    except (vault.KeyGone, vault.Damaged):
        return Words(missing="The transcript of this clip cannot be read. Tell the person who runs Plumbline.")
    lines = [Line(speaker, [(start, end, text) for start, end, text in said]) for speaker, said in rows]
    return Words(lines) if lines else Words(missing="No words could be made out in this clip.")


def to_vtt(words: Words, clip: Clip) -> str:
    """The captions as WebVTT, at the clip's own times."""
    segments = [
        Segment(start / 1000, end / 1000, text, (), speaker=line.speaker or None) for line in words.lines for start, end, text in line.cues
    ]
    return exports.to_vtt(exports.Transcript((clip.end_ms - clip.start_ms) / 1000, "", "", "", segments))
