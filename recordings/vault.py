"""The vault: everything that comes from a voice, sealed under its recording's own key. With `wrapping.py` the only module with cryptography in it.

A recording's data key is random, wrapped (AES-KW) under the site key, and kept in the key store alone (`keystore.py`). Each
object has its own subkey, HKDF(data key, object id), so that no key meets a nonce twice. Files: `sealedfile.py`.
Destroying the key comes first in every destruction; all else is clearing away.
"""

import contextlib
import datetime as dt
import functools
import hashlib
import hmac
import os
import uuid
from collections.abc import Iterable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import DatabaseError, transaction

from recordings import keystore, store, wrapping
from recordings.models import ConsentPaper, Recording, SealedObject, SealedText, Upload, UploadPart
from recordings.sealedfile import Damaged, KeyGone, SealedReader, SealedWriter, Written, key_of, remove_file, tidy_away
from recordings.store import StoreAway

__all__ = [
    "Damaged",
    "KeyGone",
    "SealedReader",
    "Staging",
    "StoreAway",
    "create_key",
    "destroy_key",
    "has_key",
    "new_fingerprint",
    "open_apart",
    "open_bytes",
    "open_sealed",
    "open_text",
    "open_texts",
    "seal",
    "seal_apart",
    "seal_bytes",
    "seal_original",
    "seal_text",
    "try_storage",
]

_TEXT_VERSION = b"\x01"
_NONCE = 12
# What a key is for: a recording that is kept, one that is being taken in, or (`Staging.KIND`) an upload in progress.
KEPT, INCOMING = "recording", "incoming"
KEY_MISSING = "The key of this recording is missing, so it cannot be opened. Ask the person who runs Plumbline to restore the key store."


# Keys


def create_key(recording_id: uuid.UUID, *, purpose: str = KEPT) -> None:
    """Makes the recording's data key. Does nothing where there is one; a destroyed key never comes back."""
    wrapping.add_key(recording_id, os.urandom(32), purpose)


def has_key(recording_id: uuid.UUID) -> bool:
    return keystore.get(recording_id) is not None


def destroy_key(
    recording_id: uuid.UUID, *, reason: str = "mistake", note: str = "", person: int | None = None, at: dt.datetime | None = None
) -> dt.datetime:
    """Destroys the key for good and enters that in the erasure ledger. Returns when it was first destroyed.

    To destroy a recording use `destruction.destroy`; should only this step have happened, `finish_pending` does the rest.
    """
    return keystore.erase(recording_id, reason=reason, note=note, person=person, at=at or dt.datetime.now(dt.UTC))


