"""What a certification rests on: exercises of the last six months, new since the last one, with the exercise as the unit."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from cms import dashboard
from recordings import calibration, certifying, review
from recordings.models import Certification, Review
from supervision.models import Instrument, Item
from tests import factories
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
STEPS = 9  # items of the practice review


@pytest.fixture
def exercise(thea, harbour, cora, otis):
    """Makes a gold recording whose scores are 3, and has otis rate it."""
    rating.instrument()

    def made(label, *, score=3, others=None):
        gold = calibration.make_gold(
            review=setup.submitted(rating.recording(thea, harbour), cora), label=label, by=cora, now=timezone.now()
        )
        return rating.submit(calibration.give(gold=gold, rater=otis, by=None, now=timezone.now()), score=score, others=others)

    return made


def certify(otis, cora, *, days=0):
    now = timezone.now() + dt.timedelta(days=days)
    return certifying.certify(rater=otis, instrument=rating.instrument(), by=cora, now=now)


def test_the_exercise_is_the_unit_and_not_the_item(exercise, otis):
    exercise("Exercise 1", score=4)
    exercise("Exercise 2")
    found = certifying.report(otis, rating.instrument()).overall
    assert [figure.n_units for figure in (found.bias, found.exact, found.within_one)] == [2, 2, 2]
    assert {found.bias.counted, found.exact.counted} == {"exercises"}
    assert (found.n_scores, found.bias.value, found.exact.value) == (2 * STEPS, 0.5, 0.5)
    assert found.bias.high - found.bias.low == pytest.approx(12.706205)  # t with one degree of freedom, over the means 1 and 0
    assert found.exact.high - found.exact.low > 0.95


def test_each_exercise_is_held_against_its_own_gold_and_nobody_has_anothers(thea, harbour, cora, otis):
    rating.instrument()
    tess = rating.consultant("tess", factories.make_team("Fourth team", programme=harbour.programme))
    for label, step in (("Exercise 1", 1), ("Exercise 2", 4), ("Exercise 3", 2)):
        expert = setup.begin(rating.recording(thea, harbour), cora)
        setup.rate_all(expert, score=step)
        setup.hear(expert.recording, cora)
        source = review.submit(review=expert, by=cora, now=timezone.now())
        gold = calibration.make_gold(review=source, label=label, by=cora, now=timezone.now())
        rating.submit(calibration.give(gold=gold, rater=otis, by=None, now=timezone.now()), score=step)
        rating.submit(calibration.give(gold=gold, rater=tess, by=None, now=timezone.now()), score=3)
    found = certifying.report(otis, rating.instrument())
    assert (found.overall.exact.value, found.overall.bias.value) == (1, 0)
    assert [leaning for _, leaning in found.leanings] == [0, 0, 0]


def test_the_page_says_that_two_exercises_are_few_however_many_items_they_have(exercise, otis, as_user):
    exercise("Exercise 1", score=4)
    exercise("Exercise 2")
    page = as_user(otis).get(reverse("recordings:rater-report", args=[otis.pk])).content.decode()
    assert "Exact agreement is 50 % (95 % interval 0 % to 100 %; n = 2 exercises, 1 rater). n is under 10" in page
    assert "18 scores" in page
    assert "n = 18" not in page
    assert page.count("too few to call good or bad") == STEPS


def test_a_certification_is_not_renewed_on_nothing_new(exercise, otis, cora, as_user):
    exercise("Exercise 1", score=0)
    first = certify(otis, cora)
    with pytest.raises(certifying.CertificationRefused, match="since the last certification"):
        certify(otis, cora, days=30)
    with pytest.raises(certifying.CertificationRefused, match="last six months"):
        certify(otis, cora, days=900)
    page = as_user(cora).get(reverse("recordings:rater-report", args=[otis.pk])).content.decode()
    assert "cannot be certified again now. No exercise has been done since the last certification" in page
    assert "Certify Otis" not in page
    address = reverse("recordings:certify", args=[otis.pk, first.instrument_id])
    assert "No exercise has been done since" in as_user(cora).post(address, follow=True).content.decode()
    assert Certification.objects.count() == 1


def test_it_rests_on_the_exercises_of_the_last_six_months_and_says_so(exercise, otis, cora, as_user):
    old = exercise("Exercise old", score=0)
    Review.objects.filter(pk=old.pk).update(submitted_at=timezone.localtime() - dt.timedelta(days=200))
    exercise("Exercise new", others={"finding-the-fit": 4})
    found = certifying.report(otis, rating.instrument())
    assert [one.gold.label for one in found.exercises] == ["Exercise old", "Exercise new"]
    assert [one.gold.label for one in found.basis.exercises] == ["Exercise new"]
    page = as_user(cora).get(reverse("recordings:rater-report", args=[otis.pk])).content.decode()
    rest = page.partition("What a certification today would rest on")[2].partition("<form")[0]
    assert "Exercise new" in rest
    assert "Exercise old" not in rest
    assert "Exact agreement is 89 %" in rest
    made = certify(otis, cora)
    assert made.basis["exercise_ids"] == [str(found.basis.exercises[0].pk)]
    assert (made.basis["exercises"], made.basis["scores"], made.basis["exact"]) == (1, STEPS, pytest.approx(8 / 9))
    assert made.basis["bias_by_item"]["finding-the-fit"] == 1
    today = f"{factories.today():%-d %B %Y}"
    shown = as_user(otis).get(reverse("recordings:rater-report", args=[otis.pk])).content.decode()
    assert f"It rested on 1 exercise ({today}; 9 scores): exact agreement 89 % (no interval), within one step 100 %" in shown


def test_one_new_exercise_lets_the_recent_ones_count_again(exercise, otis, cora):
    exercise("Exercise 1")
    certify(otis, cora)
    exercise("Exercise 2")
    assert certify(otis, cora).basis["exercises"] == 2


def test_a_certification_that_did_not_keep_its_exercises_counts_those_until_its_day_as_used(exercise, otis, cora):
    exercise("Exercise 1")
    Certification.objects.create(
        rater=otis,
        instrument=rating.instrument(),
        certified_on=factories.today(),
        valid_until=factories.today(),
        basis={},
        certified_by=cora,
    )
    assert certifying.rested_on(Certification.objects.get()) == ""
    with pytest.raises(certifying.CertificationRefused, match="since the last certification"):
        certify(otis, cora)


def test_counts_are_not_averaged_with_steps(thea, harbour, cora, otis):
    rating.instrument()
    counted = Instrument.objects.get(slug="motivational-interviewing")
    found = certifying.report(otis, counted)
    assert {item.scale for item in found.steps} == {Item.Scale.ORDINAL}
    assert len(found.steps) == 4
    assert found.overall.bias.value is None


def test_home_says_a_month_before_that_a_certification_runs_out_and_that_it_has(exercise, otis, cora):
    exercise("Exercise 1")
    made = certify(otis, cora)

    def told(days):
        now = timezone.now() + dt.timedelta(days=days)
        return [need.sentence for need in dashboard.build(otis, now=now).needs if "certification" in need.sentence]

    left = (made.valid_until - timezone.localdate()).days
    assert told(left - 40) == []
    assert "runs out on" in told(left - 5)[0]
    assert "ran out on" in told(left + 1)[0]
