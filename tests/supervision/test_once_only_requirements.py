"""A course owed once: due from joining, waived, late, valid for good or for months."""

import pytest

from tests.supervision.engine import D, cell, done, held, make_rule, started, waiver

JOINED = D(2026, 3, 1)
RULE = make_rule()


@pytest.mark.parametrize(
    ("on", "status"),
    [
        (D(2026, 3, 1), "not_started"),
        (D(2026, 3, 16), "not_started"),
        (D(2026, 3, 17), "due_soon"),
        (D(2026, 3, 31), "due_soon"),
        (D(2026, 4, 1), "overdue"),
    ],
)
def test_it_is_due_on_the_thirtieth_day_inclusive(on, status):
    found = cell(RULE, [held(JOINED)], on=on)
    assert (found.status, found.date) == (status, D(2026, 3, 31))


def test_a_course_begun_is_in_progress_until_the_warning():
    assert cell(RULE, [held(JOINED)], [started(D(2026, 3, 5))], on=D(2026, 3, 10)).status == "in_progress"
    late = cell(RULE, [held(JOINED)], [started(D(2026, 3, 5))], on=D(2026, 3, 20))
    assert late.status == "due_soon"
    assert "2 of 8 lessons done." in late.reasons


def test_done_late_it_is_in_date_and_stays_so():
    found = cell(RULE, [held(JOINED)], [done(D(2026, 6, 1))], on=D(2030, 1, 1))
    assert (found.status, found.date) == ("valid", D(2026, 6, 1))


def test_done_before_joining_counts():
    assert cell(RULE, [held(JOINED)], [done(D(2024, 1, 1))], on=JOINED).status == "valid"


def test_other_roles_owe_nothing():
    found = cell(RULE, [held(JOINED, role="administrator")], on=D(2026, 3, 5))
    assert found.status == "not_required"
    assert "therapists" in found.reasons[0]


def test_changing_between_roles_that_owe_it_restarts_no_clock():
    both = make_rule(roles=frozenset({"therapist", "supervisor"}))
    found = cell(both, [held(JOINED, D(2026, 3, 20)), held(D(2026, 3, 21), role="supervisor")], on=D(2026, 3, 22))
    assert found.date == D(2026, 3, 31)


def test_coming_back_after_a_gap_starts_again():
    found = cell(RULE, [held(D(2020, 1, 1), D(2020, 6, 30)), held(JOINED)], on=D(2026, 3, 2))
    assert found.date == D(2026, 3, 31)


def test_waived_days_do_not_count_towards_the_deadline():
    leave = waiver(D(2026, 3, 10), D(2026, 6, 30))
    during = cell(RULE, [held(JOINED)], [leave], on=D(2026, 4, 15))
    assert (during.status, during.date) == ("waived", D(2026, 6, 30))
    after = cell(RULE, [held(JOINED)], [leave], on=D(2026, 7, 1))
    assert (after.status, after.date) == ("not_started", D(2026, 7, 22))
    assert "Days under a waiver did not count." in after.reasons


def test_a_waiver_shows_the_last_day_and_the_reason_given():
    found = cell(RULE, [held(JOINED)], [waiver(D(2026, 3, 10), D(2026, 3, 20))], on=D(2026, 3, 20))
    assert found.status == "waived"
    assert "Reason given: Long leave." in found.reasons


def test_a_waiver_changes_nothing_for_somebody_who_is_done():
    assert cell(RULE, [held(JOINED)], [done(D(2026, 3, 5)), waiver(D(2026, 3, 10))], on=D(2026, 3, 15)).status == "valid"


def test_due_15_february_done_on_the_20th_is_late_then_valid_for_a_year():
    yearly = make_rule(valid_months=12, due_days=14)
    joined = [held(D(2023, 2, 1))]
    assert cell(yearly, joined, on=D(2023, 2, 15)).status == "due_soon"
    assert cell(yearly, joined, [done(D(2023, 2, 20))], on=D(2023, 2, 19)).status == "overdue"
    after = cell(yearly, joined, [done(D(2023, 2, 20))], on=D(2023, 2, 20))
    assert (after.status, after.date) == ("valid", D(2024, 2, 19))
    assert cell(yearly, joined, [done(D(2023, 2, 20))], on=D(2024, 2, 19)).status == "due_soon"
    assert cell(yearly, joined, [done(D(2023, 2, 20))], on=D(2024, 2, 20)).status == "overdue"


def test_a_certificate_with_an_end_runs_out():
    outside = done(D(2026, 1, 1), until=D(2026, 5, 31))
    assert cell(RULE, [held(JOINED)], [outside], on=D(2026, 5, 1)).status == "valid"
    assert cell(RULE, [held(JOINED)], [outside], on=D(2026, 5, 31)).status == "due_soon"
    assert cell(RULE, [held(JOINED)], [outside], on=D(2026, 6, 1)).status == "overdue"


def test_a_rule_newer_than_the_person_counts_from_its_own_beginning():
    newer = make_rule(since=D(2026, 9, 1))
    assert cell(newer, [held(JOINED)], on=D(2026, 9, 2)).date == D(2026, 10, 1)


def test_a_certificate_that_ran_out_makes_nobody_late_sooner_than_none_would():
    expired = done(D(2025, 1, 1), until=D(2026, 2, 1))
    found = cell(RULE, [held(JOINED)], [expired], on=D(2026, 3, 5))
    assert (found.status, found.date) == ("not_started", D(2026, 3, 31))
