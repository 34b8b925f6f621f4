"""Changing the site key: every data key is wrapped again under the new one, in one step. No sealed file is touched."""

import contextlib
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from recordings import keystore, sitekey, wrapping
from recordings.store import sync_folder


class CannotRotate(Exception):
    """Nothing was changed; the text says why."""


@dataclass(frozen=True)
class Rotated:
    """How many keys were wrapped again, and where the old key file is kept, where there was one."""

    keys: int
    old_file: Path | None = None


def rotate() -> Rotated:
    """To PLUMBLINE_VAULT_KEY from PLUMBLINE_VAULT_KEY_PREVIOUS, both given. Raises CannotRotate, SiteKeyTrouble.

    While both are given every key opens under either, so that it can be begun, broken off and begun again at any time.
    """
    if not settings.VAULT_KEY_PREVIOUS:
        raise CannotRotate(
            "PLUMBLINE_VAULT_KEY_PREVIOUS is not set. Put the new key into PLUMBLINE_VAULT_KEY and the old one into "
            "PLUMBLINE_VAULT_KEY_PREVIOUS (or their _FILE), start Plumbline again with both, and repeat this command."
        )
    new, old = sitekey.site_keys()
    return Rotated(_rewrap(new, old, "PLUMBLINE_VAULT_KEY_PREVIOUS is not the key that this key store is under"))


def rotate_file(*, now: dt.datetime) -> Rotated:
    """To a new key file, made here, from the one that the first use made. Raises CannotRotate, SiteKeyTrouble.

    The new file waits beside the old until every key is wrapped under it, and is used from its first moment: whatever moment
    this is killed at, the next call goes on from there.
    """
    if settings.VAULT_KEY:
        raise CannotRotate(
            "The key comes from PLUMBLINE_VAULT_KEY, so there is no key file to exchange. Set PLUMBLINE_VAULT_KEY_PREVIOUS to the old "
            "key, PLUMBLINE_VAULT_KEY to a new one, and run rotate_key without --new-file."
        )
    file, coming = settings.KEY_FILE, sitekey.next_file()
    sitekey.site_keys()  # makes the first one
    if not coming.exists():
        sitekey.create(coming)
        sync_folder(coming.parent)
    sitekey.forget()
    new, old = sitekey.site_keys()
    count = _rewrap(new, old, f"The key file {file.name} is not the one that this key store is under")
    kept = file.with_name(f"{file.name}.old-{now:%Y%m%dT%H%M%SZ}")
    with contextlib.suppress(FileExistsError):
        kept.hardlink_to(file)
    coming.replace(file)
    sync_folder(file.parent)
    sitekey.forget()
    return Rotated(count, kept)


def _rewrap(new: bytes, old: bytes, why_not: str) -> int:
    known = keystore.marked(keystore.SITE_KEY)
    if known not in (None, wrapping.mark_of(new), wrapping.mark_of(old)):
        raise CannotRotate(f"{why_not}. Nothing was changed.")
    wrapping.fingerprint_key()  # theirs of before this was a secret of its own comes from the old site key: while it is at hand

    def again(wrapped: bytes) -> bytes:
        key = wrapping.unwrap(wrapped, [new, old])
        if key is None:
            raise CannotRotate("A key opens under neither of the two site keys: the key store is damaged. Nothing was changed.")
        fresh = wrapping.wrap(key, new)
        if wrapping.unwrap(fresh, [new]) != key:
            raise CannotRotate("A key could not be read again after it was wrapped. Nothing was changed.")
        return fresh

    return keystore.rewrap(again, mark=wrapping.mark_of(new))
