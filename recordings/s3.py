"""Sealed files in an S3-compatible store. The only module that knows boto3, which is imported where S3_BUCKET is set and nowhere else."""

import contextlib
import datetime as dt
import functools
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from recordings.store import StoreAway, Stored, id_in

PART = 8 * 1024 * 1024  # bytes of a multipart upload's part; S3 takes none below 5 MiB but the last
READ_AHEAD = 4 * 1024 * 1024
_KNOWN = 512


def check_settings() -> None:
    """Raises ImproperlyConfigured with a sentence that names the variable. Asks nobody; `S3Store.try_bucket` does."""
    if not settings.S3_BUCKET:
        for name in ("S3_ENDPOINT_URL", "S3_REGION", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "S3_PREFIX"):
            if getattr(settings, name):
                raise ImproperlyConfigured(
                    f"{name} is set but S3_BUCKET is not. Name the bucket, or unset {name} to keep recordings as files."
                )
        return
    url = settings.S3_ENDPOINT_URL
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc):
        raise ImproperlyConfigured("S3_ENDPOINT_URL must be an address that begins with https:// (or http:// on a network of your own).")
    for name, other in (("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"), ("S3_SECRET_ACCESS_KEY", "S3_ACCESS_KEY_ID")):
        if getattr(settings, name) and not getattr(settings, other):
            raise ImproperlyConfigured(f"{name} is set but {other} is not. Set both.")
    if settings.S3_PREFIX.startswith("/"):
        raise ImproperlyConfigured("S3_PREFIX must not begin with a slash.")
    try:
        import boto3  # noqa: F401
    except ImportError:
        raise ImproperlyConfigured(
            "S3_BUCKET is set, but boto3 is not installed. Install Plumbline with its extra: pip install .[s3]"
        ) from None


@functools.lru_cache(maxsize=4)
def _client(endpoint: str, region: str, key: str, secret: str) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"max_attempts": 3, "mode": "standard"},
        s3={"addressing_style": "path" if endpoint else "auto"},
        request_checksum_calculation="when_required",  # what every S3-compatible store understands; the content proves itself
        response_checksum_validation="when_required",
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=region or "us-east-1",
        aws_access_key_id=key or None,
        aws_secret_access_key=secret or None,
        config=config,
    )


_MISSING = {"NoSuchKey", "404", "NotFound", "PreconditionFailed", "412", "InvalidRange", "416"}


@contextlib.contextmanager
def _asking() -> Iterator[None]:
    """Raises what the rest of Plumbline knows: FileNotFoundError and StoreAway. Neither carries what the store said."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    try:
        yield
    except ClientError as error:
        if str(error.response.get("Error", {}).get("Code")) in _MISSING:
            raise FileNotFoundError from None
        raise StoreAway from None
    except (BotoCoreError, HTTPClientError, OSError):
        raise StoreAway from None


class _Known:
    """What was proved of files lately, for the whole process: their size, their tag and their first bytes. A file never changes."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, str], tuple[int, str, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, bucket: str, key: str) -> tuple[int, str, bytes] | None:
        with self._lock:
            return self._held.get((bucket, key))

    def put(self, bucket: str, key: str, what: tuple[int, str, bytes]) -> None:
        with self._lock:
            self._held[bucket, key] = what
            while len(self._held) > _KNOWN:
                self._held.popitem(last=False)

    def drop(self, bucket: str, key: str) -> None:
        with self._lock:
            self._held.pop((bucket, key), None)


known = _Known()


