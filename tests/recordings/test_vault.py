"""The vault: nothing but what was sealed ever comes out, and nothing at all once the key is gone."""

import base64
import datetime as dt
import errno
import os
import re
import stat
import threading
import uuid

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from recordings import keystore, sealedfile, store, vault
from recordings.models import SealedObject, SealedText
from recordings.sealedfile import CHUNK, TAG
from recordings.sitekey import site_key
from tests.recordings.making import bare_recording

HEADER = 64
pytestmark = pytest.mark.django_db


@pytest.fixture
def recording():
    return bare_recording()


def sealed(recording, content, kind="original", number=0):
    return vault.seal(recording, kind, [content], number=number, now=timezone.now())


def opened(row):
    with vault.open_sealed(row) as reader:
        return reader.read()


def test_a_file_whose_very_beginning_cannot_be_written_leaves_nothing(recording, monkeypatch):
    def no_room(sink, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store._FileSink, "write", no_room)
    with pytest.raises(OSError, match="No space"):
        sealed(recording, b"spoken")
    assert not [path for path in settings.VAULT_DIR.rglob("*") if path.is_file()]
    assert not SealedObject.objects.exists()


def test_in_place_of_the_old_goes_only_what_was_of_that_recording_kind_and_number(recording):
    another = bare_recording()
    beside = [sealed(recording, b"1", "piece", 1), sealed(recording, b"2", "peaks"), sealed(another, b"3", "piece"), sealed(another, b"4")]
    for content in (b"old", b"new"):
        row = sealed(recording, content, "piece", 0)
    assert set(SealedObject.objects.all()) == {row, *beside}
    assert [opened(each) for each in (row, *beside)] == [b"new", b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17])
def test_what_is_sealed_comes_out_again(recording, size):
    content = os.urandom(size)
    row = sealed(recording, content)
    assert opened(row) == content
    assert row.size == size
    assert sealedfile.path_of(row.pk).stat().st_size == HEADER + size + TAG * max(1, -(-size // CHUNK))


def test_the_file_shows_nothing_of_its_content_and_only_its_owner_may_read_it(recording):
    row = sealed(recording, b"a caregiver speaks " * 1000)
    path = sealedfile.path_of(row.pk)
    assert b"caregiver" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert re.fullmatch(r"[0-9a-f]{2}/[0-9a-f-]{36}\.sealed", str(path.relative_to(settings.VAULT_DIR)))


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=CHUNK), max_size=6), st.data())
def test_any_place_can_be_read(recording, parts, data):
    content = b"".join(parts)
    row = vault.seal(recording, "features", parts, now=timezone.now())
    with vault.open_sealed(row) as reader:
        for _ in range(4):
            start = data.draw(st.integers(0, len(content) + 3))
            length = data.draw(st.integers(0, len(content) + 3))
            reader.seek(start)
            assert reader.read(length) == content[start : start + length]
            assert reader.tell() == min(start + length, max(start, len(content)))


@hypothesis_settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, HEADER + 2 * CHUNK + 83 + 3 * TAG - 1), bit=st.integers(0, 7))
@example(place=0, bit=0)
@example(place=HEADER - 1, bit=7)
def test_a_flipped_bit_anywhere_is_refused(recording, place, bit):
    row = sealed(recording, bytes(2 * CHUNK + 83))
    path = sealedfile.path_of(row.pk)
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)
    with pytest.raises(vault.Damaged):
        opened(row)


@pytest.mark.parametrize(
    "cut", [1, TAG, CHUNK + TAG, CHUNK + TAG + 100, 2 * (CHUNK + TAG), 3 * CHUNK + 3 * TAG, 3 * CHUNK + 3 * TAG + HEADER]
)
def test_a_file_cut_short_is_refused(recording, cut):
    row = sealed(recording, os.urandom(3 * CHUNK))
    path = sealedfile.path_of(row.pk)
    os.truncate(path, path.stat().st_size - cut)
    with pytest.raises(vault.Damaged):
        opened(row)


def test_truncation_is_found_even_where_the_row_agrees_with_the_short_file(recording):
    row = sealed(recording, os.urandom(3 * CHUNK))
    os.truncate(sealedfile.path_of(row.pk), HEADER + 2 * (CHUNK + TAG))
    row.size = 2 * CHUNK
    with pytest.raises(vault.Damaged):
        vault.open_sealed(row)


