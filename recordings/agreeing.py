"""How far raters agree on the sessions that two of them rated blind: the pairs, and what the statistics say of them.

Only pairs whose consensus has been released: nothing here tells anybody what is not known to those who lead the team anyway.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from recordings.models import Annotation, Comparison, Recording
from supervision.agreement.cohen import cohen_kappa
from supervision.agreement.figures import Figure, inapplicable
from supervision.agreement.gwet import gwet_ac2
from supervision.agreement.icc import icc
from supervision.agreement.krippendorff import krippendorff_alpha
from supervision.agreement.percent import percent_agreement
from supervision.agreement.ranges import boundary_f1, frame_agreement
from supervision.agreement.ratings import Level, Ratings
from supervision.models import Instrument, Item, ItemScore, Rating, Team, User

TOLERANCE_MS = 1000
SHARED = "Figures of time ranges need one session at least that both annotated."


@dataclass(frozen=True)
class ItemAgreement:
    """Figures of one item over the pairs of one instrument. κ and AC2 have quadratic weights where the scale is ordered."""

    item: Item
    percent: Figure
    kappa: Figure
    gwet: Figure
    alpha: Figure


@dataclass(frozen=True)
class CodeAgreement:
    """Figures of one code, over all sessions laid end to end: frames of 100 ms, boundaries to within a second."""

    name: str
    percent: Figure
    kappa: Figure
    ac1: Figure
    f1: Figure


@dataclass(frozen=True)
class Found:
    n_pairs: int
    items: list[ItemAgreement]
    total: Figure
    codes: list[CodeAgreement]


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


def figures(instrument: Instrument, found: list[Comparison]) -> Found:
    """All figures for these pairs."""
    sources = [source for one in found for source in (one.first_id, one.second_id)]
    scores: dict[uuid.UUID, dict[str, int | None]] = {}
    rows = ItemScore.objects.filter(rating__source__in=sources, rating__kind=Rating.Kind.RATER, rating__is_blind=True)
    for source, key, score in rows.values_list("rating__source", "item__key", "score"):
        scores.setdefault(source, {})[key] = score
    items = list(Item.objects.filter(instrument=instrument).order_by("position", "pk"))
    by_item = [_of_item(item, [(_of(scores, one.first_id, item), _of(scores, one.second_id, item)) for one in found]) for item in items]
    return Found(len(found), by_item, _total(scores, found), _of_codes(found))


def _of(scores: dict[uuid.UUID, dict[str, int | None]], source: uuid.UUID, item: Item) -> int | None:
    return scores.get(source, {}).get(item.key)


def _of_item(item: Item, rows: list[tuple[int | None, int | None]]) -> ItemAgreement:
    level = {Item.Scale.ORDINAL: Level.ORDINAL, Item.Scale.YES_NO: Level.NOMINAL}.get(Item.Scale(item.scale), Level.INTERVAL)
    scale = range(item.least, item.most + 1) if item.scale in (Item.Scale.ORDINAL, Item.Scale.YES_NO) else None
    table = Ratings.of(rows, level, scale=scale)
    weighted = "none" if level == Level.NOMINAL else "quadratic"
    return ItemAgreement(
        item,
        _tried(percent_agreement, table),
        _tried(lambda ratings: cohen_kappa(ratings, weighted), table),
        _tried(gwet_ac2, table),
        _tried(krippendorff_alpha, table),
    )


def _tried(statistic: Callable[[Ratings], Figure], table: Ratings) -> Figure:
    if not table.n_units:
        return inapplicable("Nothing has been rated twice yet.", n_units=0, n_raters=0)
    return statistic(table)


def _total(scores: dict[uuid.UUID, dict[str, int | None]], found: list[Comparison]) -> Figure:
    """ICC(2,1) of the mean of the items that both raters scored."""
    rows = []
    for one in found:
        first, second = scores.get(one.first_id, {}), scores.get(one.second_id, {})
        both = [(first[key], second[key]) for key in first if first[key] is not None and second.get(key) is not None]
        if both:
            rows.append([sum(float(pair[side] or 0) for pair in both) / len(both) for side in (0, 1)])
    if not rows:
        return inapplicable("Nothing has been rated twice yet.", n_units=0, n_raters=0)
    return icc(Ratings.of(rows, Level.INTERVAL))["2,1"]


def _of_codes(found: list[Comparison]) -> list[CodeAgreement]:
    """Sessions laid end to end, with a gap that no boundary reaches across."""
    ranges: tuple[list[tuple[float, float, str]], list[tuple[float, float, str]]] = ([], [])
    names: dict[str, str] = {}
    offset = 0.0
    for one in found:
        for side, review in enumerate((one.first_id, one.second_id)):
            for mark in Annotation.objects.kept().filter(review=review).select_related("code").order_by("start_ms", "pk"):
                ranges[side].append((offset + mark.start_ms, offset + mark.end_ms, mark.code.slug))
                names[mark.code.slug] = mark.code.name
        offset += one.first.recording.duration_ms + 2 * TOLERANCE_MS
    results = []
    for slug, name in sorted(names.items(), key=lambda pair: pair[1]):
        frames = frame_agreement(*ranges, code=slug, duration_ms=offset)
        f1 = boundary_f1(*ranges, tolerance_ms=TOLERANCE_MS, duration_ms=offset, code=slug)
        results.append(CodeAgreement(name, frames.percent, frames.kappa, frames.ac1, f1))
    return results
