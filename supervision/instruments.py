"""Instruments as files. A version that is loaded never changes, because ratings rest on its words."""

from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from wagtail.log_actions import log

from supervision.models import Instrument, Item, User

FILES = Path(__file__).resolve().parent / "instruments"
FIELDS = ("name", "introduction", "owner", "licence_note")
ITEM_FIELDS = ("name", "question", "anchors", "least", "most")


class InstrumentRefused(Exception):
    """A file cannot be loaded; the text says what to change in it."""


@transaction.atomic
def load_instruments(folder: Path = FILES, *, by: User | None = None) -> list[Instrument]:
    """Add every instrument version of the folder that is not there yet. Loading again changes nothing. Raises InstrumentRefused."""
    return [instrument for path in sorted(folder.glob("*.yaml")) if (instrument := _load(path, by=by))]


def _load(path: Path, *, by: User | None) -> Instrument | None:
    entry = _read(path)
    values = {field: " ".join(entry[field].split()) for field in FIELDS}
    present = Instrument.objects.filter(slug=entry["slug"], version=entry["version"]).first()
    if present is not None:
        items = [{field: getattr(item, field) for field in ("key", *ITEM_FIELDS)} for item in present.items.order_by("position", "pk")]
        if items != entry["items"] or any(getattr(present, field) != value for field, value in values.items()):
            raise InstrumentRefused(
                f"{path.name}: version {entry['version']} is loaded with other words. Give the change the next version."
            )
        return None
    newest = not Instrument.objects.filter(slug=entry["slug"], version__gt=entry["version"]).exists()
    if newest:
        Instrument.objects.filter(slug=entry["slug"], is_current=True).update(is_current=False)
    instrument = Instrument.objects.create(slug=entry["slug"], version=entry["version"], is_current=newest, **values)
    Item.objects.bulk_create(Item(instrument=instrument, position=number, **item) for number, item in enumerate(entry["items"], start=1))
    log(instance=instrument, action="supervision.instrument_loaded", user=by, data={"items": len(entry["items"])})
    return instrument


def _read(path: Path) -> dict[str, Any]:
    try:
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
        entry["version"] = int(entry["version"])
        entry["items"] = [_item(item) for item in entry["items"]]
        missing = [field for field in ("slug", *FIELDS) if not entry.get(field)]
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise InstrumentRefused(f"{path.name} is not an instrument: {type(error).__name__} at {error}.") from None
    if missing:
        raise InstrumentRefused(f"{path.name} lacks: {', '.join(missing)}.")
    return dict(entry)


def _item(item: dict[str, Any]) -> dict[str, Any]:
    anchors = {str(score): " ".join(text.split()) for score, text in item["anchors"].items()}
    scores = sorted(int(score) for score in anchors)
    if scores != list(range(scores[0], scores[-1] + 1)):
        raise ValueError(f"the anchors of {item['key']}")
    return {
        "key": item["key"],
        "name": item["name"],
        "question": " ".join(item["question"].split()),
        "anchors": anchors,
        "least": scores[0],
        "most": scores[-1],
    }
