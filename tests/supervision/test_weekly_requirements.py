"""Weekly supervision: the last full week and the present one, Monday to Sunday. 4 January 2027 is a Monday."""

from tests.supervision.engine import D, cell, done, held, make_rule, waiver

RULE = make_rule("week")
LONG_AGO = held(D(2020, 1, 1))
FOUR_WEEKS = [done(D(2026, 12, day)) for day in (8, 15, 22, 29)]


def test_attended_this_week_is_in_date():
    found = cell(RULE, [LONG_AGO], [*FOUR_WEEKS, done(D(2027, 1, 5))], on=D(2027, 1, 6))
    assert (found.status, found.date) == ("valid", D(2027, 1, 5))
    assert "Attended in 4 of the last 4 full weeks." in found.reasons


def test_attended_last_week_is_in_date_until_the_week_runs_short():
    assert cell(RULE, [LONG_AGO], FOUR_WEEKS, on=D(2027, 1, 4)).status == "valid"
    assert cell(RULE, [LONG_AGO], FOUR_WEEKS, on=D(2027, 1, 7)).status == "due_soon"
    sunday = cell(RULE, [LONG_AGO], FOUR_WEEKS, on=D(2027, 1, 10))
    assert (sunday.status, sunday.date) == ("due_soon", D(2027, 1, 10))


def test_a_missed_week_is_overdue_from_monday():
    found = cell(RULE, [LONG_AGO], FOUR_WEEKS, on=D(2027, 1, 11))
    assert (found.status, found.date) == ("overdue", D(2027, 1, 10))
    assert "Attended in 3 of the last 4 full weeks." in found.reasons


def test_sunday_belongs_to_the_week_before_monday():
    assert cell(RULE, [LONG_AGO], [done(D(2027, 1, 10))], on=D(2027, 1, 11)).status == "valid"


def test_who_joins_after_monday_begins_with_the_next_week():
    found = cell(RULE, [held(D(2027, 1, 5))], on=D(2027, 1, 8))
    assert (found.status, found.date) == ("not_started", D(2027, 1, 17))
    assert cell(RULE, [held(D(2027, 1, 5))], on=D(2027, 1, 12)).status == "not_started"
    assert cell(RULE, [held(D(2027, 1, 5))], on=D(2027, 1, 18)).status == "overdue"


def test_who_joins_on_a_monday_owes_that_week():
    assert cell(RULE, [held(D(2027, 1, 4))], on=D(2027, 1, 8)).date == D(2027, 1, 10)


def test_a_waiver_that_touches_the_week_excuses_it():
    away = waiver(D(2027, 1, 6), D(2027, 1, 6))
    assert cell(RULE, [LONG_AGO], [*FOUR_WEEKS, away], on=D(2027, 1, 8)).status == "waived"
    assert cell(RULE, [LONG_AGO], [*FOUR_WEEKS, away], on=D(2027, 1, 11)).status == "not_started"


def test_who_leaves_in_the_week_does_not_owe_it():
    assert cell(RULE, [held(D(2020, 1, 1), D(2027, 1, 7))], FOUR_WEEKS, on=D(2027, 1, 6)).status == "not_required"


def test_the_tally_counts_only_weeks_owed():
    found = cell(RULE, [held(D(2026, 12, 21))], [done(D(2026, 12, 22)), done(D(2027, 1, 5))], on=D(2027, 1, 6))
    assert "Attended in 1 of the 2 full weeks owed of the last 4." in found.reasons
