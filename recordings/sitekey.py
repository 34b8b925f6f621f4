"""The site key, which wraps every data key: from `PLUMBLINE_VAULT_KEY`, or from a file that the first use creates."""

import base64
import binascii
import functools
import os
import uuid
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def site_key() -> bytes:
    """32 bytes. Raises ImproperlyConfigured with a sentence that names the variable."""
    return _read(settings.VAULT_KEY, settings.KEY_FILE)


@functools.lru_cache(maxsize=4)
def _read(given: str, file: Path) -> bytes:
    if given:
        return _decode(given, "PLUMBLINE_VAULT_KEY must be 32 bytes in base64 (44 characters).")
    try:
        return _decode_file(file)
    except FileNotFoundError:
        _create(file)
        return _decode_file(file)


def _decode(text: str, sentence: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise ImproperlyConfigured(sentence)
    return key


def _decode_file(file: Path) -> bytes:
    text = file.read_bytes().decode("ascii", errors="replace")
    return _decode(text, f"The vault key file {file.name} is damaged. Restore it, or set PLUMBLINE_VAULT_KEY.")


def _create(file: Path) -> None:
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
