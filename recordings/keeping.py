"""How long a recording is kept: the programme's retention, extensions with a reason, and warnings beforehand.

Legal holds, which block destruction and change nothing else, are in `legalhold.py`; destroying is in `destruction.py`.
"""

import datetime as dt
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Min, OuterRef, Q, QuerySet, Subquery
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from wagtail.log_actions import log

from recordings.legalhold import Held, held_among, is_held
from recordings.models import Recording, RetentionExtension, RetentionWarning, Review
from supervision.models import Membership, User

__all__ = ["WARN_DAYS", "Due", "Held", "KeepingRefused", "due_by", "due_on", "due_soon", "extend", "is_held", "is_over", "warn"]

WARN_DAYS = 7
LONGEST_DAYS = 365  # from the upload; whatever must be kept longer needs a legal hold
_RESTING, _REST_SECONDS = "recordings:warning-mail-failed", 600

logger = logging.getLogger("recordings.keeping")


class KeepingRefused(Exception):
    """A recording cannot be kept like this; str() says why."""


# The day


def reckoned(
    uploaded_on: dt.date, released_on: dt.date | None, extended_until: dt.date | None, *, after_upload: int, after_release: int
) -> dt.date:
    """The day of destruction: so many days after the first released review, but never later than so many after the upload;
    and not before the day to which somebody has extended it."""
    due = uploaded_on + dt.timedelta(days=after_upload)
    if released_on is not None:
        due = min(due, released_on + dt.timedelta(days=after_release))
    return max(due, extended_until) if extended_until else due


def with_dates(recordings: QuerySet[Recording]) -> QuerySet[Recording]:
    """Annotates `released_at` and `extended_until`, from which `due_on` then reckons without asking again."""
    latest = RetentionExtension.objects.filter(recording=OuterRef("pk")).order_by("-made_at", "-pk").values("until")[:1]
    return recordings.annotate(released_at=Min("reviews__released_at"), extended_until=Subquery(latest))


def _released_on(recording: Recording) -> dt.date | None:
    if "released_at" in recording.__dict__:
        moment = recording.__dict__["released_at"]
    else:
        moment = Review.objects.filter(recording=recording).aggregate(first=Min("released_at"))["first"]
    return timezone.localdate(moment) if moment else None


def _extended_until(recording: Recording) -> dt.date | None:
    if "extended_until" in recording.__dict__:
        until: dt.date | None = recording.__dict__["extended_until"]
        return until
    latest = RetentionExtension.objects.filter(recording=recording).order_by("-made_at", "-pk").first()
    return latest.until if latest else None


def due_on(recording: Recording) -> dt.date:
    """The day on which it will be destroyed, holds apart."""
    return _due(recording, _extended_until(recording))


def _due(recording: Recording, extended_until: dt.date | None) -> dt.date:
    programme = recording.team.programme
    return reckoned(
        timezone.localdate(recording.uploaded_at),
        _released_on(recording),
        extended_until,
        after_upload=programme.retention_days_after_upload,
        after_release=programme.retention_days_after_release,
    )


def is_over(recording: Recording, *, on: dt.date) -> bool:
    """Whether its time is up: from then on nobody hears it, although a hold or a worker that is down may still keep it."""
    programme = recording.team.programme
    shortest = min(programme.retention_days_after_upload, programme.retention_days_after_release)
    if on < timezone.localdate(recording.uploaded_at) + dt.timedelta(days=shortest):
        return False  # a release comes after the upload: no need to ask
    return due_on(recording) <= on


def due_by(day: dt.date, *, among: QuerySet[Recording] | None = None) -> list[tuple[dt.date, Recording]]:
    """The kept recordings whose time is up on that day or before, with the day of each; the earliest first."""
    kept = Recording.objects.kept() if among is None else among.kept()  # type: ignore[attr-defined]
    shortest = kept.aggregate(
        upload=Min("team__programme__retention_days_after_upload"), release=Min("team__programme__retention_days_after_release")
    )
    if shortest["upload"] is None:
        return []
    late = timezone.make_aware(dt.datetime.combine(day + dt.timedelta(days=2), dt.time()))  # a day to spare: zones and clocks
    perhaps = (
        with_dates(kept)
        .filter(
            Q(uploaded_at__lte=late - dt.timedelta(days=shortest["upload"]))
            | Q(released_at__lte=late - dt.timedelta(days=shortest["release"]))
        )
        .select_related("team__programme", "consent", "therapist", "family")
    )
    dated = [(due_on(row), row) for row in perhaps.order_by("uploaded_at", "pk")]
    return sorted((pair for pair in dated if pair[0] <= day), key=lambda pair: pair[0])


# Keeping it longer


def latest_day(recording: Recording) -> dt.date:
    """How far an extension may reach."""
    return timezone.localdate(recording.uploaded_at) + dt.timedelta(days=LONGEST_DAYS)


