"""Two blind ratings of a session: compared once both are in, talked over, agreed on by two, released together."""

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import comparing, review
from recordings.models import Comparison, Review
from supervision.models import Item, ItemScore, Rating
from tests.recordings import rating_setup as rating

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(thea, harbour, cora, carl, sam):
    rating.make_plan(harbour, sam)
    made = rating.recording(thea, harbour)
    rating.run()
    return made


@pytest.fixture
def comparison(recording):
    return rating.both(recording)


def item(comparison, key="finding-the-fit"):
    return Item.objects.get(instrument=comparison.first.instrument, key=key)


def propose(comparison, by, score=2, version=0):
    return comparing.propose(comparison=comparison, item=item(comparison), score=score, version=version, by=by, now=timezone.now())


def test_it_opens_by_itself_once_both_are_in(recording):
    rating.submit(rating.asked(recording, "second"))
    assert not Comparison.objects.exists()
    rating.submit(rating.asked(recording, "first"))
    pair = Comparison.objects.get()
    assert pair.first.assignment.part == "first"
    assert set(Review.objects.values_list("state", flat=True)) == {"compared"}


def test_differences_come_first_and_what_is_the_same_is_agreed(comparison):
    rows = comparing.rows(comparison)
    assert (rows[0].item.key, rows[0].difference, rows[0].is_agreed) == ("finding-the-fit", 2, False)
    assert all(row.is_same and row.is_agreed for row in rows[1:])


def test_one_who_scored_and_one_who_did_not_are_the_widest_apart(comparison):
    ItemScore.objects.filter(rating__source=comparison.second_id, item__key="generalisation").update(score=None)
    assert comparing.rows(comparison)[0].difference_words == "One not applicable"


def test_one_proposes_and_the_other_agrees(comparison, cora, carl):
    made = propose(comparison, comparison.first.rater)
    with pytest.raises(comparing.ComparisonRefused, match="You proposed"):
        comparing.agree(comparison=comparison, item=item(comparison), version=made.version, by=comparison.first.rater, now=timezone.now())
    agreed = comparing.agree(
        comparison=comparison, item=item(comparison), version=made.version, by=comparison.second.rater, now=timezone.now()
    )
    assert agreed.agreed_by == comparison.second.rater
    assert comparing.unsettled(comparison) == []


def test_putting_forward_the_same_score_is_agreeing(comparison):
    made = propose(comparison, comparison.first.rater)
    assert propose(comparison, comparison.second.rater, version=made.version).agreed_by == comparison.second.rater


def test_another_score_takes_the_place_of_a_proposal_and_an_old_page_is_told(comparison):
    made = propose(comparison, comparison.first.rater)
    propose(comparison, comparison.second.rater, score=1, version=made.version)
    with pytest.raises(comparing.ComparisonRefused, match="changed this proposal"):
        comparing.agree(comparison=comparison, item=item(comparison), version=made.version, by=comparison.second.rater, now=timezone.now())


def test_the_consensus_stands_beside_the_originals(comparison):
    rating.agree_on_all(comparison)
    kinds = dict(Rating.objects.values_list("source", "kind"))
    assert kinds == {comparison.first_id: "rater", comparison.second_id: "rater", comparison.pk: "consensus"}
    scores = dict(ItemScore.objects.filter(item__key="finding-the-fit").values_list("rating__source", "score"))
    assert scores == {comparison.first_id: 3, comparison.second_id: 1, comparison.pk: 2}
    assert len(set(Rating.objects.values_list("session", flat=True))) == 1
    assert not Rating.objects.get(kind="consensus").is_blind
    assert not Rating.objects.released().exists()


def test_it_is_not_kept_before_every_item_is_agreed_on(comparison):
    with pytest.raises(comparing.ComparisonRefused, match="Not agreed yet: Finding the fit"):
        comparing.settle(comparison=comparison, by=comparison.first.rater, now=timezone.now())


