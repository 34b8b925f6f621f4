"""Which seconds of a picture left the server: by the file's own index, as its bitrate varies."""

import contextlib
import io
import json
import struct
import subprocess

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from recordings import audio, pictureindex, vault
from recordings.models import SealedObject, SentInterval
from tests.recordings import review_setup


def box(kind, *content):
    whole = b"".join(content)
    return struct.pack(">I4s", len(whole) + 8, kind) + whole


def table(kind, *rows):
    return box(kind, bytes(4), struct.pack(">I", len(rows)), *(struct.pack(f">{len(row)}I", *row) for row in rows))


def file_of(sizes, *, delta=500, scale=1000, per_chunk=2, edits=(), wide=False):
    """A track of samples `delta` long, in chunks that lie one behind the other after the index."""
    chunks = [sizes[at : at + per_chunk] for at in range(0, len(sizes), per_chunk)]

    def index(places):
        runs = [(1, per_chunk, 1), *([(len(chunks), len(chunks[-1]), 1)] if len(chunks) > 1 and len(chunks[-1]) < per_chunk else [])]
        if len(chunks) == 1:
            runs = [(1, len(chunks[0]), 1)]
        where = box(b"co64", bytes(4), struct.pack(">I", len(places)), *(struct.pack(">Q", place) for place in places))
        held = box(
            b"stbl",
            table(b"stts", (len(sizes), delta)),
            table(b"stsc", *runs),
            box(b"stsz", bytes(8), struct.pack(">I", len(sizes)), *(struct.pack(">I", size) for size in sizes)),
            where if wide else table(b"stco", *((place,) for place in places)),
        )
        header = box(b"mdhd", bytes(12), struct.pack(">I", scale), bytes(8))
        track = box(b"trak", box(b"edts", table(b"elst", *edits)) if edits else b"", box(b"mdia", header, box(b"minf", held)))
        return box(b"moov", box(b"mvhd", bytes(12), struct.pack(">I", 1000), bytes(8)), track)

    begin = len(index([0] * len(chunks))) + 8
    places = [begin + sum(map(sum, chunks[:at])) for at in range(len(chunks))]
    return index(places) + box(b"mdat", bytes(sum(sizes))), places


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=40), st.integers(1, 5), st.booleans(), st.data())
def test_bytes_are_of_the_chunks_that_they_touch(sizes, per_chunk, wide, data):
    content, places = file_of(sizes, per_chunk=per_chunk, wide=wide)
    index = pictureindex.read(io.BytesIO(content))
    start = data.draw(st.integers(0, len(content) - 1))
    end = data.draw(st.integers(start + 1, len(content)))
    ends = [*places[1:], len(content)]
    touched = {
        ms for at, (a, b) in enumerate(zip(places, ends, strict=True)) if a < end and b > start for ms in _chunk_ms(at, sizes, per_chunk)
    }
    assert {ms for a, b in index.spans(start, end) for ms in range(a // 500, b // 500)} == touched


def _chunk_ms(at, sizes, per_chunk):
    """The half seconds of a chunk."""
    return range(at * per_chunk, min(len(sizes), (at + 1) * per_chunk))


def test_a_track_that_begins_late_or_is_cut_is_placed_by_its_edits():
    content, places = file_of([10] * 4, edits=[(1300, 0xFFFFFFFF, 1), (2000, 200, 1)])
    assert pictureindex.read(io.BytesIO(content)).spans(places[1], places[1] + 1) == [(2100, 3100)]


@pytest.mark.parametrize("content", [b"", bytes(500), box(b"moov"), box(b"moov", box(b"mvhd", bytes(20)), box(b"trak"))])
def test_what_has_no_index_is_said_to_have_none(content):
    with pytest.raises(pictureindex.NoIndex):
        pictureindex.read(io.BytesIO(content))


@given(st.binary(max_size=30), st.integers(0, 400))
def test_no_damage_upsets_it(noise, at):
    content = bytearray(file_of([10] * 6)[0])
    content[at : at + len(noise)] = noise
    with contextlib.suppress(pictureindex.NoIndex):
        pictureindex.read(io.BytesIO(bytes(content))).spans(0, 1000)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Twenty seconds, of which the first ten are black and the others noise: nearly all bytes are of the second half."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    graph = "color=black:s=320x180:r=25:d=10[a];nullsrc=s=320x180:r=25:d=10,geq=random(1)*255:128:128[b];[a][b]concat"
    command = [audio.ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", graph, "-f", "lavfi", "-i", "sine=d=20", "-c:a", "aac", path]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    made = b"".join(audio.make_video(io.BytesIO(path.read_bytes()), duration_s=20))
    path.write_bytes(made)
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "packet=pos,size,pts_time,duration_time", "-of", "json", path],
        capture_output=True,
        check=True,
    )
    return made, json.loads(shown.stdout)["packets"]


def test_of_our_own_files_every_packet_lies_within_the_time_of_its_bytes(film):
    made, packets = film
    index = pictureindex.read(io.BytesIO(made))
    for packet in packets[::7]:
        place, moment = int(packet["pos"]), float(packet["pts_time"]) * 1000
        (span,) = index.spans(place, place + 1)
        assert span[0] - 250 <= moment <= span[1] + 250  # pictures are not shown in the order in which they are decoded
        assert span[1] - span[0] <= 1500
    assert index.spans(0, len(made))[-1][1] == pytest.approx(20_000, abs=130)


@pytest.mark.django_db
def test_what_is_on_record_is_the_time_and_not_the_share_of_the_bytes(film, as_user, sam, thea, harbour):
    made, packets = film
    recording = review_setup.ready_recording(thea, harbour, minutes=10)
    type(recording).objects.filter(pk=recording.pk).update(duration_ms=20_000)
    vault.seal(recording, SealedObject.Kind.VIDEO, [made], now=timezone.now())
    after_ten = min(int(one["pos"]) for one in packets if float(one["pts_time"]) > 11)
    assert after_ten < len(made) / 4  # by its bytes it would be the fifth second

    def fetch(header):
        response = as_user(sam).get(f"/recordings/{recording.pk}/video/", headers={"Range": header})
        b"".join(response.streaming_content)
        return list(SentInterval.objects.filter(person=sam).order_by("start_ms").values_list("start_ms", "end_ms"))

    assert fetch("bytes=0-99") == []  # the index itself holds no time
    ((start, end),) = fetch(f"bytes={after_ten}-{after_ten}")
    assert 9500 <= start < end <= 12_500
    assert start - 250 <= 11_000 <= end + 250
    ((start, end),) = fetch("bytes=0-")
    assert (start, end) == (0, 20_000)


@pytest.mark.django_db
def test_of_a_picture_without_an_index_the_whole_is_on_record(as_user, sam, thea, harbour):
    recording = review_setup.ready_recording(thea, harbour, minutes=10)
    vault.seal(recording, SealedObject.Kind.VIDEO, [bytes(500)], now=timezone.now())
    response = as_user(sam).get(f"/recordings/{recording.pk}/video/", headers={"Range": "bytes=0-9"})
    b"".join(response.streaming_content)
    assert list(SentInterval.objects.values_list("start_ms", "end_ms")) == [(0, recording.duration_ms)]
