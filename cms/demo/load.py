"""Loads the demo: two teams at work. Dates count back from the day of the first load; loading again adds nothing."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from cms import site_pages
from cms.demo import development, history, people, scores, sessions
from recordings import codebook
from recordings.models import ConsentWording
from supervision import instruments, requirements, teams
from supervision.models import Membership, Programme, Team, User

WORDINGS = Path(__file__).resolve().parent
Role = Membership.Role


@dataclass
class Loaded:
    """What the loader hands on; `anchor` is the day of the first load, from which all dates count back."""

    now: dt.datetime
    anchor: dt.date
    users: dict[str, User]
    teams: dict[str, Team]

    def days_ago(self, days: int) -> dt.date:
        return self.anchor - dt.timedelta(days=days)

    def at(self, days: int, hour: int = 10, minute: int = 0) -> dt.datetime:
        """A moment that many days before the anchor, local time, never after now."""
        moment = timezone.make_aware(dt.datetime.combine(self.days_ago(days), dt.time(hour, minute)))
        return min(moment, self.now)


def load(*, now: dt.datetime) -> bool:
    """True if anything was added. A half-finished load (power cut) is taken up where it stopped."""
    site_pages.ensure()
    call_command("load_courses", verbosity=0)
    instruments.load_instruments()
    first = Team.objects.filter(slug=people.HARBOUR).first()
    if first is not None and sessions.are_loaded() and development.is_loaded() and scores.is_loaded():
        return False
    with transaction.atomic():
        loaded = _people_and_teams(now)
        if first is None:
            history.load(loaded)
    sessions.load(loaded)
    development.load(loaded)
    scores.load(loaded)
    return True


def _people_and_teams(now: dt.datetime) -> Loaded:
    programmes: dict[str, Programme] = {}
    for slug, (name, model_name) in people.PROGRAMMES.items():
        kept = {"retention_days_after_upload": people.KEPT_DAYS[slug]} if slug in people.KEPT_DAYS else {}
        programme, _ = Programme.objects.get_or_create(slug=slug, defaults={"name": name, "model_name": model_name, **kept})
        programmes[slug] = programme
        requirements.load(programme)
        codebook.load(programme)
        ConsentWording.objects.get_or_create(
            programme=programme,
            version=1,
            defaults={
                "text": (WORDINGS / "consent-wording.md").read_text(encoding="utf-8"),
                "young_text": (WORDINGS / "consent-wording-young.md").read_text(encoding="utf-8"),
                "spoken_text": (WORDINGS / "consent-wording-spoken.md").read_text(encoding="utf-8"),
                "effective_from": timezone.localdate(now) - dt.timedelta(days=800),
            },
        )
    made_teams = {}
    for slug, (name, programme_slug) in people.TEAMS.items():
        made_teams[slug], _ = Team.objects.get_or_create(
            slug=slug, defaults={"name": name, "programme": programmes[programme_slug], "organisation": people.ORGANISATION}
        )
    anchor = timezone.localdate(now)
    oldest = User.objects.filter(email=people.PEOPLE[0].email).values_list("date_joined", flat=True).first()
    if oldest is not None:
        anchor = timezone.localdate(oldest)
    users = {person.first_name: _person(person, now=now) for person in people.PEOPLE}
    loaded = Loaded(now=now, anchor=anchor, users=users, teams=made_teams)
    for person in people.PEOPLE:
        _memberships(loaded, person)
    return loaded


def _person(person: people.Person, *, now: dt.datetime) -> User:
    user, _ = User.objects.get_or_create(
        email=person.email,
        defaults={
            "first_name": person.first_name,
            "last_name": person.last_name,
            "password": make_password(people.PASSWORD),
            "date_joined": now,
        },
    )
    return user


def _memberships(loaded: Loaded, person: people.Person) -> None:
    user = loaded.users[person.first_name]
    starts_on = loaded.days_ago(person.joined)
    for slug in person.teams or (None,):
        team = loaded.teams[slug] if slug else None
        if Membership.objects.filter(user=user, team=team, role=person.role).exists():
            continue
        ends_on = loaded.anchor + dt.timedelta(days=24) if person.role == Role.BACKUP_SUPERVISOR else None
        teams.add_member(
            team=team, user=user, role=person.role, starts_on=starts_on, ends_on=ends_on, by=None, now=loaded.at(person.joined)
        )
