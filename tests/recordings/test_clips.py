"""Teaching clips: cut from the muted version, approved by somebody else, held by lessons as an id, and gone everywhere at once."""

import datetime as dt
import uuid

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from wagtail.models import Page

from learning import blocks
from learning.models import LessonPage
from recordings import accessrecord, audio, clipping, clips, clipwords, keeping, vault, withdrawal
from recordings.models import Clip, Purpose, Recording, Redaction, Review, SealedText
from supervision.models import Membership
from tests import factories
from tests.recordings import review_setup as setup
from tests.recordings.clip_setup import (
    ALL,
    QUIET,
    TITLE,
    block,
    hear,
    listen,
    make,
    muted,
    read,
    sealed,
)

pytest_plugins = ["tests.recordings.clip_fixtures"]
pytestmark = pytest.mark.django_db


class TestMaking:
    def test_it_is_cut_from_the_muted_version(self, clip):
        assert clip.state == Clip.State.PROPOSED
        with vault.open_sealed(sealed(clip)) as content:
            heard = audio.decode(content, rate=44_100)
        assert len(heard) / 44_100 == pytest.approx(6.0, abs=0.1)
        assert float(np.abs(heard[int(1.3 * 44_100) : int(2.7 * 44_100)]).max()) < 1e-3
        assert float(np.abs(heard).max()) > 0.05

    @pytest.mark.parametrize("lacking", ALL)
    def test_without_everybodys_consent_there_is_none(self, recording, thea, lacking):
        recording.consent.people.update(purposes=[one for one in ALL if one != lacking])
        with pytest.raises(clips.ClipRefused):
            make(recording, cora_or(thea, recording, lacking))

    def test_without_a_muted_version_there_is_none(self, recording, thea):
        Redaction.objects.update(state=Redaction.State.PROPOSED)
        with pytest.raises(clips.ClipRefused, match="muted"):
            make(recording, thea)

    @pytest.mark.parametrize(("start", "end"), [(0, 1_000), (0, 400_000), (21_000, 25_000), (5_000, 4_000)])
    def test_too_short_too_long_or_outside_is_refused(self, recording, thea, start, end):
        with pytest.raises(clips.ClipRefused):
            clips.make(recording=recording, start_ms=start, end_ms=end, title="T", by=thea, now=timezone.now())

    def test_the_task_changes_nothing_the_second_time(self, clip):
        before = sealed(clip).pk
        clipping.make_clip.call(str(clip.pk))
        assert sealed(clip).pk == before

    def test_after_a_withdrawal_nothing_is_made(self, recording, thea):
        made = make(recording, thea)
        withdrawal.withdraw(consent=recording.consent, channel="telephone", by=thea, now=timezone.now())
        clipping.make_clip.call(str(made.pk))
        assert sealed(made) is None

    def test_the_title_is_sealed(self, clip):
        assert TITLE.encode() not in bytes(clip.title.ciphertext)
        assert clips.title_of(clip) == TITLE


def cora_or(therapist, recording, lacking):
    """Consent to review bears on those who lead the team, not on the therapist."""
    return factories.make_member("carl", recording.team, Membership.Role.CONSULTANT) if lacking == Purpose.REVIEW else therapist


class TestApproving:
    def test_nobody_approves_a_clip_of_their_own(self, recording, sam):
        made = make(recording, sam)
        clipping.make_clip.call(str(made.pk))
        with pytest.raises(clips.ClipRefused, match="other than who made"):
            clips.decide(clip=made, approves=True, by=sam, now=timezone.now())

    def test_a_therapist_does_not_approve(self, clip, tom):
        with pytest.raises(clips.ClipRefused):
            clips.decide(clip=clip, approves=True, by=tom, now=timezone.now())

    def test_on_the_page_only_after_saying_that_one_has_listened(self, clip, sam, as_user):
        address = reverse("recordings:clip-decide", args=[clip.pk])
        hear(clip, sam)
        assert as_user(sam).post(address, {"decision": "approve"}).status_code == 422
        assert as_user(sam).post(address, {"decision": "approve", "has_listened": "on"}).status_code == 302
        clip.refresh_from_db()
        assert (clip.state, clip.decided_by) == (Clip.State.APPROVED, sam)

    def test_what_is_refused_is_destroyed(self, clip, sam):
        clips.decide(clip=clip, approves=False, by=sam, now=timezone.now())
        assert sealed(clip) is None


