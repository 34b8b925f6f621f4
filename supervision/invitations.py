"""Invitations: the only way to an account. The link's token is shown once and kept as a hash."""

import datetime as dt
import hashlib
import secrets

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.db import IntegrityError, models, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from wagtail.log_actions import log

from supervision import teams
from supervision.models import Invitation, Membership, Team, User
from supervision.periods import say


class InvitationRefused(Exception):
    """The invitation cannot be made or used; the text says why and what to do."""


@transaction.atomic
def invite(
    *,
    email: str,
    first_name: str,
    last_name: str,
    team: Team | None,
    role: str,
    starts_on: dt.date,
    ends_on: dt.date | None = None,
    by: User,
    now: dt.datetime,
) -> tuple[Invitation, str]:
    """Make an invitation and send it by e-mail once the transaction is through. Gives the token too, for handing over.

    Somebody who has an account is invited in the same way; accepting then adds the membership. Raises InvitationRefused.
    """
    email = email.strip().lower()
    if role == Membership.Role.BACKUP_SUPERVISOR and ends_on is None:
        raise InvitationRefused("Cover needs a last day.")
    if ends_on is not None and ends_on < starts_on:
        raise InvitationRefused("The last day cannot come before the first.")
    if ends_on is not None and ends_on < timezone.localdate(now):
        raise InvitationRefused("The last day has passed.")
    if team is None and role not in Membership.SERVICE_WIDE:
        raise InvitationRefused("Choose the team.")
    User.objects.select_for_update(no_key=True).get(pk=by.pk)  # a form sent twice makes one
    if pending(team).filter(email=email, role=role, expires_at__gt=now).exists():
        raise InvitationRefused(f"An invitation for this role is on its way to {email} already. Send it again, or cancel it first.")
    token = secrets.token_urlsafe(32)
    invitation = Invitation(
        email=email,
        first_name=first_name.strip(),
        last_name=last_name.strip(),
        team=team,
        role=role,
        starts_on=starts_on,
        ends_on=ends_on,
        token_hash=_hash(token),
        invited_at=now,
        invited_by=by,
        expires_at=now + dt.timedelta(days=settings.INVITATION_DAYS),
    )
    try:
        invitation.clean_fields(exclude={"team", "invited_by"})
    except ValidationError as error:
        raise InvitationRefused(" ".join(_said(*wrong) for wrong in error.message_dict.items())) from None
    invitation.save(force_insert=True)
    log(instance=invitation, action="supervision.invited", user=by, data={"team": team.pk if team else None, "role": role})
    _send(invitation, token)
    return invitation, token


@transaction.atomic
def resend(*, invitation: Invitation, by: User, now: dt.datetime) -> str:
    """Send a new link, good for the full time again; the old link ends. Gives the new token. Raises InvitationRefused."""
    token = secrets.token_urlsafe(32)
    fresh = Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True, cancelled_at__isnull=True).update(
        token_hash=_hash(token), expires_at=now + dt.timedelta(days=settings.INVITATION_DAYS)
    )
    if not fresh:
        raise InvitationRefused("This invitation has been used or cancelled. Make a new one.")
    invitation.refresh_from_db()
    log(instance=invitation, action="supervision.invitation_resent", user=by)
    _send(invitation, token)
    return token


@transaction.atomic
def cancel(*, invitation: Invitation, by: User, now: dt.datetime) -> None:
    """End the link at once. Raises InvitationRefused."""
    if not Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True, cancelled_at__isnull=True).update(cancelled_at=now):
        raise InvitationRefused("This invitation has been used or cancelled already.")
    log(instance=invitation, action="supervision.invitation_cancelled", user=by)


