"""Legal holds. One person asks, a second agrees; from then until its last day nothing destroys the recording.

A hold keeps, and that is all it does: it opens nothing to anybody. Who could not hear a recording without the hold (because
the consent was taken back, or its time was up) cannot hear it under the hold either: `permissions.can_listen`.

A request blocks destruction too, for three days, so that the second person has time. It does so once for a recording: after
one that nobody agreed to, the next blocks nothing until it is agreed to. So no one person can keep a recording for ever.
"""

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from wagtail.log_actions import log

from recordings import vault
from recordings.models import LegalHold, Recording
from supervision.models import User

AGREE_WITHIN_DAYS = 3
LONGEST_DAYS = 366


class HoldRefused(Exception):
    """A hold cannot be asked for, agreed to or ended like this; str() says why."""


class Held(Exception):
    """The recording cannot be destroyed now; str() says why, and until when."""

    def __init__(self, hold: LegalHold) -> None:
        self.hold = hold
        super().__init__(sentence(hold))


def lapses_on(hold: LegalHold) -> dt.date:
    """The last day on which a request can be agreed to."""
    return timezone.localdate(hold.asked_at) + dt.timedelta(days=AGREE_WITHIN_DAYS)


def blocks_until(hold: LegalHold) -> dt.date:
    """The last day on which it keeps the recording, as things stand."""
    return hold.ends_on if hold.agreed_at else min(hold.ends_on, lapses_on(hold))


def is_held(recording: Recording, on: dt.date) -> LegalHold | None:
    """The hold that keeps the recording from destruction on that day, or the request for one that still does."""
    return held_among([recording], on=on).get(recording.pk)


def held_among(recordings: Iterable[Recording], *, on: dt.date) -> dict[object, LegalHold]:
    """Recording id to what keeps it on that day, for a list, in one query; the hold that lasts longest, and else a request."""
    found: dict[object, LegalHold] = {}
    past_request: set[object] = set()
    for hold in LegalHold.objects.filter(recording__in=list(recordings)).order_by("asked_at", "pk"):
        if hold.agreed_at is None:
            is_first = hold.recording_id not in past_request
            past_request.add(hold.recording_id)
            if is_first and hold.released_at is None and on <= blocks_until(hold):
                found.setdefault(hold.recording_id, hold)
        elif hold.released_at is None and on <= hold.ends_on:
            before = found.get(hold.recording_id)
            if before is None or before.agreed_at is None or before.ends_on <= hold.ends_on:
                found[hold.recording_id] = hold
    return found


def sentence(hold: LegalHold) -> str:
    """Why the recording cannot be destroyed, and until when."""
    last = _day(blocks_until(hold))
    if hold.agreed_at is None:
        return f"A legal hold has been asked for. Until a second person has decided, and until {last} at most, nothing is destroyed."
    return f"A legal hold keeps this recording until {last}. What was due is destroyed once the hold has ended."


@transaction.atomic
def ask(*, recording: Recording, reason: str, ends_on: dt.date, by: User, now: dt.datetime) -> LegalHold:
    """Asks for a hold until that day, inclusive. Raises HoldRefused."""
    today = timezone.localdate(now)
    reason = reason.strip()
    locked = _kept(recording)
    if not reason:
        raise HoldRefused("Say why the recording must be kept.")
    if ends_on < today:
        raise HoldRefused("The last day of the hold lies in the past. Enter today or a later day.")
    if ends_on > today + dt.timedelta(days=LONGEST_DAYS):
        raise HoldRefused("A hold lasts a year at most. Enter an earlier day; another hold can follow.")
    waiting = [hold for hold in LegalHold.objects.awaiting_agreement().filter(recording=locked) if today <= lapses_on(hold)]
    if waiting:
        raise HoldRefused(f"{waiting[0].asked_by} has asked for a hold on this recording already. It waits for a second person to agree.")
    hold = LegalHold.objects.create(recording=locked, reason=reason, ends_on=ends_on, asked_at=now, asked_by=by)
    log(instance=locked, action="recordings.hold_ask", user=by, data={"hold": hold.pk, "until": ends_on.isoformat()})
    return hold


