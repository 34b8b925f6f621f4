"""A recording's way through processing, as the rest of the product sees it: submit, retry, cancel, progress.

The rules of the ledger are in `ledger.py`, the work in `tasks.py` and `steps.py`, and what gets lost is sent again by `sweep.py`.
"""

import datetime as dt
import functools
import math
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from wagtail.log_actions import log

from recordings import consent as consents
from recordings import keystore, ledger, vault
from recordings.models import Processing, Purpose, Recording, TranscriptRun
from supervision.models import User

State = Processing.State
# How much of the whole is behind us when a step begins; speech takes the span up to "words".
_BEGINS_AT = {
    "": 0,
    "verify": 1,
    "playback": 2,
    "video": 4,
    "peaks": 6,
    "voice": 8,
    "speech": 10,
    "words": 88,
    "speakers": 89,
    "features": 95,
}

_AFTER_SPEECH = 0.06  # seconds that telling voices apart and describing the sound take, for each second of sound


class NotRetryable(Exception):
    """Processing cannot be begun again; the text says why."""


@transaction.atomic
def submit(*, recording: Recording, now: dt.datetime) -> Processing:
    """Enters the recording in the ledger, in the caller's transaction; the queue is told once that is committed."""
    row, is_new = Processing.objects.get_or_create(recording=recording, defaults={"queued_at": now, "sent_at": now})
    if is_new:
        send_on_commit(recording.pk)
    return row


@transaction.atomic
def retry(*, recording: Recording, by: User | None, now: dt.datetime) -> Processing:
    """Begins again after a failure, from the last checkpoint. Raises NotRetryable."""
    if why := refusal(recording, on=timezone.localdate(now)):
        raise NotRetryable(why)
    if not ledger.requeue(recording, now=now):
        raise NotRetryable("This recording is not one that stopped. Reload the page to see how far it is.")
    log(instance=recording, action="recordings.retry", user=by, data={"recording": str(recording.pk)})
    send_on_commit(recording.pk)
    recording.refresh_from_db()
    return recording.processing


@transaction.atomic
def rerun(*, recording: Recording, by: User | None, now: dt.datetime) -> Processing:
    """One more transcription, with the engine, model and vocabulary as they are set now. The earlier run and all edits stay.

    Until the new run is there the recording can be heard, read and reviewed as before. Raises NotRetryable.
    """
    today = timezone.localdate(now)
    if why := refusal(recording, on=today) or consents.why_not(recording.consent, Purpose.TRANSCRIBE, on=today):
        raise NotRetryable(why)
    if not ledger.rerun(recording, now=now):
        raise NotRetryable("This recording is being worked on already. Wait until that is done.")
    log(instance=recording, action="recordings.rerun", user=by, data={"recording": str(recording.pk)})
    send_on_commit(recording.pk)
    return Processing.objects.get(recording=recording)


def cancel(recording: Recording) -> bool:
    """Ends the work on a recording that is withdrawn or deleted; whoever is at it is stopped within seconds."""
    return ledger.cancel(recording, now=timezone.now())


def refusal(recording: Recording, *, on: dt.date) -> str:
    """Why the recording may not be processed on that day, as a sentence; empty when it may."""
    if recording.state == Recording.State.DESTROYED or keystore.is_erased(recording.pk):
        return "This recording has been destroyed."
    if not vault.has_key(recording.pk):
        return vault.KEY_MISSING
    return consents.why_not(recording.consent, Purpose.RECORD, on=on)


def send_on_commit(recording_id: uuid.UUID) -> None:
    # robust: should the queue not answer, what is committed stands, and the sweep sends the message again
    transaction.on_commit(functools.partial(send, recording_id), robust=True)


def send(recording_id: uuid.UUID) -> None:
    """Tells the queue to look at this recording. Too often is harmless: only one worker gets the lease."""
    from recordings.tasks import process_recording

    process_recording.enqueue(str(recording_id))


# Progress


@dataclass(frozen=True)
class Progress:
    """What a page says about a recording's processing. Nothing here tells what was said."""

    state: str  # of Recording.State
    word: str
    sentence: str
    percent: int
    text: str  # how far: "4:10 of 12:30", or the percentage
    step: str
    seconds_left: int | None
    failure: str
    is_final: bool
    tone: str


