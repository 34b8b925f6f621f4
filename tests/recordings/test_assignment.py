"""Who is asked to rate what: the fittest, once, never with a conflict; given back, taken off, and closed when the recording is gone."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import assigning, calibration, conflicts, destruction, permissions, review, sampling
from recordings.models import Annotation, Assignment, Certification, ConflictOfInterest, GoldStandard, Recording, Review, SamplingPlan
from supervision.models import Instrument, Rating
from tests import factories
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db


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
    gold = rating.recording(thea, harbour, uploaded_at=timezone.localtime() - dt.timedelta(days=3))
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
    assert Assignment.objects.get(pk=first.pk).skip_reason == "conflict"
    assert permissions.raters_with_conflict(made) == {first.rater_id}
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


# Conflicts of interest


def declare(rater, **about):
    return conflicts.declare(rater=rater, by=rater, now=timezone.now(), **about)


@pytest.mark.parametrize("about", ["therapist", "family"])
def test_a_conflict_gives_back_all_that_is_open_and_others_are_asked(plan, thea, harbour, cora, carl, about):
    dora = rating.consultant("dora", harbour)
    made = rating.recording(thea, harbour)
    rating.run()
    mine = made.assignments.filter(skipped_at__isnull=True).exclude(rater=dora).first()
    declare(mine.rater, **{about: getattr(made, about)})
    rating.run()
    mine.refresh_from_db()
    assert (mine.skip_reason, mine.skipped_by) == ("conflict", mine.rater)
    held = set(Assignment.objects.filter(recording=made, skipped_at__isnull=True).values_list("rater", flat=True))
    assert held == {one.pk for one in (cora, carl, dora)} - {mine.rater_id}
    assert not Recording.objects.being_rated_by(mine.rater).exists()


def test_what_is_open_of_another_therapist_stays(plan, thea, tom, harbour, cora):
    other = rating.recording(tom, harbour)
    rating.run()
    declare(cora, therapist=thea)
    assert rating.asked(other).rater == cora


@pytest.mark.parametrize("is_asked", [True, False], ids=["asked", "by oneself"])
def test_what_was_begun_ends_as_given_back_and_its_marks_are_kept_and_never_counted(
    thea, harbour, cora, carl, sam, is_asked, django_user_model, as_user
):
    if is_asked:
        rating.make_plan(harbour, sam, double_share=0)
    made = rating.recording(thea, harbour)
    rating.run()
    rater = rating.asked(made).rater if is_asked else cora
    own = rating.begin(rating.asked(made)) if is_asked else setup.begin(made, rater)
    setup.mark(own)
    setup.rate_all(own)
    setup.hear(made, rater)
    declared = declare(rater, therapist=thea)
    with pytest.raises(review.ReviewRefused, match="gave this review back"):
        review.submit(review=own, by=rater, now=timezone.now())
    for _ in ("while it stands", "after it is ended"):
        client = as_user(rater)
        page = client.get(reverse("recordings:review", args=[made.pk])).text
        assert "can no longer be reviewed" in page
        assert "You can no longer listen" not in page
        assert client.post(reverse("recordings:review-submit", args=[own.pk])).status_code in {403, 404}
        assert str(made.pk) not in client.get(reverse("recordings:review-list")).text
        conflicts.end(conflict=declared, by=rater, now=timezone.now())
    assert Annotation.objects.filter(review=own, removed_at__isnull=True).count() == 1
    assert not Rating.objects.exists()
    other = carl if rater == cora else cora
    rating.run()
    if is_asked:
        assert rating.asked(made).rater == other
    else:
        assert list(Recording.objects.awaiting_review_by(other)) == [made]
    assert not Recording.objects.awaiting_review_by(rater).exists()


def test_what_was_submitted_stays_and_is_released_by_its_rater(thea, harbour, cora, as_user):
    own = setup.submitted(rating.recording(thea, harbour), cora)
    declare(cora, therapist=thea)
    assert Review.objects.get(pk=own.pk).assignment is None
    assert as_user(cora).post(reverse("recordings:review-release", args=[own.pk])).status_code == 302
    assert Review.objects.get(pk=own.pk).state == "released"


def test_two_that_are_in_are_settled_also_with_a_conflict(plan, thea, harbour, cora, carl):
    made = rating.recording(thea, harbour)
    rating.run()
    pair = rating.both(made)
    declare(cora, therapist=thea)
    assert rating.agree_on_all(pair).agreed_at


def test_with_a_conflict_no_further_instrument_is_begun(thea, harbour, cora):
    rating.instrument()
    made = rating.recording(thea, harbour)
    setup.submitted(made, cora)
    declare(cora, therapist=thea)
    other = Instrument.objects.exclude(slug="practice-review").first()
    with pytest.raises(review.ReviewRefused, match="conflict of interest"):
        review.start(recording=made, rater=cora, instrument=other, now=timezone.now())
    assert Review.objects.count() == 1


def test_a_session_with_a_conflict_waits_for_others_and_comes_back_when_it_is_ended(thea, harbour, cora, carl, as_user):
    rating.instrument()
    made = rating.recording(thea, harbour)
    address = reverse("recordings:review", args=[made.pk])
    declared = declare(cora, family=made.family)
    client = as_user(cora)
    assert str(made.pk) not in client.get(reverse("recordings:review-list")).text
    refused = client.post(address)
    assert refused.status_code == 403
    assert "conflict of interest" in refused.text
    assert "waits for your review" not in client.get("/").text
    assert not Review.objects.exists()
    assert "conflict of interest" in permissions.why_not_review(cora, made)
    assert not permissions.can_see_measures(cora, made)  # which would end being able to rate it blind
    assert list(Recording.objects.awaiting_review_by(carl)) == [made]
    conflicts.end(conflict=declared, by=cora, now=timezone.now())
    client = as_user(cora)
    assert "waits for your review" in client.get("/").text
    assert str(made.pk) in client.get(reverse("recordings:review-list")).text
    assert client.post(address).status_code == 302
    assert Review.objects.get().rater == cora


def test_what_was_given_back_unbegun_is_asked_again_once_the_conflict_is_ended_if_nobody_has_it(plan, thea, harbour, cora, carl):
    made = rating.recording(thea, harbour)
    rating.run()
    first, second = rating.asked(made, "first"), rating.asked(made, "second")
    declared = declare(second.rater, therapist=thea)
    rating.run()
    assert made.assignments.filter(skipped_at__isnull=True).count() == 1  # there is nobody else
    conflicts.end(conflict=declared, by=second.rater, now=timezone.now())
    rating.run()
    assert rating.asked(made, "second") == second
    assert permissions.can_review(second.rater, made)
    declared = declare(second.rater, therapist=thea)
    dora = rating.consultant("dora", harbour)
    rating.run()
    conflicts.end(conflict=declared, by=second.rater, now=timezone.now())
    rating.run()
    assert rating.asked(made, "second").rater == dora
    assert rating.asked(made, "first") == first


def test_a_second_rating_that_no_plan_asked_for_goes_to_another_at_once(thea, harbour, cora, carl, sam):
    rating.instrument()
    made = rating.recording(thea, harbour)
    assigning.ask_second(recording=made, by=sam, now=timezone.now())
    dora = rating.consultant("dora", harbour)
    declare(rating.asked(made, "second").rater, family=made.family)
    assert rating.asked(made, "second").rater == dora


def test_an_exercise_is_given_back_too_and_not_given_again(thea, harbour, cora, carl):
    rating.instrument()
    own = setup.submitted(rating.recording(thea, harbour), cora)
    gold = calibration.make_gold(review=own, label="Exercise 1", by=cora, now=timezone.now())
    made = calibration.give(gold=gold, rater=carl, by=None, now=timezone.now())
    declared = declare(carl, therapist=thea)
    assert Assignment.objects.get(pk=made.pk).skip_reason == "conflict"
    conflicts.end(conflict=declared, by=carl, now=timezone.now())
    with pytest.raises(calibration.CalibrationRefused):
        calibration.give(gold=gold, rater=carl, by=None, now=timezone.now())


def test_the_page_says_what_a_conflict_does_before_it_is_declared(plan, thea, harbour, cora, carl, as_user):
    made = rating.recording(thea, harbour)
    rating.run()
    client, address = as_user(cora), reverse("recordings:conflict-list")
    page = client.get(address).text
    assert "given back at once" in page
    assert "begun and not submitted ends there" in page
    for _ in range(2):  # the second changes nothing
        assert "What you had open is given back" in client.post(address, {"therapist": thea.pk}, follow=True).text
    assert ConflictOfInterest.objects.count() == 1
    assert not Assignment.objects.open().filter(recording=made, rater=cora).exists()


def test_a_refused_second_rating_does_not_tell_whether_feedback_is_released(plan, thea, harbour, cora, carl, otis, sam):
    """To a rater with a hidden exercise it would."""
    asked, released = rating.recording(thea, harbour), rating.recording(thea, harbour)
    rating.run()
    Assignment.objects.filter(recording=released).delete()
    setup.released(released, cora)
    said = []
    for one in (asked, released):
        with pytest.raises(assigning.AssignmentRefused) as refused:
            assigning.ask_second(recording=one, by=sam, now=timezone.now())
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_given_back_or_taken_off_once_and_not_after_it_is_submitted(plan, thea, harbour, cora, carl, otis, sam):
    made = rating.recording(thea, harbour)
    rating.run()
    first, second = rating.asked(made), rating.asked(made, "second")
    with pytest.raises(assigning.AssignmentRefused, match="Only a second rating"):
        assigning.take_off(assignment=first, by=sam, now=timezone.now())
    rating.begin(first)
    assigning.give_back(assignment=first, reason="no_time", by=first.rater, now=timezone.now())
    with pytest.raises(assigning.AssignmentRefused, match="no longer with you"):
        assigning.give_back(assignment=first, reason="no_time", by=first.rater, now=timezone.now())
    rating.submit(second)
    with pytest.raises(assigning.AssignmentRefused, match="has been submitted"):
        assigning.take_off(assignment=second, by=sam, now=timezone.now())
    with pytest.raises(assigning.AssignmentRefused, match="has been submitted"):
        assigning.give_back(assignment=second, reason="no_time", by=second.rater, now=timezone.now())
    assert rating.asked(made, "second") == second


def test_a_second_rating_taken_off_is_not_asked_for_again_by_the_plan_that_follows(plan, thea, harbour, cora, carl, otis, sam):
    sampling.end(plan=plan, by=sam, now=timezone.now())
    SamplingPlan.objects.filter(pk=plan.pk).update(ends_on=factories.today())
    plan_of_same_day = SamplingPlan.objects.get(pk=plan.pk)
    plan_of_same_day.pk, plan_of_same_day.ends_on = None, None
    plan_of_same_day.save()
    made, other = rating.recording(thea, harbour), rating.recording(thea, harbour)
    rating.run()
    assigning.take_off(assignment=rating.asked(made, "second"), by=sam, now=timezone.now())
    assert rating.run() == 0
    assert not Assignment.objects.open().filter(recording=made, part="second").exists()
    assert other.draws.filter(is_double=True).count() == 2


def test_a_second_rater_has_the_instrument_of_the_first_whatever_became_of_other_sessions(thea, harbour, cora, carl, sam):
    rating.instrument()
    over = setup.released(rating.recording(thea, harbour), cora)
    assigning.ask_second(recording=(asked := rating.recording(thea, harbour)), by=sam, now=timezone.now())
    assert {over.instrument, *(one.instrument for one in asked.assignments.all())} == {rating.instrument()}
    made = rating.recording(thea, harbour)
    other = Instrument.objects.get(slug="analytic-process", is_current=True)
    review.start(recording=made, rater=cora, instrument=other, now=timezone.now())
    second = assigning.ask_second(recording=made, by=sam, now=timezone.now())
    assert (second.rater, second.part, second.instrument) == (carl, "second", other)
