"""Whether this machine's memory holds the model, how much of it a worker may take, and how it is known that there was too little.

Figures are in bytes. Nothing heavy is imported: a model is judged by the size of its file, or by that of its name.
"""

import errno
import os
import re
from pathlib import Path

from django.conf import settings

from recordings import engines, weights

MOST = 6 * 1024**3  # that a worker may take; a three-hour recording and the base model stay below a third of it
_ITSELF = 600 * 1024**2  # a worker without a model
# What a loaded model takes beside its file of 16-bit numbers (measured with tiny.en and base: 3.0 and 1.5). openai-whisper holds the file
# and the model's 32-bit numbers at once; faster-whisper the file and 8-bit ones. Transcribing took half as much again, and less than twice.
_HELD = {engines.WHISPER: 3.0, engines.FASTER: 1.5}
_ROOM = 2
_SIZES = {"tiny": 76, "base": 146, "small": 484, "medium": 1_530, "large": 3_090, "turbo": 1_620}  # of the official files, in MB
_DISTILLED = {"large": 1_520, "medium": 790, "small": 340}

_SHORT = re.compile(r"bad_alloc|out of memory|(can't|cannot|could not|failed to|unable to|not enough) (allocate )?memory", re.IGNORECASE)


def uses_card(device: str) -> bool:
    """Whether the model would go to an NVIDIA card, as far as can be told without loading anything."""
    return device == "cuda" or (device == "auto" and engines.has_cuda())


def size_of(name: str, model: str) -> int:
    """Of the model's file: as it lies here, or as its official one is known to be; 0 where nobody knows."""
    wanted = weights.AUTO[0] if model == "auto" else model
    for where in (Path(wanted).expanduser(), engines.cached(name, wanted, settings.WEIGHTS_DIR)):
        for file in (where / "model.bin", where):
            if file.is_file():
                return file.stat().st_size
    sizes = _DISTILLED if wanted.startswith("distil-") else _SIZES
    kind = next((kind for kind in reversed(sizes) if kind in wanted), "")
    return sizes.get(kind, 0) * 1_000_000 if wanted in engines.MODELS | engines.DISTILLED else 0


def least(name: str, model: str) -> int:
    """What a worker takes with that model on the processor, before it has heard anything."""
    return _ITSELF + int(_HELD[name] * size_of(name, model))


def limit() -> int | None:
    """The most memory that a worker may take for the model that is set. None on a card, whose driver reserves more than there is."""
    if uses_card(settings.TRANSCRIPTION_DEVICE):
        return None
    return max(MOST, _ROOM * least(settings.TRANSCRIPTION_ENGINE, settings.WHISPER_MODEL))


def of_machine() -> int:
    """What this machine, or the container that this process is in, has. 0 where it does not say."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            found.append(int(path.read_text()))
        except (OSError, ValueError):  # there is none, or it is "max"
            continue
    return min(found)


def refusal(name: str, model: str, device: str) -> str:
    """Why this machine cannot hold the model, in one sentence for whoever runs the server; empty where it can, or on a card."""
    if uses_card(device) or least(name, model) <= of_machine():
        return ""
    needed, there = (f"{figure / 1024**3:.1f} GiB" for figure in (least(name, model), of_machine()))
    return (
        f"WHISPER_MODEL is {model}, which needs {needed} of memory with {engines.label(name)}, and this machine has {there}: "
        "choose a smaller model, such as base, or a machine with more memory."
    )


def too_little() -> str:
    """The sentence for the recording's page."""
    return (
        f"The model {Path(settings.WHISPER_MODEL).stem} needs more memory than this machine gives. Nothing is lost. Tell the person who "
        "runs Plumbline: a smaller model helps, or more memory. Then try again."
    )


def is_shortage(error: BaseException) -> bool:
    """Whether the error, of Python, torch or CTranslate2, says that there was no memory, of the machine or of the card."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _SHORT.search(str(error)) is not None)


def kernel_kills() -> int:
    """How many processes this machine's kernel has ended for want of memory; 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
