"""What an installation needs before its first person comes in, and again after each new version. Idempotent."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from cms import site_pages
from recordings import codebook
from supervision import instruments, requirements
from supervision.models import Programme


class Command(BaseCommand):
    help = "Puts site pages, courses and instruments in place, and for each programme its requirements and code book. Loading again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        site_pages.ensure()
        call_command("load_courses", verbosity=0)
        instruments.load_instruments()
        self.stdout.write("Site pages, courses and instruments are in place.")
        for programme in Programme.objects.order_by("name", "pk"):
            codebook.load(programme)
            try:
                added = requirements.load(programme, now=timezone.now())
            except requirements.RequirementsRefused as refusal:
                self.stdout.write(f"{programme.name}: {refusal}")
            else:
                self.stdout.write(f"{programme.name}: {len(added)} new requirement{'s' if len(added) != 1 else ''}.")
        if not Programme.objects.exists():
            self.stdout.write("There is no programme yet. Add one and its teams under Service in the admin, then run this again.")
