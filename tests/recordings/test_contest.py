"""A therapist disagrees with a score: two people decide, and the original stays."""

import pytest
from django.urls import reverse
from django.utils import timezone

from cms import dashboard
from recordings import contesting, withdrawal
from recordings.models import Contest, SealedText
from supervision.models import ItemScore, Rating
from tests import factories
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
WORDS = "She said it herself at the end"


@pytest.fixture
def own(thea, harbour, cora):
    return setup.released(setup.ready_recording(thea, harbour), cora)


@pytest.fixture
def item(own):
    return own.instrument.items.order_by("position").first()


@pytest.fixture
def raised(own, item, thea):
    return contesting.contest(review=own, item=item, text=WORDS, by=thea, now=timezone.now())


def answered(contest, *, keeps=False, score=4, text="You are right"):
    return contesting.propose(
        contest=contest, keeps=keeps, score=None if keeps else score, text=text, by=contest.review.rater, now=timezone.now()
    )


def agreed(contest, by):
    return contesting.agree(contest=contest, seen=contesting.version(contest), by=by, now=timezone.now())


class TestDisagreeing:
    def test_from_the_feedback_page_the_words_are_sealed_and_the_rater_is_told(self, own, item, thea, cora, as_user):
        address = reverse("recordings:contest-create", args=[own.pk, item.key])
        assert address in as_user(thea).get(reverse("recordings:feedback", args=[own.pk])).content.decode()
        assert as_user(thea).post(address, {"text": WORDS}).status_code == 302
        assert not any(WORDS.encode() in bytes(row.ciphertext) for row in SealedText.objects.all())
        sentences = [need.sentence for need in dashboard.build(cora, now=timezone.now()).needs]
        assert any("differently" in one for one in sentences)
        assert not any(WORDS in one for one in sentences)

    def test_only_once_at_a_time_for_an_item(self, raised, own, item, thea):
        with pytest.raises(contesting.ContestRefused, match="waits for an answer"):
            contesting.contest(review=own, item=item, text="Again", by=thea, now=timezone.now())

    def test_an_empty_one_is_answered_with_422(self, own, item, thea, as_user):
        answer = as_user(thea).post(reverse("recordings:contest-create", args=[own.pk, item.key]), {"text": " "})
        assert answer.status_code == 422
        assert "Say what you see differently" in answer.content.decode()

    def test_nobody_but_the_therapist_does(self, own, item, cora, sam):
        for person in (cora, sam):
            with pytest.raises(contesting.ContestRefused):
                contesting.contest(review=own, item=item, text="No", by=person, now=timezone.now())

    def test_not_before_the_feedback_is_released(self, thea, harbour, cora):
        own = setup.submitted(setup.ready_recording(thea, harbour), cora)
        with pytest.raises(contesting.ContestRefused, match="once the feedback has been released"):
            contesting.contest(review=own, item=own.instrument.items.first(), text="No", by=thea, now=timezone.now())


