"""The picture of a session for review: small, clean, quick to seek in, and on the same clock as the sound."""

import io
import json
import subprocess

import numpy as np
import pytest

from recordings import audio, confined

BLINK = "color=black:s={size}:r={rate}:d={length},drawbox=color=white:t=fill:enable='lt(mod(t+{shift},2),0.5)'"
BEEP = "sine=f=800:r=16000:d={length}:samples_per_frame=80,volume=volume='lt(mod(t+{shift},2),0.5)':eval=frame"


@pytest.fixture
def film(tmp_path):
    """A white picture and a tone for the first half of every second second; `late` sets in later, by the container's clock."""

    def make(
        name="film.mp4",
        *,
        size="320x180",
        rate=25,
        length=13,
        late="",
        by=0.0,
        codec=("-c:v", "libx264", "-preset", "ultrafast"),
        inputs=(),
        more=(),
    ):
        path = tmp_path / name
        delay = ["-itsoffset", str(by)]
        blink = BLINK.format(size=size, rate=rate, length=length, shift=by if late == "picture" else 0)
        beep = BEEP.format(length=length, shift=by if late == "sound" else 0)
        picture = [*(delay if late == "picture" else []), "-f", "lavfi", "-i", blink]
        sound = [*(delay if late == "sound" else []), "-f", "lavfi", "-i", beep]
        command = [
            audio.ffmpeg_path(),
            "-y",
            "-v",
            "error",
            *picture,
            *sound,
            *inputs,
            "-map",
            "0:v",
            "-map",
            "1:a",
            *codec,
            "-c:a",
            "aac",
            *more,
            path,
        ]
        subprocess.run(list(map(str, command)), check=True, capture_output=True)
        return path.read_bytes()

    return make


def made(data, **limits):
    probe = audio.inspect(io.BytesIO(data), min_seconds=1)
    assert probe.has_video
    return b"".join(audio.make_video(io.BytesIO(data), duration_s=probe.duration_s))


@pytest.fixture
def described(tmp_path):
    def describe(data):
        path = tmp_path / "made.mp4"
        path.write_bytes(data)
        shown = subprocess.run(
            ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-show_chapters", "-of", "json", path],
            capture_output=True,
            check=True,
        )
        return json.loads(shown.stdout)

    return describe


def brightness(data, tmp_path, rate=25):
    """Of each frame of a video, 0 to 255."""
    path = tmp_path / "seen.mp4"
    path.write_bytes(data)
    command = [audio.ffmpeg_path(), "-v", "error", "-i", path, "-vf", f"fps={rate},scale=1:1,format=gray", "-f", "rawvideo", "pipe:1"]
    return np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, np.uint8)


def onsets(levels, rate, threshold):
    """When a level that was low becomes high, in seconds."""
    is_high = levels > threshold
    return (np.flatnonzero(is_high[1:] & ~is_high[:-1]) + 1) / rate


def loudness(samples, window=160):
    size = len(samples) // window * window
    return np.abs(samples[:size]).reshape(-1, window).max(axis=1)


@pytest.mark.parametrize(("late", "by"), [("", 0), ("sound", 0.7), ("picture", 1.3)])
def test_picture_and_sound_keep_the_clock_of_the_sound_derivative(film, tmp_path, late, by):
    source = film(late=late, by=by)
    video = made(source)
    played = audio.decode(io.BytesIO(b"".join(audio.make_playback(io.BytesIO(source)))))
    with_picture = audio.decode(io.BytesIO(video))
    heard = onsets(loudness(played), 100, 0.1)
    heard_with_picture = onsets(loudness(with_picture), 100, 0.1)
    seen = onsets(brightness(video, tmp_path), 25, 128)
    assert len(heard) >= 5
    for moment in heard[1:]:
        assert np.abs(heard_with_picture - moment).min() <= 0.02
        if seen.min() - 0.1 < moment < seen.max() + 0.1:
            assert np.abs(seen - moment).min() <= 0.05


