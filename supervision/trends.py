"""How a therapist's scores run over the sessions that were reviewed: one point a session, a mean, and how sure that mean is.

A session counts once, however many rated it: the consensus where there is one (the latest), else the mean of the raters.
What may be said of a mean: n always; nothing of a direction under ten sessions.
"""

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from supervision.agreement import intervals
from supervision.models import Item, Rating

FEW = 10  # under so many sessions nothing is said of a direction


@dataclass(frozen=True)
class Point:
    """One session's score of one item; the mean of its raters may lie between two steps."""

    on: dt.date
    session: UUID
    therapist: int
    score: float


@dataclass(frozen=True)
class Spread:
    """The mean of n sessions with its 95 % interval; None where two sessions are too few, or all are alike."""

    n: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass
class Trend:
    item: Item
    points: list[Point] = field(default_factory=list)

    @property
    def spread(self) -> Spread:
        return spread([point.score for point in self.points], least=self.item.least, most=self.item.most)

    @property
    def sentence(self) -> str:
        """Such as "Mean 2.6 of 4 (95 % interval 2.1 to 3.1), 12 sessions." Never a word of better or worse."""
        return said(self.spread, self.item)


def spread(scores: Sequence[float], *, least: float, most: float) -> Spread:
    """Mean ± t(n - 1) × s / √n over sessions, cut to the scale: Student's interval for a mean, sessions taken as independent."""
    n = len(scores)
    if not n:
        return Spread(0, None, None, None)
    mean = math.fsum(scores) / n
    if n < 2:
        return Spread(n, mean, None, None)
    variance = math.fsum((score - mean) ** 2 for score in scores) / (n - 1)
    if variance < 1e-12:
        return Spread(n, mean, None, None)  # sessions that happen to be alike do not make a mean certain
    low, high = intervals.by_variance(mean, variance / n, intervals.t(n - 1))
    return Spread(n, mean, max(low, least), min(high, most))


def said(found: Spread, item: Item) -> str:
    sessions = "1 session" if found.n == 1 else f"{found.n} sessions"
    if found.mean is None:
        return "Not scored yet."
    if found.low is None or found.high is None:
        why = "one session has no interval" if found.n == 1 else "all alike, so no interval"
        return f"Mean {found.mean:.1f} of {item.most}, {sessions} ({why})."
    return f"Mean {found.mean:.1f} of {item.most} (95\u00a0% interval {found.low:.1f} to {found.high:.1f}), {sessions}."


def of_items(ratings: Iterable[Rating], *, scales: Sequence[str] = (Item.Scale.ORDINAL,)) -> list[Trend]:
    """A trend for each item (by instrument and key, across its versions), in the order of the form; points in order of sessions.

    `ratings` come with `scores__item` and `instrument` prefetched, and are those that the reader may see and that are released.
    """
    by_session: dict[tuple[str, UUID], list[Rating]] = defaultdict(list)
    for rating in ratings:
        by_session[rating.instrument.slug, rating.session or rating.source].append(rating)
    found: dict[tuple[str, str], Trend] = {}
    for (slug, session), rated in by_session.items():
        for item, score in _scores(rated):
            if item.scale in scales:
                trend = found.setdefault((slug, item.key), Trend(item))
                if item.instrument_id > trend.item.instrument_id:
                    trend.item = item
                trend.points.append(Point(rated[0].session_on, session, rated[0].therapist_id, score))
    for trend in found.values():
        trend.points.sort(key=lambda point: (point.on, point.session))
    return sorted(found.values(), key=lambda trend: (trend.item.instrument_id, trend.item.position, trend.item.key))


def _scores(rated: Sequence[Rating]) -> list[tuple[Item, float]]:
    """One session's score of each item that was scored: the latest consensus, or the mean of those who scored it."""
    agreed = [rating for rating in rated if rating.kind == Rating.Kind.CONSENSUS]
    counted = [max(agreed, key=lambda rating: (rating.submitted_at, rating.pk))] if agreed else list(rated)
    scores: dict[str, list[float]] = defaultdict(list)
    items: dict[str, Item] = {}
    for rating in counted:
        for one in rating.scores.all():
            if one.score is not None:
                scores[one.item.key].append(one.score)
                items[one.item.key] = one.item
    return [(items[key], math.fsum(values) / len(values)) for key, values in scores.items()]


# The picture

WIDTH, HEIGHT, EDGE = 260, 64, 8


@dataclass(frozen=True)
class Picture:
    """Places in an SVG of WIDTH by HEIGHT: dots (x, y), the line through them, the mean and its band (None where there is none)."""

    dots: list[tuple[float, float]]
    line: str
    mean_y: float | None
    band: tuple[float, float] | None  # y of its top, and its height


def picture(trend: Trend) -> Picture:
    """Sessions from left to right, evenly; the scale from the bottom to the top."""
    most, least = trend.item.most, trend.item.least
    count = len(trend.points)

    def y(score: float) -> float:
        return round(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (score - least) / max(1, most - least), 1)

    step = (WIDTH - 2 * EDGE) / max(1, count - 1)
    dots = [(round(EDGE + step * at, 1) if count > 1 else WIDTH / 2, y(point.score)) for at, point in enumerate(trend.points)]
    found = trend.spread
    band = None if found.low is None or found.high is None else (y(found.high), round(y(found.low) - y(found.high), 1))
    return Picture(dots, " ".join(f"{left:g},{top:g}" for left, top in dots), None if found.mean is None else y(found.mean), band)
