"""Which recordings are rated, and which of those twice: a plan decides about each recording once, and the decision is kept.

A random share is drawn by blocks of ten within each stratum, from a seed: nobody can foresee it, anybody can repeat it, and after
every whole block the share is met to within one recording.
"""

import datetime as dt
import math
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from wagtail.log_actions import log

from recordings.models import Purpose, Recording, SamplingDraw, SamplingPlan
from supervision.models import Instrument, Team, User

BLOCK = 10
PREVIEW_DAYS = 90
Mode, Strata = SamplingPlan.Mode, SamplingPlan.Strata


class PlanRefused(Exception):
    """The plan cannot be made or ended like this; str() says why."""


@dataclass(frozen=True)
class Decision:
    is_chosen: bool
    is_double: bool = False


@dataclass
class Tally:
    """How many recordings a plan has decided about: in each stratum, and how many it has chosen."""

    seen: Counter[str] = field(default_factory=Counter)
    chosen: int = 0


def is_picked(*, seed: int, stratum: str, share: float, number: int) -> bool:
    """Whether the `number`th recording (from 0) of a stratum falls into the share (0 to 1).

    Systematic sampling with a random start (Cochran, Sampling Techniques, 1977, chapter 8) says how many of each block of ten;
    which ones is drawn within the block. After n whole blocks the number picked is less than 1 away from share times 10 n.
    """
    block, place = divmod(number, BLOCK)
    start = _random(seed, stratum).random()
    wanted = math.floor(start + (block + 1) * BLOCK * share + 1e-9) - math.floor(start + block * BLOCK * share + 1e-9)
    return place in _random(seed, stratum, block).sample(range(BLOCK), min(wanted, BLOCK))


def is_nth(*, seed: int, stratum: str, every: int, number: int) -> bool:
    """Whether the `number`th recording (from 0) is one of every nth; with which one the counting starts is drawn by the seed."""
    return number % every == _random(seed, stratum).randrange(every)


def _random(*parts: object) -> random.Random:
    return random.Random("/".join(map(str, parts)))  # noqa: S311 (a repeatable draw, not a secret)


def stratum(plan: SamplingPlan, recording: Recording) -> str:
    """The group within which recordings are counted."""
    if plan.mode != Mode.RANDOM or plan.strata == Strata.THERAPIST:
        return f"therapist-{recording.therapist_id}"
    if plan.strata == Strata.FAMILY:
        return f"family-{recording.family_id}"
    return f"month-{timezone.localdate(recording.uploaded_at):%Y-%m}"


def decide(plan: SamplingPlan, recording: Recording, tally: Tally) -> Decision:
    """What the plan says of the next recording, which is added to the tally."""
    group = stratum(plan, recording)
    number = tally.seen[group]
    tally.seen[group] += 1
    if plan.mode == Mode.NTH:
        is_chosen = is_nth(seed=plan.seed, stratum=group, every=plan.every, number=number)
    else:
        is_chosen = plan.mode == Mode.ALL or is_picked(seed=plan.seed, stratum=group, share=plan.share, number=number)
    if not is_chosen:
        return Decision(is_chosen=False)
    is_double = is_picked(seed=plan.seed, stratum="twice", share=plan.double_share, number=tally.chosen)
    tally.chosen += 1
    return Decision(is_chosen=True, is_double=is_double)


@transaction.atomic
def draw(plan: SamplingPlan, *, now: dt.datetime) -> list[SamplingDraw]:
    """Decides about every recording of the plan that can be reviewed by now and has not been decided about, in order of arrival."""
    plan = SamplingPlan.objects.select_for_update(of=("self",)).get(pk=plan.pk)
    today = timezone.localdate(now)
    agreed = Recording.objects.reviewable().agreed_to(Purpose.RECORD, on=today).agreed_to(Purpose.REVIEW, on=today)
    open_ones = agreed.filter(_arrived(plan), team=plan.team_id).exclude(pk__in=plan.draws.values("recording"))
    waiting = list(open_ones.order_by("uploaded_at", "pk"))
    if not waiting:
        return []
    tally = _tally(plan)
    made = []
    for recording in waiting:
        decision = decide(plan, recording, tally)
        made.append(SamplingDraw(plan=plan, recording=recording, is_chosen=decision.is_chosen, is_double=decision.is_double, drawn_at=now))
    return SamplingDraw.objects.bulk_create(made)


def _tally(plan: SamplingPlan) -> Tally:
    tally = Tally()
    for one in plan.draws.select_related("recording").order_by("pk"):
        tally.seen[stratum(plan, one.recording)] += 1
        tally.chosen += one.is_chosen
    return tally


