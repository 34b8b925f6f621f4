"""The page behind an invitation's link."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from supervision import invitations
from supervision.models import Invitation, User
from tests import factories

NEW_PASSWORD = "lantern pebble orchard nine"


@pytest.fixture
def invite(harbour, sam):
    def make(email="nina@example.org", **fields):
        values = {"team": harbour, "role": "therapist", "starts_on": factories.today(), "ends_on": None, **fields}
        return invitations.invite(email=email, first_name="Nina", last_name="Novak", by=sam, now=timezone.now(), **values)[1]

    return make


def url(token):
    return reverse("supervision:invitation-accept", args=[token])


def test_the_page_says_who_what_and_where(client, invite):
    content = client.get(url(invite())).content.decode()
    for word in ("Nina Novak", "nina@example.org", "Harbour MST team", "Therapist", "Sam Example"):
        assert word in content


def test_choosing_a_password_makes_the_account_and_signs_in(client, invite, harbour):
    response = client.post(url(invite()), {"password": NEW_PASSWORD})
    assert response.status_code == 302
    user = User.objects.get(email="nina@example.org")
    assert client.session["_auth_user_id"] == str(user.pk)
    membership = user.memberships.get()
    assert (membership.team, membership.role) == (harbour, "therapist")
    assert user.emailaddress_set.get().verified


def test_the_new_person_can_sign_in_by_password(client, invite):
    client.post(url(invite()), {"password": NEW_PASSWORD})
    client.post(reverse("account_logout"))
    client.post(reverse("account_login"), {"login": "Nina@Example.org", "password": NEW_PASSWORD})
    assert "_auth_user_id" in client.session


@pytest.mark.parametrize("password", ["short", "nina@example.org", "password1234", ""])
def test_a_poor_password_is_refused_with_a_summary(client, invite, password):
    response = client.post(url(invite()), {"password": password})
    assert response.status_code == 422
    assert "data-pl-error-summary" in response.content.decode()
    assert not User.objects.filter(email="nina@example.org").exists()


def test_a_link_works_once(client, invite):
    token = invite()
    client.post(url(token), {"password": NEW_PASSWORD})
    client.post(reverse("account_logout"))
    again = client.get(url(token))
    assert again.status_code == 410
    assert "has been used" in again.content.decode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expires_at": lambda: timezone.localtime() - dt.timedelta(days=1)}, "ran out on"),
        ({"cancelled_at": timezone.now}, "was cancelled"),
        ({"token_hash": "other"}, "not one of ours"),
    ],
)
def test_a_link_that_is_over_says_so_in_a_sentence(client, invite, change, words):
    token = invite()
    Invitation.objects.update(**factories.called(change))
    for response in (client.get(url(token)), client.post(url(token), {"password": NEW_PASSWORD})):
        assert response.status_code == 410
        assert words in response.content.decode()
    assert not User.objects.filter(email="nina@example.org").exists()


def test_somebody_with_an_account_signs_in_first_and_then_joins(client, invite, olly, harbour):
    token = invite(olly.email.upper())
    first = client.get(url(token)).content.decode()
    assert "Sign in to join" in first
    assert client.post(url(token), {"password": NEW_PASSWORD}).status_code == 200
    assert olly.memberships.count() == 1
    client.force_login(olly)
    client.get(url(token))
    assert olly.memberships.count() == 1
    client.post(url(token))
    assert olly.memberships.filter(team=harbour).exists()
    assert olly.check_password(factories.PASSWORD)


def test_an_invitation_for_somebody_else_cannot_be_taken(client, invite, tom):
    token = invite("nina@example.org")
    client.force_login(tom)
    assert client.post(url(token)).status_code == 403
    assert not User.objects.filter(email="nina@example.org").exists()


def test_new_accounts_meet_the_second_step_straight_away(client, invite, settings):
    settings.REQUIRE_MFA = True
    client.post(url(invite()), {"password": NEW_PASSWORD})
    response = client.get("/learning/")
    assert response["Location"] == reverse("mfa_index")
    # No second asking for a password that was chosen a moment ago.
    assert client.get(reverse("mfa_activate_totp")).status_code == 200


def test_the_page_is_never_kept_by_a_cache(client, invite):
    assert "no-store" in client.get(url(invite()))["Cache-Control"]
