"""System checks of the recordings app: what a person should know before the first recording comes in."""

import importlib.util
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

from recordings import weights

_MODEL = "WHISPER_MODEL"


@register(Tags.files)
def weights_are_had(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """One sentence where recordings could not be transcribed at once. Imports nothing heavy and fetches nothing."""
    name, cache = settings.WHISPER_MODEL, settings.WEIGHTS_DIR
    if is_at_hand(name, cache) or is_carried(name):
        return []
    sentence = (
        "There are no Whisper weights here yet, so recordings cannot be transcribed: run `manage.py weights` on a machine that "
        "is connected to the internet, or set WHISPER_MODEL to the path of a checkpoint you have."
    )
    return [Warning(sentence, id="recordings.W001")]


def is_at_hand(name: str, cache: Path) -> bool:
    """Whether the model is a file that is there, or lies in the cache. Does not read it: `weights.resolve` verifies it before use."""
    if Path(name).expanduser().is_file():
        return True
    wanted = weights.AUTO[:1] if name == "auto" else (name,)
    return any((cache / f"{one}.pt").is_file() for one in wanted)


def is_carried(name: str) -> bool:
    """Whether installed packages carry the model, to be converted at its first use."""
    wanted = weights.AUTO if name == "auto" else (name,)
    return any(_is_installed(weights.CARRIED[one]) for one in wanted if one in weights.CARRIED)


def _is_installed(carried: weights.Carried) -> bool:
    return all(importlib.util.find_spec(module) is not None for module, _path in carried.parts)
