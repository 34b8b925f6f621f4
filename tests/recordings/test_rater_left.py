"""After a rater has left: two ratings are released as they are, a disagreement is answered; and a second rating on request."""

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import assigning, contesting, parting
from recordings.models import Assignment, Comparison, Review
from supervision import instruments
from supervision.models import Instrument, Membership, Rating
from tests import factories
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db


@pytest.fixture
def comparison(thea, harbour, cora, carl, sam):
    rating.make_plan(harbour, sam)
    made = rating.recording(thea, harbour)
    rating.run()
    return rating.both(made)


def leave(user):
    Membership.objects.filter(user=user).update(ends_on=factories.days_ago(1))


def test_while_both_are_there_nobody_releases_them_as_they_are(comparison, sam, as_user):
    assert parting.stuck_for(sam) == []
    with pytest.raises(parting.PartingRefused, match="can still settle"):
        parting.release(comparison=comparison, reason="In a hurry", by=sam, now=timezone.now())
    assert as_user(sam).get(reverse("recordings:comparison-part", args=[comparison.pk])).status_code == 404


def test_after_one_has_left_a_supervisor_releases_both_without_a_consensus(comparison, sam, carl, as_user):
    leave(carl)
    address = reverse("recordings:comparison-part", args=[comparison.pk])
    assert address in as_user(sam).get(reverse("recordings:review-list")).content.decode()
    assert as_user(sam).post(address, {"reason": " "}).status_code == 422
    as_user(sam).post(address, {"reason": "Carl has left the team"})
    found = Comparison.objects.get()
    assert (found.released_at is not None, found.agreed_at) == (True, None)
    assert set(Review.objects.values_list("state", flat=True)) == {"released"}
    assert not Rating.objects.filter(kind=Rating.Kind.CONSENSUS).exists()
    assert "Carl has left the team" in as_user(sam).get(reverse("recordings:comparison", args=[found.pk])).content.decode()


def test_the_therapist_never_releases_ratings_of_an_own_session(comparison, thea, carl):
    leave(carl)
    with pytest.raises(parting.PartingRefused, match="never the therapist"):
        parting.release(comparison=comparison, reason="Please", by=thea, now=timezone.now())


def test_a_disagreement_whose_rater_has_left_is_answered_by_a_supervisor_and_agreed_by_another(thea, harbour, cora, carl, sam):
    own = setup.released(setup.ready_recording(thea, harbour), cora)
    item = own.instrument.items.order_by("position").first()
    raised = contesting.contest(review=own, item=item, text="I asked twice", by=thea, now=timezone.now())
    with pytest.raises(contesting.ContestRefused):
        contesting.propose(contest=raised, keeps=True, text="It stays", by=sam, now=timezone.now())
    leave(cora)
    assert list(contesting.waiting_for(sam)) == [raised]
    answered = contesting.propose(contest=raised, keeps=True, text="It stays", by=sam, now=timezone.now())
    seen = contesting.version(answered)
    with pytest.raises(contesting.ContestRefused):
        contesting.agree(contest=raised, seen=seen, by=sam, now=timezone.now())
    assert contesting.agree(contest=raised, seen=seen, by=carl, now=timezone.now()).state == "kept"


def test_a_second_rating_is_asked_for_without_a_plan_and_only_once(thea, harbour, cora, carl, sam, as_user):
    rating.instrument()
    recording = rating.recording(thea, harbour)
    address = reverse("recordings:second-ask", args=[recording.pk])
    assert address in as_user(sam).get(reverse("recordings:detail", args=[recording.pk])).content.decode()
    as_user(sam).post(address)
    assert set(Assignment.objects.values_list("part", "rater")) == {("first", cora.pk), ("second", carl.pk)}
    with pytest.raises(assigning.AssignmentRefused, match="already"):
        assigning.ask_second(recording=recording, by=sam, now=timezone.now())


def test_with_one_consultant_there_is_nobody_to_ask_and_nothing_is_left_behind(thea, harbour, cora, sam):
    rating.instrument()
    with pytest.raises(assigning.AssignmentRefused, match="nobody to ask"):
        assigning.ask_second(recording=rating.recording(thea, harbour), by=sam, now=timezone.now())
    assert not Assignment.objects.exists()


def test_the_list_does_not_tell_a_blind_rater_that_feedback_is_ready(comparison, harbour, cora, carl, sam, as_user):
    recording = comparison.first.recording
    rating.agree_on_all(comparison)
    Review.objects.update(state="released", released_at=timezone.now())
    dora = rating.consultant("dora", harbour)
    assert "Feedback is ready" in as_user(dora).get(reverse("recordings:list")).content.decode()
    Review.objects.create(recording=recording, rater=dora, instrument=rating.instrument(), started_at=timezone.now())
    assert "Feedback is ready" not in as_user(dora).get(reverse("recordings:list")).content.decode()


def test_the_workbench_of_a_compared_review_leads_to_the_comparison_and_not_to_a_release(comparison, cora, as_user):
    page = as_user(cora).get(reverse("recordings:review", args=[comparison.first.recording_id])).content.decode()
    own = comparison.first if comparison.first.rater == cora else comparison.second
    assert reverse("recordings:review-release", args=[own.pk]) not in page
    assert reverse("recordings:comparison", args=[comparison.pk]) in page


def test_an_unused_draft_instrument_goes_with_its_items_and_one_in_use_says_why_not(sam):
    current = rating.instrument()
    draft = instruments.next_version(instrument=current, by=sam, now=timezone.now())
    instruments.delete(instrument=draft, by=sam, now=timezone.now())
    assert not Instrument.objects.filter(pk=draft.pk).exists()
    with pytest.raises(instruments.InstrumentRefused, match="Take it out of use"):
        instruments.delete(instrument=current, by=sam, now=timezone.now())
