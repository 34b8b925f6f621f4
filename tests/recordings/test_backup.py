"""Backups: whole, apart from their keys, and of no use for what was destroyed since."""

import json
import shutil
import sqlite3
import stat
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from recordings import backup, destruction, erasurelog, keystore, replay, sealedfile, vault
from recordings.models import DestructionCertificate, Recording, SealedObject
from tests.recordings.engine_room import BASE, Room
from tests.recordings.making import bare_recording

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.skipif("connection.vendor != 'sqlite'")]
DAY = timezone.timedelta(days=1)


@pytest.fixture
def places(tmp_path):
    return tmp_path / "backups", tmp_path / "elsewhere"


@pytest.fixture
def recording():
    recording = bare_recording(state=Recording.State.READY)
    vault.seal(recording, "original", [b"spoken words"], now=timezone.now())
    return recording


def make(places, *, now=None, keep=14):
    return backup.make(places[0], keys=places[1], keep=keep, now=now or timezone.now())


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


class TestMaking:
    def test_it_holds_database_files_and_manifest_and_the_keys_lie_elsewhere(self, recording, places, settings):
        made = make(places)
        manifest = backup.manifests(places[0])[made.stamp]
        row = SealedObject.objects.get()
        assert manifest["sealed"] == [{"id": str(row.pk), "size": sealedfile.path_of(row.pk).stat().st_size, "sha256": row.sha256}]
        with sqlite3.connect(places[0] / "database" / f"{made.stamp}.sqlite3") as copy:
            assert copy.execute("SELECT count(*) FROM recordings_recording").fetchone() == (1,)
        wrapped = keystore.get(recording.pk)
        assert not [path for path in files(places[0]) if wrapped in path.read_bytes()]
        assert [path for path in files(places[1]) if wrapped in path.read_bytes()]

    def test_the_site_key_is_in_none_of_it_and_nobody_else_may_read_it(self, recording, places, settings):
        make(places)
        key = settings.KEY_FILE.read_bytes().strip()
        for path in (*files(places[0]), *files(places[1])):
            assert key not in path.read_bytes()
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    @pytest.mark.parametrize("keys", ["same", "inside", "outside"])
    def test_keys_beside_what_they_open_are_refused(self, recording, tmp_path, keys):
        folder = tmp_path / "one"
        other = {"same": folder, "inside": folder / "keys", "outside": tmp_path}[keys]
        with pytest.raises(CommandError, match="The keys would lie in the same folder"):
            call_command("backup", str(folder), "--keys-to", str(other))
        assert not folder.exists()

    @pytest.mark.parametrize("which", ["folder", "keys"])
    def test_nothing_is_backed_up_into_the_data_folder_itself(self, recording, tmp_path, settings, which):
        settings.PLUMBLINE_DATA = tmp_path / "data"
        inside, outside = tmp_path / "data" / "copies", tmp_path / "elsewhere"
        folder, keys = (inside, outside) if which == "folder" else (outside, inside)
        with pytest.raises(CommandError, match="elsewhere"):
            call_command("backup", str(folder), "--keys-to", str(keys))
        assert not folder.exists()
        assert not keys.exists()

    @pytest.mark.parametrize("keep", [0, -1])
    def test_one_backup_at_least_stays(self, recording, places, keep):
        with pytest.raises(CommandError, match="--keep must be 1 or more"):
            call_command("backup", str(places[0]), "--keys-to", str(places[1]), "--keep", str(keep))
        assert not places[0].exists()

    def test_what_others_keep_in_a_folder_of_the_same_name_stays(self, recording, places):
        theirs = places[0] / "database" / "payroll.sqlite3"
        theirs.parent.mkdir(parents=True)
        theirs.write_text("theirs")
        make(places, keep=1)
        make(places, keep=1)
        assert theirs.read_text() == "theirs"
        assert len(list(theirs.parent.iterdir())) == 2

    def test_files_are_copied_once(self, recording, places):
        assert make(places).copied == 1
        vault.seal(recording, "playback", [b"again"], now=timezone.now())
        again = make(places, now=timezone.now() + DAY)
        assert (again.sealed, again.copied) == (2, 1)

    def test_only_so_many_stay_and_what_no_manifest_names_goes(self, recording, places):
        now = timezone.now()
        make(places, now=now)
        vault.seal(recording, "original", [b"in its place"], now=now)
        for number in range(1, 4):
            make(places, now=now + number * DAY, keep=2)
        assert len(backup.manifests(places[0])) == len(files(places[0] / "database")) == 2
        assert [path.stem for path in files(places[0] / "sealed")] == [str(SealedObject.objects.get().pk)]

    def test_one_that_broke_off_does_not_count_and_harms_no_other(self, recording, places, monkeypatch):
        first = make(places)
        vault.seal(recording, "playback", [b"again"], now=timezone.now())

        def full(*arguments):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(backup, "_write_copy", full)
            with pytest.raises(CommandError, match=r"The backup broke off: No space left on device\. Earlier backups are as they were\."):
                call_command("backup", str(places[0]), "--keys-to", str(places[1]))
        assert list(backup.manifests(places[0])) == [first.stamp]
        assert not list(backup.troubles(places[0], first.stamp))
        assert make(places, now=timezone.now() + DAY).copied == 1

    def test_copies_of_keys_age_out_also_without_another_backup(self, recording, places, settings):
        settings.KEYSTORE_BACKUP_DAYS = 3
        now = timezone.now()
        make(places, now=now)
        assert backup.prune_keys(now=now + 2 * DAY) == 0
        assert backup.prune_keys(now=now + 3 * DAY) == 1
        assert [path.name for path in files(places[1])] == []


