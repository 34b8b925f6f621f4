"""How far raters agree on the sessions that two of them rated blind: the pairs, and what the statistics say of them.

Only pairs whose consensus has been released: nothing here tells anybody what is not known to those who lead the team anyway.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from recordings.models import Annotation, Comparison, Recording
from supervision.agreement import pairs as twice
from supervision.agreement import wording
from supervision.agreement.figures import Figure
from supervision.agreement.ranges import Session, boundaries_over, frames_over
from supervision.agreement.ratings import Level
from supervision.models import Instrument, Item, ItemScore, Rating, Team, User

TOLERANCE_MS = 1000
Scale = Item.Scale
AMOUNTS = (Scale.COUNT, Scale.DURATION, Scale.DECIMAL)


@dataclass(frozen=True)
class Row:
    """The figures of one item or code, by name of the statistic, percent first: they all rest on the same `n`."""

    name: str
    figures: dict[str, Figure]
    applicable: twice.Applicable | None = None

    @property
    def n(self) -> int:
        return self.figures["percent_agreement"].n_units

    @property
    def is_few(self) -> bool:
        """Too few to be called good or bad."""
        return self.n < wording.FEWEST


@dataclass(frozen=True)
class Table:
    """Items of one kind, which have the same statistics. `caption` says how to read them."""

    title: str
    caption: str
    rows: list[Row]


@dataclass(frozen=True)
class Whole:
    """ICC of the mean of some items, all with steps from `least` to `most`; `form` is one of `icc.FORMS`."""

    items: list[Item]
    least: int
    most: int
    form: str
    figure: Figure


@dataclass(frozen=True)
class Found:
    """`codes` are over all sessions: frames of 100 ms, boundaries to within a second. `whole` is empty where no mean makes sense;
    `left_out` says whether the instrument has items that are in none."""

    n_pairs: int
    n_people: int
    tables: list[Table]
    whole: list[Whole]
    left_out: bool
    codes: list[Row]

    @property
    def has_few(self) -> bool:
        return any(row.is_few for row in [*self.codes, *(row for table in self.tables for row in table.rows)])

    @property
    def doubtful(self) -> list[Row]:
        """The items that one of two raters called not applicable."""
        return [row for table in self.tables for row in table.rows if row.applicable]


def pairs(user: User, *, instrument: Instrument, teams: Iterable[Team], since: dt.date, until: dt.date) -> list[Comparison]:
    """Released comparisons of blind pairs, by the day of the session, both days included; none that the viewer is still rating."""
    rows = Comparison.objects.filter(
        released_at__isnull=False,
        first__instrument=instrument,
        first__is_blind=True,
        second__is_blind=True,
        first__recording__team__in=[team.pk for team in teams],
        first__recording__session_on__range=(since, until),
    ).exclude(first__recording__in=Recording.objects.being_rated_by(user))
    return list(rows.select_related("first__recording", "second").order_by("first__recording__session_on", "pk"))


def figures(instrument: Instrument, found: Iterable[Comparison]) -> Found:
    """All figures for these pairs. Neither their order nor which of two reviews is called the first changes any of them."""
    comparisons = sorted(found, key=lambda one: one.pk)
    given = _given(comparisons)
    rated = [
        twice.Pair((one.first.rater_id, one.second.rater_id), (given.get(one.first_id, {}), given.get(one.second_id, {})))
        for one in comparisons
    ]
    items = list(Item.objects.filter(instrument=instrument).order_by("position", "pk"))
    whole = [
        Whole(same, least, most, twice.icc_form(rated), twice.of_mean(rated, [item.key for item in same]))
        for (least, most), same in alike(items, (Scale.ORDINAL,)).items()
        if len(same) > 1
    ]
    return Found(
        len(rated),
        len(twice.people(rated)),
        _tables(items, rated),
        whole,
        sum(len(one.items) for one in whole) < len(items),
        _of_codes(comparisons, rated),
    )


def alike(items: Iterable[Item], scales: Sequence[str]) -> dict[tuple[int, int], list[Item]]:
    """Items whose scores can be averaged, by their range: the same steps, lowest to highest."""
    found: dict[tuple[int, int], list[Item]] = {}
    for item in items:
        if item.scale in scales:
            found.setdefault((item.least, item.most), []).append(item)
    return found


def _given(comparisons: list[Comparison]) -> dict[uuid.UUID, dict[str, float | None]]:
    """What each review gave, by item; None is "not applicable"."""
    given: dict[uuid.UUID, dict[str, float | None]] = {}
    sources = [source for one in comparisons for source in (one.first_id, one.second_id)]
    rows = ItemScore.objects.filter(rating__source__in=sources, rating__kind=Rating.Kind.RATER, rating__is_blind=True)
    for source, key, score in rows.values_list("rating__source", "item__key", "score"):
        given.setdefault(source, {})[key] = score
    return given


def _tables(items: list[Item], rated: list[twice.Pair]) -> list[Table]:
    def of_steps(item: Item) -> dict[str, Figure]:
        level = Level.ORDINAL if item.scale == Scale.ORDINAL else Level.NOMINAL
        return twice.of_item(rated, item.key, level, scale=range(item.least, item.most + 1))

    def of_amount(item: Item) -> dict[str, Figure]:
        return twice.of_amount(rated, item.key)

    kinds = [
        ("Items with steps", "κ weighs a difference by its square, AC2 by its steps", (Scale.ORDINAL,), of_steps),
        ("Yes or no", "Where one answer is rare, read AC1 beside κ", (Scale.YES_NO,), of_steps),
        ("Counts and seconds", "Percent is how often the two gave exactly the same figure", AMOUNTS, of_amount),
    ]
    tables = [
        Table(title, caption, [Row(item.name, work_out(item), twice.applicable(rated, item.key)) for item in items if item.scale in scales])
        for title, caption, scales, work_out in kinds
    ]
    return [table for table in tables if table.rows]


def _of_codes(comparisons: list[Comparison], rated: list[twice.Pair]) -> list[Row]:
    """One code after the other, by name. Where the same two people rated everything, each of them stays on one side."""
    marked: dict[uuid.UUID, list[tuple[float, float, str]]] = {}
    names: dict[str, str] = {}
    reviews = [review for one in comparisons for review in (one.first_id, one.second_id)]
    for mark in Annotation.objects.kept().filter(review__in=reviews).select_related("code").order_by("start_ms", "pk"):
        marked.setdefault(mark.review_id, []).append((mark.start_ms, mark.end_ms, mark.code.slug))
        names[mark.code.slug] = mark.code.name
    sessions = []
    for one in comparisons:
        first, second = sorted((one.first, one.second), key=lambda review: review.rater_id)
        sessions.append(Session(marked.get(first.pk, []), marked.get(second.pk, []), one.first.recording.duration_ms))
    same_two, n_people = twice.are_two(rated), len(twice.people(rated))
    rows = []
    for slug, name in sorted(names.items(), key=lambda pair: (pair[1], pair[0])):
        frames = frames_over(sessions, code=slug, are_same_two=same_two)
        found = {
            "percent_agreement": frames.percent,
            twice.kappa_name(rated, Level.NOMINAL): frames.kappa,
            "gwet_ac1": frames.ac1,
            "boundary_f1": boundaries_over(sessions, tolerance_ms=TOLERANCE_MS, code=slug),
        }
        rows.append(Row(name, {statistic: replace(figure, n_raters=n_people) for statistic, figure in found.items()}))
    return rows