@transaction.atomic
def extend(*, recording: Recording, until: dt.date, reason: str, by: User, now: dt.datetime) -> RetentionExtension:
    """Moves the day of destruction to `until`. Raises KeepingRefused."""
    locked = Recording.objects.select_for_update(of=("self",)).select_related("team__programme", "consent").get(pk=recording.pk)
    today = timezone.localdate(now)
    reason = reason.strip()
    ordinary, current, limit = _due(locked, None), due_on(locked), latest_day(locked)
    if locked.state == Recording.State.DESTROYED or locked.consent.withdrawn_at is not None or current <= today:
        raise KeepingRefused("This recording is destroyed, or is about to be. It cannot be kept any longer.")
    if not reason:
        raise KeepingRefused("Say why it is kept longer.")
    if until <= max(ordinary, today):
        raise KeepingRefused(f"By the programme's rule it is kept until {_day(ordinary)}. Enter a later day.")
    if until == current:
        raise KeepingRefused(f"It is kept until {_day(current)} already. Enter another day.")
    if until > limit:
        raise KeepingRefused(
            f"A recording is kept for a year after its upload at the most: until {_day(limit)}. "
            "If the law asks for more, ask for a legal hold."
        )
    extension = RetentionExtension.objects.create(recording=locked, until=until, reason=reason, made_at=now, made_by=by)
    log(instance=locked, action="recordings.extend", user=by, data={"extension": extension.pk, "until": until.isoformat()})
    return extension


# Telling people beforehand


@dataclass(frozen=True)
class Due:
    """A recording that will be destroyed soon."""

    recording: Recording
    on: dt.date
    days: int

    @property
    def words(self) -> str:
        return f"Will be destroyed on {date_format(self.on, 'j F')}, {in_days(self.days)}"


def in_days(days: int) -> str:
    """ "in 5 days", counted from today."""
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


def _coming(on: dt.date, *, among: QuerySet[Recording] | None = None) -> list[Due]:
    """Those that will really go: not withdrawn (those go at once), not kept by a hold, not overdue (they go now)."""
    dated = [(day, row) for day, row in due_by(on + dt.timedelta(days=WARN_DAYS), among=among) if day > on]
    held = held_among([row for _, row in dated], on=on)
    return [Due(row, day, (day - on).days) for day, row in dated if row.consent.withdrawn_at is None and row.pk not in held]


def due_soon(user: User, on: dt.date) -> list[Due]:
    """What will be destroyed within a week of that day, of the person's own recordings and of those of the teams they
    supervise; the earliest first."""
    held = Membership.objects.of(user).on(on)
    supervises = held.filter(role__in=Membership.SUPERVISORS).values("team")
    works = held.filter(role__in=[Membership.Role.THERAPIST, *Membership.SUPERVISORS]).values("team")
    return _coming(on, among=Recording.objects.filter(Q(team__in=supervises) | Q(therapist=user, team__in=works)))


def soon_among(recordings: QuerySet[Recording], on: dt.date) -> dict[object, Due]:
    """Recording id to its coming destruction within a week, for a list."""
    return {due.recording.pk: due for due in _coming(on, among=recordings)}


def warn(*, now: dt.datetime) -> int:
    """Tells by e-mail, once, whoever may keep a recording longer or hear it once more. Returns how many e-mails went out.

    The e-mail holds a count, a day and a link: nothing about a family. Where it cannot be sent it is tried again ten
    minutes later. The mark is set before sending, so that two passes at once send once.
    """
    if cache.get(_RESTING):
        return 0
    sent = 0
    today = timezone.localdate(now)
    for person, dues in _to_tell(_coming(today), on=today):
        fresh = _mark(person, dues, now)
        if not fresh:
            continue
        try:
            _send(person, fresh)
        except Exception as error:  # noqa: BLE001 (whatever a mail server can do)
            RetentionWarning.objects.filter(person=person, sent_at=now, recording__in=[due.recording for due in fresh]).delete()
            cache.set(_RESTING, True, _REST_SECONDS)
            logger.warning("A warning about retention could not be sent: %s", type(error).__name__)
        else:
            sent += 1
    return sent


def _to_tell(dues: Iterable[Due], *, on: dt.date) -> list[tuple[User, list[Due]]]:
    """The therapist of each, while in the team, and the team's supervisors."""
    dues = list(dues)
    roles = (Membership.Role.THERAPIST, *Membership.SUPERVISORS)
    current = Membership.objects.on(on).filter(team__in={due.recording.team_id for due in dues}, role__in=roles)
    people: dict[User, list[Due]] = {}
    for membership in current.select_related("user").order_by("user__pk", "pk"):
        for due in dues:
            is_theirs = membership.role in Membership.SUPERVISORS or membership.user_id == due.recording.therapist_id
            if due.recording.team_id == membership.team_id and is_theirs and due not in people.setdefault(membership.user, []):
                people[membership.user].append(due)
    return [(person, theirs) for person, theirs in people.items() if theirs]


@transaction.atomic
def _mark(person: User, dues: list[Due], now: dt.datetime) -> list[Due]:
    """Notes that the person is being told, and returns what they had not been told of yet."""
    fresh = []
    for due in dues:
        _, is_new = RetentionWarning.objects.get_or_create(recording=due.recording, due_on=due.on, person=person, defaults={"sent_at": now})
        if is_new:
            fresh.append(due)
    return fresh


def _send(person: User, dues: list[Due]) -> None:
    link = f"{settings.SITE_URL.rstrip('/')}{reverse('recordings:list')}?state=due"
    text = render_to_string(
        "recordings/retention_email.txt",
        {"person": person, "count": len(dues), "first_on": min(due.on for due in dues), "days": WARN_DAYS, "link": link},
    )
    subject = "Plumbline: a recording will be destroyed soon" if len(dues) == 1 else "Plumbline: recordings will be destroyed soon"
    send_mail(subject, text, None, [person.email])


def _day(day: dt.date) -> str:
    return date_format(day, "j F Y")
