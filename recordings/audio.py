"""Everything that touches ffmpeg.

An upload is hostile until it has been decoded: the format comes from its first bytes and is
forced on ffmpeg, only the formats we name may be opened at all (a playlist could otherwise
copy another family's file), nothing is reachable but the pipe, and the process sits in a jail
(`confined.py`, `jail.py`) with limits on processor, memory, files and time. Sound goes in and
out through pipes (`mediasource.py`); a picture comes out through an anonymous file in memory,
because an MP4's index can only be written once all is known. None of it ever touches the disk.

The command lines are made with ffmpeg-python; running them is ours, because it has neither
time-outs nor limits.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from recordings import mediareport, mediasource, sniffing
from recordings.confined import BLOCK, Confined
from recordings.mediasource import Source, sniff, whole_samples
from recordings.unreadable import (
    DAMAGED,
    NO_FFMPEG,
    NO_PICTURE,
    NO_TRACK,
    SILENT,
    TOO_BIG_A_PICTURE,
    TOO_LARGE_A_PICTURE,
    TOO_MANY_FRAMES,
    UnreadableAudio,
)

__all__ = ["Probe", "UnreadableAudio", "decode", "ffmpeg_path", "inspect", "iter_decode", "make_playback", "make_video", "sniff"]

RATE = 16_000
MAX_DECODED_S = 6 * 3600  # a few megabytes of FLAC can hold half a day of silence
SILENCE_PEAK_DB = -60.0
DAMAGED_BELOW = 0.9  # decoded share of the length the file claims

PLAYBACK_RATE = 44_100
PLAYBACK_BITRATE = "64k"
MP3_DELAY = 1105  # samples an MP3 encoder and decoder add before the first; cut, so that word times hold
_LOUDNESS = "dynaudnorm=framelen=500:gausssize=15:peak=0.8:maxgain=8"

MAX_PIXELS = 9_000_000  # 4K has 8.3 million
MAX_FRAMES_A_SECOND = 120
VIDEO_BYTES = 768 * 1024**2  # held in memory while it is made
VIDEO_BITS_A_SECOND = 1_200_000
_CUT_S = 2  # a key frame each so many seconds: a seek decodes no more than that

_DEMUXERS = {"wav": "wav", "mp3": "mp3", "mp4": "mov", "aac": "aac", "ogg": "ogg", "flac": "flac", "webm": "matroska"}
_FORMATS = ",".join(["mov", "matroska", "wav", "mp3", "aac", "ogg", "flac"])
_MOST_STREAMS = 24

Floats = NDArray[np.float32]


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


def inspect(stream: BinaryIO, *, min_seconds: float = 10, max_seconds: float = 3 * 3600) -> Probe:
    """Decode everything once and say what it is. Raises UnreadableAudio."""
    with mediasource.opened(stream) as source:
        job = _job(source, _raw(source, RATE, limit_s=max_seconds + 1), level="info")
        samples, squares, peak = 0, 0.0, 0
        for block in whole_samples(job.run(), 2):
            values = np.frombuffer(block, "<i2").astype(np.int64)
            samples += len(values)
            squares += float(np.sum(values * values))
            peak = max(peak, int(np.abs(values).max()))
    track = mediareport.parse(job.said)
    claimed = sniffing.wav_seconds(source.head) if source.kind == "wav" else track.claimed_s
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
    _refuse_picture(track)
    peak_db, mean_db = _decibels(peak), _decibels((squares / samples) ** 0.5)
    if peak_db is None or peak_db < SILENCE_PEAK_DB:
        raise UnreadableAudio(SILENT, "no_sound")
    has_picture = track.has_video and track.picture is not None  # what ffmpeg cannot tell the size of, it cannot show
    return Probe(source.kind, track.codec, duration, track.channels, track.sample_rate, has_picture, mean_db, peak_db)


def _refuse_picture(track: mediareport.Report) -> None:
    """What could not be made fit to be seen in any reasonable time is refused before anything is kept."""
    if track.picture is not None and track.picture[0] * track.picture[1] > MAX_PIXELS:
        raise UnreadableAudio(TOO_LARGE_A_PICTURE, "picture")
    if track.has_video and (track.frames_a_second or 0) > MAX_FRAMES_A_SECOND * 1.05:
        raise UnreadableAudio(TOO_MANY_FRAMES, "picture")


def decode(stream: BinaryIO, *, rate: int = RATE) -> Floats:
    """The whole sound as float32 mono in [-1, 1], shape [n]. Raises UnreadableAudio."""
    blocks = list(iter_decode(stream, rate=rate))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def iter_decode(stream: BinaryIO, *, rate: int = RATE) -> Iterator[Floats]:
    """The sound in blocks of float32 mono, so that memory stays flat."""
    with mediasource.opened(stream) as source:
        job = _job(source, _raw(source, rate))
        count = 0
        for block in whole_samples(job.run(), 2):
            count += len(block)
            yield np.frombuffer(block, "<i2").astype(np.float32) / np.float32(32768)
        if not count or job.failed:
            raise UnreadableAudio(DAMAGED, "damaged")


def make_playback(stream: BinaryIO) -> Iterator[bytes]:
    """The derivative that browsers play: MP3, mono, constant 64 kbit/s, quiet voices raised.

    Every frame stands alone (no bit reservoir) and has the same length, so a seek lands where it
    should without an index, and time zero is the original's time zero.
    """
    with mediasource.opened(stream) as source:
        arguments = _source(source).output(
            "pipe:1",
            f="mp3",
            map="0:a:0",
            map_metadata=-1,
            ac=1,
            ar=PLAYBACK_RATE,
            acodec="libmp3lame",
            audio_bitrate=PLAYBACK_BITRATE,
            compression_level=7,  # half the time of the default, for a difference that is not heard in speech
            reservoir=0,
            write_xing=0,
            id3v2_version=0,
            fflags="+bitexact",
            af=f"aresample={PLAYBACK_RATE},{_LOUDNESS},atrim=start_sample={MP3_DELAY},asetpts=PTS-STARTPTS",
        )
        job = _job(source, arguments)
        count = 0
        for block in job.run():
            count += len(block)
            yield block
        if not count or job.failed:
            raise UnreadableAudio(DAMAGED, "damaged")


def make_video(stream: BinaryIO, *, duration_s: float) -> Iterator[bytes]:
    """Picture and sound for review: MP4 (H.264, AAC), at most 1280 × 720 (or 720 × 1280), 25 or 30 pictures a second.

    Time zero is that of the sound derivative: the first sample of sound, whatever the picture does. The index is at the
    front and a key frame stands every two seconds, so that a browser seeks by Range at once. Nothing else of the file
    survives: no metadata, subtitles, attachments or further tracks. Raises UnreadableAudio; its code is "picture" when the
    sound could be kept without.
    """
    origin, rate = _clock(stream, duration_s)
    stream.seek(0)
    with mediasource.opened(stream) as source, mediasource.in_memory() as made:
        # the time limits grow with the length: a slow machine gets a picture too, a flood of frames does not
        seconds = round(900 + 6 * duration_s)
        arguments = _seen(_source(source, picture=True), made.fileno(), origin, rate, duration_s)
        job = _job(source, arguments, writes=made.fileno(), seconds=seconds)
        for _ in job.run():
            pass
        size = made.seek(0, os.SEEK_END)
        if size >= VIDEO_BYTES:
            raise UnreadableAudio(TOO_BIG_A_PICTURE, "picture")
        if job.failed or not size:
            raise UnreadableAudio(NO_PICTURE, "picture")
        made.seek(0)
        while block := made.read(BLOCK):
            yield block


def _clock(stream: BinaryIO, duration_s: float) -> tuple[float, int]:
    """When the first sample of sound plays by the container's clock, in seconds; and how many pictures a second to make."""
    with mediasource.opened(stream) as source:
        first = _source(source, copyts=None).output("-", f="null", map="0:a:0", af="ashowinfo", **{"frames:a": 1})
        job = _job(source, first, level="info")
        for _ in job.run():
            pass
    rate = mediareport.parse(job.said).frames_a_second or 25
    return mediareport.first_time(job.said) or 0.0, 25 if rate <= 26 or 49 < rate < 51 else 30


