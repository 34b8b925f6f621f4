"""`manage.py tick`: what must happen by the clock. Run it from a timer, or leave `--loop` running beside the workers."""

import logging
import signal
import threading
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import close_old_connections
from django.utils import timezone

from recordings import assigning, backup, calibration, casefile, destruction, keeping, ledger, narrowing, replay, tus, withdrawal
from recordings.sweep import sweep

logger = logging.getLogger("recordings.tick")

EVERY_SECONDS = 15


def _replay() -> int:
    """After a restore, before anything else: what was destroyed since the backup is destroyed again."""
    if not replay.is_shut():
        return 0
    again = replay.replay(now=timezone.now())
    return again.keys + again.recordings + again.consents


# What a pass does, in this order: destroying what is due comes first. Each by itself: one that fails stops no other.
JOBS: dict[str, Callable[[], int | dict[str, int]]] = {
    "destroyed again": _replay,
    "destroyed": lambda: destruction.finish_pending(now=timezone.now()),
    "taken back": lambda: withdrawal.finish(now=timezone.now()),
    "purposes taken back": lambda: narrowing.finish(now=timezone.now()),
    "processing": lambda: sweep(now=ledger.clock()),
    "uploads expired": lambda: tus.expire(now=timezone.now()),
    "family papers destroyed": lambda: casefile.finish(timezone.now()),
    "old copies of keys removed": lambda: backup.prune_keys(now=timezone.now()),
    "ratings given out": lambda: assigning.run(now=timezone.now()),
    "calibrations given out": lambda: calibration.hide(now=timezone.now()),
    "warnings sent": lambda: keeping.warn(now=timezone.now()),
}


class Command(BaseCommand):
    help = (
        "Destroys what is due, sends again what a lost worker left, clears away uploads that ran out and the papers of closed "
        "families, and warns of destructions to come. Safe to run at any time, and twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on every 15 seconds until told to stop")
        parser.add_argument("--every", type=float, default=EVERY_SECONDS, metavar="SECONDS", help="with --loop: seconds between two passes")

    def handle(self, *args: Any, loop: bool, every: float, **options: Any) -> None:
        if not loop:
            if failed := self.once():
                raise CommandError(f"Not done: {', '.join(failed)}. Everything else is done; run it again once the cause is mended.")
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            self.once()  # the next pass does what this one could not
            close_old_connections()
            stop.wait(every)

    def once(self) -> list[str]:
        """One pass. Returns the names of the jobs that broke off."""
        counts: dict[str, int] = {}
        failed: list[str] = []
        for name, job in JOBS.items():
            try:
                found = job()
            except Exception as error:  # noqa: BLE001 (whatever it was: the other jobs go on)
                logger.warning("A pass broke off (%s): %s", name, type(error).__name__)
                failed.append(name)
                close_old_connections()  # where it was the connection, the next job gets a new one
            else:
                counts |= found if isinstance(found, dict) else {name: found}
        if any(counts.values()):
            logger.info("%s", ", ".join(f"{name} {count}" for name, count in counts.items() if count))
        return failed
