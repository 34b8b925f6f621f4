"""Everything that touches ffmpeg.

An upload is hostile until it has been decoded: the format comes from its first bytes and is
forced on ffmpeg, only the formats we name may be opened at all (a playlist could otherwise
copy another family's file), nothing is reachable but the pipe, and the process has limits on
processor, memory, open files, written files and time. Sound goes in and out through pipes, or
through an anonymous file in memory for MP4, whose index may be at its end. No sound ever
touches the disk.

The command lines are made with ffmpeg-python; running them is ours, because it has neither
time-outs nor limits.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from recordings import sniffing
from recordings.confined import BLOCK, Confined

RATE = 16_000
MAX_DECODED_S = 6 * 3600  # a few megabytes of FLAC can hold half a day of silence
SILENCE_PEAK_DB = -60.0
DAMAGED_BELOW = 0.9  # decoded share of the length the file claims

PLAYBACK_RATE = 44_100
PLAYBACK_BITRATE = "64k"
MP3_DELAY = 1105  # samples an MP3 encoder and decoder add before the first; cut, so that word times hold

_DEMUXERS = {"wav": "wav", "mp3": "mp3", "mp4": "mov", "aac": "aac", "ogg": "ogg", "flac": "flac", "webm": "matroska"}
_FORMATS = ",".join(["mov", "matroska", "wav", "mp3", "aac", "ogg", "flac"])

NOT_AUDIO = "This is not an audio file Plumbline can read. Send the recording as WAV, MP3, M4A, AAC, OGG or Opus, FLAC, WebM or MP4."
EMPTY = "This file is empty. Check the recording on the device and send it again."
DAMAGED = "This file is damaged and cannot be played. Check that it plays on the device, then send it again."
NO_TRACK = "This video has no sound in it. Send a recording with sound."
SILENT = "Nothing can be heard in this recording. Check that the microphone was on and send another recording."
NO_FFMPEG = "Plumbline cannot find ffmpeg. Install ffmpeg on the server, or the Python package imageio-ffmpeg."
TOO_SLOW = "This recording took too long to read, so it was stopped. Save it as MP3 or M4A and send it again."

Floats = NDArray[np.float32]


class UnreadableAudio(Exception):
    """The text is a sentence for the person who sent the file.

    `code` is one of: empty, not_audio, damaged, no_sound, too_short, too_long, too_slow, no_ffmpeg.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Probe:
    """What a recording is, measured by decoding it, not taken from its headers."""

    container: str
    codec: str
    duration_s: float
    channels: int
    sample_rate: int
    has_video: bool
    mean_db: float | None  # dBFS of the sound mixed to one channel; None if it has no level at all
    peak_db: float | None

    @property
    def duration_ms(self) -> int:
        return round(self.duration_s * 1000)


def ffmpeg_path() -> str:
    """The system's ffmpeg if there is one, else imageio-ffmpeg's."""
    if path := shutil.which("ffmpeg"):
        return path
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise UnreadableAudio(NO_FFMPEG, "no_ffmpeg") from None


def sniff(head: bytes) -> str:
    """The container by its first bytes: wav, mp3, mp4, aac, ogg, flac or webm. Raises UnreadableAudio."""
    if not head:
        raise UnreadableAudio(EMPTY, "empty")
    if kind := sniffing.container(head):
        return kind
    raise UnreadableAudio(NOT_AUDIO, "not_audio")