class _Cipher:
    """AES-256-GCM."""

    def __init__(self, key: bytes) -> None:
        self._gcm = AESGCM(key)

    def seal(self, nonce: bytes, content: bytes | memoryview, associated: bytes) -> bytes:
        return self._gcm.encrypt(nonce, content, associated)

    def open(self, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        try:
            return self._gcm.decrypt(nonce, sealed, associated)
        except InvalidTag as error:
            raise Damaged from error


class _ObjectCipher(_Cipher):
    """Under one object's subkey. Raises KeyGone, Damaged."""

    def __init__(self, key_id: uuid.UUID, object_id: uuid.UUID) -> None:
        super().__init__(wrapping.derive(wrapping.data_key(key_id), "object", object_id.bytes))


# Files


def _writer(key_id: uuid.UUID, kind: str, number: int = 0, *, is_hashed: bool = True) -> SealedWriter:
    object_id = uuid.uuid4()
    return SealedWriter(_ObjectCipher(key_id, object_id), key_id, object_id, kind, number, is_hashed=is_hashed)


def _write(key_id: uuid.UUID, kind: str, chunks: Iterable[bytes], number: int = 0, *, is_hashed: bool = True) -> Written:
    writer = _writer(key_id, kind, number, is_hashed=is_hashed)
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
    try:
        written = _write(recording.pk, kind, chunks, number)
    except KeyGone:
        raise _gone(recording.pk) from None
    try:
        with within or transaction.atomic():
            Recording.objects.select_for_update().get(pk=recording.pk)
            if not has_key(recording.pk):
                raise _gone(recording.pk)
            for old in SealedObject.objects.filter(recording=recording, kind=kind, number=number):
                transaction.on_commit(functools.partial(remove_file, old.pk), robust=True)
                old.delete()
            row = _row(recording, kind, number, written, now)
            row.save(force_insert=True)
    except BaseException:
        _remove_unnamed(written.object_id)
        raise
    return row


def _remove_unnamed(object_id: uuid.UUID) -> None:
    """Takes back a file whose row was not written. Where nobody can tell, it stays: it goes when its key does."""
    with contextlib.suppress(DatabaseError, StoreAway):
        if not SealedObject.objects.filter(pk=object_id).exists():
            remove_file(object_id)


def _gone(recording_id: uuid.UUID) -> Exception:
    """A recording whose key is gone without having been destroyed is not destroyed: its key store is not all here."""
    return KeyGone() if keystore.is_erased(recording_id) else Damaged(KEY_MISSING)


def _cipher_of(recording_id: uuid.UUID, object_id: uuid.UUID) -> _ObjectCipher:
    try:
        return _ObjectCipher(recording_id, object_id)
    except KeyGone:
        raise _gone(recording_id) from None


def open_sealed(sealed: SealedObject) -> SealedReader:
    """The content, readable and seekable. Raises KeyGone when it has been destroyed, Damaged when it is not what was sealed."""
    cipher = _cipher_of(sealed.recording_id, sealed.pk)
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
    return _opened(sealed, _cipher_of(sealed.recording_id, sealed.pk))


def open_texts(texts: Iterable[SealedText]) -> list[str]:
    """Many texts in order, asking the key store but once for each recording. Raises KeyGone, Damaged."""
    keys: dict[uuid.UUID, bytes] = {}
    opened = []
    for sealed in texts:
        if sealed.recording_id not in keys:
            _cipher_of(sealed.recording_id, sealed.pk)  # says why, where there is no key
            keys[sealed.recording_id] = wrapping.data_key(sealed.recording_id)
        opened.append(_opened(sealed, _Cipher(wrapping.derive(keys[sealed.recording_id], "object", sealed.pk.bytes))))
    return opened


def _opened(sealed: SealedText, cipher: _Cipher) -> str:
    data = bytes(sealed.ciphertext)
    if not data.startswith(_TEXT_VERSION):
        raise Damaged
    nonce, body = data[1 : 1 + _NONCE], data[1 + _NONCE :]
    return cipher.open(nonce, body, _bound_to(sealed.recording_id, sealed.pk)).decode()


# What belongs to a family and not to one recording (consent papers, its list of names), under a key of its own


def seal_apart(key_id: uuid.UUID, kind: str, chunks: Iterable[bytes], *, is_hashed: bool = True) -> Written:
    """A sealed file under any key; the caller keeps the row that names it. Raises KeyGone."""
    return _write(key_id, kind, chunks, is_hashed=is_hashed)


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


def new_fingerprint() -> hmac.HMAC:
    """To be fed with content: equal content is found by it, and nothing can be told or guessed from it."""
    return hmac.new(wrapping.fingerprint_key(), digestmod=hashlib.sha256)


def seal_original(recording: Recording, chunks: Iterable[bytes], *, now: dt.datetime) -> SealedObject:
    """Seals what came in as the recording's original, under the recording's key. The row is for the caller to save."""
    return _row(recording, SealedObject.Kind.ORIGINAL, 0, _write(recording.pk, SealedObject.Kind.ORIGINAL, chunks), now)


class Staging:
    """An upload in progress, sealed from its first byte under a key of its own. Leaves nothing behind unless promoted."""

    KIND = "staging"

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self._hmac = new_fingerprint()
        create_key(self.id, purpose=self.KIND)
        try:
            self._writer = _writer(self.id, self.KIND)
        except BaseException:
            keystore.remove(self.id)
            raise
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
            return seal_original(recording, content.chunks(), now=now)

    def discard(self) -> None:
        if not self._is_discarded:
            keystore.remove(self.id)
            self._writer.abandon()
            if self._written is not None:
                tidy_away(self._written.object_id)
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
    place = store.current()
    gone = place.clear_partial(before=before)
    if keystore.marked(keystore.SITE_KEY) is None:
        return gone  # a key store that never held a key: the real one is elsewhere, and knows how to read these files
    for stored in place.listing():
        if stored.stored_at < before and _is_unreadable(stored.object_id):
            place.remove(stored.object_id)
            gone += 1
    return gone


def _is_unreadable(object_id: uuid.UUID) -> bool:
    try:
        key_id = key_of(object_id)
    except FileNotFoundError:  # it went meanwhile
        return False
    if key_id is None or keystore.is_erased(key_id):
        return True
    return not (has_key(key_id) or _is_named(object_id))


def _is_named(object_id: uuid.UUID) -> bool:
    """Whether a row names the file. Without its key, the key store is not all here, and may yet come back."""
    is_sent = UploadPart.objects.filter(object_id=object_id, upload__state=Upload.State.OPEN)
    return any(rows.exists() for rows in (SealedObject.objects.filter(pk=object_id), ConsentPaper.objects.filter(pk=object_id), is_sent))


def try_storage() -> None:
    """Seals a few bytes under a key that nobody keeps, reads them and removes them. Raises StoreAway, Damaged, OSError (no room)."""
    nobody, object_id = uuid.uuid4(), uuid.uuid4()
    cipher = _Cipher(os.urandom(32))
    writer = SealedWriter(cipher, nobody, object_id, "trial")
    try:
        writer.write(b"a trial")
        writer.finish()
        with SealedReader(cipher, nobody, object_id, "trial") as reader:
            if reader.read() != b"a trial":
                raise Damaged
    finally:
        writer.abandon()
        remove_file(object_id)