def progress(recording: Recording, *, now: dt.datetime | None = None) -> Progress:
    """How far the recording is: percent, what is being done, and about how many seconds are left where that can be told."""
    now = now or timezone.now()
    row = Processing.objects.filter(recording=recording).first()
    states = Recording.State
    if recording.state == states.DESTROYED:
        return _final(recording, "This recording has been destroyed.", "none", percent=0)
    if recording.state == states.READY and (row is None or row.state not in (State.QUEUED, State.RUNNING)):
        return _final(recording, _about_transcript(recording, row, now), "done", percent=100)
    if recording.state == states.FAILED:
        failure = row.failure if row else ""
        return _final(recording, failure or "It stopped for no known reason.", "failed", percent=_percent(row), failure=failure)
    if row is None or row.state == State.QUEUED:
        before = _before(row) if row else 0
        waits = f"{before} other recording{'' if before == 1 else 's'} will be processed first." if before else "It starts in a moment."
        return _running(recording, row, "Waiting for its turn", waits, None)
    if row.lease_until is not None and row.lease_until < now:
        return _running(recording, row, "Interrupted", "The work was broken off. It goes on by itself in a minute or two.", None)
    left = seconds_left(recording, row)
    return _running(recording, row, ledger.STEPS.get(row.step, "Starting"), _in_words(left), left)


def _final(recording: Recording, sentence: str, tone: str, *, percent: int, failure: str = "") -> Progress:
    return Progress(recording.state, recording.get_state_display(), sentence, percent, "", "", None, failure, is_final=True, tone=tone)


def _running(recording: Recording, row: Processing | None, word: str, sentence: str, left: int | None) -> Progress:
    percent = _percent(row)
    step = row.step if row else ""
    text = f"{percent} %"
    if row and step == "speech" and row.total_units:
        seconds = recording.duration_ms / 1000
        text = f"{clock(seconds * row.done_units / row.total_units)} of {clock(seconds)} minutes"
    if recording.state == Recording.State.READY:
        word, sentence = f"Once more: {word[0].lower()}{word[1:]}", f"The transcript that is there stays until the new one is. {sentence}"
    return Progress(recording.state, word, sentence, percent, text, step, left, "", is_final=False, tone="progress")


def _about_transcript(recording: Recording, row: Processing | None, now: dt.datetime) -> str:
    if row is not None and row.state == State.FAILED:
        return f"It can be listened to and read. Transcribing it once more did not work, so the earlier transcript stands. {row.failure}"
    run = TranscriptRun.objects.filter(recording=recording).order_by("-number").first()
    if run is not None:
        return "It can be listened to and read." if run.words else "It can be listened to. No speech was found in it."
    why = consents.why_not(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate(now))
    return f"It can be listened to. There is no transcript. {why}".strip()


def _percent(row: Processing | None) -> int:
    if row is None:
        return 0
    start = _BEGINS_AT.get(row.step, 0)
    if row.step == "speech" and row.total_units:
        start += int((_BEGINS_AT["words"] - start) * row.done_units / row.total_units)
    return start


def _before(row: Processing) -> int:
    waiting = Processing.objects.filter(state__in=[State.QUEUED, State.RUNNING])
    return waiting.filter(queued_at__lt=row.queued_at).count()


def seconds_left(recording: Recording, row: Processing) -> int | None:
    """From the speed of the pieces done in this attempt; before the first, from the last recordings that were transcribed."""
    rest = recording.duration_ms / 1000 * _AFTER_SPEECH
    if row.step in ("words", "speakers", "features"):
        return max(5, math.ceil(rest))
    if row.total_units and row.seconds_per_unit is not None:
        return math.ceil((row.total_units - row.done_units) * row.seconds_per_unit + rest)
    past = (
        TranscriptRun.objects.filter(seconds_taken__gt=0, recording__duration_ms__gt=0)
        .order_by("-finished_at", "-pk")
        .annotate(pace=F("seconds_taken") * 1000 / F("recording__duration_ms"))
        .values_list("pace", flat=True)[:5]
    )
    paces = list(past)
    remaining = 1 - row.done_units / row.total_units if row.total_units else 1
    return math.ceil(max(paces) * recording.duration_ms / 1000 * remaining + rest) if paces else None


def _in_words(seconds: int | None) -> str:
    if seconds is None:
        return ""
    if seconds < 50:
        return "Less than a minute left."
    minutes = max(1, round(seconds / 60))
    return f"About {minutes} minute{'' if minutes == 1 else 's'} left."


def clock(seconds: float) -> str:
    """Seconds as a position on a tape: "4:07"."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"
