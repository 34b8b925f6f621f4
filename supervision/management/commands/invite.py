"""The first way in on a new installation: a superuser invites somebody, also to the offices of the whole service."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from supervision import invitations
from supervision.models import Membership, Team, User


class Command(BaseCommand):
    help = "Invite somebody by e-mail and print the link. Later on, teams invite their own people on their members page."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--first-name", required=True)
        parser.add_argument("--last-name", required=True)
        parser.add_argument("--role", required=True, metavar="|".join(Membership.Role.values))
        parser.add_argument("--team", metavar="SLUG", help="left out for a role of the whole service")
        parser.add_argument("--by", required=True, metavar="EMAIL", help="the superuser in whose name it goes out")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        by = User.objects.filter(email__iexact=options["by"], is_superuser=True, is_active=True).first()
        team = Team.objects.filter(slug=options["team"]).first()
        if by is None:
            raise CommandError(f"There is no superuser {options['by']!r}. Make one with `manage.py createsuperuser`.", returncode=2)
        if options["role"] not in Membership.Role.values:
            raise CommandError(f"There is no role {options['role']!r}.", returncode=2)
        if options["team"] and team is None:
            raise CommandError(f"There is no team called {options['team']!r}.", returncode=2)
        try:
            _, token = invitations.invite(
                email=options["email"],
                first_name=options["first_name"],
                last_name=options["last_name"],
                team=team,
                role=options["role"],
                starts_on=timezone.localdate(now),
                by=by,
                now=now,
            )
        except invitations.InvitationRefused as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(invitations.link(token))
