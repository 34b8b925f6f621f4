"""One HDF5 file per recording: peaks, spectrum, voice activity, words, voices and prosody.

It is built in memory and sealed by the vault like the sound itself, because words, voices and even peaks identify.
`h5py.File(vault.open_sealed(…))` opens it. Layout (schema 2; files of schema 1 lack what is marked 2 and are read as well):

    /                    attrs: schema, pipeline, recording, sample_rate, duration (s), created (ISO 8601, UTC)
    /peaks/l0 … l5       int8 [n, 2]: least and greatest sample of each stretch of 800·4^level samples at
                         16 kHz (l0 is 20 a second); ±127 is full scale; attr samples_per_pixel
    /mel/logmel     (2)  uint8 [frames, 80]: mel bands, 25 ms every 10 ms, 0 is db_min and 255 db_max (attrs; dB of full scale)
    /mel/l1, l2     (2)  the greatest of each 4 and 16 frames; attr frames_per_pixel
    /vad/prob            uint8 [frames], probability of speech × 255 in each 32 ms
    /vad/segments        float32 [m, 2], seconds
    /asr                 attr current: the newest run
    /asr/<run>           attrs: parameters (JSON), speakers (JSON list of labels)
    /asr/<run>/words     (t0, t1 in s, p, seg, flags, spk (2), why (2))     /asr/<run>/text      utf-8, one a word
    /asr/<run>/segments  (t0, t1 in s, spk, flags, why (2))                 /asr/<run>/segtext   utf-8, one a segment
    /spk            (2)  attrs: speakers (JSON list of labels), embeddings ("kept", "deleted" or "none")
    /spk/turns      (2)  (t0, t1 in s, spk): by the voice alone
    /spk/t          (2)  float32 [w, 2]: windows in seconds       /spk/label   int8 [w]: the voice of each
    /spk/emb        (2)  float16 [w, 256], length 1: what a window sounds like; biometric, deletable by itself (`forget_voices`)
    /prosody/f0     (2)  float16 [frames], hertz every 10 ms, NaN where there is no pitch
    /prosody/intensity (2)  float16 [frames], dB of full scale every 10 ms
    /derived        (2)  attr speakers (JSON): from the newest run's words before people changed any; see `measures.py`
    /derived/turns  (2)  (t0, t1, spk)      /derived/pauses (2)  (t0, t1, spk, within)      /derived/overlaps (2)  float32 [k, 2]

Flags: bit 0 = the sound supports it. `why` counts in `truth.REASONS`. `spk` counts in the group's `speakers`; -1 is nobody. A
word's or segment's `spk` is what the machine heard; what people changed lies elsewhere, sealed by itself. Runs are never changed.
"""

import datetime as dt
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from recordings import acoustics, measures, truth, voice

if TYPE_CHECKING:
    from recordings.turns import Voices

SCHEMA = 2
PIPELINE = "1"
RATE = 16_000
SAMPLES_PER_PIXEL = tuple(800 * 4**level for level in range(6))
SUPPORTED = 1
_CHUNK = 4096

_WORD = np.dtype([("t0", "<f8"), ("t1", "<f8"), ("p", "<f4"), ("seg", "<i4"), ("flags", "u1"), ("spk", "<i2"), ("why", "u1")])
_SEGMENT = np.dtype([("t0", "<f8"), ("t1", "<f8"), ("spk", "<i2"), ("flags", "u1"), ("why", "u1")])
_TURN = np.dtype([("t0", "<f8"), ("t1", "<f8"), ("spk", "<i2")])
_PAUSE = np.dtype([("t0", "<f8"), ("t1", "<f8"), ("spk", "<i2"), ("within", "?")])
_VOICES = ("mel", "prosody", "spk", "derived")  # what `with_voices` makes

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
        file.attrs["schema"] = SCHEMA
        runs.attrs["current"] = name
        if probability is not None and "vad" not in file:
            file["vad/prob"] = np.round(np.clip(probability, 0, 1) * 255).astype(np.uint8)
            file["vad/segments"] = np.array(voice.segments(probability), np.float32).reshape(-1, 2)
    return memory.getvalue()


