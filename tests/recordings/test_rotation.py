"""A new site key: everything opens under it, nothing under the old one alone, and whatever breaks off goes on."""

import base64
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.conf import settings as site
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.utils import timezone

from recordings import keystore, rotation, sealedfile, sitekey, vault, wrapping
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db


def new_key():
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture(autouse=True)
def nothing_remembered():
    sitekey.forget()


@pytest.fixture
def old(settings):
    settings.VAULT_KEY = new_key()
    return settings.VAULT_KEY


@pytest.fixture
def sealed(old):
    """A recording's file, a text, a family's file and an upload's, all under the old key."""
    recording = bare_recording()
    family = uuid.uuid4()
    vault.create_key(family, purpose="family")
    return {
        "row": vault.seal(recording, "original", [b"spoken"], now=timezone.now()),
        "text": vault.seal_text(recording, "written"),
        "family": family,
        "paper": vault.seal_apart(family, "scan", [b"signed"]),
    }


def read(sealed):
    with vault.open_sealed(sealed["row"]) as voice, vault.open_apart(sealed["family"], sealed["paper"].object_id, "scan") as paper:
        return voice.read(), vault.open_text(sealed["text"]), paper.read()


ALL = (b"spoken", "written", b"signed")


def rotate(capsys, *arguments):
    call_command("rotate_key", *arguments)
    return capsys.readouterr().out


def test_every_key_opens_under_the_new_one_alone_and_no_file_is_rewritten(settings, sealed, old, capsys):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in settings.VAULT_DIR.rglob("*.sealed")}
    settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS = new_key(), old
    assert read(sealed) == ALL  # while both are given, before
    assert "3 keys wrapped again" in rotate(capsys)  # recording, family, fingerprints
    assert read(sealed) == ALL
    settings.VAULT_KEY_PREVIOUS = ""
    assert read(sealed) == ALL
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in settings.VAULT_DIR.rglob("*.sealed")} == before


def test_the_old_key_opens_nothing_any_more_and_can_add_nothing(settings, sealed, old, capsys):
    settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS = new_key(), old
    rotate(capsys)
    settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS = old, ""
    for attempt in (lambda: read(sealed), lambda: bare_recording(), wrapping.check_site_key):
        with pytest.raises(ImproperlyConfigured, match="PLUMBLINE_VAULT_KEY is not the key"):
            attempt()


def test_a_key_that_was_wrapped_just_before_the_change_is_kept_under_the_new_one(settings, sealed, old, monkeypatch):
    """Under the old one it could never be opened again, and with it a recording that nobody had destroyed."""
    late, real = uuid.uuid4(), keystore.add

    def add(*args, **kwargs):
        patch.undo()
        settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS = new_key(), old
        call_command("rotate_key")
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(keystore, "add", add)
        vault.create_key(late)
    settings.VAULT_KEY_PREVIOUS = ""
    sitekey.forget()
    assert len(wrapping.data_key(late)) == 32
    assert read(sealed) == ALL


def test_nothing_of_the_old_wrapping_stays_in_the_key_store(settings, sealed, old, capsys):
    wrapped = keystore.get(sealed["family"])
    settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS = new_key(), old
    rotate(capsys)
    assert not any(wrapped in path.read_bytes() for path in settings.KEYSTORE_PATH.parent.iterdir())


def test_a_wrong_previous_key_is_one_sentence_and_changes_nothing(settings, sealed, old):
    before = settings.KEYSTORE_PATH.read_bytes()
    settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS = new_key(), new_key()
    with pytest.raises(CommandError) as caught:
        call_command("rotate_key")
    assert str(caught.value) == "PLUMBLINE_VAULT_KEY_PREVIOUS is not the key that this key store is under. Nothing was changed."
    assert settings.KEYSTORE_PATH.read_bytes() == before
    settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS = old, ""
    assert read(sealed) == ALL


def test_without_a_previous_key_it_says_what_to_do(old):
    with pytest.raises(CommandError, match=r"PLUMBLINE_VAULT_KEY_PREVIOUS is not set\. Put the new key into"):
        call_command("rotate_key")


def test_a_previous_key_without_a_new_one_is_refused_by_name(settings):
    settings.VAULT_KEY_PREVIOUS = new_key()
    with pytest.raises(ImproperlyConfigured, match="PLUMBLINE_VAULT_KEY_PREVIOUS is set but PLUMBLINE_VAULT_KEY"):
        sitekey.site_key()


def test_doing_it_again_changes_nothing(settings, sealed, old, capsys):
    settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS = new_key(), old
    assert rotate(capsys) == rotate(capsys)
    assert read(sealed) == ALL


def test_one_damaged_key_and_none_is_changed(settings, sealed, old):
    vault.new_fingerprint()
    settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS = new_key(), old
    with keystore._writing() as connection:
        connection.execute("UPDATE keys SET wrapped = ? WHERE id = ?", (bytes(40), sealed["family"].hex))
    before = settings.KEYSTORE_PATH.read_bytes()
    with pytest.raises(CommandError, match="opens under neither"):
        call_command("rotate_key")
    assert settings.KEYSTORE_PATH.read_bytes() == before


