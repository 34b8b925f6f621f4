"""Known words of a recording, searched for in everything that is kept: database, search index, cache, sessions, logs, storage, keys,
temporary files; as they are, in other encodings, and packed."""

import base64
import gzip
import io
import logging
import wave
import zlib

import pytest
from django.apps import apps
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from wagtail.coreutils import get_supported_content_language_variant
from wagtail.models import Locale, Page, Site

from learning.models import LessonPage
from recordings import engines, exports_docx, keystore, transcript, vault, withdrawal
from recordings.exports import Transcript
from recordings.models import Clip, Recording, TranscriptRun
from recordings.speech import Segment
from tests import factories
from tests.recordings import canary_life
from tests.recordings.making import bare_recording
from tests.recordings.searching import found_in, where

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SECONDS = 14
NOBODYS = "zinnia quartz hollow"  # SQLite's journal may hold what was planted long after a test's end


@pytest.fixture(autouse=True)
def surroundings(settings, tmp_path, monkeypatch, whisper_engine):
    """Temporary files and logs of the test's own, and the model that is loaded already."""
    settings.WHISPER_MODEL = "tiny.en"
    settings.RECORDING_MIN_SECONDS = 1
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
    samples = make_media("-i", factories.AUDIO / "session-1.opus", "-t", SECONDS, "-ar", 16000, "-ac", 1, format="s16le")
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples)
    return memory.getvalue()


@pytest.fixture(autouse=True)
def site(db, settings):
    """Wagtail's first page and its site, which an earlier test that commits has emptied away."""
    if not Site.objects.exists():
        Locale.objects.get_or_create(language_code=get_supported_content_language_variant(settings.LANGUAGE_CODE))
        root = Page.objects.filter(depth=1).first() or Page.add_root(title="Root", slug="root")
        Site.objects.create(hostname="localhost", root_page=root, is_default_site=True)


@pytest.fixture
def people(thea, tom, sam, cora):
    """A client for each, signed in."""
    signed_in = {}
    for name, person in {"thea": thea, "tom": tom, "sam": sam, "cora": cora}.items():
        client = signed_in[name] = Client()
        client.person = person
        client.force_login(person)
    return signed_in


@pytest.fixture
def lived(harbour, people, sound):
    return canary_life.live(team=harbour, people=people, sound=sound, seconds=SECONDS)


def needles(recording, sound):
    """What nobody may find: words in a row wherever they were said, all that was written, names, and stretches of every sound."""
    said = [word["text"].strip(" .,?!") for segment in transcript.segments(recording) for word in segment["words"]]
    assert len(said) > 15
    phrases = [" ".join(said[start : start + 4]) for start in range(len(said) - 3)]
    wholes = [sound]
    for row in recording.objects_sealed.all():
        with vault.open_sealed(row) as content:
            wholes.append(content.read())
    runs = [whole[start : start + 48] for whole in wholes for start in range(2000, len(whole) - 48, 9000)]
    runs = [run for run in runs if len(set(run)) > 8]  # silence is anybody's
    assert len(runs) > 40
    return [*phrases, *canary_life.WORDS.values(), canary_life.NAME], runs


def test_the_search_finds_what_is_there(tmp_path, harbour, thea):
    """The control: words planted in each kind of place and in each kind of wrapping are found, each by itself."""
    plain = NOBODYS.encode()
    client = Client()
    client.force_login(thea)
    logging.getLogger("recordings").warning("heard: %s", NOBODYS.upper())
    cache.set("heard", {"words": NOBODYS})
    session = client.session
    session["typed"] = f"{NOBODYS} " * 50  # packed by Django
    session.save()
    factories.make_course(lessons=1, body=[factories.text_block(f"<p>{NOBODYS}</p>")])
    call_command("update_index", verbosity=0)
    TranscriptRun.objects.create(
        recording=bare_recording(), number=1, engine="e", model="m", finished_at=timezone.now(), parameters={"prompt": NOBODYS}
    )
    document = Transcript(2.0, "en", "e", "m", [Segment(0.0, 2.0, NOBODYS, [], speaker="S1")])
    wrapped = {
        "vault/half.sealed": b"\0\1" + plain,
        "keys/note": plain.title(),
        "media/wide": NOBODYS.encode("utf-16-le"),
        "media/other": NOBODYS.encode("utf-16"),
        "temporary/packed": b"head" + zlib.compress(b"x" * 99 + plain),
        "temporary/left.gz": gzip.compress(plain),
        "temporary/coded": b"data:" + base64.b64encode(b"1" + plain),
        "temporary/coded.url": base64.urlsafe_b64encode(zlib.compress(NOBODYS.encode("utf-16-be"))),
        "temporary/left.docx": exports_docx.to_docx(document),
    }
    for name, content in wrapped.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    found = where(tmp_path, [NOBODYS])
    tables = {"recordings_transcriptrun", "plumbline_cache", "django_session", LessonPage._meta.db_table, "wagtailcore_revision"}
    index = {name for name in found if "index" in name}
    assert {"everything.log", *tables, *(name.split("/")[-1] for name in wrapped)} <= set(found), set(found)
    assert index, set(found)
    assert found_in(b"abc" + sound_like(), [], [sound_like()[10:58]])
    assert not found_in(zlib.compress(b"other words than those"), [NOBODYS])


def sound_like():
    return bytes((number * 37) % 251 for number in range(100))


def test_nothing_of_it_lies_in_plain_before_or_after_a_withdrawal(tmp_path, lived, sound, people, settings):
    recording, thea = lived.recording, people["thea"]
    words, runs = needles(recording, sound)
    wrapped = keystore.get(recording.pk)
    sealed = [path.read_bytes()[200:264] for path in settings.VAULT_DIR.rglob("*.sealed")]
    assert len(sealed) >= 6
    assert where(tmp_path, words, runs) == {}
    assert not list((tmp_path / "temporary").iterdir())

    withdrawal.withdraw(consent=lived.consent, channel="telephone", by=thea.person, now=timezone.now())
    for client in people.values():
        for address in ("", "transcript/", "transcript/export/docx/", "audio/"):
            client.get(f"/recordings/{recording.pk}/{address}")
    call_command("update_index", verbosity=0)

    assert where(tmp_path, words, [*runs, *sealed, wrapped]) == {}
    assert not [path for path in settings.VAULT_DIR.rglob("*") if path.is_file()]
    assert not list((tmp_path / "temporary").iterdir())
    assert Recording.objects.get(pk=recording.pk).state == Recording.State.DESTROYED
    assert Clip.objects.get(pk=lived.clip.pk).state == Clip.State.GONE


def test_every_table_is_searched():
    searched = {
        model._meta.db_table for model in apps.get_models(include_auto_created=True) if not model._meta.proxy and model._meta.managed
    }
    assert searched | {"plumbline_cache"} <= set(connection.introspection.table_names())