def _seen(source: Any, descriptor: int, origin: float, rate: int, duration_s: float) -> Any:
    import ffmpeg

    bits = min(VIDEO_BITS_A_SECOND, int(VIDEO_BYTES * 8 * 0.8 / max(1.0, duration_s)))
    wide = "iw*clip(sar,0.25,4)"
    fit = f"min(1,if(gte({wide},ih),min(1280/({wide}),720/ih),min(720/({wide}),1280/ih)))"
    scale = f"scale=w='max(2,2*trunc({wide}*{fit}/2))':h='max(2,2*trunc(ih*{fit}/2))'"
    return ffmpeg.output(
        source["V:0"],
        source["a:0"],
        f"/dev/fd/{descriptor}",
        f="mp4",
        map_metadata=-1,
        map_chapters=-1,
        t=duration_s,
        vf=f"setpts=PTS-{origin:.6f}/TB,fps={rate}:start_time=0,{scale},setsar=1,format=yuv420p",
        af=f"aresample={PLAYBACK_RATE},{_LOUDNESS},asetpts=N/SR/TB",
        vcodec="libx264",
        preset="veryfast",
        crf=25,
        maxrate=bits,
        bufsize=2 * bits,
        g=_CUT_S * rate,
        keyint_min=_CUT_S * rate,
        sc_threshold=0,
        acodec="aac",
        audio_bitrate="96k",
        ac=1,
        threads=min(4, os.cpu_count() or 1),
        movflags="+faststart",
        fflags="+bitexact",
        y=None,
        **{"flags:v": "+bitexact", "flags:a": "+bitexact"},
    )


