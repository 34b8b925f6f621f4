"""Each file is opened by its own tool, and says what it is; nothing that was said can break out of its place."""

import datetime as dt
import io
import zipfile
from itertools import pairwise
from xml.etree import ElementTree

import docx
import pympi
import pysubs2
import pytest
import webvtt
from django.urls import reverse
from praatio import textgrid
from wagtail.models import ModelLogEntry

from recordings import correcting, exports, exports_docx, transcript
from recordings.models import Purpose
from tests.factories import make_consent, make_family
from tests.recordings.test_exports import segment
from tests.recordings.transcript_setup import with_transcript

KEEP = dt.date(2027, 5, 12)
NASTY = [
    segment(0.5, 2.0, 'Iawn, --> dŵr "te" & <i>coffee</i>', speaker="Therapist"),
    segment(2.0, 3.25, "<script>alert(1)</script> ]]> &amp;", speaker="Caregiver M.B."),
    segment(3.25, 4.0, "thank you thank you", supported=False, speaker="Caregiver M.B."),
    segment(5.0, 6.0, "two\x00 lines\nof\u2028it", speaker=None),
]
CLEAN = [
    'Iawn, --> dŵr "te" & <i>coffee</i>',
    "<script>alert(1)</script> ]]> &amp;",
    f"{exports.UNSUPPORTED} thank you thank you",
    "two lines of it",
]


def made(kind, segments=NASTY):
    document = exports.Transcript(60.0, "en", "openai-whisper", "tiny.en", segments, session_on=dt.date(2027, 4, 1), keep_until=KEEP)
    return exports_docx.to_docx(document) if kind == "docx" else exports.FORMATS[kind](document)


def test_webvtt(tmp_path):
    (tmp_path / "t.vtt").write_text(made("vtt"), encoding="utf-8")
    captions = webvtt.read(tmp_path / "t.vtt").captions
    assert [(one.start_in_seconds, one.end_in_seconds) for one in captions] == [(0, 2), (2, 3), (3, 4), (5, 6)]
    assert [one.voice for one in captions] == ["Therapist", "Caregiver M.B.", "Caregiver M.B.", None]
    shown = [one.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for one in captions]
    assert shown == CLEAN
    assert "NOTE Confidential.\n" in made("vtt")


def test_srt():
    subtitles = pysubs2.SSAFile.from_string(made("srt"))
    assert [(one.start, one.end) for one in subtitles] == [(0, 3000), (500, 2000), (2000, 3250), (3250, 4000), (5000, 6000)]
    assert "12 May 2027" in subtitles[0].text
    assert subtitles[1].plaintext.startswith("Therapist: Iawn, -> dŵr")
    assert made("srt").count(" --> ") == 5


def test_elan(tmp_path):
    path = tmp_path / "t.eaf"
    path.write_text(made("eaf"), encoding="utf-8")
    eaf = pympi.Elan.Eaf(str(path))
    assert set(eaf.get_tier_names()) == {"Therapist", "Therapist words", "Caregiver M.B.", "Caregiver M.B. words", "?", "? words"}
    spoken = [one[:3] for name in ("Therapist", "Caregiver M.B.", "?") for one in eaf.get_annotation_data_for_tier(name)]
    assert [text for _start, _end, text in spoken] == CLEAN
    assert spoken[0][:2] == (500, 2000)
    assert ("notice", "Confidential.") in eaf.properties
    words = [text for _start, _end, text, *_rest in eaf.get_annotation_data_for_tier("Therapist words")]
    assert words == CLEAN[0].split()


def test_praat(tmp_path):
    path = tmp_path / "t.TextGrid"
    path.write_text(made("textgrid"), encoding="utf-8")
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    assert grid.tierNames == ("notice", "Therapist", "Therapist words", "Caregiver M.B.", "Caregiver M.B. words", "?", "? words")
    said = [one for name in ("Therapist", "Caregiver M.B.", "?") for one in grid.getTier(name).entries]
    assert [one.label for one in said] == CLEAN
    assert (said[0].start, said[0].end) == (0.5, 2.0)


def test_word():
    content = made("docx")
    document = docx.Document(io.BytesIO(content))
    assert document.paragraphs[0].text == "Transcript of a session on 1 April 2027"
    assert document.sections[0].header.paragraphs[0].text == "Confidential"
    assert any("12 May 2027" in paragraph.text for paragraph in document.paragraphs)
    rows = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    assert rows[1] == ["0:00", "Therapist", CLEAN[0]]
    assert rows[3] == ["0:03", "Caregiver M.B.", CLEAN[2]]
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        footer = "".join(parts.read(name).decode() for name in parts.namelist() if "footer" in name)
        for name in parts.namelist():
            if name.endswith(".xml"):
                ElementTree.fromstring(parts.read(name))  # noqa: S314 (our own)
    assert 'w:instr="PAGE"' in footer
    assert document.core_properties.author == ""


@pytest.mark.parametrize("kind", exports.TITLES)
def test_an_hour_of_two_thousand_turns_is_a_file_too(kind):
    turns = [segment(2.0 * n, 2.0 * n + 1.8, "one two three four five", speaker=f"S{n % 2 + 1}") for n in range(2000)]
    assert len(made(kind, turns)) > 40_000
    assert all(one.end <= two.start for one, two in pairwise(turns))


# From the page


@pytest.fixture
def recording(harbour, thea):
    return with_transcript(harbour, thea)


def fetch(client, recording, kind):
    return client.get(reverse("recordings:transcript-export", args=[recording.pk, kind]))


@pytest.mark.django_db
@pytest.mark.parametrize("kind", exports.TITLES)
def test_a_file_is_taken_with_names_and_changes_and_that_is_noted(as_user, thea, recording, kind):
    turn = transcript.layer(recording).turns[0]
    now = recording.uploaded_at
    correcting.correct(recording=recording, turn=turn["id"], expected=0, text="How did the curfew go", by=thea, now=now)
    correcting.name(recording=recording, speaker="S1", who="therapist", by=thea, now=now)
    response = fetch(as_user(thea), recording, kind)
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    name = response.headers["Content-Disposition"]
    assert name.startswith(f'attachment; filename="transcript-{recording.session_on.isoformat()}.')
    assert recording.family.reference not in name
    content = response.content
    if kind == "docx":
        content = "".join(cell.text for row in docx.Document(io.BytesIO(content)).tables[0].rows for cell in row.cells).encode()
    else:
        assert recording.family.reference.encode() not in content
    for said in (b"Therapist", b"curfew"):
        assert said in content
    entry = ModelLogEntry.objects.get(action="recordings.transcript_export")
    assert (entry.user_id, entry.data) == (thea.pk, {"format": kind, "purpose": "own", "recording": str(recording.pk)})


@pytest.mark.django_db
def test_no_file_without_consent_to_transcription(as_user, thea, harbour):
    consent = make_consent(make_family(harbour, thea), purposes=[Purpose.RECORD, Purpose.REVIEW])
    assert fetch(as_user(thea), with_transcript(harbour, thea, consent=consent), "txt").status_code == 403


@pytest.mark.django_db
def test_no_such_format(as_user, thea, recording):
    assert fetch(as_user(thea), recording, "pdf").status_code == 404
