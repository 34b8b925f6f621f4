"""With two-step sign-in required, a password alone opens nothing, whichever door is tried."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.urls import reverse

from supervision.models import User
from tests import factories

DOORS = [
    "/",
    "/learning/",
    "/supervision/teams/",
    "/recordings/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/media/x.png",
    "/documents/1/x.pdf",
]


@pytest.fixture(autouse=True)
def required(settings):
    settings.REQUIRE_MFA = True


@pytest.fixture
def secret(sam):
    value = generate_totp_secret()
    TOTP.activate(sam, value)
    RecoveryCodes.activate(sam)
    return value


@pytest.fixture(autouse=True)
def counter(monkeypatch):
    """The half minute that an app's code is of: one for the whole test, however long it takes."""
    now = int(time.time()) // 30
    monkeypatch.setattr(auth, "yield_hotp_counters_from_time", lambda: iter([now]))
    return now


@pytest.fixture
def code(counter):
    return lambda secret: format_hotp_value(hotp_value(secret, counter))


def sign_in(client, user):
    return client.post(reverse("account_login"), {"login": user.email, "password": factories.PASSWORD})


@pytest.mark.parametrize("door", DOORS)
def test_without_a_second_step_every_door_leads_to_setting_one_up(client, sam, door):
    sign_in(client, sam)
    response = client.get(door)
    assert (response.status_code, response["Location"]) == (302, reverse("mfa_index"))


def test_the_back_office_too(client, db):
    boss = User.objects.create_superuser("boss@example.org", factories.PASSWORD)
    sign_in(client, boss)
    assert client.get("/admin/")["Location"] == reverse("mfa_index")
    assert client.post("/admin/users/new/", {})["Location"] == reverse("mfa_index")


def test_the_set_up_page_says_why(client, sam):
    sign_in(client, sam)
    assert "Set up two-step sign-in to go on" in client.get("/learning/", follow=True).content.decode()


@pytest.mark.parametrize(
    "door", ["/learning/", "/supervision/teams/", "/accounts/2fa/", "/accounts/2fa/totp/deactivate/", "/accounts/reauthenticate/"]
)
def test_somebody_enrolled_whose_session_has_only_a_password_can_only_prove_it(client, sam, secret, door):
    client.force_login(sam)
    response = client.get(door)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("mfa_reauthenticate"))


def test_proving_it_opens_the_door_that_was_asked_for(client, sam, secret, code):
    client.force_login(sam)
    asked = client.get("/supervision/teams/")["Location"]
    response = client.post(asked, {"code": code(secret)})
    assert response["Location"] == "/supervision/teams/"
    assert client.get("/supervision/teams/").status_code == 200


def test_signing_in_with_the_app_code_passes(client, sam, secret, code):
    assert sign_in(client, sam)["Location"].startswith(reverse("mfa_authenticate"))
    assert client.get("/supervision/teams/")["Location"].startswith("/accounts/login/")
    client.post(reverse("mfa_authenticate"), {"code": code(secret)})
    assert client.get("/supervision/teams/").status_code == 200


def test_a_wrong_code_does_not(client, sam, secret):
    sign_in(client, sam)
    client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert client.get("/supervision/teams/").status_code == 302


def test_a_code_works_once(client, sam, secret, code):
    used = code(secret)
    sign_in(client, sam)
    client.post(reverse("mfa_authenticate"), {"code": used})
    client.post(reverse("account_logout"))
    sign_in(client, sam)
    client.post(reverse("mfa_authenticate"), {"code": used})
    assert client.get("/supervision/teams/").status_code == 302


def test_a_recovery_code_passes(client, sam, secret):
    spare = Authenticator.objects.get(user=sam, type="recovery_codes").wrap().get_unused_codes()[0]
    sign_in(client, sam)
    client.post(reverse("mfa_authenticate"), {"code": spare})
    assert client.get("/supervision/teams/").status_code == 200


def test_a_passkey_used_to_sign_in_counts(client, sam, rf):
    from allauth.mfa.base.internal.flows import post_authentication

    from supervision.mfa import has_second_factor

    key = Authenticator.objects.create(user=sam, type=Authenticator.Type.WEBAUTHN, data={"name": "Key"})
    client.force_login(sam)
    request = rf.get("/")
    request.user, request.session = sam, client.session
    assert not has_second_factor(request)
    post_authentication(request, key, passwordless=True)
    assert has_second_factor(request)


def test_setting_up_an_app_leads_to_recovery_codes_and_opens_the_door(client, sam, code, monkeypatch):
    # The test's own transaction never commits; allauth counts the proof when the app is saved for good.
    monkeypatch.setattr("django.db.transaction.on_commit", lambda done, **_: done())
    sign_in(client, sam)
    client.post(reverse("account_reauthenticate"), {"password": factories.PASSWORD})
    client.get(reverse("mfa_activate_totp"))
    response = client.post(reverse("mfa_activate_totp"), {"code": code(client.session["mfa.totp.secret"])})
    assert response["Location"] == reverse("mfa_view_recovery_codes")
    assert client.get(response["Location"]).status_code == 200
    assert client.get("/supervision/teams/").status_code == 200


def test_setting_one_up_asks_for_the_password_again(client, sam):
    client.force_login(sam)
    assert client.get(reverse("mfa_activate_totp"))["Location"].startswith(reverse("account_reauthenticate"))


def test_one_can_always_sign_out(client, sam, secret):
    client.force_login(sam)
    assert client.get(reverse("account_logout")).status_code == 200


def test_a_fragment_is_told_to_leave_the_page(client, sam):
    client.force_login(sam)
    response = client.get("/supervision/teams/", headers={"HX-Request": "true"})
    assert response.status_code == 204
    assert response["HX-Redirect"] == reverse("mfa_index")


def test_whoever_is_not_signed_in_is_let_by(client, db):
    assert client.get("/health/live").status_code == 200
    assert client.get(reverse("account_login")).status_code == 200