def test_what_comes_in_between_is_under_the_new_key(settings, sealed, old, capsys):
    settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS = new_key(), old
    added = uuid.uuid4()
    vault.create_key(added)
    rotate(capsys)
    settings.VAULT_KEY_PREVIOUS = ""
    paper = vault.seal_apart(added, "scan", [b"between"])
    with vault.open_apart(added, paper.object_id, "scan") as content:
        assert content.read() == b"between"


@pytest.mark.parametrize("stores", ["new", "from before fingerprints had a secret"])
def test_duplicates_are_found_after_it(settings, old, capsys, stores):
    if stores == "new":
        before = fingerprint()
    else:
        bare_recording()
        before = wrapping.hmac.new(wrapping.derive(sitekey.site_key(), "fingerprint"), b"the same", "sha256").hexdigest()
    settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS = new_key(), old
    rotate(capsys)
    settings.VAULT_KEY_PREVIOUS = ""
    assert fingerprint() == before


def fingerprint():
    digest = vault.new_fingerprint()
    digest.update(b"the same")
    return digest.hexdigest()


_KILLED = """
import os, signal, django
django.setup()
from django.conf import settings
from pathlib import Path
settings.VAULT_DIR, settings.KEYSTORE_PATH, settings.KEY_FILE = map(Path, {places!r})
from recordings import wrapping, rotation, keystore
from django.utils import timezone
whole, count = wrapping.wrap, []
def wrap(*arguments):
    count.append(1)
    if len(count) == {number}:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*arguments)
wrapping.wrap = wrap
{call}
"""


def killed(number, call="rotation.rotate()", **environment):
    """Rotates in a process of its own, which is killed while it wraps the so-many-th key."""
    places = [str(path) for path in (site.VAULT_DIR, site.KEYSTORE_PATH, site.KEY_FILE)]
    code = _KILLED.format(places=places, number=number, call=call)
    own = {**os.environ, "DJANGO_SETTINGS_MODULE": "cms.settings", "DEBUG": "1", **environment}
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(site.BASE_DIR), env=own, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 150, 300])
def test_killed_in_the_middle_it_works_under_both_and_goes_on(settings, sealed, old, capsys, number):
    for _ in range(300):
        vault.create_key(uuid.uuid4())
    vault.new_fingerprint()
    new = new_key()
    killed(number, PLUMBLINE_VAULT_KEY=new, PLUMBLINE_VAULT_KEY_PREVIOUS=old)
    assert read(sealed) == ALL  # the old one alone: nothing has happened
    settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS = new, old
    assert read(sealed) == ALL
    assert "303 keys" in rotate(capsys)
    settings.VAULT_KEY_PREVIOUS = ""
    assert read(sealed) == ALL


class TestKeyFile:
    @pytest.fixture
    def sealed(self):
        recording = bare_recording()
        return vault.seal(recording, "original", [b"spoken"], now=timezone.now())

    def opened(self, row):
        with vault.open_sealed(row) as content:
            return content.read()

    def test_it_is_exchanged_whole_and_the_old_one_kept(self, settings, sealed, capsys):
        before = settings.KEY_FILE.read_bytes()
        said = rotate(capsys, "--new-file")
        assert settings.KEY_FILE.read_bytes() != before
        (kept,) = settings.KEY_FILE.parent.glob("vault.key.old-*")
        assert kept.read_bytes() == before
        assert str(kept) in said
        assert self.opened(sealed) == b"spoken"
        assert not sitekey.next_file().exists()

    def test_a_process_that_still_remembers_the_old_key_goes_on(self, settings, sealed, capsys, monkeypatch):
        remembered = sitekey.site_keys()
        rotate(capsys, "--new-file")
        asked = []
        fresh = sitekey.site_keys

        def stale():
            asked.append(1)
            return remembered if len(asked) < 3 else fresh()

        monkeypatch.setattr(sitekey, "site_keys", stale)
        assert self.opened(sealed) == b"spoken"

    @pytest.mark.parametrize("place", ["_rewrap", "sync_folder"])
    def test_broken_off_anywhere_it_goes_on(self, settings, sealed, capsys, monkeypatch, place):
        whole = getattr(rotation, place)
        calls = []

        def breaks(*arguments):
            if place == "_rewrap":
                whole(*arguments)  # the keys are under the new one, the files are not exchanged yet
            calls.append(1)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(rotation, place, breaks)
            with pytest.raises(KeyboardInterrupt):
                rotation.rotate_file(now=timezone.now())
        sitekey.forget()
        assert self.opened(sealed) == b"spoken"
        rotate(capsys, "--new-file")
        assert self.opened(sealed) == b"spoken"
        assert not sitekey.next_file().exists()

    def test_where_the_key_comes_from_the_environment_there_is_no_file(self, old):
        with pytest.raises(CommandError, match="comes from PLUMBLINE_VAULT_KEY, so there is no key file"):
            call_command("rotate_key", "--new-file")

    def test_a_lost_file_is_not_replaced_by_a_new_one(self, settings, sealed):
        settings.KEY_FILE.unlink()
        sitekey.forget()
        with pytest.raises(ImproperlyConfigured, match=r"vault\.key is missing, and there are recordings sealed under it"):
            self.opened(sealed)
        assert not settings.KEY_FILE.exists()


def test_sealed_file_knows_no_site_key(sealed):
    assert sealedfile.key_of(sealed["row"].pk) == sealed["row"].recording_id
