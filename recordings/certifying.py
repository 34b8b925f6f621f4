"""Certifications: somebody else looks at how a rater compares with gold, and says until when that rater rates with an instrument."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from wagtail.log_actions import log

from recordings import agreeing, calibration
from recordings.models import Assignment, Certification, GoldStandard
from supervision import periods
from supervision.agreement import calibration as against
from supervision.agreement import drift, wording
from supervision.models import Instrument, Item, Membership, User

VALID_MONTHS = 6


class CertificationRefused(Exception):
    """The rater cannot be certified like this; str() says why."""


Done = tuple[Assignment, Mapping[str, against.Pair]]


@dataclass(frozen=True)
class Basis:
    """What a certification would rest on: the exercises of the last six months, their figures over the items of `Report.steps`, and the
    bias on each item. `why_not` says why they are not enough, as a sentence; empty where they are."""

    exercises: list[Assignment]
    overall: against.AgainstGold
    bias_by_item: dict[str, float | None]
    why_not: str


@dataclass(frozen=True)
class Report:
    """A rater against gold. `items` pairs each item with its figures. `steps` are the items that the figures of the whole are about,
    whose scores can be averaged: all have the same steps. `leanings` is the mean of their score minus gold of each exercise, in
    points, in the order of time, and `chart` the drift chart over them."""

    rater: User
    instrument: Instrument
    exercises: list[Assignment]
    items: list[tuple[Item, against.AgainstGold]]
    steps: list[Item]
    overall: against.AgainstGold
    basis: Basis
    leanings: list[tuple[Assignment, float]]
    chart: drift.Chart


def report(rater: User, instrument: Instrument, *, on: dt.date | None = None) -> Report:
    """The rater's submitted exercises with that instrument against gold; nothing of those that are still open. `on` is the day for
    which the basis of a certification is told: today where it is left out."""
    done = calibration.done(rater, instrument)
    items = list(Item.objects.filter(instrument=instrument).order_by("position", "pk"))
    steps = _main_steps(items)
    keys = {item.key for item in steps}
    leanings = []
    for exercise, scores in done:
        leaning = against.over_exercises([_of(scores, keys)]).bias.value
        if leaning is not None:
            leanings.append((exercise, leaning))
    figures = _by_item(done)
    return Report(
        rater,
        instrument,
        [exercise for exercise, _ in done],
        [(item, figures[item.key]) for item in items if item.key in figures],
        steps,
        against.over_exercises(_of(scores, keys) for _, scores in done),
        _basis(rater, instrument, done, keys, on=on or timezone.localdate()),
        leanings,
        drift.chart([value for _, value in leanings]),
    )


def _main_steps(items: list[Item]) -> list[Item]:
    """The most items that have the same steps (yes or no are two steps), the first of the form where two kinds are as many. Counts
    and seconds have no steps: a point of theirs is another thing on each item."""
    return max(agreeing.alike(items, (Item.Scale.ORDINAL, Item.Scale.YES_NO)).values(), key=len, default=[])


def _by_item(done: Iterable[Done]) -> dict[str, against.AgainstGold]:
    pairs: dict[str, list[against.Pair]] = {}
    for _, scores in done:
        for key, pair in scores.items():
            pairs.setdefault(key, []).append(pair)
    return against.by_item(pairs)


def _of(scores: Mapping[str, against.Pair], keys: set[str]) -> list[against.Pair]:
    return [pair for key, pair in scores.items() if key in keys]


def _basis(rater: User, instrument: Instrument, done: Sequence[Done], keys: set[str], *, on: dt.date) -> Basis:
    """The exercises of the last six months; at least one of them must be new since the last certification."""
    since = periods.add_months(on, -VALID_MONTHS)
    recent = [(one, scores) for one, scores in done if since <= _submitted(one) <= on]
    known = Certification.objects.filter(rater=rater, instrument=instrument, certified_on__lte=on)
    told = {pk for earlier in known for pk in earlier.basis.get("exercise_ids", [])}
    untold = max((one.certified_on for one in known if "exercise_ids" not in one.basis), default=dt.date.min)
    why_not = ""
    if not done:
        why_not = "There is no exercise to go by. Give the rater a gold recording first."
    elif not recent:
        why_not = "No exercise is of the last six months. Give the rater a gold recording first."
    elif all(str(one.pk) in told or _submitted(one) <= untold for one, _ in recent):
        why_not = "No exercise has been done since the last certification. Give the rater another gold recording first."
    return Basis(
        [one for one, _ in recent],
        against.over_exercises(_of(scores, keys) for _, scores in recent),
        {key: figures.bias.value for key, figures in _by_item(recent).items()},
        why_not,
    )


def _submitted(exercise: Assignment) -> dt.date:
    return timezone.localdate(exercise.review.submitted_at)


def kept(found: Report) -> dict[str, Any]:
    """What a certification rests on, as numbers that outlive the recordings. The exercise is the unit of every interval."""
    whole = found.basis.overall
    return {
        "exercises": len(found.basis.exercises),
        "exercise_ids": [str(one.pk) for one in found.basis.exercises],
        "first_on": min(_submitted(one) for one in found.basis.exercises).isoformat(),
        "last_on": max(_submitted(one) for one in found.basis.exercises).isoformat(),
        "scores": whole.n_scores,
        "exact": whole.exact.value,
        "exact_interval": [whole.exact.low, whole.exact.high],
        "within_one": whole.within_one.value,
        "within_one_interval": [whole.within_one.low, whole.within_one.high],
        "bias": whole.bias.value,
        "bias_interval": [whole.bias.low, whole.bias.high],
        "bias_by_item": found.basis.bias_by_item,
    }


def rested_on(certification: Certification) -> str:
    """A sentence of what a certification rested on when it was given; empty for one that did not keep it."""
    kept_then = certification.basis
    if kept_then.get("exact") is None or "within_one_interval" not in kept_then:
        return ""
    count, scores = kept_then["exercises"], kept_then["scores"]
    first, last = (f"{dt.date.fromisoformat(kept_then[name]):%-d %B %Y}" for name in ("first_on", "last_on"))
    when = first if first == last else f"{first} to {last}"
    parts = [
        _told("exact agreement", kept_then["exact"], kept_then["exact_interval"], wording.share),
        _told("within one step", kept_then["within_one"], kept_then["within_one_interval"], wording.share),
        _told("bias", kept_then["bias"], kept_then["bias_interval"], wording.number),
    ]
    return f"It rested on {count} exercise{'' if count == 1 else 's'} ({when}; {scores} scores): {', '.join(parts)}."


def _told(name: str, value: float, interval: list[float | None], say: Callable[[float], str]) -> str:
    low, high = interval
    between = "no interval" if low is None or high is None else f"95 % interval {say(low)} to {say(high)}"
    return f"{name} {say(value)} ({between})"


def may_certify(by: User, rater: User) -> bool:
    """A consultant or supervisor of a programme in which the rater consults; never the rater."""
    if by.pk == rater.pk:
        return False
    today = timezone.localdate()
    consults = Membership.objects.of(rater).on(today).filter(role=Membership.Role.CONSULTANT)
    leads = Membership.objects.of(by).on(today).filter(role__in=Membership.LEADS)
    return leads.filter(team__programme__in=consults.values("team__programme")).exists()


@transaction.atomic
def certify(*, rater: User, instrument: Instrument, by: User, now: dt.datetime) -> Certification:
    """Certifies for six calendar months from today, on the exercises of the last six, and keeps what they said. Whether they are good
    enough is for the person to say. Raises CertificationRefused."""
    if not may_certify(by, rater):
        raise CertificationRefused("A rater is certified by another consultant, or a supervisor, of the programme.")
    today = timezone.localdate(now)
    found = report(rater, instrument, on=today)
    if found.basis.why_not:
        raise CertificationRefused(found.basis.why_not)
    made = Certification.objects.create(
        rater=rater,
        instrument=instrument,
        certified_on=today,
        valid_until=periods.last_valid_day(today, VALID_MONTHS),
        basis=kept(found),
        certified_by=by,
    )
    log(instance=made, action="recordings.certify", user=by, data={"rater": rater.pk})
    return made


def in_force(rater: User, instrument: Instrument, *, on: dt.date) -> Certification | None:
    """The certification that reaches furthest of those that are good on that day."""
    return _good(rater, instrument, on=on).select_related("certified_by").order_by("-valid_until", "-pk").first()


def _good(rater: User, instrument: Instrument, *, on: dt.date) -> QuerySet[Certification]:
    return Certification.objects.filter(
        rater=rater, instrument=instrument, ended_at__isnull=True, certified_on__lte=on, valid_until__gte=on
    )


@transaction.atomic
def end(*, rater: User, instrument: Instrument, reason: str, by: User, now: dt.datetime) -> list[Certification]:
    """Ends before its time what the rater is certified for with that instrument: all that is in force. Nothing takes one up again:
    the rater is certified anew. Raises CertificationRefused."""
    if not may_certify(by, rater):
        raise CertificationRefused("A certification is ended by another consultant, or a supervisor, of the programme.")
    if not reason.strip():
        raise CertificationRefused("Say why it ends.")
    good = _good(rater, instrument, on=timezone.localdate(now)).select_for_update(of=("self",))
    ended = list(good.order_by("pk"))
    if not ended:
        raise CertificationRefused("There is no certification in force.")
    for one in ended:
        Certification.objects.filter(pk=one.pk).update(ended_at=now, ended_by=by, end_reason=reason.strip())
        log(instance=one, action="recordings.certification_end", user=by, data={"rater": rater.pk})
    return ended


def ended_last(rater: User, instrument: Instrument) -> Certification | None:
    """The one that was last ended before its time."""
    rows = Certification.objects.filter(rater=rater, instrument=instrument, ended_at__isnull=False)
    return rows.select_related("ended_by").order_by("-ended_at", "-pk").first()


def latest(rater: User, instrument: Instrument) -> Certification | None:
    """The last one that was not ended by hand, also where it has run out."""
    rows = Certification.objects.filter(rater=rater, instrument=instrument, ended_at__isnull=True)
    return rows.select_related("certified_by").order_by("-valid_until", "-pk").first()


def ending(rater: User, *, on: dt.date) -> list[Certification]:
    """What the rater was certified for last, for each instrument on which raters prove themselves, where it ends within a month or has."""
    in_use = GoldStandard.objects.filter(state=GoldStandard.State.IN_USE)
    rows = Certification.objects.filter(rater=rater, ended_at__isnull=True, instrument__in=in_use.values("instrument"))
    last: dict[int, Certification] = {}
    for one in rows.select_related("instrument").order_by("-valid_until", "-pk"):
        last.setdefault(one.instrument_id, one)
    return [one for one in last.values() if one.valid_until < periods.add_months(on, 1)]