@transaction.atomic
def agree(*, hold: LegalHold, by: User, now: dt.datetime) -> LegalHold:
    """The second person's yes, never the asker's own. Raises HoldRefused."""
    today = timezone.localdate(now)
    locked = _locked(hold)
    if locked.agreed_at is not None:
        raise HoldRefused("This hold has been agreed to already.")
    if locked.released_at is not None:
        raise HoldRefused("This request was turned down or taken back. Ask for a new hold if one is still needed.")
    if by.pk == locked.asked_by_id:
        raise HoldRefused("You asked for this hold yourself. A second person has to agree to it.")
    if today > lapses_on(locked):
        raise HoldRefused(f"Nobody agreed within {AGREE_WITHIN_DAYS} days, so this request has lapsed. Ask for a new hold.")
    if today > locked.ends_on:
        raise HoldRefused("The last day of this hold has passed. Ask for a new one.")
    _kept(locked.recording)
    locked.agreed_at, locked.agreed_by = now, by
    locked.save(update_fields=["agreed_at", "agreed_by"])
    log(instance=locked.recording, action="recordings.hold_agree", user=by, data={"hold": locked.pk})
    return locked


@transaction.atomic
def release(*, hold: LegalHold, by: User, now: dt.datetime) -> LegalHold:
    """Ends a hold early, or turns a request down. What was due is then destroyed at the next `tick`. Raises HoldRefused."""
    locked = _locked(hold)
    if locked.released_at is not None or timezone.localdate(now) > locked.ends_on:
        raise HoldRefused("This hold has ended already.")
    locked.released_at, locked.released_by = now, by
    locked.save(update_fields=["released_at", "released_by"])
    log(instance=locked.recording, action="recordings.hold_release", user=by, data={"hold": locked.pk})
    return locked


def _kept(recording: Recording) -> Recording:
    """The recording, locked against a destruction at the same time: that takes the same lock before it touches the key."""
    locked = Recording.objects.select_for_update().get(pk=recording.pk)
    if locked.state == Recording.State.DESTROYED or not vault.has_key(locked.pk):
        raise HoldRefused("This recording has been destroyed. There is nothing left that a hold could keep.")
    return locked


def _locked(hold: LegalHold) -> LegalHold:
    return LegalHold.objects.select_for_update(of=("self",)).select_related("recording").get(pk=hold.pk)


def word(hold: LegalHold, *, on: dt.date) -> tuple[str, str]:
    """Its state on that day in a word or two, and the tone of the tag."""
    if hold.agreed_at is None:
        if hold.released_at is not None:
            return "Turned down", "none"
        return ("Waits for agreement", "due") if on <= lapses_on(hold) and on <= hold.ends_on else ("Lapsed", "none")
    if hold.released_at is not None:
        return "Ended early", "none"
    return ("In force", "progress") if on <= hold.ends_on else ("Ended", "none")


def rows(holds: Iterable[LegalHold], *, on: dt.date, for_user: User | None = None) -> list[dict[str, object]]:
    """For the pages: each hold, its state in words, and what that person may do about it, of those who decide on holds."""
    found: list[dict[str, object]] = []
    for hold in holds:
        state, tone = word(hold, on=on)
        is_open = for_user is not None and hold.recording.state != Recording.State.DESTROYED
        can_agree = is_open and state == "Waits for agreement" and for_user is not None and for_user.pk != hold.asked_by_id
        can_release = is_open and tone in ("due", "progress")
        found.append(
            {"hold": hold, "word": state, "tone": tone, "lapses_on": lapses_on(hold), "can_agree": can_agree, "can_release": can_release}
        )
    return found


def _day(day: dt.date) -> str:
    return date_format(day, "j F Y")
