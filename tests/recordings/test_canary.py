"""After a withdrawal, nothing of what was said is anywhere: not in the database, its log, the keys, the storage, the cache, the
queue, the logs or a temporary folder. Looked for by the words that were said and by the samples of the sound."""

import io
import logging
import wave
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from recordings import engines, keystore, ledger, pipeline, steps, transcript, vault, withdrawal
from recordings.models import Purpose, Recording, TranscriptRun
from tests.factories import AUDIO, make_consent, make_family
from tests.recordings._faults import bytes_of
from tests.recordings.making import bare_recording

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SECONDS = 14
COMMENT = "She waited eleven seconds before the grandmother answered"


@pytest.fixture(autouse=True)
def surroundings(settings, tmp_path, monkeypatch, whisper_engine):
    """Temporary files and logs of the test's own, and the model that is loaded already."""
    settings.WHISPER_MODEL = "tiny.en"
    monkeypatch.setattr(engines, "load", lambda *arguments, **options: whisper_engine)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    handler = logging.FileHandler(tmp_path / "everything.log")
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield
    root.removeHandler(handler)
    root.setLevel(level)
    handler.close()


@pytest.fixture
def sound(make_media):
    samples = make_media("-i", AUDIO / "session-1.opus", "-t", SECONDS, "-ar", 16000, "-ac", 1, format="s16le")
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples)
    return memory.getvalue()


@pytest.fixture
def recording(harbour, thea, sound, client):
    """Processed by the real steps, heard, read and commented on."""
    purposes = (Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE)
    recording = bare_recording(consent=make_consent(make_family(harbour, thea), purposes=purposes), duration_ms=SECONDS * 1000)
    vault.seal(recording, "original", [sound], now=timezone.now())
    pipeline.submit(recording=recording, now=timezone.now())
    steps.perform(recording.pk, ledger.claim(recording.pk, now=timezone.now()))
    vault.seal_text(recording, COMMENT)
    client.force_login(thea)
    for address in ("", "audio/", "status/"):
        client.get(f"/recordings/{recording.pk}/{address}", headers={"range": "bytes=0-9999"})
    recording.refresh_from_db()
    assert recording.state == "ready"
    return recording


def needles(recording, sound):
    """What nobody may find: three words in a row wherever they were said, the comment, and stretches of the sound."""
    said = [word["text"].strip(" .,?!").lower() for segment in transcript.segments(recording) for word in segment["words"]]
    assert len(said) > 15
    phrases = [" ".join(said[start : start + 3]).encode() for start in range(len(said) - 2)]
    with vault.open_sealed(recording.objects_sealed.get(kind="playback")) as content:
        derived = content.read()
    runs = [whole[start : start + 48] for whole in (sound, derived) for start in range(2000, len(whole) - 48, 9000)]
    return [*phrases, COMMENT.lower().encode()], runs


def found_in(content, words, runs):
    lowered = content.lower()
    return [one for one in words if one in lowered] + [one for one in runs if one in content]


def places(tmp_path):
    yield from (path for path in tmp_path.rglob("*") if path.is_file())
    if connection.vendor == "sqlite":
        name = connection.settings_dict["NAME"]
        yield from (path for suffix in ("", "-wal", "-journal") if (path := Path(f"{name}{suffix}")).exists())


def every_value():
    """Every column of every table, as bytes: those of the queue and of the cache too."""
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 (names of our own tables)
            for row in cursor.fetchall():
                for value in row:
                    yield table, bytes(value) if isinstance(value, bytes | memoryview | bytearray) else str(value).encode()


def everything(tmp_path):
    yield from ((path.name, bytes_of(path)) for path in places(tmp_path))
    yield from every_value()


def test_the_search_finds_what_is_there(tmp_path, recording, sound):
    """The search itself: words in a log, in a table and in a file are found."""
    words, runs = needles(recording, sound)
    logging.getLogger("recordings").warning("heard: %s", words[0].decode())
    TranscriptRun.objects.update(parameters={"prompt": words[1].decode().upper()})
    (tmp_path / "temporary" / "left.wav").write_bytes(sound)
    where = {name for name, content in everything(tmp_path) if found_in(content, words, runs)}
    assert {"everything.log", "recordings_transcriptrun", "left.wav"} <= where


def test_before_the_withdrawal_nothing_lies_in_plain_either(tmp_path, recording, sound):
    words, runs = needles(recording, sound)
    assert [name for name, content in everything(tmp_path) if found_in(content, words, runs)] == []
    assert not list((tmp_path / "temporary").iterdir())


def test_after_it_there_is_nothing_at_all(tmp_path, recording, sound, thea, settings, client):
    words, runs = needles(recording, sound)
    wrapped = keystore.get(recording.pk)
    sealed = [path.read_bytes()[200:264] for path in settings.VAULT_DIR.rglob("*.sealed")]
    assert len(sealed) == 3
    withdrawal.withdraw(consent=recording.consent, channel="telephone", by=thea, now=timezone.now())
    client.get(f"/recordings/{recording.pk}/")

    assert [name for name, content in everything(tmp_path) if found_in(content, words, [*runs, *sealed, wrapped])] == []
    assert not [path for path in settings.VAULT_DIR.rglob("*") if path.is_file()]
    assert not list((tmp_path / "temporary").iterdir())
    assert Recording.objects.get(pk=recording.pk).state == "destroyed"


def test_every_table_is_searched():
    searched = {
        model._meta.db_table for model in apps.get_models(include_auto_created=True) if not model._meta.proxy and model._meta.managed
    }
    assert searched | {"plumbline_cache"} <= set(connection.introspection.table_names())
