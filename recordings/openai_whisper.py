"""The engine openai-whisper, on a processor or on CUDA.

Three things make it fast on a processor: pieces are decoded in batches, without timestamps; the decoder's matrices are kept
as 8-bit numbers, row by row, because each token reads all of them and the memory is what it waits for (the encoder stays as
it is: with 8 bits it lost sentences); and the word times of a batch come from one pass, with a dynamic time warping that
need not be compiled first.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recordings import engines, speech
from recordings.speech import Floats, Heard, Piece, Timing

SECONDS_A_FRAME = 0.02  # of the encoder's output
CUDA_BATCH = 24
_MEDIAN_WIDTH = 7  # as in whisper.timing


def cuda_works() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def written_alike(text: str) -> list[str]:
    """English words as Whisper's authors write them before they count errors (Radford et al. 2022, appendix C): lower case, no marks,
    numbers in digits, short forms in full."""
    from whisper.normalizers import EnglishTextNormalizer

    return str(EnglishTextNormalizer()(text)).split()


class OpenAIWhisper(speech.Engine):
    name = "openai-whisper"

    def __init__(self, model: Any, model_name: str, *, half: bool = False) -> None:
        self.model = model
        self.model_name = model_name
        self.half = half  # 16-bit numbers, for CUDA
        if model.device.type == "cuda":
            self.batch = CUDA_BATCH

    @classmethod
    def load(cls, checkpoint: Path | str, *, device: str = "cpu", threads: int | None = None) -> "OpenAIWhisper":
        """Load a checkpoint file (see `weights.resolve`) on "cpu" or "cuda". `threads` defaults to the processors at hand."""
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: idle threads sleep and leave the processors to the pages
        import torch
        import whisper

        torch.set_num_threads(threads or len(os.sched_getaffinity(0)))
        model = whisper.load_model(str(checkpoint), device=device).eval()
        name = engines.model_name(Path(checkpoint))
        if heads := whisper._ALIGNMENT_HEADS.get(name):
            model.set_alignment_heads(heads)  # a file by path comes without them; word times need them
        if device == "cpu":
            from recordings import quantised

            if quantised.is_possible():
                model.decoder = quantised.SmallDecoder(model.decoder)
        return cls(model, name, half=device == "cuda")

    @property
    def languages(self) -> frozenset[str]:
        from whisper.tokenizer import LANGUAGES

        return frozenset(LANGUAGES) if self.model.is_multilingual else frozenset({speech.LANGUAGE})

    def language_probabilities(self, stretches: Sequence[Floats]) -> list[dict[str, float]]:
        import torch

        with torch.inference_mode():
            _tokens, found = self.model.detect_language(self._encode(stretches))
        return list(found)

    def _hear(self, pieces: Sequence[Piece], language: str, prompt: str, encoded: Sequence[Any] | None = None) -> list[Heard]:
        import torch

        heard: list[Heard] = []
        with torch.inference_mode():
            for first in range(0, len(pieces), self.batch):
                batch = pieces[first : first + self.batch]
                known = encoded[first : first + self.batch] if encoded else None
                features = torch.stack(list(known)) if known else self._encode([piece.samples for piece in batch])
                results = self._decode(features, language, prompt=prompt or None)
                for at, result in enumerate(results):
                    if speech.is_doubtful(result.avg_logprob, result.compression_ratio):
                        results[at] = self._decode_again(features[at : at + 1], language, prompt, result)
                timings = self._align(features, batch, [result.tokens for result in results], language)
                for result, found, seen in zip(results, timings, features, strict=True):
                    heard.append(Heard(found, result.avg_logprob, result.compression_ratio, result.no_speech_prob, seen))
        return heard

    def _encode(self, stretches: Sequence[Floats]) -> Any:
        import torch
        from whisper.audio import N_SAMPLES, log_mel_spectrogram, pad_or_trim

        mels = torch.stack([log_mel_spectrogram(pad_or_trim(samples, N_SAMPLES), self.model.dims.n_mels) for samples in stretches])
        return self.model.encoder(mels.to(self.model.device, torch.float16 if self.half else torch.float32))

    def _decode(self, features: Any, language: str, **options: Any) -> list[Any]:
        from whisper.decoding import DecodingOptions, decode

        return list(decode(self.model, features, DecodingOptions(language=language, without_timestamps=True, fp16=self.half, **options)))

    def _decode_again(self, features: Any, language: str, prompt: str, first: Any) -> Any:
        """The first of a beam and of samplings that is not doubtful, else the one that repeats itself least."""
        import torch

        if speech.is_silent(first.avg_logprob, first.no_speech_prob):
            return first
        best = first
        for temperature in speech.TEMPERATURES:
            torch.manual_seed(0)  # the same sound gives the same text
            options = {"best_of": speech.BEAM, "temperature": temperature} if temperature else {"beam_size": speech.BEAM}
            (result,) = self._decode(features, language, prompt=prompt or None, **options)
            if not speech.is_doubtful(result.avg_logprob, result.compression_ratio):
                return result
            if result.compression_ratio < best.compression_ratio:
                best = result
        return best

    def _align(self, features: Any, pieces: Sequence[Piece], tokens: list[list[int]], language: str) -> list[list[Timing]]:
        """Word times of a batch from one pass of the decoder: what `whisper.timing.find_alignment` does piece by piece."""
        import torch
        from whisper.tokenizer import get_tokenizer

        tokenizer = get_tokenizer(self.model.is_multilingual, num_languages=self.model.num_languages, language=language, task="transcribe")
        texts = [[token for token in one if token < tokenizer.eot] for one in tokens]
        before = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        rows = [[*before, *text, tokenizer.eot] for text in texts]
        longest = max(map(len, rows))
        padded = torch.tensor([[*row, *[tokenizer.eot] * (longest - len(row))] for row in rows], device=self.model.device)
        weights, logits = self._attention(padded, features)
        found: list[list[Timing]] = []
        start = len(before) - 1  # the row that predicts the first token of the text
        for at, (piece, text) in enumerate(zip(pieces, texts, strict=True)):
            if not text:
                found.append([])
                continue
            scores = logits[at, start : start + len(text), : tokenizer.eot].float()
            chosen = scores.gather(1, torch.tensor(text, device=scores.device)[:, None])[:, 0]
            certain = (chosen - scores.logsumexp(1)).exp().cpu().numpy()
            frames = min(1500, len(piece.samples) // 320)
            attention = _sharpened(weights[:, at, : len(rows[at]), :frames])[start:-1]
            words, word_tokens = tokenizer.split_to_word_tokens([*text, tokenizer.eot])
            found.append(_timings(words, [len(one) for one in word_tokens], certain, warp(-attention)))
        return found

    def _attention(self, tokens: Any, features: Any) -> tuple[Any, Any]:
        """What the model's alignment heads attend to, [heads, pieces, tokens, frames] before softmax, and the logits."""
        import torch
        from whisper.model import disable_sdpa

        kept: dict[int, Any] = {}
        heads = self.model.alignment_heads.indices().T.tolist()
        hooks = [
            self.model.decoder.blocks[layer].cross_attn.register_forward_hook(
                lambda _module, _given, given_back, layer=layer: kept.__setitem__(layer, given_back[-1])
            )
            for layer in sorted({layer for layer, _head in heads})
        ]
        try:
            with disable_sdpa():
                logits = self.model.decoder(tokens, features)
        finally:
            for hook in hooks:
                hook.remove()
        return torch.stack([kept[layer][:, head] for layer, head in heads]), logits