def _arrived(plan: SamplingPlan) -> Q:
    """Recordings that arrived on the plan's days, local dates, both included."""
    found = Q(uploaded_at__gte=_midnight(plan.starts_on))
    return found & Q(uploaded_at__lt=_midnight(plan.ends_on + dt.timedelta(days=1))) if plan.ends_on else found


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))


def in_force(*, on: dt.date) -> Iterable[SamplingPlan]:
    """The plans that decide about recordings of that day, and those that ended lately: what came on their last day is still drawn."""
    recent = Q(ends_on__isnull=True) | Q(ends_on__gte=on - dt.timedelta(days=BLOCK))
    return SamplingPlan.objects.filter(recent, starts_on__lte=on).select_related("team__programme", "instrument").order_by("pk")


def preview(plan: SamplingPlan, *, on: dt.date) -> list[tuple[Recording, Decision]]:
    """What the plan would have chosen of the team's recordings of the last 90 days. The plan need not be saved."""
    since = _midnight(on - dt.timedelta(days=PREVIEW_DAYS))
    rows = Recording.objects.filter(team=plan.team_id, uploaded_at__gte=since, uploaded_at__lt=_midnight(on + dt.timedelta(days=1)))
    tally = Tally()
    ordered = rows.select_related("therapist", "family").order_by("uploaded_at", "pk")
    return [(recording, decide(plan, recording, tally)) for recording in ordered]


def sentence(plan: SamplingPlan) -> str:
    """Such as "About 2 of 10 recordings will be rated, 1 of those twice." """
    share = {Mode.ALL: 1.0, Mode.NTH: 1 / plan.every}.get(Mode(plan.mode), plan.share)
    if not share:
        return "No recording will be rated."
    of = 10 if _is_near_whole(share * 10) else 100
    whole = round(share * of)
    which = "Every recording will be rated" if share == 1 else f"About {whole} of {of} recordings will be rated"
    if not plan.double_share:
        return f"{which}, each once."
    if plan.double_share == 1:
        return f"{which}, each of them twice."
    twice = share * of * plan.double_share
    if share != 1 and twice >= 0.75 and abs(twice - round(twice)) < 0.25:
        return f"{which}, {round(twice)} of those twice."
    one_in = 1 / plan.double_share
    is_one_in = round(one_in) > 1 and _is_near_whole(one_in / round(one_in))
    about = f"1 in {round(one_in)}" if is_one_in else f"{round(plan.double_share * 100)} in 100"
    return f"{which}, about {about} of those twice."


def _is_near_whole(number: float) -> bool:
    return abs(number - round(number)) < 0.1 and round(number) > 0


def new_seed() -> int:
    """A seed that nobody can foresee."""
    return random.SystemRandom().randrange(10**9)


@transaction.atomic
def make(*, team: Team, instrument: Instrument, by: User, now: dt.datetime, **values: Any) -> SamplingPlan:
    """Puts a plan into force from `starts_on`. `values` are the plan's other fields. Raises PlanRefused."""
    Team.objects.select_for_update().get(pk=team.pk)
    starts_on = values.setdefault("starts_on", timezone.localdate(now))
    if starts_on < timezone.localdate(now):
        raise PlanRefused("A plan starts today or later: what has arrived already is not decided about afterwards.")
    others = SamplingPlan.objects.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=starts_on), team=team, instrument=instrument)
    if others.exists():
        raise PlanRefused(f"There is a plan for {instrument.name} in this team already. End it first.")
    values.setdefault("seed", new_seed())
    plan = SamplingPlan.objects.create(team=team, instrument=instrument, made_at=now, made_by=by, **values)
    log(instance=plan, action="recordings.plan_make", user=by, data={"team": team.pk})
    return plan


@transaction.atomic
def end(*, plan: SamplingPlan, by: User, now: dt.datetime) -> SamplingPlan | None:
    """Ends a plan with today; what it has chosen stays to be rated. Ending again changes nothing. One that has not begun is taken
    out, and None returned."""
    plan = SamplingPlan.objects.select_for_update(of=("self",)).get(pk=plan.pk)
    today = timezone.localdate(now)
    if plan.ends_on is not None and plan.ends_on <= today:
        return plan
    log(instance=plan, action="recordings.plan_end", user=by, data={"team": plan.team_id})
    if plan.starts_on > today:
        plan.delete()
        return None
    SamplingPlan.objects.filter(pk=plan.pk).update(ends_on=today)
    return SamplingPlan.objects.get(pk=plan.pk)
