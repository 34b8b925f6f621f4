"""The family's own way to take a consent back: a link that works once and needs no account.

The secret is in the address, so it is nowhere else: the database keeps its SHA-256, and `cms.logs` keeps it out of logs.
"""

import datetime as dt
import hashlib
import secrets
from urllib.parse import urljoin

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from wagtail.log_actions import log

from recordings import withdrawal
from recordings.models import Consent, Withdrawal, WithdrawalLink
from supervision.models import User


class LinkRefused(Exception):
    """The link cannot be made or does not work. `link` is there when it once was one of ours."""

    def __init__(self, message: str, link: WithdrawalLink | None = None) -> None:
        super().__init__(message)
        self.link = link


@transaction.atomic
def make(*, consent: Consent, by: User, now: dt.datetime) -> str:
    """Makes a link and gives its secret, this once. Links made before stop working. Raises LinkRefused."""
    locked = Consent.objects.select_for_update().get(pk=consent.pk)
    if locked.withdrawn_at is not None:
        raise LinkRefused("This consent has been withdrawn. There is nothing left to withdraw.")
    WithdrawalLink.objects.filter(consent=locked, used_at__isnull=True, revoked_at__isnull=True).update(revoked_at=now)
    token = secrets.token_urlsafe(32)
    link = WithdrawalLink.objects.create(consent=locked, token_hash=_hash(token), made_at=now, made_by=by)
    log(instance=locked, action="recordings.withdrawal_link", user=by, data={"link": link.pk})
    return token


def find(token: str) -> WithdrawalLink:
    """The link behind a secret, if it still works. Raises LinkRefused."""
    link = WithdrawalLink.objects.select_related("consent__family__team").filter(token_hash=_hash(token)).first()
    if link is None:
        raise LinkRefused("This link is not one of ours. Check that the whole address was copied.")
    if link.used_at is not None:
        raise LinkRefused("This link has been used.", link)
    if link.consent.withdrawn_at is not None:
        raise LinkRefused("The consent has already been withdrawn.", link)
    if link.revoked_at is not None:
        raise LinkRefused("A newer link has taken the place of this one.", link)
    return link


def use(*, token: str, now: dt.datetime) -> Withdrawal:
    """Withdraws the consent of the link, for everybody. Works once, also under two requests at once. Raises LinkRefused."""
    link = find(token)
    return withdrawal.withdraw(consent=link.consent, channel=Withdrawal.Channel.LINK, by=None, now=now, first=lambda: _spend(link, now))


def _spend(link: WithdrawalLink, now: dt.datetime) -> None:
    """In the transaction that closes the consent: who comes second finds the link spent."""
    still_good = WithdrawalLink.objects.filter(pk=link.pk, used_at__isnull=True, revoked_at__isnull=True)
    if not still_good.update(used_at=now):
        link.refresh_from_db()
        raise LinkRefused("This link has been used.", link)


def is_good(token: str, consent: Consent) -> bool:
    """Whether the secret belongs to that consent and still works: for printing it once more on the page that made it."""
    good = WithdrawalLink.objects.filter(consent=consent, used_at__isnull=True, revoked_at__isnull=True, consent__withdrawn_at__isnull=True)
    return good.filter(token_hash=_hash(token)).exists()


def address(token: str) -> str:
    """The full address, for paper."""
    return urljoin(settings.SITE_URL, reverse("recordings:withdraw-by-link", args=[token]))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
