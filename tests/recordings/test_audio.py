import io
import os
import subprocess
import sys

import numpy as np
import pytest

from recordings import audio, confined

ENCODERS = {
    "wav": ["-f", "wav"],
    "mp3": ["-f", "mp3"],
    "aac": ["-c:a", "aac", "-f", "adts"],
    "ogg": ["-c:a", "libopus", "-f", "ogg"],
    "flac": ["-f", "flac"],
    "webm": ["-c:a", "libopus", "-f", "webm"],
}


def refusal(data, **limits):
    with pytest.raises(audio.UnreadableAudio) as caught:
        audio.inspect(io.BytesIO(data), **limits)
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory, session_clip):
    """Some formats need a file to write to: `on_disk(…arguments, name)` gives its bytes."""

    def make(*arguments, name, stdin=session_clip):
        path = tmp_path_factory.mktemp("media") / name
        subprocess.run([audio.ffmpeg_path(), "-v", "error", *arguments, path], input=stdin, capture_output=True, check=True)
        return path.read_bytes()

    return make


@pytest.mark.parametrize("container", ENCODERS)
def test_each_format_is_known_by_its_content(container, make_media, session_clip):
    *arguments, _f, muxer = ENCODERS[container]
    probe = audio.inspect(io.BytesIO(make_media("-i", "pipe:0", *arguments, format=muxer, stdin=session_clip)))
    assert probe.container == container
    assert probe.duration_s == pytest.approx(22, abs=0.15)  # MP3 pads both ends
    assert probe.channels == 1
    assert not probe.has_video
    assert -40 < probe.mean_db < probe.peak_db <= 0


def test_the_duration_is_in_whole_milliseconds_too(session_clip):
    assert audio.inspect(io.BytesIO(session_clip)).duration_ms == 22_000


def test_m4a_with_its_index_at_the_end(on_disk):
    data = on_disk("-i", "pipe:0", "-c:a", "aac", name="a.m4a")
    assert data.rindex(b"moov") > data.index(b"mdat")
    assert audio.inspect(io.BytesIO(data)).container == "mp4"
    assert len(audio.decode(io.BytesIO(data))) == pytest.approx(22 * 16000, abs=1600)


def test_a_video_gives_its_sound(on_disk):
    picture = ["-f", "lavfi", "-i", "testsrc=duration=22:size=64x64:rate=5"]
    data = on_disk(*picture, "-i", "pipe:0", "-c:v", "mpeg4", "-c:a", "aac", name="v.mp4")
    probe = audio.inspect(io.BytesIO(data))
    assert probe.has_video
    assert probe.codec == "aac"


def test_a_video_without_sound_is_refused(on_disk):
    data = on_disk("-f", "lavfi", "-i", "testsrc=duration=12:size=64x64:rate=5", "-c:v", "mpeg4", name="v.mp4", stdin=b"")
    assert refusal(data).code == "no_sound"


def test_a_browser_recording_without_a_duration(make_media, session_clip):
    data = make_media("-i", "pipe:0", "-c:a", "libopus", "-live", 1, format="webm", stdin=session_clip)
    assert audio.inspect(io.BytesIO(data)).duration_s == pytest.approx(22, abs=0.1)


def test_telephone_sound_at_8_khz(make_media, session_clip):
    data = make_media("-i", "pipe:0", "-ar", 8000, format="wav", stdin=session_clip)
    assert audio.inspect(io.BytesIO(data)).sample_rate == 8000
    assert len(audio.decode(io.BytesIO(data))) == 22 * 16000


def test_stereo_with_a_dead_channel(make_media, session_clip):
    data = make_media("-i", "pipe:0", "-af", "pan=stereo|c0=c0", format="wav", stdin=session_clip)
    assert audio.inspect(io.BytesIO(data)).channels == 2
    mono, one_sided = audio.decode(io.BytesIO(session_clip)), audio.decode(io.BytesIO(data))
    assert np.corrcoef(mono, one_sided)[0, 1] > 0.99


def test_an_empty_file():
    assert refusal(b"").code == "empty"


@pytest.mark.parametrize(
    "data",
    [
        b"Dear team, the recording is attached. " * 99,
        b"%PDF-1.7\n" + bytes(999),
        b"PK\x03\x04" + bytes(999),
        b"\x89PNG\r\n\x1a\n" + bytes(99),
        bytes(9999),
    ],
    ids=["text", "pdf", "zip", "image", "zeros"],
)
def test_what_is_no_audio_is_refused(data):
    assert refusal(data).code == "not_audio"


@pytest.mark.parametrize("opening", [b"#EXTM3U\n#EXTINF:10,\n", b"ffconcat version 1.0\nfile "], ids=["hls", "ffconcat"])
def test_a_playlist_reads_nobody_elses_file(opening, tmp_path, session_clip):
    other = tmp_path / "other.wav"
    other.write_bytes(session_clip)
    assert refusal(opening + str(other).encode() + b"\n").code == "not_audio"