def inspect(stream: BinaryIO, *, min_seconds: float = 10, max_seconds: float = 3 * 3600) -> Probe:
    """Decode everything once and say what it is. Raises UnreadableAudio."""
    with _opened(stream) as (kind, source):
        head = source.head
        job = _job(source, _raw(kind, source, RATE, limit_s=max_seconds + 1), level="info")
        samples, squares, peak = 0, 0.0, 0
        for block in _whole(job.run(), 2):
            values = np.frombuffer(block, "<i2").astype(np.int64)
            samples += len(values)
            squares += float(np.sum(values * values))
            peak = max(peak, int(np.abs(values).max()))
    track = _Track.parse(job.said)
    claimed = sniffing.wav_seconds(head) if kind == "wav" else track.claimed_s
    duration = samples / RATE
    if not samples and track.was_opened and not track.codec:
        raise UnreadableAudio(NO_TRACK, "no_sound")
    if not samples or job.failed:
        raise UnreadableAudio(DAMAGED, "damaged")
    if duration > max_seconds:
        raise UnreadableAudio(f"This recording is longer than {_words(max_seconds)}. Send it in parts.", "too_long")
    if claimed and claimed < 24 * 3600 and duration + 2 < claimed * DAMAGED_BELOW:
        text = f"This file should last {_words(claimed)} but stops after {_words(duration)}. Send the whole recording again."
        raise UnreadableAudio(text, "damaged")
    if duration < min_seconds:
        text = f"This recording lasts {_words(duration)}. The shortest Plumbline takes is {_words(min_seconds)}."
        raise UnreadableAudio(text, "too_short")
    peak_db, mean_db = _decibels(peak), _decibels((squares / samples) ** 0.5)
    if peak_db is None or peak_db < SILENCE_PEAK_DB:
        raise UnreadableAudio(SILENT, "no_sound")
    return Probe(kind, track.codec, duration, track.channels, track.sample_rate, track.has_video, mean_db, peak_db)


def decode(stream: BinaryIO, *, rate: int = RATE) -> Floats:
    """The whole sound as float32 mono in [-1, 1], shape [n]. Raises UnreadableAudio."""
    blocks = list(iter_decode(stream, rate=rate))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def iter_decode(stream: BinaryIO, *, rate: int = RATE) -> Iterator[Floats]:
    """The sound in blocks of float32 mono, so that memory stays flat."""
    with _opened(stream) as (kind, source):
        job = _job(source, _raw(kind, source, rate))
        count = 0
        for block in _whole(job.run(), 2):
            count += len(block)
            yield np.frombuffer(block, "<i2").astype(np.float32) / np.float32(32768)
        if not count or job.failed:
            raise UnreadableAudio(DAMAGED, "damaged")


def make_playback(stream: BinaryIO) -> Iterator[bytes]:
    """The derivative that browsers play: MP3, mono, constant 64 kbit/s, quiet voices raised.

    Every frame stands alone (no bit reservoir) and has the same length, so a seek lands where it
    should without an index, and time zero is the original's time zero.
    """
    with _opened(stream) as (kind, source):
        arguments = _source(kind, source).output(
            "pipe:1",
            f="mp3",
            map="0:a:0",
            map_metadata=-1,
            ac=1,
            ar=PLAYBACK_RATE,
            acodec="libmp3lame",
            audio_bitrate=PLAYBACK_BITRATE,
            reservoir=0,
            write_xing=0,
            id3v2_version=0,
            fflags="+bitexact",
            af=f"aresample={PLAYBACK_RATE},dynaudnorm=framelen=500:gausssize=15:peak=0.8:maxgain=8,atrim=start_sample={MP3_DELAY},"
            "asetpts=PTS-STARTPTS",
        )
        job = _job(source, arguments)
        count = 0
        for block in job.run():
            count += len(block)
            yield block
        if not count or job.failed:
            raise UnreadableAudio(DAMAGED, "damaged")


# The command line


def _source(kind: str, source: "_Source", limit_s: float = MAX_DECODED_S) -> Any:
    import ffmpeg

    return ffmpeg.input(
        source.url,
        f=_DEMUXERS[kind],
        protocol_whitelist=source.protocols,
        format_whitelist=_FORMATS,
        t=limit_s,
        threads=1,
        vn=None,
        sn=None,
        dn=None,
    )


def _raw(kind: str, source: "_Source", rate: int, limit_s: float = MAX_DECODED_S) -> Any:
    """Mono 16-bit samples at `rate`."""
    return _source(kind, source, limit_s).output("pipe:1", f="s16le", map="0:a:0", map_metadata=-1, ac=1, ar=rate, threads=1)


