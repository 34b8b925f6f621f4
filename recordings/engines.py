"""Which engine turns speech into text, on what, and whether it can: told without loading any of them."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from recordings.speech import Engine

WHISPER, FASTER = "whisper", "faster-whisper"
NAMES = (WHISPER, FASTER)
_PACKAGES = {WHISPER: "whisper", FASTER: "faster_whisper"}
_LABELS = {WHISPER: "openai-whisper", FASTER: "faster-whisper"}
# The names that both engines know, and those of faster-whisper alone.
MODELS = frozenset(
    "tiny tiny.en base base.en small small.en medium medium.en large-v1 large-v2 large-v3 large large-v3-turbo turbo".split()
)
DISTILLED = frozenset("distil-large-v2 distil-large-v3 distil-large-v3.5 distil-medium.en distil-small.en".split())
_NVIDIA = (Path("/dev/nvidiactl"), Path("/proc/driver/nvidia/version"), Path("/dev/dxg"))  # the last: Windows' Linux


class CannotTranscribe(Exception):
    """The engine that is asked for is not there; the text says what to do."""


def is_installed(name: str) -> bool:
    return importlib.util.find_spec(_PACKAGES[name]) is not None


def has_cuda() -> bool:
    """Whether a driver for NVIDIA's cards is at work here. A look at the driver's files: torch would take a second to load."""
    return any(path.exists() for path in _NVIDIA)


def refusal(name: str, device: str) -> str:
    """Why this engine cannot work on this device, in one sentence for whoever runs the server; empty where it can."""
    if name not in NAMES:
        return f"TRANSCRIPTION_ENGINE is {name}, and there is no such engine: use {' or '.join(NAMES)}."
    if not is_installed(name):
        extra = " with `pip install faster-whisper`" if name == FASTER else ""
        return f"TRANSCRIPTION_ENGINE is {name}, which is not installed: install it{extra}, or leave the setting out."
    if device == "cuda" and not has_cuda():
        return "TRANSCRIPTION_DEVICE is cuda, and this machine has no NVIDIA driver: set it to cpu, or to auto."
    return ""


def label(name: str) -> str:
    """The name by which transcripts record the engine."""
    return _LABELS[name]


def unknown_model(name: str, model: str) -> str:
    """Why WHISPER_MODEL cannot be a model of this engine, in one sentence; empty where it may be one."""
    path = Path(model).expanduser()
    if model == "auto" or model in MODELS:
        return ""
    if name == FASTER:
        if (path / "model.bin").is_file() or (model in DISTILLED):
            return ""
        return f"WHISPER_MODEL is {model}: faster-whisper needs a folder with a model.bin, a model's name such as base, or auto."
    return (
        ""
        if path.is_file()
        else f"WHISPER_MODEL is {model}: openai-whisper needs a checkpoint's path, a model's name such as base, or auto."
    )


def cached(name: str, model: str, cache: Path) -> Path:
    """Where the cache keeps the model of that name."""
    return cache / "ctranslate2" / model if name == FASTER else cache / f"{model}.pt"


def model_name(where: Path) -> str:
    """What a transcript records: the name of the file without its ending, or that of the folder."""
    return where.stem if where.suffix == ".pt" else where.name


def resolve(name: str, model: str, *, cache: Path | None = None) -> Path:
    """The model's file or folder for this engine; fetched, converted or put together where it is not at hand. Raises NoWeights."""
    cache = cache or settings.WEIGHTS_DIR
    if name == FASTER:
        from recordings import faster

        return faster.resolve(model, cache=cache)
    from recordings import weights

    return weights.resolve(model, cache=cache)


def load(name: str, model: str | Path, *, device: str = "auto", threads: int | None = None) -> Engine:
    """The engine with its model, loaded: seconds of work, once per process. `device` is auto, cpu or cuda.

    `threads` is None for as many as there are processors at hand. Raises CannotTranscribe and NoWeights.
    """
    if why := refusal(name, device):
        raise CannotTranscribe(why)
    where = resolve(name, str(model))
    if name == FASTER:
        from recordings.faster import FasterWhisper, cuda_works

        return FasterWhisper.load(where, device=_chosen(device, cuda_works), threads=threads)
    from recordings.openai_whisper import OpenAIWhisper, cuda_works

    return OpenAIWhisper.load(where, device=_chosen(device, cuda_works), threads=threads)


def _chosen(device: str, cuda_works: Callable[[], bool]) -> str:
    if device == "auto":
        return "cuda" if has_cuda() and cuda_works() else "cpu"
    if device == "cuda" and not cuda_works():
        raise CannotTranscribe("TRANSCRIPTION_DEVICE is cuda, and the engine cannot use this machine's card: set it to cpu, or to auto.")
    return device
