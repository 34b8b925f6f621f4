"""Sampling plans: the share is met in each stratum, the draw can be repeated, and each recording is decided about once."""

import datetime as dt

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from recordings import sampling
from recordings.models import Recording, SamplingDraw, SamplingPlan
from tests import factories
from tests.recordings import rating_setup as rating

SEEDS = st.integers(0, 2**31)
SHARES = st.floats(0, 1)


@given(seed=SEEDS, share=SHARES, blocks=st.integers(1, 12))
def test_after_whole_blocks_the_share_is_met_to_within_one(seed, share, blocks):
    n = blocks * sampling.BLOCK
    picked = sum(sampling.is_picked(seed=seed, stratum="a", share=share, number=number) for number in range(n))
    assert abs(picked - share * n) < 1 + 1e-6


@given(seed=SEEDS, number=st.integers(0, 500))
def test_the_ends_of_the_scale_are_exact(seed, number):
    assert sampling.is_picked(seed=seed, stratum="a", share=1, number=number)
    assert not sampling.is_picked(seed=seed, stratum="a", share=0, number=number)


@given(seed=SEEDS, share=SHARES, number=st.integers(0, 200))
def test_the_same_seed_draws_the_same(seed, share, number):
    draws = {sampling.is_picked(seed=seed, stratum="a", share=share, number=number) for _ in range(3)}
    assert len(draws) == 1


@given(seed=SEEDS, every=st.integers(1, 20), rounds=st.integers(1, 5))
def test_every_nth_is_one_of_each_n(seed, every, rounds):
    for number in range(rounds):
        turn = range(number * every, (number + 1) * every)
        assert sum(sampling.is_nth(seed=seed, stratum="a", every=every, number=one) for one in turn) == 1


def test_which_ones_are_drawn_cannot_be_foreseen_from_their_order():
    drawn = {
        tuple(number for number in range(10) if sampling.is_picked(seed=seed, stratum="a", share=0.2, number=number)) for seed in range(200)
    }
    assert len(drawn) > 30  # of 45 pairs


@pytest.mark.parametrize(
    ("strata", "group"),
    [("therapist", "therapist-4"), ("family", "family-7"), ("month", "month-2026-07")],
    ids=["therapist", "family", "month"],
)
def test_recordings_are_counted_within_a_therapist_a_family_or_a_month_of_local_days(strata, group):
    one = Recording(therapist_id=4, family_id=7, uploaded_at=dt.datetime(2026, 6, 30, 23, 30, tzinfo=dt.UTC))  # half past midnight in July
    assert sampling.stratum(SamplingPlan(mode="random", strata=strata), one) == group
    assert sampling.stratum(SamplingPlan(mode="nth", strata=strata), one) == "therapist-4"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"mode": "all", "double_share": 0.2}, "Every recording will be rated, about 1 in 5 of those twice."),
        ({"mode": "random", "share": 0.2, "double_share": 0.5}, "About 2 of 10 recordings will be rated, 1 of those twice."),
        ({"mode": "random", "share": 0.05, "double_share": 0.2}, "About 5 of 100 recordings will be rated, 1 of those twice."),
        ({"mode": "nth", "every": 2, "double_share": 0}, "About 5 of 10 recordings will be rated, each once."),
        ({"mode": "all", "double_share": 1}, "Every recording will be rated, each of them twice."),
        ({"mode": "all", "double_share": 0.9}, "Every recording will be rated, about 90 in 100 of those twice."),
        ({"mode": "all", "double_share": 0.4}, "Every recording will be rated, about 40 in 100 of those twice."),
        ({"mode": "all", "double_share": 0.15}, "Every recording will be rated, about 1 in 7 of those twice."),
        ({"mode": "random", "share": 0.15, "double_share": 0.2}, "About 15 of 100 recordings will be rated, 3 of those twice."),
        ({"mode": "nth", "every": 3, "double_share": 0.2}, "About 33 of 100 recordings will be rated, about 1 in 5 of those twice."),
    ],
)
def test_a_plan_says_what_it_does(values, said):
    assert sampling.sentence(SamplingPlan(**values)) == said


