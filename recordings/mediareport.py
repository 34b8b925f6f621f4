"""What ffmpeg says of a file on its standard error (imageio-ffmpeg brings no ffprobe)."""

import re
from dataclasses import dataclass

_VIDEO = re.compile(r"Stream #0:\d+[^\n]*?: Video:((?![^\n]*\(attached pic\))[^\n]*)")
_SOUND = re.compile(r"Stream #0:\d+[^\n]*?: Audio: ([\w-]+)[^\n]*?, (\d+) Hz, ([^\s,]+(?: channels)?)")
_LENGTH = re.compile(r"Duration: (\d+):(\d\d):(\d\d\.\d+)")
_SIZE = re.compile(r", (\d{1,6})x(\d{1,6})")
_RATE = re.compile(r", (\d+(?:\.\d+)?)(k?) fps")
_FIRST = re.compile(r"pts_time:(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Report:
    """The input's first sound track and its picture. A cover is no picture."""

    was_opened: bool
    codec: str
    channels: int
    sample_rate: int
    has_video: bool
    picture: tuple[int, int] | None  # width and height; None where they could not be told
    frames_a_second: float | None
    claimed_s: float | None


def parse(said: str) -> Report:
    read, _, _ = said.partition("\n[info] Output #0")
    sound, length, video = _SOUND.search(read), _LENGTH.search(read), _VIDEO.search(read)
    size = _SIZE.search(video[1]) if video else None
    rate = _RATE.search(video[1]) if video else None
    return Report(
        was_opened="Input #0" in read,
        codec=sound[1] if sound else "",
        channels=_channels(sound[3]) if sound else 0,
        sample_rate=int(sound[2]) if sound else 0,
        has_video=video is not None,
        picture=(int(size[1]), int(size[2])) if size else None,
        frames_a_second=float(rate[1]) * (1000 if rate[2] else 1) if rate else None,
        claimed_s=int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3]) if length else None,
    )


def first_time(said: str) -> float | None:
    """When the first frame of sound plays, in seconds of the container's clock, as the filter ashowinfo tells."""
    found = _FIRST.search(said)
    return float(found[1]) if found else None


def _channels(layout: str) -> int:
    layout = layout.partition("(")[0]
    known = {"mono": 1, "stereo": 2, "quad": 4}
    if layout in known:
        return known[layout]
    if surround := re.fullmatch(r"(\d)\.(\d)", layout):
        return int(surround[1]) + int(surround[2])
    return int(layout.split()[0]) if layout.split()[0].isdigit() else 1
