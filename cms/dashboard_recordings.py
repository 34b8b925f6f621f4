"""The rows of the home page that are about recordings: sending, consent, review, keeping, destruction."""

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from cms.dashboard_rows import BROKEN, DUE, OVERDUE, WAITING, Line, Need, day
from recordings import certifying, evidence, keeping, legalhold, lookagain, renewing, researchasking
from recordings import consent as consents
from recordings.models import Assignment, Comparison, Concern, DestructionCertificate, LegalHold, Recording, Review, Upload
from supervision.models import Membership

if TYPE_CHECKING:
    from cms.dashboard import Viewer

Role = Membership.Role


def own_feedback(who: "Viewer") -> Iterator[Need]:
    unseen = (
        Review.objects.visible_to(who.user)
        .filter(state=Review.State.RELEASED, recording__therapist=who.user, seen_by_therapist_at__isnull=True)
        .select_related("recording", "rater")
        .order_by("released_at", "pk")
    )
    for review in unseen:
        yield Need(
            WAITING,
            f"{review.rater.first_name}’s feedback on your session of {day(review.recording.session_on)} is ready for you.",
            reverse("recordings:feedback", args=[review.pk]),
            "Hear it",
        )


def own_recordings(who: "Viewer") -> Iterator[Need]:
    stopped = Recording.objects.visible_to(who.user).filter(therapist=who.user, state=Recording.State.FAILED).order_by("uploaded_at", "pk")
    for recording in stopped:
        yield Need(
            BROKEN,
            f"Your recording of {day(recording.session_on)} is safe, but its processing stopped.",
            reverse("recordings:detail", args=[recording.pk]),
            "See why",
            status="Stopped",
            tone="failed",
        )


def own_uploads(who: "Viewer") -> Iterator[Need]:
    """Uploads that broke off: only their owner knows of them."""
    waiting = (
        Upload.objects.visible_to(who.user)
        .open()
        .filter(expires_at__gt=who.now)
        .select_related("consent__family")
        .order_by("began_at", "pk")
    )
    for upload in waiting:
        family = upload.consent.family
        yield Need(
            WAITING,
            f"Your upload for family {family.reference} is not finished.",
            f"{reverse('recordings:upload')}?family={family.pk}",
            "Go on",
            status=f"{100 * upload.offset // max(1, upload.length)} % sent",
            tone="progress",
            detail=f"What has arrived is kept until {day(timezone.localdate(upload.expires_at))}.",
        )


def consents_ending(who: "Viewer") -> Iterator[Need]:
    """Each with how many recordings nobody can hear from then on; where the family has renewed already, until it is extended to them."""
    ending = consents.ending(who.user, who.today)
    closing = renewing.closing(who.user, who.today)
    for consent in ending:
        yield Need(
            DUE,
            f"Consent of family {consent.family.reference} to recording ends on {day(consent.valid_until)}.",
            reverse("recordings:consent-create", args=[consent.family_id]),
            "Ask again",
            status=f"Until {day(consent.valid_until)}",
            tone="due",
            detail=_closes(len(closing.pop(consent, []))),
        )
    for consent, recordings in closing.items():
        yield Need(
            DUE,
            f"The earlier consent of family {consent.family.reference} ends on {day(consent.valid_until)}. Use the new one for what was recorded before.",
            reverse("recordings:detail", args=[recordings[0].pk]),
            "See it" if len(recordings) == 1 else "See the first",
            status=f"Until {day(consent.valid_until)}",
            tone="due",
            detail=_closes(len(recordings)),
        )


def _closes(count: int) -> str:
    if not count:
        return ""
    return f"After that day nobody can hear {'the recording' if count == 1 else f'the {count} recordings'} made under it."


