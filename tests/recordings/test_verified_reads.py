"""Reads of sealed files: only what was sealed, in its place and order, ever comes out; and only what is asked for is opened."""

import os
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from recordings import keystore, sealedfile, store, vault, wrapping
from recordings.sealedfile import CHUNK, TAG

HEADER, STEP = 64, CHUNK + TAG
few = hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def key():
    made = uuid.uuid4()
    vault.create_key(made)
    return made


def seal(key, content, kind="original"):
    return vault.seal_apart(key, kind, [content])


def read(key, written, kind="original"):
    with vault.open_apart(key, written.object_id, kind) as reader:
        return reader.read()


def place(written):
    return sealedfile.path_of(written.object_id)


def chunks_of(path):
    data = path.read_bytes()
    return data[:HEADER], [data[start : start + STEP] for start in range(HEADER, len(data), STEP)]


@few
@given(order=st.permutations(range(5)), keep=st.integers(0, 5), twice=st.integers(0, 4))
def test_chunks_left_out_repeated_or_in_another_order_are_refused(key, order, keep, twice):
    written = seal(key, os.urandom(4 * CHUNK + 77))
    header, chunks = chunks_of(place(written))
    shuffled = [chunks[index] for index in order][:keep]
    for candidate in (shuffled, [*chunks, chunks[twice]], [*chunks[:twice], chunks[twice], *chunks[twice:]]):
        if candidate == chunks:
            continue
        place(written).write_bytes(header + b"".join(candidate))
        with pytest.raises(vault.Damaged):
            read(key, written)


@few
@given(data=st.data())
def test_chunks_of_another_file_are_refused_even_under_the_same_key(key, data):
    content = os.urandom(3 * CHUNK)
    mine, other = seal(key, content), seal(key, content)
    header, chunks = chunks_of(place(mine))
    theirs = chunks_of(place(other))[1]
    taken = data.draw(st.sets(st.integers(0, 2), min_size=1))
    mixed = [theirs[index] if index in taken else chunk for index, chunk in enumerate(chunks)]
    place(mine).write_bytes(header + b"".join(mixed))
    with pytest.raises(vault.Damaged):
        read(key, mine)


@few
@given(cut=st.integers(1, HEADER + 2 * STEP + 100 + TAG), more=st.binary(max_size=40))
def test_whatever_is_cut_off_or_put_on_is_refused(key, cut, more):
    written = seal(key, os.urandom(2 * CHUNK + 100))
    whole = place(written).read_bytes()
    place(written).write_bytes(whole[: len(whole) - cut] + more)
    if place(written).read_bytes() == whole:
        return
    with pytest.raises(vault.Damaged):
        read(key, written)


@pytest.mark.parametrize("swap", ["the whole file", "the header", "the object's id", "the key's id"])
def test_a_file_stands_for_itself_only(key, swap):
    other_key = uuid.uuid4()
    vault.create_key(other_key)
    mine, same_key, theirs = seal(key, b"mine" * 99), seal(key, b"same" * 99), seal(other_key, b"them" * 99)
    data = bytearray(place(mine).read_bytes())
    if swap == "the whole file":
        data = place(same_key).read_bytes()
    elif swap == "the header":
        data[:HEADER] = place(same_key).read_bytes()[:HEADER]
    elif swap == "the object's id":
        data[28:44] = same_key.object_id.bytes
    else:
        data[12:28] = other_key.bytes
    place(mine).write_bytes(data)
    with pytest.raises(vault.Damaged):
        read(key, mine)
    assert read(other_key, theirs) == b"them" * 99


def test_a_file_is_of_one_kind_only(key):
    written = seal(key, b"a signature", kind="signature")
    with pytest.raises(vault.Damaged):
        read(key, written, kind="form")


