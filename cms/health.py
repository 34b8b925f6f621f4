"""What `/health/ready` asks of the parts that a working site needs. Each answers "ok" or one plain sentence."""

import errno
import sqlite3
import time
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection

from recordings import audio, keystore, replay, vault, wrapping
from recordings.models import Recording
from recordings.sitekey import SiteKeyTrouble

_NO_ROOM = "There is no room left for sealed recordings."
_tried_storage: dict[tuple[object, ...], float] = {}


def checks() -> dict[str, str]:
    """`standing` is about a site that was put back from a backup: it stays shut until destructions have been replayed."""
    return {
        "database": _database(),
        "storage": _storage(),
        "keys": _keys(),
        "queue": _queue(),
        "media_tools": _media_tools(),
        "standing": _standing(),
    }


def _tried(attempt: Callable[[], object], sentence: str, *errors: type[Exception]) -> str:
    try:
        attempt()
    except errors:
        return sentence
    return "ok"


def _database() -> str:
    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    return _tried(ask, "The database does not answer.", DatabaseError)


def _storage() -> str:
    """A few bytes sealed, written, read and removed again; when that went well, not more than every 15 seconds."""
    place = (settings.VAULT_DIR, settings.S3_ENDPOINT_URL, settings.S3_BUCKET)
    if _tried_storage.get(place, 0.0) > time.monotonic():
        return "ok"
    try:
        vault.try_storage()
    except (OSError, vault.Damaged) as error:
        return _NO_ROOM if getattr(error, "errno", None) == errno.ENOSPC else "Sealed recordings cannot be written and read."
    _tried_storage.clear()
    _tried_storage[place] = time.monotonic() + 15
    return "ok"


def _keys() -> str:
    def look() -> None:
        wrapping.check_site_key()
        if keystore.marked(keystore.SITE_KEY) is None and Recording.objects.kept().exists():
            raise FileNotFoundError  # an empty one in the place of theirs

    return _tried(
        look, "The key store cannot be read, or the site key is not its own.", SiteKeyTrouble, sqlite3.Error, OSError, DatabaseError
    )


def _standing() -> str:
    def look() -> None:
        if not replay.is_open():
            raise PermissionError

    return _tried(
        look,
        "The site comes from a backup. Run manage.py replay_erasures.",
        PermissionError,
        DatabaseError,
        sqlite3.Error,
    )


def _queue() -> str:
    def look() -> None:
        from django_tasks_db.models import DBTaskResult

        DBTaskResult.objects.order_by().values("pk").first()

    if settings.TASKS_URL != "db://":
        return "ok"
    return _tried(look, "The task queue's tables cannot be read.", DatabaseError)


def _media_tools() -> str:
    return _tried(audio.ffmpeg_path, "No ffmpeg can be found.", audio.UnreadableAudio, OSError)
