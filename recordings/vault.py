"""The vault: everything that comes from a voice, sealed under its recording's own key. The only module with cryptography in it.

A recording's data key is random, wrapped (AES-KW) under the site key, and kept in the key store alone (`keystore.py`). Each
object has its own subkey, HKDF(data key, object id), so that no key meets a nonce twice. Files: `sealedfile.py`.
Destroying the key comes first in every destruction; all else is clearing away.
"""

import datetime as dt
import functools
import hashlib
import hmac
import os
import uuid
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from recordings import keystore
from recordings.models import Recording, SealedObject, SealedText
from recordings.sealedfile import Damaged, KeyGone, SealedReader, SealedWriter, Written, key_of, remove_file
from recordings.sitekey import site_key

__all__ = [
    "Damaged",
    "KeyGone",
    "SealedReader",
    "Staging",
    "create_key",
    "destroy_key",
    "has_key",
    "open_apart",
    "open_bytes",
    "open_sealed",
    "open_text",
    "seal",
    "seal_apart",
    "seal_bytes",
    "seal_text",
]

_TEXT_VERSION = b"\x01"
_NONCE = 12
# What a key is for: a recording that is kept, one that is being taken in, or (`Staging.KIND`) an upload in progress.
KEPT, INCOMING = "recording", "incoming"


# Keys


def _derive(key: bytes, use: str, context: bytes = b"") -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"plumbline {use}".encode() + b"\0" + context).derive(key)


def _wrapping_key() -> bytes:
    return _checked_wrapping_key(site_key(), settings.KEYSTORE_PATH)


@functools.lru_cache(maxsize=4)
def _checked_wrapping_key(site: bytes, store: Path) -> bytes:
    """Also makes sure that the key store was made under this very site key: a wrong one must not look like lost recordings."""
    ours = hmac.new(_derive(site, "check"), b"key store", hashlib.sha256).hexdigest()
    if not hmac.compare_digest(keystore.mark("site key", ours), ours):
        raise ImproperlyConfigured("PLUMBLINE_VAULT_KEY is not the key that this key store was made with. Set the right one.")
    return _derive(site, "wrap")


def create_key(recording_id: uuid.UUID, *, purpose: str = KEPT) -> None:
    """Makes the recording's data key. Does nothing where there is one; a destroyed key never comes back."""
    keystore.add(recording_id, aes_key_wrap(_wrapping_key(), os.urandom(32)), purpose=purpose)


def has_key(recording_id: uuid.UUID) -> bool:
    return keystore.get(recording_id) is not None


def destroy_key(
    recording_id: uuid.UUID, *, reason: str = "mistake", note: str = "", person: int | None = None, at: dt.datetime | None = None
) -> dt.datetime:
    """Destroys the key for good and enters that in the erasure ledger. Returns when it was first destroyed.

    To destroy a recording use `destruction.destroy`; should only this step have happened, `finish_pending` does the rest.
    """
    return keystore.erase(recording_id, reason=reason, note=note, person=person, at=at or dt.datetime.now(dt.UTC))


