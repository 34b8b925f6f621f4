"""Speech to text with openai-whisper.

The sound is cut at pauses into pieces (`voice.cuts`), several pieces are decoded at once, and
each piece's words are then aligned with Whisper's own cross-attention. Decoding without
Whisper's timestamps and in batches is what makes it fast on a processor; cutting at voice
activity, and never feeding earlier text back, is what keeps it from inventing speech.

What the text cannot be trusted for is kept and marked `supported=False`, never silently
dropped: words where nobody speaks, loops, and guesses over near-silence.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recordings import voice

RATE = 16_000
MAX_PIECE_S = 28.0  # Whisper hears 30 s at a time
BATCH = 4
# Fallbacks of a piece whose greedy text loops or is improbable: a beam first, then sampling.
TEMPERATURES = (0.0, 0.4, 0.8)
MAX_COMPRESSION = 2.4
MIN_LOGPROB = -1.0
MAX_NO_SPEECH = 0.6
PAUSE_S = 0.7  # a pause this long ends a segment ...
SHORT_PAUSE_S = 0.25  # ... after a sentence, one this long does ...
LONG_SEGMENT_S = 6.0  # ... and the sentence alone, once the segment is this long
LONGEST_SEGMENT_S = 15.0
LONGEST_WORD_S = 1.6
SHORTEST_WORD_S = 0.02
# Whisper's attention sits a little beside the sound, by model. Medians against hand-made word times, 105 words.
WORD_SHIFT_S = {"tiny.en": -0.1, "base": 0.07}
MIN_VOICED = 0.25  # a segment's share of voice activity below which nothing supports it
MISSED_S = 2.0  # speech this long without a word is listened to once more, by itself

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Word:
    start: float  # seconds from the start of the recording
    end: float
    text: str  # without surrounding space
    probability: float


@dataclass(frozen=True)
class Segment:
    start: float
    end: float
    text: str
    words: tuple[Word, ...]
    supported: bool = True  # False: the sound does not bear the text out
    speaker: str | None = None


@dataclass(frozen=True)
class Piece:
    """A stretch to transcribe: its samples, where it starts, and the voice activity in it."""

    samples: Floats
    offset_s: float
    speech: voice.Spans


class _Encoded:
    """The model with its encoder already done: whisper's alignment then skips the second encoding."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, features: Any, tokens: Any) -> Any:
        return self._model.decoder(tokens, features)


