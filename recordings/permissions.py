"""Who may do what with consents and recordings. Who may know of them at all is `visible_to` on their querysets."""

import datetime as dt

from django.utils import timezone

from recordings import consent as consents
from recordings.models import Consent, Purpose, Recording
from supervision.models import FamilyReference, Membership, Team, User

_MEMBER = (Membership.Role.THERAPIST, *Membership.SUPERVISORS)


def _holds(user: User, team: Team | int, *roles: str, on: dt.date | None = None) -> bool:
    team_id = team if isinstance(team, int) else team.pk
    return Membership.objects.of(user).on(on or timezone.localdate()).filter(team_id=team_id, role__in=roles).exists()


def _governs(user: User) -> bool:
    return Membership.objects.of(user).on(timezone.localdate()).filter(role=Membership.Role.IG_LEAD).exists()


def can_upload(user: User, family: FamilyReference) -> bool:
    """The family's therapist while in its team, and the team's supervisors; while the family is open."""
    if family.closed_on is not None and family.closed_on < timezone.localdate():
        return False
    if family.therapist_id == user.pk and _holds(user, family.team_id, *_MEMBER):
        return True
    return _holds(user, family.team_id, *Membership.SUPERVISORS)


def can_record_consent(user: User, family: FamilyReference) -> bool:
    """As for uploading: whoever may send a session may write down the consent to it."""
    return can_upload(user, family)


def can_listen(user: User, recording: Recording) -> bool:
    """The therapist to an own recording; those who lead the team, if everybody heard agreed to that. Only while the consent holds."""
    if recording.state == Recording.State.DESTROYED:
        return False
    today = timezone.localdate()
    if recording.therapist_id == user.pk and _holds(user, recording.team_id, *_MEMBER):
        return consents.covers(recording.consent, Purpose.RECORD, on=today)
    if _holds(user, recording.team_id, *Membership.LEADS):
        return all(consents.covers(recording.consent, purpose, on=today) for purpose in (Purpose.RECORD, Purpose.REVIEW))
    return False


def can_read(user: User, recording: Recording) -> bool:
    """The transcript: whoever may listen, if everybody heard agreed to its being made."""
    return can_listen(user, recording) and consents.covers(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate())


def can_review(user: User, recording: Recording) -> bool:
    """A consultant of the team, of somebody else's recording."""
    if recording.therapist_id == user.pk or not _holds(user, recording.team_id, Membership.Role.CONSULTANT):
        return False
    return can_listen(user, recording)


def can_withdraw(user: User, consent: Consent) -> bool:
    """The family's therapist, the team's supervisors, the information governance lead: whoever the family happens to reach."""
    family = consent.family
    if family.therapist_id == user.pk and _holds(user, family.team_id, *_MEMBER):
        return True
    return _holds(user, family.team_id, *Membership.SUPERVISORS) or _governs(user)


def can_retry(user: User, recording: Recording) -> bool:
    """After processing stopped: the recording's therapist and the team's supervisors."""
    return recording.state == Recording.State.FAILED and _works_on(user, recording)


def can_delete(user: User, recording: Recording) -> bool:
    """An upload by mistake: its therapist until a review has begun, and the team's supervisors."""
    if recording.state == Recording.State.DESTROYED or not _works_on(user, recording):
        return False
    return _holds(user, recording.team_id, *Membership.SUPERVISORS) or not recording.reviews.exists()


def _works_on(user: User, recording: Recording) -> bool:
    if recording.therapist_id == user.pk and _holds(user, recording.team_id, *_MEMBER):
        return True
    return _holds(user, recording.team_id, *Membership.SUPERVISORS)
