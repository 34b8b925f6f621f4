"""When no page can be shown: one calm sentence instead, with what to do."""

import base64
import errno
import os
import uuid

import pytest
from django.db import OperationalError
from django.utils import timezone

from recordings import erasurelog, keystore, replay, sitekey, vault
from recordings.store import StoreAway
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db


def close(settings):
    """As after a restore: the log names a key that the key store does not know to be destroyed."""
    erasurelog.append([erasurelog.Erased(uuid.uuid4(), "withdrawal", None, timezone.now())])


def test_an_ordinary_site_is_open(client):
    assert client.get("/accounts/login/").status_code == 200


def test_a_restored_site_shows_nothing_but_one_sentence(client, settings):
    close(settings)
    for address in ("/", "/accounts/login/", "/recordings/", "/admin/", "/media/x.mp3", "/no/such/page"):
        response = client.get(address)
        assert response.status_code == 503
        assert replay.SHUT in response.content.decode()
        assert response["Retry-After"] == "120"
        assert "default-src" in response["Content-Security-Policy"]


def test_health_is_answered_and_red(client, settings):
    close(settings)
    assert client.get("/health/live").status_code == 200
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["standing"] == "The site comes from a backup. Run manage.py replay_erasures."


def test_no_recording_is_worked_on_meanwhile(settings, monkeypatch):
    from recordings import ledger, tasks

    close(settings)
    monkeypatch.setattr(ledger, "claim", lambda *arguments, **options: pytest.fail("it was claimed"))
    tasks.process_recording.func(str(uuid.uuid4()))


def test_once_replayed_it_is_open(client, settings):
    close(settings)
    assert client.get("/accounts/login/").status_code == 503
    replay.replay(now=timezone.now())
    assert client.get("/accounts/login/").status_code == 200


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (StoreAway(), "does not answer. Nothing is lost."),
        (sitekey.SiteKeyTrouble("PLUMBLINE_VAULT_KEY is not the key"), "The key that opens recordings is missing or is not the right one."),
        (OperationalError("database is locked"), "The database does not answer in time."),
        (OSError(errno.ENOSPC, "No space left on device"), "Tell the person who runs Plumbline, and try again later."),
    ],
)
def test_what_is_no_fault_of_a_page_is_said_in_a_sentence(client, monkeypatch, error, sentence):
    def fails():
        raise error

    monkeypatch.setattr("cms.views.health.checks", fails)
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert sentence in response.content.decode()
    assert "PLUMBLINE_VAULT_KEY" not in response.content.decode()


def test_what_is_a_fault_of_a_page_is_not_hidden(client, monkeypatch):
    def fails():
        raise ZeroDivisionError

    monkeypatch.setattr("cms.views.health.checks", fails)
    with pytest.raises(ZeroDivisionError):
        client.get("/health/ready")


class TestReady:
    def checks(self, client):
        return client.get("/health/ready").json()["checks"]

    def test_a_wrong_site_key_is_not_ready(self, client, settings):
        vault.create_key(uuid.uuid4())
        settings.VAULT_KEY = base64.b64encode(os.urandom(32)).decode()
        assert self.checks(client)["keys"] == "The key store cannot be read, or the site key is not its own."

    def test_an_empty_key_store_in_the_place_of_theirs_is_not_ready(self, client, settings):
        bare_recording(with_key=False)
        assert keystore.marked(keystore.SITE_KEY) is None
        assert self.checks(client)["keys"] != "ok"

    def test_a_trial_leaves_nothing(self, client, settings):
        assert self.checks(client)["storage"] == "ok"
        assert not [path for path in settings.VAULT_DIR.rglob("*") if path.is_file()]
