from types import SimpleNamespace

from django.db import DatabaseError


def test_live_is_open_and_asks_nothing(client):
    assert client.get("/health/live").json() == {"status": "ok"}


def test_ready_checks_each_part(client, db):
    response = client.get("/health/ready")
    assert response.status_code == 200
    assert response.json()["checks"] == dict.fromkeys(["database", "storage", "keys", "queue", "media_tools", "standing"], "ok")


def test_a_vault_that_cannot_be_written_is_not_ready(client, db, settings, tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    settings.VAULT_DIR = blocker / "vault"
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["checks"]["storage"] == "Sealed recordings cannot be written and read."


def test_a_database_that_does_not_answer_is_named(client, db, monkeypatch):
    from cms import health

    def broken():
        raise DatabaseError

    monkeypatch.setattr(health, "connection", SimpleNamespace(cursor=broken))
    assert client.get("/health/ready").json()["checks"]["database"] == "The database does not answer."
