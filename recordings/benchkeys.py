"""How one person works in the workbench: which key does what, and how marks and pauses step back. Kept on the server, so that a
foot pedal set up on one machine works on the next.

A key is written as the browser names it, with what is held before it: "k", "Space", "Shift+z", "F4", "MediaPlayPause".

The keys that always work, also while writing and with single keys switched off, are Alt with a letter or a digit. Chromium, Edge and
Firefox on Windows leave Alt with a digit alone (they change tabs with Ctrl and a digit), and so do NVDA, JAWS and Narrator; Shift with
a function key they do not (Shift+F3 searches backwards, Shift+F5 loads the page again, Shift+F7 and Shift+F10 open tools and menus).
"""

import re
from collections.abc import Iterable, Mapping
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


LISTENING, CODES, MARKING, LOOKING = "Listening", "Codes", "Annotating", "Looking"
DIGITS = "123456789"  # the key that a code has in the code book, and the action that marks with it
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
    *(Action(f"code-{digit}", f"Mark code {digit}", digit, CODES, (), (f"Alt+{digit}",)) for digit in DIGITS),
    Action("code-by-name", "Mark a code by its name", "m", CODES, (), ("Alt+m",)),
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


def _own(settings: BenchSettings) -> dict[str, str]:
    return {name: key for name, key in settings.keys.items() if name in BY_NAME}


def keys_of(settings: BenchSettings) -> dict[str, list[str]]:
    """Action to keys, the person's own in place of the usual ones; those that always work are not among them. A key of one's own
    that an action came to have later stays one's own."""
    own = _own(settings)
    return {action.name: [own[action.name]] if action.name in own else _free((action.usual, *action.also), own) for action in ACTIONS}


def always_of(settings: BenchSettings) -> dict[str, list[str]]:
    """Action to the keys that always work, for those that have any."""
    return {action.name: found for action in ACTIONS if (found := _free(action.always, _own(settings)))}


def _free(keys: Iterable[str], own: Mapping[str, str]) -> list[str]:
    return [key for key in keys if key not in own.values()]


def _clashes(own: Mapping[str, str]) -> list[tuple[str, Action, Action]]:
    """Keys that would do two things: the key, the action it was given to, and the other."""
    found = []
    taken: dict[str, Action] = {}
    for action in ACTIONS:
        for key in [*([own[action.name]] if action.name in own else [action.usual, *action.also]), *action.always]:
            other = taken.setdefault(key, action)
            if other is not action:
                found.append((key, action, other) if action.name in own else (key, other, action))
    return found


def checked(keys: Mapping[str, str], *, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """Only what differs from the usual. Raises KeysRefused for an unknown action, a key that cannot be used, and one used twice,
    unless it was so `before`: the person's own keys as they are stored, perhaps from when an action had other keys."""
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
        if last.isdigit() and not (action.group == CODES and (key in DIGITS or key.startswith("Alt+"))):
            raise KeysRefused("The digits apply codes; the code book says which. Choose another key.", name)
        if not _KEY.fullmatch(key):
            raise KeysRefused("That is not the name of a key. Press Change in the workbench, then the key itself.", name)
        if key in action.always:
            raise KeysRefused(f"{key} does this always. Choose another key, or leave it as it is.", name)
        own[name] = key
    were_there = _clashes(before or {})
    for key, about, rest in _clashes(own):
        if (key, about, rest) not in were_there:
            raise KeysRefused(f"{key} already does “{rest.words}”. Choose another key, or give that one another first.", about.name)
    return own


@transaction.atomic
def save(*, person: User, keys: Mapping[str, str] | None = None, **values: Any) -> BenchSettings:
    """Puts one's own keys (None: leaves them) and other fields of `BenchSettings` in place. Raises KeysRefused."""
    for name in ("reaction_ms", "preroll_ms", "back_step_ms"):
        if not 0 <= values.get(name, 0) <= LONGEST_STEP_MS:
            raise KeysRefused("A step back is between 0 and 5 seconds.", name)
    if keys is not None:
        values["keys"] = checked(keys, before=_own(settings_of(person)))
    return BenchSettings.objects.update_or_create(person=person, defaults=values)[0]
