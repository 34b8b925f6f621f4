"""Ratings: written once, when a rater submits; released once; never changed."""

import datetime as dt
from uuid import UUID

from django.db import IntegrityError, transaction
from wagtail.log_actions import log

from supervision.models import Instrument, ItemScore, Rating, Team, User


class RatingRefused(Exception):
    """The rating does not fit its instrument, or has been made already; the text says why."""


@transaction.atomic
def record(
    *,
    instrument: Instrument,
    therapist: User,
    rater: User,
    team: Team,
    source: UUID,
    session_on: dt.date,
    share_heard: float,
    scores: dict[str, int | None],
    by: User | None,
    now: dt.datetime,
    session: UUID | None = None,
    kind: str = Rating.Kind.RATER,
    is_blind: bool = True,
) -> Rating:
    """Keep a submitted rating. `scores` has every item of the instrument by its key; None means "not applicable".

    `source` is the review (self-rating, comparison) that it came from; a second rating from the same one is refused. `session`
    is the recording's id, by which ratings of one session are known. Raises RatingRefused.
    """
    if (therapist.pk == rater.pk) != (kind == Rating.Kind.SELF):
        raise RatingRefused("Nobody rates a session of their own.")
    items = {item.key: item for item in instrument.items.order_by("position", "pk")}
    missing = [item.name for key, item in items.items() if key not in scores]
    if missing:
        raise RatingRefused(f"Not rated yet: {', '.join(missing)}.")
    unknown = sorted(set(scores) - set(items))
    if unknown:
        raise RatingRefused(f"{instrument} has no item called {', '.join(unknown)}.")
    for key, score in scores.items():
        if score is None and not items[key].allows_na:
            raise RatingRefused(f"{items[key].name} is always rated: it cannot be not applicable.")
        if score is not None and not items[key].least <= score <= items[key].most:
            raise RatingRefused(f"{items[key].name} is rated from {items[key].least} to {items[key].most}.")
    try:
        with transaction.atomic():
            rating = Rating.objects.create(
                instrument=instrument,
                therapist=therapist,
                rater=rater,
                team=team,
                source=source,
                session_on=session_on,
                share_heard=min(max(share_heard, 0.0), 1.0),
                submitted_at=now,
                session=session,
                kind=kind,
                is_blind=is_blind,
            )
    except IntegrityError:
        raise RatingRefused("This review has been submitted already.") from None
    ItemScore.objects.bulk_create(ItemScore(rating=rating, item=items[key], score=score) for key, score in scores.items())
    log(instance=rating, action="supervision.rating_recorded", user=by, data={"source": str(source)})
    return rating


@transaction.atomic
def release(*, source: UUID, by: User | None, now: dt.datetime) -> Rating:
    """Let the therapist and those who lead the team see the rating. Doing it again changes nothing. Raises RatingRefused."""
    if not Rating.objects.filter(source=source).exists():
        raise RatingRefused("There is no submitted rating to release.")
    released = Rating.objects.filter(source=source, released_at__isnull=True).update(released_at=now)
    rating = Rating.objects.get(source=source)
    if released:
        log(instance=rating, action="supervision.rating_released", user=by, data={"source": str(source)})
    return rating