def _job(source: "_Source", output: Any, *, level: str = "error") -> Confined:
    options = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", f"level+{level}")
    command = output.global_args(*options).compile(cmd=ffmpeg_path())
    return Confined(command, feed=source.feed, descriptor=source.descriptor)


# Where the bytes come from


@dataclass
class _Source:
    """Bytes for ffmpeg: through its standard input, or a file in memory that it can seek in."""

    head: bytes
    url: str
    protocols: str
    feed: Iterator[bytes] | None  # None: ffmpeg opens `descriptor` itself
    descriptor: int | None = None


@contextmanager
def _opened(stream: BinaryIO) -> Iterator[tuple[str, _Source]]:
    head = stream.read(sniffing.HEAD_BYTES)
    kind = sniff(head)
    try:
        if kind != "mp4":
            yield kind, _Source(head, "pipe:0", "pipe", _blocks(head, stream))
            return
        with _in_memory() as copy:
            for block in _blocks(head, stream):
                copy.write(block)
            copy.flush()
            copy.seek(0)
            yield kind, _Source(head, f"file:/dev/fd/{copy.fileno()}", "pipe,file", None, copy.fileno())
    except TimeoutError:
        raise UnreadableAudio(TOO_SLOW, "too_slow") from None


def _in_memory() -> Any:
    """A file without a name. In memory on Linux; elsewhere a temporary file that is unlinked at once."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("recording", os.MFD_CLOEXEC), "w+b")
    return tempfile.TemporaryFile()


def _blocks(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    yield head
    while block := stream.read(BLOCK):
        yield block


def _whole(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in blocks whose lengths are multiples of `size`."""
    rest = b""
    for block in blocks:
        block = rest + block
        cut = len(block) - len(block) % size
        rest = block[cut:]
        if cut:
            yield block[:cut]


# What ffmpeg said


@dataclass(frozen=True)
class _Track:
    was_opened: bool
    codec: str
    channels: int
    sample_rate: int
    has_video: bool
    claimed_s: float | None

    @classmethod
    def parse(cls, said: str) -> "_Track":
        """The input's first audio stream from ffmpeg's report (there is no ffprobe in imageio-ffmpeg)."""
        read, _, _ = said.partition("\n[info] Output #0")
        sound = re.search(r"Stream #0:\d+[^\n]*?: Audio: ([\w-]+)[^\n]*?, (\d+) Hz, ([^\s,]+(?: channels)?)", read)
        length = re.search(r"Duration: (\d+):(\d\d):(\d\d\.\d+)", read)
        claimed = int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3]) if length else None
        return cls(
            was_opened="Input #0" in read,
            codec=sound[1] if sound else "",
            channels=_channels(sound[3]) if sound else 0,
            sample_rate=int(sound[2]) if sound else 0,
            has_video=bool(re.search(r"Stream #0:\d+[^\n]*?: Video:(?![^\n]*\(attached pic\))", read)),
            claimed_s=claimed,
        )


def _channels(layout: str) -> int:
    layout = layout.partition("(")[0]
    known = {"mono": 1, "stereo": 2, "quad": 4}
    if layout in known:
        return known[layout]
    if surround := re.fullmatch(r"(\d)\.(\d)", layout):
        return int(surround[1]) + int(surround[2])
    return int(layout.split()[0]) if layout.split()[0].isdigit() else 1


def _decibels(value: float) -> float | None:
    return round(20 * float(np.log10(value / 32768)), 1) if value > 0 else None


def _words(seconds: float) -> str:
    """A length as people say it: "8 seconds", "1 minute 5 seconds", "3 hours"."""
    whole = round(seconds)
    parts = [(whole // 3600, "hour"), (whole % 3600 // 60, "minute"), (whole % 60, "second")]
    said = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return " ".join(said) or "less than a second"
