"""An MP4 whose index is at its end goes through a pipe: every chunk is where the moved index says."""

import contextlib
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import boxes
from recordings.unreadable import UnreadableAudio


def box(kind, *content):
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def table(kind, places):
    width = ">I" if kind == b"stco" else ">Q"
    return box(kind, bytes(4), struct.pack(">I", len(places)), *(struct.pack(width, place) for place in places))


def movie(*tables, references=None):
    reference = references or box(b"url ", b"\0\0\0\1")
    data = box(b"dinf", box(b"dref", bytes(4), struct.pack(">I", 1), reference))
    return box(b"moov", box(b"mvhd", bytes(100)), *(box(b"trak", box(b"mdia", box(b"minf", data, box(b"stbl", one)))) for one in tables))


def read(data):
    return b"".join(boxes.piped(io.BytesIO(data)))


def places(data):
    """The chunk places that the tables of a file name, in order."""
    found = []
    for kind, width in ((b"stco", 4), (b"co64", 8)):
        at = -1
        while (at := data.find(kind, at + 1)) >= 0:
            count = int.from_bytes(data[at + 8 : at + 12], "big")
            found += [int.from_bytes(data[at + 12 + n * width : at + 12 + (n + 1) * width], "big") for n in range(count)]
    return found


@given(
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=12),
    is_late=st.booleans(),
    kind=st.sampled_from([b"stco", b"co64"]),
    has_type=st.booleans(),
    gap=st.integers(0, 30),
)
def test_each_chunk_is_found_where_the_index_says(sizes, is_late, kind, has_type, gap):
    chunks = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    head = (box(b"ftyp", b"isom" + bytes(8)) if has_type else b"") + box(b"free", bytes(gap))
    index = len(movie(table(kind, [0] * len(chunks))))
    start = len(head) + 8 + (0 if is_late else index)
    where = [start + sum(sizes[:number]) for number in range(len(sizes))]
    whole = movie(table(kind, where))
    media = box(b"mdat", *chunks)
    data = head + media + whole + box(b"free", bytes(gap)) if is_late else head + whole + media
    sent = read(data)
    assert len(sent) == len(data)
    assert sent.index(b"moov") < sent.index(b"mdat")
    for place, chunk in zip(places(sent), chunks, strict=True):
        assert sent[place : place + len(chunk)] == chunk


@given(st.binary(max_size=300), st.integers(0, 200), st.binary(min_size=1, max_size=8))
def test_nothing_but_a_refusal_comes_of_nonsense(noise, at, spoilt):
    good = box(b"ftyp", bytes(12)) + box(b"mdat", bytes(50)) + movie(table(b"stco", [28, 40]))
    for data in (noise, b"\0\0\0\x10ftyp" + noise, good[:at] + spoilt + good[at + len(spoilt) :], good + noise):
        with contextlib.suppress(UnreadableAudio):
            read(data)


def test_data_in_another_file_is_refused():
    link = box(b"url ", bytes(4), b"file:///srv/other.wav\0")
    alias = box(b"alis", bytes(4), bytes(100))
    for reference in (link, alias):
        with pytest.raises(UnreadableAudio) as caught:
            read(box(b"ftyp", bytes(12)) + movie(table(b"stco", [0]), references=reference) + box(b"mdat", bytes(9)))
        assert caught.value.code == "elsewhere"


def test_ten_thousand_tracks_are_refused():
    with pytest.raises(UnreadableAudio) as caught:
        read(box(b"ftyp", bytes(12)) + movie(*[table(b"stco", [0])] * 10_000) + box(b"mdat", bytes(9)))
    assert caught.value.code == "tracks"


@pytest.mark.parametrize(
    "data",
    [
        box(b"ftyp", bytes(12)) + box(b"mdat", bytes(99)),
        box(b"ftyp", bytes(12)) + struct.pack(">I4s", 1 << 30, b"moov") + bytes(99),
        box(b"ftyp", bytes(12)) + box(b"moov", box(b"cmov", bytes(40))) + box(b"mdat", bytes(9)),
        box(b"mdat", bytes(99)) + movie(box(b"stco", bytes(4), b"\xff\xff\xff\xff", bytes(8))),
        box(b"mdat", bytes(99)) + movie(table(b"stco", [0x8, 0x9]) + table(b"stco", [8, 1 << 31]))[:-4] + b"\0\0\0",
        box(b"free", b"") * 5000,
    ],
    ids=["no index", "an index beyond the end", "a compressed index", "a table that lies", "cut short", "boxes without end"],
)
def test_what_cannot_be_moved_is_damaged(data):
    with pytest.raises(UnreadableAudio) as caught:
        read(data)
    assert caught.value.code == "damaged"