class TestHearing:
    def test_an_approved_clip_is_heard_by_everybody_who_works_in_the_service(self, approved, tom, olly, ed, as_user):
        for person in (tom, olly, ed):
            assert listen(as_user(person), approved).status_code == 200

    def test_not_by_somebody_whose_time_has_ended(self, approved, lena, as_user):
        assert listen(as_user(lena), approved).status_code == 404

    def test_before_approval_by_those_alone_who_may_hear_the_recording(self, clip, sam, tom, olly, as_user):
        assert listen(as_user(sam), clip).status_code == 200
        for person in (tom, olly):
            assert listen(as_user(person), clip).status_code == 404

    def test_by_range_and_kept_nowhere(self, approved, tom, as_user):
        answer = listen(as_user(tom), approved, range="bytes=0-1")
        assert answer.status_code == 206
        assert len(b"".join(answer.streaming_content)) == 2
        assert "no-store" in answer["Cache-Control"]

    def test_every_listening_is_in_the_recordings_access_record_at_its_own_times(self, approved, recording, olly, as_user):
        answer = listen(as_user(olly), approved)
        b"".join(answer.streaming_content)
        (row,) = [one for one in accessrecord.of(recording) if one.person == olly]
        ((start, end),) = row.stretches
        assert (start, end) == (3_000, 9_000)

    def test_names_are_out_of_what_is_said_and_so_is_what_lies_around_it(self, approved):
        text = " ".join(said for _, said in clipwords.of(approved, on=factories.today()).spoken)
        assert "Callum" not in text
        assert "before the clip" not in text
        assert "[name removed]" in text
        assert "harbour" in text or "today" in text

    def test_when_more_is_muted_later_the_clip_is_closed_until_it_is_made_again(self, approved, recording, playback, thea, tom, as_user):
        muted(recording, playback, [QUIET, (15_000, 16_000)], thea, number=2)
        assert listen(as_user(tom), approved).status_code == 200
        muted(recording, playback, [QUIET, (7_000, 8_000)], thea, number=3)
        assert listen(as_user(tom), approved).status_code == 410


# Lessons


class TestInALesson:
    def test_it_plays_with_its_title_and_what_is_said(self, lesson, approved, tom, as_user):
        answer = read(as_user(tom), lesson)
        text = answer.content.decode()
        assert reverse("recordings:clip-audio", args=[approved.pk]) in text
        assert TITLE in text
        assert "[name removed]" in text
        assert "no-store" in answer["Cache-Control"]

    def test_whoever_is_still_rating_that_session_reads_a_neutral_line_in_the_lesson_and_in_the_editor(
        self, lesson, approved, recording, harbour, admin_client, django_user_model
    ):
        editor = django_user_model.objects.get(is_superuser=True)
        edit = reverse("wagtailadmin_pages:edit", args=[lesson.pk])
        revision = reverse("wagtailadmin_pages:revisions_view", args=[lesson.pk, lesson.save_revision().pk])
        factories.make_membership(editor, harbour, Membership.Role.CONSULTANT)
        for address in (edit, revision, lesson.url):
            assert TITLE in admin_client.get(address).text
        own = setup.begin(recording, editor)
        for address in (edit, revision, lesson.url):
            text = admin_client.get(address).text
            assert clips.NOT_FOR_YOU in text
            for word in (TITLE, "[name removed]", "harbour wall", "/captions/"):
                assert word not in text, address
        Review.objects.filter(pk=own.pk).update(state="submitted", submitted_at=timezone.now())
        assert TITLE in admin_client.get(edit).text

    def test_the_page_and_its_revisions_hold_the_id_and_nothing_else(self, lesson, approved):
        for stored in (str(lesson.body.raw_data), str(lesson.get_latest_revision().content)):
            assert str(approved.pk) in stored
            assert TITLE not in stored
            assert "harbour wall" not in stored

    def test_the_editor_chooses_among_approved_clips_by_their_titles(self, approved):
        assert (str(approved.pk), TITLE) in clips.choices(on=factories.today())

    def test_a_clip_that_is_not_approved_is_not_offered_and_not_taken(self, clip):
        assert clips.choices(on=factories.today()) == []
        with pytest.raises(ValidationError):
            blocks.ClipBlock().clean({"clip": str(clip.pk)})

    def test_the_search_index_has_neither_title_nor_id(self, approved):
        made = blocks.LessonBodyBlock()
        value = made.to_python([block(approved)])
        assert not any(TITLE in one or str(approved.pk) in one for one in made.get_searchable_content(value))
        assert Page.objects.search("happened just before").count() == 0


