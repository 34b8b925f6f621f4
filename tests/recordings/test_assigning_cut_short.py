"""A pass that gives out ratings and is cut short, at whichever statement: nothing is half done, and the next pass does the rest, once."""

import itertools
import os
import signal
from collections import Counter

import pytest
from django.db import OperationalError, connection, connections
from django.db.models import Count
from wagtail.models import ModelLogEntry

from recordings.models import Assignment, Comparison, ConsensusScore, Review, SamplingDraw
from tests.recordings import rating_setup as rating

pytestmark = pytest.mark.django_db(transaction=True)  # what is cut short is a transaction of its own
ACTIONS = ("recordings.assign", "recordings.comparison_open")


class Cut:
    """Lets so many statements through, then does `what` instead of the next, once."""

    def __init__(self, after, what):
        self.left, self.what = after, what

    def __call__(self, execute, sql, params, many, context):
        self.left -= 1
        if self.left == -1:
            self.what()
        return execute(sql, params, many, context)


def lose_the_database():
    raise OperationalError("server closed the connection unexpectedly")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def raters(cora, carl, otis):
    """And otis of another team: a third whom a pass that asked twice would find."""
    return {cora, carl}


@pytest.fixture
def sessions(harbour, sam, thea, raters):
    rating.make_plan(harbour, sam)
    return [rating.recording(thea, harbour) for _ in range(2)]


def asked():
    return Counter(Assignment.objects.values_list("recording", "part"))


def assert_nothing_is_half_done():
    assert not [key for key, count in asked().items() if count > 1]
    noted = ModelLogEntry.objects.filter(action="recordings.assign").values_list("object_id", flat=True)
    assert sorted(noted) == sorted(str(pk) for pk in Assignment.objects.values_list("pk", flat=True))
    assert SamplingDraw.objects.count() in (0, 2)
    twice = Assignment.objects.values("recording", "rater").annotate(times=Count("pk")).filter(times__gt=1)
    assert not twice.exists()


def assert_all_is_done(sessions):
    assert_nothing_is_half_done()
    assert asked() == {(one.pk, part): 1 for one in sessions for part in ("first", "second")}
    assert rating.run() == 0


@pytest.mark.slow
def test_wherever_the_database_goes_away_the_next_pass_does_the_rest(sessions):
    for after in itertools.count():
        for model in (Assignment, SamplingDraw):
            model.objects.all().delete()
        ModelLogEntry.objects.filter(action__in=ACTIONS).delete()
        try:
            with connection.execute_wrapper(Cut(after, lose_the_database)):
                rating.run()
        except OperationalError:
            assert_nothing_is_half_done()
            before = set(Assignment.objects.values_list("pk", flat=True))
            assert rating.run() == 4 - len(before)
            assert before <= set(Assignment.objects.values_list("pk", flat=True))  # what was given out stays with whom it is
            assert_all_is_done(sessions)
        else:
            break
    assert after > 40  # it was cut in all its parts
    assert_all_is_done(sessions)


def test_wherever_it_is_cut_a_comparison_opens_whole_or_not_at_all(sessions):
    rating.run()
    whole = rating.both(sessions[0]).scores.count()
    assert whole
    for after in itertools.count():
        ConsensusScore.objects.all().delete()
        Comparison.objects.all().delete()
        Review.objects.update(state=Review.State.SUBMITTED)
        try:
            with connection.execute_wrapper(Cut(after, lose_the_database)):
                rating.run()
        except OperationalError:
            opened = Comparison.objects.all()
            assert {one.scores.count() for one in opened} <= {whole}
            states = {Review.State.COMPARED} if opened.exists() else {Review.State.SUBMITTED}
            assert set(Review.objects.values_list("state", flat=True)) == states
            rating.run()
            assert Comparison.objects.get().scores.count() == whole
        else:
            break
    assert after > 10


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 0.95])
def test_a_process_that_is_killed_in_the_middle_leaves_only_what_is_whole(sessions, share):
    statements = Cut(10**9, die)
    with connection.execute_wrapper(statements):
        rating.run()
    length = 10**9 - statements.left
    Assignment.objects.all().delete()
    SamplingDraw.objects.all().delete()
    ModelLogEntry.objects.filter(action__in=ACTIONS).delete()
    connections.close_all()
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # rather ended as a failure than never
        with connection.execute_wrapper(Cut(int(length * share), die)):
            rating.run()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert_nothing_is_half_done()
    assert len(asked()) < 4
    rating.run()
    assert_all_is_done(sessions)
