"""Certifications: somebody else looks at how a rater compares with gold, and says until when that rater rates with an instrument."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from wagtail.log_actions import log

from recordings import calibration
from recordings.models import Assignment, Certification
from supervision import periods
from supervision.agreement import calibration as against
from supervision.agreement import drift
from supervision.models import Instrument, Item, Membership, User

VALID_MONTHS = 6


class CertificationRefused(Exception):
    """The rater cannot be certified like this; str() says why."""


@dataclass(frozen=True)
class Report:
    """A rater against gold. `items` pairs each item with its figures; `leanings` is the mean of score minus gold of each exercise,
    in points, in the order of time, and `chart` the drift chart over them."""

    rater: User
    instrument: Instrument
    exercises: list[Assignment]
    items: list[tuple[Item, against.AgainstGold]]
    overall: against.AgainstGold
    leanings: list[tuple[Assignment, float]]
    chart: drift.Chart


def report(rater: User, instrument: Instrument) -> Report:
    """The rater's submitted exercises with that instrument against gold; nothing of those that are still open."""
    done = calibration.done(rater, instrument)
    pairs: dict[str, list[against.Pair]] = {}
    leanings = []
    for exercise, scores in done:
        for key, pair in scores.items():
            pairs.setdefault(key, []).append(pair)
        known = [given - gold for given, gold in scores.values() if given is not None and gold is not None]
        if known:
            leanings.append((exercise, sum(known) / len(known)))
    items = Item.objects.filter(instrument=instrument).order_by("position", "pk")
    figures = against.by_item(pairs)
    return Report(
        rater,
        instrument,
        [exercise for exercise, _ in done],
        [(item, figures[item.key]) for item in items if item.key in figures],
        against.against_gold([pair for found in pairs.values() for pair in found]),
        leanings,
        drift.chart([value for _, value in leanings]),
    )


def basis(found: Report) -> dict[str, Any]:
    """What a certification rests on, as numbers that outlive the recordings."""
    whole = found.overall
    return {
        "exercises": len(found.exercises),
        "scores": whole.exact.n_units,
        "exact": whole.exact.value,
        "exact_interval": [whole.exact.low, whole.exact.high],
        "within_one": whole.within_one.value,
        "bias": whole.bias.value,
        "bias_interval": [whole.bias.low, whole.bias.high],
        "bias_by_item": {item.key: figures.bias.value for item, figures in found.items},
    }


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
    """Certifies for six calendar months from today, on what the report says now. Raises CertificationRefused."""
    if not may_certify(by, rater):
        raise CertificationRefused("A rater is certified by another consultant, or a supervisor, of the programme.")
    found = report(rater, instrument)
    if not found.exercises:
        raise CertificationRefused("There is no exercise to go by. Give the rater a gold recording first.")
    today = timezone.localdate(now)
    made = Certification.objects.create(
        rater=rater,
        instrument=instrument,
        certified_on=today,
        valid_until=periods.last_valid_day(today, VALID_MONTHS),
        basis=basis(found),
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
