"""Who may do what with consents and recordings. Who may know of them at all is `visible_to` on their querysets."""

import datetime as dt

from django.utils import timezone

from recordings import consent as consents
from recordings import keeping
from recordings.models import Consent, LegalHold, Purpose, Recording
from supervision.models import FamilyReference, Membership, Team, User

_MEMBER = (Membership.Role.THERAPIST, *Membership.SUPERVISORS)


def _holds(user: User, team: Team | int, *roles: str, on: dt.date | None = None) -> bool:
    team_id = team if isinstance(team, int) else team.pk
    return Membership.objects.of(user).on(on or timezone.localdate()).filter(team_id=team_id, role__in=roles).exists()


def can_govern(user: User) -> bool:
    """The information governance lead, for the whole service."""
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


def can_keep_names(user: User, family: FamilyReference) -> bool:
    """The names that redaction looks for: the family's therapist while in its team, and the team's supervisors; also after the family is closed."""
    if family.therapist_id == user.pk and _holds(user, family.team_id, *_MEMBER):
        return True
    return _holds(user, family.team_id, *Membership.SUPERVISORS)


def can_hand_out_link(user: User, consent: Consent) -> bool:
    """The family's own link to withdraw: those who may record its consents, for as long as this one stands; also after closing."""
    return consent.withdrawn_at is None and can_keep_names(user, consent.family)


def can_listen(user: User, recording: Recording) -> bool:
    """The therapist to an own recording; those who lead the team, if everybody heard agreed to that. Only while the consent
    holds, and until its time is up: also where a legal hold keeps it, or nobody has come yet to destroy it."""
    today = timezone.localdate()
    if recording.state == Recording.State.DESTROYED or keeping.is_over(recording, on=today):
        return False
    if recording.therapist_id == user.pk and _holds(user, recording.team_id, *_MEMBER):
        return consents.covers(recording.consent, Purpose.RECORD, on=today)
    if _holds(user, recording.team_id, *Membership.LEADS):
        return all(consents.covers(recording.consent, purpose, on=today) for purpose in (Purpose.RECORD, Purpose.REVIEW))
    return False


def can_read(user: User, recording: Recording) -> bool:
    """The transcript: whoever may listen, if everybody heard agreed to its being made."""
    return can_listen(user, recording) and consents.covers(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate())


def can_redact(user: User, recording: Recording) -> bool:
    """To have names muted: whoever may read it, for use outside the team's own supervision, which everybody heard agreed to."""
    today = timezone.localdate()
    outside = any(consents.covers(recording.consent, purpose, on=today) for purpose in (Purpose.TEACH, Purpose.TRAIN_RATERS))
    return recording.state == Recording.State.READY and outside and can_read(user, recording)


def can_edit(user: User, recording: Recording) -> bool:
    """To put the transcript right: whoever may read it. It is one text for all, raters included: they share what was said and
    nothing else, so a review stays blind; annotations hang on time and are not moved by it, submitted or not."""
    return can_read(user, recording)


def can_run_again(user: User, recording: Recording) -> bool:
    """To have it transcribed once more: the recording's therapist and the team's supervisors."""
    return recording.state == Recording.State.READY and _works_on(user, recording) and can_read(user, recording)


def can_see_measures(user: User, recording: Recording) -> bool:
    """What the machine measured, talk time included: whoever may read, but not a rater who has not submitted yet."""
    if not can_read(user, recording):
        return False
    return not can_review(user, recording) or recording.reviews.filter(rater=user, submitted_at__isnull=False).exists()


def can_delete_voice_prints(user: User, recording: Recording) -> bool:
    """The recording's therapist, the team's supervisors, the information governance lead; whatever the consent says today."""
    return recording.state != Recording.State.DESTROYED and (_works_on(user, recording) or can_govern(user))


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
    return _holds(user, family.team_id, *Membership.SUPERVISORS) or can_govern(user)


def can_retry(user: User, recording: Recording) -> bool:
    """After processing stopped: the recording's therapist and the team's supervisors."""
    return recording.state == Recording.State.FAILED and _works_on(user, recording)


def can_delete(user: User, recording: Recording) -> bool:
    """An upload by mistake: its therapist until a review has begun, and the team's supervisors."""
    if recording.state == Recording.State.DESTROYED or not _works_on(user, recording):
        return False
    return _holds(user, recording.team_id, *Membership.SUPERVISORS) or not recording.reviews.exists()


def can_extend(user: User, recording: Recording) -> bool:
    """To keep it longer: the team's supervisors and the information governance lead."""
    return recording.state != Recording.State.DESTROYED and (_holds(user, recording.team_id, *Membership.SUPERVISORS) or can_govern(user))


def can_hold(user: User, recording: Recording) -> bool:
    """To ask for a legal hold, to see why there is one, and to end it: as for keeping it longer."""
    return can_extend(user, recording)


def can_agree(user: User, hold: LegalHold) -> bool:
    """The second person: somebody else than who asked."""
    return hold.asked_by_id != user.pk and can_hold(user, hold.recording)


def can_see_listening(user: User, recording: Recording) -> bool:
    """Who listened, to which minutes: the recording's own therapist and the information governance lead."""
    return recording.therapist_id == user.pk or can_govern(user)


def _works_on(user: User, recording: Recording) -> bool:
    if recording.therapist_id == user.pk and _holds(user, recording.team_id, *_MEMBER):
        return True
    return _holds(user, recording.team_id, *Membership.SUPERVISORS)
