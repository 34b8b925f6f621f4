"""What a client declares about an upload: its metadata, a checksum of what it sends, and what its owner is shown of it."""

import base64
import binascii
import functools
import hashlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recordings import vault
from recordings.models import Upload

NAME_AT_MOST = 255
_USE = "name"

_DIGESTS: dict[str, Callable[[], Any]] = {"sha1": functools.partial(hashlib.sha1, usedforsecurity=False), "sha256": hashlib.sha256}
CHECKSUMS = tuple(_DIGESTS)


@dataclass(frozen=True)
class Checksum:
    algorithm: str
    expected: bytes

    @classmethod
    def parse(cls, header: str) -> "Checksum":
        """ "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=". Raises ValueError for an algorithm that is not offered, or no such thing."""
        algorithm, _, encoded = header.strip().partition(" ")
        if algorithm not in _DIGESTS or not encoded:
            raise ValueError(header)
        return cls(algorithm, base64.b64decode(encoded, validate=True))

    def new(self) -> Any:
        """A hash to be fed with the bytes."""
        return _DIGESTS[self.algorithm]()


def metadata(header: str) -> dict[str, str]:
    """Upload-Metadata: pairs "key base64", separated by commas. Raises ValueError."""
    found: dict[str, str] = {}
    for pair in header.split(",") if header.strip() else []:
        key, _, encoded = pair.strip().partition(" ")
        if not key or key in found:
            raise ValueError("a key is missing, or there twice")
        try:
            found[key] = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError("not base64") from error
    return found


def as_metadata(values: dict[str, str]) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


@dataclass(frozen=True)
class Label:
    """What its owner is shown of an upload under way, sealed under the upload's key.

    `fingerprint` lets the page know the same file again; `is_live` marks a recording that is sent while it is made, whose
    length is not known before its end.
    """

    name: str = ""
    fingerprint: str = ""
    is_live: bool = False

    def sealed(self, upload_id: uuid.UUID) -> bytes:
        """Raises KeyGone."""
        return vault.seal_bytes(upload_id, _USE, json.dumps([self.name, self.fingerprint, self.is_live]).encode())


def label(upload: Upload) -> Label:
    """Empty once the upload has ended."""
    if not upload.name_sealed:
        return Label()
    try:
        return Label(*json.loads(vault.open_bytes(upload.pk, _USE, bytes(upload.name_sealed))))
    except (vault.KeyGone, vault.Damaged):
        return Label()


def clean_name(name: str) -> str:
    """A file's name as data to show: nothing that controls or turns round the text, at most 255 characters."""
    return "".join(character for character in name if character.isprintable()).strip()[:NAME_AT_MOST]
