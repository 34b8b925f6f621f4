"""What an upload leaves in the vault, the key store and the tables; and a sound to send."""

import datetime as dt

from django.conf import settings as conf
from django.utils import timezone

from recordings import keystore, vault
from recordings.models import Recording, SealedObject, UploadPart
from tests.recordings.making import tone

GOOD = tone(25)
HALF = len(GOOD) // 2


def files():
    return [path for path in conf.VAULT_DIR.rglob("*") if path.suffix in (".sealed", ".partial")]


def keys():
    return keystore.older_than(timezone.now() + dt.timedelta(days=400), purpose="upload")


def nothing_is_left():
    return not files() and not keys() and not UploadPart.objects.exists() and not Recording.objects.exists()


def original():
    with vault.open_sealed(SealedObject.objects.get()) as content:
        return content.read()
