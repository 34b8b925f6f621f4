"""`manage.py invite`: how the first administrator of a new installation gets in."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from supervision.models import Invitation, User
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
        ("--role", "ig_lead", "--by", "boss@example.org", "--first-name", "A" * 151),
        ("--role", "ig_lead", "--by", "boss@example.org", "--last-name", " "),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(boss, arguments):
    with pytest.raises(CommandError) as caught:
        call_command("invite", "ada@example.org", *NAMES, *arguments)
    assert caught.value.returncode == 2
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("address", ["ada", "ada fielding", "ada@", "a" * 250 + "@example.org"])
def test_what_is_no_address_is_refused(boss, mailoutbox, address):
    """It would be an invitation that reaches nobody; PostgreSQL would refuse the long one with a trace of the program."""
    with pytest.raises(CommandError, match=r"(?i)e-?mail") as caught:
        call_command("invite", address, *NAMES, "--role", "ig_lead", "--by", boss.email)
    assert caught.value.returncode == 2
    assert not Invitation.objects.exists()


def test_whoever_has_no_name_invites_under_their_address(client, boss, mailoutbox, django_capture_on_commit_callbacks):
    out = io.StringIO()
    with django_capture_on_commit_callbacks(execute=True):
        call_command("invite", "ada@example.org", *NAMES, "--role", "ig_lead", "--by", boss.email, stdout=out)
    assert "boss@example.org has invited you" in mailoutbox[0].body
    assert "tell boss@example.org." in mailoutbox[0].body
    token = out.getvalue().strip().rstrip("/").rsplit("/", 1)[1]
    page = client.get(reverse("supervision:invitation-accept", args=[token]))
    assert "boss@example.org has invited you" in page.content.decode()


def test_making_a_superuser_asks_for_a_name():
    assert User.REQUIRED_FIELDS == ["first_name", "last_name"]
