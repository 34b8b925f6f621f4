"""Agreement on stretches of time: frames, boundaries, overlap."""

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from supervision.agreement.ranges import boundary_f1, duration_overlap, frame_agreement, matches

HOUR = 3_600_000
MINUTES = 600_000  # ten of them

times = st.integers(0, MINUTES)
ranges = st.lists(st.tuples(times, times, st.sampled_from("ab")).map(lambda r: (min(r[:2]), max(r[:2]), r[2])), max_size=6)


def marks(count, *, every=300_000, length=10_000, shift=0, code="a"):
    return [(place * every + shift, place * every + shift + length, code) for place in range(count)]


def test_frames_of_100_ms_are_compared():
    """Of 100 frames the first marked 10 to 39, the second 20 to 49: 20 both, 10 and 10 one alone, 60 neither."""
    found = frame_agreement([(1000, 4000, "a")], [(2000, 5000, "a")], code="a", duration_ms=10_000)
    assert found.percent.value == pytest.approx(0.80)
    assert found.kappa.value == pytest.approx((0.80 - 0.58) / (1 - 0.58))
    assert found.ac1.value == pytest.approx((0.80 - 0.42) / (1 - 0.42))
    assert found.prevalence == pytest.approx(0.30)


def test_a_frame_counts_when_its_middle_is_covered_and_a_moment_takes_the_frame_it_falls_in():
    def prevalence(*some):
        return frame_agreement([(*each, "a") for each in some], [(0, 100, "a")], code="a", duration_ms=1000).prevalence * 20 - 1

    assert prevalence((0, 49)) == pytest.approx(0)
    assert prevalence((0, 51)) == pytest.approx(1)
    assert prevalence((50, 150)) == pytest.approx(1)
    assert prevalence((320, 320)) == pytest.approx(1)
    assert prevalence((1000, 1000)) == pytest.approx(1)
    assert prevalence((900, 5000)) == pytest.approx(1)
    assert prevalence((-500, 0), (1000, 2000)) == pytest.approx(0)


def test_only_the_code_asked_for_is_compared():
    first = [(0, 5000, "a"), (2000, 9000, "b")]
    found = frame_agreement(first, [(0, 5000, "a"), (7000, 9000, "c")], code="a", duration_ms=10_000)
    assert found.kappa.value == 1


def test_a_code_that_neither_used_has_no_agreement_and_says_so():
    found = frame_agreement([], [(0, 1000, "b")], code="a", duration_ms=10_000)
    assert found.kappa.value is found.percent.value is found.ac1.value is None
    assert found.kappa.reason == "Neither of the two used this code."


def test_a_code_on_every_frame_has_no_kappa_but_an_ac1():
    everything = [(0, 10_000, "a")]
    found = frame_agreement(everything, everything, code="a", duration_ms=10_000)
    assert found.kappa.value is None
    assert found.ac1.value == found.percent.value == 1


def test_the_sample_is_the_ranges_not_the_frames():
    """An hour has 36,000 frames; twelve marks are still twelve marks, and their interval is as wide as that."""
    first, second = marks(12), marks(11, shift=3000)
    found = frame_agreement(first, second, code="a", duration_ms=HOUR)
    assert (found.kappa.n_units, found.kappa.counted) == (12, "marked ranges")
    assert found.kappa.high - found.kappa.low > 0.05
    assert found.ac1.value > found.kappa.value  # the code is rare


def test_a_short_or_faultless_stretch_has_no_interval_and_says_why():
    short = frame_agreement([(0, 900, "a")], [(0, 500, "a")], code="a", duration_ms=60_000)
    assert short.kappa.low is None
    assert short.kappa.reason == "60 s are too short for an interval, which takes 5 minutes."
    faultless = frame_agreement(marks(5), marks(5), code="a", duration_ms=HOUR)
    assert faultless.kappa.value == 1
    assert "do not differ" in faultless.kappa.reason
    rare = frame_agreement([(0, 900, "a")], [(0, 500, "a")], code="a", duration_ms=HOUR)
    assert "too rare" in rare.kappa.reason


def test_overlap_is_shared_time_over_all_time_marked():
    first = [(0, 4000, "a"), (3000, 6000, "a"), (9000, 9500, "b")]
    assert duration_overlap(first, [(5000, 8000, "a")], code="a", duration_ms=10_000).value == pytest.approx(1000 / 8000)