@pytest.mark.parametrize(
    ("size", "rate", "expected"),
    [
        ("320x180", 25, (320, 180, "25/1")),
        ("1920x1080", 30, (1280, 720, "30/1")),
        ("1080x1920", 60, (720, 1280, "30/1")),
        ("641x361", 12, (640, 360, "25/1")),
    ],
)
def test_the_picture_is_of_a_size_that_every_browser_shows(film, described, size, rate, expected):
    codec = ("-c:v", "mpeg4", "-q:v", 9) if size == "641x361" else ("-c:v", "libx264", "-preset", "ultrafast")
    told = described(made(film(size=size, rate=rate, length=4, codec=codec)))
    picture, sound = told["streams"]
    assert (picture["width"], picture["height"], picture["r_frame_rate"]) == expected
    assert (picture["codec_name"], picture["pix_fmt"], sound["codec_name"], sound["channels"]) == ("h264", "yuv420p", "aac", 1)
    assert float(told["format"]["duration"]) == pytest.approx(4, abs=0.1)


def test_the_index_comes_first_and_a_key_frame_every_two_seconds(film, tmp_path):
    data = made(film())
    assert data.index(b"moov") < data.index(b"mdat")
    path = tmp_path / "keys.mp4"
    path.write_bytes(data)
    command = [
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        "v",
        "-skip_frame",
        "nokey",
        "-show_entries",
        "frame=pts_time",
        "-of",
        "csv=p=0",
        path,
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    times = [float(line.strip(",")) for line in shown.split()]
    assert np.diff(times).max() == pytest.approx(2)


def test_what_else_was_in_the_file_is_gone(film, tmp_path, described):
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:05,000\nJayden of Harbour Street\n")
    chapters = tmp_path / "chapters.txt"
    chapters.write_text(";FFMETADATA1\ntitle=Jayden\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=5000\ntitle=Jayden at home\n")
    kept = ["-map", "2", "-map", "1:a", "-map_metadata", 3, "-map_chapters", 3, "-metadata:s:v", "handler_name=Jayden", "-attach", words]
    more = [*kept, "-metadata:s:t", "mimetype=text/plain"]
    source = film("film.mkv", inputs=["-i", words, "-i", chapters], more=more)
    assert b"Jayden" in source
    data = made(source)
    assert b"Jayden" not in data
    told = described(data)
    assert [stream["codec_type"] for stream in told["streams"]] == ["video", "audio"]
    assert told["chapters"] == []


def test_a_cover_is_no_picture(make_media, session_clip, tmp_path):
    cover = tmp_path / "cover.jpg"
    subprocess.run([audio.ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", "testsrc=s=64x64", "-frames:v", "1", cover], check=True)
    tagged = tmp_path / "tagged.mp3"
    command = [
        audio.ffmpeg_path(),
        "-v",
        "error",
        "-i",
        "pipe:0",
        "-i",
        cover,
        "-map",
        "0",
        "-map",
        "1",
        "-c:v",
        "copy",
        "-id3v2_version",
        "3",
    ]
    subprocess.run([*command, tagged], input=session_clip, check=True, capture_output=True)
    assert not audio.inspect(io.BytesIO(tagged.read_bytes())).has_video


def test_a_picture_that_grows_too_big_is_left_out(film, monkeypatch):
    data = film()
    monkeypatch.setattr(audio, "VIDEO_BYTES", 20_000)
    with pytest.raises(audio.UnreadableAudio) as caught:
        made(data)
    assert caught.value.code == "picture"
    assert "sound is kept" in str(caught.value)


def test_a_picture_that_cannot_be_read_leaves_the_sound(film):
    data = bytearray(film())
    at = data.index(b"avcC")
    data[at + 4 : at + 30] = bytes(26)
    with pytest.raises(audio.UnreadableAudio) as caught:
        b"".join(audio.make_video(io.BytesIO(bytes(data)), duration_s=13))
    assert caught.value.code == "picture"
    assert len(audio.decode(io.BytesIO(bytes(data)))) == pytest.approx(13 * 16000, abs=3200)


def test_nothing_of_a_picture_touches_the_disk(film, tmp_path, monkeypatch):
    """Wherever a temporary file could be written, there is only an empty folder, and that only while ffmpeg runs."""
    data = film()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(confined.tempfile, "tempdir", str(scratch))
    blocks = audio.make_video(io.BytesIO(data), duration_s=13)
    next(blocks)
    assert [path for path in scratch.rglob("*") if path.is_file()] == []
    blocks.close()
    assert list(scratch.iterdir()) == []
