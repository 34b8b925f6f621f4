"""MP4 and QuickTime files for a pipe: their index is brought to the front, and what it must not hold is refused.

A telephone writes the index ("moov") behind the sound and the picture, and a pipe cannot be read backwards. So the index is
sent first, with each chunk's place corrected by the index's length (what qt-faststart does to a file), and the rest
follows as it lies in the vault. Nothing but the index is ever held in memory. Boxes: ISO/IEC 14496-12.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from recordings.unreadable import DAMAGED, ELSEWHERE, TOO_MANY_TRACKS, UnreadableAudio

STEP = 256 * 1024
MOST_INDEX_BYTES = 64 * 1024**2  # three hours of picture and sound have a tenth of that
MOST_TRACKS = 24
MOST_BOXES = 4_000
_HOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf"}
_OWN = 1  # the flag of a data reference: the data is in this file

Box = tuple[bytes, int, int, int]  # kind, start, start of its content, end


def piped(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of a seekable file from its beginning, its index first. Raises UnreadableAudio."""
    size = stream.seek(0, 2)
    index, is_late = find_index(stream, size)
    if index is None:
        raise _damaged()
    _, start, _, end = index
    if end - start > MOST_INDEX_BYTES:
        raise _damaged()
    stream.seek(start)
    moov = bytearray(stream.read(end - start))
    if len(moov) != end - start:
        raise _damaged()
    places = _examine(moov)
    if not is_late:
        yield from _stretch(stream, 0, size)
        return
    _move(moov, places, before=start, by=len(moov))
    first = _head_end(stream, size)
    yield from _stretch(stream, 0, first)
    yield bytes(moov)
    yield from _stretch(stream, first, start)
    yield from _stretch(stream, end, size)


def _damaged() -> UnreadableAudio:
    return UnreadableAudio(DAMAGED, "damaged")


def _stretch(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    stream.seek(start)
    while start < end and (block := stream.read(min(STEP, end - start))):
        start += len(block)
        yield block


def header(data: bytes | bytearray, at: int, start: int, size: int) -> Box | None:
    """The box whose header is at `data[at:]`, for a file in which that is `start`; None where there is none."""
    if len(data) - at < 8:
        return None
    length, kind = struct.unpack_from(">I4s", data, at)
    inner = 8
    if length == 1:
        if len(data) - at < 16:
            return None
        length, inner = struct.unpack_from(">Q", data, at + 8)[0], 16
    elif length == 0:
        length = size - start
    if length < inner or start + length > size:
        return None
    return kind, start, start + inner, start + length


def find_index(stream: BinaryIO, size: int) -> tuple[Box | None, bool]:
    """The index, and whether sound or picture comes before it."""
    at, is_late = 0, False
    for _ in range(MOST_BOXES):
        stream.seek(at)
        box = header(stream.read(16), 0, at, size)
        if box is None:
            break
        if box[0] == b"moov":
            return box, is_late
        is_late = is_late or box[0] == b"mdat"
        at = box[3]
    return None, False


def _head_end(stream: BinaryIO, size: int) -> int:
    """Where the first box ends if it says what the file is; else 0."""
    stream.seek(0)
    box = header(stream.read(16), 0, 0, size)
    return box[3] if box is not None and box[0] == b"ftyp" else 0


def _examine(moov: bytearray) -> list[Box]:
    """The tables of chunk places. Raises UnreadableAudio for what a recording does not have."""
    tables: list[Box] = []
    tracks = 0
    waiting = [(0, len(moov))]
    for _ in range(MOST_BOXES * 10):
        if not waiting:
            break
        start, end = waiting.pop()
        while start < end and (box := header(moov, start, start, end)):
            kind, _, inside, start = box
            if kind in _HOLDERS:
                waiting.append((inside, start))
            elif kind == b"dref":
                _refuse_elsewhere(moov, inside, start)
            elif kind == b"cmov":
                raise _damaged()  # a compressed index, as no device has written for twenty years
            elif kind in (b"stco", b"co64"):
                tables.append(box)
            tracks += kind == b"trak"
            if tracks > MOST_TRACKS:
                raise UnreadableAudio(TOO_MANY_TRACKS, "tracks")
    else:
        raise _damaged()
    return tables


def _refuse_elsewhere(moov: bytearray, start: int, end: int) -> None:
    start += 8  # version, flags, count
    while start < end and (box := header(moov, start, start, end)):
        _, _, inside, start = box
        is_own = start - inside >= 4 and moov[inside + 3] & _OWN
        if not is_own and start - inside > 4:
            raise UnreadableAudio(ELSEWHERE, "elsewhere")


def _move(moov: bytearray, tables: list[Box], *, before: int, by: int) -> None:
    """Corrects the places of chunks that lie before the index. Raises UnreadableAudio where one cannot be written any more."""
    for kind, _, inside, end in tables:
        wide = ">u8" if kind == b"co64" else ">u4"
        width = int(wide[-1])
        if end - inside < 8:
            raise _damaged()
        (count,) = struct.unpack_from(">I", moov, inside + 4)
        if count * width > end - inside - 8:
            raise _damaged()
        places = np.frombuffer(moov, wide, count, inside + 8).astype(np.uint64)
        moved = np.where(places < before, places + np.uint64(by), places)
        if width == 4 and count and int(moved.max()) > 0xFFFFFFFF:
            raise _damaged()
        moov[inside + 8 : inside + 8 + count * width] = moved.astype(wide).tobytes()