def with_voices(
    existing: bytes,
    *,
    samples: Floats,
    probability: Floats,
    voices: "Voices | None",
    segments: Sequence[Any],
    measured: acoustics.Measured | None = None,
) -> bytes:
    """The file with spectrum, prosody, voices and what follows from them, in place of what there was of these.

    `samples` are 16 kHz mono, `probability` their `voice.activity`; `voices` is None where they could not be told apart;
    `segments` are the newest run's, with speakers. Where somebody has deleted the voice prints, new ones are not kept either.
    `measured` is `acoustics.measure(samples)`, made if not given.
    """
    import h5py

    measured = measured or acoustics.measure(samples)
    may_keep = not _is_forgotten(existing)
    memory = _rebuilt(existing, lambda name: name in _VOICES)
    with h5py.File(memory, "r+") as file:
        file.attrs["schema"] = SCHEMA
        if "vad" not in file:
            file["vad/prob"] = np.round(np.clip(probability, 0, 1) * 255).astype(np.uint8)
            file["vad/segments"] = np.array(voice.segments(probability), np.float32).reshape(-1, 2)
        _write_spectrum(file.create_group("mel"), measured.spectrum)
        prosody = file.create_group("prosody")
        for name, values in (("f0", measured.pitch), ("intensity", measured.intensity)):
            prosody.create_dataset(name, data=values.astype(np.float16), **_packed(len(values)))
        _write_voices(file.create_group("spk"), voices, may_keep=may_keep)
        rows = [asdict(one) if is_dataclass(one) and not isinstance(one, type) else one for one in segments]
        _write_derived(file.create_group("derived"), rows, voice.segments(probability))
    return memory.getvalue()


def forget_voices(existing: bytes) -> bytes:
    """The file without its voice prints, written anew so that no byte of them is left in it. Turns and labels stay."""
    import h5py

    memory = _rebuilt(existing, lambda name: name == "spk/emb")
    with h5py.File(memory, "r+") as file:
        file.require_group("spk").attrs["embeddings"] = "deleted"
    return memory.getvalue()


def forget_words(existing: bytes) -> bytes | None:
    """The file as it was at its first stage, written anew: attributes and peaks. None where there is nothing else in it."""
    with _open(existing) as h5:
        if set(h5) <= {"peaks"}:
            return None
    return _rebuilt(existing, lambda name: name.split("/")[0] != "peaks").getvalue()


def has_voice_prints(file: bytes | BinaryIO) -> bool:
    with _open(file) as h5:
        return "spk/emb" in h5


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
            "reason": truth.REASONS[row["why"]] if "why" in rows.dtype.names else "",
        }
        for row, text in zip(rows, whole, strict=True)
    ]
    for word, text in zip(words, texts, strict=True):
        segments[word["seg"]]["words"].append(
            {"start": float(word["t0"]), "end": float(word["t1"]), "text": str(text), "probability": round(float(word["p"]), 4)}
        )
    return segments


def runs(file: bytes | BinaryIO) -> list[str]:
    """The names of the transcription runs in it."""
    with _open(file) as h5:
        return list(h5["asr"]) if "asr" in h5 else []


def current_run(file: bytes | BinaryIO) -> str | None:
    """The newest run's name."""
    with _open(file) as h5:
        return str(h5["asr"].attrs["current"]) if "asr" in h5 else None


def speech_spans(file: bytes | BinaryIO) -> list[tuple[float, float]]:
    """Where somebody speaks, in seconds, as the voice activity has it."""
    with _open(file) as h5:
        return [(float(start), float(end)) for start, end in h5["vad/segments"][:]] if "vad" in h5 else []


def mel(file: bytes | BinaryIO, level: int, start: int = 0, end: int | None = None) -> bytes:
    """Raw uint8 [pixels, 80] of one level of the spectrum (10, 40 or 160 ms a pixel), from `start` to before `end`.

    Empty where there is none yet. Raises ValueError for a level that there is not and for a start after the end.
    """
    if not 0 <= level <= 2:
        raise ValueError("There are levels 0 to 2.")
    if start < 0 or (end is not None and end < start):
        raise ValueError("The end must not lie before the start.")
    with _open(file) as h5:
        if "mel" not in h5:
            return b""
        pixels: NDArray[np.uint8] = h5["mel/" + ("logmel", "l1", "l2")[level]][start:end]
    return pixels.tobytes()


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
    marks = [
        (speakers.index(row["speaker"]) if row.get("speaker") else -1, int(row["supported"]), _why(row.get("reason", ""))) for row in rows
    ]
    segments = [(row["start"], row["end"], *mark) for row, mark in zip(rows, marks, strict=True)]
    flat = [(word, at, *mark) for at, (row, mark) in enumerate(zip(rows, marks, strict=True)) for word in row["words"]]
    words = [(word["start"], word["end"], word["probability"], at, flag, spk, why) for word, at, spk, flag, why in flat]
    group.attrs["speakers"] = json.dumps(speakers)
    group.attrs["parameters"] = json.dumps(dict(parameters))
    group.create_dataset("segments", data=np.array(segments, _SEGMENT))
    group.create_dataset("words", data=np.array(words, _WORD))
    group.create_dataset("text", data=[word["text"] for word, *_marks in flat], dtype=utf8, shape=(len(flat),))
    group.create_dataset("segtext", data=[row["text"] for row in rows], dtype=utf8, shape=(len(rows),))


