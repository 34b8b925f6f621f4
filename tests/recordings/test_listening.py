import datetime as dt
import itertools

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from recordings import listening
from recordings.models import HeardInterval
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db

stretches = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)).map(lambda pair: (min(pair), max(pair) + 1)), max_size=30)


@given(stretches)
def test_a_union_covers_the_same_milliseconds_and_is_disjoint(intervals):
    union = listening.merged(intervals)
    assert {ms for start, end in intervals for ms in range(start, end)} == {ms for start, end in union for ms in range(start, end)}
    assert all(first[1] < second[0] for first, second in itertools.pairwise(union))


@given(stretches)
def test_what_was_heard_and_the_gaps_make_up_the_whole(intervals):
    union = listening.merged([(start, min(end, 5000)) for start, end in intervals if start < 5000])
    gaps = listening.gaps(union, 5000, least_ms=1)
    assert sum(end - start for start, end in [*union, *gaps]) == 5000


@pytest.fixture
def recording(thea, harbour):
    return setup.ready_recording(thea, harbour, minutes=10)


def heard(recording, person, *pairs, now=None, purpose="review"):
    return listening.heard(recording=recording, person=person, purpose=purpose, intervals_ms=pairs, now=now or timezone.now())


def test_reports_in_any_order_become_one_stretch(recording, cora):
    heard(recording, cora, (20_000, 30_000))
    heard(recording, cora, (0, 10_000))
    assert heard(recording, cora, (10_000, 20_000)) == [(0, 30_000)]
    assert HeardInterval.objects.count() == 1


def test_sending_a_report_twice_counts_once(recording, cora):
    for _ in range(2):
        heard(recording, cora, (0, 300_000))
    assert listening.share_heard(recording, cora) == 0.5


def test_what_lies_beyond_the_end_is_cut_off(recording, cora):
    heard(recording, cora, (0, 10**9))
    assert listening.share_heard(recording, cora) == 1.0


def test_a_merged_stretch_keeps_when_it_was_first_heard(recording, cora):
    monday = timezone.now() - dt.timedelta(days=3)
    heard(recording, cora, (0, 10_000), now=monday)
    heard(recording, cora, (5_000, 20_000))
    row = HeardInterval.objects.get()
    assert row.first_at == monday
    assert row.last_at > monday


def test_each_person_has_an_own_share(recording, cora, sam):
    heard(recording, cora, (0, 600_000))
    assert listening.share_heard(recording, sam) == 0


@pytest.mark.parametrize("pair", [(5, 1), (-1, 5), (1.5, 3), (True, 3), (1,), ("1", 3)])
def test_a_report_that_cannot_be_true_is_refused(recording, cora, pair):
    with pytest.raises(listening.HeardRefused):
        heard(recording, cora, pair)


def test_an_unknown_purpose_is_refused(recording, cora):
    with pytest.raises(listening.HeardRefused):
        heard(recording, cora, (0, 1000), purpose="gossip")


def test_the_page_reports_and_learns_its_share(recording, cora, as_user):
    setup.begin(recording, cora)
    answer = as_user(cora).post(
        reverse("recordings:heard", args=[recording.pk]), {"purpose": "review", "intervals": "[[0, 60000]]", "position": "61000"}
    )
    assert answer.json() == {"heard": [[0, 60_000]], "share": 0.1, "sentence": "0 of 9 rated, 10\u00a0% heard"}
    recording.reviews.get().refresh_from_db()
    assert recording.reviews.get().position_ms == 61_000


@pytest.mark.parametrize("intervals", ["", "nonsense", "{}", "[1, 2]", "[[2, 1]]"])
def test_a_broken_report_is_answered_with_422(recording, cora, as_user, intervals):
    answer = as_user(cora).post(reverse("recordings:heard", args=[recording.pk]), {"purpose": "review", "intervals": intervals})
    assert answer.status_code == 422


def test_a_stranger_gets_404(recording, otto, as_user):
    answer = as_user(otto).post(reverse("recordings:heard", args=[recording.pk]), {"purpose": "review", "intervals": "[[0, 9]]"})
    assert answer.status_code == 404
