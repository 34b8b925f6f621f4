"""Months clamp, "valid until" is the last good day, quarters and weeks are calendar ones."""

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervision.periods import Period, add_months, last_valid_day, merged, quarter, week

D = dt.date
days = st.dates(min_value=D(2000, 1, 1), max_value=D(2100, 12, 31))


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (D(2023, 1, 31), 1, D(2023, 2, 28)),
        (D(2024, 1, 31), 1, D(2024, 2, 29)),
        (D(2024, 2, 29), 12, D(2025, 2, 28)),
        (D(2023, 12, 15), 1, D(2024, 1, 15)),
        (D(2023, 1, 15), -1, D(2022, 12, 15)),
    ],
)
def test_a_month_that_lacks_the_day_gives_its_last(start, months, expected):
    assert add_months(start, months) == expected


@pytest.mark.parametrize(
    ("start", "months", "ours", "others"),
    [
        # Moodle Workplace counts to the last valid day: so do we.
        (D(2023, 2, 12), 12, D(2024, 2, 11), D(2024, 2, 11)),
        # ILIAS adds 365 days; over a leap day that happens to agree with ours.
        (D(2019, 4, 1), 12, D(2020, 3, 31), D(2019, 4, 1) + dt.timedelta(days=365)),
        # Totara names the instant at which it ends, a day after our last day.
        (D(2013, 4, 15), 12, D(2014, 4, 14), D(2014, 4, 15) - dt.timedelta(days=1)),
    ],
)
def test_of_three_documented_readings_ours_is_the_last_inclusive_day(start, months, ours, others):
    assert last_valid_day(start, months) == ours == others


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (D(2024, 2, 29), 12, D(2025, 2, 28)),
        (D(2023, 1, 31), 1, D(2023, 2, 28)),
        (D(2023, 1, 29), 1, D(2023, 2, 28)),
        (D(2023, 1, 28), 1, D(2023, 2, 27)),
        (D(2023, 2, 20), 12, D(2024, 2, 19)),
    ],
)
def test_a_validity_never_ends_before_a_month_end_it_should_reach(start, months, expected):
    assert last_valid_day(start, months) == expected


@given(days, st.integers(1, 60))
def test_starting_later_never_ends_earlier(start, months):
    assert last_valid_day(start, months) <= last_valid_day(start + dt.timedelta(days=1), months)


@given(days)
def test_quarters_and_weeks_hold_their_day_and_follow_each_other(day):
    for period_of in (quarter, week):
        period = period_of(day)
        assert day in period
        assert period_of(period.end + dt.timedelta(days=1)).start == period.end + dt.timedelta(days=1)
    assert week(day).start.weekday() == 0
    assert week(day).days == 7


@given(st.lists(st.tuples(days, st.integers(0, 90)), max_size=8))
def test_merging_keeps_the_same_days(spans):
    periods = [Period(start, start + dt.timedelta(days=length)) for start, length in spans]
    before = {period.start + dt.timedelta(days=n) for period in periods for n in range(period.days)}
    after = merged(periods)
    assert {period.start + dt.timedelta(days=n) for period in after for n in range(period.days)} == before
    assert all(first.end + dt.timedelta(days=1) < second.start for first, second in itertools.pairwise(after))