def test_a_playlist_behind_false_first_bytes_reads_nothing(tmp_path, session_clip):
    other = tmp_path / "other.wav"
    other.write_bytes(session_clip)
    data = b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom\n#EXTM3U\n#EXTINF:10,\nfile://" + str(other).encode() + b"\n#EXT-X-ENDLIST\n"
    assert refusal(data).code == "damaged"


def test_silence_is_refused(make_media):
    data = make_media("-f", "lavfi", "-i", "anullsrc=r=16000", "-t", 12, format="wav")
    assert refusal(data).code == "no_sound"


def test_too_short_and_too_long_say_how_long(session_clip):
    short, long = refusal(session_clip, min_seconds=75), refusal(session_clip, max_seconds=15)
    assert (short.code, long.code) == ("too_short", "too_long")
    assert "22 seconds" in str(short)
    assert "1 minute 15 seconds" in str(short)
    assert "15 seconds" in str(long)


def test_a_long_file_is_not_decoded_beyond_the_limit(make_media):
    """Half a day of silence fits in a few megabytes of FLAC."""
    data = make_media("-f", "lavfi", "-i", "anullsrc=r=16000", "-t", 600, format="flac")
    assert refusal(data, max_seconds=30).code == "too_long"


def test_a_truncated_file_says_where_it_stops(session_clip):
    error = refusal(session_clip[: len(session_clip) * 6 // 11])
    assert error.code == "damaged"
    assert "22 seconds" in str(error)
    assert "12 seconds" in str(error)


def test_an_mp4_cut_before_its_index_is_damaged(on_disk):
    data = on_disk("-i", "pipe:0", "-c:a", "aac", name="a.m4a")
    assert refusal(data[: len(data) // 2]).code == "damaged"


def test_noise_behind_a_good_header_is_damaged(session_clip):
    scrambled = np.random.default_rng(1).bytes(100_000)
    assert refusal(b"fLaC" + scrambled).code == "damaged"


def test_decoding_in_blocks_gives_the_same_as_at_once(session_clip):
    blocks = list(audio.iter_decode(io.BytesIO(session_clip)))
    whole = audio.decode(io.BytesIO(session_clip))
    assert len(blocks) > 1
    assert whole.dtype == np.float32
    assert np.abs(whole).max() <= 1
    assert np.array_equal(np.concatenate(blocks), whole)


def test_playback_is_mp3_of_constant_bitrate(session_clip):
    data = b"".join(audio.make_playback(io.BytesIO(session_clip)))
    probe = audio.inspect(io.BytesIO(data))
    assert (probe.container, probe.channels) == ("mp3", 1)
    assert len(data) * 8 / probe.duration_s == pytest.approx(64_000, rel=0.02)
    assert b"Xing" not in data
    assert b"Info" not in data[:1000]


def test_playback_keeps_time_to_the_millisecond(session_clip):
    before = audio.decode(io.BytesIO(session_clip))
    after = audio.decode(io.BytesIO(b"".join(audio.make_playback(io.BytesIO(session_clip)))))
    size = 1 << 18
    a, b = before[16000:96000], after[16000:96000]
    likeness = np.abs(np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size))))
    shift = int(np.argmax(likeness))
    assert min(shift, size - shift) <= 16


def test_playback_raises_a_quiet_recording(make_media, session_clip):
    quiet = make_media("-i", "pipe:0", "-af", "volume=-18dB", format="wav", stdin=session_clip)
    heard = audio.inspect(io.BytesIO(b"".join(audio.make_playback(io.BytesIO(quiet)))))
    assert heard.mean_db > audio.inspect(io.BytesIO(quiet)).mean_db + 10


def test_trouble_in_the_source_reaches_the_caller(session_clip):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 200_000:
                raise RuntimeError("the vault says no")
            return super().read(size)

    with pytest.raises(RuntimeError, match="the vault says no"):
        audio.decode(Broken(session_clip))


def test_whoever_stops_listening_leaves_no_process_behind(session_clip):
    blocks = audio.iter_decode(io.BytesIO(session_clip * 20))
    next(blocks)
    blocks.close()
    children = subprocess.run(["ps", "-o", "comm=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=False).stdout
    assert "ffmpeg" not in children


def test_a_tool_that_hangs_is_stopped(monkeypatch):
    monkeypatch.setattr(confined, "WALL_SECONDS", 0.2)
    with pytest.raises(TimeoutError):
        list(confined.Confined(["/bin/sleep", "30"]).run())


def test_a_tool_can_write_no_file(tmp_path):
    job = confined.Confined(["/bin/sh", "-c", f"read line; echo secret > {tmp_path}/copy"], feed=iter([b"go\n"]))
    list(job.run())
    assert job.failed
    assert not (tmp_path / "copy").exists() or not (tmp_path / "copy").read_bytes()


def test_without_ffmpeg_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(audio.shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(audio.UnreadableAudio, match="Install ffmpeg"):
        audio.ffmpeg_path()
