"""Small makers for the pure engine; no database."""

import datetime as dt

from supervision.compliance import Assignment, Fact, Rule, What, assess

D = dt.date
THERAPIST = "therapist"


def make_rule(cadence="once", **fields):
    fields.setdefault("key", "rule")
    fields.setdefault("name", "Rule")
    fields.setdefault("sentence", "Everybody does this.")
    fields.setdefault("roles", frozenset({THERAPIST}))
    fields.setdefault("applies_to", "therapists")
    fields.setdefault("due_days", 30)
    fields.setdefault("warn_days", 14 if cadence == "once" else 28 if cadence == "quarter" else 3)
    return Rule(cadence=cadence, **fields)


def held(start, end=None, role=THERAPIST, recorded_at=None):
    return Assignment(role, start, end, recorded_at)


def at(day, hour=12):
    return dt.datetime(day.year, day.month, day.day, hour, tzinfo=dt.UTC)


def done(day, *, recorded=None, until=None, ref=""):
    return Fact(What.DONE, day, at(recorded or day), "Done it", valid_until=until, ref=ref)


def started(day):
    return Fact(What.STARTED, day, at(day), "2 of 8 lessons done")


def waiver(start, end=None, *, recorded=None, ref=""):
    return Fact(What.WAIVER, start, at(recorded or start), "Waived", valid_until=end, ref=ref, note="Long leave")


def withdrawal(ref, day):
    return Fact(What.WITHDRAWN, day, at(day), "Withdrawn", withdraws=ref)


def cell(rule, assignments, facts=(), *, on, known_at=None):
    return assess(rule, assignments, facts, on=on, known_at=known_at)
