"""Who may do what with consents and recordings. Who may know of them at all is `visible_to` on their querysets."""

from django.db.models import Q
from django.utils import timezone

from recordings import consent as consents
from recordings import keeping
from recordings.models import (
    Assignment,
    Clip,
    Comparison,
    Concern,
    ConflictOfInterest,
    Consent,
    Contest,
    LegalHold,
    Purpose,
    Recording,
    Redaction,
    Review,
)
from supervision.models import FamilyReference, Membership, Team, User

_MEMBER = (Membership.Role.THERAPIST, *Membership.SUPERVISORS)


def _holds(user: User, team: Team | int, *roles: str) -> bool:
    team_id = team if isinstance(team, int) else team.pk
    return Membership.objects.of(user).on(timezone.localdate()).filter(team_id=team_id, role__in=roles).exists()


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
    """The therapist to an own recording; those who lead the team, if everybody heard agreed to that; a rater from another team
    who was asked, if everybody agreed to rater training too. Only while the consent holds, and until its time is up: also where
    a legal hold keeps it, or nobody has come yet to destroy it."""
    today = timezone.localdate()
    if recording.state == Recording.State.DESTROYED or keeping.is_over(recording, on=today):
        return False
    if recording.therapist_id == user.pk and _holds(user, recording.team_id, *_MEMBER):
        return consents.covers(recording.consent, Purpose.RECORD, on=today)
    if _holds(user, recording.team_id, *Membership.LEADS):
        return all(consents.covers(recording.consent, purpose, on=today) for purpose in (Purpose.RECORD, Purpose.REVIEW))
    if is_asked(user, recording):
        purposes = (Purpose.RECORD, Purpose.REVIEW, Purpose.TRAIN_RATERS)
        return all(consents.covers(recording.consent, purpose, on=today) for purpose in purposes)
    return False


def is_asked(user: User, recording: Recording) -> bool:
    """Whether the person has been asked to rate it, and may know of it for that."""
    return Recording.objects.filter(pk=recording.pk, pk__in=Recording.objects.asked_of(user)).exists()


def can_read(user: User, recording: Recording) -> bool:
    """The transcript: whoever may listen, if everybody heard agreed to its being made."""
    return can_listen(user, recording) and consents.covers(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate())


def can_redact(user: User, recording: Recording) -> bool:
    """To have names muted: whoever may read it, for use outside the team's own supervision, which everybody heard agreed to."""
    today = timezone.localdate()
    outside = any(consents.covers(recording.consent, purpose, on=today) for purpose in (Purpose.TEACH, Purpose.TRAIN_RATERS))
    return recording.state == Recording.State.READY and outside and _is_of_team(user, recording) and can_read(user, recording)


def can_edit(user: User, recording: Recording) -> bool:
    """To put the transcript right: whoever may read it, outside raters apart. It is one text for all, raters included: they share what was said and
    nothing else, so a review stays blind; annotations hang on time and are not moved by it, submitted or not."""
    return _is_of_team(user, recording) and can_read(user, recording)


def can_take_away(user: User, recording: Recording) -> bool:
    """The transcript as a file: whoever may read it, outside raters apart, who come to listen and to rate."""
    return _is_of_team(user, recording) and can_read(user, recording)


def can_run_again(user: User, recording: Recording) -> bool:
    """To have it transcribed once more: the recording's therapist and the team's supervisors."""
    return recording.state == Recording.State.READY and _works_on(user, recording) and can_read(user, recording)


def can_see_measures(user: User, recording: Recording) -> bool:
    """What the machine measured, talk time included: whoever may read, but not a rater who has not submitted yet."""
    if not can_read(user, recording):
        return False
    if has_submitted(user, recording):
        return True
    if recording.therapist_id != user.pk and consults(user, recording.team_id) and user.pk in raters_with_conflict(recording):
        return False  # a conflict may be ended, and then they may rate it
    return not can_review(user, recording)


