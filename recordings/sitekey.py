"""The site key, which wraps every data key: from `PLUMBLINE_VAULT_KEY`, or from a file that the first use creates.

While keys are being changed there are two: the one that holds from now on, and the one before it (`rotation.py`).
"""

import base64
import binascii
import contextlib
import functools
import os
import uuid
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from recordings import keystore


class SiteKeyTrouble(ImproperlyConfigured):
    """The site key is missing, malformed, or not the right one; the text says which and names the variable."""


def site_key() -> bytes:
    """32 bytes. Raises SiteKeyTrouble with a sentence that names the variable."""
    return site_keys()[0]


def site_keys() -> list[bytes]:
    """The site key, and after it the one before it where that is given. Raises SiteKeyTrouble."""
    return _read(settings.VAULT_KEY, settings.VAULT_KEY_PREVIOUS, settings.KEY_FILE)


def forget() -> None:
    """Has files read again at the next use: a key file may have been exchanged by another process."""
    _read.cache_clear()


def next_file() -> Path:
    """Where a new key file lies until every key is wrapped under it."""
    return settings.KEY_FILE.with_name(f"{settings.KEY_FILE.name}.next")


@functools.lru_cache(maxsize=4)
def _read(given: str, previous: str, file: Path) -> list[bytes]:
    if given:
        keys = [_decode(given, "PLUMBLINE_VAULT_KEY must be 32 bytes in base64 (44 characters).")]
        if previous:
            keys.append(_decode(previous, "PLUMBLINE_VAULT_KEY_PREVIOUS must be 32 bytes in base64 (44 characters)."))
        return keys
    if previous:
        raise SiteKeyTrouble("PLUMBLINE_VAULT_KEY_PREVIOUS is set but PLUMBLINE_VAULT_KEY, the new key, is not. Set both.")
    if not file.exists():
        if keystore.marked(keystore.SITE_KEY) is None:
            create(file)
        elif not file.exists():  # looked for once more: whoever set the mark just now made the file before
            raise SiteKeyTrouble(
                f"The vault key file {file.name} is missing, and there are recordings sealed under it. Restore it, or set PLUMBLINE_VAULT_KEY."
            )
    keys = []
    with contextlib.suppress(FileNotFoundError):  # there is none, or it has taken the other's place just now
        keys.append(decode_file(file.with_name(f"{file.name}.next")))
    return [*keys, decode_file(file)]


def _decode(text: str, sentence: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise SiteKeyTrouble(sentence)
    return key


def decode_file(file: Path) -> bytes:
    text = file.read_bytes().decode("ascii", errors="replace")
    return _decode(text, f"The vault key file {file.name} is damaged. Restore it, or set PLUMBLINE_VAULT_KEY.")


def create(file: Path) -> None:
    """Written whole beside its place and then linked there: nobody reads half a key, and nothing is overwritten."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o400)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(base64.b64encode(os.urandom(32)) + b"\n")
        handle.flush()
        os.fsync(handle.fileno())
    try:
        os.link(beside, file)
    except FileExistsError:
        pass  # another process was first; its key holds
    finally:
        beside.unlink()
