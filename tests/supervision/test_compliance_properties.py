"""What must hold whatever the dates: order, monotony, ignorance of later knowledge, reasons, idempotence."""

import datetime as dt

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from supervision.compliance import Assignment, Fact, Status, What
from tests.supervision.engine import D, at, cell, make_rule

days = st.dates(min_value=D(2023, 1, 1), max_value=D(2027, 12, 31))
instants = days.map(at)
spans = st.integers(0, 200).map(lambda length: dt.timedelta(days=length))


@st.composite
def rules(draw):
    return make_rule(
        draw(st.sampled_from(["once", "quarter", "week"])),
        roles=frozenset({"therapist", "supervisor"}),
        due_days=draw(st.integers(0, 120)),
        warn_days=draw(st.integers(0, 40)),
        valid_months=draw(st.sampled_from([0, 0, 1, 6, 12])),
        since=draw(st.sampled_from([D(2020, 1, 1), D(2025, 5, 5)])),
    )


@st.composite
def assignments(draw):
    start = draw(days)
    return Assignment(
        draw(st.sampled_from(["therapist", "supervisor", "consultant"])),
        start,
        draw(st.none() | spans.map(lambda span: start + span)),
        draw(st.none() | instants),
    )


@st.composite
def facts(draw, kinds=(What.DONE, What.STARTED, What.WAIVER, What.WITHDRAWN)):
    kind = draw(st.sampled_from(list(kinds)))
    day = draw(days)
    refs = st.sampled_from(["a", "b", "c", "d"])
    until = draw(st.none() | spans.map(lambda span: day + span)) if kind in (What.WAIVER, What.DONE) else None
    return Fact(
        kind,
        day,
        draw(instants),
        "It",
        valid_until=until,
        ref="" if kind == What.WITHDRAWN else draw(refs),
        withdraws=draw(refs) if kind == What.WITHDRAWN else "",
    )


cases = st.tuples(rules(), st.lists(assignments(), max_size=4), st.lists(facts(), max_size=8), days)


@given(cases, st.randoms(use_true_random=False))
def test_the_order_in_which_things_arrive_does_not_matter(case, random):
    rule, held, known, on = case
    shuffled_facts, shuffled_held = random.sample(known, len(known)), random.sample(held, len(held))
    assert cell(rule, held, known, on=on) == cell(rule, shuffled_held, shuffled_facts, on=on)


@given(cases, facts(kinds=[What.DONE]))
@settings(max_examples=300)
def test_more_evidence_never_makes_it_worse(case, more):
    rule, held, known, on = case
    more = Fact(more.kind, more.occurred_on, more.recorded_at, more.label, more.valid_until, ref="new")
    before, after = cell(rule, held, known, on=on), cell(rule, held, [*known, more], on=on)
    assert badness(after) <= badness(before)
    if before.status == Status.VALID and before.date and rule.cadence != "week" and "Until" in before.date_label:
        assert after.status == Status.VALID
        assert "Until" not in after.date_label or after.date >= before.date


@given(cases, facts(kinds=[What.WAIVER]))
@settings(max_examples=300)
def test_a_waiver_never_makes_anybody_overdue(case, more):
    rule, held, known, on = case
    more = Fact(more.kind, more.occurred_on, more.recorded_at, more.label, more.valid_until, ref="new")
    before, after = cell(rule, held, known, on=on), cell(rule, held, [*known, more], on=on)
    assume(before.status != Status.OVERDUE)
    assert after.status != Status.OVERDUE


@given(cases, facts(), instants)
def test_what_was_recorded_later_has_no_effect(case, late, known_at):
    rule, held, known, on = case
    late = Fact(late.kind, late.occurred_on, known_at + dt.timedelta(seconds=1), late.label, late.valid_until, late.ref, late.withdraws)
    assert cell(rule, held, known, on=on, known_at=known_at) == cell(rule, held, [*known, late], on=on, known_at=known_at)


@given(cases, facts())
def test_what_happens_later_has_no_effect(case, late):
    rule, held, known, on = case
    assume(late.kind != What.WITHDRAWN)
    late = Fact(late.kind, on + dt.timedelta(days=1), late.recorded_at, late.label, None, ref="new")
    assert cell(rule, held, known, on=on) == cell(rule, held, [*known, late], on=on)


@given(cases)
def test_every_cell_gives_a_reason_and_comes_out_the_same_again(case):
    rule, held, known, on = case
    found = cell(rule, held, known, on=on)
    assert found.reasons
    assert all(reason.strip().endswith(".") for reason in found.reasons)
    assert found.word
    assert found == cell(rule, held, known, on=on)
    if found.status in (Status.OVERDUE,):
        assert found.date < on
    if found.status == Status.DUE_SOON:
        assert found.date >= on


ORDER = [
    {Status.VALID, Status.NOT_REQUIRED},
    {Status.WAIVED},
    {Status.IN_PROGRESS},
    {Status.NOT_STARTED},
    {Status.DUE_SOON},
    {Status.OVERDUE},
]


def badness(found):
    return next(rank for rank, statuses in enumerate(ORDER) if found.status in statuses)