def _open(file: bytes | BinaryIO) -> Any:
    """Read whole: the file is small, and HDF5's many tiny reads would each open a sealed chunk."""
    import h5py

    return h5py.File(io.BytesIO(file if isinstance(file, bytes) else file.read()), "r")


def _why(reason: str) -> int:
    return truth.REASONS.index(reason) if reason in truth.REASONS else 0


def _packed(length: int, *columns: int) -> dict[str, Any]:
    """How long data is stored: in chunks of 1024 rows, compressed. Short data lies as it is."""
    return {"chunks": (1024, *columns), "compression": "gzip", "compression_opts": 4, "shuffle": True} if length > 1024 else {}


def _is_forgotten(existing: bytes) -> bool:
    with _open(existing) as h5:
        return "spk" in h5 and h5["spk"].attrs.get("embeddings") == "deleted"


def _rebuilt(existing: bytes, is_left_out: Callable[[str], bool]) -> io.BytesIO:
    """A new file with everything but what is named: HDF5 leaves the bytes of what is only deleted where they are."""
    import h5py

    memory = io.BytesIO()
    with _open(existing) as old, h5py.File(memory, "w") as new:

        def copy(source: Any, target: Any, path: str) -> None:
            target.attrs.update(source.attrs)
            for name, item in source.items():
                inside = f"{path}{name}"
                if is_left_out(inside):
                    continue
                if isinstance(item, h5py.Group):
                    copy(item, target.create_group(name), f"{inside}/")
                else:
                    source.copy(item, target, name)

        copy(old, new, "")
    return memory


def _write_spectrum(group: Any, spectrum: NDArray[np.uint8]) -> None:
    for name, size in (("logmel", 1), ("l1", 4), ("l2", 16)):
        level = acoustics.pooled(spectrum, size)
        data = group.create_dataset(name, data=level, **_packed(*level.shape))
        data.attrs.update(frames_per_pixel=size, hop_s=acoustics.HOP / RATE, db_min=acoustics.DB_MIN, db_max=acoustics.DB_MAX)


def _write_voices(group: Any, voices: "Voices | None", *, may_keep: bool) -> None:
    if voices is None:
        group.attrs.update(speakers="[]", embeddings="none" if may_keep else "deleted")
        return
    group.attrs.update(speakers=json.dumps(voices.labels), embeddings="kept" if may_keep else "deleted")
    places = {label: place for place, label in enumerate(voices.labels)}
    group["turns"] = np.array([(start, end, places[label]) for start, end, label in voices.turns], _TURN)
    group["t"] = voices.times.astype(np.float32)
    group["label"] = voices.window_labels.astype(np.int8)
    if may_keep:
        emb = voices.embeddings.astype(np.float16)
        group.create_dataset("emb", data=emb, **_packed(*emb.shape))


def _write_derived(group: Any, rows: Sequence[Mapping[str, Any]], speech: voice.Spans) -> None:
    found = measures.turns(rows)
    names = list(dict.fromkeys(turn.speaker for turn in found))
    group.attrs["speakers"] = json.dumps(names)
    group["turns"] = np.array([(turn.start, turn.end, names.index(turn.speaker)) for turn in found], _TURN)
    pauses = [(one.start, one.end, names.index(one.speaker), one.is_within) for one in measures.pauses(found, speech)]
    group["pauses"] = np.array(pauses, _PAUSE)
    group["overlaps"] = np.array(measures.overlaps(found), np.float32).reshape(-1, 2)