@few
@given(blob=st.binary(min_size=1, max_size=50), place_in=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_few_bytes_in_a_column_are_as_safe(key, blob, place_in, bit):
    sealed = bytearray(vault.seal_bytes(key, "names", blob))
    assert vault.open_bytes(key, "names", bytes(sealed)) == blob
    with pytest.raises(vault.Damaged):
        vault.open_bytes(key, "another use", bytes(sealed))
    sealed[place_in % len(sealed)] ^= 1 << bit
    with pytest.raises(vault.Damaged):
        vault.open_bytes(key, "names", bytes(sealed))


class TestOnlyWhatIsAsked:
    @pytest.fixture
    def opened(self, monkeypatch):
        """The numbers of the chunks that are decrypted."""
        numbers = []
        whole = vault._ObjectCipher.open
        monkeypatch.setattr(
            vault._ObjectCipher,
            "open",
            lambda self, nonce, *arguments: numbers.append(int.from_bytes(nonce[7:11], "big")) or whole(self, nonce, *arguments),
        )
        return numbers

    @pytest.fixture
    def read_from_disk(self, monkeypatch):
        """Bytes that are read from the file."""
        sizes = []
        whole = store._FileSource.read
        monkeypatch.setattr(store._FileSource, "read", lambda self, offset, length: sizes.append(length) or whole(self, offset, length))
        return sizes

    @pytest.mark.parametrize(
        ("start", "length", "chunks"),
        [
            (0, 1, [0]),
            (CHUNK - 1, 2, [0, 1]),
            (5 * CHUNK, CHUNK, [5]),
            (5 * CHUNK + 1000, 65536, [5]),
            (7 * CHUNK - 100, 2 * CHUNK, [6, 7, 8]),
            (20 * CHUNK - 10, 10, []),  # the end, which opening has just proved
        ],
    )
    def test_a_range_opens_the_chunks_it_lies_in(self, key, opened, read_from_disk, start, length, chunks):
        content = os.urandom(20 * CHUNK)
        written = seal(key, content)
        with vault.open_apart(key, written.object_id, "original") as reader:
            assert opened == [19]
            opened.clear()
            read_from_disk.clear()
            reader.seek(start)
            assert reader.read(length) == content[start : start + length]
        assert opened == chunks
        assert sum(read_from_disk) == len(chunks) * STEP

    @few
    @given(places=st.lists(st.tuples(st.integers(0, 6 * CHUNK), st.integers(0, 2 * CHUNK)), max_size=6))
    def test_no_range_opens_more_than_it_needs(self, key, opened, places):
        content = os.urandom(5 * CHUNK + 5)
        written = seal(key, content)
        with vault.open_apart(key, written.object_id, "original") as reader:
            for start, length in places:
                opened.clear()
                reader.seek(start)
                assert reader.read(length) == content[start : start + length]
                end = min(start + length, len(content))
                assert set(opened) <= set(range(start // CHUNK, -(-end // CHUNK))) if end > start else not opened

    def test_the_whole_is_opened_once(self, key, opened):
        content = os.urandom(9 * CHUNK)
        written = seal(key, content)
        with vault.open_apart(key, written.object_id, "original") as reader:
            opened.clear()
            assert b"".join(reader.chunks(100_000)) == content
        assert opened == list(range(9))


class TestAVaultThatIsNotMounted:
    def test_nothing_is_written_into_the_empty_place_and_nothing_called_damaged(self, key, settings):
        written = seal(key, b"spoken")
        settings.VAULT_DIR.rename(settings.VAULT_DIR.with_name("unmounted"))
        settings.VAULT_DIR.mkdir()
        with pytest.raises(store.StoreAway, match=r"does not answer\. Nothing is lost"):
            read(key, written)
        with pytest.raises(store.StoreAway):
            seal(key, b"more")
        assert not list(settings.VAULT_DIR.iterdir())
        settings.VAULT_DIR.rmdir()
        settings.VAULT_DIR.with_name("unmounted").rename(settings.VAULT_DIR)
        assert read(key, written) == b"spoken"

    def test_another_process_knows_it_too(self, key, settings, monkeypatch):
        seal(key, b"spoken")
        monkeypatch.setattr(store, "_begun", set())
        settings.VAULT_DIR.rename(settings.VAULT_DIR.with_name("unmounted"))
        with pytest.raises(store.StoreAway):
            seal(key, b"more")
        assert not settings.VAULT_DIR.exists()


class TestTheFirstFileOfAll:
    @pytest.mark.parametrize("looked", [(keystore, "marked"), (Path, "is_dir")], ids=["at the mark", "at the folder"])
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_another_process_may_write_its_own_in_between(self, key, settings, monkeypatch, looked, when):
        """The other writes the whole of its first file right before, or right after, this one looks for the first time."""
        owner, name = looked
        original = getattr(owner, name)

        def look(*arguments):
            monkeypatch.setattr(owner, name, original)
            found = original(*arguments) if when == "after" else None
            seal(key, b"of another")
            monkeypatch.setattr(store, "_begun", set())  # what it knows is not known here
            return found if when == "after" else original(*arguments)

        monkeypatch.setattr(store, "_begun", set())
        monkeypatch.setattr(owner, name, look)
        assert read(key, seal(key, b"of this one")) == b"of this one"
        assert len(list(settings.VAULT_DIR.rglob("*.sealed"))) == 2

    def test_many_at_the_same_moment(self, settings, monkeypatch):
        for attempt in range(20):
            monkeypatch.setattr(settings, "VAULT_DIR", settings.VAULT_DIR.with_name(f"vault {attempt}"))
            monkeypatch.setattr(settings, "KEYSTORE_PATH", settings.KEYSTORE_PATH.with_name(f"keys {attempt}.sqlite3"))
            start = threading.Barrier(4)

            def write(start=start):
                start.wait()
                sink = store.current().create(uuid.uuid4())
                sink.write(b"spoken")
                sink.finish()

            with ThreadPoolExecutor(4) as pool:
                for outcome in [pool.submit(write) for _ in range(4)]:
                    outcome.result(60)
            assert len(list(settings.VAULT_DIR.rglob("*.sealed"))) == 4


class TestAKeyStoreThatIsNotAllHere:
    @pytest.mark.django_db
    def test_a_recording_without_its_key_is_not_called_destroyed(self):
        from django.utils import timezone

        from tests.recordings.making import bare_recording

        recording = bare_recording()
        row = vault.seal(recording, "original", [b"spoken"], now=timezone.now())
        keystore.remove(recording.pk)
        for attempt in (lambda: vault.open_sealed(row), lambda: vault.seal(recording, "playback", [b"x"], now=timezone.now())):
            with pytest.raises(vault.Damaged, match="The key of this recording is missing"):
                attempt()

    @pytest.mark.django_db
    def test_the_sweep_does_not_clear_away_what_only_misses_its_key(self, settings):
        from django.utils import timezone

        from tests.recordings.making import bare_recording

        recording = bare_recording()
        row = vault.seal(recording, "original", [b"spoken"], now=timezone.now())
        vault.seal_apart(bare_recording().pk, "original", [b"only a newer database knows of it"])
        later = timezone.now() + timezone.timedelta(days=2)
        wrapped = settings.KEYSTORE_PATH.read_bytes()
        keystore.remove(recording.pk)
        assert vault.sweep(before=later) == 0
        settings.KEYSTORE_PATH.unlink()  # a new, empty one will be in its place
        assert vault.sweep(before=later) == 0
        settings.KEYSTORE_PATH.write_bytes(wrapped)
        with vault.open_sealed(row) as content:
            assert content.read() == b"spoken"


def test_the_site_key_is_asked_for_by_its_mark(key, settings):
    wrapping.check_site_key()
    assert keystore.marked(keystore.SITE_KEY) == wrapping.mark_of(wrapping.sitekey.site_key())