def test_chunks_in_another_order_are_refused(recording):
    row = sealed(recording, os.urandom(4 * CHUNK))
    path = sealedfile.path_of(row.pk)
    data, step = path.read_bytes(), CHUNK + TAG
    chunks = [data[HEADER + i * step : HEADER + (i + 1) * step] for i in range(4)]
    path.write_bytes(data[:HEADER] + b"".join([chunks[1], chunks[0], chunks[2], chunks[3]]))
    with pytest.raises(vault.Damaged):
        opened(row)


def test_something_appended_is_refused(recording):
    row = sealed(recording, b"x" * 100)
    with sealedfile.path_of(row.pk).open("ab") as file:
        file.write(b"more")
    with pytest.raises(vault.Damaged):
        vault.open_sealed(row)


def test_another_recordings_file_is_refused(recording):
    mine, theirs = sealed(recording, b"mine" * 99), sealed(bare_recording(), b"them" * 99)
    sealedfile.path_of(mine.pk).write_bytes(sealedfile.path_of(theirs.pk).read_bytes())
    with pytest.raises(vault.Damaged):
        vault.open_sealed(mine)


@pytest.mark.parametrize("change", [{"kind": "playback"}, {"number": 1}])
def test_a_file_stands_for_its_own_kind_and_number_only(recording, change):
    row = sealed(recording, b"piece", kind="piece")
    for name, value in change.items():
        setattr(row, name, value)
    with pytest.raises(vault.Damaged):
        vault.open_sealed(row)


def test_a_missing_file_is_damage_and_no_crash(recording):
    row = sealed(recording, b"here")
    sealedfile.remove_file(row.pk)
    with pytest.raises(vault.Damaged):
        vault.open_sealed(row)


def test_no_two_objects_share_key_and_nonce(recording):
    first, second = sealed(recording, bytes(CHUNK), kind="piece", number=1), sealed(recording, bytes(CHUNK), kind="piece", number=2)
    one, other = (sealedfile.path_of(row.pk).read_bytes()[HEADER:] for row in (first, second))
    assert one != other


def test_sealing_again_takes_the_place_of_the_old(recording, django_capture_on_commit_callbacks):
    old = sealed(recording, b"first")
    with django_capture_on_commit_callbacks(execute=True):
        new = sealed(recording, b"second")
    assert opened(new) == b"second"
    assert list(SealedObject.objects.filter(recording=recording)) == [new]
    assert not sealedfile.path_of(old.pk).exists()


def test_a_broken_source_leaves_nothing(recording):
    def chunks():
        yield b"some" * CHUNK
        raise RuntimeError

    with pytest.raises(RuntimeError):
        vault.seal(recording, "original", chunks(), now=timezone.now())
    assert not [path for path in settings.VAULT_DIR.rglob("*") if path.is_file()]
    assert not SealedObject.objects.exists()


def test_without_the_key_nothing_opens_and_nothing_is_sealed(recording):
    row, text = sealed(recording, b"voice"), vault.seal_text(recording, "a comment")
    vault.destroy_key(recording.pk)
    assert not vault.has_key(recording.pk)
    for attempt in (
        lambda: vault.open_sealed(row),
        lambda: vault.open_text(text),
        lambda: sealed(recording, b"more"),
        lambda: vault.seal_text(recording, "x"),
    ):
        with pytest.raises(vault.KeyGone):
            attempt()


def test_a_destroyed_key_never_comes_back(recording):
    vault.destroy_key(recording.pk)
    vault.create_key(recording.pk)
    assert not vault.has_key(recording.pk)


def test_a_destroyed_key_leaves_no_trace_in_the_key_store(recording):
    wrapped = keystore.get(recording.pk)
    folder = settings.KEYSTORE_PATH.parent
    assert any(wrapped in path.read_bytes() for path in folder.iterdir())
    vault.destroy_key(recording.pk)
    assert not any(wrapped in path.read_bytes() for path in folder.iterdir())


def test_the_key_lies_nowhere_but_in_the_key_store(recording):
    row = sealed(recording, b"voice")
    assert keystore.get(recording.pk) not in sealedfile.path_of(row.pk).read_bytes()


def test_making_a_key_twice_keeps_the_first(recording):
    row = sealed(recording, b"voice")
    vault.create_key(recording.pk)
    assert opened(row) == b"voice"


def test_texts_are_sealed_each_for_itself(recording):
    one, same = vault.seal_text(recording, "Gwych, Siân 💬"), vault.seal_text(recording, "Gwych, Siân 💬")
    assert vault.open_text(one) == "Gwych, Siân 💬"
    assert vault.open_text(None) == ""
    assert bytes(one.ciphertext) != bytes(same.ciphertext)
    swapped = SealedText(pk=one.pk, recording=recording, ciphertext=same.ciphertext)
    with pytest.raises(vault.Damaged):
        vault.open_text(swapped)


