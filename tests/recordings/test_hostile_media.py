"""What somebody might send who means harm: refused with a sentence, quickly, and without reading anything else."""

import http.server
import io
import random
import resource
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from recordings import audio, checks, confined, sniffing

FTYP = b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom"


def verdict(data, **limits):
    """The code of the refusal, or None when it is taken. Anything else that is raised fails the test."""
    try:
        audio.inspect(io.BytesIO(data), **limits)
    except audio.UnreadableAudio as reason:
        return reason.code if str(reason).endswith(".") else f"not a sentence: {reason}"
    return None


@pytest.fixture(scope="module")
def canary(tmp_path_factory, session_clip):
    """Another family's recording, on this disk and on a web server of this machine: `hits` are the requests for it."""
    folder = tmp_path_factory.mktemp("others")
    (folder / "other.wav").write_bytes(session_clip)

    class Handler(http.server.SimpleHTTPRequestHandler):
        hits = []

        def do_GET(self):
            self.hits.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(session_clip)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Handler.file = folder / "other.wav"
    Handler.port = server.server_port
    yield Handler
    server.shutdown()
    server.server_close()


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:30\n#EXTINF:30,\n{target}\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile '{target}'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet><Representation id="0"'
    ' mimeType="audio/mp4" bandwidth="1"><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\na=control:{target}\n",
    "smil": '<smil><body><audio src="{target}"/></body></smil>',
    "svg": '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="{target}"/></svg>',
    "xspf": '<playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList><track><location>{target}</location></track></trackList></playlist>',
    "imf": '<?xml version="1.0"?><AssetMap><AssetList><Asset><Path>{target}</Path></Asset></AssetList></AssetMap>',
}
DISGUISES = {
    "as it is": b"",
    "mp4": FTYP,
    "mp4 with its index": FTYP + struct.pack(">I4s", 8, b"moov"),
    "wav": b"RIFF\xff\xff\xff\x7fWAVE",
    "flac": b"fLaC",
    "ogg": b"OggS\0\2",
    "webm": b"\x1a\x45\xdf\xa3",
    "mp3": b"ID3\4\0\0\0\0\0\0",
    "aac": b"\xff\xf1\x50\x80",
}


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("playlist", PLAYLISTS)
def test_no_playlist_reads_anything(playlist, disguise, canary):
    for target in (f"file://{canary.file}", str(canary.file), f"http://127.0.0.1:{canary.port}/other.wav"):
        data = DISGUISES[disguise] + PLAYLISTS[playlist].format(target=target).encode()
        assert verdict(data, min_seconds=0.1) in ("not_audio", "damaged", "no_sound")
    assert canary.hits == []


