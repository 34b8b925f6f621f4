"""`manage.py rotate_key`: puts every data key under a new site key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from recordings import rotation, sitekey


class Command(BaseCommand):
    help = (
        "Wraps every data key again under the new site key: PLUMBLINE_VAULT_KEY, from PLUMBLINE_VAULT_KEY_PREVIOUS. With --new-file, "
        "for a key file that Plumbline made itself, makes the new key too. No sealed file is rewritten. Safe to break off and repeat."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--new-file", action="store_true", help="make a new key file in place of the one in the data folder")

    def handle(self, *args: Any, new_file: bool, **options: Any) -> None:
        try:
            done = rotation.rotate_file(now=timezone.now()) if new_file else rotation.rotate()
        except (rotation.CannotRotate, sitekey.SiteKeyTrouble) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{done.keys} key{'' if done.keys == 1 else 's'} wrapped again under the new site key.")
        if done.old_file is None:
            self.stdout.write("Take PLUMBLINE_VAULT_KEY_PREVIOUS away and start Plumbline again.")
        else:
            self.stdout.write(
                f"The old key file is kept as {done.old_file} until you delete it. Backups of the key store that were made before need it."
            )
