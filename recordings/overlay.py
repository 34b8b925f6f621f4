"""Two sets of annotations over one waveform, as a picture that needs no script: coordinates of an SVG, in units of its width."""

import struct
from dataclasses import dataclass

from recordings import transcript, vault
from recordings.models import Annotation, Recording
from recordings.reviewforms import clock_text

WIDTH = 1000
MOST_POINTS = 1200
_HEIGHT, _MIDDLE = 20, 24  # of the wave: half its height, and where its middle is
_LEVELS = (5, 4, 3, 2, 1, 0)  # the coarsest first


@dataclass(frozen=True)
class Mark:
    """An annotation as a bar of a lane: `x` and `width` in units of the picture."""

    x: float
    width: float
    annotation: Annotation

    @property
    def title(self) -> str:
        one = self.annotation
        return f"{one.code.name}, {clock_text(one.start_ms // 1000 * 1000)} to {clock_text(one.end_ms // 1000 * 1000)}"


def lanes(recording: Recording, sets: list[list[Annotation]]) -> list[list[Mark]]:
    """A lane of marks for each set, in the order given."""
    scale = WIDTH / max(1, recording.duration_ms)
    return [
        [Mark(round(one.start_ms * scale, 1), max(2.0, round((one.end_ms - one.start_ms) * scale, 1)), one) for one in marks]
        for marks in sets
    ]


def wave(recording: Recording) -> str:
    """The outline of the waveform as SVG path data; empty where there is none to read."""
    pairs: list[tuple[int, int]] = []
    try:
        for level in _LEVELS:
            body = transcript.peaks(recording, level, 0, MOST_POINTS)
            finer = list(struct.iter_unpack("bb", body))
            if len(finer) >= MOST_POINTS and pairs:
                break
            pairs = finer
            if len(pairs) * 4 > MOST_POINTS:
                break
    except (vault.KeyGone, vault.Damaged):
        return ""
    if not pairs:
        return ""
    step = WIDTH / len(pairs)
    top = " ".join(f"{index * step:.1f},{_MIDDLE - greatest * _HEIGHT / 127:.1f}" for index, (_, greatest) in enumerate(pairs))
    bottom = " ".join(f"{index * step:.1f},{_MIDDLE - least * _HEIGHT / 127:.1f}" for index, (least, _) in reversed(list(enumerate(pairs))))
    return f"M{top} L{bottom}Z"
