"""The processing ledger: who may work on a recording, how far the work is, and what becomes of it.

A worker claims a row by raising its token and taking a lease, which its parent process extends by heartbeats. Whatever
the work yields is written inside `holding`, which refuses anyone whose token is no longer the row's. So a worker that
froze, and wakes after another has taken over, can spoil nothing; and a worker that was killed is simply followed by
the next. Locks are taken in one order everywhere: the recording, then its row here.
"""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from recordings.models import Processing, Recording

BEATS_A_LEASE = 4  # a parent extends its lease this often before the lease would end
State = Processing.State

STEPS = {
    "verify": "Checking the recording",
    "playback": "Making the copy to listen to",
    "video": "Preparing the picture",
    "peaks": "Drawing the waveform",
    "voice": "Finding where somebody speaks",
    "speech": "Transcribing",
    "words": "Putting the transcript together",
    "speakers": "Telling the voices apart",
    "features": "Describing the sound",
}
_FAILURE_LENGTH = 300


class LeaseLost(Exception):
    """Somebody else works on this recording now, or nobody may any more. What was done under the old token is discarded."""


def clock() -> dt.datetime:
    """The time that leases are measured by: the database server's where there is one, for workers on several machines."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            return cursor.fetchone()[0]
    return timezone.now()


def lease() -> dt.timedelta:
    return dt.timedelta(seconds=settings.PROCESSING_LEASE_SECONDS)


def _mine(recording_id: uuid.UUID, token: int) -> QuerySet[Processing]:
    return Processing.objects.filter(recording_id=recording_id, token=token, state=State.RUNNING)


@transaction.atomic
def claim(recording_id: uuid.UUID, *, now: dt.datetime) -> int | None:
    """The token to work under, or None when there is nothing to do here: done, taken, cancelled, or tried too often."""
    recording = Recording.objects.select_for_update().filter(pk=recording_id).first()
    if recording is None:
        return None
    open_rows = Processing.objects.filter(recording_id=recording_id).filter(Q(state=State.QUEUED) | expired(now))
    if recording.state not in (Recording.State.QUEUED, Recording.State.PROCESSING, Recording.State.READY):  # ready: transcribed once more
        open_rows.update(state=State.CANCELLED, token=F("token") + 1, lease_until=None, finished_at=now)
        return None
    claimed = open_rows.filter(attempts__lt=F("max_attempts")).update(
        state=State.RUNNING,
        token=F("token") + 1,
        attempts=F("attempts") + 1,
        lease_until=now + lease(),
        heartbeat_at=now,
        started_at=now,
        finished_at=None,
        failure="",
    )
    if not claimed:
        for row in open_rows:
            _give_up(row, now=now)
        return None
    Recording.objects.filter(pk=recording_id, state=Recording.State.QUEUED).update(state=Recording.State.PROCESSING)
    return Processing.objects.get(recording_id=recording_id).token


def expired(now: dt.datetime) -> Q:
    """Rows whose worker has not been heard of for a whole lease."""
    return Q(state=State.RUNNING, lease_until__lt=now)


def is_held(recording_id: uuid.UUID, token: int) -> bool:
    return _mine(recording_id, token).exists()


def is_done(recording_id: uuid.UUID, token: int) -> bool:
    """Whether whoever has this token finished it."""
    return Processing.objects.filter(recording=recording_id, token=token, state=State.DONE).exists()


def heartbeat(recording_id: uuid.UUID, token: int, *, now: dt.datetime) -> bool:
    """Extends the lease; false when the token is no longer the row's."""
    return bool(_mine(recording_id, token).update(lease_until=now + lease(), heartbeat_at=now))


@contextmanager
def holding(recording_id: uuid.UUID, token: int) -> Iterator[Processing]:
    """A transaction in which the token is known to be the row's until its end. Raises LeaseLost and writes nothing if it is not."""
    with transaction.atomic():
        Recording.objects.select_for_update().filter(pk=recording_id).first()
        row = _mine(recording_id, token).select_for_update().first()
        if row is None:
            raise LeaseLost
        yield row


def enter(recording_id: uuid.UUID, token: int, step: str, **fields: float) -> None:
    """Notes which step has begun, for people to see, with any counts that go with it."""
    with holding(recording_id, token) as row:
        _write(row, step=step, **fields)


def advance(row: Processing, **fields: float | str) -> None:
    """Notes that something is safely done, inside `holding`. A recording that gets on is not one that cannot be processed,
    so only attempts without any progress count against it."""
    _write(row, attempts=1, **fields)


def _write(row: Processing, **fields: object) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=list(fields))


def complete(row: Processing, *, now: dt.datetime) -> None:
    """The end of the work, inside `holding`, in the same transaction as its results."""
    _write(row, state=State.DONE, step="", lease_until=None, finished_at=now, failure="")
    Recording.objects.filter(pk=row.recording_id, state=Recording.State.PROCESSING).update(state=Recording.State.READY)