def can_delete_voice_prints(user: User, recording: Recording) -> bool:
    """The recording's therapist, the team's supervisors, the information governance lead; whatever the consent says today."""
    return recording.state != Recording.State.DESTROYED and (_works_on(user, recording) or can_govern(user))


def can_review(user: User, recording: Recording) -> bool:
    """A consultant of the team, or whoever was asked; of somebody else's recording, not once it was given back, and not while a
    conflict of interest is declared: but a review that was submitted before stays with its rater."""
    return not why_not_review(user, recording)


def why_not_review(user: User, recording: Recording) -> str:
    """Why somebody does not review it, as a sentence; empty where they may."""
    if recording.therapist_id == user.pk:
        return "You cannot review your own session."
    if user.pk in raters_with_conflict(recording) and not has_submitted(user, recording):
        return "You have declared a conflict of interest about this session, so you do not rate it."
    if recording.assignments.filter(rater=user, skipped_at__isnull=False).exists():
        return "You are no longer asked to rate this session."
    if not _holds(user, recording.team_id, Membership.Role.CONSULTANT) and not is_asked(user, recording):
        return "A session is reviewed by the consultants of its team, and by those who are asked to."
    return "" if can_listen(user, recording) else "You can no longer listen to this recording."


def raters_with_conflict(recording: Recording) -> set[int]:
    """The ids of those who have declared a conflict of interest about its therapist or its family."""
    about = Q(therapist=recording.therapist_id) | Q(family=recording.family_id)
    return set(ConflictOfInterest.objects.filter(about, ended_at__isnull=True).values_list("rater_id", flat=True))


def has_submitted(user: User, recording: Recording) -> bool:
    return recording.reviews.filter(rater=user, submitted_at__isnull=False).exists()


def is_rating(user: User, recording: Recording) -> bool:
    """Whether the person is asked to rate it, or has begun to, and has not submitted: nobody shows them what others think of it."""
    return Recording.objects.filter(pk=recording.pk, pk__in=Recording.objects.being_rated_by(user)).exists()


def can_plan(user: User, team: Team) -> bool:
    """Sampling plans: the team's supervisors and consultants."""
    return leads(user, team)


def leads(user: User, team: Team | int) -> bool:
    """A supervisor or a consultant of the team today."""
    return _holds(user, team, *Membership.LEADS)


def consults(user: User, team: Team | int) -> bool:
    """A consultant of the team today."""
    return _holds(user, team, Membership.Role.CONSULTANT)


def can_ask_second(user: User, recording: Recording) -> bool:
    """To have a session rated by two: the team's supervisors and consultants, of somebody else's recording."""
    return recording.therapist_id != user.pk and recording.state == Recording.State.READY and leads(user, recording.team_id)


def can_part(user: User, comparison: Comparison) -> bool:
    """To release two ratings that nobody can settle any more: who leads the team, other than the therapist."""
    recording = comparison.first.recording
    return recording.therapist_id != user.pk and leads(user, recording.team_id)


def can_take_off(user: User, assignment: Assignment) -> bool:
    """To call off a second rating: the team's supervisors."""
    return assignment.part == Assignment.Part.SECOND and _holds(user, assignment.recording.team_id, *Membership.SUPERVISORS)


def can_rate_oneself(user: User, recording: Recording) -> bool:
    """The therapist of the session, until its feedback is there."""
    if recording.therapist_id != user.pk or recording.reviews.filter(released_at__isnull=False).exists():
        return False
    return can_listen(user, recording)


def can_raise_concern(user: User, recording: Recording) -> bool:
    """Whoever may listen."""
    return can_listen(user, recording)


def can_close_concern(user: User, concern: Concern) -> bool:
    """The team's supervisors, of somebody else's recording."""
    return concern.recording.therapist_id != user.pk and _holds(user, concern.recording.team_id, *Membership.SUPERVISORS)


