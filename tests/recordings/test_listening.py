import datetime as dt
import itertools

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from recordings import listening, review, sent
from recordings.models import HeardInterval, SentInterval
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


@given(stretches, stretches)
def test_only_what_was_reported_and_sent_counts_as_heard(reported, sent_to):
    heard = listening.possible(reported, sent_to)
    union = listening.merged(reported, join=listening.JOIN_MS)
    slack = listening.SENT_SLACK_MS
    near = listening.merged((max(0, start - slack), end + slack) for start, end in sent_to)
    assert all(any(a <= start and end <= b for a, b in union) for start, end in heard)
    assert all(any(a <= start and end <= b for a, b in near) for start, end in heard)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(heard))
    assert listening.possible(reported, [(0, 6000)]) == union
    assert listening.possible(reported, []) == []


@pytest.fixture
def recording(thea, harbour):
    return setup.ready_recording(thea, harbour, minutes=10)


def heard(recording, person, *pairs, now=None, purpose="review"):
    """All of it was sent; the page reports these stretches."""
    sent.note(recording=recording, person=person, spans=[(0, recording.duration_ms)], now=timezone.now())
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
    monday = timezone.localtime() - dt.timedelta(days=3)
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
    own = setup.begin(recording, cora)
    sent.note(recording=recording, person=cora, spans=[(0, 60_000)], now=timezone.now())
    answer = as_user(cora).post(
        reverse("recordings:heard", args=[recording.pk]),
        {"purpose": "review", "review": own.pk, "intervals": "[[0, 60000]]", "position": "61000"},
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


def test_a_report_of_what_was_never_sent_counts_for_nothing(recording, cora, as_user):
    own = setup.begin(recording, cora)
    setup.rate_all(own)
    client = as_user(cora)
    answer = client.post(reverse("recordings:heard", args=[recording.pk]), {"purpose": "review", "intervals": "[[0, 600000]]"})
    assert answer.json()["share"] == 0
    refused = client.post(reverse("recordings:review-submit", args=[own.pk]))
    assert refused.status_code == 422
    assert "You have not heard any of this recording" in refused.content.decode()
    assert listening.shares_heard([recording], cora) == {recording.pk: 0}
    sent.note(recording=recording, person=cora, spans=[(0, 300_000)], now=timezone.now())
    assert listening.share_heard(recording, cora) == pytest.approx(0.5, abs=0.01)
    assert client.post(reverse("recordings:review-submit", args=[own.pk])).status_code == 302


def test_a_moment_is_no_listening_and_the_practice_review_asks_for_half(recording, cora):
    own = setup.begin(recording, cora)
    setup.rate_all(own)
    setup.hear(recording, cora, 0, 1)
    assert "only seconds" in review.completeness(own).refusals[0]
    setup.hear(recording, cora, 0, 290_000)
    assert "asks for at least 50\u00a0%" in review.completeness(own).refusals[0]
    setup.hear(recording, cora, 0, 300_000)
    assert review.completeness(own).can_submit


class TestWhoseItIs:
    def test_what_was_sent_to_one_and_reported_by_another_was_heard_by_neither(self, recording, cora, sam):
        sent.note(recording=recording, person=cora, spans=[(0, 600_000)], now=timezone.now())
        listening.heard(recording=recording, person=sam, purpose="listen", intervals_ms=[(0, 600_000)], now=timezone.now())
        assert listening.share_heard(recording, sam) == listening.share_heard(recording, cora) == 0

    def test_each_person_each_purpose_and_each_recording_has_rows_of_its_own(self, recording, thea, harbour, cora, sam):
        other = setup.ready_recording(thea, harbour)
        told = [(recording, cora, "review"), (recording, sam, "review"), (recording, cora, "transcript"), (other, cora, "review")]
        for number, (one, person, purpose) in enumerate(told):
            assert heard(one, person, (1000 * number, 60_000), purpose=purpose) == [(1000 * number, 60_000)]
        rows = HeardInterval.objects.order_by("start_ms").values_list("recording", "person", "purpose", "start_ms", "end_ms")
        assert list(rows) == [(one.pk, person.pk, purpose, 1000 * number, 60_000) for number, (one, person, purpose) in enumerate(told)]
        assert listening.shares_heard([recording, other], cora) == {recording.pk: 0.1, other.pk: 0.095}

    def test_a_clip_is_no_listening_to_the_recording_on_either_side(self, recording, cora):
        fields = {"recording": recording, "person": cora, "start_ms": 0, "end_ms": 600_000}
        at = {"first_at": timezone.now(), "last_at": timezone.now()}
        HeardInterval.objects.create(purpose=f"{listening.CLIP} 1", **fields, **at)
        sent.note(recording=recording, person=cora, spans=[(0, 60_000)], now=timezone.now())
        assert listening.share_heard(recording, cora) == 0
        SentInterval.objects.all().delete()
        SentInterval.objects.create(clip=1, **fields, **at)
        listening.heard(recording=recording, person=cora, purpose="review", intervals_ms=[(0, 60_000)], now=timezone.now())
        assert listening.share_heard(recording, cora) == 0


def test_heard_again_only_that_stretch_has_a_later_time_and_three_merged_keep_the_earliest(recording, cora):
    days = [timezone.localtime() - dt.timedelta(days=number) for number in (3, 2, 1, 0)]
    heard(recording, cora, (0, 10_000), now=days[0])
    heard(recording, cora, (20_000, 30_000), now=days[1])
    heard(recording, cora, (22_000, 25_000), now=days[2])
    times = HeardInterval.objects.order_by("start_ms").values_list("first_at", "last_at")
    assert list(times) == [(days[0], days[0]), (days[1], days[2])]
    heard(recording, cora, (10_000, 20_000), now=days[3])
    assert list(times.all()) == [(days[0], days[3])]


def test_more_stretches_than_a_page_can_have_seen_are_refused(recording, cora):
    many = [(1000 * number, 1000 * number + 1) for number in range(listening.MOST_AT_ONCE)]
    assert len(heard(recording, cora, *many)) == listening.MOST_AT_ONCE
    with pytest.raises(listening.HeardRefused, match="too many"):
        heard(recording, cora, *many, (599_000, 599_001))


@pytest.mark.parametrize(("apart", "rows"), [(listening.JOIN_MS, 1), (listening.JOIN_MS + 1, 2)])
def test_a_gap_that_is_the_reporting_is_closed_and_a_longer_one_stays(recording, cora, apart, rows):
    assert len(heard(recording, cora, (0, 10_000), (10_000 + apart, 20_000))) == rows
