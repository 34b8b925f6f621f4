"""Loading the pictures, sounds, films and worksheets of courses into Wagtail's libraries."""

import datetime as dt
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.contrib.contenttypes.models import ContentType
from django.core.files import File
from django.db import models, transaction
from wagtail.log_actions import log
from wagtail.models import ModelLogEntry

from learning.coursefiles import MEDIA_KINDS, BadFile, digest, name_of, read_yaml
from learning.models import CourseDocument, CourseImage, CourseMedia

MODELS: dict[str, type[models.Model]] = {"image": CourseImage, "document": CourseDocument, "audio": CourseMedia, "video": CourseMedia}


@transaction.atomic
def load_media(path: Path, *, by: AbstractUser | None, now: dt.datetime) -> dict[str, models.Model]:
    """Every item of the folder's `media.yaml`, by key: made, renewed where its file changed, or left alone.

    An item that somebody has edited in Wagtail since is left alone for good. Raises `BadFile`.
    """
    index = path / "media.yaml"
    if not index.exists():
        return {}
    entries = read_yaml(index)
    return {key: _load_one(index, key, entry, by) for key, entry in entries.items()}


def _load_one(index: Path, key: str, entry: Any, by: AbstractUser | None) -> models.Model:
    where = f"{name_of(index)}: “{key}”"
    if not isinstance(entry, dict) or entry.get("kind") not in MEDIA_KINDS:
        raise BadFile(f"{where} needs a kind: audio, video, image or document.")
    names = [str(entry[name]) for name in ("file", "captions", "transcript") if entry.get(name)]
    files = [index.parent / name for name in names if (index.parent / name).is_file()]
    if not entry.get("file") or not (index.parent / str(entry["file"])).is_file():
        raise BadFile(f"{where} names the file “{entry.get('file')}”, which is not there.")
    made_from = digest([entry, *[file.read_bytes().hex() for file in files]])
    model = MODELS[entry["kind"]]
    history = ModelLogEntry.objects.filter(content_type=ContentType.objects.get_for_model(model))
    loaded = history.filter(action="learning.load", data__key=key).order_by("-timestamp", "-pk").first()
    item = model._default_manager.filter(pk=loaded.object_id).first() if loaded else None
    if loaded is not None and item is not None:
        latest = history.filter(object_id=loaded.object_id).order_by("-timestamp", "-pk").first()
        if loaded.data.get("digest") == made_from or latest is None or latest.pk != loaded.pk:
            return item
    item = item or model()
    _fill(item, index, entry, key)
    log(instance=item, action="learning.load", user=by, data={"key": key, "digest": made_from})
    return item


def _fill(item: Any, index: Path, entry: dict[str, Any], key: str) -> None:
    item.title = str(entry.get("title") or key)
    if entry["kind"] == "image":
        item.description = str(entry.get("alt") or "")[:255]
    if entry["kind"] in {"audio", "video"}:
        item.type = entry["kind"]
        item.duration = float(entry.get("duration_s") or 0)
        item.transcript = _transcript(index, entry)
        if entry.get("captions"):
            _attach(item.captions, index.parent / str(entry["captions"]), index, key)
    _attach(item.file, index.parent / str(entry["file"]), index, key)
    if entry["kind"] in {"image", "document"}:
        item.file_size = item.file.size
    item.save()


def _attach(target: Any, path: Path, index: Path, key: str) -> None:
    if not path.is_file():
        raise BadFile(f"{name_of(index)}: “{key}” names the file “{path.name}”, which is not there.")
    with path.open("rb") as opened:
        target.save(path.name, File(opened), save=False)


def _transcript(index: Path, entry: dict[str, Any]) -> str:
    """The words themselves, or the name of a text file that holds them."""
    given = str(entry.get("transcript") or "")
    path = index.parent / given if given and "\n" not in given and len(given) < 200 else None
    return path.read_text(encoding="utf-8") if path is not None and path.is_file() else given