def can_contest(user: User, review: Review) -> bool:
    """To disagree with a score, and to tell what became of the feedback: the therapist, once it is released and while it can be heard."""
    return review.state == Review.State.RELEASED and user.pk == review.recording.therapist_id and can_listen(user, review.recording)


def can_agree_contest(user: User, contest: Contest) -> bool:
    """The second person: who leads the team, other than the rater and the therapist."""
    recording = contest.review.recording
    if user.pk in (contest.review.rater_id, contest.answered_by_id, contest.raised_by_id, recording.therapist_id):
        return False
    return leads(user, recording.team_id) and can_listen(user, recording)


def can_answer_contest(user: User, contest: Contest) -> bool:
    """The rater; a supervisor of the team in the place of one who is no longer a consultant there."""
    recording = contest.review.recording
    if user.pk in (contest.raised_by_id, recording.therapist_id) or not can_listen(user, recording):
        return False
    if consults(contest.review.rater, recording.team_id):
        return user.pk == contest.review.rater_id
    return _holds(user, recording.team_id, *Membership.SUPERVISORS)


def can_make_clip(user: User, recording: Recording) -> bool:
    """Whoever may read it, where everybody heard agreed to teaching and a muted version is ready."""
    if recording.state != Recording.State.READY or not consents.covers(recording.consent, Purpose.TEACH, on=timezone.localdate()):
        return False
    return can_read(user, recording) and Redaction.objects.filter(recording=recording, state=Redaction.State.READY).exists()


def can_know_clip(user: User, clip: Clip) -> bool:
    """Not somebody who is still rating the recording: for them a clip that another made is not there, because its moment and its
    title tell what the other thinks."""
    return clip.made_by_id == user.pk or not is_rating(user, clip.recording)


def can_decide_clip(user: User, clip: Clip) -> bool:
    """A supervisor or consultant of the team, other than who made it and whoever is still rating the recording."""
    if user.pk == clip.made_by_id or not can_know_clip(user, clip):
        return False
    return _holds(user, clip.recording.team_id, *Membership.LEADS) and can_listen(user, clip.recording)


def can_take_back_clip(user: User, clip: Clip) -> bool:
    """Out of all lessons at once: who made it while in the team, its therapist, and those who lead the team; as far as they may know of it."""
    if not can_know_clip(user, clip):
        return False
    team = clip.recording.team_id
    if user.pk in (clip.made_by_id, clip.recording.therapist_id) and _holds(user, team, *_MEMBER, Membership.Role.CONSULTANT):
        return True
    return _holds(user, team, *Membership.LEADS)


def can_hear_clips(user: User) -> bool:
    """Approved clips: everybody who works in the service today, in whichever team, as for its lessons."""
    return Membership.objects.of(user).on(timezone.localdate()).exists()


def can_withdraw(user: User, consent: Consent) -> bool:
    """The family's therapist, the team's supervisors, the information governance lead: whoever the family happens to reach."""
    family = consent.family
    if family.therapist_id == user.pk and _holds(user, family.team_id, *_MEMBER):
        return True
    return _holds(user, family.team_id, *Membership.SUPERVISORS) or can_govern(user)


def can_use_renewal(user: User, recording: Recording) -> bool:
    """To let a family's newer consent govern a recording made before it: the recording's therapist and the team's supervisors."""
    return recording.state != Recording.State.DESTROYED and _works_on(user, recording)


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


def _is_of_team(user: User, recording: Recording) -> bool:
    """Its own therapist or somebody who leads the team: not a rater who was asked from outside."""
    return recording.therapist_id == user.pk or _holds(user, recording.team_id, *Membership.LEADS)


def _works_on(user: User, recording: Recording) -> bool:
    if recording.therapist_id == user.pk and _holds(user, recording.team_id, *_MEMBER):
        return True
    return _holds(user, recording.team_id, *Membership.SUPERVISORS)
