"""`manage.py replay_erasures`: opens a site that was put back from a backup."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from recordings import replay


class Command(BaseCommand):
    help = "Destroys again what was destroyed or withdrawn since the backup that this site was put back from, and opens the site."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--also",
            action="append",
            default=[],
            metavar="DIR",
            help="another folder with backups of the key store, whose erasure log counts",
        )

    def handle(self, *args: Any, also: list[str], **options: Any) -> None:
        try:
            done = replay.replay(now=timezone.now(), also=[Path(folder) for folder in also])
        except (replay.Halfway, replay.NoLog) as error:
            raise CommandError(str(error)) from None
        except Exception as error:  # noqa: BLE001 (whatever it was: its text may name what nobody should read)
            raise CommandError(
                f"Not everything could be destroyed again ({type(error).__name__}). The site stays closed. Mend the cause and run it again."
            ) from None
        self.stdout.write(
            f"Destroyed again: {done.recordings} recordings and {done.keys} keys. Closed again: {done.consents} consents. The site is open."
        )
