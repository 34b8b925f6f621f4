"""Two teams and two plans side by side: a plan decides about its own team's recordings, of its own days, that may be reviewed."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import sampling
from recordings.models import Recording, SamplingPlan
from supervision.models import Instrument
from tests import factories
from tests.recordings import rating_setup as rating

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def plan(harbour, sam):
    return rating.make_plan(harbour, sam)


@pytest.fixture
def northport(harbour):
    return factories.make_team(programme=harbour.programme)


@pytest.fixture
def nell(northport):
    return factories.make_member("nell", northport, "therapist")


def drawn(plan):
    return [one.recording for one in sampling.draw(plan, now=timezone.now())]


def test_it_draws_what_may_be_reviewed_of_its_own_team_once(plan, harbour, thea, northport, nell):
    own = rating.recording(thea, harbour)
    rating.recording(nell, northport)
    rating.recording(thea, harbour, purposes=["record"])
    rating.recording(thea, harbour, purposes=["review"])
    Recording.objects.filter(pk=rating.recording(thea, harbour).pk).update(state="queued")
    rating.recording(thea, harbour, uploaded_at=timezone.now() - 2 * DAY)
    assert drawn(plan) == [own]
    assert drawn(plan) == []


def test_what_another_plan_has_decided_about_it_still_decides_about(plan, harbour, thea, sam):
    other = Instrument.objects.exclude(pk=plan.instrument_id).first()
    beside = sampling.make(team=harbour, instrument=other, by=sam, now=timezone.now())
    own = rating.recording(thea, harbour)
    assert drawn(beside) == drawn(plan) == [own]


def test_a_preview_is_of_its_own_team_and_of_the_last_ninety_days(plan, harbour, thea, northport, nell):
    now = timezone.now()
    own = rating.recording(thea, harbour, uploaded_at=now - 89 * DAY)
    rating.recording(nell, northport)
    rating.recording(thea, harbour, uploaded_at=now - 92 * DAY)
    rating.recording(thea, harbour, uploaded_at=now + 2 * DAY)
    assert [recording for recording, _ in sampling.preview(plan, on=factories.today())] == [own]


def test_only_a_plan_for_the_same_team_and_instrument_on_the_same_days_stands_in_the_way(plan, harbour, northport, sam):
    def make(team, instrument, **values):
        return sampling.make(team=team, instrument=instrument, by=sam, now=timezone.now(), **values)

    other = Instrument.objects.exclude(pk=plan.instrument_id).first()
    make(northport, plan.instrument)
    make(harbour, other)
    with pytest.raises(sampling.PlanRefused, match="already"):
        make(harbour, plan.instrument)
    sampling.end(plan=plan, by=sam, now=timezone.now())
    with pytest.raises(sampling.PlanRefused, match="already"):
        make(harbour, plan.instrument)
    assert make(harbour, plan.instrument, starts_on=factories.today() + DAY).team == harbour


def test_ending_one_ends_no_other_and_each_is_on_record(plan, harbour, northport, sam):
    beside = sampling.make(team=northport, instrument=plan.instrument, by=sam, now=timezone.now())
    for _ in range(2):
        assert sampling.end(plan=plan, by=sam, now=timezone.now()).ends_on == factories.today()
    assert SamplingPlan.objects.get(pk=beside.pk).ends_on is None
    steps = ModelLogEntry.objects.filter(action__startswith="recordings.plan").order_by("pk").values_list("action", "user", "data")
    verbs = [("make", harbour), ("make", northport), ("end", harbour)]
    assert list(steps) == [(f"recordings.plan_{verb}", sam.pk, {"team": team.pk}) for verb, team in verbs]


def test_one_that_has_not_begun_is_taken_out_and_leaves_its_days_free(plan, harbour, sam, as_user):
    now = timezone.now()
    sampling.end(plan=plan, by=sam, now=now)
    later = sampling.make(team=harbour, instrument=plan.instrument, by=sam, now=now, starts_on=factories.today() + 3 * DAY)
    answer = as_user(sam).post(reverse("recordings:plan-end", args=[later.pk]), follow=True)
    assert "It had not begun, and has chosen nothing." in answer.content.decode()
    assert not SamplingPlan.objects.filter(pk=later.pk).exists()
    assert sampling.make(team=harbour, instrument=plan.instrument, by=sam, now=now, starts_on=factories.today() + 2 * DAY)


def test_a_plan_works_from_its_first_day_to_some_days_after_its_last(plan):
    today = factories.today()

    def works(starts_on, ends_on):
        SamplingPlan.objects.update(starts_on=starts_on, ends_on=ends_on)
        return list(sampling.in_force(on=today)) == [plan]

    assert works(today, None)
    assert not works(today + DAY, None)
    assert works(today - 30 * DAY, today - sampling.BLOCK * DAY)
    assert not works(today - 30 * DAY, today - (sampling.BLOCK + 1) * DAY)