def test_overlap_of_moments_is_nothing_to_measure():
    found = duration_overlap([(5, 5, "a")], [(5, 5, "a")], code="a", duration_ms=100)
    assert found.value is None
    assert "moment" in found.reason


def test_overlap_over_blocks_is_what_it_is_over_the_whole():
    first, second = marks(12, length=45_000), marks(12, length=45_000, shift=20_000)
    found = duration_overlap(first, second, code="a", duration_ms=HOUR)
    assert found.value == pytest.approx(25 / 65)
    assert found.low < found.value < found.high


def test_boundaries_match_within_the_tolerance_once_each():
    first = [(1000, 2000, "a"), (5000, 6000, "a")]
    second = [(1400, 2600, "a"), (1500, 5900, "a")]
    found = boundary_f1(first, second, tolerance_ms=500, duration_ms=10_000, code="a")
    assert found.value == pytest.approx(2 * 2 / 8)  # one start (1000 and 1400 or 1500), one end (6000 and 5900)
    assert found.n_units == 2
    assert boundary_f1(first, second, tolerance_ms=399, duration_ms=10_000, code="a").value == pytest.approx(2 * 1 / 8)
    assert boundary_f1(first, second, tolerance_ms=600, duration_ms=10_000, code="a").value == pytest.approx(2 * 3 / 8)


def test_boundaries_of_another_code_or_kind_do_not_match():
    assert boundary_f1([(1000, 2000, "a")], [(1000, 2000, "b")], tolerance_ms=500, duration_ms=9000).value == 0
    assert boundary_f1([(1000, 2000, "a")], [(2000, 3000, "a")], tolerance_ms=0, duration_ms=9000).value == 0
    assert boundary_f1([(1, 2, "a"), (5, 6, "b")], [(1, 2, "a"), (5, 6, "b")], tolerance_ms=0, duration_ms=9000).value == 1


def test_nothing_marked_has_no_boundaries():
    assert boundary_f1([], [], tolerance_ms=500, duration_ms=9000).reason == "Neither of the two marked anything."


def test_one_matched_range_is_less_sure_than_fifty():
    one, fifty = (boundary_f1(marks(n), marks(n), tolerance_ms=0, duration_ms=50 * 300_000) for n in (1, 50))
    assert one.value == fifty.value == 1
    assert one.low < 0.4 < 0.9 < fifty.low


@given(st.lists(st.integers(0, 12), max_size=5), st.lists(st.integers(0, 12), max_size=5), st.integers(0, 4))
def test_as_many_boundaries_are_matched_as_can_be(first, second, tolerance):
    fewer, more = sorted((first, second), key=len)
    best = max(
        sum(abs(a - b) <= tolerance for a, b in zip(fewer, chosen, strict=True)) for chosen in itertools.permutations(more, len(fewer))
    )
    assert matches(sorted(first), sorted(second), tolerance) == best


@settings(max_examples=60)
@given(ranges, ranges, st.randoms(use_true_random=False))
def test_who_comes_first_and_in_which_order_changes_nothing(first, second, random):
    def everything(one, other):
        frames = frame_agreement(one, other, code="a", duration_ms=MINUTES)
        return (
            frames.percent,
            frames.kappa,
            frames.ac1,
            duration_overlap(one, other, code="a", duration_ms=MINUTES),
            boundary_f1(one, other, tolerance_ms=5000, duration_ms=MINUTES),
        )

    shuffled = random.sample(second, len(second)), random.sample(first, len(first))
    for one, other in zip(everything(first, second), everything(*shuffled), strict=True):
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))
        assert (one.reason, one.n_units) == (other.reason, other.n_units)
        if one.low is not None:
            assert -1 <= one.low <= one.value <= one.high <= 1


@settings(max_examples=60)
@given(ranges)
def test_with_oneself_agreement_is_perfect_where_it_is_defined(some):
    frames = frame_agreement(some, some, code="a", duration_ms=MINUTES)
    assert {frames.percent.value, frames.kappa.value, frames.ac1.value} <= {1.0, None}
    assert duration_overlap(some, some, code="a", duration_ms=MINUTES).value in (1.0, None)
    assume(some)
    assert boundary_f1(some, some, tolerance_ms=0, duration_ms=MINUTES).value == 1


@pytest.mark.parametrize("compare", [frame_agreement, duration_overlap])
def test_a_range_that_ends_before_it_starts_is_refused(compare):
    with pytest.raises(ValueError, match="ends before it starts"):
        compare([(2000, 1000, "a")], [], code="a", duration_ms=9000)
