"""`manage.py invite`: how the first administrator of a new installation gets in."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from supervision.models import User
from tests import factories

NAMES = ("--first-name", "Ada", "--last-name", "Fielding")


@pytest.fixture
def boss(db):
    return User.objects.create_superuser("boss@example.org", factories.PASSWORD)


def test_the_link_makes_the_first_administrator(client, boss):
    team = factories.make_team("Harbour", slug="harbour")
    out = io.StringIO()
    call_command("invite", "ada@example.org", *NAMES, "--role", "administrator", "--team", "harbour", "--by", boss.email, stdout=out)
    token = out.getvalue().strip().rstrip("/").rsplit("/", 1)[1]
    client.post(reverse("supervision:invitation-accept", args=[token]), {"password": "lantern pebble orchard nine"})
    assert User.objects.get(email="ada@example.org").memberships.get().team == team


@pytest.mark.parametrize(
    "arguments",
    [
        ("--role", "administrator", "--by", "boss@example.org"),
        ("--role", "wizard", "--by", "boss@example.org"),
        ("--role", "ig_lead", "--by", "nobody@example.org"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(boss, arguments):
    with pytest.raises(CommandError) as caught:
        call_command("invite", "ada@example.org", *NAMES, *arguments)
    assert caught.value.returncode == 2
