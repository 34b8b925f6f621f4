import json
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import exports
from recordings.speech import Segment, Word


def segment(start, end, text, *, supported=True, speaker="S1"):
    parts = text.split()
    step = (end - start) / len(parts)
    words = tuple(Word(round(start + step * n, 3), round(start + step * (n + 1), 3), part, 0.9) for n, part in enumerate(parts))
    return Segment(start, end, text, words, supported, speaker)


def transcript(*segments, duration=3700.0):
    return exports.Transcript(duration, "en", "openai-whisper", "tiny.en", segments)


TALK = transcript(
    segment(0.5, 2.0, 'How did the "curfew" go?'),
    segment(2.0, 3.25, "Mum <laughs> & Dad agreed", speaker="S2"),
    segment(3.25, 4.0, "thank you thank you", supported=False, speaker="S2"),
    segment(3661.5, 3662.0, "Iawn --> fine.", speaker=None),
)


def test_json_is_the_published_shape():
    document = json.loads(exports.to_json(TALK))
    assert list(document) == ["duration", "language", "engine", "model", "speakers", "segments"]
    assert document["speakers"] == ["S1", "S2"]
    assert list(document["segments"][0]) == ["start", "end", "speaker", "text", "supported", "words"]
    assert list(document["segments"][0]["words"][0]) == ["start", "end", "text", "probability"]
    assert document["segments"][2]["supported"] is False


def test_vtt_names_the_voice_and_escapes_the_text():
    text = exports.to_vtt(TALK)
    assert text.startswith("WEBVTT\n\n00:00:00.500 --> 00:00:02.000\n<v S1>How did")
    assert "<v S2>Mum &lt;laughs&gt; &amp; Dad agreed" in text
    assert "\n01:01:01.500 --> 01:01:02.000\nIawn --&gt; fine.\n" in text
    assert len(re.findall(r" --> ", text)) == 4


def test_srt_counts_its_cues():
    cues = exports.to_srt(TALK).strip().split("\n\n")
    assert [cue.split("\n")[0] for cue in cues] == ["1", "2", "3", "4"]
    assert cues[1].split("\n")[1:] == ["00:00:02,000 --> 00:00:03,250", "S2: Mum <laughs> & Dad agreed"]


def test_plain_text_has_a_line_for_each_segment():
    lines = exports.to_txt(TALK).splitlines()
    assert lines[0] == '[00:00:00] S1: How did the "curfew" go?'
    assert lines[3] == "[01:01:01] Iawn --> fine."


@pytest.mark.parametrize("name", ["vtt", "srt", "txt", "eaf", "textgrid"])
def test_what_the_sound_does_not_support_is_marked(name):
    assert f"{exports.UNSUPPORTED} thank you thank you" in exports.FORMATS[name](TALK)


@pytest.mark.parametrize("name", exports.FORMATS)
def test_an_empty_transcript_is_still_a_file(name):
    assert isinstance(exports.FORMATS[name](transcript(duration=12.5)), str)


def test_eaf_refers_only_to_what_is_there():
    root = ElementTree.fromstring(exports.to_eaf(TALK).encode())  # noqa: S314 (our own)
    times = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")}
    tiers = {tier.get("TIER_ID"): tier for tier in root.iter("TIER")}
    assert list(tiers) == ["S1", "S1 words", "S2", "S2 words", "?", "? words"]
    types = {kind.get("LINGUISTIC_TYPE_ID"): kind.get("CONSTRAINTS") for kind in root.iter("LINGUISTIC_TYPE")}
    assert types == {"segment": None, "word": "Included_In"}
    assert {tier.get("LINGUISTIC_TYPE_REF") for tier in tiers.values()} == set(types)
    ids = [one.get("ANNOTATION_ID") for one in root.iter("ALIGNABLE_ANNOTATION")]
    assert len(set(ids)) == len(ids)
    for name, tier in tiers.items():
        assert tier.get("PARENT_REF") in (None, name.removesuffix(" words"))
        last = 0
        for one in tier.iter("ALIGNABLE_ANNOTATION"):
            start, end = times[one.get("TIME_SLOT_REF1")], times[one.get("TIME_SLOT_REF2")]
            assert last <= start < end
            last = end
    words = [one.findtext("ANNOTATION_VALUE") for one in tiers["S1 words"].iter("ALIGNABLE_ANNOTATION")]
    assert words == ["How", "did", "the", '"curfew"', "go?"]


spans = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), max_size=12)


@given(gaps=spans, extra=st.floats(0, 10))
def test_textgrid_tiers_have_no_holes(gaps, extra):
    at, segments = 0.0, []
    for gap, length in gaps:
        segments.append(segment(at + gap, at + gap + length, "one two three"))
        at += gap + length
    text = exports.to_textgrid(transcript(*segments, duration=at + extra))
    end = float(re.search(r"^xmax = (\S+)$", text, re.M)[1])
    tiers = text.split("    item [")[1:]
    assert len(tiers) == 2
    for tier in tiers:
        edges = [(float(a), float(b)) for a, b in re.findall(r"            xmin = (\S+)\n            xmax = (\S+)\n", tier)]
        assert len(edges) == int(re.search(r"intervals: size = (\d+)", tier)[1])
        assert edges[0][0] == 0
        assert edges[-1][1] == end
        assert all(a < b for a, b in edges)
        assert all(one[1] == two[0] for one, two in pairwise(edges))


def test_textgrid_doubles_its_quotes():
    assert 'text = "How did the ""curfew"" go?"' in exports.to_textgrid(TALK)
