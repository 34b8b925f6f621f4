"""What is said in a clip: written down as it is cut, without names; captions and transcript; heard in whole before it is approved."""

import itertools
import re

import pytest
import yaml
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from learning import enrolment
from learning.coursefiles import BadFile
from learning.loading import load_course
from learning.models import LessonPage
from recordings import accessrecord, casefile, clipheard, clipping, clips, clipwords, correcting, listening, sent, transcript
from recordings.models import Clip, HeardInterval, Purpose, Redaction, SealedText
from tests import factories
from tests.recordings.clip_setup import (
    ALL,
    hear,
    listen,
    make,
    read,
)

pytest_plugins = ["tests.recordings.clip_fixtures"]
pytestmark = pytest.mark.django_db
CUE = re.compile(r"(\d\d):(\d\d):(\d\d)\.(\d{3}) --> (\d\d):(\d\d):(\d\d)\.(\d{3})")


def captions(client, clip):
    return client.get(reverse("recordings:clip-captions", args=[clip.pk]))


def text_of(clip):
    return " ".join(said for _, said in clipwords.of(clip, on=factories.today()).spoken)


def cut(made):
    clipping.make_clip.call(str(made.pk))
    made.refresh_from_db()
    return made


class TestCaptions:
    def test_they_are_webvtt_at_the_clips_own_times_with_what_was_muted_left_out(self, approved, tom, as_user):
        answer = captions(as_user(tom), approved)
        text = answer.content.decode()
        assert answer["Content-Type"].startswith("text/vtt")
        assert "no-store" in answer["Cache-Control"]
        assert text.startswith("WEBVTT")
        assert "[name removed]" in text
        for gone in ("Callum", "before the clip"):
            assert gone not in text
        times = [int(m[3]) * 1000 + int(m[4]) for m in CUE.finditer(text)]
        assert times
        assert times[0] == 200  # said at 3.2 s of the recording; the clip begins at 3 s
        assert all(int(m[7]) * 1000 + int(m[8]) <= 6_000 for m in CUE.finditer(text))

    def test_a_word_that_people_put_right_is_shown_as_they_wrote_it(self, recording, thea):
        (turn,) = [one for one in transcript.edited(recording) if "harbour" in one["text"]]
        layer = transcript.layer(recording)
        edit(recording, layer, turn, turn["text"].replace("today", "yesterday"), thea)
        assert "yesterday" in text_of(cut(make(recording, thea)))

    def test_a_name_that_somebody_writes_after_the_muting_stays_out(self, recording, thea):
        casefile.set_names(family=recording.family, names=["Jonquil"], by=thea, now=timezone.now())
        (turn,) = [one for one in transcript.edited(recording) if "harbour" in one["text"]]
        edit(recording, transcript.layer(recording), turn, turn["text"].replace("today", "Jonquil"), thea)
        text = text_of(cut(make(recording, thea)))
        assert "Jonquil" not in text
        assert text.split()[-2:] == ["[name", "removed]"]

    def test_an_edit_after_the_clip_was_cut_changes_nothing_that_was_approved(self, approved, recording, thea):
        before = text_of(approved)
        (turn,) = [one for one in transcript.edited(recording) if "harbour" in one["text"]]
        edit(recording, transcript.layer(recording), turn, "Callum Callum Callum", thea)
        assert text_of(Clip.objects.get(pk=approved.pk)) == before

    def test_voices_that_nobody_named_are_numbered_as_the_clip_has_them(self, clip):
        assert [speaker for speaker, _ in clipwords.of(clip, on=factories.today()).spoken] == ["Speaker 1"]  # S2 of the recording

    def test_the_words_are_sealed(self, clip):
        assert clip.words is not None
        assert b"removed" not in bytes(clip.words.ciphertext)

    def test_another_teams_person_and_an_unknown_id_get_404_before_approval(self, clip, olly, sam, as_user):
        assert captions(as_user(sam), clip).status_code == 200
        assert captions(as_user(olly), clip).status_code == 404
        unknown = reverse("recordings:clip-captions", args=["00000000-0000-4000-8000-000000000000"])
        assert as_user(sam).get(unknown).status_code == 404

    def test_a_legal_hold_keeps_them_sealed_and_closed(self, approved, recording, tom, as_user):
        recording.consent.withdrawn_at = timezone.now()
        recording.consent.save()
        assert SealedText.objects.filter(pk=approved.words_id).exists()
        assert captions(as_user(tom), approved).status_code == 410

    def test_a_clip_that_is_not_used_leaves_no_words(self, clip, sam):
        clips.decide(clip=clip, approves=False, by=sam, now=timezone.now())
        assert not SealedText.objects.filter(pk=clip.words_id).exists()

    def test_when_somebody_no_longer_agrees_to_a_transcript_the_sound_stays_and_the_page_says_so(
        self, lesson, approved, recording, tom, as_user
    ):
        recording.consent.people.update(purposes=[one for one in ALL if one != Purpose.TRANSCRIBE])
        text = read(as_user(tom), lesson).content.decode()
        assert "not everybody heard in it agrees to one" in text
        assert reverse("recordings:clip-audio", args=[approved.pk]) in text
        assert "/captions/" not in text
        assert "[name removed]" not in text
        assert captions(as_user(tom), approved).status_code == 404

    def test_a_clip_of_a_recording_without_a_transcript_says_so(self, recording, thea, sam, as_user):
        recording.objects_sealed.filter(kind="features").delete()
        made = cut(make(recording, thea))
        assert made.state == Clip.State.PROPOSED
        assert "There is no transcript of this clip" in as_user(sam).get(reverse("recordings:clip", args=[made.pk])).content.decode()
        assert captions(as_user(sam), made).status_code == 404

    def test_the_lesson_has_a_track_and_the_words_beneath_the_player(self, lesson, approved, tom, as_user):
        text = read(as_user(tom), lesson).content.decode()
        player = text.index("<audio")
        track = text.index(f'src="{reverse("recordings:clip-captions", args=[approved.pk])}"')
        assert player < track < text.index("</audio>") < text.index("[name removed]")