# The command line


def _source(source: Source, limit_s: float = MAX_DECODED_S, *, picture: bool = False, **more: Any) -> Any:
    import ffmpeg

    options: dict[str, Any] = {"copyts": None, "threads": min(4, os.cpu_count() or 1)} if picture else {"vn": None, "threads": 1}
    return ffmpeg.input(
        "pipe:0",
        f=_DEMUXERS[source.kind],
        protocol_whitelist="pipe",
        format_whitelist=_FORMATS,
        max_streams=_MOST_STREAMS,
        max_pixels=MAX_PIXELS,
        t=limit_s,
        sn=None,
        dn=None,
        **options,
        **more,
    )


def _raw(source: Source, rate: int, limit_s: float = MAX_DECODED_S) -> Any:
    """Mono 16-bit samples at `rate`."""
    return _source(source, limit_s).output("pipe:1", f="s16le", map="0:a:0", map_metadata=-1, ac=1, ar=rate, threads=1)


def _job(source: Source, output: Any, *, level: str = "error", writes: int | None = None, seconds: int | None = None) -> Confined:
    options = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", f"level+{level}")
    command = output.global_args(*options).compile(cmd=ffmpeg_path())
    file_bytes = 0 if writes is None else VIDEO_BYTES
    return Confined(command, feed=source.feed, descriptor=writes, file_bytes=file_bytes, cpu_seconds=seconds, wall_seconds=seconds)


def _decibels(value: float) -> float | None:
    return round(20 * float(np.log10(value / 32768)), 1) if value > 0 else None


def _words(seconds: float) -> str:
    """A length as people say it: "8 seconds", "1 minute 5 seconds", "3 hours"."""
    whole = round(seconds)
    parts = [(whole // 3600, "hour"), (whole % 3600 // 60, "minute"), (whole % 60, "second")]
    said = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count]
    return " ".join(said) or "less than a second"
