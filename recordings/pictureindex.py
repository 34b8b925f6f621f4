"""Which seconds of a picture a stretch of its file holds: read from the index that stands at the front of our own MP4 files.

Their bitrate varies, so a share of the bytes is no share of the time. The tables: ISO/IEC 14496-12, 8.6 and 8.7. A chunk, which
is at most about a second of sound or of picture, is the smallest that is told apart. Pictures are placed by when they are
decoded, a few frames from when they are shown.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO, cast

import numpy as np

from recordings import boxes, listening, vault
from recordings.listening import Interval
from recordings.models import SealedObject

_MOST_SAMPLES = 4_000_000  # of a track; three hours of sound have half a million
_HOLDERS = (b"trak", b"mdia", b"minf", b"stbl", b"edts")


class NoIndex(ValueError):
    """The file is not one of ours, or is damaged."""


@dataclass(frozen=True)
class Index:
    """Chunks in the order of their places. `places`: int64 [n, 2], first byte and the one after the last; `times`: the same in ms."""

    places: np.ndarray[Any, np.dtype[np.int64]]
    times: np.ndarray[Any, np.dtype[np.int64]]

    def spans(self, start: int, end: int) -> list[Interval]:
        """The time, in milliseconds, that the bytes from `start` to before `end` hold any of."""
        held = (self.places[:, 0] < end) & (self.places[:, 1] > start)
        return listening.merged(((int(a), int(b)) for a, b in self.times[held]), join=listening.JOIN_MS)


@lru_cache(maxsize=4)  # of an hour: some megabytes
def of(sealed: SealedObject) -> Index:
    """Of a recording's picture. Raises NoIndex; KeyGone, Damaged."""
    with vault.open_sealed(sealed) as content:
        return read(cast(BinaryIO, content))


def read(stream: BinaryIO) -> Index:
    """From the front of a seekable file. Raises NoIndex."""
    found, _ = boxes.find_index(stream, stream.seek(0, 2))
    if found is None or found[3] - found[1] > boxes.MOST_INDEX_BYTES:
        raise NoIndex("There is no index.")
    stream.seek(found[2])
    moov = stream.read(found[3] - found[2])
    try:
        scale = _scale(dict(_children(moov))[b"mvhd"])
        tracks = [_chunks(track, scale) for kind, track in _children(moov) if kind == b"trak"]
        whole = np.concatenate(tracks)
    except (KeyError, IndexError, ValueError, struct.error, ZeroDivisionError) as error:
        raise NoIndex(f"The index cannot be read: {type(error).__name__}.") from None
    whole = whole[np.argsort(whole[:, 0], kind="stable")]
    return Index(whole[:, :2], whole[:, 2:])


def _children(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 0
    while box := boxes.header(data, at, at, len(data)):
        kind, _, inside, at = box
        found.append((kind, data[inside:at]))
    return found


def _flat(data: bytes) -> dict[bytes, bytes]:
    """The tables of a track, whatever box holds them."""
    found: dict[bytes, bytes] = {}
    for kind, content in _children(data):
        found.update(_flat(content) if kind in _HOLDERS else {kind: content})
    return found


def _scale(header: bytes) -> int:
    """Units a second, of mvhd and mdhd alike."""
    return int(struct.unpack_from(">I", header, 20 if header[0] else 12)[0])


def _table(data: bytes, columns: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Rows of 32-bit numbers, after their count."""
    (count,) = struct.unpack_from(">I", data, 4)
    return np.frombuffer(data, ">u4", count * columns, 8).astype(np.int64).reshape(-1, columns)


def _chunks(track: bytes, movie_scale: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """[n, 4]: first byte, the one after the last, start and end in ms."""
    tables = _flat(track)
    scale = _scale(tables[b"mdhd"])
    places = _table(tables[b"stco"], 1)[:, 0] if b"stco" in tables else np.frombuffer(tables[b"co64"], ">u8", -1, 8).astype(np.int64)
    size, count = struct.unpack_from(">II", tables[b"stsz"], 4)
    runs, steps = _table(tables[b"stsc"], 3), _table(tables[b"stts"], 2)
    last = np.append(runs[1:, 0], len(places) + 1)
    if not count == steps[:, 0].sum() == (runs[:, 1] * (last - runs[:, 0])).sum() or count > _MOST_SAMPLES:
        raise ValueError("the tables do not belong together")
    sizes = np.full(count, size, np.int64) if size else np.frombuffer(tables[b"stsz"], ">u4", count, 12).astype(np.int64)
    ends = np.cumsum(np.repeat(runs[:, 1], last - runs[:, 0]))
    firsts = np.append(0, ends[:-1])
    bytes_before = np.append(0, np.cumsum(sizes))
    units_before = np.append(0, np.cumsum(np.repeat(steps[:, 1], steps[:, 0])))
    late = _late_ms(tables.get(b"elst", b""), scale, movie_scale)
    times = [np.maximum(0, units_before[at] * 1000 // scale + late) for at in (firsts, ends)]
    return np.stack([places, places + bytes_before[ends] - bytes_before[firsts], *times], axis=1)


def _late_ms(edits: bytes, scale: int, movie_scale: int) -> int:
    """By how much a track begins later than its own clock says: an empty stretch before it, less what is cut off its beginning."""
    late = 0
    if edits and not edits[0]:
        for length, begins in _table(edits, 3)[:, :2]:
            if begins != 0xFFFFFFFF:
                return late - int(begins) * 1000 // scale
            late += int(length) * 1000 // movie_scale
    return late
