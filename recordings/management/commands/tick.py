"""`manage.py tick`: what must happen by the clock. Run it from a timer, or leave `--loop` running beside the workers."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error as DatabaseTrouble
from django.db import close_old_connections
from django.utils import timezone

from recordings import destruction, ledger
from recordings.sweep import sweep

logger = logging.getLogger("recordings.tick")

EVERY_SECONDS = 15


class Command(BaseCommand):
    help = (
        "Sends again what a lost worker left, finishes broken-off destructions and what retention asks for. "
        "Safe to run at any time, and twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on every 15 seconds until told to stop")
        parser.add_argument("--every", type=float, default=EVERY_SECONDS, metavar="SECONDS", help="with --loop: seconds between two passes")

    def handle(self, *args: Any, loop: bool, every: float, **options: Any) -> None:
        if not loop:
            self.once()
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            try:
                self.once()
            except (DatabaseTrouble, OSError) as error:  # the next pass does what this one could not
                logger.warning("A pass broke off: %s", type(error).__name__)
            close_old_connections()
            stop.wait(every)

    def once(self) -> None:
        counts = sweep(now=ledger.clock())
        counts["destroyed"] = destruction.finish_pending(now=timezone.now())
        if any(counts.values()):
            logger.info("%s", ", ".join(f"{name} {count}" for name, count in counts.items() if count))
