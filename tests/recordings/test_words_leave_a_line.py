"""Whatever address gives somebody words that were said, the access record knows of it: found from the list of addresses."""

import datetime as dt
import io
import zipfile

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import accessrecord, annotationfiles, clips, clipwords, exports, governance, reading, transcript, vault
from recordings.models import Annotation, Clip, Code, Recording, ResearchExport, Review
from tests import test_access
from tests.recordings.transcript_setup import said, with_transcript
from tests.test_access import world  # noqa: F401 (a fixture)

pytestmark = pytest.mark.django_db

CANARY = "Quokkafield"
READERS = ("thea", "sam", "cora", "olly")
SERVE = {
    "recordings:detail",
    "recordings:transcript",
    "recordings:transcript-words",
    "recordings:transcript-edit",
    "recordings:transcript-speakers",
    "recordings:transcript-undo",
    "recordings:transcript-export",
    "recordings:redaction",
    "recordings:review",
    "recordings:bench-words",
    "recordings:annotation-create",
    "recordings:annotation-change",
    "recordings:feedback",
    "recordings:reply",
    "recordings:clip",
    "recordings:clip-decide",
    "recordings:clip-captions",
}


@pytest.fixture
def spoken(world):  # noqa: F811
    """The world, with words in every recording, in the feedback's one moment and in the clip."""
    other = with_transcript(world.team, world.thea, segments=[said(0.2, 4.0, f"then {CANARY} rang me up")])
    with vault.open_sealed(other.objects_sealed.get(kind="features")) as opened:
        content = opened.read()
    for recording in Recording.objects.exclude(state=Recording.State.DESTROYED).exclude(pk=other.pk):
        vault.seal(recording, "features", [content], now=timezone.now())
    code, now = Code.objects.filter(programme=world.team.programme).first(), timezone.now()
    Annotation.objects.create(review=world.feedback, code=code, start_ms=0, end_ms=5000, created_at=now, changed_at=now)
    world.clip.words = clipwords.sealed(world.clip, [clipwords.Line("Therapist", [(0, 900, f"So {CANARY} rang")])])
    world.clip.save(update_fields=["words"])
    return world


def holds_words(response):
    content = b"".join(response.streaming_content) if response.streaming else response.content
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = b"".join(archive.read(name) for name in archive.namelist())
    return CANARY.encode() in content


def asked(person, url, **more):
    client = Client(raise_request_exception=False)
    client.force_login(person)
    response = client.get(url, **more)
    return client.post(url, **more) if response.status_code == 405 else response


def known_of(person):
    return [row for row in accessrecord.among(Recording.objects.all(), person=person) if row.way in ("read", "taken")]


def test_every_address_that_gives_words_leaves_a_line(spoken, monkeypatch):
    opened = []
    real = transcript.layer
    monkeypatch.setattr(transcript, "layer", lambda recording: opened.append(recording) or real(recording))
    served, silent, unknown = set(), set(), []
    for name, arguments, _ in test_access.rows():
        url = reverse(name, args=[test_access.value(spoken, argument) for argument in arguments])
        for reader in READERS:
            person = getattr(spoken, reader)
            opened.clear()
            try:
                with transaction.atomic():
                    response = asked(person, url)
                    has_words = response.status_code in (200, 409, 422) and holds_words(response)
                    if has_words:
                        served.add(name)
                    if has_words and not known_of(person):
                        unknown.append(f"{name} for {reader}")
                    if opened and not has_words:
                        silent.add(name)
                    raise test_access.RolledBack
            except test_access.RolledBack:
                pass
    assert unknown == []
    assert served == SERVE
    assert silent == {"recordings:redaction-create"}  # it looks, and shows nothing of what it found


@pytest.mark.parametrize("kind", list(exports.TITLES))
def test_a_transcript_taken_away_is_on_record_each_time(spoken, sam, thea, kind):
    url = reverse("recordings:transcript-export", args=[spoken.recording.pk, kind])
    for _ in range(2):
        assert holds_words(asked(sam, url)) or kind in ("srt", "vtt")
    rows = accessrecord.of(spoken.recording)
    assert [(row.person, row.role, row.purpose, row.way_word) for row in rows] == 2 * [
        (sam, "Supervisor", "Supervision or consultation", f"Taken away as {reading.FORMATS[kind]}")
    ]
    assert f"Taken away as {reading.FORMATS[kind]}" in asked(thea, f"/recordings/{spoken.recording.pk}/").content.decode()


@pytest.mark.parametrize("kind", list(annotationfiles.TITLES))
def test_a_review_taken_away_is_on_record(spoken, thea, iggy, kind):
    asked(thea, reverse("recordings:review-file", args=[spoken.feedback.pk, kind]))
    (row,) = accessrecord.of(spoken.heard)
    assert (row.person, row.purpose, row.way_word) == (thea, "Feedback", f"Review taken away as {reading.FORMATS[kind]}")
    listed = asked(iggy, reverse("recordings:governance-listening"), QUERY_STRING="format=csv").content.decode()
    assert f"Review taken away as {reading.FORMATS[kind]}" in listed


def test_a_line_from_before_purposes_were_kept_is_still_read(spoken, sam):
    review = Review.objects.get(pk=spoken.feedback.pk)
    for about, action in (
        (spoken.heard, "recordings.read"),
        (spoken.heard, "recordings.transcript_export"),
        (review, "recordings.review_export"),
    ):
        entry = ModelLogEntry.objects.log_action(about, action, user=sam)
        assert entry.data == {}
    assert [(row.way_word, row.purpose) for row in accessrecord.of(spoken.heard)] == [
        ("Transcript read", ""),
        ("Taken away as file", ""),
        ("Review taken away as file", ""),
    ]


def test_each_purpose_of_reading_has_a_line_a_day(spoken, sam):
    for purpose in ("transcript", "redaction", "transcript"):
        reading.note_read(recording=spoken.heard, person=sam, purpose=purpose, now=timezone.now())
    assert {row.purpose for row in accessrecord.of(spoken.heard)} == {"Checking the transcript", "Taking names out"}
    assert ModelLogEntry.objects.filter(action="recordings.read", user=sam).count() == 2


def test_words_in_a_lesson_are_on_record(spoken, olly):
    Clip.objects.filter(pk=spoken.clip.pk).update(state=Clip.State.APPROVED)
    assert clips.shown(str(spoken.clip.pk), olly, on=timezone.localdate()).words
    (row,) = known_of(olly)
    assert (row.recording, row.purpose) == (spoken.teachable, "Teaching clip")


@pytest.mark.parametrize(("with_text", "with_voices", "ways"), [(True, True, ["Taken away as words and voice prints"]), (False, False, [])])
def test_an_export_for_research_is_on_record_where_words_or_voices_left(spoken, iggy, with_text, with_voices, ways):
    now = timezone.now()
    ResearchExport.objects.create(
        programme=spoken.team.programme,
        reason="A study",
        with_text=with_text,
        with_voices=with_voices,
        sessions_from=now.date() - dt.timedelta(days=30),
        sessions_until=now.date(),
        recordings=[str(spoken.heard.pk)],
        sha256="",
        size=1,
        made_at=now,
        made_by=iggy,
    )
    rows = accessrecord.of(spoken.heard)
    assert [(row.person, row.purpose, row.way_word) for row in rows] == [(iggy, "Research", way) for way in ways]
    assert accessrecord.of(spoken.recording) == []
    assert len(list(governance.listening_cells(rows))) == len(ways)


def test_every_format_has_a_name():
    assert set(exports.TITLES) | set(annotationfiles.TITLES) == set(reading.FORMATS)
