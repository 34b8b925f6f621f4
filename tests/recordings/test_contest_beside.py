"""Scores that are seen differently, several at once: of one review, of two sessions with one rater. What is decided about one is about that one."""

import pytest
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import contesting
from recordings.models import Contest, Recording, Review, SealedText
from supervision import ratings
from supervision.models import Instrument, Item, ItemScore, Rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
Refused = contesting.ContestRefused


@pytest.fixture
def feedback(thea, harbour, cora):
    return [setup.released(setup.ready_recording(thea, harbour), cora) for _ in range(2)]


@pytest.fixture
def items(feedback):
    return list(feedback[0].instrument.items.order_by("position"))


def contest(review, item, text="I asked her twice"):
    return contesting.contest(review=review, item=item, text=text, by=review.recording.therapist, now=timezone.now())


@pytest.fixture
def three(feedback, items):
    """Of the first session two items, of the second one."""
    own, beside = feedback
    return [contest(own, items[0]), contest(own, items[1]), contest(beside, items[0])]


def answered(row, *, score=4, text="You are right", **more):
    values = {"keeps": False, "score": score, "text": text, **more}
    return contesting.propose(contest=row, by=row.review.rater, now=timezone.now(), **values)


def decided(row, verb, by):
    row = Contest.objects.get(pk=row.pk)
    return verb(contest=row, seen=contesting.version(row), by=by, now=timezone.now())


def rows(contests):
    return list(Contest.objects.filter(pk__in=[one.pk for one in contests]).order_by("pk").values())


def texts():
    return set(SealedText.objects.values_list("pk", flat=True))


def logged():
    return list(ModelLogEntry.objects.filter(action__startswith="recordings.contest").values_list("action", "data__contest").order_by("pk"))


@pytest.mark.parametrize("verb", [contesting.agree, contesting.send_back])
def test_what_is_decided_about_one_leaves_the_others_open(three, sam, verb):
    own, *others = three
    for one in others:
        answered(one, score=1)
    answered(own)
    before = rows(others)
    decided(own, verb, sam)
    assert rows(others) == before
    assert Rating.objects.filter(kind="consensus").count() == (verb == contesting.agree)


def test_each_step_is_on_record(three, thea, sam):
    own = three[0]
    answered(own)
    decided(own, contesting.send_back, sam)
    answered(own)
    decided(own, contesting.agree, sam)
    contesting.take_back(contest=three[1], by=thea, now=timezone.now())
    steps = [("contest", own), ("contest", three[1]), ("contest", three[2]), ("contest_propose", own), ("contest_send_back", own)]
    steps += [("contest_propose", own), ("contest_agree", own), ("contest_take_back", three[1])]
    assert logged() == [(f"recordings.{verb}", str(one.pk)) for verb, one in steps]


def test_sent_back_nothing_of_the_answer_is_left(three, sam):
    before = texts()
    answered(three[0], is_not_applicable=False)
    decided(three[0], contesting.send_back, sam)
    row = Contest.objects.get(pk=three[0].pk)
    assert (row.state, row.answer, row.answered_by, row.score, row.is_not_applicable) == ("open", None, None, None, False)
    assert texts() == before


def test_a_new_answer_takes_the_place_of_the_one_before(three):
    answered(three[0])
    before = texts()
    answered(three[0], score=2)
    assert len(texts()) == len(before)


def test_an_answer_that_the_second_person_has_not_read_is_not_sent_back(three, sam):
    seen = contesting.version(answered(three[0]))
    answered(three[0], score=2, text="I have thought about it")
    with pytest.raises(Refused, match="changed since"):
        contesting.send_back(contest=three[0], seen=seen, by=sam, now=timezone.now())
    assert Contest.objects.get(pk=three[0].pk).score == 2


def test_nobody_sends_back_who_could_not_agree_nor_takes_back_what_another_raised(three, cora, thea, sam):
    answered(three[0])
    for person in (cora, thea):
        with pytest.raises(Refused, match="other than the rater"):
            decided(three[0], contesting.send_back, person)
    for person in (cora, sam):
        with pytest.raises(Refused, match="Only the person"):
            contesting.take_back(contest=three[0], by=person, now=timezone.now())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"score": None}, "Choose the score"),
        ({"score": 3, "is_not_applicable": True}, "Choose the score"),
        ({"score": 9}, "whole number"),
        ({"score": -1}, "whole number"),
        ({"text": "  "}, "Say why"),
    ],
)
def test_an_answer_that_makes_no_sense_is_refused(three, values, words):
    with pytest.raises(Refused, match=words):
        answered(three[0], **values)
    assert Contest.objects.get(pk=three[0].pk).answered_by is None


def test_what_is_always_rated_is_not_made_not_applicable(three, items):
    Item.objects.filter(pk=items[0].pk).update(allows_na=False)
    with pytest.raises(Refused, match="always rated"):
        answered(three[0], score=None, is_not_applicable=True)


def test_a_score_can_be_decided_to_be_not_applicable(three, items, sam):
    Item.objects.filter(pk=items[0].pk).update(allows_na=True)
    answered(three[0], score=None, is_not_applicable=True)
    assert decided(three[0], contesting.agree, sam).state == "changed"
    assert ItemScore.objects.get(rating__source=three[0].pk, item=items[0]).score is None


def test_an_item_of_another_instrument_is_no_part_of_the_feedback_nor_is_one_said_without_a_word(feedback, items):
    other = Instrument.objects.exclude(pk=feedback[0].instrument_id).filter(items__isnull=False).first()
    with pytest.raises(Refused, match="not part of this feedback"):
        contest(feedback[0], other.items.first())
    with pytest.raises(Refused, match="Say what you see"):
        contest(feedback[0], items[0], text=" ")


def test_after_one_was_decided_the_therapist_can_disagree_again(three, items, feedback, sam):
    answered(three[0], keeps=True, score=None)
    decided(three[0], contesting.agree, sam)
    assert contest(feedback[0], items[0]).state == "open"


def test_a_consensus_builds_on_its_own_session_and_on_what_was_released(three, feedback, items, thea, cora, harbour, sam):
    """Beside it: a consensus of the other session, one of another instrument, one that is not released, and the therapist's own rating."""
    own, beside = feedback
    other = Instrument.objects.create(slug="other", name="O", owner="O", licence_note="N")
    about = {"team": harbour, "session_on": own.recording.session_on, "share_heard": 1, "by": sam, "now": timezone.now()}

    def rating(kind, session, source, score, *, instrument=own.instrument, rater=cora, is_released=True):
        scores = dict.fromkeys([item.key for item in instrument.items.all()], score)
        values = {"instrument": instrument, "therapist": thea, "rater": rater, "scores": scores, "kind": kind, "session": session}
        ratings.record(source=source, **values, **about)
        if is_released:
            ratings.release(source=source, by=sam, now=timezone.now())

    spare = [setup.ready_recording(thea, harbour).pk for _ in range(4)]
    rating("consensus", beside.recording_id, spare[0], 1)
    rating("consensus", own.recording_id, spare[1], 1, is_released=False)
    rating("consensus", own.recording_id, spare[2], 1, instrument=other)
    rating("self", own.recording_id, spare[3], 1, rater=thea)
    answered(three[0])
    decided(three[0], contesting.agree, sam)
    scores = dict(ItemScore.objects.filter(rating__source=three[0].pk).values_list("item__key", "score"))
    assert scores == {item.key: 4 if item == items[0] else 3 for item in items}
    assert Recording.objects.count() == 6
    assert Review.objects.count() == 2
