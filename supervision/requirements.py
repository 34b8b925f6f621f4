"""Requirements as files. A version that is loaded never changes; a change is a new version with a date of its own."""

import datetime as dt
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.utils import timezone
from wagtail.log_actions import log

from supervision import teams
from supervision.models import Membership, Programme, Requirement, User

FILES = Path(__file__).resolve().parent / "requirements"
FIELDS = ("name", "rule", "kind", "cadence", "course_slug", "roles", "due_days", "warn_days", "valid_months", "effective_from", "position")


class RequirementsRefused(Exception):
    """The file cannot be loaded; the text says what to change in it."""


@transaction.atomic
def load(programme: Programme, path: Path | None = None, *, by: User | None = None, now: dt.datetime | None = None) -> list[Requirement]:
    """Add the file's versions that the programme does not have yet; without a path, the file named after the programme.

    People who are in the programme's teams are enrolled into courses that new versions name. Loading again changes nothing.
    Raises RequirementsRefused.
    """
    now = now or timezone.now()
    path = path or FILES / f"{programme.slug}.yaml"
    added = []
    for position, entry in enumerate(_entries(path), start=1):
        values = {field: entry[field] for field in FIELDS if field in entry} | {"position": position}
        present = Requirement.objects.filter(programme=programme, key=entry["key"], version=entry["version"]).first()
        if present is None:
            requirement = Requirement(programme=programme, key=entry["key"], version=entry["version"], **values)
            requirement.full_clean()
            requirement.save()
            added.append(requirement)
        elif any(getattr(present, field) != value for field, value in values.items() if field != "position"):
            raise RequirementsRefused(
                f"{path.name}: version {entry['version']} of “{entry['key']}” is loaded with other values. Give the change the next version and a date."
            )
    if added:
        log(instance=programme, action="supervision.requirements_loaded", user=by, data={"requirements": [one.pk for one in added]})
        for membership in (
            Membership.objects.on(timezone.localdate(now))
            .filter(team__programme=programme)
            .select_related("team__programme", "user")
            .order_by("pk")
        ):
            teams.enrol_for_role(membership=membership, by=by, now=now)
    return added


def _entries(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise RequirementsRefused(f"There is no requirements file called {path.name}.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        entries = content["requirements"]
        for entry in entries:
            entry["version"] = int(entry.get("version", 1))
            entry["rule"] = " ".join(entry["rule"].split())
            entry["key"], entry["effective_from"], entry["roles"]
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise RequirementsRefused(f"{path.name} is not a requirements file: {type(error).__name__} at {error}.") from None
    unknown = {role for entry in entries for role in entry["roles"]} - set(Membership.Role.values)
    if unknown:
        raise RequirementsRefused(f"{path.name} names roles that do not exist: {', '.join(sorted(unknown))}.")
    return list(entries)
