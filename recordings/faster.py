"""The engine faster-whisper (an extra): CTranslate2 with 8-bit numbers on a processor, 16-bit ones on CUDA.

Only its model is used. Where to cut, what to doubt and how words become segments is the same as for the other engine.
"""

import hashlib
import os
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recordings import engines, speech, weights
from recordings.speech import Floats, Heard, Piece, Timing

CPU_BATCH, CUDA_BATCH = 8, 24
_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")


def cuda_works() -> bool:
    import ctranslate2

    return bool(ctranslate2.get_cuda_device_count())


class FasterWhisper(speech.Engine):
    name = "faster-whisper"

    def __init__(self, model: Any, model_name: str, *, batch: int = CPU_BATCH, workers: int = 1) -> None:
        self.model = model
        self.model_name = model_name
        self.batch = batch
        self.workers = workers
        self._one_by_one = threading.Lock()

    @classmethod
    def load(cls, folder: Path | str, *, device: str = "cpu", threads: int | None = None) -> "FasterWhisper":
        """Load a folder with a CTranslate2 model (see `resolve`) on "cpu" or "cuda"."""
        import ctranslate2
        from faster_whisper import WhisperModel

        ctranslate2.set_random_seed(0)
        kind = "float16" if device == "cuda" else "int8"
        # On a processor each core works on pieces of its own: the matrices are too small to share.
        workers = 1 if device == "cuda" else threads or len(os.sched_getaffinity(0))
        model = WhisperModel(str(folder), device=device, compute_type=kind, cpu_threads=1, num_workers=workers)
        return cls(model, engines.model_name(Path(folder)), batch=CUDA_BATCH if device == "cuda" else CPU_BATCH, workers=workers)

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self.model.supported_languages)

    def language_probabilities(self, stretches: Sequence[Floats]) -> list[dict[str, float]]:
        found = self.model.model.detect_language(self._encode(stretches))
        return [{token[2:-2]: probability for token, probability in one} for one in found]

    def _hear(self, pieces: Sequence[Piece], language: str, prompt: str, encoded: Sequence[Any] | None = None) -> list[Heard]:
        from faster_whisper.tokenizer import Tokenizer

        tokenizer = Tokenizer(self.model.hf_tokenizer, self.model.model.is_multilingual, task="transcribe", language=language)
        heard: list[Heard] = []
        for first in range(0, len(pieces), self.batch):
            batch = pieces[first : first + self.batch]
            known = encoded[first : first + self.batch] if encoded else None
            seen = list(known) if known else [_kept(self._encode([piece.samples])) for piece in batch]  # quicker than together
            beam = speech.BEAM if known else 1  # what is heard again is what was unsure
            results = self._decode(_stored(np.concatenate(seen)), len(batch), tokenizer, prompt, beam_size=beam)
            unsure = [at for at, result in enumerate(results) if result.logprob < speech.SURE_LOGPROB and beam == 1]
            if unsure:
                wider = self._decode(_stored(np.concatenate([seen[at] for at in unsure])), len(unsure), tokenizer, prompt)
                for at, result in zip(unsure, wider, strict=True):
                    results[at] = result
            for at, result in enumerate(results):
                if speech.is_doubtful(result.logprob, result.compression):
                    with self._one_by_one:  # sampling has one seed for the whole process
                        results[at] = self._decode_again(batch[at], tokenizer, prompt, result)
            texts = [[token for token in result.tokens if token < tokenizer.eot] for result in results]
            frames = [min(3000, len(piece.samples) // 160) for piece in batch]
            for result, text, length, one in zip(results, texts, frames, seen, strict=True):
                (found,) = self.model.find_alignment(tokenizer, [text], _stored(one), [length])
                words = [Timing(word["word"], float(word["start"]), float(word["end"]), float(word["probability"])) for word in found]
                heard.append(Heard(words, result.logprob, result.compression, result.no_speech, one))
        return heard

    def _encode(self, stretches: Sequence[Floats]) -> Any:
        from faster_whisper.audio import pad_or_trim

        return self.model.encode(np.stack([pad_or_trim(self.model.feature_extractor(samples)[..., :-1]) for samples in stretches]))

    def _decode(self, features: Any, count: int, tokenizer: Any, prompt: str, **options: Any) -> list["_Result"]:
        from faster_whisper.transcribe import get_suppressed_tokens

        before = self.model.get_prompt(tokenizer, tokenizer.encode(" " + prompt.strip()) if prompt else [], without_timestamps=True)
        results = self.model.model.generate(
            features,
            [before] * count,
            **{"beam_size": speech.BEAM, **options},
            max_length=min(self.model.max_length, len(before) + self.model.max_length // 2),
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [_Result(result, tokenizer) for result in results]

    def _decode_again(self, piece: Piece, tokenizer: Any, prompt: str, first: "_Result") -> "_Result":
        """The first of some samplings that is not doubtful, else the text that repeats itself least."""
        import ctranslate2

        if speech.is_silent(first.logprob, first.no_speech):
            return first
        best = first
        features = self._encode([piece.samples])
        for temperature in filter(None, speech.TEMPERATURES):
            ctranslate2.set_random_seed(0)  # the same sound gives the same text
            sampling = {"beam_size": 1, "num_hypotheses": speech.BEAM, "sampling_topk": 0, "sampling_temperature": temperature}
            (result,) = self._decode(features, 1, tokenizer, prompt, **sampling)
            if not speech.is_doubtful(result.logprob, result.compression):
                return result
            if result.compression < best.compression:
                best = result
        return best


def _kept(features: Any) -> NDArray[Any]:
    """An encoded piece as an array, [1, frames, width]. On a card, 16-bit numbers come over as they are."""
    import ctranslate2

    return np.array(features.to_device(ctranslate2.Device.cpu) if features.device == "cuda" else features)


def _stored(features: NDArray[Any]) -> Any:
    import ctranslate2

    return ctranslate2.StorageView.from_array(np.ascontiguousarray(features))


class _Result:
    """The best of what CTranslate2 gives for one piece, with Whisper's own measures of doubt."""

    def __init__(self, result: Any, tokenizer: Any) -> None:
        self.tokens: list[int] = result.sequences_ids[0]
        self.logprob = float(result.scores[0] * len(self.tokens) / (len(self.tokens) + 1))  # the end counts as a token
        self.no_speech = float(result.no_speech_prob)
        text = tokenizer.decode(self.tokens).encode()
        self.compression = len(text) / len(zlib.compress(text))


def resolve(name: str, *, cache: Path, download: bool = True) -> Path:
    """The folder of the CTranslate2 model `name`: "auto", a name that faster-whisper knows, or a folder. Raises NoWeights."""
    if name == "auto":
        for candidate in weights.AUTO:
            try:
                return resolve(candidate, cache=cache, download=download)
            except weights.NoWeights:
                continue
        raise weights.NoWeights(weights.what_to_do("any Whisper model"))
    path = Path(name).expanduser()
    if (path / "model.bin").is_file():
        return path
    if path.suffix == ".pt" or path.name != name:
        raise weights.NoWeights(f"WHISPER_MODEL names {name}, and faster-whisper finds no folder with a model.bin there.")
    cache.mkdir(parents=True, exist_ok=True)
    target = engines.cached(engines.FASTER, name, cache)
    with weights.locked(cache / f".{name}.ctranslate2.lock"):
        if _is_whole(target) or _from_packages(name, target) or (download and _from_hub(name, target)):
            return target
    raise weights.NoWeights(weights.what_to_do(f"the Whisper model {name} in CTranslate2's format"))


def _is_whole(target: Path) -> bool:
    """The record comes last: without it, or with another length, what lies there does not count."""
    try:
        return (target / "model.bin").stat().st_size == int((target / "complete").read_text())
    except (OSError, ValueError):
        return False


def _keep(target: Path) -> None:
    (target / "complete").write_text(str((target / "model.bin").stat().st_size))


def _from_packages(name: str, target: Path) -> bool:
    """Joins the parts that installed packages carry. False where there are none; raises NoWeights where they are not the checked ones."""
    carried = weights.CARRIED.get(name)
    if carried is None:
        return False
    parts = [weights.installed(module, inside) for module, inside in carried.parts]
    if any(part is None for part in parts):
        return False
    target.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with (target / "model.bin").open("wb") as output:
        for part in parts:
            content = part.read_bytes() if part else b""
            digest.update(content)
            output.write(content)
    if digest.hexdigest() != carried.sha256:
        (target / "model.bin").unlink()
        raise weights.NoWeights(weights.not_the_checked_ones(carried))
    beside = parts[0].parent if parts[0] else target
    for file in _FILES:
        (target / file).write_bytes((beside / file).read_bytes())
    _keep(target)
    return True


def _from_hub(name: str, target: Path) -> bool:
    """faster-whisper's own download. False where it cannot be reached; raises NoWeights for a name that it does not know."""
    from faster_whisper.utils import available_models, download_model

    if name not in available_models():
        raise weights.NoWeights(
            f"WHISPER_MODEL names no model that faster-whisper knows. Use a folder or one of: {', '.join(available_models())}."
        )
    try:
        download_model(name, output_dir=str(target))
    except Exception:  # noqa: BLE001 (the download's library has many)
        return False
    _keep(target)
    return True