class TestVerifying:
    @pytest.fixture
    def made(self, recording, places):
        return make(places)

    def test_a_whole_one_is_said_to_be_whole(self, made, places, capsys):
        call_command("verify_backup", str(places[0]), "--keys-from", str(places[1]))
        assert "is whole: 1 sealed files and the database" in capsys.readouterr().out

    @pytest.mark.parametrize("harm", ["flip", "cut", "gone", "database", "keys"])
    def test_what_is_wrong_is_named(self, made, places, capsys, harm):
        row = SealedObject.objects.get()
        copy = backup.copy_of(places[0], str(row.pk))
        named = str(row.pk)
        if harm == "flip":
            data = bytearray(copy.read_bytes())
            data[70] ^= 1
            copy.write_bytes(data)
        elif harm == "cut":
            copy.write_bytes(copy.read_bytes()[:-1])
        elif harm == "gone":
            copy.unlink()
        elif harm == "database":
            named = f"{made.stamp}.sqlite3"
            with (places[0] / "database" / named).open("ab") as file:
                file.write(b"x")
        else:
            named = str(places[1])
            shutil.rmtree(places[1])
        with pytest.raises(CommandError, match="cannot be relied on: 1 thing wrong"):
            call_command("verify_backup", str(places[0]), "--keys-from", str(places[1]))
        assert named in capsys.readouterr().err


class TestErasureLog:
    def test_every_destruction_is_entered_beside_the_keys_and_beside_their_copies(self, recording, places, settings):
        make(places)
        destruction.destroy(recording=recording, reason="mistake", note="Wrong file", by=None, now=timezone.now())
        for folder in (settings.KEYSTORE_PATH.parent, places[1]):
            text = (folder / erasurelog.NAME).read_text()
            assert str(recording.pk) in text
            assert "Wrong file" not in text

    def test_a_folder_that_was_away_is_brought_up_to_date(self, recording, places):
        make(places)
        shutil.rmtree(places[1])
        destruction.destroy(recording=recording, reason="mistake", by=None, now=timezone.now())
        assert not places[1].exists()
        make(places, now=timezone.now() + DAY)
        assert recording.pk in erasurelog.read(places[1] / erasurelog.NAME).erased

    def test_a_line_that_was_cut_short_spoils_no_other(self, settings):
        place = settings.KEYSTORE_PATH.with_name(erasurelog.NAME)
        entries = [erasurelog.Erased(uuid.uuid4(), "mistake", None, timezone.now()) for _ in range(3)]
        erasurelog.append(entries[:1])
        with place.open("a") as file:
            file.write('{"erased": "12')
        erasurelog.append(entries[1:])
        assert erasurelog.read(place).entries() == entries


