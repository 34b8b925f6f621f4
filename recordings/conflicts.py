"""Conflicts of interest: whom somebody does not rate, and sessions of which family. Declared once, it holds until it is ended.

What the rater has open of them ends as given back, and others are asked. What was marked is kept and never counted; what was
submitted stays. Who has one: `permissions.raters_with_conflict`.
"""

import datetime as dt

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from wagtail.log_actions import log

from recordings import assigning
from recordings.models import Assignment, ConflictOfInterest, Recording, Review
from supervision.models import FamilyReference, User

Skip = Assignment.Skip


class ConflictRefused(Exception):
    """It cannot be declared like this; str() says why."""


@transaction.atomic
def declare(
    *, rater: User, therapist: User | None = None, family: FamilyReference | None = None, by: User, now: dt.datetime
) -> ConflictOfInterest:
    """Keeps a rater away from a therapist's sessions, or from a family's, those included that the rater has been asked for or has
    begun. Declaring it again changes nothing. Raises ConflictRefused."""
    if (therapist is None) == (family is None):
        raise ConflictRefused("Say whether it is about the therapist or about the family.")
    if therapist is not None and therapist.pk == rater.pk:
        raise ConflictRefused("Nobody rates a session of their own, so this needs no declaration.")
    User.objects.select_for_update(no_key=True).get(pk=rater.pk)  # a form sent twice makes one
    made = ConflictOfInterest.objects.filter(rater=rater, therapist=therapist, family=family, ended_at__isnull=True).first()
    if made is None:
        made = ConflictOfInterest.objects.create(rater=rater, therapist=therapist, family=family, declared_at=now, declared_by=by)
        log(instance=made, action="recordings.conflict_declare", user=by, data={"rater": rater.pk})
    _give_back(made, by=by, now=now)
    return made


def _give_back(conflict: ConflictOfInterest, *, by: User, now: dt.datetime) -> None:
    """Whoever submits at this moment comes first or is refused: both wait for the review's row."""
    about = Q(recording__therapist=conflict.therapist_id) if conflict.therapist_id else Q(recording__family=conflict.family_id)
    kept = about & Q(rater=conflict.rater_id) & ~Q(recording__state=Recording.State.DESTROYED)
    related = ("recording__consent", "recording__team", "instrument", "plan__instrument")
    asked = Assignment.objects.select_for_update(of=("self",)).select_related(*related).filter(kept, skipped_at__isnull=True)
    found = list(asked.order_by("assigned_at", "pk"))
    begun = list(Review.objects.select_for_update(of=("self",)).filter(kept, state=Review.State.IN_PROGRESS).order_by("started_at", "pk"))
    submitted = Review.objects.filter(kept, submitted_at__isnull=False, assignment__isnull=False)
    done = set(submitted.values_list("assignment", flat=True))
    for one in found:
        if one.pk not in done:
            assigning.hand_on(one, Skip.CONFLICT, by=by, now=now)
    for review in begun:
        if review.assignment_id is None:
            _note_given_back(review, by=by, now=now)


def _note_given_back(review: Review, *, by: User, now: dt.datetime) -> None:
    """Of one that was begun without being asked for: from here on it is as if the rater had been asked, and had given it back."""
    made = Assignment.objects.create(
        recording_id=review.recording_id,
        rater_id=review.rater_id,
        instrument_id=review.instrument_id,
        due_on=timezone.localdate(now),
        assigned_at=review.started_at,
        skipped_at=now,
        skipped_by=by,
        skip_reason=Skip.CONFLICT,
    )
    Review.objects.filter(pk=review.pk).update(assignment=made)
    log(instance=made, action="recordings.assignment_skip", user=by, data={"reason": Skip.CONFLICT})


@transaction.atomic
def end(*, conflict: ConflictOfInterest, by: User, now: dt.datetime) -> None:
    """From now on the rater may be asked again, also for what was given back before it was begun. Ending it again changes nothing."""
    if ConflictOfInterest.objects.filter(pk=conflict.pk, ended_at__isnull=True).update(ended_at=now):
        log(instance=conflict, action="recordings.conflict_end", user=by, data={"rater": conflict.rater_id})
