"""The family's own way to take a consent back: a link that works once and needs no account.

Several may have been given out, to two caregivers and a young person say; each works until the consent is taken back. Taking back
a single purpose does not use a link up: whoever asks for less must not lose the way to the rest. The secret is in the address, so it is nowhere else: the database keeps its SHA-256, and `cms.logs` keeps it out of logs.
"""

import datetime as dt
import hashlib
import secrets
from collections.abc import Collection
from urllib.parse import urljoin

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from wagtail.log_actions import log

from recordings import narrowing, withdrawal
from recordings.models import Consent, PurposeWithdrawal, Withdrawal, WithdrawalLink
from supervision.models import User


class LinkRefused(Exception):
    """The link cannot be made or does not work. `link` is there when it once was one of ours."""

    def __init__(self, message: str, link: WithdrawalLink | None = None) -> None:
        super().__init__(message)
        self.link = link


@transaction.atomic
def make(*, consent: Consent, by: User, now: dt.datetime) -> str:
    """Makes a link and gives its secret, this once. Links made before go on working. Raises LinkRefused."""
    locked = Consent.objects.select_for_update().get(pk=consent.pk)
    if locked.withdrawn_at is not None:
        raise LinkRefused("This consent has been withdrawn. There is nothing left to withdraw.")
    token = secrets.token_urlsafe(32)
    link = WithdrawalLink.objects.create(consent=locked, token_hash=_hash(token), made_at=now, made_by=by)
    log(instance=locked, action="recordings.withdrawal_link", user=by, data={"link": link.pk})
    return token


@transaction.atomic
def end_all(*, consent: Consent, by: User, now: dt.datetime) -> int:
    """Ends all links given out for the consent, as when a paper was lost. Nothing is taken back by it. Again: no change. How many."""
    locked = Consent.objects.select_for_update().get(pk=consent.pk)
    ended = working(locked).update(revoked_at=now)
    if ended:
        log(instance=locked, action="recordings.withdrawal_links_end", user=by, data={"links": ended})
    return ended


def working(consent: Consent) -> QuerySet[WithdrawalLink]:
    """The links given out for the consent that work today, oldest first."""
    good = WithdrawalLink.objects.filter(consent=consent, used_at__isnull=True, revoked_at__isnull=True, consent__withdrawn_at__isnull=True)
    return good.order_by("made_at", "pk")


def find(token: str) -> WithdrawalLink:
    """The link behind a secret, if it still works. Raises LinkRefused."""
    link = WithdrawalLink.objects.select_related("consent__family__team").filter(token_hash=_hash(token)).first()
    if link is None:
        raise LinkRefused("This link is not one of ours. Check that the whole address was copied.")
    if why := _why_over(link):
        raise LinkRefused(why, link)
    return link


def _why_over(link: WithdrawalLink) -> str:
    if link.used_at is not None:
        return "This link has been used."
    if link.consent.withdrawn_at is not None:
        return "The consent has already been withdrawn."
    if link.revoked_at is not None:
        return "The service has ended this link, because a paper with one was lost."
    return ""


def use(*, token: str, now: dt.datetime, is_everything: bool = True) -> Withdrawal:
    """Withdraws the consent of the link, for everybody, and with `is_everything` every other consent of the family. Works once, also
    under two requests at once. Raises LinkRefused, withdrawal.Unfinished."""
    link = find(token)
    return withdrawal.withdraw(
        consent=link.consent,
        channel=Withdrawal.Channel.LINK,
        by=None,
        now=now,
        is_everything=is_everything,
        first=lambda: _spend(link, now),
    )


def narrow(*, token: str, purposes: Collection[str], now: dt.datetime, is_everything: bool = True) -> list[PurposeWithdrawal]:
    """Takes single purposes back; the link goes on working. Raises LinkRefused, narrowing.NarrowingRefused, withdrawal.Unfinished."""
    link = find(token)
    return narrowing.narrow(
        consent=link.consent, purposes=purposes, channel=Withdrawal.Channel.LINK, by=None, now=now, is_everything=is_everything
    )


def _spend(link: WithdrawalLink, now: dt.datetime) -> None:
    """In the transaction that closes the consent: who comes second finds the link spent."""
    if not working(link.consent).filter(pk=link.pk).update(used_at=now):
        link = WithdrawalLink.objects.select_related("consent__family__team").get(pk=link.pk)
        raise LinkRefused(_why_over(link), link)


def is_good(token: str, consent: Consent) -> bool:
    """Whether the secret belongs to that consent and still works: for printing it once more on the page that made it."""
    return working(consent).filter(token_hash=_hash(token)).exists()


def address(token: str) -> str:
    """The full address, for paper."""
    return urljoin(settings.SITE_URL, reverse("recordings:withdraw-by-link", args=[token]))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
