"""The task that has a muted version made, and the parent process of the work; see `mutework.py`.

Its argument is an id. It may be run at any time and any number of times: only a confirmed redaction is worked on, and only
the first result is kept.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django_tasks import task

from recordings import child, mutework, tasks, vault
from recordings.models import Redaction

logger = logging.getLogger("recordings.redacting")

BROKEN = (
    "Making the muted version broke off. Nothing of it was kept. Start it again; if that fails too, tell the person who runs Plumbline."
)


@task(queue_name="speech")
def make_redaction(redaction_id: int) -> None:
    """Waits for the work, and ends it as soon as the recording is withdrawn or the redaction no longer wanted."""
    row = Redaction.objects.filter(pk=redaction_id, state=Redaction.State.CONFIRMED).first()
    if row is None or not vault.has_key(row.recording_id):
        return
    command = [sys.executable, "-W", "ignore", "-m", "recordings.mutework", str(redaction_id), str(os.getpid())]
    process = subprocess.Popen(
        command,
        cwd=Path(settings.BASE_DIR),
        env=tasks._environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    is_stopped = False
    try:
        while not is_stopped:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=tasks.LOOK_SECONDS)
                break
            is_stopped = not vault.has_key(row.recording_id)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    logger.info("Redaction %s: exit code %s", redaction_id, process.returncode)
    if not is_stopped and process.returncode != child.DONE:
        mutework.fail(redaction_id, BROKEN)
