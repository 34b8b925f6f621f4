"""`manage.py backup DIR --keys-to OTHER`: one backup; see `recordings/backup.py` for what lies where."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from recordings import backup


class Command(BaseCommand):
    help = (
        "Backs up the database and the sealed files to DIR, and the key store to another folder. Never the site key: keep that elsewhere."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR")
        parser.add_argument("--keys-to", metavar="DIR", help="where the key store goes; never into the same folder")
        parser.add_argument("--keep", type=int, default=14, metavar="N", help="how many backups stay (14)")

    def handle(self, *args: Any, folder: str, keys_to: str | None, keep: int, **options: Any) -> None:
        try:
            made = backup.make(Path(folder), keys=Path(keys_to) if keys_to else None, keep=keep, now=timezone.now())
        except backup.CannotBackUp as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            why = str(error.strerror or error).removesuffix(".")
            raise CommandError(f"The backup broke off: {why}. Earlier backups are as they were.") from None
        self.stdout.write(
            f"Backup {made.stamp}: {made.sealed} sealed files, {made.copied} of them new ({filesizeformat(made.bytes_copied)})."
        )
        if keys_to is None:
            self.stdout.write("The key store was not backed up. Without it nothing of this can be read: give --keys-to another folder.")
        if made.keys_gone:
            self.stdout.write(f"Copies of the key store that were too old and went: {made.keys_gone}.")
