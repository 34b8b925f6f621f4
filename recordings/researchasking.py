"""Research exports with words or voice prints take two people: one information governance lead asks, another agrees.

Families agreed to figures "without words or names". Whoever asks for more names the approval that covers it; the second
person looks at that approval, which no machine can. What was agreed to can be made once, by the one who asked.
"""

import datetime as dt
import uuid

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from wagtail.log_actions import log

from recordings.models import ResearchExport, ResearchRequest
from supervision.models import Membership, Programme, User

AGREE_WITHIN_DAYS = 14
MAKE_WITHIN_DAYS = 14
NOBODY_ELSE = "Nobody else is an information governance lead today, so nobody can agree. Have a second person invited to that role first."
NEEDS_TWO = (
    "An export with words or voice prints takes two information governance leads: one asks, another agrees. "
    "Ask for it, or leave out words and voice prints."
)


class AskingRefused(Exception):
    """A request cannot be made, agreed to, closed or used like this; str() says why."""


def lacks_second(by: User, *, on: dt.date) -> str:
    """Why nobody could agree to what this person asks for; empty where somebody could."""
    others = Membership.objects.on(on).filter(role=Membership.Role.IG_LEAD, user__is_active=True).exclude(user=by)
    return "" if others.exists() else NOBODY_ELSE


@transaction.atomic
def ask(
    *,
    programme: Programme,
    since: dt.date,
    until: dt.date,
    reason: str,
    approval: str,
    with_text: bool,
    with_voices: bool,
    by: User,
    now: dt.datetime,
) -> ResearchRequest:
    """Asks a second person. Raises AskingRefused."""
    if not with_text and not with_voices:
        raise AskingRefused("Figures alone need no second person. Make the export.")
    if not approval.strip():
        raise AskingRefused("Give the reference of the approval. Without one, leave out words and voice prints.")
    request = ResearchRequest.objects.create(
        programme=programme,
        sessions_from=since,
        sessions_until=until,
        reason=reason.strip(),
        approval=approval.strip(),
        with_text=with_text,
        with_voices=with_voices,
        asked_at=now,
        asked_by=by,
    )
    log(instance=request, action="recordings.research_ask", user=by, data={"with_text": with_text, "with_voices": with_voices})
    return request


@transaction.atomic
def agree(*, request: ResearchRequest, by: User, now: dt.datetime) -> ResearchRequest:
    """The second person's yes, never the asker's own. Raises AskingRefused."""
    locked = _locked(request.pk)
    if by.pk == locked.asked_by_id:
        raise AskingRefused("You asked for this export yourself. A second information governance lead has to agree to it.")
    if locked.agreed_at is not None:
        raise AskingRefused("This export has been agreed to already.")
    _refuse_over(locked, timezone.localdate(now))
    locked.agreed_at, locked.agreed_by = now, by
    locked.save(update_fields=["agreed_at", "agreed_by"])
    log(instance=locked, action="recordings.research_agree", user=by, data={"request": str(locked.pk)})
    return locked


@transaction.atomic
def close(*, request: ResearchRequest, by: User, now: dt.datetime) -> ResearchRequest:
    """Turned down by the second person, or taken back. Raises AskingRefused."""
    locked = _locked(request.pk)
    _refuse_over(locked, timezone.localdate(now))
    locked.closed_at, locked.closed_by = now, by
    locked.save(update_fields=["closed_at", "closed_by"])
    log(instance=locked, action="recordings.research_close", user=by, data={"request": str(locked.pk)})
    return locked


def use(request_id: uuid.UUID, export: ResearchExport, *, by: User, on: dt.date) -> None:
    """Hangs the export on its request, in the transaction that keeps it. Raises AskingRefused."""
    locked = _locked(request_id)
    check_usable(locked, by=by, on=on)
    locked.export = export
    locked.save(update_fields=["export"])


def check_usable(request: ResearchRequest, *, by: User, on: dt.date) -> None:
    """Raises AskingRefused."""
    if request.agreed_at is None:
        raise AskingRefused("Nobody has agreed to this export yet.")
    if request.asked_by_id != by.pk:
        raise AskingRefused("Only the person who asked for this export can make it.")
    _refuse_over(request, on)


def _refuse_over(request: ResearchRequest, on: dt.date) -> None:
    if request.export_id is not None:
        raise AskingRefused("This export has been made. For another one, ask again.")
    if request.closed_at is not None:
        raise AskingRefused("This request is closed. Ask again if the export is still needed.")
    if on > last_day(request):
        raise AskingRefused("This request has lapsed. Ask again if the export is still needed.")


def last_day(request: ResearchRequest) -> dt.date:
    """The last day on which it can be agreed to or, once agreed to, made."""
    if request.agreed_at is not None:
        return timezone.localdate(request.agreed_at) + dt.timedelta(days=MAKE_WITHIN_DAYS)
    return timezone.localdate(request.asked_at) + dt.timedelta(days=AGREE_WITHIN_DAYS)


def word(request: ResearchRequest, *, on: dt.date) -> tuple[str, str]:
    """Its state on that day in a word or two, and the tone of the tag."""
    if request.export_id is not None:
        return "Made", "done"
    if request.closed_at is not None:
        return "Closed", "none"
    if on > last_day(request):
        return "Lapsed", "none"
    return ("Agreed", "progress") if request.agreed_at else ("Waits for agreement", "due")


def is_open(request: ResearchRequest, *, on: dt.date) -> bool:
    return request.export_id is None and request.closed_at is None and on <= last_day(request)


def open_requests(*, on: dt.date) -> list[ResearchRequest]:
    """Those that wait for an agreement or for being made, the oldest first."""
    rows: QuerySet[ResearchRequest] = ResearchRequest.objects.filter(export__isnull=True, closed_at__isnull=True)
    return [row for row in rows.select_related("programme", "asked_by", "agreed_by").order_by("asked_at", "pk") if is_open(row, on=on)]


def _locked(pk: uuid.UUID) -> ResearchRequest:
    return ResearchRequest.objects.select_for_update(of=("self",)).select_related("programme").get(pk=pk)
