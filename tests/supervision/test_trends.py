"""Scores over sessions: one point a session, Student's interval over sessions, and nothing said of a direction under ten."""

import math
import uuid
from types import SimpleNamespace

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from supervision import ratings, trends
from supervision.models import Instrument, Item, Rating
from tests import factories

ITEM = SimpleNamespace(least=0, most=4, scale="ordinal")


def test_the_interval_is_students_over_sessions():
    """By hand: 2, 3, 4 have mean 3, standard deviation 1, and t(2) = 4.3027; ±2.484 is cut to the scale."""
    found = trends.spread([2, 3, 4], least=0, most=4)
    assert (found.n, found.mean) == (3, 3)
    assert found.low == pytest.approx(3 - 4.30265 / math.sqrt(3), abs=1e-4)
    assert found.high == 4


@pytest.mark.parametrize(("scores", "mean"), [([], None), ([3], 3), ([2, 2, 2, 2], 2)])
def test_few_or_equal_sessions_have_no_interval(scores, mean):
    found = trends.spread(scores, least=0, most=4)
    assert (found.mean, found.low, found.high) == (mean, None, None)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=30))
def test_the_interval_holds_the_mean_and_stays_on_the_scale(scores):
    found = trends.spread(scores, least=0, most=4)
    if found.low is not None:
        assert 0 <= found.low <= found.mean <= found.high <= 4


@given(st.lists(st.integers(0, 4), min_size=2, max_size=12))
def test_the_order_of_sessions_does_not_matter_to_the_mean(scores):
    there, back = trends.spread(scores, least=0, most=4), trends.spread(scores[::-1], least=0, most=4)
    assert there.mean == pytest.approx(back.mean)


def test_the_sentence_tells_n_always():
    assert trends.said(trends.spread([3], least=0, most=4), ITEM) == "Mean 3.0 of 4, 1 session (one session has no interval)."
    assert "3 sessions" in trends.said(trends.spread([2, 3, 4], least=0, most=4), ITEM)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_every_dot_of_the_picture_lies_within_it(scores):
    trend = trends.Trend(ITEM, [trends.Point(factories.today(), uuid.uuid4(), 1, score) for score in scores])
    drawn = trends.picture(trend)
    assert len(drawn.dots) == len(scores)
    assert all(0 <= x <= trends.WIDTH and 0 <= y <= trends.HEIGHT for x, y in drawn.dots)


@pytest.fixture
def instrument(db):
    made = Instrument.objects.create(slug="two", name="Two", owner="O", licence_note="N")
    for position, key in enumerate(("fit", "strengths")):
        Item.objects.create(instrument=made, key=key, position=position, name=key.title(), question="?")
    return made


def rate(instrument, therapist, team, rater, fit, *, session=None, days=5, kind=Rating.Kind.RATER, released=True, strengths=2):
    made = ratings.record(
        instrument=instrument,
        therapist=therapist,
        rater=rater,
        team=team,
        source=uuid.uuid4(),
        session=session or uuid.uuid4(),
        kind=kind,
        session_on=factories.days_ago(days),
        share_heard=1,
        scores={"fit": fit, "strengths": strengths},
        by=rater,
        now=timezone.now(),
    )
    if released:
        ratings.release(source=made.source, by=rater, now=timezone.now())
    return made


def fit_of(rows):
    found = trends.of_items(rows.select_related("instrument").prefetch_related("scores__item"))
    return next(trend for trend in found if trend.item.key == "fit")


class TestOnePointASession:
    def test_two_raters_of_one_session_are_their_mean(self, instrument, thea, harbour, cora):
        session = uuid.uuid4()
        rate(instrument, thea, harbour, cora, 1, session=session)
        rate(instrument, thea, harbour, factories.make_user(), 4, session=session)
        assert [point.score for point in fit_of(Rating.objects.released()).points] == [2.5]

    def test_a_consensus_stands_for_its_session(self, instrument, thea, harbour, cora):
        session = uuid.uuid4()
        rate(instrument, thea, harbour, cora, 1, session=session)
        rate(instrument, thea, harbour, factories.make_user(), 4, session=session)
        rate(instrument, thea, harbour, cora, 3, session=session, kind=Rating.Kind.CONSENSUS)
        assert [point.score for point in fit_of(Rating.objects.released()).points] == [3]

    def test_not_applicable_is_no_point(self, instrument, thea, harbour, cora):
        rate(instrument, thea, harbour, cora, None)
        rate(instrument, thea, harbour, cora, 2)
        assert fit_of(Rating.objects.released()).spread.n == 1

    def test_points_come_in_the_order_of_the_sessions(self, instrument, thea, harbour, cora):
        rate(instrument, thea, harbour, cora, 4, days=1)
        rate(instrument, thea, harbour, cora, 0, days=9)
        assert [point.score for point in fit_of(Rating.objects.released()).points] == [0, 4]

    def test_a_self_rating_and_what_is_not_released_do_not_count(self, instrument, thea, harbour, cora):
        rate(instrument, thea, harbour, cora, 2)
        rate(instrument, thea, harbour, cora, 4, kind=Rating.Kind.EXERCISE)
        rate(instrument, thea, harbour, cora, 4, released=False)
        assert [point.score for point in fit_of(Rating.objects.visible_to(thea).released()).points] == [2]