class S3Store:
    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket, self.prefix = bucket, prefix
        names = ("S3_ENDPOINT_URL", "S3_REGION", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY")
        self.client = _client(*(getattr(settings, name) for name in names))

    def key(self, object_id: uuid.UUID) -> str:
        return f"{self.prefix}{object_id.hex[:2]}/{object_id}.sealed"

    def try_bucket(self) -> None:
        """Raises StoreAway, or FileNotFoundError where there is no such bucket."""
        with _asking():
            self.client.head_bucket(Bucket=self.bucket)

    def create(self, object_id: uuid.UUID) -> "_S3Sink":
        return _S3Sink(self, self.key(object_id))

    def open(self, object_id: uuid.UUID) -> "_S3Source":
        return _S3Source(self, self.key(object_id))

    def remove(self, object_id: uuid.UUID) -> None:
        known.drop(self.bucket, self.key(object_id))
        with _asking(), contextlib.suppress(FileNotFoundError):
            self.client.delete_object(Bucket=self.bucket, Key=self.key(object_id))

    def listing(self) -> Iterator[Stored]:
        with _asking():
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix):
                for entry in page.get("Contents", []):
                    object_id = id_in(entry["Key"].rpartition("/")[2])
                    if object_id is not None and entry["Key"] == self.key(object_id):
                        yield Stored(object_id, entry["Size"], entry["LastModified"])

    def clear_partial(self, *, before: dt.datetime) -> int:
        gone = 0
        with _asking():
            for page in self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=self.prefix):
                for entry in page.get("Uploads", []):
                    if entry["Initiated"] < before:
                        self.client.abort_multipart_upload(Bucket=self.bucket, Key=entry["Key"], UploadId=entry["UploadId"])
                        gone += 1
        return gone


class _S3Sink:
    """Parts of 8 MiB as they come, so that memory stays flat; what fits into one part is put at once."""

    def __init__(self, store: S3Store, key: str) -> None:
        self._store = store
        self._where = {"Bucket": store.bucket, "Key": key}
        self._held = bytearray()
        self._upload = ""
        self._parts: list[dict[str, Any]] = []

    def write(self, data: bytes) -> object:
        self._held += data
        while len(self._held) >= PART:
            self._send(bytes(self._held[:PART]))
            del self._held[:PART]
        return len(data)

    def _send(self, part: bytes) -> None:
        client, number = self._store.client, len(self._parts) + 1
        with _asking():
            if not self._upload:
                self._upload = client.create_multipart_upload(**self._where)["UploadId"]
            tag = client.upload_part(**self._where, UploadId=self._upload, PartNumber=number, Body=part)["ETag"]
        self._parts.append({"PartNumber": number, "ETag": tag})

    def finish(self) -> None:
        client = self._store.client
        if not self._upload:
            with _asking():
                client.put_object(**self._where, Body=bytes(self._held))
        else:
            if self._held:
                self._send(bytes(self._held))
            with _asking():
                client.complete_multipart_upload(**self._where, UploadId=self._upload, MultipartUpload={"Parts": self._parts})
            self._upload = ""
        self._held.clear()

    def abandon(self) -> None:
        self._held.clear()
        if self._upload:
            with contextlib.suppress(OSError), _asking():
                self._store.client.abort_multipart_upload(**self._where, UploadId=self._upload)
            self._upload = ""


class _S3Source:
    """Reads by range, one request for each place; who reads on from where the last read ended is given ever more at once."""

    def __init__(self, store: S3Store, key: str) -> None:
        self._store, self._key = store, key
        self._at, self._data = 0, b""
        self._next, self._ahead = -1, 0
        found = known.get(store.bucket, key)
        self.proved = found is not None
        if found is None:
            self.size, self._tag, self._head = -1, "", b""
            self._fetch(0, 64 + 256 * 1024 + 16)  # a header and the first chunk
            self._head = self._data[:64]
        else:
            self.size, self._tag, self._head = found

    def head(self, length: int) -> bytes:
        return self._head[:length]

    def prove(self) -> None:
        self.proved = True
        known.put(self._store.bucket, self._key, (self.size, self._tag, self._head))

    def read(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        if not self._at <= offset <= offset + length <= self._at + len(self._data):
            self._ahead = min(2 * max(length, self._ahead), READ_AHEAD) if offset == self._next else 0
            self._fetch(offset, max(length, self._ahead))
        self._next = offset + length
        return self._data[offset - self._at : offset - self._at + length]

    def _fetch(self, offset: int, length: int) -> None:
        condition = {"IfMatch": self._tag} if self._tag else {}
        span = f"bytes={offset}-{offset + length - 1}"
        try:
            with _asking():
                answer = self._store.client.get_object(Bucket=self._store.bucket, Key=self._key, Range=span, **condition)
                self._data = answer["Body"].read()
        except FileNotFoundError:
            known.drop(self._store.bucket, self._key)
            raise
        self._at = offset
        if self.size < 0:
            self.size = int(answer.get("ContentRange", f"/{answer['ContentLength']}").rpartition("/")[2])
            self._tag = answer["ETag"]

    def close(self) -> None:
        self._data = b""
