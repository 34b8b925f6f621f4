"""A clip that is made is made again, under its own id: where it has no captions and could have, and where more was muted since."""

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import clipheard, clipping, clips, clipwords
from recordings.models import Clip, Purpose, SealedText
from tests import factories
from tests.recordings.clip_setup import (
    ALL,
    QUIET,
    hear,
    listen,
    muted,
    read,
    sealed,
)

pytest_plugins = ["tests.recordings.clip_fixtures"]
pytestmark = pytest.mark.django_db
OFFER = ">Make it again<"


@pytest.fixture
def wordless(approved):
    """As a clip is that was made before its words were kept."""
    SealedText.objects.filter(pk=approved.words_id).delete()
    approved.refresh_from_db()
    assert approved.words is None
    return approved


def page(client, clip):
    return client.get(reverse("recordings:clip", args=[clip.pk])).content.decode()


def again(client, clip):
    return client.post(reverse("recordings:clip-again", args=[clip.pk]), follow=True).content.decode()


def made(clip):
    clipping.make_clip.call(str(clip.pk))
    clip.refresh_from_db()
    return clip


class TestWithoutCaptions:
    def test_its_page_says_so_and_offers_to_make_it_again_to_those_who_may(self, wordless, tom, sam, olly, as_user):
        text = page(as_user(sam), wordless)
        assert "When this clip was made, what is said in it was not written down." in text
        assert OFFER in text
        assert OFFER not in page(as_user(tom), wordless)  # neither the maker nor the session's therapist
        assert OFFER not in page(as_user(olly), wordless)
        assert "without captions" in as_user(sam).get(reverse("recordings:clip-list")).content.decode()

    def test_one_with_captions_offers_nothing(self, approved, sam, as_user):
        assert OFFER not in page(as_user(sam), approved)
        assert "without captions" not in as_user(sam).get(reverse("recordings:clip-list")).content.decode()
        before = sealed(approved).pk
        assert "need not be" in again(as_user(sam), approved)
        approved.refresh_from_db()
        assert (approved.state, sealed(approved).pk) == (Clip.State.APPROVED, before)

    def test_neither_does_one_that_cannot_have_any(self, wordless, recording, sam, as_user):
        recording.consent.people.update(purposes=[one for one in ALL if one != Purpose.TRANSCRIBE])
        text = page(as_user(sam), wordless)
        assert "not everybody heard in it agrees to one" in text
        assert OFFER not in text

    def test_nor_one_of_a_recording_without_a_transcript(self, wordless, recording, sam, as_user):
        recording.objects_sealed.filter(kind="features").delete()
        text = page(as_user(sam), wordless)
        assert "There is no transcript of this clip" in text
        assert OFFER not in text

    def test_made_again_it_has_them_under_the_same_id_once_somebody_else_approves(self, lesson, wordless, sam, bea, tom, as_user):
        old = sealed(wordless)
        assert "is being made again" in again(as_user(sam), wordless)
        wordless.refresh_from_db()
        assert (wordless.state, wordless.made_by, wordless.decided_by) == (Clip.State.MAKING, sam, None)
        assert sealed(wordless) is None
        assert "not approved for lessons yet" in read(as_user(tom), lesson).content.decode()
        made(wordless)
        assert wordless.state == Clip.State.PROPOSED
        assert sealed(wordless).pk != old.pk
        assert clipwords.of(wordless, on=factories.today()).lines
        with pytest.raises(clips.ClipRefused, match="other than who made the clip"):
            clips.decide(clip=wordless, approves=True, by=sam, now=timezone.now())
        hear(wordless, bea)
        clips.decide(clip=wordless, approves=True, by=bea, now=timezone.now())
        assert "/captions/" in read(as_user(tom), lesson).content.decode()

    def test_having_heard_the_first_does_not_count_for_approving_the_second(self, wordless, thea, sam):
        assert not clipheard.why_not_all(wordless, sam)
        clips.again(clip=wordless, by=thea, now=timezone.now())
        assert "You have not heard this clip yet" in clipheard.why_not_all(made(wordless), sam)

    def test_while_it_waits_the_editor_can_still_save_a_lesson_that_holds_it(self, wordless, thea):
        clips.again(clip=wordless, by=thea, now=timezone.now())
        assert dict(clips.choices(on=factories.today())) == {str(wordless.pk): clips.UNAPPROVED}


class TestMoreIsMuted:
    @pytest.fixture
    def outdated(self, approved, recording, playback, thea):
        muted(recording, playback, [QUIET, (7_000, 8_000)], thea, number=2)
        return approved

    def test_the_list_leads_to_it_and_its_page_offers_to_make_it_again(self, outdated, sam, as_user):
        text = as_user(sam).get(reverse("recordings:clip-list")).content.decode()
        assert reverse("recordings:clip", args=[outdated.pk]) in text
        assert "It has to be made again." in text
        assert OFFER in page(as_user(sam), outdated)

    def test_made_again_and_approved_it_is_heard_without_what_was_muted(self, outdated, thea, sam, tom, as_user):
        clips.again(clip=outdated, by=thea, now=timezone.now())
        made(outdated)
        assert "today" not in " ".join(text for _, text in clipwords.of(outdated, on=factories.today()).spoken)
        hear(outdated, sam)
        clips.decide(clip=outdated, approves=True, by=sam, now=timezone.now())
        assert listen(as_user(tom), outdated).status_code == 200


def test_after_a_withdrawal_nothing_is_made_again(wordless, recording, thea, sam, as_user):
    recording.consent.withdrawn_at = timezone.now()
    recording.consent.save()
    assert OFFER not in page(as_user(sam), wordless)
    with pytest.raises(clips.ClipRefused):
        clips.again(clip=wordless, by=thea, now=timezone.now())


def test_what_one_speaker_says_in_a_row_stands_together():
    lines = [clipwords.Line(who, [(0, 1, text)]) for who, text in (("A", "one"), ("A", "two"), ("B", "three"), ("A", "four"))]
    assert clipwords.Words(lines).spoken == [("A", "one two"), ("B", "three"), ("A", "four")]
