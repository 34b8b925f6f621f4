"""One HDF5 file per recording: the waveform's peaks, voice activity and the words.

It is built in memory and sealed by the vault like the sound itself, because words and even
peaks identify. Layout (schema 1):

    /                  attrs: schema, pipeline, recording, sample_rate, duration, created
    /peaks/l0 … l5     int8 [n, 2]: least and greatest sample of each stretch of 800·4^level samples at
                       16 kHz (l0 is 20 a second); ±127 is full scale; attr samples_per_pixel
    /vad/prob          uint8 [frames], probability of speech × 255 in each 32 ms
    /vad/segments      float32 [m, 2], seconds
    /asr               attr current: the newest run
    /asr/<run>         attrs: parameters (JSON), speakers (JSON)
    /asr/<run>/words   (t0, t1, p, seg, flags)        /asr/<run>/text      utf-8, one a word
    /asr/<run>/segments (t0, t1, spk, flags)          /asr/<run>/segtext   utf-8, one a segment

Flags: bit 0 = the sound supports it. `spk` counts in `speakers`; -1 is nobody. Runs are never changed.
"""

import datetime as dt
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from recordings import voice

SCHEMA = 1
PIPELINE = "1"
RATE = 16_000
SAMPLES_PER_PIXEL = tuple(800 * 4**level for level in range(6))
SUPPORTED = 1
_CHUNK = 4096

_WORD = np.dtype([("t0", "<f8"), ("t1", "<f8"), ("p", "<f4"), ("seg", "<i4"), ("flags", "u1")])
_SEGMENT = np.dtype([("t0", "<f8"), ("t1", "<f8"), ("spk", "<i2"), ("flags", "u1")])

Floats = NDArray[np.float32]


