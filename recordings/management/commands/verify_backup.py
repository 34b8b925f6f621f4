"""`manage.py verify_backup DIR`: reads every byte of a backup and says whether it can be relied on."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recordings import backup


class Command(BaseCommand):
    help = "Checks a backup: the database is sound, and every sealed file is there and unchanged. Names each that is not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR")
        parser.add_argument("--keys-from", metavar="DIR", help="also look for a whole copy of the key store there")
        parser.add_argument("--stamp", help="which backup; the newest by default")

    def handle(self, *args: Any, folder: str, keys_from: str | None, stamp: str | None, **options: Any) -> None:
        known = backup.manifests(Path(folder))
        name = stamp or next(reversed(known), None)
        if name not in known:
            raise CommandError("There is no whole backup there.")
        found = list(backup.troubles(Path(folder), name, keys=Path(keys_from) if keys_from else None))
        for sentence in found:
            self.stderr.write(sentence)
        if found:
            raise CommandError(f"Backup {name} cannot be relied on: {len(found)} thing{'' if len(found) == 1 else 's'} wrong.")
        self.stdout.write(f"Backup {name} is whole: {len(known[name]['sealed'])} sealed files and the database.")