class TestTheJail:
    """Even a tool that is wholly taken over finds nothing and reaches nobody."""

    @pytest.fixture
    def jailed(self, request):
        layer = request.param
        if layer not in confined.layers():
            pytest.skip(f"this kernel does not offer the layer {layer}, and a check says so: there is nothing to try")
        return lambda *command, **more: confined.Confined(list(command), **more)

    @pytest.mark.parametrize("jailed", ["files"], indirect=True)
    def test_it_can_open_no_file_of_ours(self, jailed, canary):
        job = jailed("/bin/cat", str(canary.file))
        assert b"".join(job.run()) == b""
        assert job.failed

    @pytest.mark.parametrize("jailed", ["calls"], indirect=True)
    def test_it_can_open_no_socket(self, jailed, canary):
        job = jailed("/bin/bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{canary.port}; echo GET / >&3; cat <&3")
        assert b"".join(job.run()) == b""
        assert job.failed
        assert canary.hits == []

    @pytest.mark.parametrize("jailed", ["namespace"], indirect=True)
    def test_there_is_no_network(self, jailed):
        job = jailed("/bin/cat", "/proc/self/net/dev")  # Landlock hides it; the name of the namespace is what counts
        list(job.run())
        ours = subprocess.run(["readlink", "/proc/self/ns/net"], capture_output=True, text=True, check=True).stdout
        job = jailed("/usr/bin/readlink", "/proc/self/ns/net")
        assert b"".join(job.run()).decode() not in ("", ours)

    @pytest.mark.parametrize("jailed", ["limits"], indirect=True)
    def test_its_folder_is_gone_before_it_begins(self, jailed, canary):
        job = jailed("/bin/sh", "-c", "readlink /proc/self/cwd; touch made; ls -A", file_bytes=1000)
        blocks = job.run()
        folder, _, rest = next(blocks).decode().partition("\n")
        assert "plumbline-" in folder
        assert folder.endswith(" (deleted)")
        assert not Path(folder.removesuffix(" (deleted)")).exists()  # though nobody has ended it yet: nothing is left if we are killed
        assert (rest.encode() + b"".join(blocks)).strip() == b""
        assert "made" in job.said

    @pytest.mark.parametrize("jailed", ["limits"], indirect=True)
    def test_processor_and_memory_have_an_end(self, jailed):
        job = jailed("/bin/sh", "-c", "while :; do :; done", cpu_seconds=1)
        begun = time.monotonic()
        list(job.run())
        assert job.failed
        assert time.monotonic() - begun < 30
        job = jailed("/bin/sh", "-c", "ulimit -v; ulimit -n; ulimit -c; ulimit -f")
        assert b"".join(job.run()).split() == [str(confined.MEMORY_BYTES // 1024).encode(), b"64", b"0", b"0"]

    @pytest.mark.parametrize(
        ("offered", "warned"),
        [
            ({"limits", "namespace", "calls", "files"}, []),
            ({"limits", "calls", "files"}, []),
            ({"limits", "namespace", "files"}, []),
            ({"limits", "files"}, ["recordings.W004"]),
            ({"limits", "namespace", "calls"}, ["recordings.I005"]),
            ({"limits"}, ["recordings.W004", "recordings.I005"]),
        ],
    )
    def test_a_check_says_what_ffmpeg_could_reach_where_a_layer_is_missing(self, offered, warned, monkeypatch):
        monkeypatch.setattr(confined, "layers", lambda: frozenset(offered))
        assert [message.id for message in checks.media_tools_are_confined(None)] == warned


# Floods


@pytest.fixture(scope="module")
def with_sound(tmp_path_factory, session_clip):
    """`with_sound("testsrc=…", "-c:v", "mjpeg")`: a Matroska or MP4 file of that picture and 22 s of speech."""

    def make(picture, *arguments, suffix="mkv"):
        path = tmp_path_factory.mktemp("flood") / f"flood.{suffix}"
        command = [audio.ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", picture, "-i", "pipe:0", *map(str, arguments), "-c:a", "aac"]
        subprocess.run([*command, path], input=session_clip, check=True, capture_output=True)
        return path.read_bytes()

    return make


@pytest.mark.parametrize(
    ("picture", "suffix"),
    [
        ("color=s=16000x16000:r=1:d=1", "mkv"),
        ("color=s=16000x16000:r=1:d=1", "mp4"),
        ("color=s=8192x8192:r=1:d=2", "mkv"),
        ("color=s=8192x8192:r=1:d=2", "mp4"),
        ("color=s=64x64:r=1000:d=22", "mp4"),
    ],
)
def test_a_flood_of_pictures_is_never_decoded(with_sound, picture, suffix):
    """It is refused; or, where ffmpeg gives up on the picture before it knows its size, taken for its sound alone."""
    data = with_sound(picture, "-c:v", "mjpeg", "-q:v", 31, suffix=suffix)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    outcome = verdict(data)
    assert outcome == "picture" or not audio.inspect(io.BytesIO(data)).has_video
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 10


def test_a_flood_that_does_not_say_its_rate_is_thinned_out(with_sound):
    data = with_sound("color=s=64x64:r=1000:d=22", "-c:v", "mjpeg", "-q:v", 31)
    made = b"".join(audio.make_video(io.BytesIO(data), duration_s=22))
    told = subprocess.run([audio.ffmpeg_path(), "-i", "pipe:0"], input=made, capture_output=True, check=False).stderr
    assert b" 25 fps" in told or b" 30 fps" in told


def test_more_tracks_than_a_recording_has_are_refused(with_sound):
    data = with_sound("color=s=16x16:r=1:d=1", *["-map", "1:a"] * 60, "-c:a", "pcm_s16le", "-t", 2)
    assert verdict(data, min_seconds=0.5) is not None


@pytest.mark.slow
def test_half_a_day_of_silence_is_not_unpacked(make_media):
    data = make_media("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", 12 * 3600, format="flac")
    assert len(data) < 10_000_000
    begun = time.monotonic()
    assert verdict(data, max_seconds=600) == "too_long"
    assert time.monotonic() - begun < 30


# Lies


def test_a_wav_that_claims_more_than_it_has_is_damaged(session_clip):
    data = bytearray(session_clip)
    struct.pack_into("<I", data, 4, 32_000 * 3600)
    struct.pack_into("<I", data, 40, 32_000 * 3600)
    assert verdict(bytes(data)) == "damaged"


@pytest.mark.parametrize("field", ["mvhd", "mdhd", "stsz", "stts", "stsc", "stco"])
def test_an_mp4_whose_numbers_lie_harms_nobody(field, with_sound):
    data = bytearray(with_sound("color=s=16x16:r=1:d=1", "-map", "1:a", suffix="mp4"))
    at = data.index(field.encode())
    places = {"mvhd": 20, "mdhd": 20, "stsz": 12, "stts": 8, "stsc": 8, "stco": 8}
    for value in (0, 0x7FFFFFFF, 0xFFFFFFFF):
        struct.pack_into(">I", data, at + places[field], value)
        assert verdict(bytes(data)) in (None, "damaged", "no_sound", "too_long", "too_short")


def test_a_file_that_is_two_things_is_taken_for_its_sound_alone(session_clip):
    page = b"<html><script>alert(1)</script></html>"
    probe = audio.inspect(io.BytesIO(session_clip + page))
    assert probe.container == "wav"
    kept = b"".join(audio.make_playback(io.BytesIO(session_clip + page)))
    assert b"<script>" not in kept
    for opening in (b"PK\3\4", b"%PDF-1.7\n", b"<html>", b"GIF89a", b"\x7fELF", b"#!/bin/sh\n"):
        assert verdict(opening + session_clip) == "not_audio"


def test_tags_within_tags_have_an_end(session_clip):
    assert sniffing.container(b"ID3\4\0\0\0\0\0\0" * 6500) is None
    assert verdict(b"ID3\4\0\0\0\0\0\0" * 6500 + session_clip) == "not_audio"
    assert sniffing.container(b"ID3\4\0\0\0\0\0\0" + FTYP) is None
    assert sniffing.container(b"ID3\4\0\0\0\0\0\0" + b"fLaC") == "flac"


# Damage

MAKERS = {
    "wav": ["-f", "wav"],
    "mp3": ["-f", "mp3"],
    "aac": ["-c:a", "aac", "-f", "adts"],
    "ogg": ["-c:a", "libopus", "-f", "ogg"],
    "flac": ["-f", "flac"],
    "webm": ["-c:a", "libopus", "-f", "webm"],
    "mp4": ["-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov", "-f", "mp4"],
}


@pytest.fixture(scope="module")
def short(make_media, session_clip, with_sound):
    """Twelve seconds in each container."""
    made = {
        name: make_media("-i", "pipe:0", "-t", 12, *arguments[:-2], format=arguments[-1], stdin=session_clip)
        for name, arguments in MAKERS.items()
    }
    return {**made, "late mp4": with_sound("testsrc=s=32x32:r=5:d=12", "-t", 12, suffix="mp4")}


@pytest.mark.slow
@pytest.mark.parametrize("container", [*MAKERS, "late mp4"])
def test_a_file_cut_anywhere_is_taken_or_refused(short, container):
    data = short[container]
    for part in (0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999):
        verdict(data[: int(len(data) * part)], min_seconds=1)


@pytest.mark.slow
@pytest.mark.parametrize("container", [*MAKERS, "late mp4"])
def test_thirty_mutations_of_each_container(short, container, canary):
    """Bytes are turned, most of them near the beginning, where the structure is; none may crash us or run on."""
    chance = random.Random(f"plumbline {container}")
    for _ in range(30):
        data = bytearray(short[container])
        for _ in range(chance.choice((1, 3, 10, 100))):
            place = chance.randrange(min(len(data), chance.choice((64, 1024, len(data)))))
            data[place] = chance.choice((0, 0xFF, data[place] ^ 1 << chance.randrange(8), chance.randrange(256)))
        begun = time.monotonic()
        verdict(bytes(data), min_seconds=1, max_seconds=60)
        assert time.monotonic() - begun < 60
    assert canary.hits == []


def test_the_launcher_brings_nothing_of_ours_along():
    code = "import sys; sys.argv = ['x']; import runpy; runpy.run_path(sys.path.pop()); print([m for m in sys.modules if m[:10] == 'recordings'])"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code.replace("sys.path.pop()", repr(str(confined._JAIL)))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "[]", done.stderr
