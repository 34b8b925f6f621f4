"""System checks of the recordings app: what a person should know before the first recording comes in."""

import importlib.util
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register

from recordings import capacity, confined, engines, sitekey, vault, weights, wrapping


@register(Tags.files)
def engine_can_work(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """One sentence where the engine, its device or its model is not what this machine has. Loads none of them."""
    name, model = settings.TRANSCRIPTION_ENGINE, settings.WHISPER_MODEL
    if why := engines.refusal(name, settings.TRANSCRIPTION_DEVICE):
        return [Error(why, id="recordings.E003")]
    if why := engines.unknown_model(name, model):
        return [Error(why, id="recordings.E004")]
    if why := capacity.refusal(name, model, settings.TRANSCRIPTION_DEVICE):
        return [Error(why, id="recordings.E006")]
    return []


@register(Tags.files)
def weights_are_had(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """One sentence where recordings could not be transcribed at once. Imports nothing heavy and fetches nothing."""
    name, cache = settings.WHISPER_MODEL, settings.WEIGHTS_DIR
    if is_at_hand(name, cache) or is_carried(name) or engines.unknown_model(settings.TRANSCRIPTION_ENGINE, name):
        return []
    sentence = (
        "There are no Whisper weights here yet, so recordings cannot be transcribed: run `manage.py weights` on a machine that "
        "is connected to the internet, or set WHISPER_MODEL to the path of a model you have."
    )
    return [Warning(sentence, id="recordings.W001")]


def is_at_hand(name: str, cache: Path) -> bool:
    """Whether the model is a path that is there, or lies in the cache. Does not read it: `engines.resolve` verifies it before use."""
    if Path(name).expanduser().exists():
        return True
    wanted = weights.AUTO[:1] if name == "auto" else (name,)
    return any(engines.cached(settings.TRANSCRIPTION_ENGINE, one, cache).exists() for one in wanted)


def is_carried(name: str) -> bool:
    """Whether installed packages carry the model, to be prepared at its first use."""
    wanted = weights.AUTO if name == "auto" else (name,)
    return any(_is_installed(weights.CARRIED[one]) for one in wanted if one in weights.CARRIED)


def _is_installed(carried: weights.Carried) -> bool:
    return all(importlib.util.find_spec(module) is not None for module, _path in carried.parts)


@register(Tags.security)
def media_tools_are_confined(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A sentence each where this machine cannot cut ffmpeg off from the network, or from files; its other limits hold everywhere."""
    found: list[CheckMessage] = []
    if not confined.layers() & {"namespace", "calls"}:
        sentence = (
            "This system offers neither user namespaces nor system-call filters, so ffmpeg cannot be cut off from the network. Playlists "
            "and links in what people send are refused all the same. Allow one of the two, or run the worker where there is no network."
        )
        found.append(Warning(sentence, id="recordings.W004"))
    if "files" not in confined.layers():
        sentence = (
            "This system does not offer Landlock (Linux 5.13 and later), so an ffmpeg that had been taken over could open what the worker "
            "may read. Allow it, or run the worker in a container that holds nothing but Plumbline."
        )
        found.append(Info(sentence, id="recordings.I005"))
    return found


@register(Tags.files, deploy=True)
def storage_answers(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Writes and reads a few sealed bytes, where recordings will lie."""
    try:
        vault.try_storage()
    except (OSError, vault.Damaged):
        where = "S3_BUCKET (with S3_ENDPOINT_URL, S3_REGION and the access key)" if settings.S3_BUCKET else "PLUMBLINE_DATA"
        return [Error(f"Sealed recordings cannot be written and read where {where} says.", id="recordings.E001")]
    return []


@register(Tags.security, deploy=True)
def site_key_is_the_stores(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """One sentence where the key store was made under another site key than the one that is set."""
    try:
        wrapping.check_site_key()
    except sitekey.SiteKeyTrouble as error:
        return [Error(str(error), id="recordings.E002")]
    return []
