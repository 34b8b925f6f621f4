"""What came of feedback at Harbour: goals in Tom's plan, and earlier sessions that two consultants rated, whose recordings are destroyed
but whose figures are kept: agreement is reckoned from them, and with the latest review they propose a topic for the next booster."""

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from django.db import transaction

from cms.demo import people
from recordings import comparing
from recordings.destruction import unreadable_on
from recordings.models import Assignment, Comparison, DestructionCertificate, Recording, Review
from supervision import development, ratings
from supervision.models import DevelopmentGoal, FamilyReference, Instrument, Item, User

if TYPE_CHECKING:
    from cms.demo.load import Loaded

INSTRUMENT = "practice-review"
# Family, days before the load on which the session took place, Cora's and Carl's scores in the order of the form.
EARLIER = (
    ("H-2041", 39, (2, 3, 2, 2, 3, 3, 2, 2, 1), (2, 3, 2, 3, 3, 3, 2, 2, 1)),
    ("H-2044", 33, (3, 2, 3, 2, 2, None, 2, 3, 1), (3, 2, 2, 2, 3, None, 2, 3, 1)),
    ("H-2041", 36, (2, 3, 3, 3, 3, 2, 2, 2, 2), (2, 2, 3, 3, 3, 2, 3, 2, 2)),
    ("H-2044", 26, (3, 3, 2, 3, 2, 3, 2, 2, 2), (4, 3, 2, 3, 2, 3, 2, 1, 2)),
    ("H-2041", 29, (1, 2, 2, 3, 2, 3, 2, 2, 1), (2, 2, 2, 3, 2, 3, 2, 2, 1)),
)


def is_loaded() -> bool:
    return DevelopmentGoal.objects.filter(team__slug=people.HARBOUR).exists()


@transaction.atomic
def load(loaded: "Loaded") -> None:
    if is_loaded():
        return
    instrument = Instrument.objects.filter(slug=INSTRUMENT, is_current=True).get()
    items = list(Item.objects.filter(instrument=instrument).order_by("position", "pk"))
    for reference, days, *scores in EARLIER:
        by_rater = [dict(zip((item.key for item in items), given, strict=True)) for given in scores]
        _earlier(loaded, reference, days, instrument, dict(zip(("Cora", "Carl"), by_rater, strict=True)))
    tom, cora, sam, team = loaded.users["Tom"], loaded.users["Cora"], loaded.users["Sam"], loaded.teams[people.HARBOUR]
    latest = Review.objects.filter(recording__therapist=tom, state=Review.State.RELEASED).order_by("-released_at", "pk").first()
    by_key = {item.key: item for item in items}
    development.set_goal(
        therapist=tom,
        team=team,
        text="When something goes right for once, ask one question about it before going on.",
        item=by_key["positives-and-strengths"],
        source=latest.pk if latest else None,
        look_again_on=loaded.anchor + dt.timedelta(days=12),
        by=tom,
        now=loaded.at(8),
    )
    met = development.set_goal(
        therapist=tom,
        team=team,
        text="Go through a sequence step by step before offering an explanation.",
        item=by_key["targeting-sequences"],
        look_again_on=loaded.days_ago(20),
        by=sam,
        now=loaded.at(60),
    )
    development.close(goal=met, state=DevelopmentGoal.State.MET, outcome="In two reviewed sessions running.", by=cora, now=loaded.at(10))


def _earlier(loaded: "Loaded", reference: str, days: int, instrument: Instrument, scores: dict[str, dict[str, int | None]]) -> None:
    family = FamilyReference.objects.get(reference=reference)
    recording = Recording.objects.create(
        consent=family.consents.get(),
        family=family,
        therapist=family.therapist,
        team=family.team,
        session_on=loaded.days_ago(days),
        state=Recording.State.READY,
        uploaded_at=loaded.at(days, 18),
        duration_ms=2_700_000,
        container="ogg",
        size=21_600_000,
        fingerprint=uuid.uuid4().hex,
    )
    for (name, given), part in zip(scores.items(), (Assignment.Part.FIRST, Assignment.Part.SECOND), strict=True):
        last = _rated(loaded, recording, loaded.users[name], part, instrument, given, days=days)
    _settled(comparing.open_where_both(last, now=loaded.at(days - 2, 15)), now=loaded.at(days - 2, 16))
    destroyed_at = loaded.at(max(days - 30, 1), 3)
    Recording.objects.filter(pk=recording.pk).update(state=Recording.State.DESTROYED, destroyed_at=destroyed_at)
    DestructionCertificate.objects.create(
        recording=recording,
        reason=DestructionCertificate.Reason.RETENTION,
        items=[],
        key_destroyed_at=destroyed_at,
        backups_unreadable_on=unreadable_on(destroyed_at),
        destroyed_at=destroyed_at,
    )


def _rated(
    loaded: "Loaded", recording: Recording, rater: User, part: str, instrument: Instrument, given: dict[str, int | None], *, days: int
) -> Review:
    """A submitted review of which only the figures are left, and the rating that it made."""
    started_at, submitted_at = loaded.at(days - 1, 19), loaded.at(days - 2, 14)
    values = {"recording": recording, "rater": rater, "instrument": instrument}
    asked = Assignment.objects.create(**values, part=part, due_on=loaded.days_ago(days - 14), assigned_at=loaded.at(days, 19))
    review = Review.objects.create(
        **values, assignment=asked, state=Review.State.SUBMITTED, started_at=started_at, submitted_at=submitted_at, share_heard=1
    )
    ratings.record(
        instrument=instrument,
        therapist=recording.therapist,
        rater=rater,
        team=recording.team,
        source=review.pk,
        session=recording.pk,
        session_on=recording.session_on,
        share_heard=1,
        scores=given,
        by=rater,
        now=submitted_at,
    )
    return review


def _settled(comparison: Comparison | None, *, now: dt.datetime) -> None:
    """The two agree on what the first gave, and release both."""
    if comparison is None:
        return
    first, second = comparison.first.rater, comparison.second.rater
    for row in comparing.rows(comparison):
        if not row.is_agreed:
            made = comparing.propose(comparison=comparison, item=row.item, score=row.first.score, version=0, by=first, now=now)
            comparing.agree(comparison=comparison, item=row.item, version=made.version, by=second, now=now)
    comparing.settle(comparison=comparison, by=first, now=now)
    comparing.release(comparison=comparison, by=first, now=now)
    Review.objects.filter(pk__in=[comparison.first_id, comparison.second_id]).update(seen_by_therapist_at=now)
