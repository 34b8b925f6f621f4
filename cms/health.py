"""What `/health/ready` asks of the parts that a working site needs. Each answers "ok" or one plain sentence."""

import os
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection

from recordings import audio


def checks() -> dict[str, str]:
    return {"database": _database(), "storage": _storage(), "queue": _queue(), "media_tools": _media_tools()}


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
    def write() -> None:
        settings.VAULT_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(settings.VAULT_DIR, os.W_OK):
            raise PermissionError

    return _tried(write, "The vault's folder cannot be written.", OSError)


def _queue() -> str:
    def look() -> None:
        from django_tasks_db.models import DBTaskResult

        DBTaskResult.objects.order_by().values("pk").first()

    if settings.TASKS_URL != "db://":
        return "ok"
    return _tried(look, "The task queue's tables cannot be read.", DatabaseError)


def _media_tools() -> str:
    return _tried(audio.ffmpeg_path, "No ffmpeg can be found.", audio.UnreadableAudio, OSError)