def consents_again(who: "Viewer") -> Iterator[Need]:
    """A young person may decide for themselves from this month on."""
    for consent in lookagain.due(who.user, who.today):
        yield Need(
            DUE,
            f"Look at the consent of family {consent.family.reference} again: a young person may decide for themselves now.",
            reverse("recordings:consent-detail", args=[consent.pk]),
            "See it",
            status="Ask again",
            tone="due",
        )


def consents_to_show(who: "Viewer") -> Iterator[Need]:
    """Consents that for more than a week nothing has shown: what was recorded under them waits."""
    for consent in evidence.overdue_for(who.user, on=who.today):
        yield Need(
            DUE,
            f"Nothing shows the consent of family {consent.family.reference} of {day(consent.given_on)}, so only its therapist can listen.",
            reverse("recordings:consent-detail", args=[consent.pk]),
            "Put it right",
            status="Nothing to show",
            tone="due",
        )


def exports_to_agree(who: "Viewer") -> Iterator[Need]:
    """Research exports with words or voice prints that another information governance lead asked for, or was granted."""
    for request in researchasking.open_requests(on=who.today):
        is_own = request.asked_by_id == who.user.pk
        if is_own != bool(request.agreed_at):
            continue
        yield Need(
            WAITING,
            "Your research export has been agreed to."
            if is_own
            else f"{request.asked_by.first_name} asks for a research export with words or voice prints.",
            reverse("recordings:research-asked", args=[request.pk]),
            "Make it" if is_own else "Decide",
            status=f"Lapses after {day(researchasking.last_day(request))}",
            tone="due",
        )


def keeping_ends(who: "Viewer") -> Iterator[Need]:
    """Recordings that will be destroyed within the week: one row for the earliest, and how many there are."""
    due = keeping.due_soon(who.user, who.today)
    if not due:
        return
    first = due[0]
    many = "A recording" if len(due) == 1 else f"{len(due)} recordings"
    url = reverse("recordings:detail", args=[first.recording.pk]) if len(due) == 1 else reverse("recordings:list")
    yield Need(
        DUE,
        f"{many} will be destroyed soon, as the programme’s retention asks.",
        url,
        "See which" if len(due) > 1 else "See it",
        status=f"{'From ' if len(due) > 1 else ''}{day(first.on)}",
        tone="due",
        is_secondary=True,
    )


def holds_to_agree(who: "Viewer") -> Iterator[Need]:
    """Legal holds that somebody else asked for: each takes a second person, and lapses without one."""
    seen = Recording.objects.visible_to(who.user)
    waiting = LegalHold.objects.awaiting_agreement().filter(recording__in=seen).exclude(asked_by=who.user)
    for hold in waiting.select_related("asked_by", "recording").order_by("asked_at", "pk"):
        if who.today <= legalhold.lapses_on(hold):
            yield Need(
                WAITING,
                f"{hold.asked_by.first_name} asks for a legal hold on a recording of {day(hold.recording.session_on)}.",
                reverse("recordings:hold-agree", args=[hold.pk]),
                "Decide",
                status=f"Lapses on {day(legalhold.lapses_on(hold))}",
                tone="due",
            )


def concerns(who: "Viewer") -> Iterator[Need]:
    """Concerns about somebody's safety, until they are closed: that there is one, and how urgent; never a word of it."""
    waiting = Concern.objects.visible_to(who.user).open().filter(recording__team__in=who.teams(Role.THERAPIST, *Membership.SUPERVISORS))
    for concern in waiting.exclude(recording__therapist=who.user).select_related("raised_by", "recording").order_by("raised_at", "pk"):
        is_talk = concern.urgency == Concern.Urgency.TALK
        whose = "You" if concern.raised_by_id == who.user.pk else concern.raised_by.first_name
        yield Need(
            WAITING if is_talk else BROKEN,
            f"{whose} raised a concern about somebody’s safety on {day(timezone.localdate(concern.raised_at))}.",
            reverse("recordings:concern", args=[concern.pk]),
            "Read it",
            status=concern.get_urgency_display(),
            tone="due" if is_talk else "overdue",
        )


