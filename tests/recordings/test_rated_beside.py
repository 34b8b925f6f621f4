"""Two sessions of a therapist, rated by the same two people, and a newer version of the instrument: what is done with one is about that one."""

import pytest
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import annotation, comparing, review, selfrating
from recordings.models import Annotation, Comparison, ComparisonNote, ConsensusScore, DraftScore, Review, SealedText, SelfRating
from supervision.models import Instrument, Item, ItemScore, Rating
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
Refused = comparing.ComparisonRefused
KEY = "finding-the-fit"


@pytest.fixture
def sessions(thea, harbour, cora, carl, sam):
    rating.make_plan(harbour, sam)
    made = [rating.recording(thea, harbour) for _ in range(2)]
    rating.run()
    old = rating.instrument()
    newer = Instrument.objects.create(slug=old.slug, version=99, name=old.name, owner="O", licence_note="N", is_current=False)
    for item in old.items.all():
        item.pk, item.instrument = None, newer
        item.save()
    return made


@pytest.fixture
def pairs(sessions):
    return [rating.both(one) for one in sessions]


def kept(recording):
    """Every row that there is of its reviews."""
    where = {
        Review: {"recording": recording},
        DraftScore: {"review__recording": recording},
        Annotation: {"review__recording": recording},
        SealedText: {"recording": recording},
        SelfRating: {"recording": recording},
        Comparison: {"first__recording": recording},
        ConsensusScore: {"comparison__first__recording": recording},
        ComparisonNote: {"comparison__first__recording": recording},
        Rating: {"session": recording.pk},
        ItemScore: {"rating__session": recording.pk},
    }
    return {model.__name__: list(model.objects.filter(**those).order_by("pk").values()) for model, those in where.items()}


def item(pair):
    return Item.objects.get(instrument=pair.first.instrument, key=KEY)


def act(verb, pair, by, **more):
    return verb(comparison=pair, by=by, now=timezone.now(), **more)


def test_the_first_of_one_and_the_second_of_another_are_no_pair(sessions):
    rating.submit(rating.asked(sessions[0], "first"))
    rating.submit(rating.asked(sessions[1], "second"))
    assert not Comparison.objects.exists()
    beside = kept(sessions[1])
    rating.submit(rating.asked(sessions[0], "second"))
    pair = Comparison.objects.get()
    assert {pair.first.recording, pair.second.recording} == {sessions[0]}
    assert kept(sessions[1]) == beside


def test_two_with_different_instruments_are_no_pair(sessions):
    first = rating.submit(rating.asked(sessions[0], "first"))
    Review.objects.filter(pk=first.pk).update(instrument=Instrument.objects.get(version=99))
    rating.submit(rating.asked(sessions[0], "second"))
    assert not Comparison.objects.exists()


def test_each_item_is_there_once_whatever_versions_the_instrument_has(pairs):
    keys = [row.item.key for row in comparing.rows(pairs[0])]
    assert sorted(keys) == sorted(pairs[0].first.instrument.items.values_list("key", flat=True))
    assert [one.key for one in comparing.unsettled(pairs[0])] == [KEY]


def test_from_talk_to_release_nothing_of_the_other_session_changes(sessions, pairs, thea):
    pair, other = pairs
    for session in sessions:
        scores = dict.fromkeys(rating.instrument().items.values_list("key", flat=True), 2)
        about = {"recording": session, "instrument": rating.instrument(), "scores": scores, "note": "", "version": 0}
        selfrating.submit(own=selfrating.save(by=thea, now=timezone.now(), **about), by=thea, now=timezone.now())
    beside = kept(sessions[1])
    first, second = pair.first.rater, pair.second.rater
    act(comparing.discuss, pair, first, item_key=KEY, text="Why the one?")
    made = act(comparing.propose, pair, first, item=item(pair), score=2, version=0)
    act(comparing.agree, pair, second, item=item(pair), version=made.version)
    settled = act(comparing.settle, pair, first)
    act(comparing.release, settled, first)
    assert kept(sessions[1]) == beside
    assert [one.key for one in comparing.unsettled(other)] == [KEY]
    assert comparing.notes(other) == []
    released = set(Rating.objects.filter(released_at__isnull=False).values_list("kind", "session"))
    assert released == {(kind, sessions[0].pk) for kind in ("rater", "consensus", "self")}
    verbs = ModelLogEntry.objects.filter(action__startswith="recordings.comparison") | ModelLogEntry.objects.filter(
        action__startswith="recordings.consensus"
    )
    steps = ["comparison_open", "comparison_open", "comparison_note", "consensus_propose", "consensus_agree", "consensus_settle"]
    assert [one.action for one in verbs.order_by("pk")] == [f"recordings.{verb}" for verb in [*steps, "comparison_release"]]


