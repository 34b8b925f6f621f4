"""Who is in date for what, and why. Pure: no Django, no clock, no database.

A cell is a function of the rule, the person's assignments, the facts, the day asked about (`on`) and the moment of knowledge
(`known_at`): a fact recorded later than that has no effect. The rules of reckoning, each also given as a reason in the cell:

- Every date is a local date; a due date and a "valid until" are the last good day, inclusive.
- Days under a waiver do not count towards a deadline. A waiver excuses a quarter when it covers the quarter's last day, and a week
  when it touches it.
- A quarter is owed by those who had more than 14 days of it in the role, not waived, and were in the role on its last day. So who
  joins in its last 14 days begins with the next.
- A week runs from Monday to Sunday and is owed by those who were in the role for all of it.
- A missed quarter or week shows as overdue until something is done in the present one; it is never made up backwards.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from supervision.cells import TONES, WORDS, Assignment, Cell, Fact, Rule, Status, Step, What
from supervision.periods import FOREVER, Period, add_months, last_valid_day, merged, quarter, say, say_near, say_quarter, week

__all__ = ["Assignment", "Cell", "Fact", "Rule", "Status", "Step", "What", "add_months", "assess"]

ONE_DAY = dt.timedelta(days=1)
FEW_DAYS = 14


@dataclass
class _Case:
    """What the three cadences have in common while a cell is worked out."""

    rule: Rule
    on: dt.date
    stretches: list[Period]
    stretch: Period
    done: list[Fact]
    started: list[Fact]
    waivers: list[Fact]
    reasons: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def waived(self) -> list[Period]:
        return merged(Period(fact.occurred_on, fact.valid_until or FOREVER) for fact in self.waivers)

    def waiver_on(self, day: dt.date) -> Period | None:
        return next((period for period in self.waived() if day in period), None)

    def first_in(self, period: Period) -> Fact | None:
        return next((fact for fact in self.done if fact.occurred_on in period), None)

    def cell(self, status: Status, *, date: dt.date | None, label: str, change: str = "") -> Cell:
        steps = sorted([*self.steps, Step(self.on, "The day asked about")], key=lambda step: step.on)
        evidence = sorted([*self.done, *self.started, *self.waivers], key=lambda fact: (fact.occurred_on, fact.recorded_at), reverse=True)
        return Cell(
            status=status,
            word=WORDS[status],
            tone=TONES[status],
            date=date,
            date_label=label,
            reasons=tuple(self.reasons),
            evidence=tuple(evidence),
            steps=tuple(steps),
            change=change,
        )

    def waived_cell(self, period: Period) -> Cell:
        ends = None if period.end == FOREVER else period.end
        why = [fact.note for fact in self.waivers if fact.note and Period(fact.occurred_on, fact.valid_until or FOREVER).overlap(period)]
        self.reasons.append(f"Waived until {say(ends)}, inclusive." if ends else "Waived, with no end date.")
        self.reasons += [f"Reason given: {note.rstrip('.')}." for note in why]
        self.steps.append(Step(period.start, "Waived from this day"))
        if ends:
            self.steps.append(Step(ends, "Last day of the waiver"))
        return self.cell(
            Status.WAIVED,
            date=ends,
            label=f"Until {say_near(ends, self.on)}" if ends else "No end date",
            change="It counts again from the day after the waiver ends, or at once if the waiver is withdrawn.",
        )

    def waiting_cell(self, due: dt.date) -> Cell:
        """Not yet done and not yet late."""
        label = f"Due {say_near(due, self.on)}"
        change = f"{self.rule.doing} by {say(due)} makes this in date."
        if (due - self.on).days <= self.rule.warn_days:
            left = (due - self.on).days
            self.reasons.append("It is the last day." if left == 0 else f"{left} day{'' if left == 1 else 's'} left.")
            status = Status.DUE_SOON
        else:
            status = Status.IN_PROGRESS if self.started else Status.NOT_STARTED
        if self.started:
            self.reasons.append(f"{self.started[-1].label}.")
        return self.cell(status, date=due, label=label, change=change)


def assess(
    rule: Rule, assignments: Iterable[Assignment], facts: Iterable[Fact], *, on: dt.date, known_at: dt.datetime | None = None
) -> Cell:
    """The state of one rule for one person on a day, as it was known at a moment (None: as it is known now)."""
    held = [
        one
        for one in assignments
        if one.role in rule.roles and (known_at is None or one.recorded_at is None or one.recorded_at <= known_at)
    ]
    stretches = merged(Period(one.starts_on, one.ends_on or FOREVER) for one in held)
    stretch = next((period for period in stretches if on in period), None)
    if stretch is None:
        reason = f"It applies to {rule.applies_to}, which this person was not on {say(on)}."
        return Cell(Status.NOT_REQUIRED, WORDS[Status.NOT_REQUIRED], TONES[Status.NOT_REQUIRED], None, "", (reason,))
    known, withdrawn = _known(facts, on=on, known_at=known_at)
    case = _Case(
        rule=rule,
        on=on,
        stretches=stretches,
        stretch=stretch,
        done=[fact for fact in known if fact.kind == What.DONE],
        started=[fact for fact in known if fact.kind == What.STARTED],
        waivers=[fact for fact in known if fact.kind == What.WAIVER],
    )
    cell = _CADENCES[rule.cadence](case)
    if withdrawn:
        cell = replace(cell, reasons=(*cell.reasons, f"{withdrawn} entr{'y' if withdrawn == 1 else 'ies'} withdrawn and not counted."))
    return cell


def _known(facts: Iterable[Fact], *, on: dt.date, known_at: dt.datetime | None) -> tuple[list[Fact], int]:
    """Facts that had happened by `on`, were recorded by `known_at`, and had not been withdrawn by then; in a fixed order."""
    recorded = [fact for fact in facts if known_at is None or fact.recorded_at <= known_at]
    taken_back = {fact.withdraws for fact in recorded if fact.kind == What.WITHDRAWN and fact.withdraws}
    happened = [fact for fact in recorded if fact.kind != What.WITHDRAWN and fact.occurred_on <= on]
    kept = [fact for fact in happened if not fact.ref or fact.ref not in taken_back]
    kept.sort(key=lambda fact: (fact.occurred_on, fact.recorded_at, fact.ref, fact.label))
    return kept, len(happened) - len(kept)


# --- Once -------------------------------------------------------------------------------------------------------


def _once(case: _Case) -> Cell:
    rule, on = case.rule, case.on
    begins = max(case.stretch.start, rule.since)
    case.steps.append(Step(begins, "Joined in a role it applies to" if begins == case.stretch.start else "The rule began"))
    best = max(case.done, key=lambda fact: (_until(fact, rule), -fact.occurred_on.toordinal()), default=None)
    until = _until(best, rule) if best else None
    due = _due(case, begins)
    # What has run out never makes anybody late sooner than having nothing would.
    deadline = max(due, until) if until else due
    if best and until:
        case.reasons.append(f"{best.label} on {say(best.occurred_on)}.")
        case.steps.append(Step(best.occurred_on, best.label))
        if until != FOREVER:
            how_long = f"{rule.valid_months} calendar months" if best.valid_until is None else "As its certificate says"
            case.reasons.append(f"{how_long}: valid until {say(until)}, inclusive.")
            case.steps.append(Step(until, "Last valid day"))
    if best and until and on <= until and (deadline - on).days > rule.warn_days:
        lasting = until == FOREVER
        label = f"Done {say_near(best.occurred_on, on)}" if lasting else f"Until {say_near(until, on)}"
        change = "It does not expire." if lasting else f"{rule.doing} again by {say(deadline)} keeps it in date."
        return case.cell(Status.VALID, date=best.occurred_on if lasting else until, label=label, change=change)
    if waiver := case.waiver_on(on):
        return case.waived_cell(waiver)
    if until and on <= until:
        case.reasons.append(f"It runs out within {rule.warn_days} days.")
        change = f"{rule.doing} again by {say(deadline)} keeps it in date."
        return case.cell(Status.DUE_SOON, date=deadline, label=f"Renew by {say_near(deadline, on)}", change=change)
    if deadline == due:
        case.reasons.append(f"{rule.due_days} days from {say(begins)}: due {say(due)}, inclusive.")
        if due != begins + dt.timedelta(days=rule.due_days):
            case.reasons.append("Days under a waiver did not count.")
        case.steps.append(Step(due, "Due"))
    return _late(case, deadline) if on > deadline else case.waiting_cell(deadline)


def _until(fact: Fact, rule: Rule) -> dt.date:
    if fact.valid_until:
        return fact.valid_until
    return last_valid_day(fact.occurred_on, rule.valid_months) if rule.valid_months else FOREVER


def _due(case: _Case, begins: dt.date) -> dt.date:
    """The deadline, with every waived day between the beginning and the deadline added again."""
    due = begins + dt.timedelta(days=case.rule.due_days)
    for period in case.waived():
        stopped = period.overlap(Period(begins + ONE_DAY, FOREVER))
        if stopped is None or stopped.start > due or stopped.end == FOREVER:
            continue
        due += dt.timedelta(days=stopped.days)
    return due


def _late(case: _Case, due: dt.date) -> Cell:
    days = (case.on - due).days
    case.reasons.append(f"{days} day{'' if days == 1 else 's'} late.")
    if case.started:
        case.reasons.append(f"{case.started[-1].label}.")
    return case.cell(
        Status.OVERDUE,
        date=due,
        label=f"Was due {say_near(due, case.on)}",
        change=f"{case.rule.doing} makes this in date from that day; the delay stays on record.",
    )


# --- Every quarter ----------------------------------------------------------------------------------------------


def _each_quarter(case: _Case) -> Cell:
    rule, on = case.rule, case.on
    present = quarter(on)
    case.steps += [Step(present.start, "The quarter began"), Step(present.end, "Last day of the quarter")]
    done = case.first_in(present)
    if done:
        case.reasons.append(f"{done.label} on {say(done.occurred_on)}, within {say_quarter(present)}.")
        case.steps.append(Step(done.occurred_on, done.label))
        following = quarter(present.end + ONE_DAY)
        change = f"The next is due by {say(following.end)}."
        return case.cell(Status.VALID, date=present.end, label=f"Until {say_near(present.end, on)}", change=change)
    case.started = [fact for fact in case.started if fact.occurred_on in present]
    if waiver := case.waiver_on(on):
        return case.waived_cell(waiver)
    missed = _run_missed(case, quarter, _owes_quarter)
    if missed:
        first = missed[-1]
        case.reasons.append(
            f"None in {say_quarter(missed[0])}{f', the last of {len(missed)} quarters missed in a row' if len(missed) > 1 else ''}."
        )
        case.reasons.append(f"None yet in {say_quarter(present)}.")
        case.steps.append(Step(first.end, "Was due"))
        return case.cell(
            Status.OVERDUE,
            date=first.end,
            label=f"Was due {say_near(first.end, on)}",
            change=f"{rule.doing} by {say(present.end)} makes this in date; the missed quarter stays on record.",
        )
    case.reasons.append(f"None yet in {say_quarter(present)}.")
    if _owes_quarter(case, present):
        case.reasons.append(f"Due by the last day of the quarter, {say(present.end)}.")
        return case.waiting_cell(present.end)
    if case.stretch.end < present.end:
        case.reasons = [f"The role ends on {say(case.stretch.end)}, before the quarter does, so this quarter is not owed."]
        return case.cell(Status.NOT_REQUIRED, date=None, label="")
    following = quarter(present.end + ONE_DAY)
    case.reasons.append(
        f"In the role for no more than the last {FEW_DAYS} days of this quarter, so the first is due in the next, by {say(following.end)}."
    )
    case.steps.append(Step(following.end, "Due"))
    return case.waiting_cell(following.end)


def _owes_quarter(case: _Case, period: Period) -> bool:
    stretch = next((one for one in case.stretches if period.end in one), None)
    if stretch is None or case.waiver_on(period.end):
        return False
    counted = Period(max(stretch.start, case.rule.since), stretch.end).overlap(period) if case.rule.since <= stretch.end else None
    if counted is None:
        return False
    lost = sum(part.days for waived in case.waived() if (part := waived.overlap(counted)))
    return counted.days - lost > FEW_DAYS


# --- Every week -------------------------------------------------------------------------------------------------


def _each_week(case: _Case) -> Cell:
    rule, on = case.rule, case.on
    present = week(on)
    case.steps += [Step(present.start, "The week began"), Step(present.end, "Last day of the week")]
    tally = _tally(case)
    done = case.first_in(present)
    last = week(present.start - ONE_DAY)
    earlier = case.first_in(last)
    if done:
        case.reasons += [f"{done.label} on {say(done.occurred_on)}, this week.", *tally]
        case.steps.append(Step(done.occurred_on, done.label))
        change = f"Next week's is due by {say(present.end + dt.timedelta(days=7))}."
        return case.cell(Status.VALID, date=done.occurred_on, label=f"Attended {say_near(done.occurred_on, on)}", change=change)
    waiver = next((period for period in case.waived() if period.overlap(present)), None)
    if waiver:
        case.reasons += tally
        return case.waived_cell(waiver)
    missed = _run_missed(case, week, _owes_week)
    if missed:
        first = missed[-1]
        case.reasons.append(
            f"None in the week of {say(missed[0].start)}{f', the last of {len(missed)} weeks missed in a row' if len(missed) > 1 else ''}."
        )
        case.reasons += ["None yet this week.", *tally]
        case.steps.append(Step(first.end, "Was due"))
        return case.cell(
            Status.OVERDUE,
            date=first.end,
            label=f"Missed {'week of' if len(missed) == 1 else 'since'} {first.start.day} {first.start:%b}",
            change=f"{rule.doing} by {say(present.end)} makes this in date; the missed week stays on record.",
        )
    case.reasons.append("None yet this week, Monday to Sunday.")
    if case.stretch.end < present.end:
        case.reasons = [f"The role ends on {say(case.stretch.end)}, before the week does, so this week is not owed."]
        return case.cell(Status.NOT_REQUIRED, date=None, label="")
    if max(case.stretch.start, rule.since) > present.start:
        following = week(present.end + ONE_DAY)
        case.reasons.append(f"Joined after Monday, so the first week that counts ends on {say(following.end)}.")
        case.steps.append(Step(following.end, "Due"))
        return case.cell(
            Status.NOT_STARTED,
            date=following.end,
            label=f"Due {say_near(following.end, on)}",
            change=f"{rule.doing} by {say(following.end)} makes this in date.",
        )
    case.reasons += tally
    if earlier and (present.end - on).days > rule.warn_days:
        case.reasons.insert(0, f"{earlier.label} on {say(earlier.occurred_on)}, last week.")
        case.steps.append(Step(earlier.occurred_on, earlier.label))
        change = f"This week's is due by {say(present.end)}."
        return case.cell(Status.VALID, date=earlier.occurred_on, label=f"Next by {say_near(present.end, on)}", change=change)
    return case.waiting_cell(present.end)


def _owes_week(case: _Case, period: Period) -> bool:
    in_role = any(one.covers(period) for one in case.stretches) and case.rule.since <= period.start
    return in_role and not any(waived.overlap(period) for waived in case.waived())


def _tally(case: _Case) -> list[str]:
    """ "Attended in 3 of the last 4 full weeks", or of as many as were owed."""
    full: list[Period] = []
    monday = week(case.on).start
    full.extend(week(monday - dt.timedelta(days=7 * back)) for back in range(1, 5))
    owed = [one for one in full if _owes_week(case, one)]
    if not owed:
        return []
    attended = sum(1 for one in owed if case.first_in(one))
    which = "last 4 full weeks" if len(owed) == 4 else f"{len(owed)} full week{'' if len(owed) == 1 else 's'} owed of the last 4"
    return [f"Attended in {attended} of the {which}."]


def _run_missed(case: _Case, period_of: Callable[[dt.date], Period], owes: Callable[[_Case, Period], bool]) -> list[Period]:
    """The periods before the present one that were owed and missed without a gap, latest first; empty if the last was not."""
    missed: list[Period] = []
    period = period_of(period_of(case.on).start - ONE_DAY)
    while owes(case, period) and not case.first_in(period):
        missed.append(period)
        period = period_of(period.start - ONE_DAY)
    return missed


_CADENCES: dict[str, Callable[[_Case], Cell]] = {"once": _once, "quarter": _each_quarter, "week": _each_week}