def to_rate(who: "Viewer") -> Iterator[Need]:
    """What a rater has been asked for and has not begun, and pairs of ratings to settle: the earliest due first."""
    mine = Assignment.objects.open().filter(rater=who.user, review__isnull=True, recording__in=Recording.objects.asked_of(who.user))
    for asked in mine.select_related("recording__therapist", "recording__team", "gold").order_by("due_on", "assigned_at", "pk"):
        name, on = asked.recording.therapist.first_name, day(asked.recording.session_on)
        is_late = asked.due_on < who.today
        about = f"the calibration {asked.gold.label}" if asked.gold and not asked.is_hidden else f"{name}’s session of {on}"
        yield Need(
            OVERDUE if is_late else WAITING,
            f"You are asked to rate {about}.",
            reverse("recordings:review-list"),
            "Rate it",
            status=f"{'Overdue since' if is_late else 'Due'} {day(asked.due_on)}",
            tone="overdue" if is_late else "due",
            detail=f"{asked.recording.team.name}, {_length(asked.recording)}",
        )
    pairs = Comparison.objects.visible_to(who.user).open().filter(Q(first__rater=who.user) | Q(second__rater=who.user))
    for pair in pairs.select_related("first__recording__therapist", "first__rater", "second__rater").order_by("opened_at", "pk"):
        recording = pair.first.recording
        other = pair.second.rater if pair.first.rater_id == who.user.pk else pair.first.rater
        yield Need(
            WAITING,
            f"{recording.therapist.first_name}’s session of {day(recording.session_on)} is rated by you and by {other.first_name}.",
            reverse("recordings:comparison", args=[pair.pk]),
            "Release it" if pair.agreed_at else "Compare",
            status="Not released" if pair.agreed_at else "To settle",
            tone="due",
        )


def certifications_ending(who: "Viewer") -> Iterator[Need]:
    """A rater's own: a month before the end, and from then on."""
    for one in certifying.ending(who.user, on=who.today):
        is_over = one.valid_until < who.today
        yield Need(
            DUE,
            f"Your certification for {one.instrument.name} {'ran' if is_over else 'runs'} out on {day(one.valid_until)}. "
            "Ask another consultant for new exercises.",
            reverse("recordings:rater-report", args=[who.user.pk]),
            "See where you stand",
            status=f"{'Ran out' if is_over else 'Until'} {day(one.valid_until)}",
            tone="overdue" if is_over else "due",
            is_secondary=True,
        )


def ratings_overdue(who: "Viewer") -> Iterator[Need]:
    """For supervisors: how many ratings that others owe their teams are late."""
    late = (
        Assignment.objects.visible_to(who.user)
        .open()
        .filter(recording__team__in=who.teams(*Membership.SUPERVISORS), due_on__lt=who.today)
        .exclude(part=Assignment.Part.GOLD)
        .exclude(rater=who.user)
        .exclude(recording__state=Recording.State.DESTROYED)
        .count()
    )
    if late:
        yield Need(
            DUE,
            f"{late} rating{'s' if late > 1 else ''} of your team’s sessions {'are' if late > 1 else 'is'} overdue.",
            reverse("recordings:review-list"),
            "See whose",
            status="Overdue",
            tone="overdue",
            is_secondary=True,
        )


