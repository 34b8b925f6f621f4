"""Who is asked to rate what: the fittest, once, never with a conflict; given back, taken off, and closed when the recording is gone."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import assigning, conflicts, destruction
from recordings.models import Assignment, Certification, GoldStandard, Recording
from tests import factories
from tests.recordings import rating_setup as rating

pytestmark = pytest.mark.django_db


@pytest.fixture
def carl(harbour):
    return rating.consultant("carl", harbour)


@pytest.fixture
def otis(harbour):
    return rating.consultant("otis", factories.make_team("Third team", programme=harbour.programme))


@pytest.fixture
def plan(harbour, sam):
    return rating.make_plan(harbour, sam)


def raters():
    return set(Assignment.objects.filter(skipped_at__isnull=True).values_list("rater__first_name", "part"))


def test_a_team_without_a_plan_goes_on_as_before(thea, harbour, cora):
    made = rating.recording(thea, harbour)
    assert rating.run() == 0
    assert list(Recording.objects.awaiting_review_by(cora)) == [made]


def test_two_consultants_of_the_team_are_asked_and_a_second_pass_asks_nobody(plan, thea, harbour, cora, carl):
    rating.recording(thea, harbour)
    assert rating.run() == 2
    assert raters() in ({("Cora", "first"), ("Carl", "second")}, {("Carl", "first"), ("Cora", "second")})
    assert rating.run() == 0
    assert not Recording.objects.awaiting_review_by(cora).exists()


def test_the_second_comes_from_another_team_only_if_everybody_agreed(plan, thea, harbour, cora, otis):
    closed = rating.recording(thea, harbour, purposes=("record", "review"))
    open_ = rating.recording(thea, harbour)
    rating.run()
    assert not Assignment.objects.filter(recording=closed, part="second").exists()
    assert rating.asked(open_, "second").rater == otis


def test_the_one_with_the_fewest_open_is_asked_first(plan, thea, harbour, cora, carl, sam):
    plan.double_share = 0
    plan.save()
    for _ in range(4):
        rating.recording(thea, harbour)
    rating.run()
    assert {Assignment.objects.filter(rater=one).count() for one in (cora, carl)} == {2}


def test_nobody_is_asked_with_a_conflict_of_interest(plan, thea, harbour, cora, carl):
    conflicts.declare(rater=cora, therapist=thea, by=cora, now=timezone.now())
    made = rating.recording(thea, harbour)
    rating.run()
    assert {one.rater for one in made.assignments.all()} == {carl}


def test_certified_raters_come_first_and_without_any_the_others_are_asked(plan, thea, harbour, cora, carl):
    today = factories.today()
    gold = rating.recording(thea, harbour, uploaded_at=timezone.now() - dt.timedelta(days=3))
    GoldStandard.objects.create(
        recording=gold, instrument=plan.instrument, label="Exercise 1", state="in_use", made_by=cora, made_at=timezone.now()
    )
    uncertified = rating.recording(thea, harbour)
    rating.run()
    assert uncertified.assignments.count() == 2
    later = {"rater": carl, "instrument": plan.instrument, "certified_on": today, "basis": {}, "certified_by": cora}
    Certification.objects.create(valid_until=today, **later)
    assert assigning.candidates(gold, plan.instrument, "first", on=today)[0] == carl
    assert set(assigning.certified_raters(plan.instrument, on=today + dt.timedelta(days=1))) == set()


def test_what_is_given_back_goes_to_another_and_never_comes_again(plan, thea, harbour, cora, carl, as_user):
    made = rating.recording(thea, harbour)
    plan.double_share = 0
    plan.save()
    rating.run()
    first = rating.asked(made)
    address = reverse("recordings:assignment-skip", args=[first.pk])
    client = as_user(first.rater)
    assert client.post(address, {"reason": "conflict"}).status_code == 422
    assert client.post(address, {"reason": "conflict", "about": "family"}).status_code == 302
    assert rating.asked(made).rater != first.rater
    assert conflicts.raters_with(made) == {first.rater_id}
    assert client.get(reverse("recordings:review", args=[made.pk])).status_code == 403
    rating.run(rating.tomorrow())
    assert Assignment.objects.filter(recording=made, rater=first.rater).count() == 1


def test_when_two_say_that_it_cannot_be_rated_nobody_else_is_asked(plan, thea, harbour, cora, carl, otis):
    made = rating.recording(thea, harbour)
    dora = rating.consultant("dora", harbour)
    rating.run()
    for part in ("first", "second"):
        one = rating.asked(made, part)
        assigning.give_back(assignment=one, reason="sound", by=one.rater, now=timezone.now())
    open_ones = Assignment.objects.open().filter(recording=made)
    assert open_ones.filter(part="second").count() == 0
    assert open_ones.filter(part="first").count() == 1  # asked before the second said so
    assert dora


def test_an_outside_rater_may_hear_it_for_as_long_as_asked(plan, thea, harbour, cora, otis, as_user):
    made = rating.recording(thea, harbour)
    client = as_user(otis)
    pages = [reverse(name, args=[made.pk]) for name in ("recordings:detail", "recordings:review", "recordings:transcript")]
    assert {client.get(page).status_code for page in pages} == {404}
    rating.run()
    assert {client.get(page).status_code for page in pages} == {200}
    assert client.get(reverse("recordings:transcript-export", args=[made.pk, "txt"])).status_code == 403
    assert client.get(reverse("recordings:redaction-create", args=[made.pk])).status_code in {403, 405}
    second = rating.asked(made, "second")
    assigning.give_back(assignment=second, reason="no_time", by=otis, now=timezone.now())
    assert {client.get(page).status_code for page in pages} == {404}


def test_an_outside_rater_loses_it_with_the_role_and_with_the_consent(plan, thea, harbour, cora, otis, as_user):
    made = rating.recording(thea, harbour)
    rating.run()
    page = reverse("recordings:review", args=[made.pk])
    person = made.consent.people.get()
    person.purposes = ["record", "review"]
    person.save()
    assert as_user(otis).get(page).status_code == 403
    otis.memberships.update(ends_on=factories.days_ago(1))
    assert as_user(otis).get(page).status_code == 404


def test_a_destroyed_recording_is_on_nobodys_list(plan, thea, harbour, cora, otis, as_user):
    made = rating.recording(thea, harbour)
    rating.run()
    destruction.destroy(recording=made, reason="mistake", by=None, now=timezone.now())
    assert str(made.pk) not in as_user(otis).get(reverse("recordings:review-list")).content.decode()
    rating.run()
    assert not Assignment.objects.open().exists()
    assert set(Assignment.objects.values_list("skip_reason", flat=True)) == {"gone"}


def test_overdue_comes_first_and_says_so(plan, thea, harbour, cora, as_user):
    late, early = rating.recording(thea, harbour), rating.recording(thea, harbour)
    rating.run()
    Assignment.objects.filter(recording=late).update(due_on=factories.days_ago(1))
    page = as_user(cora).get(reverse("recordings:review-list")).content.decode()
    assert page.index(f"/recordings/{late.pk}/review/") < page.index(f"/recordings/{early.pk}/review/")
    assert "Overdue since" in page
    assert "Overdue since" in as_user(cora).get("/").content.decode()


def test_what_is_still_being_prepared_is_listed_and_cannot_be_started_yet(plan, thea, harbour, cora, as_user):
    made = rating.recording(thea, harbour)
    rating.run()
    start = f'action="{reverse("recordings:review", args=[made.pk])}"'
    assert start in as_user(cora).get(reverse("recordings:review-list")).text
    Recording.objects.filter(pk=made.pk).update(state=Recording.State.QUEUED)
    page = as_user(cora).get(reverse("recordings:review-list")).text
    assert start not in page
    assert "once its waveform is drawn" in page
