"""Data keys under the site key: wrapped, unwrapped, wrapped again. With `vault.py` the only module with cryptography in it.

AES-KW (RFC 3394) under HKDF(site key). The key store knows its site key by a mark, from which nothing of the key can be told.
"""

import contextlib
import hashlib
import hmac
import os
import uuid

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from recordings import keystore, sitekey
from recordings.sealedfile import Damaged, KeyGone

_OTHER_KEY = "PLUMBLINE_VAULT_KEY is not the key that this key store was made with. Set the right one."
_FINGERPRINT = uuid.UUID(int=1)  # the key of fingerprints lies among the others, and is re-wrapped with them


def derive(key: bytes, use: str, context: bytes = b"") -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"plumbline {use}".encode() + b"\0" + context).derive(key)


def mark_of(site: bytes) -> str:
    """By which a key store knows its site key without telling anything of it."""
    return hmac.new(derive(site, "check"), b"key store", hashlib.sha256).hexdigest()


def check_site_key() -> None:
    """Makes sure that the key store was made under this very site key: a wrong one must not look like lost recordings.

    Raises SiteKeyTrouble with a sentence.
    """
    found = keystore.marked(keystore.SITE_KEY)
    for is_again in (False, True):
        if found is None or found in [mark_of(key) for key in sitekey.site_keys()]:
            return
        if not is_again:
            sitekey.forget()  # a key file may have been exchanged
    raise sitekey.SiteKeyTrouble(_OTHER_KEY)


def wrap(key: bytes, site: bytes) -> bytes:
    return aes_key_wrap(derive(site, "wrap"), key)


def unwrap(wrapped: bytes, sites: list[bytes]) -> bytes | None:
    """The data key, under the first of these site keys that opens it; None where none does."""
    for site in sites:
        with contextlib.suppress(InvalidUnwrap):
            return aes_key_unwrap(derive(site, "wrap"), wrapped)
    return None


def data_key(key_id: uuid.UUID) -> bytes:
    """The data key of that id. Raises KeyGone, Damaged; SiteKeyTrouble under a wrong site key."""
    for is_again in (False, True):
        wrapped = keystore.get(key_id)
        if wrapped is None:
            raise KeyGone
        found = unwrap(wrapped, sitekey.site_keys())
        if found is not None:
            return found
        if not is_again:
            check_site_key()  # the keys may have been wrapped again meanwhile
    raise Damaged("The key of this recording is damaged. Ask the person who runs Plumbline to restore the key store.")


def add_key(key_id: uuid.UUID, key: bytes, purpose: str) -> None:
    """Keeps a data key, wrapped. Does nothing where there is one, or was one. Raises SiteKeyTrouble under a wrong site key."""
    for is_again in (False, True):
        check_site_key()
        sites = sitekey.site_keys()
        try:
            keystore.add(key_id, wrap(key, sites[0]), purpose=purpose, under=[mark_of(site) for site in sites])
        except keystore.OtherKey:
            if is_again:  # else the keys have been wrapped again just now
                raise sitekey.SiteKeyTrouble(_OTHER_KEY) from None
        else:
            return


def fingerprint_key() -> bytes:
    """A secret of the key store's own, so that fingerprints stay the same when the site key changes. Stores from before it
    was there have fingerprints under the site key: theirs becomes the secret."""
    if keystore.get(_FINGERPRINT) is None:
        secret = os.urandom(32) if keystore.is_empty() else derive(sitekey.site_keys()[-1], "fingerprint")
        add_key(_FINGERPRINT, secret, "fingerprint")
    return data_key(_FINGERPRINT)