class Engine:
    """A loaded Whisper model. Heavy: load one per process."""

    name = "openai-whisper"

    def __init__(self, model: Any, model_name: str) -> None:
        self.model = model
        self.model_name = model_name

    @classmethod
    def load(cls, checkpoint: Path | str, *, threads: int | None = None) -> "Engine":
        """Load a checkpoint file (see `weights.resolve`). `threads` defaults to the processors at hand."""
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: idle threads sleep and leave the processors to the pages
        import torch
        import whisper

        torch.set_num_threads(threads or len(os.sched_getaffinity(0)))
        model = whisper.load_model(str(checkpoint), device="cpu")
        name = Path(checkpoint).stem
        if heads := whisper._ALIGNMENT_HEADS.get(name):
            model.set_alignment_heads(heads)  # a file by path comes without them; word times need them
        return cls(model.eval(), name)

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages this model can be told to expect."""
        from whisper.tokenizer import LANGUAGES

        return frozenset(LANGUAGES) if self.model.is_multilingual else frozenset({"en"})

    def detect_language(self, samples: Floats) -> str:
        """The likeliest language code of the first 30 s of `samples`."""
        if not self.model.is_multilingual:
            return "en"
        _tokens, probabilities = self.model.detect_language(self._mel(samples))
        return str(max(probabilities, key=probabilities.get))

    def transcribe_piece(self, samples: Floats, offset_s: float, language: str = "en", speech: voice.Spans | None = None) -> list[Segment]:
        """One piece of at most 30 s. `speech` is its voice activity in recording time, measured if not given."""
        if speech is None:
            spans = voice.segments(voice.activity(samples))
            speech = [(start + offset_s, end + offset_s) for start, end in spans]
        return self.transcribe_pieces([Piece(samples, offset_s, speech)], language)[0]

    def transcribe_pieces(self, pieces: Sequence[Piece], language: str = "en") -> list[list[Segment]]:
        """Several pieces at once, each of at most 30 s: segments with word times for each."""
        heard = self._hear(pieces, language)
        done = []
        for piece, (words, is_doubtful) in zip(pieces, heard, strict=True):
            for gap in _missed(piece, words):
                (found, is_guess) = self._hear([gap], language)[0]
                if not is_guess:  # else the gap stays, for people to hear that there is one
                    words = sorted([*words, *found], key=lambda word: word.start)
            done.append(_segments(words, piece.speech, is_doubtful))
        return done

    def _hear(self, pieces: Sequence[Piece], language: str) -> list[tuple[list[Word], bool]]:
        """The words of each piece, and whether its text is doubtful as a whole."""
        import torch

        with torch.inference_mode():
            features = self.model.encoder(torch.stack([self._mel(piece.samples) for piece in pieces]))
            heard = []
            for piece, encoded, first in zip(pieces, features, self._decode(features, language), strict=True):
                result = self._decode_again(encoded, language, first) if _is_doubtful(first) and not _is_silent(first) else first
                heard.append((self._words(piece, encoded, result, language), _is_doubtful(result)))
        return heard

    def _mel(self, samples: Floats) -> Any:
        from whisper.audio import N_SAMPLES, log_mel_spectrogram, pad_or_trim

        return log_mel_spectrogram(pad_or_trim(samples, N_SAMPLES), self.model.dims.n_mels)

    def _decode(self, features: Any, language: str, **options: Any) -> list[Any]:
        from whisper.decoding import DecodingOptions, decode

        chosen = DecodingOptions(language=language, without_timestamps=True, fp16=False, **options)
        return list(decode(self.model, features, chosen))

    def _decode_again(self, encoded: Any, language: str, first: Any) -> Any:
        import torch

        best = first
        for temperature in TEMPERATURES:
            torch.manual_seed(0)  # the same sound gives the same text
            options = {"beam_size": 5} if temperature == 0 else {"best_of": 5, "temperature": temperature}
            (result,) = self._decode(encoded[None], language, **options)
            if not _is_doubtful(result):
                return result
            if result.compression_ratio < best.compression_ratio:
                best = result
        return best

    def _words(self, piece: Piece, encoded: Any, result: Any, language: str) -> list[Word]:
        from whisper.timing import find_alignment, merge_punctuations
        from whisper.tokenizer import get_tokenizer

        tokenizer = get_tokenizer(self.model.is_multilingual, num_languages=self.model.num_languages, language=language, task="transcribe")
        tokens = [token for token in result.tokens if token < tokenizer.eot]
        frames = min(3000, len(piece.samples) // 160)
        timings = find_alignment(_Encoded(self.model), tokenizer, tokens, encoded, frames)
        merge_punctuations(timings, "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、")
        has_spaces = language not in {"zh", "ja", "th", "lo", "my", "yue"}
        shift = WORD_SHIFT_S.get(self.model_name, 0.0)
        words: list[Word] = []
        after = piece.offset_s
        for timing in timings:
            if text := timing.word.strip():
                if words and has_spaces and not timing.word.startswith(" "):  # "o" and "'clock" are one word
                    words[-1] = _joined(words[-1], text, float(timing.probability))
                    continue
                start, end = piece.offset_s + float(timing.start) + shift, piece.offset_s + float(timing.end) + shift
                start, end = _settle(start, end, piece.speech)
                start = max(start, after)
                after = max(end, start + SHORTEST_WORD_S)
                words.append(Word(round(start, 3), round(after, 3), text, round(float(timing.probability), 4)))
        return words


def _joined(word: Word, text: str, probability: float) -> Word:
    return replace(word, text=word.text + text, probability=round(min(word.probability, probability), 4))


def _missed(piece: Piece, words: list[Word]) -> list[Piece]:
    """Stretches between the words where somebody speaks for long: Whisper now and then skips a sentence."""
    ends = [piece.offset_s, *(word.end for word in words)]
    starts = [*(word.start for word in words), piece.offset_s + len(piece.samples) / RATE]
    gaps = [
        (end, start) for end, start in zip(ends, starts, strict=True) if start > end and voice.overlap(piece.speech, end, start) >= MISSED_S
    ]
    return [Piece(_slice(piece.samples, (a - piece.offset_s, b - piece.offset_s)), a, _within(piece.speech, (a, b))) for a, b in gaps]


def _is_doubtful(result: Any) -> bool:
    return bool(result.compression_ratio > MAX_COMPRESSION or result.avg_logprob < MIN_LOGPROB)


def _is_silent(result: Any) -> bool:
    """Whisper itself hears nobody: trying harder would only make it invent."""
    return bool(result.no_speech_prob > MAX_NO_SPEECH and result.avg_logprob < MIN_LOGPROB)


def _settle(start: float, end: float, speech: voice.Spans) -> tuple[float, float]:
    """Draw a word that reaches into silence back to the voice in it; cap what is impossibly long."""
    voiced = [(max(start, a), min(end, b)) for a, b in speech if a < end and b > start]
    if voiced:
        longest = max(voiced, key=lambda span: span[1] - span[0])
        start, end = longest if longest[1] - longest[0] > 0.05 else (start, end)
    return start, min(end, start + LONGEST_WORD_S)


def _segments(words: list[Word], speech: voice.Spans, doubtful: bool) -> list[Segment]:
    """Words grouped at pauses and sentence ends."""
    groups: list[list[Word]] = []
    for word in words:
        if groups and not _ends(groups[-1], word):
            groups[-1].append(word)
        else:
            groups.append([word])
    return [_segment(group, speech, doubtful) for group in groups]


def _ends(group: list[Word], following: Word) -> bool:
    last, length = group[-1], group[-1].end - group[0].start
    pause = following.start - last.end
    if pause >= PAUSE_S or length >= LONGEST_SEGMENT_S:
        return True
    return last.text[-1] in ".?!" and (pause >= SHORT_PAUSE_S or length >= LONG_SEGMENT_S)


def _segment(group: list[Word], speech: voice.Spans, doubtful: bool) -> Segment:
    start, end = group[0].start, group[-1].end
    text = " ".join(word.text for word in group)
    spoken = sum(voice.overlap(speech, word.start, word.end) for word in group)
    length = sum(word.end - word.start for word in group)
    voiced = spoken / length if length else 0.0
    supported = not doubtful and voiced >= MIN_VOICED and not has_loop(text)
    return Segment(start, end, text, tuple(group), supported)


def has_loop(text: str) -> bool:
    """Whether one to twelve words come again and again: five times and ten words in all, or a longer phrase four times.

    People do say a word six times; Whisper over silence says it forty times.
    """
    words = re.findall(r"[\w']+", text.lower())
    for size in range(1, 13):
        same = 0
        for before, after in zip(words, words[size:], strict=False):
            same = same + 1 if before == after else 0
            times = same // size + 1
            if (times >= 5 and same + size >= 10) or (times >= 4 and size >= 4):
                return True
    return False


Progress = Callable[[int, int], None]


def run(
    samples: Floats,
    *,
    engine: Engine,
    language: str | None = "en",
    probability: Floats | None = None,
    start_piece: int = 0,
    on_progress: Progress | None = None,
) -> Iterator[tuple[int, int, list[Segment]]]:
    """Transcribe a whole recording, piece by piece: (pieces done, pieces in all, segments of this piece).

    The cuts depend on the sound alone, so whoever kept the first k pieces passes `start_piece=k` and
    goes on. `probability` is `voice.activity(samples)`, measured if not given. `language=None` finds it out.
    """
    if probability is None:
        probability = voice.activity(samples)
    speech = voice.segments(probability)
    spans = voice.cuts(probability, duration_s=len(samples) / RATE, max_s=MAX_PIECE_S)
    if language is None and spans:
        language = engine.detect_language(_slice(samples, spans[0]))
    for first in range(start_piece, len(spans), BATCH):
        batch = spans[first : first + BATCH]
        pieces = [Piece(_slice(samples, span), span[0], _within(speech, span)) for span in batch]
        for index, segments in enumerate(engine.transcribe_pieces(pieces, language or "en"), first + 1):
            if on_progress:
                on_progress(index, len(spans))
            yield index, len(spans), segments


def _slice(samples: Floats, span: tuple[float, float]) -> Floats:
    return samples[round(span[0] * RATE) : round(span[1] * RATE)]


def _within(speech: voice.Spans, span: tuple[float, float]) -> voice.Spans:
    return [(max(a, span[0]), min(b, span[1])) for a, b in speech if a < span[1] and b > span[0]]


def labelled(segments: Sequence[Segment], speaker: str) -> list[Segment]:
    return [replace(segment, speaker=speaker) for segment in segments]
