"""Silence in the sound derivative, frame by frame, without decoding it.

`audio.make_playback` writes MPEG layer III at a constant rate in which every frame stands alone (no bit reservoir, no tags).
So a frame can be emptied by itself: its header stays, all else becomes zero, which is a frame without any energy. The length
stays the same to the byte, and what lies outside the stretches is untouched. Frames: ISO/IEC 11172-3, 2.4.
"""

from collections.abc import Iterable

SAMPLES = 1152
_RATES = (44_100, 48_000, 32_000)
_KBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
# A frame sounds on into the next one (the transform overlaps), and the filter bank is late by half a frame.
BEFORE, AFTER = 2, 1


class NotOurSound(Exception):
    """It is not a derivative that Plumbline made, so nothing can be promised about it."""

    def __init__(self) -> None:
        super().__init__("The sound of this recording is not of the form that can be muted. Nothing was made. Process the recording again.")


def silenced(data: bytes, stretches_ms: Iterable[tuple[int, int]]) -> bytes:
    """The same sound, of the same length, silent from each start to each end. Raises NotOurSound."""
    starts, rate = _frames(data)
    muted = bytearray(data)
    for start_ms, end_ms in stretches_ms:
        first = max(0, start_ms * rate // (1000 * SAMPLES) - BEFORE)
        last = min(len(starts) - 2, end_ms * rate // (1000 * SAMPLES) + AFTER)
        for frame in range(first, last + 1):
            body = starts[frame] + 4
            muted[body : starts[frame + 1]] = bytes(starts[frame + 1] - body)
    return bytes(muted)


def _frames(data: bytes) -> tuple[list[int], int]:
    """Where each frame begins, and where the last one ends; samples a second."""
    starts, at, rate = [], 0, 0
    while at + 4 <= len(data):
        length, found = _header(data[at : at + 4])
        if rate and found != rate:
            raise NotOurSound
        rate = found
        starts.append(at)
        at += length
    if not starts or at - len(data) > 0:
        raise NotOurSound
    return [*starts, at], rate


def _header(four: bytes) -> tuple[int, int]:
    """Length in bytes and samples a second of a frame of MPEG 1 layer III without a checksum."""
    if four[0] != 0xFF or four[1] != 0xFB:
        raise NotOurSound
    kbits, rate = four[2] >> 4, four[2] >> 2 & 3
    if kbits in (0, 15) or rate == 3:
        raise NotOurSound
    return 144_000 * _KBITS[kbits] // _RATES[rate] + (four[2] >> 1 & 1), _RATES[rate]


def cut(data: bytes, start_ms: int, end_ms: int) -> bytes:
    """The frames from the one that holds the start to the one that holds the end, as a sound of its own. Raises NotOurSound."""
    starts, rate = _frames(data)
    last = len(starts) - 2
    first = min(start_ms * rate // (1000 * SAMPLES), last)
    final = min(max(first, (end_ms * rate - 1) // (1000 * SAMPLES)), last)
    return data[starts[first] : starts[final + 1]]