def test_both_are_released_together_and_counted_as_one_session(comparison, thea, harbour):
    with pytest.raises(review.ReviewRefused, match="comparison page"):
        review.release(review=comparison.first, by=comparison.first.rater, now=timezone.now())
    settled = rating.agree_on_all(comparison)
    comparing.release(comparison=settled, by=comparison.first.rater, now=timezone.now())
    assert Rating.objects.released().count() == 3
    assert set(Review.objects.values_list("state", flat=True)) == {"released"}


def test_nobody_else_takes_part(comparison, sam, thea, as_user):
    for user in (sam, thea):
        with pytest.raises(comparing.ComparisonRefused):
            propose(comparison, user)
        client = as_user(user)
        address = reverse("recordings:comparison", args=[comparison.pk])
        assert client.get(address).status_code == 404
        assert client.post(reverse("recordings:comparison-settle", args=[comparison.pk])).status_code == 404


def test_the_page_works_without_a_script(comparison, as_user):
    first, second = comparison.first.rater, comparison.second.rater
    page = reverse("recordings:comparison", args=[comparison.pk])
    shown = as_user(first).get(page).content.decode()
    assert "2 steps apart" in shown
    assert shown.index('id="item-finding-the-fit"') < shown.index('id="item-generalisation"')
    assert "The uncle was not asked about" in shown
    change = reverse("recordings:comparison-item", args=[comparison.pk, "finding-the-fit"])
    assert as_user(first).post(change, {"action": "propose", "version": 0}).status_code == 422
    assert as_user(first).post(change, {"action": "propose", "version": 0, "score": "2"}).status_code == 302
    note = {"item": "finding-the-fit", "text": "I heard two of them"}
    assert as_user(first).post(reverse("recordings:comparison-note", args=[comparison.pk]), note).status_code == 302
    shown = as_user(second).get(page).content.decode()
    assert "I heard two of them" in shown
    assert "Agree to 2" in shown
    assert as_user(second).post(change, {"action": "agree", "version": 1}).status_code == 302
    assert as_user(second).post(reverse("recordings:comparison-settle", args=[comparison.pk])).status_code == 302
    released = as_user(first).post(reverse("recordings:comparison-release", args=[comparison.pk]), follow=True)
    assert "Consensus" in released.content.decode()
    assert Comparison.objects.get().released_at


def test_words_of_the_discussion_are_sealed(comparison):
    comparing.discuss(comparison=comparison, item_key="", text="She never said that", by=comparison.first.rater, now=timezone.now())
    note = comparison.notes.get()
    assert b"never said" not in bytes(note.text.ciphertext if hasattr(note.text, "ciphertext") else str(vars(note.text)).encode())


def test_an_outside_rater_sees_it_until_the_two_have_agreed(thea, harbour, cora, sam, as_user):
    from tests import factories

    outsider = rating.consultant("otis", factories.make_team("Third team", programme=harbour.programme))
    rating.make_plan(harbour, sam)
    made = rating.recording(thea, harbour)
    rating.run()
    assert rating.asked(made, "second").rater == outsider
    pair = rating.both(made)
    page = reverse("recordings:comparison", args=[pair.pk])
    assert as_user(outsider).get(page).status_code == 200
    rating.agree_on_all(pair)
    assert as_user(outsider).get(page).status_code == 404
    assert as_user(outsider).get(reverse("recordings:detail", args=[made.pk])).status_code == 404


def test_agreement_is_shown_with_n_and_interval_and_downloaded(comparison, as_user):
    first = comparison.first.rater
    page = reverse("recordings:agreement")
    assert "was rated twice and released" in as_user(first).get(page).content.decode()
    comparing.release(comparison=rating.agree_on_all(comparison), by=first, now=timezone.now())
    shown = as_user(first).get(page).content.decode()
    assert "1 session rated twice" in shown
    assert "Where n is under 10 there is too little to call a figure good or bad" in shown
    lines = as_user(first).get(reverse("recordings:agreement-csv")).content.decode().splitlines()
    assert any(line.startswith("item,Finding the fit,percent_agreement,0.0000,") for line in lines)
    assert any("frame_cohen_kappa" in line for line in lines)
