"""What a team's score reports add up to. Nothing is imputed: a family or respondent without a score has none, and is named.

Each family (or respondent) is averaged first, then these means are averaged, so that nobody counts more for answering more often;
the CAM's guidelines ask for it, and a TAM-R score is family-specific (TAM-R Guidelines for Interpretation). Targets: a mean of
0.61 or more and 80 % of families at 0.61 or more (csi-online.org programme table, 2015); the first is the threshold of the
instrument itself.
"""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from supervision.measures import reference
from supervision.models import FamilyReference, Instrument, Item, ScoreReport
from supervision.periods import add_months

SHARE_TARGET = 0.8
FEW = 10  # under so many families or respondents no word is said on whether a target is met
FEW_RESPONDENTS = 3  # under so many the person a score is about is not shown what colleagues said
FIRST_DUE_DAYS = 14  # a family that has been open for less is not expected to have a score


@dataclass(frozen=True)
class Of:
    """One family's or respondent's scores of one item over the time that was asked for."""

    name: str
    family: FamilyReference | None
    scores: tuple[tuple[dt.date, float], ...]

    @property
    def mean(self) -> float:
        return math.fsum(value for _, value in self.scores) / len(self.scores)

    @property
    def last(self) -> tuple[dt.date, float]:
        return self.scores[-1]


@dataclass
class Summary:
    """One item of a measure: each family or respondent, then all of them."""

    item: Item
    each: list[Of]
    target: float | None = None

    @property
    def n(self) -> int:
        return len(self.each)

    @property
    def mean(self) -> float | None:
        """None where nobody has a score."""
        return math.fsum(one.mean for one in self.each) / self.n if self.each else None

    @property
    def at_target(self) -> int:
        return sum(self.target is not None and one.mean >= self.target - 1e-9 for one in self.each)

    @property
    def share_at_target(self) -> float | None:
        return self.at_target / self.n if self.each and self.target is not None else None

    @property
    def is_few(self) -> bool:
        return self.n < FEW

    @property
    def meets_mean(self) -> bool | None:
        """None where there are too few to say, or no target."""
        return None if self.is_few or self.mean is None or self.target is None else self.mean >= self.target - 1e-9

    @property
    def meets_share(self) -> bool | None:
        share = self.share_at_target
        return None if self.is_few or share is None else share >= SHARE_TARGET - 1e-9


def summaries(instrument: Instrument, rows: Iterable[ScoreReport]) -> list[Summary]:
    """By item, in order. `rows` are those that count: kept, with their family at hand."""
    rows = sorted(rows, key=lambda row: (row.occurred_on, row.recorded_at))
    return [Summary(item, _each(item.key, rows), target_of(instrument, item)) for item in instrument.items.order_by("position", "pk")]


def target_of(instrument: Instrument, item: Item) -> float | None:
    """The lowest threshold of the derived score that is this item alone."""
    for score in instrument.derived_scores.order_by("position", "pk"):
        if score.formula.strip() == item.key.replace("-", "_") and score.thresholds:
            return float(score.thresholds[0]["least"])
    return None


def _each(key: str, rows: Sequence[ScoreReport]) -> list[Of]:
    found: dict[tuple[int | None, str], list[tuple[dt.date, float]]] = {}
    families: dict[int, FamilyReference] = {}
    for row in rows:
        value = row.values.get(key)
        if value is None:
            continue
        if row.family is not None:
            families[row.family.pk] = row.family
        found.setdefault((row.family_id, "" if row.family_id else reference(row.respondent)), []).append((row.occurred_on, float(value)))
    made = [
        Of(families[family_id].reference if family_id else respondent, families.get(family_id or 0), tuple(scores))
        for (family_id, respondent), scores in found.items()
    ]
    return sorted(made, key=lambda one: one.name)


@dataclass(frozen=True)
class Month:
    """A calendar month of one item: the mean over families, each averaged first, and how many they were."""

    starts_on: dt.date
    mean: float | None
    n: int


def by_month(item: Item, rows: Iterable[ScoreReport], *, today: dt.date, months: int) -> list[Month]:
    """The last months, oldest first, the present one included. A month without a score has none."""
    rows = list(rows)
    first = today.replace(day=1)
    made = []
    for back in range(months - 1, -1, -1):
        start = add_months(first, -back)
        end = add_months(start, 1)
        summary = Summary(item, _each(item.key, [row for row in rows if start <= row.occurred_on < end]))
        made.append(Month(start, summary.mean, summary.n))
    return made


@dataclass
class Data:
    """Whether there is enough to go by this month: every family that should have a score, and those that have none."""

    due: int = 0
    missing: list[FamilyReference] = field(default_factory=list)

    @property
    def is_enough(self) -> bool:
        return not self.missing


def this_month(families: Iterable[FamilyReference], rows: Iterable[ScoreReport], *, today: dt.date) -> Data:
    """Families open for at least 14 days by today and not closed before this month, against this month's scores."""
    start = today.replace(day=1)
    scored = {row.family_id for row in rows if row.occurred_on >= start}
    due = [
        one
        for one in families
        if one.opened_on <= today - dt.timedelta(days=FIRST_DUE_DAYS) and (one.closed_on is None or one.closed_on >= start)
    ]
    return Data(len(due), sorted((one for one in due if one.pk not in scored), key=lambda one: one.reference))
