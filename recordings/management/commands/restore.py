"""`manage.py restore DIR`: puts a site back from a backup, and leaves it shut until the erasure log has been replayed."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recordings import backup
from recordings.restore import CannotRestore, restore


class Command(BaseCommand):
    help = "Puts a backup in place. Stop Plumbline first. Afterwards migrate, then run replay_erasures: until then the site stays closed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR")
        parser.add_argument("--keys-from", metavar="DIR", help="take the key store from there where there is none here")
        parser.add_argument("--stamp", help="which backup; the newest by default")
        parser.add_argument(
            "--replace", action="store_true", help="in place of a database, and with --keys-from of a key store, that is here"
        )

    def handle(self, *args: Any, folder: str, keys_from: str | None, stamp: str | None, replace: bool, **options: Any) -> None:
        name = stamp or next(reversed(backup.manifests(Path(folder))), "")
        try:
            count = restore(Path(folder), stamp=name, keys=Path(keys_from) if keys_from else None, replace=replace)
        except (CannotRestore, backup.CannotBackUp) as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            why = str(error.strerror or error).removesuffix(".")
            raise CommandError(f"The restore broke off: {why}. The site stays closed. Run it again once the cause is mended.") from None
        self.stdout.write(f"Backup {name} is in place; {count} sealed files were put back. The site is closed.")
        self.stdout.write("Run manage.py migrate, then manage.py replay_erasures: what was destroyed since then is destroyed again.")