_FILL = """
from recordings import vault, keystore
from recordings.models import Recording
from tests import factories
from tests.recordings.making import bare_recording
from django.utils import timezone
made = []
for words in (b"spoken and destroyed", b"spoken and kept"):
    recording = bare_recording(state=Recording.State.READY)
    vault.seal(recording, "original", [words], now=timezone.now())
    made.append([str(recording.pk), keystore.get(recording.pk).hex(), recording.consent_id])
print(json.dumps(made))
"""
_WITHDRAW = """
from recordings import withdrawal
from recordings.models import Consent
from django.utils import timezone
withdrawal.withdraw(consent=Consent.objects.get(pk={consent}), channel="telephone", by=None, now=timezone.now())
"""
_LOOK = """
from django.test import Client
from recordings import vault
from recordings.models import Recording, Consent
front, live, ready = (Client().get(path, secure=True) for path in ("/accounts/login/", "/health/live", "/health/ready"))
words = []
for recording in Recording.objects.order_by("uploaded_at"):
    try:
        with vault.open_sealed(recording.objects_sealed.get()) as content:
            words.append(content.read().decode())
    except Exception as error:
        words.append(type(error).__name__)
print(json.dumps({"front": front.status_code, "said": front.content.decode(), "live": live.status_code, "ready": ready.status_code,
    "standing": ready.json()["checks"]["standing"], "states": list(Recording.objects.order_by("uploaded_at").values_list("state", flat=True)),
    "withdrawn": Consent.objects.filter(withdrawn_at__isnull=False).count(), "words": words}))
"""


@pytest.fixture
def room(tmp_path, django_db_blocker):
    folder = tmp_path / "room"
    folder.mkdir()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(folder / "db.sqlite3")])
    room = Room(folder, "tiny.en")
    room.environment |= {"ALLOWED_HOSTS": "testserver", "DEBUG": "1"}
    yield room
    room.close()