def peaks_only(samples: Floats, *, recording: str = "") -> bytes:
    """The file's first stage: attributes and peaks of 16 kHz mono samples, best those of the playback derivative."""
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.attrs["schema"] = SCHEMA
        file.attrs["pipeline"] = PIPELINE
        file.attrs["recording"] = recording
        file.attrs["sample_rate"] = RATE
        file.attrs["duration"] = len(samples) / RATE
        file.attrs["created"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        for level, pairs in enumerate(peak_levels(samples)):
            chunks = (_CHUNK, 2) if len(pairs) > _CHUNK else None
            data = file.create_dataset(f"peaks/l{level}", data=pairs, chunks=chunks)
            data.attrs["samples_per_pixel"] = SAMPLES_PER_PIXEL[level]
    return memory.getvalue()


def with_words(
    existing: bytes,
    segments: Sequence[Any],
    *,
    run: str | None = None,
    probability: Floats | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> bytes:
    """The file with one more transcription run; earlier runs stay as they are.

    `segments` are `speech.Segment`s or their `asdict`. `run` defaults to the next number; a name that is there
    already raises ValueError. `probability` is `voice.activity`, kept once.
    """
    import h5py

    rows = [asdict(one) if is_dataclass(one) and not isinstance(one, type) else one for one in segments]
    memory = io.BytesIO(existing)
    with h5py.File(memory, "r+") as file:
        runs = file.require_group("asr")
        name = run or str(len(runs) + 1)
        if name in runs:
            raise ValueError(f"Run {name} is there already.")
        _write_run(runs.create_group(name), rows, parameters or {})
        runs.attrs["current"] = name
        if probability is not None and "vad" not in file:
            file["vad/prob"] = np.round(np.clip(probability, 0, 1) * 255).astype(np.uint8)
            file["vad/segments"] = np.array(voice.segments(probability), np.float32).reshape(-1, 2)
    return memory.getvalue()


def build(
    samples: Floats,
    segments: Sequence[Any],
    *,
    recording: str = "",
    probability: Floats | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> bytes:
    """Both stages at once."""
    return with_words(peaks_only(samples, recording=recording), segments, probability=probability, parameters=parameters)


def peaks(file: bytes | BinaryIO, level: int, start: int = 0, end: int | None = None) -> bytes:
    """Raw int8 pairs (least, greatest) of one level, pixels `start` to before `end`; what lies outside is left out.

    Raises ValueError for a level that there is not and for a start after the end.
    """
    if not 0 <= level < len(SAMPLES_PER_PIXEL):
        raise ValueError(f"There are levels 0 to {len(SAMPLES_PER_PIXEL) - 1}.")
    if start < 0 or (end is not None and end < start):
        raise ValueError("The end must not lie before the start.")
    with _open(file) as h5:
        pairs: NDArray[np.int8] = h5[f"peaks/l{level}"][start:end]
    return pairs.tobytes()


def transcript(file: bytes | BinaryIO, run: str | None = None) -> list[dict[str, Any]]:
    """The segments of a run (the newest by default) as `asdict(speech.Segment)`; empty before the first run."""
    with _open(file) as h5:
        if "asr" not in h5:
            return []
        group = h5["asr"][run or h5["asr"].attrs["current"]]
        speakers = json.loads(group.attrs["speakers"])
        rows, words = group["segments"][:], group["words"][:]
        texts, whole = group["text"].asstr()[:], group["segtext"].asstr()[:]
    segments: list[dict[str, Any]] = [
        {
            "start": float(row["t0"]),
            "end": float(row["t1"]),
            "text": str(text),
            "words": [],
            "supported": bool(row["flags"] & SUPPORTED),
            "speaker": speakers[row["spk"]] if row["spk"] >= 0 else None,
        }
        for row, text in zip(rows, whole, strict=True)
    ]
    for word, text in zip(words, texts, strict=True):
        segments[word["seg"]]["words"].append(
            {"start": float(word["t0"]), "end": float(word["t1"]), "text": str(text), "probability": round(float(word["p"]), 4)}
        )
    return segments


def peak_levels(samples: Floats) -> list[NDArray[np.int8]]:
    """Least and greatest of each stretch, as int8 [n, 2], for every level; rounded outwards, so that nothing is hidden."""
    pairs = _extremes(samples[:, None], samples[:, None], SAMPLES_PER_PIXEL[0])
    levels = [pairs]
    while len(levels) < len(SAMPLES_PER_PIXEL):
        pairs = _extremes(pairs[:, :1], pairs[:, 1:], 4)
        levels.append(pairs)
    return [np.stack([np.floor(level[:, 0] * 127), np.ceil(level[:, 1] * 127)], axis=1).clip(-127, 127).astype(np.int8) for level in levels]


def _extremes(least: Floats, greatest: Floats, size: int) -> Floats:
    """[n, 2] from columns, `size` rows at a time; the last stretch may be shorter."""
    if not len(least):
        return np.zeros((0, 2), np.float32)
    starts = np.arange(0, len(least), size)
    return np.stack([np.minimum.reduceat(least[:, 0], starts), np.maximum.reduceat(greatest[:, 0], starts)], axis=1)


def _write_run(group: Any, rows: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]) -> None:
    import h5py

    speakers = sorted({row["speaker"] for row in rows if row.get("speaker")})
    utf8 = h5py.string_dtype()
    segments = [
        (row["start"], row["end"], speakers.index(row["speaker"]) if row.get("speaker") else -1, int(row["supported"])) for row in rows
    ]
    flat = [(word, at, int(row["supported"])) for at, row in enumerate(rows) for word in row["words"]]
    words = [(word["start"], word["end"], word["probability"], at, flag) for word, at, flag in flat]
    group.attrs["speakers"] = json.dumps(speakers)
    group.attrs["parameters"] = json.dumps(dict(parameters))
    group.create_dataset("segments", data=np.array(segments, _SEGMENT))
    group.create_dataset("words", data=np.array(words, _WORD))
    group.create_dataset("text", data=[word["text"] for word, _at, _flag in flat], dtype=utf8, shape=(len(flat),))
    group.create_dataset("segtext", data=[row["text"] for row in rows], dtype=utf8, shape=(len(rows),))


def _open(file: bytes | BinaryIO) -> Any:
    """Read whole: the file is small, and HDF5's many tiny reads would each open a sealed chunk."""
    import h5py

    return h5py.File(io.BytesIO(file if isinstance(file, bytes) else file.read()), "r")