def edit(recording, layer, turn, text, by):
    """One turn's words replaced, as its page does it."""
    correcting.correct(recording=recording, turn=turn["id"], expected=turn["edit"], text=text, by=by, now=timezone.now())


@given(
    st.lists(st.tuples(st.integers(0, 4_000), st.integers(1, 900), st.text(alphabet="abc.?", min_size=1, max_size=12)), max_size=120),
)
def test_captions_hold_every_word_once_in_order_and_are_short(parts):
    words, at = [], 0
    for pause, length, text in parts:
        words.append((at + pause, at + pause + length, text))
        at += pause + length
    made = clipwords.cues(words)
    assert " ".join(text for _, _, text in made).split() == [text for _, _, text in words]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(made))
    assert all(len(text) <= clipwords.LONGEST_CUE and end - start <= clipwords.LONGEST_CUE_MS for start, end, text in made)


class TestListeningBeforeApproving:
    def test_who_has_not_heard_it_is_told_so_and_keeps_the_form(self, clip, sam, as_user):
        answer = decide(as_user(sam), clip)
        text = answer.content.decode()
        assert answer.status_code == 422
        assert "You have not heard this clip yet. Play all of it, then decide." in text
        assert re.search(r'value="approve"[^>]*checked', text)
        assert re.search(r'name="has_listened"[^>]*checked', text)
        clip.refresh_from_db()
        assert clip.state == Clip.State.PROPOSED

    def test_what_was_not_heard_is_named(self, clip, sam, as_user):
        hear(clip, sam, (0, 2_000), (4_500, 5_000))
        text = decide(as_user(sam), clip).content.decode()
        assert "You have not heard 0:02 to 0:05 and 0:05 to 0:06 of this clip. Play that too, then decide." in text

    def test_who_has_heard_it_all_approves(self, clip, sam, as_user):
        hear(clip, sam, (0, 3_100))
        hear(clip, sam, (3_200, 5_900))
        assert decide(as_user(sam), clip).status_code == 302

    def test_somebody_elses_listening_does_not_count(self, clip, sam, bea, as_user):
        hear(clip, bea)
        assert decide(as_user(sam), clip).status_code == 422

    def test_hearing_another_clip_of_the_same_moment_does_not_count(self, clip, recording, thea, sam, as_user):
        other = cut(make(recording, thea))
        hear(other, sam)
        assert decide(as_user(sam), clip).status_code == 422

    def test_hearing_the_recording_itself_does_not_count(self, clip, recording, sam, as_user):
        now = timezone.now()
        HeardInterval.objects.create(
            recording=recording, person=sam, purpose="supervision", start_ms=0, end_ms=22_000, first_at=now, last_at=now
        )
        sent.note(recording=recording, person=sam, spans=[(0, 22_000)], now=timezone.now())
        b"".join(listen(as_user(sam), clip, range="bytes=0-99").streaming_content)
        assert decide(as_user(sam), clip).status_code == 422

    def test_without_scripts_what_was_sent_to_the_browser_counts(self, clip, sam, as_user):
        client = as_user(sam)
        b"".join(listen(client, clip, range="bytes=0-999").streaming_content)
        assert decide(client, clip).status_code == 422
        b"".join(listen(client, clip).streaming_content)
        assert decide(client, clip).status_code == 302

    def test_not_using_it_needs_no_listening(self, clip, sam, as_user):
        assert as_user(sam).post(reverse("recordings:clip-decide", args=[clip.pk]), {"decision": "refuse"}).status_code == 302

    def test_the_player_reports_at_the_clips_times_and_it_is_kept_at_the_recordings(self, clip, recording, sam, as_user):
        address = reverse("recordings:clip-heard", args=[clip.pk])
        assert as_user(sam).post(address, {"intervals": "[[0, 9000]]"}).status_code == 204
        b"".join(listen(as_user(sam), clip).streaming_content)
        rows = [one for one in accessrecord.of(recording) if one.person == sam]
        found = {(one.way, one.purpose, *one.stretches) for one in rows}
        assert found == {("played", "Teaching clip", (3_000, 9_000)), ("sent", "Teaching clip", (3_000, 9_000))}

    def test_hearing_a_clip_is_not_hearing_the_recording_that_one_rates(self, clip, recording, sam):
        hear(clip, sam)
        assert listening.share_heard(recording, sam) == 0
        assert listening.shares_heard([recording], sam) == {recording.pk: 0}

    @pytest.mark.parametrize("said", ["", "no", "[[5, 1]]", "[[-1, 1]]", '[["0", 1]]', "[1]"])
    def test_a_report_that_cannot_be_true_is_refused(self, clip, sam, as_user, said):
        assert as_user(sam).post(reverse("recordings:clip-heard", args=[clip.pk]), {"intervals": said}).status_code == 422
        assert not HeardInterval.objects.exists()

    def test_a_player_of_the_recording_cannot_say_that_it_was_the_clip(self, clip, recording, sam, as_user):
        answer = as_user(sam).post(
            reverse("recordings:heard", args=[recording.pk]), {"purpose": clipheard.purpose(clip), "intervals": "[[3000, 9000]]"}
        )
        assert answer.status_code == 422

    def test_another_teams_person_cannot_report(self, clip, olly, as_user):
        answer = as_user(olly).post(reverse("recordings:clip-heard", args=[clip.pk]), {"intervals": "[[0, 6000]]"})
        assert answer.status_code == 404


