"""The development plan: what a therapist means to practise, until when to look at it again, and what became of it.

A goal is about the therapist's practice and never about a family: it is kept when the recording it came from is long destroyed.
"""

import datetime as dt
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from wagtail.log_actions import log

from supervision.models import DevelopmentGoal, Item, Membership, Rating, Team, User
from supervision.periods import say

State = DevelopmentGoal.State
USUAL_WEEKS = 6


class GoalRefused(Exception):
    """The goal cannot be set or closed so; the text says why."""


@transaction.atomic
def set_goal(
    *,
    therapist: User,
    team: Team,
    text: str,
    item: Item | None = None,
    source: UUID | None = None,
    look_again_on: dt.date | None = None,
    by: User,
    now: dt.datetime,
) -> DevelopmentGoal:
    """Adds a goal. `source` is the review that it came from; the same words from the same review are added once. Raises GoalRefused."""
    text = " ".join(text.split())
    if not text:
        raise GoalRefused("Write what is to be practised.")
    held = Membership.objects.of(therapist).on(timezone.localdate(now)).filter(team=team)
    if not held.filter(role__in=[Membership.Role.THERAPIST, *Membership.SUPERVISORS]).exists():
        raise GoalRefused(f"{therapist.first_name} does not work with families in {team.name} today.")
    if look_again_on is not None and look_again_on < timezone.localdate(now):
        raise GoalRefused("The day to look at it again cannot lie in the past.")
    if source is not None:
        User.objects.select_for_update(no_key=True).get(pk=therapist.pk)  # a form sent twice makes one
        there = DevelopmentGoal.objects.open().filter(therapist=therapist, team=team, source=source, text=text).first()
        if there is not None:
            return there
    goal = DevelopmentGoal.objects.create(
        therapist=therapist, team=team, text=text, item=item, source=source, look_again_on=look_again_on, set_by=by, set_at=now
    )
    log(instance=goal, action="supervision.goal_set", user=by, data={"therapist": therapist.pk, "team": team.pk})
    return goal


@transaction.atomic
def look_again(*, goal: DevelopmentGoal, on: dt.date, by: User, now: dt.datetime) -> DevelopmentGoal:
    """Moves the day on which the goal is looked at again. Raises GoalRefused."""
    locked = _open(goal)
    if on < timezone.localdate(now):
        raise GoalRefused("The day to look at it again cannot lie in the past.")
    locked.look_again_on = on
    locked.save(update_fields=["look_again_on"])
    log(instance=locked, action="supervision.goal_moved", user=by, data={"on": on.isoformat()})
    return locked


@transaction.atomic
def close(*, goal: DevelopmentGoal, state: str, outcome: str = "", by: User, now: dt.datetime) -> DevelopmentGoal:
    """Met, or given up. A goal that is given up says why. Raises GoalRefused."""
    locked = _open(goal)
    outcome = " ".join(outcome.split())
    if state not in (State.MET, State.DROPPED):
        raise GoalRefused("Say whether the goal is met or given up.")
    if state == State.DROPPED and not outcome:
        raise GoalRefused("Say in a few words why it is given up.")
    locked.state, locked.outcome, locked.closed_at, locked.closed_by = state, outcome, now, by
    locked.save(update_fields=["state", "outcome", "closed_at", "closed_by"])
    log(instance=locked, action="supervision.goal_closed", user=by, data={"state": state})
    return locked


def _open(goal: DevelopmentGoal) -> DevelopmentGoal:
    locked = DevelopmentGoal.objects.select_for_update().get(pk=goal.pk)
    if locked.state != State.OPEN:
        closed = say(timezone.localdate(locked.closed_at)) if locked.closed_at else "before"
        raise GoalRefused(f"This goal was closed on {closed} already. Set a new one to go on with it.")
    return locked


def seen_by(user: User) -> QuerySet[DevelopmentGoal]:
    """What the person may see of plans; for a rater nothing that came of the review of a session that they are still rating."""
    hidden = Rating.objects.released().exclude(pk__in=Rating.objects.visible_to(user).values("pk"))
    return DevelopmentGoal.objects.visible_to(user).exclude(source__isnull=False, source__in=hidden.values("source"))


def due(user: User, *, on: dt.date) -> list[DevelopmentGoal]:
    """Open goals whose day has come, of those that the person may see; the earliest first."""
    seen = seen_by(user).filter(state=State.OPEN, look_again_on__lte=on)
    return list(seen.select_related("therapist", "team").order_by("look_again_on", "set_at", "pk"))
