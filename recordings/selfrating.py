"""What the therapist thinks of a session of their own, rated before the feedback is there and kept apart from it."""

import datetime as dt
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from wagtail.log_actions import log

from recordings import comments
from recordings.models import Recording, Review, SelfRating
from supervision import ratings
from supervision.models import Instrument, Item, Rating, User

NOT_APPLICABLE = "na"


class SelfRatingRefused(Exception):
    """It cannot be done now; str() says why, for people."""


class Stale(SelfRatingRefused):
    """It was changed in another tab since. `current` is what is stored."""

    def __init__(self, current: SelfRating) -> None:
        super().__init__("This was changed in another tab since you opened it. Both are shown: choose, then save.")
        self.current = current


class HandedIn(SelfRatingRefused):
    """It is locked."""


@transaction.atomic
def save(
    *, recording: Recording, instrument: Instrument, scores: dict[str, Any], note: str, version: int, by: User, now: dt.datetime
) -> SelfRating:
    """Keeps what has been rated so far. `scores` maps item keys to a whole number or "na"; what is left out is not rated yet.

    `version` is the one that the person saw, 0 where there was none. Raises Stale, HandedIn, SelfRatingRefused, vault.KeyGone.
    """
    _check_own(recording, by)
    _check_scores(instrument, scores)
    rows = SelfRating.objects.select_for_update(of=("self",)).select_related("note").filter(recording=recording, instrument=instrument)
    there = rows.first()
    if there is None:
        try:
            with transaction.atomic():
                sealed = comments.sealed(recording, note)
                made = SelfRating.objects.create(recording=recording, instrument=instrument, scores=scores, note=sealed, changed_at=now)
        except IntegrityError:  # the other tab was first
            raise Stale(rows.get()) from None
        log(instance=made, action="recordings.self_rating", user=by, data={"recording": str(recording.pk)})
        return made
    if there.submitted_at is not None:
        raise HandedIn("You have handed in your own rating. It is no longer changed.")
    if there.version != version:
        raise Stale(there)
    before, sealed = there.note, there.note
    if comments.opened(before) != note.strip():
        sealed = comments.sealed(recording, note)
    SelfRating.objects.filter(pk=there.pk).update(scores=scores, note=sealed, version=F("version") + 1, changed_at=now)
    if before is not None and before != sealed:
        before.delete()
    return SelfRating.objects.get(pk=there.pk)


@transaction.atomic
def submit(*, own: SelfRating, by: User, now: dt.datetime) -> SelfRating:
    """Locks it and keeps its scores as a rating that counts for nobody. Again: no change. Raises SelfRatingRefused."""
    own = (
        SelfRating.objects.select_for_update(of=("self",))
        .select_related("recording__therapist", "recording__team", "instrument")
        .get(pk=own.pk)
    )
    _check_own(own.recording, by)
    if own.submitted_at is not None:
        return own
    items = list(own.instrument.items.order_by("position", "pk"))
    missing = [item.name for item in items if item.key not in own.scores]
    if missing:
        raise SelfRatingRefused(f"Not rated yet: {', '.join(missing)}.")
    recording = own.recording
    ratings.record(
        instrument=own.instrument,
        therapist=recording.therapist,
        rater=by,
        team=recording.team,
        source=own.pk,
        session_on=recording.session_on,
        share_heard=1,  # the therapist was there
        scores={key: None if score == NOT_APPLICABLE else score for key, score in own.scores.items()},
        by=by,
        now=now,
        session=recording.pk,
        is_blind=True,
        kind=Rating.Kind.SELF,
    )
    SelfRating.objects.filter(pk=own.pk).update(submitted_at=now)
    log(instance=own, action="recordings.self_rating_submit", user=by, data={"recording": str(recording.pk)})
    return SelfRating.objects.get(pk=own.pk)


def release(*, recording: Recording, by: User, now: dt.datetime) -> None:
    """With the feedback: those who lead the team see it beside the others' ratings. For a transaction."""
    for own in SelfRating.objects.filter(recording=recording, submitted_at__isnull=False).order_by("pk"):
        ratings.release(source=own.pk, by=by, now=now)


def beside(review: Review, viewer: User) -> dict[str, str]:
    """Item key to the therapist's own score in words, where this person may see it; empty otherwise."""
    own = SelfRating.objects.visible_to(viewer).filter(recording=review.recording_id, instrument=review.instrument_id)
    found = own.filter(submitted_at__isnull=False).first()
    if found is None:
        return {}
    return {key: "Not applicable" if score == NOT_APPLICABLE else str(score) for key, score in found.scores.items()}


def _check_own(recording: Recording, by: User) -> None:
    if recording.therapist_id != by.pk:
        raise SelfRatingRefused("Only the therapist of a session rates it like this.")
    if recording.state == Recording.State.DESTROYED:
        raise SelfRatingRefused("The recording is gone, so it is no longer rated.")
    if Review.objects.filter(recording=recording, released_at__isnull=False).exists():
        raise SelfRatingRefused("The feedback is there. A rating of your own comes before it, or not at all.")


def _check_scores(instrument: Instrument, scores: dict[str, Any]) -> None:
    items: dict[str, Item] = {item.key: item for item in instrument.items.all()}
    for key, score in scores.items():
        item = items.get(key)
        if item is None:
            raise SelfRatingRefused("That item is not part of this instrument.")
        if score == NOT_APPLICABLE:
            continue
        if not isinstance(score, int) or isinstance(score, bool) or not item.least <= score <= item.most:
            raise SelfRatingRefused(f"{item.name} is rated from {item.least} to {item.most}.")
