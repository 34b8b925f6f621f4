"""What became of a piece of feedback in a later session: the therapist tells the reviewer and the team's supervisors."""

import datetime as dt

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from wagtail.log_actions import log

from recordings import comments
from recordings.models import Annotation, Code, Recording, Review, TriedIt
from supervision.models import User

ASK_AFTER = dt.timedelta(days=7)  # time for another session
ASK_UNTIL = dt.timedelta(days=42)


class TryRefused(ValueError):
    """It cannot be told so; str() says why."""


@transaction.atomic
def tell(*, review: Review, annotation: Annotation | None = None, outcome: str, text: str = "", by: User, now: dt.datetime) -> TriedIt:
    """Adds what became of the next step, or of one moment; what was told before stays. Raises TryRefused, vault.KeyGone."""
    if review.state != Review.State.RELEASED or by.pk != review.recording.therapist_id:
        raise TryRefused("The therapist whose session it is tells this, once the feedback has been released.")
    if outcome not in TriedIt.Outcome.values:
        raise TryRefused("Choose what became of it.")
    if annotation is not None and (annotation.review_id != review.pk or annotation.removed_at is not None):
        raise TryRefused("That moment is not part of this feedback.")
    sealed = comments.sealed(review.recording, text)
    made = TriedIt.objects.create(review=review, annotation=annotation, outcome=outcome, text=sealed, author=by, written_at=now)
    log(instance=review, action="recordings.tried", user=by, data={"tried": made.pk, "outcome": outcome})
    return made


def told(review: Review) -> list[tuple[TriedIt, str]]:
    """All that was told, in order, opened."""
    rows = TriedIt.objects.filter(review=review).select_related("author", "text").order_by("written_at", "pk")
    return [(row, comments.opened(row.text)) for row in rows]


def to_ask(therapist: User, *, now: dt.datetime) -> list[Review]:
    """The released reviews with something to try of which the therapist has not told yet, some days after they read them.

    "Not yet" is asked again after as many days.
    """
    growth = Annotation.objects.kept().filter(review=OuterRef("pk"), code__tone=Code.Tone.GROWTH)
    lately = TriedIt.objects.filter(review=OuterRef("pk"), written_at__gt=now - ASK_AFTER)
    tried = TriedIt.objects.filter(review=OuterRef("pk")).exclude(outcome=TriedIt.Outcome.NOT_YET)
    due = (
        Review.objects.visible_to(therapist)
        .filter(
            Q(next_step__isnull=False) | Exists(growth),
            ~Exists(tried),
            ~Exists(lately),
            state=Review.State.RELEASED,
            recording__therapist=therapist,
            seen_by_therapist_at__lte=now - ASK_AFTER,
            released_at__gt=now - ASK_UNTIL,
        )
        .exclude(recording__state=Recording.State.DESTROYED)
    )
    return list(due.select_related("recording", "rater").order_by("released_at", "pk"))


def news(user: User, *, since: dt.datetime) -> list[TriedIt]:
    """What therapists told lately of feedback that this person gave, or of teams that they lead; the latest first."""
    rows = TriedIt.objects.filter(review__in=Review.objects.visible_to(user), written_at__gte=since).exclude(author=user)
    return list(rows.select_related("author", "review__recording").order_by("-written_at", "pk"))