def manage(room, *command):
    done = subprocess.run(
        [sys.executable, "manage.py", *map(str, command)], cwd=BASE, env=room.environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def holding(wrapped, *folders):
    return [path for folder in folders for path in files(folder) if bytes.fromhex(wrapped) in path.read_bytes()]


@pytest.mark.slow
@pytest.mark.parametrize("opens_it", ["replay_erasures", "tick"])
def test_what_was_withdrawn_stays_gone_through_a_restore_of_everything(room, tmp_path, opens_it):
    """Old database, old key store, old files: the site is shut until the erasure log has been replayed."""
    data, keys = tmp_path / "backups", tmp_path / "elsewhere"
    (gone, wrapped, consent), (kept, _, _) = room.call(_FILL)
    manage(room, "backup", data, "--keys-to", keys)
    assert holding(wrapped, room.folder, keys)
    room.call(_WITHDRAW.format(consent=consent))
    assert not holding(wrapped, room.folder)

    assert "site is closed" in manage(room, "restore", data, "--keys-from", keys, "--replace")
    found = room.call(_LOOK)
    assert (found["front"], found["live"], found["ready"]) == (503, 200, 503)
    assert "stays closed until everything that was destroyed since then has been destroyed again" in found["said"]
    assert "replay_erasures" in found["standing"]
    assert found["states"] == ["ready", "ready"]  # what the old backup says; nobody gets to see it

    manage(room, opens_it)
    found = room.call(_LOOK)
    assert (found["front"], found["standing"]) == (200, "ok")
    assert found["states"] == ["destroyed", "ready"]
    assert found["withdrawn"] == 1
    assert found["words"] == ["DoesNotExist", "spoken and kept"]
    assert not holding(wrapped, room.folder)

    age(keys, days=7)
    manage(room, "tick")
    assert not holding(wrapped, room.folder, data, keys)
    assert gone != kept


def age(folder, *, days):
    """The copies of the key store as they are so many days later."""
    for path in folder.glob("keystore-*.sqlite3"):
        made_at = backup.stamped_at(path.stem.removeprefix("keystore-")) - days * DAY
        path.rename(path.with_name(f"keystore-{made_at:%Y%m%dT%H%M%SZ}.sqlite3"))


@pytest.mark.slow
@pytest.mark.parametrize("what", ["database", "keys"])
def test_a_restore_by_hand_is_noticed(room, tmp_path, what):
    (_, wrapped, consent), _ = room.call(_FILL)
    copies = tmp_path / "by hand"
    shutil.copytree(room.folder, copies)
    room.call(_WITHDRAW.format(consent=consent))
    if what == "database":
        for path in room.folder.glob("db.sqlite3*"):
            path.unlink()
        shutil.copy(copies / "db.sqlite3", room.folder / "db.sqlite3")
    else:
        shutil.copy(copies / "keys" / "keystore.sqlite3", room.folder / "keys" / "keystore.sqlite3")
    assert room.call(_LOOK)["front"] == 503
    manage(room, "replay_erasures")
    found = room.call(_LOOK)
    assert (found["front"], found["states"], found["withdrawn"]) == (200, ["destroyed", "ready"], 1)
    assert not holding(wrapped, room.folder)


@pytest.mark.slow
def test_a_restore_onto_an_empty_machine_brings_everything_back(room, tmp_path):
    data, keys = tmp_path / "backups", tmp_path / "elsewhere"
    room.call(_FILL)
    manage(room, "backup", data, "--keys-to", keys)
    site_key = (room.folder / "keys" / "vault.key").read_bytes()
    shutil.rmtree(room.folder)
    (room.folder / "keys").mkdir(parents=True)
    (room.folder / "keys" / "vault.key").write_bytes(site_key)
    manage(room, "restore", data, "--keys-from", keys)
    manage(room, "replay_erasures")
    found = room.call(_LOOK)
    assert (found["front"], found["ready"], found["words"]) == (200, 200, ["spoken and destroyed", "spoken and kept"])


def test_a_backup_that_cannot_be_relied_on_is_not_put_back(recording, places, settings):
    made = make(places)
    backup.copy_of(places[0], str(SealedObject.objects.get().pk)).unlink()
    before = settings.KEYSTORE_PATH.read_bytes()
    with pytest.raises(CommandError, match="This backup cannot be relied on"):
        call_command("restore", str(places[0]), "--stamp", made.stamp, "--replace")
    assert settings.KEYSTORE_PATH.read_bytes() == before
    assert not settings.KEYSTORE_PATH.with_name("restored").exists()


def test_a_database_that_is_here_is_not_replaced_unasked(recording, places):
    make(places)
    with pytest.raises(CommandError, match="There is a database here already"):
        call_command("restore", str(places[0]))


def test_a_restore_that_broke_off_keeps_the_site_shut(recording, places, client, settings):
    settings.KEYSTORE_PATH.with_name("restored").write_text("halfway")
    assert client.get("/").status_code == 503
    with pytest.raises(CommandError, match="did not come to its end"):
        call_command("replay_erasures")
    assert client.get("/").status_code == 503


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "a folder of that name"])
def test_a_log_that_was_named_and_is_not_there_keeps_the_site_shut(tmp_path, there):
    """A slip of the pen in the path would otherwise open the site over what only that log knows to be destroyed."""
    named = tmp_path / "elsewhere"
    if there != "nothing":
        (named / erasurelog.NAME if there == "a folder of that name" else named).mkdir(parents=True)
    replay.mark_restored(is_whole=True)
    with pytest.raises(CommandError, match=r"There is no erasures\.log to be read in .*elsewhere"):
        call_command("replay_erasures", also=[str(named)])
    assert replay.is_shut()
    call_command("replay_erasures")
    assert not replay.is_shut()


def test_destroyed_again_it_has_the_certificate_that_the_family_was_given(recording, places):
    now = timezone.now()
    make(places)
    given = destruction.destroy(recording=recording, reason="withdrawal", by=None, now=now).reference
    call_command("restore", str(places[0]), keys_from=str(places[1]), replace=True)
    assert Recording.objects.get().state == Recording.State.READY
    call_command("replay_erasures")
    assert DestructionCertificate.objects.get().reference == given


def test_manifests_name_no_family_and_no_person(recording, places):
    made = make(places)
    text = (places[0] / "manifests" / f"{made.stamp}.json").read_text()
    assert set(json.loads(text)) == {"made_at", "version", "database", "storage", "recordings", "sealed"}
    assert str(Path(BASE)) not in text