@pytest.mark.django_db
class TestDrawing:
    def many(self, team, therapists, each):
        now = timezone.now()
        for number in range(each):
            for therapist in therapists:
                rating.recording(therapist, team, uploaded_at=now - dt.timedelta(minutes=1) + dt.timedelta(seconds=number))

    def test_each_therapist_is_sampled_at_the_same_share_and_only_once(self, harbour, thea, tom, sam):
        plan = rating.make_plan(harbour, sam, mode="random", share=0.3, double_share=0.5)
        self.many(harbour, [thea, tom], 10)
        drawn = sampling.draw(plan, now=timezone.now())
        assert len(drawn) == 20
        for therapist in (thea, tom):
            assert SamplingDraw.objects.filter(recording__therapist=therapist, is_chosen=True).count() == 3
        kept = list(SamplingDraw.objects.order_by("pk").values_list("recording", "is_chosen", "is_double"))
        assert sampling.draw(plan, now=timezone.now()) == []
        assert list(SamplingDraw.objects.order_by("pk").values_list("recording", "is_chosen", "is_double")) == kept

    def test_drawing_one_by_one_decides_as_drawing_all_at_once(self, harbour, thea, sam):
        plan = rating.make_plan(harbour, sam, mode="random", share=0.4, double_share=0.5)
        self.many(harbour, [thea], 6)
        at_once = [(row, decision) for row, decision in sampling.preview(plan, on=timezone.localdate())]
        for recording in Recording.objects.order_by("-uploaded_at", "-pk"):
            Recording.objects.filter(pk=recording.pk).update(state="queued")
        for recording in Recording.objects.order_by("uploaded_at", "pk"):
            Recording.objects.filter(pk=recording.pk).update(state="ready")
            sampling.draw(plan, now=timezone.now())
        found = {one.recording_id: (one.is_chosen, one.is_double) for one in SamplingDraw.objects.all()}
        assert found == {row.pk: (decision.is_chosen, decision.is_double) for row, decision in at_once}

    def test_what_came_before_the_plan_or_without_consent_is_left_alone(self, harbour, thea, sam):
        rating.recording(thea, harbour, uploaded_at=timezone.localtime() - dt.timedelta(days=2))
        rating.recording(thea, harbour, purposes=("record",))
        plan = rating.make_plan(harbour, sam)
        assert sampling.draw(plan, now=timezone.now()) == []

    def test_there_is_one_plan_for_an_instrument_and_team_at_a_time(self, harbour, sam):
        plan = rating.make_plan(harbour, sam)
        with pytest.raises(sampling.PlanRefused, match="End it first"):
            rating.make_plan(harbour, sam)
        sampling.end(plan=plan, by=sam, now=timezone.now())
        assert rating.make_plan(harbour, sam, starts_on=factories.today() + dt.timedelta(days=1))

    def test_a_plan_does_not_reach_back(self, harbour, sam):
        with pytest.raises(sampling.PlanRefused, match="today or later"):
            rating.make_plan(harbour, sam, starts_on=factories.days_ago(1))

    def test_a_plan_ends_alone_and_once_and_one_that_has_not_begun_is_taken_out(self, harbour, meadow, sam):
        now = timezone.now()
        plan, other = rating.make_plan(harbour, sam), rating.make_plan(meadow, sam)
        sampling.end(plan=plan, by=sam, now=now)
        assert sampling.end(plan=plan, by=sam, now=now + dt.timedelta(days=2)).ends_on == factories.today()
        later = rating.make_plan(harbour, sam, starts_on=factories.today() + dt.timedelta(days=5))
        assert sampling.end(plan=later, by=sam, now=now) is None
        assert list(SamplingPlan.objects.order_by("pk").values_list("pk", "ends_on")) == [(plan.pk, factories.today()), (other.pk, None)]

    def test_trying_a_plan_out_shows_sessions_of_its_own_team_alone(self, harbour, meadow, thea, olly, sam):
        own = rating.recording(thea, harbour)
        rating.recording(olly, meadow)
        plan = rating.make_plan(harbour, sam)
        assert [one for one, _ in sampling.preview(plan, on=factories.today())] == [own]

    def test_a_plan_is_tried_out_before_it_is_made(self, harbour, thea, sam, as_user):
        rating.recording(thea, harbour)
        form = {
            "instrument": rating.instrument().pk,
            "mode": "all",
            "double_percent": 100,
            "due_days": 10,
            "starts_on": factories.today().isoformat(),
        }
        client = as_user(sam)
        page = client.post(f"/recordings/plans/{harbour.slug}/new/", form | {"do": "try"}).content.decode()
        assert "Every recording will be rated, each of them twice." in page
        assert "Rated twice" in page
        assert not SamplingPlan.objects.exists()
        assert client.post(f"/recordings/plans/{harbour.slug}/new/", form | {"do": "make"}).status_code == 302
        plan = SamplingPlan.objects.get()
        assert (plan.mode, plan.double_share, plan.due_days) == ("all", 1.0, 10)
        assert client.post(f"/recordings/plans/{harbour.slug}/new/", {"mode": "random", "do": "make"}).status_code == 422
