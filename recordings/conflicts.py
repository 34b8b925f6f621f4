"""Conflicts of interest: whom somebody does not rate, and sessions of which family. Declared once, it holds until it is ended."""

import datetime as dt

from django.db import transaction
from django.db.models import Q
from wagtail.log_actions import log

from recordings.models import ConflictOfInterest, Recording
from supervision.models import FamilyReference, User


class ConflictRefused(Exception):
    """It cannot be declared like this; str() says why."""


@transaction.atomic
def declare(
    *, rater: User, therapist: User | None = None, family: FamilyReference | None = None, by: User, now: dt.datetime
) -> ConflictOfInterest:
    """Keeps a rater away from a therapist's sessions, or from a family's. Declaring it again changes nothing. Raises ConflictRefused."""
    if (therapist is None) == (family is None):
        raise ConflictRefused("Say whether it is about the therapist or about the family.")
    if therapist is not None and therapist.pk == rater.pk:
        raise ConflictRefused("Nobody rates a session of their own, so this needs no declaration.")
    there = ConflictOfInterest.objects.filter(rater=rater, therapist=therapist, family=family, ended_at__isnull=True).first()
    if there is not None:
        return there
    made = ConflictOfInterest.objects.create(rater=rater, therapist=therapist, family=family, declared_at=now, declared_by=by)
    log(instance=made, action="recordings.conflict_declare", user=by, data={"rater": rater.pk})
    return made


@transaction.atomic
def end(*, conflict: ConflictOfInterest, by: User, now: dt.datetime) -> None:
    """From now on the rater may be asked again. Ending it again changes nothing."""
    if ConflictOfInterest.objects.filter(pk=conflict.pk, ended_at__isnull=True).update(ended_at=now):
        log(instance=conflict, action="recordings.conflict_end", user=by, data={"rater": conflict.rater_id})


def raters_with(recording: Recording) -> set[int]:
    """The ids of those who do not rate this recording."""
    about = Q(therapist=recording.therapist_id) | Q(family=recording.family_id)
    return set(ConflictOfInterest.objects.filter(about, ended_at__isnull=True).values_list("rater_id", flat=True))
