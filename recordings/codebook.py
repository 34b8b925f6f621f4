"""The code book: what may be marked in a session. Loaded from YAML; a programme's own changes in the database are never overwritten.

Codes nest one level deep: a code of its own, and under it those that say more exactly what was heard. What a code means has a
number that every change of it raises, and an annotation keeps the version that it was made with.
"""

import datetime as dt
from pathlib import Path

import yaml
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from recordings.models import Code, CodeVersion
from supervision.models import Programme, User

DEFAULT = Path(__file__).resolve().parent / "codes" / "mst.yaml"

# One shape a code on a 16 by 16 grid (SVG path data, filled by the even-odd rule), so that a mark never depends on its colour.
SHAPES: dict[str, str] = {
    "circle": "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Z",
    "star": "M8 .5l2.3 4.9 5.2.7-3.8 3.7.9 5.4L8 12.6l-4.6 2.6.9-5.4L.5 6.1l5.2-.7Z",
    "diamond": "M8 .5 15.5 8 8 15.5.5 8Z",
    "triangle": "M8 1.2 15.6 14.6H.4Z",
    "square": "M1.6 1.6h12.8v12.8H1.6Z",
    "hexagon": "M4.2 1.4h7.6L15.6 8l-3.8 6.6H4.2L.4 8Z",
    "ring": "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm0 3.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6Z",
    "chevron": "M.4 1.4h15.2L8 14.8Z M5 4.2 8 9.4l3-5.2Z",
    "cross": "M5.7 1h4.6v4.7H15v4.6h-4.7V15H5.7v-4.7H1V5.7h4.7Z",
}
COLOURS = {1: "Teal", 2: "Green", 3: "Blue", 4: "Violet", 5: "Olive", 6: "Sea blue", 7: "Grey", 8: "Orange"}  # as in codes.css
LETTERS = "abcdefghijklmnopqrstuvwxyz"  # after the digit: the codes under it
MEANING = ("name", "definition", "examples", "tone")


@transaction.atomic
def load(programme: Programme, *, path: Path = DEFAULT) -> list[Code]:
    """Adds what is missing from the programme's code book and returns what there is. Loading again changes nothing.

    A second book comes after the first, and its codes have no digit where another code has it.
    """
    there = Code.objects.filter(programme=programme, is_current=True)
    taken = set(there.values_list("digit", flat=True)) - {None}
    start = 1 + (0 if path == DEFAULT else there.aggregate(last=Max("position"))["last"] or 0)
    for position, entry in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), start=start):
        code, is_new = Code.objects.get_or_create(
            programme=programme,
            slug=entry["slug"],
            defaults={
                "name": entry["name"],
                "definition": entry["definition"],
                "examples": "\n".join(entry.get("examples", [])),
                "tone": Code.Tone(entry["tone"]),
                "digit": None if entry["digit"] in taken else entry["digit"],
                "colour": entry["colour"],
                "shape": entry["shape"],
                "item_key": entry["item"],
                "position": position,
            },
        )
        if is_new:
            keep_version(code, by=None, now=timezone.now())
    return current(programme)


def current(programme: Programme) -> list[Code]:
    """The codes in use, in the order of the code book; each followed by those under it. What hangs on a code out of use is left out."""
    codes = list(Code.objects.filter(programme=programme, is_current=True).select_related("parent").order_by("position", "pk"))
    under: dict[int, list[Code]] = {}
    for code in codes:
        if code.parent_id is not None:
            under.setdefault(code.parent_id, []).append(code)
    return [one for code in codes if code.parent_id is None for one in (code, *under.get(code.pk, []))]


def version_of(code: Code, *, now: dt.datetime) -> CodeVersion:
    """What the code means today. Made where there is none, as for codes that were loaded before versions were kept."""
    there = CodeVersion.objects.filter(code=code).order_by("-number").first()
    return there or keep_version(code, by=None, now=now)


@transaction.atomic
def keep_version(code: Code, *, by: User | None, now: dt.datetime) -> CodeVersion:
    """Keeps what a saved code means, under a new number where its meaning differs from the last kept one. Colour, key and place
    are no part of the meaning."""
    last = CodeVersion.objects.select_for_update().filter(code=code).order_by("-number").first()
    meaning = {name: getattr(code, name) for name in MEANING}
    if last is not None and all(getattr(last, name) == value for name, value in meaning.items()):
        return last
    number = last.number + 1 if last else code.version
    kept = CodeVersion.objects.create(code=code, number=number, made_at=now, made_by=by, **meaning)
    Code.objects.filter(pk=code.pk).update(version=number)
    code.version = number
    return kept
