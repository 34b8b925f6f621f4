"""As it was known: late entries, withdrawals and late memberships, seen from before and after."""

from tests.supervision.engine import D, at, cell, done, held, make_rule, waiver, withdrawal

RULE = make_rule()
JOINED = [held(D(2026, 3, 1))]
ON = D(2026, 4, 15)


def test_an_entry_made_later_counts_only_from_then_on():
    late_entry = done(D(2026, 3, 20), recorded=D(2026, 5, 1))
    assert cell(RULE, JOINED, [late_entry], on=ON, known_at=at(D(2026, 4, 30))).status == "overdue"
    assert cell(RULE, JOINED, [late_entry], on=ON, known_at=at(D(2026, 5, 1))).status == "valid"
    assert cell(RULE, JOINED, [late_entry], on=ON).status == "valid"


def test_a_withdrawn_entry_stops_counting_but_not_for_what_was_known_before():
    entry, taken_back = done(D(2026, 3, 20), ref="evidence-1"), withdrawal("evidence-1", D(2026, 5, 1))
    now = cell(RULE, JOINED, [entry, taken_back], on=ON)
    assert now.status == "overdue"
    assert "1 entry withdrawn and not counted." in now.reasons
    assert cell(RULE, JOINED, [entry, taken_back], on=ON, known_at=at(D(2026, 4, 30))).status == "valid"


def test_a_withdrawn_waiver_counts_no_longer():
    facts = [waiver(D(2026, 3, 20), D(2026, 6, 30), ref="evidence-2"), withdrawal("evidence-2", D(2026, 4, 1))]
    assert cell(RULE, JOINED, facts, on=ON).status == "overdue"


def test_a_membership_entered_later_was_not_known():
    late = [held(D(2026, 3, 1), recorded_at=at(D(2026, 4, 20)))]
    assert cell(RULE, late, on=ON, known_at=at(ON)).status == "not_required"
    assert cell(RULE, late, on=ON).status == "overdue"