def test_many_at_once_get_one_key_file_and_their_own_keys():
    recordings = [bare_recording(with_key=False) for _ in range(8)]
    start = threading.Barrier(8)

    def make(pk):
        start.wait()
        vault.create_key(pk)

    threads = [threading.Thread(target=make, args=[recording.pk]) for recording in recordings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrapped = {keystore.get(recording.pk) for recording in recordings}
    assert len(wrapped - {None}) == 8
    assert stat.S_IMODE(settings.KEY_FILE.stat().st_mode) == 0o400


class TestSiteKey:
    @pytest.mark.parametrize(
        "value", ["short", base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode(), "ü" * 44, "=" * 44]
    )
    def test_a_wrong_value_is_refused_by_name(self, settings, value):
        settings.VAULT_KEY = value
        with pytest.raises(ImproperlyConfigured, match="PLUMBLINE_VAULT_KEY"):
            site_key()

    def test_a_given_key_is_used_and_no_file_is_made(self, settings):
        settings.VAULT_KEY = base64.b64encode(bytes(range(32))).decode()
        assert site_key() == bytes(range(32))
        assert not settings.KEY_FILE.exists()

    def test_the_file_is_made_once_and_kept(self, settings):
        first = site_key()
        assert base64.b64decode(settings.KEY_FILE.read_bytes()) == first == site_key()

    def test_a_damaged_file_is_never_overwritten(self, settings):
        settings.KEY_FILE.parent.mkdir(parents=True, exist_ok=True)
        settings.KEY_FILE.write_bytes(b"")
        with pytest.raises(ImproperlyConfigured, match=r"vault\.key"):
            site_key()
        assert settings.KEY_FILE.read_bytes() == b""

    def test_another_key_than_the_key_stores_is_refused(self, settings, recording):
        settings.VAULT_KEY = base64.b64encode(os.urandom(32)).decode()
        with pytest.raises(ImproperlyConfigured, match="key store"):
            vault.create_key(bare_recording(with_key=False).pk)


class TestStaging:
    def test_it_seals_from_the_first_byte_and_leaves_nothing(self):
        with vault.Staging() as staged:
            staged.write(b"spoken words " * CHUNK)
            files = [path for path in settings.VAULT_DIR.rglob("*") if path.is_file()]
            assert files
            assert all(b"spoken" not in path.read_bytes() for path in files)
            assert keystore.get(staged.id)
        assert keystore.get(staged.id) is None
        assert not [path for path in settings.VAULT_DIR.rglob("*") if path.is_file()]

    def test_equal_content_has_an_equal_fingerprint_and_only_under_this_key(self, settings):
        prints = set()
        for _ in range(2):
            with vault.Staging() as staged:
                staged.write(b"the same")
                prints.add(staged.fingerprint)
        assert len(prints) == 1
        settings.VAULT_KEY = base64.b64encode(os.urandom(32)).decode()
        settings.KEYSTORE_PATH = settings.KEYSTORE_PATH.with_name("other.sqlite3")
        with vault.Staging() as staged:
            staged.write(b"the same")
            assert staged.fingerprint not in prints

    def test_promoted_it_is_sealed_under_the_recordings_own_key(self, recording):
        with vault.Staging() as staged:
            staged.write(b"content" * 100_000)
            row = staged.promote(recording, now=timezone.now())
            row.save(force_insert=True)
        assert opened(row) == b"content" * 100_000

    def test_what_a_crash_left_is_swept_and_nothing_else(self, recording):
        kept = sealed(recording, b"kept")
        left = vault.Staging()
        left.write(bytes(CHUNK * 2))
        left._writer._sink._file.close()
        never_kept = uuid.uuid4()
        vault.create_key(never_kept, purpose=vault.INCOMING)
        vault._write(never_kept, "original", [b"never kept"])
        vault._write(recording.pk, "original", [b"its row may come back from a backup"])
        assert vault.sweep(before=timezone.now() - dt.timedelta(hours=1)) == 0
        assert vault.sweep(before=timezone.now() + dt.timedelta(hours=1)) == 2
        assert not vault.has_key(left.id)
        assert not vault.has_key(never_kept)
        assert opened(kept) == b"kept"

    def test_a_key_whose_recording_was_kept_after_all_is_settled(self):
        recording = bare_recording(with_key=False)
        vault.create_key(recording.pk, purpose=vault.INCOMING)
        vault.sweep(before=timezone.now() + dt.timedelta(hours=1))
        assert vault.has_key(recording.pk)
        assert not keystore.older_than(timezone.now() + dt.timedelta(hours=1), purpose=vault.INCOMING)
