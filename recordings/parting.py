"""What becomes of two ratings when a rater has left: both are released as they are, without a consensus, for a stated reason.

Nobody settles scores in another person's name. The reason stands in the discussion, sealed like the rest of it.
"""

import datetime as dt

from django.db import transaction
from wagtail.log_actions import log

from recordings import comments, comparing, permissions
from recordings.models import Comparison, ComparisonNote, Recording
from supervision.models import Membership, User


class PartingRefused(Exception):
    """It cannot be done now; str() says why, for people."""


def is_stuck(comparison: Comparison) -> bool:
    """Whether those who are left cannot finish it: until the consensus both raters are needed, then one who is in the team."""
    recording = comparison.first.recording
    if comparison.released_at is not None or recording.state == Recording.State.DESTROYED:
        return False
    raters = (comparison.first.rater, comparison.second.rater)
    if comparison.agreed_at is not None:
        return not any(permissions.consults(rater, recording.team_id) for rater in raters)
    return not all(Comparison.objects.visible_to(rater).filter(pk=comparison.pk).exists() for rater in raters)


def stuck_for(user: User) -> list[Comparison]:
    """Those of the teams that the person leads which wait for this; none of a session of their own, or that they are still to rate."""
    led = Membership.objects.of(user).current().filter(role__in=Membership.LEADS).values("team")
    waiting = Comparison.objects.open().filter(first__recording__team__in=led).exclude(first__recording__therapist=user)
    waiting = waiting.exclude(first__recording__in=Recording.objects.being_rated_by(user))
    related = ("first__recording__therapist", "first__recording__team", "first__rater", "second__rater")
    return [one for one in waiting.select_related(*related).order_by("opened_at", "pk") if is_stuck(one)]


@transaction.atomic
def release(*, comparison: Comparison, reason: str, by: User, now: dt.datetime) -> Comparison:
    """Releases both reviews to the therapist and the team, with the consensus where there is one. Again: no change.
    Raises PartingRefused, vault.KeyGone."""
    related = ("first__recording__therapist", "first__recording__consent", "first__rater", "second__rater")
    comparison = Comparison.objects.select_for_update(of=("self",)).select_related(*related).get(pk=comparison.pk)
    if comparison.released_at is not None:
        return comparison
    recording = comparison.first.recording
    if by.pk == recording.therapist_id or not permissions.leads(by, recording.team_id):
        raise PartingRefused("A supervisor or a consultant of the team releases them, and never the therapist of the session.")
    if not is_stuck(comparison):
        raise PartingRefused("Both raters can still settle this. They agree on the items, and release both reviews.")
    why = comments.sealed(recording, reason)
    if why is None:
        raise PartingRefused("Say why the two cannot agree on the scores any more.")
    ComparisonNote.objects.create(comparison=comparison, author=by, text=why, written_at=now)
    comparing.show(comparison, by=by, now=now)
    log(instance=comparison, action="recordings.comparison_part", user=by, data={"recording": str(recording.pk)})
    return Comparison.objects.get(pk=comparison.pk)