def find(token: str, *, now: dt.datetime) -> Invitation:
    """The invitation behind a link. Raises InvitationRefused for a link that is unknown, used, cancelled or too old."""
    invitation = Invitation.objects.select_related("team__programme", "invited_by").filter(token_hash=_hash(token)).first()
    if invitation is None:
        raise InvitationRefused("This link is not one of ours, or a newer one has taken its place. Look for the latest e-mail.")
    if invitation.accepted_at is not None:
        raise InvitationRefused("This invitation has been used. Sign in with your e-mail address and password.")
    inviter = invitation.inviter
    if invitation.cancelled_at is not None:
        raise InvitationRefused(f"This invitation was cancelled. Ask {inviter} if you think that is wrong.")
    if invitation.expires_at <= now:
        raise InvitationRefused(
            f"This invitation ran out on {say(timezone.localdate(invitation.expires_at))}. Ask {inviter} to send it again."
        )
    if invitation.ends_on is not None and invitation.ends_on < timezone.localdate(now):
        raise InvitationRefused(
            f"This was for cover until {say(invitation.ends_on)}, which has passed. Ask {inviter} for a new invitation."
        )
    return invitation


def account_of(invitation: Invitation) -> User | None:
    """The account that the invitation's address has already, if any."""
    return User.objects.filter(email__iexact=invitation.email).first()


@transaction.atomic
def accept(*, token: str, password: str, now: dt.datetime) -> User:
    """Make the account and give it the invited role. Raises InvitationRefused, also when the address has an account."""
    invitation = find(token, now=now)
    if account_of(invitation):
        raise InvitationRefused("You have an account already. Sign in first; then this link adds the new role.")
    try:
        with transaction.atomic():
            user = User.objects.create_user(invitation.email, password, first_name=invitation.first_name, last_name=invitation.last_name)
    except IntegrityError:
        raise InvitationRefused("You have an account already. Sign in first; then this link adds the new role.") from None
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    _use(invitation, user, now=now)
    return user


@transaction.atomic
def join(*, token: str, user: User, now: dt.datetime) -> Membership:
    """Give the invited role to a signed-in person whose address it is. Raises InvitationRefused."""
    invitation = find(token, now=now)
    if user.email.lower() != invitation.email.lower():
        raise InvitationRefused("This invitation is for another e-mail address. Sign out, and sign in with the address it was sent to.")
    return _use(invitation, user, now=now)


def _use(invitation: Invitation, user: User, *, now: dt.datetime) -> Membership:
    used = Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True, cancelled_at__isnull=True).update(
        accepted_at=now, accepted_by=user
    )
    if not used:
        raise InvitationRefused("This invitation has been used. Sign in with your e-mail address and password.")
    try:
        membership = teams.add_member(
            team=invitation.team,
            user=user,
            role=invitation.role,
            starts_on=invitation.starts_on,
            ends_on=invitation.ends_on,
            by=invitation.invited_by,
            now=now,
        )
    except teams.MembershipError as error:
        raise InvitationRefused(str(error)) from None
    log(instance=invitation, action="supervision.invitation_accepted", user=user, data={"membership": membership.pk})
    return membership


def pending(team: Team | None) -> models.QuerySet[Invitation]:
    """Neither used nor cancelled, the run-out ones included."""
    return Invitation.objects.filter(team=team, accepted_at__isnull=True, cancelled_at__isnull=True)


def link(token: str) -> str:
    """The address to hand over. It comes from SITE_URL, never from the request's own host."""
    return f"{settings.SITE_URL.rstrip('/')}{reverse('supervision:invitation-accept', args=[token])}"


def _said(field: str, wrong: list[str]) -> str:
    label = str(Invitation._meta.get_field(field).verbose_name)  # type: ignore[union-attr]
    return f"{label.capitalize()}: {' '.join(wrong)}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _send(invitation: Invitation, token: str) -> None:
    place = invitation.team.name if invitation.team else "Plumbline"
    text = render_to_string(
        "supervision/invitation_email.txt",
        {
            "invitation": invitation,
            "role": Membership.Role(invitation.role).label,
            "place": place,
            "link": link(token),
            "days": settings.INVITATION_DAYS,
        },
    )
    # Robust: a mail server that is down must not undo the invitation; the page shows the link for handing over.
    transaction.on_commit(lambda: send_mail(f"Plumbline: your invitation to {place}", text, None, [invitation.email]), robust=True)