def release(recording_id: uuid.UUID, token: int) -> bool:
    """Gives an unfinished recording back, when its worker is asked to stop: not an attempt that counts."""
    return _back_to_queue(recording_id, token, attempts=F("attempts") - 1)


def _back_to_queue(recording_id: uuid.UUID, token: int, **fields: object) -> bool:
    try:
        with holding(recording_id, token):
            _mine(recording_id, token).update(state=State.QUEUED, token=F("token") + 1, lease_until=None, sent_at=None, **fields)
            Recording.objects.filter(pk=recording_id, state=Recording.State.PROCESSING).update(state=Recording.State.QUEUED)
    except LeaseLost:
        return False
    return True


def crashed(recording_id: uuid.UUID, token: int, *, now: dt.datetime) -> bool:
    """The work broke off for no reason that a person gave. True when it is to be tried again; else it is failed, or not ours."""
    try:
        with holding(recording_id, token) as row:
            if row.attempts >= row.max_attempts:
                _give_up(row, now=now)
                return False
    except LeaseLost:
        return False
    return _back_to_queue(recording_id, token)


def fail(recording_id: uuid.UUID, token: int, sentence: str, *, now: dt.datetime) -> bool:
    """Stops for a reason that trying again will not mend by itself. The recording is kept; a person may retry."""
    try:
        with holding(recording_id, token) as row:
            _stop(row, sentence, now=now)
    except LeaseLost:
        return False
    return True


def _give_up(row: Processing, *, now: dt.datetime) -> None:
    doing = STEPS.get(row.step, "starting").lower()
    times = "once" if row.max_attempts == 1 else f"{row.max_attempts} times in a row"
    _stop(
        row,
        f"It broke off {times} at the same place ({doing}). Nothing is lost. Try again; if it stops once more, "
        "tell the person who runs Plumbline at your service.",
        now=now,
    )


def _stop(row: Processing, sentence: str, *, now: dt.datetime) -> None:
    _write(row, state=State.FAILED, token=row.token + 1, lease_until=None, finished_at=now, failure=sentence[:_FAILURE_LENGTH])
    Recording.objects.filter(pk=row.recording_id, state__in=[Recording.State.QUEUED, Recording.State.PROCESSING]).update(
        state=Recording.State.FAILED
    )


def mark_sent(recording_id: uuid.UUID, *, now: dt.datetime) -> None:
    Processing.objects.filter(recording_id=recording_id, state=State.QUEUED).update(sent_at=now)


def fail_spent(*, now: dt.datetime) -> int:
    """Fails rows whose last permitted attempt was never heard of again. Returns how many."""
    found = 0
    spent = Processing.objects.filter(expired(now), attempts__gte=F("max_attempts"))
    for recording_id in list(spent.order_by("pk").values_list("recording_id", flat=True)):
        with transaction.atomic():
            Recording.objects.select_for_update().filter(pk=recording_id).first()
            for row in spent.select_for_update().filter(recording_id=recording_id):
                _give_up(row, now=now)
                found += 1
    return found


@transaction.atomic
def requeue(recording: Recording, *, now: dt.datetime) -> bool:
    """Back to the beginning of the queue of attempts, for a failed recording; false when it is not failed (any more)."""
    Recording.objects.select_for_update().get(pk=recording.pk)
    changed = Processing.objects.filter(recording=recording, state=State.FAILED).update(
        state=State.QUEUED, token=F("token") + 1, attempts=0, queued_at=now, sent_at=now, finished_at=None, failure=""
    )
    if changed:
        Recording.objects.filter(pk=recording.pk, state=Recording.State.FAILED).update(state=Recording.State.QUEUED)
    return bool(changed)


@transaction.atomic
def rerun(recording: Recording, *, now: dt.datetime) -> bool:
    """Queues a ready recording for one more transcription. It stays ready, with the transcript that it has; false when work is under way."""
    if Recording.objects.select_for_update().get(pk=recording.pk).state != Recording.State.READY:
        return False
    rows = Processing.objects.filter(recording=recording).exclude(state__in=[State.QUEUED, State.RUNNING])
    fresh = {"step": "", "done_units": 0, "total_units": 0, "seconds_per_unit": None, "failure": "", "finished_at": None}
    return bool(rows.update(state=State.QUEUED, token=F("token") + 1, attempts=0, queued_at=now, sent_at=now, **fresh))


@transaction.atomic
def cancel(recording: Recording, *, now: dt.datetime) -> bool:
    """Ends all work on the recording: the token is raised, so whoever is at it can write nothing more."""
    Recording.objects.select_for_update().get(pk=recording.pk)
    rows = Processing.objects.filter(recording=recording, state__in=[State.QUEUED, State.RUNNING, State.FAILED])
    return bool(rows.update(state=State.CANCELLED, token=F("token") + 1, lease_until=None, finished_at=now))
