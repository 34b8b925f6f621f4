"""Accounts come by invitation, passwords come back by e-mail, guessing is limited, and Wagtail has no door of its own."""

import re

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.cache import cache
from django.urls import reverse

from supervision.models import User
from tests import factories


@pytest.fixture(autouse=True)
def clean_cache(db):
    cache.clear()


def test_nobody_signs_up_by_themselves(client):
    data = {"email": "new@example.org", "password1": "lantern pebble orchard", "password2": "lantern pebble orchard"}
    response = client.post(reverse("account_signup"), data)
    assert response.status_code == 200
    assert "invitation" in response.content.decode()
    assert not User.objects.filter(email="new@example.org").exists()


def test_a_forgotten_password_is_replaced_by_e_mail(client, sam):
    client.post(reverse("account_reset_password"), {"email": sam.email})
    [message] = mail.outbox
    link = re.search(r"/accounts/password/reset/key/\S+", message.body).group()
    page = client.get(link, follow=True)
    client.post(page.request["PATH_INFO"], {"password1": "lantern pebble orchard", "password2": "lantern pebble orchard"})
    sam.refresh_from_db()
    assert sam.check_password("lantern pebble orchard")


def test_the_page_does_not_say_whether_an_address_is_known(client, sam):
    known = client.post(reverse("account_reset_password"), {"email": sam.email})
    unknown = client.post(reverse("account_reset_password"), {"email": "nobody@example.org"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


def test_guessing_is_stopped_and_the_count_is_shared_by_all_processes(client, sam):
    assert django_settings.CACHES["default"]["BACKEND"] == "django.core.cache.backends.db.DatabaseCache"
    for _ in range(12):
        client.post(reverse("account_login"), {"login": sam.email, "password": "wrong"})
    client.post(reverse("account_login"), {"login": sam.email, "password": factories.PASSWORD})
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("door", ["/admin/", "/admin/login/", "/admin/password_reset/", "/_util/login/"])
def test_wagtail_never_shows_a_sign_in_form_of_its_own(client, db, door):
    response = client.get(door, follow=True)
    assert response.redirect_chain[-1][0].startswith("/accounts/login/")
    assert response.templates[0].name == "account/login.html"


def test_a_password_posted_to_wagtails_door_signs_nobody_in(client, sam):
    for door in ("/admin/login/", "/_util/login/"):
        client.post(door, {"username": sam.email, "password": factories.PASSWORD})
    assert "_auth_user_id" not in client.session


def test_there_is_no_other_back_office(settings):
    assert "django.contrib.admin" not in settings.INSTALLED_APPS
