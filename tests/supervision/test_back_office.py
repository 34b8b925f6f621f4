"""Accounts in the Wagtail admin, with an e-mail address in the place of a user name."""

import pytest

from supervision.models import Programme, Team, User
from tests import factories


@pytest.fixture
def boss(client, db):
    user = User.objects.create_superuser("boss@example.org", factories.PASSWORD, first_name="Bo", last_name="Ss")
    client.force_login(user)
    return user


def details(**values):
    return {"email": "new@example.org", "first_name": "New", "last_name": "Person", "is_active": "on", **values}


def test_the_list_of_people_opens_and_can_be_searched(client, boss, thea):
    assert "Thea Example" in client.get("/admin/users/").content.decode()
    assert client.get("/admin/users/?q=thea").status_code == 200


def test_a_person_can_be_added_and_changed(client, boss):
    assert client.get("/admin/users/new/").status_code == 200
    client.post(
        "/admin/users/new/", details(email="New@Example.org", password1="lantern pebble orchard", password2="lantern pebble orchard")
    )
    user = User.objects.get(email__iexact="new@example.org")
    assert client.get(f"/admin/users/edit/{user.pk}/").status_code == 200
    client.post(f"/admin/users/edit/{user.pk}/", details(last_name="Changed"))
    user.refresh_from_db()
    assert user.last_name == "Changed"


def test_closing_an_account_is_one_tick(client, boss, thea):
    client.post(f"/admin/users/edit/{thea.pk}/", {"email": thea.email, "first_name": "Thea", "last_name": "Example"})
    thea.refresh_from_db()
    assert not thea.is_active


def test_an_address_is_taken_whatever_its_case(client, boss, thea):
    response = client.post(
        "/admin/users/new/", details(email=thea.email.upper(), password1="lantern pebble orchard", password2="lantern pebble orchard")
    )
    assert response.status_code == 200
    assert User.objects.filter(email__iexact=thea.email).count() == 1


def test_programmes_and_teams_are_set_up_there(client, boss):
    programme = factories.make_programme()
    assert client.get("/admin/snippets/supervision/programme/").status_code == 200
    client.post(
        "/admin/snippets/supervision/team/add/", {"name": "Quayside", "slug": "quayside", "programme": programme.pk, "organisation": ""}
    )
    assert Team.objects.filter(slug="quayside", programme=programme).exists()
    assert Programme.objects.count() == 1


def test_the_log_of_the_site_opens(client, boss):
    assert client.get("/admin/reports/site-history/").status_code == 200
