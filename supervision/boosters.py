"""Which topics a team's released reviews bring into its next booster: worked out on read, decided by people.

An item is proposed where its mean over the sessions of this quarter and the last lies below the middle of its scale. One point
a session, as in `trends.py`. Nobody is singled out: it takes three sessions of two therapists, and a session below the middle
from each of two. No name and no score of one person goes into a proposal.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from wagtail.log_actions import log

from supervision import trends
from supervision.models import BoosterTopic, Item, Rating, Team, User
from supervision.periods import Period, add_months, quarter

LEAST_SESSIONS, LEAST_THERAPISTS = 3, 2
Decision = BoosterTopic.Decision


class TopicRefused(Exception):
    """The topic cannot be decided on; the text says why."""


@dataclass
class Proposal:
    """An item with its evidence, and what was decided about it for the coming quarter."""

    item: Item
    threshold: float
    therapists: int
    found: trends.Spread
    sessions: list[UUID]
    decided: BoosterTopic | None = None

    @property
    def instrument_slug(self) -> str:
        return self.item.instrument.slug

    @property
    def sentence(self) -> str:
        return f"{trends.said(self.found, self.item)[:-1]} of {self.therapists} therapists; the middle of the scale is {self.threshold:g}."

    def evidence(self) -> dict[str, Any]:
        return {
            "sessions": self.found.n,
            "therapists": self.therapists,
            "mean": self.found.mean,
            "low": self.found.low,
            "high": self.found.high,
            "threshold": self.threshold,
        }


def looked_at(on: dt.date) -> Period:
    """The days whose sessions count: this quarter so far, and the whole of the last."""
    return Period(add_months(quarter(on).start, -3), on)


def coming(on: dt.date) -> Period:
    """The quarter for which topics are chosen."""
    return quarter(quarter(on).end + dt.timedelta(days=1))


def middle(item: Item) -> float:
    """The threshold: the middle of the item's scale, such as 2 between 0 and 4. The instruments give no other, and none is a norm."""
    return (item.least + item.most) / 2


def released(team: Team, period: Period, user: User) -> list[Rating]:
    """The team's released ratings of the sessions of those days; for a rater none of a session that they are still rating."""
    rows = Rating.objects.visible_to(user).released().filter(team=team, session_on__gte=period.start, session_on__lte=period.end)
    return list(rows.select_related("instrument").prefetch_related("scores__item__instrument").order_by("session_on", "pk"))


def proposals(team: Team, *, on: dt.date, user: User) -> list[Proposal]:
    """As this person, who leads the team, may see them; the lowest first. Those decided for the coming quarter stay, with their decision."""
    found = below_middle(released(team, looked_at(on), user))
    rows = BoosterTopic.objects.filter(team=team, quarter_starts_on=coming(on).start).select_related("decided_by")
    decided = {(row.instrument_slug, row.item_key): row for row in rows}
    for one in found:
        one.decided = decided.get((one.instrument_slug, one.item.key))
    return found


def below_middle(ratings: Iterable[Rating]) -> list[Proposal]:
    found = []
    for trend in trends.of_items(ratings, scales=(Item.Scale.ORDINAL, Item.Scale.YES_NO)):
        threshold, spread = middle(trend.item), trend.spread
        therapists = {point.therapist for point in trend.points}
        low = {point.therapist for point in trend.points if point.score < threshold}
        if spread.n < LEAST_SESSIONS or len(therapists) < LEAST_THERAPISTS or len(low) < LEAST_THERAPISTS:
            continue
        if spread.mean is not None and spread.mean < threshold:
            found.append(Proposal(trend.item, threshold, len(therapists), spread, [point.session for point in trend.points]))
    return sorted(found, key=lambda one: ((one.found.mean or 0) - one.threshold, one.item.position))


@transaction.atomic
def decide(*, team: Team, instrument_slug: str, item_key: str, decision: str, note: str = "", by: User, now: dt.datetime) -> BoosterTopic:
    """Chooses or leaves a proposed topic for the coming quarter, with its figures as they stand; deciding again replaces it. Raises TopicRefused."""
    if decision not in Decision.values:
        raise TopicRefused("Choose the topic, or leave it for now.")
    on = timezone.localdate(now)
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    proposed = next(
        (one for one in proposals(team, on=on, user=by) if (one.instrument_slug, one.item.key) == (instrument_slug, item_key)), None
    )
    if proposed is None:
        raise TopicRefused("This topic is not proposed any more: newer reviews have changed the figures. Look at the list as it is now.")
    row, _ = BoosterTopic.objects.update_or_create(
        team=team,
        instrument_slug=instrument_slug,
        item_key=item_key,
        quarter_starts_on=coming(on).start,
        defaults={
            "item_name": proposed.item.name,
            "decision": decision,
            "note": " ".join(note.split()),
            "evidence": proposed.evidence(),
            "decided_at": now,
            "decided_by": by,
        },
    )
    log(instance=row, action="supervision.booster_topic", user=by, data={"decision": decision, "item": item_key})
    return row


def waiting(team: Team, *, on: dt.date, user: User) -> list[Proposal]:
    """Proposals that nobody has decided on yet."""
    return [one for one in proposals(team, on=on, user=user) if one.decided is None]