def decide(client, clip):
    return client.post(reverse("recordings:clip-decide", args=[clip.pk]), {"decision": "approve", "has_listened": "on"})


@pytest.fixture
def course_file(tmp_path):
    """Writes a course of one lesson that shows a clip, and loads it."""
    day = tmp_path / "content" / "clips" / "day-1"
    day.mkdir(parents=True)
    (tmp_path / "content" / "media").mkdir()
    (tmp_path / "content" / "media" / "media.yaml").write_text("{}\n")
    (day.parent / "course.yaml").write_text("title: Moments\nsummary: What is asked.\nhours: 1\n")
    (day / "day.yaml").write_text("title: One\nsummary: The first.\n")

    def load(clip_id):
        body = [{"text": "Listen."}, {"clip": {"id": str(clip_id)}}]
        (day / "01-moment.yaml").write_text(yaml.safe_dump({"title": "A moment", "summary": "S", "minutes": 5, "body": body}))
        return load_course(day.parent, parent=factories.course_index(), by=None, now=timezone.now())

    return load


class TestInACoursesFile:
    def test_an_approved_clip_is_named_by_its_id_and_plays_in_the_lesson(self, course_file, approved, tom, as_user):
        course = course_file(str(approved.pk).upper())
        page = LessonPage.objects.get(title="A moment")
        assert page.body.raw_data[1]["value"] == {"clip": str(approved.pk)}
        enrolment.enrol(learner=tom, course=course, reason="R", by=None, now=timezone.now())
        assert reverse("recordings:clip-captions", args=[approved.pk]) in read(as_user(tom), page).content.decode()

    def test_one_that_nobody_approved_is_refused(self, course_file, clip):
        with pytest.raises(BadFile, match=f"shows the clip “{clip.pk}”, which is not among the approved teaching clips here"):
            course_file(clip.pk)
        assert not LessonPage.objects.filter(title="A moment").exists()

    def test_a_file_that_holds_a_withdrawn_one_still_loads_and_shows_the_dated_line(self, course_file, approved, thea, tom, as_user):
        clips.take_back(clip=approved, by=thea, now=timezone.now())
        course = course_file(approved.pk)
        enrolment.enrol(learner=tom, course=course, reason="R", by=None, now=timezone.now())
        text = read(as_user(tom), LessonPage.objects.get(title="A moment")).content.decode()
        assert f"This clip was withdrawn on {factories.today().day} {factories.today():%B %Y}." in text


def test_a_stretch_muted_in_a_redaction_that_is_not_ready_yet_changes_no_words(clip, recording, thea):
    before = text_of(clip)
    now = timezone.now()
    Redaction.objects.create(recording=recording, number=9, spans=[], proposed_at=now, proposed_by=thea)
    assert text_of(clip) == before