def test_a_proposal_for_the_other_session_is_none_for_this(pairs):
    pair, other = pairs
    act(comparing.propose, other, other.first.rater, item=item(other), score=2, version=0)
    with pytest.raises(Refused, match="Nobody has proposed"):
        act(comparing.agree, pair, pair.second.rater, item=item(pair), version=1)
    act(comparing.propose, pair, pair.second.rater, item=item(pair), score=1, version=0)
    assert ConsensusScore.objects.get(comparison=other, item_key=KEY).score == 2


def test_what_makes_no_sense_is_refused(pairs):
    pair = pairs[0]
    by, version = pair.first.rater, Item.objects.get(instrument__version=99, key=KEY)
    with pytest.raises(Refused, match="not part of this instrument"):
        act(comparing.propose, pair, by, item=version, score=2, version=0)
    for score in (-1, 99):
        with pytest.raises(Refused, match="is rated from"):
            act(comparing.propose, pair, by, item=item(pair), score=score, version=0)
    Item.objects.filter(pk=item(pair).pk).update(allows_na=False)
    with pytest.raises(Refused, match="not applicable"):
        act(comparing.propose, pair, by, item=item(pair), score=None, version=0)
    with pytest.raises(Refused, match="Write something"):
        act(comparing.discuss, pair, by, item_key="", text=" ")
    with pytest.raises(Refused, match="not part of this instrument"):
        act(comparing.discuss, pair, by, item_key="no-such-item", text="Hm")
    with pytest.raises(Refused, match="Agree on every item"):
        act(comparing.release, pair, by)
    made = act(comparing.propose, pair, by, item=item(pair), score=2, version=0)
    with pytest.raises(Refused, match="changed this proposal"):
        act(comparing.propose, pair, pair.second.rater, item=item(pair), score=1, version=made.version + 1)


def test_what_is_settled_is_changed_by_neither(pairs):
    settled = rating.agree_on_all(pairs[0])
    with pytest.raises(Refused, match="no longer changed"):
        act(comparing.propose, settled, settled.first.rater, item=item(settled), score=1, version=2)


class TestTheSameRater:
    """Cora rates both sessions at once."""

    @pytest.fixture
    def own(self, thea, harbour, cora):
        return [setup.begin(setup.ready_recording(thea, harbour), cora) for _ in range(2)]

    def test_a_score_or_a_submission_of_one_leaves_the_other_as_it_is(self, own, cora):
        first, beside = own
        for one in own:
            there = setup.mark(one)
            annotation.remove(annotation=there, by=cora, now=timezone.now())
            setup.rate_all(one, score=2)
        before = kept(beside.recording)
        wanted = first.instrument.items.get(key=KEY)
        review.score(review=first, item=wanted, score=4, version=1, by=cora, now=timezone.now())
        review.place(review=first, position_ms=5_000)
        review.write(review=first, name="strengths", text="Well asked", seen=None, by=cora)
        setup.hear(first.recording, cora)
        review.release(review=review.submit(review=first, by=cora, now=timezone.now()), by=cora, now=timezone.now())
        assert kept(beside.recording) == before
        scores = dict(ItemScore.objects.filter(rating__source=first.pk).values_list("item__key", "score"))
        assert (scores.pop(KEY), set(scores.values())) == (4, {2})
        assert not SealedText.objects.filter(recording=first.recording, pk__in=Annotation.objects.values("comment")).exclude(
            recording=beside.recording
        )

    def test_a_moment_of_the_other_is_no_evidence_for_this_nor_one_that_was_removed(self, own, cora):
        first, beside = own
        here, gone, there = setup.mark(first), setup.mark(first, start_ms=20_000, end_ms=25_000), setup.mark(beside)
        annotation.remove(annotation=gone, by=cora, now=timezone.now())
        about = {"item": first.instrument.items.get(key=KEY), "score": 2, "version": 0, "by": cora, "now": timezone.now()}
        made = review.score(review=first, evidence=[here.pk, gone.pk, there.pk], **about)
        assert list(made.evidence.all()) == [here]

    def test_a_second_rating_that_is_waited_for_holds_back_its_own_session_alone(self, own, sessions, cora):
        first, _ = own
        setup.rate_all(first)
        setup.hear(first.recording, cora)
        done = review.submit(review=first, by=cora, now=timezone.now())
        assert review.why_not_released(done) == ""
