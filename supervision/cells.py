"""The vocabulary of compliance: what is asked (rules, assignments), what is known (facts) and what is shown (cells). Pure."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from supervision.periods import FOREVER


class Status(StrEnum):
    NOT_REQUIRED = "not_required"
    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    VALID = "valid"
    WAIVED = "waived"


WORDS = {
    Status.NOT_REQUIRED: "Not required",
    Status.NOT_STARTED: "Not started",
    Status.IN_PROGRESS: "In progress",
    Status.DUE_SOON: "Due soon",
    Status.OVERDUE: "Overdue",
    Status.VALID: "In date",
    Status.WAIVED: "Waived",
}
TONES = {
    Status.NOT_REQUIRED: "none",
    Status.NOT_STARTED: "none",
    Status.IN_PROGRESS: "progress",
    Status.DUE_SOON: "due",
    Status.OVERDUE: "overdue",
    Status.VALID: "done",
    Status.WAIVED: "waived",
}
URGENCY = [Status.OVERDUE, Status.DUE_SOON, Status.NOT_STARTED, Status.IN_PROGRESS, Status.WAIVED, Status.VALID, Status.NOT_REQUIRED]


class What(StrEnum):
    DONE = "done"
    STARTED = "started"
    WAIVER = "waiver"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Rule:
    """One version of a requirement. `since` is the first day on which any version of it was in force."""

    key: str
    name: str
    sentence: str
    cadence: str
    roles: frozenset[str]
    applies_to: str
    due_days: int = 0
    warn_days: int = 14
    valid_months: int = 0
    since: dt.date = dt.date.min
    doing: str = "Doing it"


@dataclass(frozen=True)
class Assignment:
    """A role held from one day to another, both included; `recorded_at` is when that became known."""

    role: str
    starts_on: dt.date
    ends_on: dt.date | None = None
    recorded_at: dt.datetime | None = None


@dataclass(frozen=True)
class Fact:
    """Something that happened on a day and was recorded at a time. `ref` names it; a withdrawal names what it takes back."""

    kind: What
    occurred_on: dt.date
    recorded_at: dt.datetime
    label: str
    valid_until: dt.date | None = None
    ref: str = ""
    withdraws: str = ""
    note: str = ""


@dataclass(frozen=True)
class Step:
    """A date in the arithmetic of a cell."""

    on: dt.date
    label: str


@dataclass(frozen=True)
class Cell:
    status: Status
    word: str
    tone: str
    date: dt.date | None
    date_label: str
    reasons: tuple[str, ...]
    evidence: tuple[Fact, ...] = ()
    steps: tuple[Step, ...] = ()
    change: str = ""
    action: tuple[str, str] | None = None

    @property
    def needs_action(self) -> bool:
        return self.status in (Status.OVERDUE, Status.DUE_SOON)

    @property
    def urgency(self) -> tuple[int, dt.date]:
        return URGENCY.index(self.status), self.date or FOREVER
