"""The code book: what may be marked in a session. Loaded from YAML; a programme's own changes in the database are never overwritten."""

from pathlib import Path

import yaml
from django.db import transaction

from recordings.models import Code
from supervision.models import Programme

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


@transaction.atomic
def load(programme: Programme, *, path: Path = DEFAULT) -> list[Code]:
    """Adds what is missing from the programme's code book and returns what there is. Loading again changes nothing."""
    for position, entry in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), start=1):
        Code.objects.get_or_create(
            programme=programme,
            slug=entry["slug"],
            defaults={
                "name": entry["name"],
                "definition": entry["definition"],
                "tone": Code.Tone(entry["tone"]),
                "digit": entry["digit"],
                "colour": entry["colour"],
                "shape": entry["shape"],
                "item_key": entry["item"],
                "position": position,
            },
        )
    return current(programme)


def current(programme: Programme) -> list[Code]:
    """The codes in use, in the order of the code book."""
    return list(Code.objects.filter(programme=programme, is_current=True).order_by("position", "pk"))
