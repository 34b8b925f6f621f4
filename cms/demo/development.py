"""What came of feedback at Harbour: goals in Tom's plan, and earlier reviews whose recordings are destroyed but whose figures are kept:
together with the latest one they propose a topic for the team's next booster."""

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from django.db import transaction

from cms.demo import people
from recordings.destruction import unreadable_on
from recordings.models import DestructionCertificate, Recording, Review
from supervision import development, ratings
from supervision.models import DevelopmentGoal, FamilyReference, Instrument, Item

if TYPE_CHECKING:
    from cms.demo.load import Loaded

INSTRUMENT = "practice-review"
# Family, days before the load on which the session took place, the scores in the order of the form.
EARLIER = (
    ("H-2041", 39, (2, 3, 2, 2, 3, 3, 2, 2, 1)),
    ("H-2044", 33, (3, 2, 3, 2, 2, None, 2, 3, 1)),
    ("H-2041", 36, (2, 3, 3, 3, 3, 2, 2, 2, 2)),
)


def is_loaded() -> bool:
    return DevelopmentGoal.objects.filter(team__slug=people.HARBOUR).exists()


@transaction.atomic
def load(loaded: "Loaded") -> None:
    if is_loaded():
        return
    instrument = Instrument.objects.filter(slug=INSTRUMENT, is_current=True).get()
    items = list(Item.objects.filter(instrument=instrument).order_by("position", "pk"))
    for reference, days, scores in EARLIER:
        _earlier(loaded, reference, days, instrument, dict(zip((item.key for item in items), scores, strict=True)))
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


def _earlier(loaded: "Loaded", reference: str, days: int, instrument: Instrument, scores: dict[str, int | None]) -> None:
    family = FamilyReference.objects.get(reference=reference)
    released_at, destroyed_at = loaded.at(days - 2, 15), loaded.at(days - 30, 3)
    recording = Recording.objects.create(
        consent=family.consents.get(),
        family=family,
        therapist=family.therapist,
        team=family.team,
        session_on=loaded.days_ago(days),
        state=Recording.State.DESTROYED,
        uploaded_at=loaded.at(days, 18),
        duration_ms=2_700_000,
        container="ogg",
        size=21_600_000,
        fingerprint=uuid.uuid4().hex,
        destroyed_at=destroyed_at,
    )
    DestructionCertificate.objects.create(
        recording=recording,
        reason=DestructionCertificate.Reason.RETENTION,
        items=[],
        key_destroyed_at=destroyed_at,
        backups_unreadable_on=unreadable_on(destroyed_at),
        destroyed_at=destroyed_at,
    )
    rater = loaded.users["Cora"]
    review = Review.objects.create(
        recording=recording,
        rater=rater,
        instrument=instrument,
        state=Review.State.RELEASED,
        started_at=loaded.at(days - 1, 19),
        submitted_at=loaded.at(days - 2, 14),
        released_at=released_at,
        seen_by_therapist_at=released_at,
        share_heard=1,
    )
    ratings.record(
        instrument=instrument,
        therapist=family.therapist,
        rater=rater,
        team=family.team,
        source=review.pk,
        session=recording.pk,
        session_on=recording.session_on,
        share_heard=1,
        scores=scores,
        by=rater,
        now=loaded.at(days - 2, 14),
    )
    ratings.release(source=review.pk, by=rater, now=released_at)