def reviews(who: "Viewer") -> Iterator[Need]:
    begun = (
        Review.objects.visible_to(who.user)
        .filter(rater=who.user, state__in=[Review.State.IN_PROGRESS, Review.State.SUBMITTED], assignment__skipped_at__isnull=True)
        .exclude(assignment__part=Assignment.Part.SECOND, state=Review.State.SUBMITTED)
        .exclude(assignment__part=Assignment.Part.GOLD, state=Review.State.SUBMITTED)
        .select_related("recording__therapist", "recording__team")
        .order_by("started_at", "pk")
    )
    for review in begun:
        name, on = review.recording.therapist.first_name, day(review.recording.session_on)
        url = reverse("recordings:review", args=[review.recording_id])
        if review.state == Review.State.IN_PROGRESS:
            yield Need(WAITING, f"You began to review {name}’s session of {on}.", url, "Carry on", status="In progress", tone="progress")
        else:
            yield Need(
                WAITING,
                f"Your review of {name}’s session of {on} is submitted but not released.",
                url,
                "Release it",
                status="Not released",
                tone="due",
            )
    mine = Review.objects.filter(recording=OuterRef("pk"), rater=who.user)
    waiting = (
        Recording.objects.visible_to(who.user)
        .reviewable()
        .filter(
            ~Exists(mine),
            ~Exists(Review.objects.filter(recording=OuterRef("pk"), submitted_at__isnull=False)),
            team__in=who.teams(Role.CONSULTANT),
        )
        .exclude(therapist=who.user)
        .exclude(assignments__rater=who.user)
        .free_of_conflict(who.user)
        .unplanned()
        .select_related("therapist", "team")
        .order_by("uploaded_at", "pk")
    )
    for recording in waiting:
        yield Need(
            WAITING,
            f"{recording.therapist.first_name}’s session of {day(recording.session_on)} waits for your review.",
            reverse("recordings:review-list"),
            "Review",
            detail=f"{recording.team.name}, {_length(recording)}",
        )


def governance(who: "Viewer") -> Iterator[Need]:
    for recording in Recording.objects.visible_to(who.user).filter(state=Recording.State.FAILED).order_by("uploaded_at", "pk"):
        yield Need(
            BROKEN,
            f"Processing of a recording of {day(recording.session_on)} stopped.",
            reverse("recordings:detail", args=[recording.pk]),
            "See why",
            status="Stopped",
            tone="failed",
        )
    withdrawn = Recording.objects.visible_to(who.user).kept().filter(consent__withdrawn_at__isnull=False).order_by("uploaded_at", "pk")
    held = legalhold.held_among(withdrawn, on=who.today)
    for recording in withdrawn:
        if recording.pk in held:
            continue
        yield Need(
            BROKEN,
            "A withdrawn recording is not yet fully destroyed.",
            reverse("recordings:detail", args=[recording.pk]),
            "See it",
            status="Destruction unfinished",
            tone="failed",
        )


def lately_recordings(who: "Viewer") -> Iterator[Line]:
    since = who.now - dt.timedelta(days=60)
    visible = Recording.objects.visible_to(who.user)
    released = (
        Review.objects.visible_to(who.user)
        .filter(released_at__gte=since)
        .select_related("recording__therapist")
        .order_by("-released_at", "pk")[:5]
    )
    for review in released:
        whose = "your" if review.recording.therapist_id == who.user.pk else f"{review.recording.therapist.first_name}’s"
        yield Line(
            timezone.localdate(review.released_at),
            f"Feedback was released on {whose} session of {day(review.recording.session_on)}",
            reverse("recordings:feedback", args=[review.pk]),
        )
    for recording in visible.kept().filter(uploaded_at__gte=since).select_related("therapist").order_by("-uploaded_at", "pk")[:5]:
        whose = "You" if recording.therapist_id == who.user.pk else recording.therapist.first_name
        yield Line(
            timezone.localdate(recording.uploaded_at), f"{whose} sent a recording", reverse("recordings:detail", args=[recording.pk])
        )
    for certificate in DestructionCertificate.objects.filter(recording__in=visible, destroyed_at__gte=since).order_by(
        "-destroyed_at", "pk"
    )[:3]:
        yield Line(
            timezone.localdate(certificate.destroyed_at),
            "A recording was destroyed",
            reverse("recordings:certificate", args=[certificate.recording_id]),
        )


def _length(recording: Recording) -> str:
    minutes = max(1, round(recording.duration_ms / 60000))
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
