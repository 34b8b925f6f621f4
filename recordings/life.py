"""A recording's life, as its page tells it: what was done, what is under way, what comes, and who can hear it."""

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone

from recordings import consent as consents
from recordings import destruction, listening, uploads
from recordings.models import HeardInterval, Processing, Purpose, Recording
from supervision.models import Membership, User


@dataclass(frozen=True)
class Step:
    """One stretch of the timeline. `tone` is a tone of the status tag; `on` a day or a moment, where there is one."""

    key: str
    title: str
    text: str
    word: str
    tone: str
    on: dt.date | dt.datetime | None = None

    @property
    def is_now(self) -> bool:
        return self.tone in ("progress", "failed")


@dataclass(frozen=True)
class Privacy:
    """Who can hear a recording, who has, and until when."""

    listeners: list[str]
    heard: list[str]
    until: dt.date | None


def steps(recording: Recording, *, released_at: dt.datetime | None) -> list[Step]:
    """From consent to destruction, in order; exactly one step is under way unless the recording has been destroyed."""
    consent = recording.consent
    people = ", ".join(consents.name_of(person) for person in consent.people.all()).rstrip(".")
    checks = f"Whole, audible, {uploads.length_words(recording.duration_ms)} long. {uploads.level_sentence(recording)}".strip()
    found = [
        Step("consent", "Consent", f"Given by {people}.", "Given", "done", consent.given_on),
        Step("upload", "Upload", "Sent, and encrypted before it touched a disk.", "Done", "done", recording.uploaded_at),
        Step("checks", "Checks", checks, "Passed", "done", recording.uploaded_at),
    ]
    if recording.state == Recording.State.DESTROYED:
        return [*found, _destroyed(recording)]
    found += [_processing(recording), *_review(recording, released_at)]
    due = destruction.due_on(recording, released_at=released_at)
    found.append(
        Step(
            "destruction",
            "Destruction",
            "Audio, transcript and comments are destroyed. Ratings stay, without a word that was said.",
            "To come",
            "none",
            due,
        )
    )
    return found


def _destroyed(recording: Recording) -> Step:
    text = f"{recording.certificate.get_reason_display()}. Nothing that was said can be heard or read any more."
    return Step("destruction", "Destruction", text, "Destroyed", "waived", recording.destroyed_at)


def _processing(recording: Recording) -> Step:
    missing = consents.why_not(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate())
    title = "Sound" if missing else "Transcript"
    if recording.state == Recording.State.READY:
        text = f"Ready to hear. No transcript: {missing}" if missing else "A computer in the service has written down what was said."
        processing: Processing | None = getattr(recording, "processing", None)
        return Step("transcript", title, text, "Ready", "done", processing.finished_at if processing else None)
    if recording.state == Recording.State.FAILED:
        return Step("transcript", title, "", "Stopped", "failed")
    return Step("transcript", title, "", recording.get_state_display(), "progress")


def _review(recording: Recording, released_at: dt.datetime | None) -> list[Step]:
    if released_at:
        return [
            Step("review", "Review", "The consultant has heard and rated it.", "Done", "done", released_at),
            Step("feedback", "Feedback", "", "Ready", "done", released_at),
        ]
    missing = consents.why_not(recording.consent, Purpose.REVIEW, on=timezone.localdate())
    if missing:
        return [Step("review", "Review", f"Nobody else listens. {missing}", "Not agreed", "waived")]
    is_ready = recording.state == Recording.State.READY
    review = Step(
        "review",
        "Review",
        "The consultant listens, marks moments and rates it.",
        "Waiting" if is_ready else "To come",
        "progress" if is_ready else "none",
    )
    return [review, Step("feedback", "Feedback", "It is here as soon as the consultant releases it.", "To come", "none")]


def next_words(recording: Recording) -> str:
    """For the list: what comes next, in a few words. Expects the annotation `released_at`."""
    states = Recording.State
    if recording.state == states.DESTROYED:
        return f"Destroyed: {recording.certificate.get_reason_display().lower()}"
    if recording.state in (states.QUEUED, states.PROCESSING):
        return "The transcript comes by itself"
    if recording.state == states.FAILED:
        return "Somebody has to try again"
    return "Feedback is ready" if recording.released_at else "Waits for the consultant's review"  # type: ignore[attr-defined]


TONES: dict[str, str] = {
    Recording.State.QUEUED: "none",
    Recording.State.PROCESSING: "progress",
    Recording.State.READY: "done",
    Recording.State.FAILED: "failed",
    Recording.State.DESTROYED: "waived",
}


def privacy(recording: Recording, *, until: dt.date | None) -> Privacy:
    """Names of those who can listen today, and of those who have, with how long."""
    today = timezone.localdate()
    listeners: list[User] = []
    if recording.state != Recording.State.DESTROYED:
        current = (
            Membership.objects.on(today)
            .filter(team=recording.team)
            .select_related("user")
            .order_by("user__first_name", "user__last_name", "pk")
        )
        may = {
            "own": consents.covers(recording.consent, Purpose.RECORD, on=today),
            "others": consents.covers(recording.consent, Purpose.RECORD, on=today)
            and consents.covers(recording.consent, Purpose.REVIEW, on=today),
        }
        for membership in current:
            is_own = membership.user_id == recording.therapist_id
            leads = membership.role in Membership.LEADS
            works = membership.role in (Membership.Role.THERAPIST, *Membership.SUPERVISORS)
            if ((is_own and works and may["own"]) or (leads and may["others"])) and membership.user not in listeners:
                listeners.append(membership.user)
    return Privacy([str(user) for user in listeners], _heard(recording), until)


def _heard(recording: Recording) -> list[str]:
    stretches: dict[User, list[listening.Interval]] = {}
    for row in HeardInterval.objects.filter(recording=recording).select_related("person").order_by("first_at", "pk"):
        stretches.setdefault(row.person, []).append((row.start_ms, row.end_ms))
    return [f"{person} ({_length(sum(end - start for start, end in listening.merged(heard)))})" for person, heard in stretches.items()]


def _length(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes} min" if minutes else f"{seconds} s"
