"""The task that processes a recording, and the parent process of the work.

The parent only waits and beats: it extends the lease, and looks every second whether the work may go on. The heavy work is
done in a child process (`child.py`), which can hold the interpreter's lock or be killed for memory without harm to the
lease, and which dies with its parent. Task arguments are ids; nothing is returned, and no exception carries more than names.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from enum import Enum, auto
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import close_old_connections
from django.utils import timezone
from django_tasks import task

from recordings import capacity, ledger, pipeline, replay, vault
from recordings.models import Recording

logger = logging.getLogger("recordings.tasks")

LOOK_SECONDS = 1.0
# The child gets the configuration, what a card needs, the way to the network, and nothing else of this process's environment.
_PASSED_ON = frozenset(
    "PATH HOME LANG LC_ALL TZ TMPDIR PYTHONPATH DJANGO_SETTINGS_MODULE OMP_NUM_THREADS OMP_WAIT_POLICY LD_LIBRARY_PATH "
    "SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE AWS_CA_BUNDLE HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY".split()
)
_CONFIGURATION = (
    "ALLOWED_HOSTS", "BEHIND_PROXY", "DATABASE_URL", "DEBUG", "DEMO", "PROCESSING_", "RECORDING_", "SECRET_KEY", "SECURE", "SITE_URL",
    "TASKS_URL", "TIME_ZONE", "TRANSCRIPTION_", "WEIGHTS_DIR", "WHISPER_MODEL", "PLUMBLINE_", "S3_", "PG",
    "CUDA_", "NVIDIA_", "PYTORCH_", "CT2_",
)  # fmt: skip


class Ended(Enum):
    BY_ITSELF = auto()
    STOPPED = auto()  # this worker was asked to stop
    LOST = auto()  # the lease went to somebody else, or the recording was withdrawn
    REFUSED = auto()  # the consent no longer covers it


@task(queue_name="speech")
def process_recording(recording_id: str) -> None:
    """Looks at the ledger and does what is to be done for this recording, if anything. Safe to run at any time, any number of times."""
    with _asked_to_stop() as stopping:
        if not stopping:
            _process(uuid.UUID(recording_id), stopping)


def _process(recording_id: uuid.UUID, stopping: list[int]) -> None:
    if not replay.is_open():
        return  # the sweep sends it again once the site is open
    token = ledger.claim(recording_id, now=ledger.clock())
    if token is None:
        return
    if why := _refusal(recording_id):
        ledger.fail(recording_id, token, why, now=ledger.clock())
        return
    killed = capacity.kernel_kills()
    with _child(recording_id, token) as child:
        ended = _watch(child, recording_id, token, stopping)
    logger.info("Recording %s, token %s: %s, exit code %s", recording_id, token, ended.name.lower(), child.returncode)
    if ended is Ended.REFUSED:
        ledger.fail(recording_id, token, _refusal(recording_id), now=ledger.clock())
    elif ended is Ended.STOPPED:
        if ledger.release(recording_id, token):
            _send_again(recording_id)
    elif ended is Ended.BY_ITSELF and child.returncode == -signal.SIGKILL and capacity.kernel_kills() > killed:
        ledger.fail(recording_id, token, capacity.too_little(), now=ledger.clock())
    elif ended is Ended.BY_ITSELF and ledger.crashed(recording_id, token, now=ledger.clock()):
        _send_again(recording_id)


def _send_again(recording_id: uuid.UUID) -> None:
    ledger.mark_sent(recording_id, now=ledger.clock())
    pipeline.send(recording_id)


def _refusal(recording_id: uuid.UUID) -> str:
    recording = Recording.objects.select_related("consent").get(pk=recording_id)
    return pipeline.refusal(recording, on=timezone.localdate())


def _watch(child: subprocess.Popen[bytes], recording_id: uuid.UUID, token: int, stopping: list[int]) -> Ended:
    """Until the child ends or must be ended. A database that does not answer is borne for as long as the lease lasts."""
    lease = ledger.lease().total_seconds()
    beaten = heard = time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=min(LOOK_SECONDS, lease / ledger.BEATS_A_LEASE))
            return Ended.BY_ITSELF
        if stopping:
            return Ended.STOPPED
        try:
            if not ledger.is_held(recording_id, token) or not vault.has_key(recording_id):
                if not ledger.is_done(recording_id, token):
                    return Ended.LOST
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=lease)  # it has done all of it, and is about to go
                return Ended.BY_ITSELF
            if time.monotonic() - beaten >= lease / ledger.BEATS_A_LEASE:
                if not ledger.heartbeat(recording_id, token, now=ledger.clock()):
                    return Ended.LOST
                if _refusal(recording_id):
                    return Ended.REFUSED
                beaten = time.monotonic()
            heard = time.monotonic()
        except DatabaseTrouble as error:
            logger.warning("Recording %s: the database does not answer (%s)", recording_id, type(error).__name__)
            close_old_connections()
            if time.monotonic() - heard > lease:
                return Ended.LOST


@contextlib.contextmanager
def _child(recording_id: uuid.UUID, token: int) -> Iterator[subprocess.Popen[bytes]]:
    """The child in a session of its own; whatever happens here, it and all that it started are gone afterwards."""
    command = [sys.executable, "-W", "ignore", "-m", "recordings.child", str(recording_id), str(token), str(os.getpid())]
    child = subprocess.Popen(
        command,
        cwd=Path(settings.BASE_DIR),
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _environment() -> dict[str, str]:
    wanted = {name: value for name, value in os.environ.items() if name.upper() in _PASSED_ON or name.startswith(_CONFIGURATION)}
    wanted.setdefault("DJANGO_SETTINGS_MODULE", "cms.settings")
    # Passive: threads that wait sleep instead of spinning. Beside other work on the same processors, that made a transcription
    # 2.5 times as fast, for a quarter of the processor time.
    return {"OMP_WAIT_POLICY": "PASSIVE", **wanted, "PYTHONUNBUFFERED": "1", "PYTHONNOUSERSITE": "1"}


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """A list that fills when this process is told to stop. The worker's own handlers still hear of it, and end it afterwards."""
    heard: list[int] = []
    before: dict[int, Any] = {}

    def hear(number: int, frame: object) -> None:
        heard.append(number)
        previous = before[number]
        if callable(previous) and previous is not signal.default_int_handler:
            previous(number, frame)

    try:
        for number in (int(signal.SIGTERM), int(signal.SIGINT)):
            before[number] = signal.signal(number, hear)
    except ValueError:  # not the main thread: nobody signals us
        before.clear()
    try:
        yield heard
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
