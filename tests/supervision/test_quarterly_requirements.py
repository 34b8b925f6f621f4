"""Boosters and reviews: calendar quarters, joiners, leavers, missed quarters."""

import pytest

from tests.supervision.engine import D, cell, done, held, make_rule, started, waiver

RULE = make_rule("quarter")
LONG_AGO = held(D(2020, 1, 1))
LAST_QUARTER = done(D(2026, 9, 10))


def test_the_last_day_of_the_quarter_still_counts():
    found = cell(RULE, [LONG_AGO], [done(D(2026, 12, 31))], on=D(2026, 12, 31))
    assert (found.status, found.date) == ("valid", D(2026, 12, 31))


def test_it_is_due_by_the_end_of_the_quarter_and_soon_from_four_weeks_before():
    assert cell(RULE, [LONG_AGO], [LAST_QUARTER], on=D(2026, 12, 2)).status == "not_started"
    soon = cell(RULE, [LONG_AGO], [LAST_QUARTER], on=D(2026, 12, 3))
    assert (soon.status, soon.date) == ("due_soon", D(2026, 12, 31))


def test_one_begun_this_quarter_is_in_progress():
    assert cell(RULE, [LONG_AGO], [LAST_QUARTER, started(D(2026, 10, 20))], on=D(2026, 11, 1)).status == "in_progress"
    assert cell(RULE, [LONG_AGO], [LAST_QUARTER, started(D(2026, 8, 20))], on=D(2026, 11, 1)).status == "not_started"


def test_a_missed_quarter_is_overdue_until_something_is_done():
    missed = cell(RULE, [LONG_AGO], [done(D(2026, 6, 30))], on=D(2026, 10, 1))
    assert (missed.status, missed.date) == ("overdue", D(2026, 9, 30))
    assert cell(RULE, [LONG_AGO], [done(D(2026, 6, 30)), done(D(2026, 10, 2))], on=D(2026, 10, 2)).status == "valid"


def test_several_missed_quarters_are_counted_and_dated_from_the_first():
    found = cell(RULE, [LONG_AGO], [done(D(2026, 1, 5))], on=D(2026, 10, 1))
    assert found.date == D(2026, 6, 30)
    assert "the last of 2 quarters missed in a row" in found.reasons[0]


@pytest.mark.parametrize(
    ("joined", "due"), [(D(2026, 12, 17), D(2026, 12, 31)), (D(2026, 12, 18), D(2027, 3, 31)), (D(2026, 12, 31), D(2027, 3, 31))]
)
def test_who_joins_in_the_last_fourteen_days_begins_with_the_next_quarter(joined, due):
    found = cell(RULE, [held(joined)], on=joined)
    assert found.date == due
    assert any("last 14 days" in reason for reason in found.reasons) == (due.year == 2027)


def test_a_joiner_owes_nothing_for_the_quarter_before():
    assert cell(RULE, [held(D(2026, 9, 20))], on=D(2026, 10, 5)).status == "not_started"


def test_who_leaves_before_the_quarter_ends_does_not_owe_it():
    assert cell(RULE, [held(D(2020, 1, 1), D(2026, 12, 15))], [LAST_QUARTER], on=D(2026, 12, 10)).status == "not_required"


def test_a_waiver_over_the_last_day_excuses_the_quarter():
    leave = waiver(D(2026, 9, 1), D(2026, 9, 30))
    assert cell(RULE, [LONG_AGO], [done(D(2026, 6, 1)), leave], on=D(2026, 9, 15)).status == "waived"
    assert cell(RULE, [LONG_AGO], [done(D(2026, 6, 1)), leave], on=D(2026, 10, 5)).status == "not_started"


def test_a_short_waiver_in_the_middle_excuses_nothing():
    leave = waiver(D(2026, 8, 1), D(2026, 8, 14))
    assert cell(RULE, [LONG_AGO], [done(D(2026, 6, 1)), leave], on=D(2026, 10, 5)).status == "overdue"


def test_a_waiver_that_leaves_two_weeks_or_less_moves_it_to_the_next_quarter():
    leave = waiver(D(2026, 10, 1), D(2026, 12, 20))
    found = cell(RULE, [LONG_AGO], [LAST_QUARTER, leave], on=D(2026, 12, 21))
    assert found.date == D(2027, 3, 31)