ENDS = {
    "withdrawal": lambda recording, clip, by: withdrawal.withdraw(
        consent=recording.consent, channel="telephone", by=by, now=timezone.now()
    ),
    "taken back": lambda recording, clip, by: clips.take_back(clip=clip, by=by, now=timezone.now()),
}


@pytest.mark.parametrize("end", ENDS)
class TestWithdrawn:
    """Over the page, its revisions, a draft, the preview, the editor's list, the search, the sound and the clip's own page."""

    def test_it_is_gone_everywhere_and_a_dated_line_is_left(self, end, lesson, approved, recording, thea, tom, as_user, admin_client):
        lesson.save_revision()  # a draft
        ENDS[end](recording, approved, thea)
        sentence = f"This clip was withdrawn on {factories.today().day} {factories.today():%B %Y}."
        text = read(as_user(tom), lesson).content.decode()
        assert sentence in text
        assert reverse("recordings:clip-audio", args=[approved.pk]) not in text
        for revision in lesson.revisions.all():
            answer = admin_client.get(reverse("wagtailadmin_pages:revisions_view", args=[lesson.pk, revision.pk]))
            assert answer.status_code == 200
            shown = answer.content.decode()
            assert sentence in shown
            for word in (TITLE, "[name removed]", "harbour wall", "/audio/", "/captions/"):
                assert word not in shown
        for word in (TITLE, "[name removed]", "harbour wall", "/captions/"):
            assert word not in text
        assert TITLE not in str(clips.choices(on=factories.today()))
        assert Page.objects.search("Callum").count() == 0
        assert listen(as_user(tom), approved).status_code in (404, 410)
        assert as_user(tom).get(reverse("recordings:clip-captions", args=[approved.pk])).status_code in (404, 410)
        assert sealed(approved) is None
        assert not SealedText.objects.filter(pk=approved.words_id).exists()
        page = as_user(thea).get(reverse("recordings:clip", args=[approved.pk])).content.decode()
        assert sentence in page
        assert TITLE not in page

    def test_a_page_that_still_holds_it_can_be_saved(self, end, lesson, approved, recording, thea):
        ENDS[end](recording, approved, thea)
        assert blocks.ClipBlock().clean({"clip": str(approved.pk)})["clip"] == str(approved.pk)


def test_a_withdrawal_is_in_force_before_anything_is_destroyed(approved, recording, tom, as_user):
    """A legal hold keeps the recording sealed; the clip is closed all the same."""
    recording.consent.withdrawn_at = timezone.now()
    recording.consent.save()
    assert sealed(approved) is not None
    assert listen(as_user(tom), approved).status_code == 410


def test_a_clip_ends_with_the_time_of_its_recording(approved, recording, tom, as_user):
    long_ago = timezone.localtime() - dt.timedelta(days=recording.team.programme.retention_days_after_upload)
    Recording.objects.filter(pk=recording.pk).update(uploaded_at=long_ago)
    assert keeping.is_over(Recording.objects.get(pk=recording.pk), on=factories.today())
    assert listen(as_user(tom), approved).status_code == 410


def test_when_consent_to_teaching_is_over_the_lesson_says_so(lesson, approved, recording, tom, as_user):
    recording.consent.people.update(purposes=[Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE])
    text = read(as_user(tom), lesson).content.decode()
    assert "The consent to this clip has ended" in text
    assert TITLE not in text


def test_who_leads_the_team_sees_on_the_home_page_that_a_clip_waits(clip, sam, thea, as_user):
    assert "has made a teaching clip" in as_user(sam).get("/").content.decode()
    assert "has made a teaching clip" not in as_user(thea).get("/").content.decode()


def test_lessons_load_without_an_app_that_has_clips(monkeypatch):
    from learning import clips as lessons

    monkeypatch.setattr(lessons, "_provider", [])
    assert lessons.shown(str(uuid.uuid4()), None) is None
    assert lessons.choices() == []


def test_the_lesson_page_of_a_stranger_stays_closed(lesson, olly, as_user):
    assert as_user(olly).get(LessonPage.objects.get(pk=lesson.pk).url).status_code == 404