class _ObjectCipher:
    """AES-256-GCM under one object's subkey."""

    def __init__(self, key_id: uuid.UUID, object_id: uuid.UUID) -> None:
        wrapped = keystore.get(key_id)
        if wrapped is None:
            raise KeyGone
        try:
            data_key = aes_key_unwrap(_wrapping_key(), wrapped)
        except InvalidUnwrap as error:
            raise Damaged("The key of this recording is damaged. Ask the person who runs Plumbline to restore the key store.") from error
        self._gcm = AESGCM(_derive(data_key, "object", object_id.bytes))

    def seal(self, nonce: bytes, content: bytes, associated: bytes) -> bytes:
        return self._gcm.encrypt(nonce, content, associated)

    def open(self, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        try:
            return self._gcm.decrypt(nonce, sealed, associated)
        except InvalidTag as error:
            raise Damaged from error


# Files


def _writer(key_id: uuid.UUID, kind: str, number: int = 0) -> SealedWriter:
    object_id = uuid.uuid4()
    return SealedWriter(_ObjectCipher(key_id, object_id), key_id, object_id, kind, number)


def _write(key_id: uuid.UUID, kind: str, chunks: Iterable[bytes], number: int = 0) -> Written:
    writer = _writer(key_id, kind, number)
    try:
        for chunk in chunks:
            writer.write(chunk)
        return writer.finish()
    finally:
        writer.abandon()


def _row(recording: Recording, kind: str, number: int, written: Written, now: dt.datetime) -> SealedObject:
    return SealedObject(
        pk=written.object_id, recording=recording, kind=kind, number=number, size=written.size, sha256=written.sha256, sealed_at=now
    )


def seal(
    recording: Recording,
    kind: str,
    chunks: Iterable[bytes],
    *,
    number: int = 0,
    now: dt.datetime,
    within: AbstractContextManager[object] | None = None,
) -> SealedObject:
    """Seals content of a kind, in place of what there was of that kind and number. Raises KeyGone.

    The file is durable before the row names it; the old file goes once the row is committed. A recording that is destroyed
    meanwhile gets nothing: its key goes before its rows, and both are looked at under the lock on its row. The row is
    written inside `within`: a transaction of the caller's that begins only once the file is there, and may refuse it.
    """
    written = _write(recording.pk, kind, chunks, number)
    try:
        with within or transaction.atomic():
            Recording.objects.select_for_update().get(pk=recording.pk)
            if not has_key(recording.pk):
                raise KeyGone
            for old in SealedObject.objects.filter(recording=recording, kind=kind, number=number):
                transaction.on_commit(functools.partial(remove_file, old.pk))
                old.delete()
            row = _row(recording, kind, number, written, now)
            row.save(force_insert=True)
    except BaseException:
        remove_file(written.object_id)
        raise
    return row


def open_sealed(sealed: SealedObject) -> SealedReader:
    """The content, readable and seekable. Raises KeyGone when it has been destroyed, Damaged when it is not what was sealed."""
    cipher = _ObjectCipher(sealed.recording_id, sealed.pk)
    return SealedReader(cipher, sealed.recording_id, sealed.pk, sealed.kind, number=sealed.number, size=sealed.size)


# Texts


def _bound_to(recording_id: uuid.UUID, text_id: uuid.UUID) -> bytes:
    return b"text" + recording_id.bytes + text_id.bytes


def seal_text(recording: Recording, text: str) -> SealedText:
    """A short text about a recording, under its key. Raises KeyGone."""
    with transaction.atomic():
        Recording.objects.select_for_update().get(pk=recording.pk)
        row = SealedText(recording=recording)
        nonce = os.urandom(_NONCE)
        sealed = _ObjectCipher(recording.pk, row.pk).seal(nonce, text.encode(), _bound_to(recording.pk, row.pk))
        row.ciphertext = _TEXT_VERSION + nonce + sealed
        row.save(force_insert=True)
    return row


def open_text(sealed: SealedText | None) -> str:
    """The text; empty for none. Raises KeyGone, Damaged."""
    if sealed is None:
        return ""
    data = bytes(sealed.ciphertext)
    if not data.startswith(_TEXT_VERSION):
        raise Damaged
    nonce, body = data[1 : 1 + _NONCE], data[1 + _NONCE :]
    return _ObjectCipher(sealed.recording_id, sealed.pk).open(nonce, body, _bound_to(sealed.recording_id, sealed.pk)).decode()


# What belongs to a family and not to one recording (consent papers, its list of names), under a key of its own


def seal_apart(key_id: uuid.UUID, kind: str, chunks: Iterable[bytes]) -> Written:
    """A sealed file under any key; the caller keeps the row that names it. Raises KeyGone."""
    return _write(key_id, kind, chunks)


def open_apart(key_id: uuid.UUID, object_id: uuid.UUID, kind: str) -> SealedReader:
    """What `seal_apart` sealed. Raises KeyGone, Damaged."""
    return SealedReader(_ObjectCipher(key_id, object_id), key_id, object_id, kind)


def seal_bytes(key_id: uuid.UUID, use: str, content: bytes) -> bytes:
    """A few bytes for a database column, bound to the key and what they are for. Raises KeyGone."""
    nonce, salt = os.urandom(_NONCE), uuid.uuid4()
    return _TEXT_VERSION + salt.bytes + nonce + _ObjectCipher(key_id, salt).seal(nonce, content, _bound_to(key_id, salt) + use.encode())


def open_bytes(key_id: uuid.UUID, use: str, sealed: bytes) -> bytes:
    """What `seal_bytes` sealed. Raises KeyGone, Damaged."""
    data = bytes(sealed)
    if not data.startswith(_TEXT_VERSION) or len(data) < 17 + _NONCE:
        raise Damaged
    salt, nonce, body = uuid.UUID(bytes=data[1:17]), data[17 : 17 + _NONCE], data[17 + _NONCE :]
    return _ObjectCipher(key_id, salt).open(nonce, body, _bound_to(key_id, salt) + use.encode())


# Uploads


class Staging:
    """An upload in progress, sealed from its first byte under a key of its own. Leaves nothing behind unless promoted."""

    KIND = "staging"

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        create_key(self.id, purpose=self.KIND)
        self._writer = _writer(self.id, self.KIND)
        self._hmac = hmac.new(_derive(site_key(), "fingerprint"), digestmod=hashlib.sha256)
        self._written: Written | None = None
        self._is_discarded = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.discard()

    @property
    def size(self) -> int:
        """Bytes received."""
        return self._writer.size

    @property
    def fingerprint(self) -> str:
        """HMAC-SHA-256 under the site key: equal content is found, and nothing can be told or guessed from it."""
        return self._hmac.hexdigest()

    def write(self, data: bytes) -> int:
        self._hmac.update(data)
        return self._writer.write(data)

    def open(self) -> SealedReader:
        """What has been received, from its beginning. Nothing can be written any more."""
        if self._written is None:
            self._written = self._writer.finish()
        return SealedReader(_ObjectCipher(self.id, self._written.object_id), self.id, self._written.object_id, self.KIND)

    def promote(self, recording: Recording, *, now: dt.datetime) -> SealedObject:
        """Seals the content as the recording's original, under the recording's key. The row is for the caller to save."""
        with self.open() as content:
            written = _write(recording.pk, SealedObject.Kind.ORIGINAL, content.chunks())
        return _row(recording, SealedObject.Kind.ORIGINAL, 0, written, now)

    def discard(self) -> None:
        if not self._is_discarded:
            keystore.remove(self.id)
            self._writer.abandon()
            if self._written is not None:
                remove_file(self._written.object_id)
            self._is_discarded = True


# Clearing away


def sweep(*, before: dt.datetime) -> int:
    """Removes what broken uploads and crashes left behind before that moment. Returns how many files went.

    A key for which no recording came about goes; so does a sealed file that no key opens any more. A readable file without a
    row stays: after the restore of an older database there may be many, and the newer database may yet come back.
    """
    for key_id in keystore.older_than(before, purpose=Staging.KIND):
        keystore.remove(key_id)
    for key_id in keystore.older_than(before, purpose=INCOMING):
        if Recording.objects.filter(pk=key_id).exists():
            keystore.settle(key_id, purpose=KEPT)
        else:
            keystore.remove(key_id)
    gone = 0
    for path in settings.VAULT_DIR.glob("*/*"):
        if path.stat().st_mtime >= before.timestamp():
            continue
        if path.suffix == ".partial" or (path.suffix == ".sealed" and _is_unreadable(path)):
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _is_unreadable(path: Path) -> bool:
    key_id = key_of(path)
    return key_id is None or not has_key(key_id)
