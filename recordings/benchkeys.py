"""How one person works in the workbench: which key does what, and how marks and pauses step back. Kept on the server, so that a
foot pedal set up on one machine works on the next.

A key is written as the browser names it, with what is held before it: "k", "Space", "Shift+z", "F4", "MediaPlayPause".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from recordings.models import BenchSettings
from supervision.models import User


class KeysRefused(ValueError):
    """The keys cannot be so; str() says why. `action` is the one that it is about."""

    def __init__(self, sentence: str, action: str = "") -> None:
        super().__init__(sentence)
        self.action = action


@dataclass(frozen=True)
class Action:
    """Something that a key does. `usual` comes first among its keys; `always` keys work also while writing, and stay."""

    name: str
    words: str
    usual: str
    group: str
    also: tuple[str, ...] = ()
    always: tuple[str, ...] = ()


LISTENING, MARKING, LOOKING = "Listening", "Annotating", "Looking"
ACTIONS = (
    Action("toggle", "Play or pause", "Space", LISTENING, ("k",), ("Escape", "Alt+k")),
    Action("back", "Back 5 seconds", "j", LISTENING, (), ("Alt+j",)),
    Action("on", "On 5 seconds", "l", LISTENING, (), ("Alt+l",)),
    Action("turn-back", "Previous turn", "[", LISTENING),
    Action("turn-on", "Next turn", "]", LISTENING),
    Action("again", "Hear this turn again", "h", LISTENING, (), ("Alt+r",)),
    Action("nudge-back", "Back 0.1 second", ",", LISTENING),
    Action("nudge-on", "On 0.1 second", ".", LISTENING),
    Action("slower", "Slower", "-", LISTENING),
    Action("faster", "Faster", "=", LISTENING, ("+",)),
    Action("loop", "Hear the selection or annotation over and over", "w", LISTENING),
    Action("silence", "Skip silence, or stop skipping it", "q", LISTENING),
    Action("comment", "Comment on the last mark", "c", MARKING),
    Action("start-here", "The mark starts here", "s", MARKING),
    Action("end-here", "The mark ends here", "e", MARKING),
    Action("split", "Split the mark here", "x", MARKING),
    Action("remove", "Remove the mark", "Delete", MARKING),
    Action("select-from", "Select from here", "i", MARKING),
    Action("select-to", "Select to here; then a code", "o", MARKING),
    Action("undo", "Undo", "z", MARKING),
    Action("redo", "Redo", "Shift+z", MARKING),
    Action("previous", "Play the previous annotation", "p", LOOKING),
    Action("next", "Play the next annotation", "n", LOOKING),
    Action("zoom-in", "Closer", "Shift+ArrowUp", LOOKING),
    Action("zoom-out", "Wider", "Shift+ArrowDown", LOOKING),
    Action("spectrum", "Spectrogram, or not", "g", LOOKING),
    Action("find", "Find in the transcript", "/", LOOKING),
    Action("annotations", "Annotations", "a", LOOKING),
    Action("rating", "Rating", "r", LOOKING),
    Action("keys", "This list", "?", LOOKING),
)
BY_NAME = {action.name: action for action in ACTIONS}
NEVER = {
    "Tab",
    "Enter",
    "Escape",
    "Shift",
    "Control",
    "Alt",
    "Meta",
    "AltGraph",
    "CapsLock",
    "ContextMenu",
    "Dead",
    "Unidentified",
    "Process",
}
LONGEST_STEP_MS = 5_000
_KEY = re.compile(r"(?:(?:Ctrl|Alt|Shift|Meta)\+)*(?:[^\s\x00-\x1f]|[A-Z][A-Za-z0-9]{1,30})")


def settings_of(person: User) -> BenchSettings:
    """Theirs, or the usual ones, unsaved."""
    return BenchSettings.objects.filter(person=person).first() or BenchSettings(person=person)


def keys_of(settings: BenchSettings) -> dict[str, list[str]]:
    """Action to keys, the person's own in place of the usual ones; those that always work are not among them."""
    own = {name: key for name, key in settings.keys.items() if name in BY_NAME}
    return {action.name: [own[action.name]] if action.name in own else [action.usual, *action.also] for action in ACTIONS}


def checked(keys: Mapping[str, str]) -> dict[str, str]:
    """Only what differs from the usual. Raises KeysRefused for an unknown action, a key that cannot be used, and one used twice."""
    own: dict[str, str] = {}
    for name, key in keys.items():
        action = BY_NAME.get(name)
        if action is None:
            raise KeysRefused("That is not something a key can do here.", name)
        key = key.strip()
        if not key or key == action.usual:
            continue
        last = key[-1:] if key.endswith("+") else key.rpartition("+")[2]
        if last in NEVER:
            raise KeysRefused(f"{last} is needed by the browser, so it cannot be given another meaning. Choose another key.", name)
        if last.isdigit():
            raise KeysRefused("The digits apply codes; the code book says which. Choose another key.", name)
        if not _KEY.fullmatch(key):
            raise KeysRefused("That is not the name of a key. Press Change in the workbench, then the key itself.", name)
        own[name] = key
    taken: dict[str, Action] = {}
    for action in ACTIONS:
        for key in [*([own[action.name]] if action.name in own else [action.usual, *action.also]), *action.always]:
            other = taken.setdefault(key, action)
            if other is not action:
                about = action if action.name in own else other
                rest = other if about is action else action
                raise KeysRefused(f"{key} already does “{rest.words}”. Choose another key, or give that one another first.", about.name)
    return own


@transaction.atomic
def save(*, person: User, keys: Mapping[str, str] | None = None, **values: Any) -> BenchSettings:
    """Puts one's own keys (None: leaves them) and other fields of `BenchSettings` in place. Raises KeysRefused."""
    for name in ("reaction_ms", "preroll_ms", "back_step_ms"):
        if not 0 <= values.get(name, 0) <= LONGEST_STEP_MS:
            raise KeysRefused("A step back is between 0 and 5 seconds.", name)
    if keys is not None:
        values["keys"] = checked(keys)
    return BenchSettings.objects.update_or_create(person=person, defaults=values)[0]
