"""What keeps the queue honest: recordings whose worker or message was lost are sent again, and what dead workers left is cleared.

Nothing here decides anything. A message is only a hint to look at the ledger, so one too many does no harm, and two sweeps
at once do no more than one.
"""

import datetime as dt
import uuid

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from recordings import ledger, pipeline
from recordings.models import Processing

LOST_AFTER = dt.timedelta(seconds=60)  # a message that nobody has picked up by then may be lost
KEEP_MESSAGES = dt.timedelta(days=7)
_TASK = "recordings.tasks.process_recording"


def sweep(*, now: dt.datetime) -> dict[str, int]:
    """One pass. Returns how many recordings were failed and sent, and how many messages were closed and pruned."""
    counts = {"failed": ledger.fail_spent(now=now), "closed": 0, "pruned": 0}
    if settings.TASKS_URL == "db://":
        counts["closed"] = close_stuck_messages(now=now)
        counts["pruned"] = prune_messages(now=now)
    return {**counts, "sent": resend(now=now)}


def resend(*, now: dt.datetime) -> int:
    """Sends again every recording whose worker was lost or whose message never came."""
    waiting = _waiting()
    sent = 0
    for rows in (Processing.objects.filter(ledger.expired(now)), Processing.objects.filter(state=Processing.State.QUEUED)):
        for row in rows.order_by("queued_at", "pk"):
            is_recent = row.sent_at is not None and row.sent_at > now - min(LOST_AFTER, ledger.lease())
            if is_recent or row.recording_id in waiting:
                continue
            with transaction.atomic():
                # whoever moves this mark sends: two sweeps at once send once
                if rows.filter(pk=row.pk, token=row.token, sent_at=row.sent_at).update(sent_at=now):
                    pipeline.send_on_commit(row.recording_id)
                    sent += 1
    return sent


def close_stuck_messages(*, now: dt.datetime) -> int:
    """Ends messages that a killed worker left "running" for ever. Of a recording whose worker has been heard of, the newest is left alone."""
    heard_of = Processing.objects.filter(heartbeat_at__gt=now - ledger.lease())
    alive = set(heard_of.values_list("recording_id", flat=True))
    closed = 0
    for message in _messages(TaskResultStatus.RUNNING).order_by("-started_at", "-id"):
        recording_id = _recording_of(message)
        if recording_id in alive:
            alive.discard(recording_id)
            continue
        if message.started_at is not None and message.started_at > now - ledger.lease():
            continue
        unchanged = DBTaskResult.objects.filter(pk=message.pk, status=TaskResultStatus.RUNNING, worker_ids=message.worker_ids)
        closed += unchanged.update(status=TaskResultStatus.FAILED, finished_at=now, exception_class_path="recordings.ledger.LeaseLost")
    return closed


def prune_messages(*, now: dt.datetime) -> int:
    """Finished messages older than a week say nothing that the ledger does not."""
    return DBTaskResult.objects.finished().filter(finished_at__lt=now - KEEP_MESSAGES).order_by().delete()[0]


def _waiting() -> set[uuid.UUID | None]:
    """Recordings with a message in the queue that a worker will come to. Elsewhere than in our database, nobody can tell."""
    if settings.TASKS_URL != "db://":
        return set()
    return {_recording_of(message) for message in _messages(TaskResultStatus.READY)}


def _messages(status: str) -> QuerySet[DBTaskResult]:
    return DBTaskResult.objects.filter(task_path=_TASK, status=status)


def _recording_of(message: DBTaskResult) -> uuid.UUID | None:
    arguments = message.args_kwargs.get("args") or [None]
    try:
        return uuid.UUID(str(arguments[0]))
    except ValueError:
        return None
