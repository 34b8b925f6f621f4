"""Loads the demonstration and prints who can sign in and where to begin."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cms.demo import load, people
from supervision.models import Membership


class Command(BaseCommand):
    help = "Loads two invented teams with courses, recordings and reviews. Loading again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This would add invented people and a known password. Set DEMO=1 to say that this is a demonstration.")
        settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"  # invented people get no mail
        added = load.load(now=timezone.now())
        self.stdout.write("The demo is loaded." if added else "The demo was loaded before; nothing has changed.")
        self.stdout.write(f"\nSign in with any of these; the password of all is: {people.PASSWORD}\n")
        by_name = {person.first_name: person for person in people.PEOPLE}
        for name in people.SHOWN:
            person = by_name[name]
            self.stdout.write(f"  {person.email:<26} {Membership.Role(person.role).label:<28} {person.note}")
        self.stdout.write("\nBegin with the tour in README.md: sign in as Thea and choose Continue.")
        self.stdout.write("Two-step sign-in is switched off in the demo; outside it, it is required of everyone.")