class TestDeciding:
    def test_where_another_score_is_agreed_on_a_consensus_stands_beside_the_original(self, raised, own, item, sam):
        closed = agreed(answered(raised), sam)
        assert closed.state == Contest.State.CHANGED
        original = Rating.objects.get(source=own.pk)
        assert ItemScore.objects.get(rating=original, item=item).score == 3
        beside = Rating.objects.get(kind=Rating.Kind.CONSENSUS)
        assert (beside.session, beside.therapist, beside.is_blind) == (own.recording_id, original.therapist, False)
        assert beside.released_at is not None
        assert ItemScore.objects.get(rating=beside, item=item).score == 4
        others = ItemScore.objects.filter(rating=beside).exclude(item=item)
        assert {one.score for one in others} == {3}
        assert others.count() == own.instrument.items.count() - 1

    def test_a_second_change_builds_on_the_first(self, raised, own, item, thea, sam):
        agreed(answered(raised), sam)
        other = own.instrument.items.order_by("position")[1]
        again = contesting.contest(review=own, item=other, text="And this", by=thea, now=timezone.now())
        agreed(answered(again, score=1), sam)
        latest = Rating.objects.filter(kind=Rating.Kind.CONSENSUS).order_by("-submitted_at").first()
        scores = dict(ItemScore.objects.filter(rating=latest).values_list("item__key", "score"))
        assert (scores[item.key], scores[other.key]) == (4, 1)

    def test_where_the_score_stays_there_is_no_other_rating(self, raised, sam):
        assert agreed(answered(raised, keeps=True), sam).state == Contest.State.KEPT
        assert Rating.objects.count() == 1

    def test_the_rater_never_agrees_with_the_own_answer(self, raised, cora, thea):
        proposed = answered(raised)
        for person in (cora, thea):
            with pytest.raises(contesting.ContestRefused, match="other than the rater"):
                agreed(proposed, person)

    def test_nobody_else_answers_for_the_rater(self, raised, sam):
        with pytest.raises(contesting.ContestRefused, match="answers first"):
            contesting.propose(contest=raised, keeps=True, text="It stays", by=sam, now=timezone.now())

    def test_who_cannot_act_reads_whose_turn_it_is(self, raised, thea, cora, sam, as_user):
        page = reverse("recordings:contest", args=[raised.pk])
        assert "Cora answers next." in as_user(sam).get(page).content.decode()
        assert "answers next" not in as_user(cora).get(page).content.decode()
        answered(raised)
        assert "decides next" in as_user(thea).get(page).content.decode()
        assert "decides next" not in as_user(sam).get(page).content.decode()

    def test_there_is_nothing_to_agree_to_before_the_answer(self, raised, sam):
        with pytest.raises(contesting.ContestRefused, match="not answered yet"):
            agreed(raised, sam)

    def test_an_answer_that_changed_meanwhile_is_read_again(self, raised, sam):
        seen = contesting.version(answered(raised))
        answered(raised, score=2)
        with pytest.raises(contesting.ContestRefused, match="changed since"):
            contesting.agree(contest=raised, seen=seen, by=sam, now=timezone.now())

    def test_sent_back_it_is_the_raters_turn_again(self, raised, cora, sam):
        proposed = answered(raised)
        contesting.send_back(contest=proposed, seen=contesting.version(proposed), by=sam, now=timezone.now())
        assert contesting.waiting_for(cora).get() == raised
        assert not contesting.waiting_for(sam).exists()

    def test_the_score_that_it_has_is_no_proposal(self, raised):
        with pytest.raises(contesting.ContestRefused, match="that it has"):
            answered(raised, score=3)

    def test_taken_back_nothing_changes(self, raised, thea, sam):
        contesting.take_back(contest=raised, by=thea, now=timezone.now())
        with pytest.raises(contesting.ContestRefused, match="decided already"):
            answered(raised)
        assert Rating.objects.count() == 1


class TestThePages:
    def test_by_the_pages_alone(self, raised, own, item, thea, cora, sam, as_user):
        page = reverse("recordings:contest", args=[raised.pk])
        assert WORDS in as_user(cora).get(page).content.decode()
        assert (
            as_user(cora)
            .post(reverse("recordings:contest-propose", args=[raised.pk]), {"score": "4", "text": "I heard it again"})
            .status_code
            == 302
        )
        text = as_user(sam).get(page).content.decode()
        assert "I agree with this answer" in text
        raised.refresh_from_db()
        seen = contesting.version(raised)
        as_user(sam).post(reverse("recordings:contest-agree", args=[raised.pk]), {"action": "agree", "seen": seen})
        feedback = as_user(thea).get(reverse("recordings:feedback", args=[own.pk])).content.decode()
        assert "Agreed beside it: <b>4 of 4</b>" in feedback
        assert "A consensus stands beside it" in feedback
        assert "I heard it again" in as_user(thea).get(page).content.decode()

    def test_an_unfinished_answer_is_answered_with_422(self, raised, cora, as_user):
        answer = as_user(cora).post(reverse("recordings:contest-propose", args=[raised.pk]), {"text": "Hm"})
        assert answer.status_code == 422

    def test_strangers_and_colleagues_know_nothing_of_it(self, raised, tom, olly, otto, as_user):
        for person in (tom, olly, otto):
            assert as_user(person).get(reverse("recordings:contest", args=[raised.pk])).status_code == 404

    def test_after_withdrawal_the_words_are_gone_and_the_figures_stay(self, raised, own, thea, sam, cora, as_user):
        agreed(answered(raised), sam)
        withdrawal.withdraw(consent=own.recording.consent, channel="telephone", by=thea, now=timezone.now())
        text = as_user(thea).get(reverse("recordings:contest", args=[raised.pk])).content.decode()
        assert WORDS not in text
        assert "You are right" not in text
        assert "4 of 4" in text

    def test_an_open_one_ends_with_the_recording(self, raised, own, thea, cora, as_user):
        withdrawal.withdraw(consent=own.recording.consent, channel="telephone", by=thea, now=timezone.now())
        assert not contesting.waiting_for(cora).exists()
        with pytest.raises(contesting.ContestRefused, match="recording is gone"):
            answered(raised)
        assert "It was not decided before." in as_user(thea).get(reverse("recordings:contest", args=[raised.pk])).content.decode()


def test_a_second_consultant_agrees_too(raised, harbour):
    second = factories.make_member("carl", harbour, "consultant")
    assert agreed(answered(raised), second).closed_by == second
