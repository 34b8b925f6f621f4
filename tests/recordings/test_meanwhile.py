"""What another process does in the very moment between a look and what follows from it."""

import base64
import contextlib
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from recordings import backup, keystore, replay, rotation, sitekey, vault
from tests.recordings.making import bare_recording


@pytest.fixture(autouse=True)
def nothing_remembered():
    sitekey.forget()


@pytest.fixture
def meanwhile(monkeypatch):
    """`meanwhile(owner, name, what)`: `what` is done once, right after the next call of that name has found what it finds."""

    def arrange(owner, name, what):
        original = getattr(owner, name)

        def look(*arguments, **named):
            monkeypatch.setattr(owner, name, original)
            found = original(*arguments, **named)
            what()
            return found

        monkeypatch.setattr(owner, name, look)

    return arrange


class TestTheKeyFile:
    def test_another_makes_it_and_adds_the_first_key(self, settings, meanwhile):
        meanwhile(Path, "exists", lambda: vault.create_key(uuid.uuid4()))
        assert sitekey.site_key() == base64.b64decode(settings.KEY_FILE.read_bytes())

    def test_the_new_one_takes_the_old_ones_place(self, settings, monkeypatch):
        sitekey.site_key()
        sitekey.create(sitekey.next_file())
        sitekey.forget()
        decode = sitekey.decode_file

        def late(file):
            monkeypatch.setattr(sitekey, "decode_file", decode)
            sitekey.next_file().replace(settings.KEY_FILE)
            return decode(file)

        monkeypatch.setattr(sitekey, "decode_file", late)
        assert sitekey.site_keys() == [base64.b64decode(settings.KEY_FILE.read_bytes())]

    def test_it_is_exchanged_while_a_key_is_added(self, meanwhile):
        vault.create_key(uuid.uuid4())
        key_id = uuid.uuid4()
        remembered = sitekey.site_keys()

        def exchange():
            rotation.rotate_file(now=timezone.now())

        meanwhile(sitekey, "site_keys", lambda: meanwhile(sitekey, "site_keys", exchange))  # the second look is the one that wraps
        vault.create_key(key_id)
        assert sitekey.site_keys() != remembered
        assert vault.has_key(key_id)


class TestTheKeyStore:
    def test_who_makes_its_file_second_ends_no_lock_of_the_first(self, settings, meanwhile):
        at_work = contextlib.ExitStack()
        meanwhile(Path, "exists", lambda: at_work.enter_context(keystore._writing()))
        with at_work:
            assert keystore.marked("anything") is None
            write = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
            other = subprocess.run([sys.executable, "-c", write, settings.KEYSTORE_PATH], capture_output=True, check=False)
        assert b"database is locked" in other.stderr
        assert settings.KEYSTORE_PATH.stat().st_mode & 0o777 == 0o600
        assert {path.name.removeprefix(settings.KEYSTORE_PATH.name) for path in settings.KEYSTORE_PATH.parent.iterdir()} == {"", "-journal"}

    @pytest.mark.django_db
    def test_a_destruction_that_comes_to_its_end_shuts_no_site(self, meanwhile):
        key_id = uuid.uuid4()
        vault.create_key(key_id)
        vault.destroy_key(key_id)
        for name in ("_erasures", "_erasures"):
            meanwhile(keystore, name, lambda: keystore.complete(key_id, at=timezone.now()))
            assert not replay.is_shut()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="copies SQLite's file")
class TestABackup:
    @pytest.fixture
    def places(self, tmp_path):
        recording = bare_recording()
        vault.seal(recording, "original", [b"spoken words"], now=timezone.now())
        return {"folder": tmp_path / "backups", "keys": tmp_path / "elsewhere", "keep": 1, "now": timezone.now()}

    def test_another_to_the_same_folder_is_refused_and_spoils_nothing(self, places, meanwhile):
        refused = []

        def other():
            with pytest.raises(backup.CannotBackUp, match="being made") as caught:
                backup.make(**places)
            refused.append(caught)

        meanwhile(backup, "_sealed", other)
        made = backup.make(**places)
        assert refused
        assert not list(backup.troubles(places["folder"], made.stamp, keys=places["keys"]))
        assert list(backup.manifests(places["folder"])) == [made.stamp]
        assert backup.make(**places).stamp != made.stamp  # whoever comes afterwards is let through

    def test_a_picture_is_deleted(self, places, settings, meanwhile):
        settings.MEDIA_ROOT.mkdir(parents=True)
        (settings.MEDIA_ROOT / "one.png").write_bytes(b"\x89PNG")
        meanwhile(Path, "is_file", (settings.MEDIA_ROOT / "one.png").unlink)
        assert backup.make(**places).sealed == 1
        assert not list((places["folder"] / "media").iterdir())
