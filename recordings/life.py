"""A recording's life, as its page tells it: what was done, what is under way, what comes, and who can hear it."""

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format

from recordings import consent as consents
from recordings import evidence, keeping, legalhold, listening, permissions, uploads
from recordings.models import HeardInterval, LegalHold, Processing, Purpose, Recording, RetentionExtension
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
    """Who can hear a recording, who has, and until when; `why_nobody` where nobody can. `is_blind`: the reader is still rating it,
    so `heard` holds their own listening and nobody else's."""

    listeners: list[str]
    heard: list[str]
    until: dt.date
    why_nobody: str = ""
    is_blind: bool = False


def why_closed(recording: Recording, *, on: dt.date) -> str:
    """Why nobody may hear a recording that is still kept, in one sentence; empty where the consent and its time allow it."""
    missing = consents.why_not(recording.consent, Purpose.RECORD, on=on)
    return missing or ("Its time is up." if keeping.is_over(recording, on=on) else "")


def steps(recording: Recording, *, released_at: dt.datetime | None, on: dt.date, is_wordless: bool = False) -> list[Step]:
    """From consent to destruction, in order; exactly one step is under way unless the recording has been destroyed. `is_wordless`:
    it was transcribed, and no speech was found."""
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
    hold = legalhold.is_held(recording, on)
    is_withdrawn = consent.withdrawn_at is not None
    if is_withdrawn or keeping.is_over(recording, on=on):
        why = "The consent is withdrawn." if is_withdrawn else "Its time is up."
        return [*found, _closed(why, hold)]
    return [*found, _processing(recording, is_wordless), *_review(recording, released_at), _to_come(recording, hold, on)]


def _to_come(recording: Recording, hold: LegalHold | None, on: dt.date) -> Step:
    text = "Audio, transcript and comments are destroyed. Ratings stay, without a word that was said."
    due = keeping.due_on(recording)
    extension = RetentionExtension.objects.filter(recording=recording).select_related("made_by").order_by("-made_at", "-pk").first()
    if extension is not None and extension.until == due:
        text = f"{text} {extension.made_by} moved it to this day: {extension.reason.rstrip('.')}."
    if hold is not None:
        last = date_format(legalhold.blocks_until(hold), "j F Y")
        asked = "A legal hold keeps it" if hold.agreed_at else "A request for a legal hold keeps it"
        return Step("destruction", "Destruction", f"{text} {asked} until {last} at least.", "To come, held", "none", due)
    days = (due - on).days
    if days > keeping.WARN_DAYS:
        return Step("destruction", "Destruction", text, "To come", "none", due)
    return Step("destruction", "Destruction", text, f"Will be destroyed {keeping.in_days(days)}", "due", due)


def _closed(why: str, hold: LegalHold | None) -> Step:
    """Due, and not yet done: held, or within the next minute."""
    if hold is None:
        return Step("destruction", "Destruction", f"{why} Nobody can hear or read it. It is destroyed within a minute.", "Now", "progress")
    text = f"{why} Nobody can hear or read it. {legalhold.sentence(hold)}"
    return Step("destruction", "Destruction", text, "Put off by a legal hold", "progress", legalhold.blocks_until(hold))


def _destroyed(recording: Recording) -> Step:
    text = f"{recording.certificate.get_reason_display()}. Nothing that was said can be heard or read any more."
    return Step("destruction", "Destruction", text, "Destroyed", "waived", recording.destroyed_at)


def _processing(recording: Recording, is_wordless: bool) -> Step:
    missing = consents.why_not(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate())
    title = "Sound" if missing else "Transcript"
    if recording.state == Recording.State.READY:
        written = "listened for speech and found none." if is_wordless else "written down what was said."
        text = f"Ready to hear. No transcript: {missing}" if missing else f"A computer in the service has {written}"
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
        word = "Waits" if evidence.missing(recording.consent) else "Not agreed"
        return [Step("review", "Review", f"Nobody else listens. {missing}", word, "waived")]
    is_ready = recording.state == Recording.State.READY
    review = Step(
        "review",
        "Review",
        "The consultant listens, marks moments and rates it.",
        "Waiting" if is_ready else "To come",
        "progress" if is_ready else "none",
    )
    return [review, Step("feedback", "Feedback", "It is here as soon as the consultant releases it.", "To come", "none")]


def next_words(recording: Recording, due: keeping.Due | None = None) -> str:
    """For the list: what comes next, in a few words. Expects the annotation `released_at`."""
    states = Recording.State
    if due is not None:
        return due.words
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


def privacy(recording: Recording, *, reader: User) -> Privacy:
    """Names of those who can listen today, and of those who have, with how long.

    A reader who is still rating it learns neither who else was asked, nor who has listened and for how long: it would tell how far
    another rater is, and a hidden exercise from an ordinary session. The access record is for others (`can_see_listening`).
    """
    today = timezone.localdate()
    is_blind = permissions.is_rating(reader, recording) and not permissions.can_see_listening(reader, recording)
    listeners: list[User] = []
    closed = "It has been destroyed." if recording.state == Recording.State.DESTROYED else why_closed(recording, on=today)
    if not closed:
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
        if not is_blind:
            listeners += [user for user in _asked(recording) if user not in listeners]
    names = [str(user) for user in listeners]
    if is_blind and names:
        names.append("whoever is asked to rate it")
    heard = _heard(recording, reader if is_blind else None)
    return Privacy(names, heard, keeping.due_on(recording), closed, is_blind)


def _asked(recording: Recording) -> list[User]:
    """Raters from outside the team who may hear it for as long as they are asked to."""
    people = User.objects.filter(assignments__recording=recording, is_active=True).distinct().order_by("first_name", "last_name", "pk")
    return [user for user in people if permissions.is_asked(user, recording) and permissions.can_listen(user, recording)]


def _heard(recording: Recording, only: User | None) -> list[str]:
    stretches: dict[User, list[listening.Interval]] = {}
    rows = HeardInterval.objects.filter(recording=recording, **({"person": only} if only else {}))
    for row in rows.select_related("person").order_by("first_at", "pk"):
        stretches.setdefault(row.person, []).append((row.start_ms, row.end_ms))
    return [f"{person} ({_length(sum(end - start for start, end in listening.merged(heard)))})" for person, heard in stretches.items()]


def _length(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes} min" if minutes else f"{seconds} s"
