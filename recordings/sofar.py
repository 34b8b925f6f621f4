"""The newest lines of a transcript that is still being made, from its sealed checkpoints: for whoever waits for it."""

import json
from dataclasses import dataclass

from recordings import permissions, vault
from recordings.models import Recording, SealedObject
from supervision.models import User

PIECES, LINES = 2, 8


@dataclass(frozen=True)
class Line:
    start: float  # seconds from the beginning
    text: str
    supported: bool


def newest(recording: Recording, reader: User) -> list[Line]:
    """The last lines in order; empty once the work is over, for whoever may not read, and where nothing was heard yet."""
    if recording.state != Recording.State.PROCESSING or not permissions.can_read(reader, recording):
        return []
    pieces = SealedObject.objects.filter(recording=recording, kind=SealedObject.Kind.PIECE).order_by("-number")[:PIECES]
    lines: list[Line] = []
    for piece in pieces:
        try:
            with vault.open_sealed(piece) as content:
                segments = json.loads(content.read())["segments"]
        except (vault.KeyGone, vault.Damaged):  # the end of the work has just removed it
            continue
        lines = [*(Line(one["start"], one["text"], one["supported"]) for one in segments), *lines]
    return lines[-LINES:]