def _sharpened(weights: Any) -> Floats:
    """[tokens, frames] from the heads' attention: normalised over the tokens, smoothed over time, averaged (Whisper's own recipe)."""
    import torch
    from whisper.timing import median_filter

    weights = weights.softmax(dim=-1)
    deviation, mean = torch.std_mean(weights, dim=-2, keepdim=True, unbiased=False)
    matrix: Floats = median_filter((weights - mean) / deviation, _MEDIAN_WIDTH).mean(dim=0).cpu().numpy()
    return matrix


def _timings(words: list[str], lengths: list[int], certain: Floats, path: NDArray[np.int64]) -> list[Timing]:
    """Words with times from the frame at which each token begins; the last of `words` is the end of the text."""
    ends = np.cumsum(lengths)
    starts = path * SECONDS_A_FRAME
    found, first = [], 0
    for word, last in zip(words[:-1], ends[:-1], strict=True):
        found.append(Timing(word, float(starts[first]), float(starts[last]), float(np.mean(certain[first:last]))))
        first = int(last)
    return found


def warp(cost: Floats) -> NDArray[np.int64]:
    """The frame at which each row begins on the cheapest way through `cost` [rows, frames]: dynamic time warping.

    Diagonal by diagonal, so that NumPy does the work; ties are broken as in `whisper.timing.dtw_cpu`.
    """
    rows, frames = cost.shape
    trace = np.full((rows + 1, frames + 1), 2, np.int8)
    trace[1:, 0] = 1
    two_back = np.full(rows + 1, np.inf)
    two_back[0] = 0.0
    one_back = np.full(rows + 1, np.inf)
    for total in range(2, rows + frames + 1):
        row = np.arange(max(1, total - frames), min(rows, total - 1) + 1)
        diagonal, up, left = two_back[row - 1], one_back[row - 1], one_back[row]
        step = np.where((diagonal < up) & (diagonal < left), 0, np.where((up < diagonal) & (up < left), 1, 2))
        here = np.full(rows + 1, np.inf)
        here[row] = cost[row - 1, total - row - 1] + np.choose(step, [diagonal, up, left])
        trace[row, total - row] = step
        two_back, one_back = one_back, here
    begins = np.zeros(rows, np.int64)
    row, frame = rows, frames
    while row > 0 and frame > 0:
        begins[row - 1] = frame - 1
        step = trace[row, frame]
        row, frame = row - (step != 2), frame - (step != 1)
    return begins
