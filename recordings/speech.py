"""Speech to text: what is the same whichever engine does it.

The sound is cut at pauses into pieces (`voice.cuts`), several pieces are decoded at once, and each piece's words are then
aligned with Whisper's own cross-attention. Decoding without Whisper's timestamps and in batches is what makes it fast;
cutting at voice activity, and never feeding earlier text back, is what keeps it from inventing speech.

What the text cannot be trusted for is kept and marked `supported=False`, never silently dropped (`truth.py`). The engines
are `openai_whisper.py` and `faster.py`; `engines.load` gives the one that the settings name.
"""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recordings import truth, voice

RATE = 16_000
MAX_PIECE_S = 28.0  # Whisper hears 30 s at a time
BATCH = 4
SMALL_GROUP = 2
LANGUAGE = "en"
PIECES_FOR_LANGUAGE = 5  # spread over the whole recording: people say hello in a language that they then leave
# Fallbacks of a piece whose greedy text loops or is improbable: a beam first, then sampling.
TEMPERATURES = (0.0, 0.4, 0.8)
BEAM = 5
# faster-whisper first takes the likeliest word each time, and searches with the beam what then is less probable than this (mean over
# the tokens) and what is heard again. Measured on 20 minutes: 3.3 % of words wrong, and 3.2 % with the beam everywhere.
SURE_LOGPROB = -0.2
PAUSE_S = 0.7  # a pause this long ends a segment ...
SHORT_PAUSE_S = 0.25  # ... after a sentence, one this long does ...
LONG_SEGMENT_S = 6.0  # ... and the sentence alone, once the segment is this long
LONGEST_SEGMENT_S = 15.0
LONGEST_WORD_S = 1.6
SHORTEST_WORD_S = 0.02
# Whisper's attention sits a little beside the sound, by model. Medians against hand-made word times, 105 words.
WORD_SHIFT_S = {"tiny.en": -0.1, "base": 0.07}
MISSED_S = 2.0  # speech this long without a word is listened to once more, by itself ...
MISSED_ROUNDS = 2  # ... and what then is left of it, again
NEAR_S = 0.2  # kept before and after such a stretch
LOST_S = 0.8  # speech this long that the prompt may have cost a piece: it is then heard without one too
# Whisper leaves out the small sounds of listening and thinking, which supervisors look for. Told that there were some just before,
# it writes them, but may skip a sentence; so only pieces with this much speech left over are heard so, and the fuller text is kept.
SMALL_SOUNDS = "Um, uh, er, mm-hm, yeah."
SMALL_S, GAIN_S = 0.5, 0.2  # none of 13 pieces with less left over had one
WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "my", "yue"})

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
    reason: str = ""  # why it is not supported, one of truth.REASONS


@dataclass(frozen=True)
class Piece:
    """A stretch to transcribe: its samples, where it starts, and the voice activity in it."""

    samples: Floats
    offset_s: float
    speech: voice.Spans


@dataclass(frozen=True)
class Timing:
    """A word as Whisper's attention places it: seconds from the start of its piece; the text with its leading space."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class Heard:
    """What an engine makes of one piece, and how sure it is."""

    timings: Sequence[Timing]
    logprob: float  # mean over the tokens
    compression: float  # ratio of the text by zlib
    no_speech: float  # probability that nobody speaks, by Whisper itself
    encoded: Any = field(default=None, repr=False, compare=False)  # the sound as the model sees it, to be heard again with another prompt

    @property
    def is_doubtful(self) -> bool:
        return is_doubtful(self.logprob, self.compression)


class Engine(ABC):
    """A loaded model. Heavy: load one per process, with `engines.load`."""

    name: str
    model_name: str
    batch: int = BATCH  # pieces that are best decoded together
    workers: int = 1  # threads that may transcribe side by side

    @property
    @abstractmethod
    def languages(self) -> frozenset[str]:
        """Codes of the languages this model can be told to expect."""

    @abstractmethod
    def language_probabilities(self, stretches: Sequence[Floats]) -> list[dict[str, float]]:
        """For each stretch of at most 30 s the probability of each language code; for a model of many languages only."""

    @abstractmethod
    def _hear(self, pieces: Sequence[Piece], language: str, prompt: str, encoded: Sequence[Any] | None = None) -> list[Heard]:
        """What is said in each piece of at most 30 s. The same sound gives the same text. `encoded`: as in `Heard`, where it is known."""

    def detect_language(self, *stretches: Floats) -> str:
        """The likeliest language code over all `stretches`, each of at most 30 s."""
        if self.languages == {LANGUAGE} or not stretches:
            return LANGUAGE
        sums: dict[str, float] = {}
        for found in self.language_probabilities(stretches):
            for code, probability in found.items():
                sums[code] = sums.get(code, 0.0) + probability
        return max(sums, key=lambda code: sums[code])

    def transcribe_piece(
        self, samples: Floats, offset_s: float, language: str = LANGUAGE, speech: voice.Spans | None = None
    ) -> list[Segment]:
        """One piece of at most 30 s. `speech` is its voice activity in recording time, measured if not given."""
        if speech is None:
            spans = voice.segments(voice.activity(samples))
            speech = [(start + offset_s, end + offset_s) for start, end in spans]
        return self.transcribe_pieces([Piece(samples, offset_s, speech)], language)[0]

    def transcribe_pieces(self, pieces: Sequence[Piece], language: str = LANGUAGE, prompt: str = "") -> list[list[Segment]]:
        """Several pieces at once, each of at most 30 s: segments with word times for each.

        `prompt` is text that Whisper takes for what was said before: words to expect. It never enters the transcript.
        """
        tries = [
            _Try(one, self._words(piece, one, language)) for piece, one in zip(pieces, self._hear(pieces, language, prompt), strict=True)
        ]
        if prompt:  # it now and then makes Whisper skip what it hears without one
            lost = [at for at, piece in enumerate(pieces) if tries[at].heard.is_doubtful or tries[at].unheard_s(piece) >= LOST_S]
            self._try_again(pieces, tries, lost, language, "")
        if language == LANGUAGE:
            left_out = [at for at, piece in enumerate(pieces) if tries[at].words and tries[at].unheard_s(piece) >= SMALL_S]
            small = [at for at in left_out if not _missed(pieces[at], tries[at].words)]  # a skipped sentence is heard by itself, below
            self._try_again(pieces, tries, small, language, f"{SMALL_SOUNDS} {prompt}".strip())
        doubts = [truth.reasons(one.words, piece.speech, one.heard) for piece, one in zip(pieces, tries, strict=True)]
        for _round in range(MISSED_ROUNDS):
            missed = [(at, gap) for at, piece in enumerate(pieces) for gap in _missed(piece, tries[at].words)]
            again = self._hear([gap for _at, gap in missed], language, "") if missed else []
            for (at, gap), one in zip(missed, again, strict=True):
                if not one.is_doubtful:  # else the gap stays, for people to hear that there is one
                    more = self._words(gap, one, language)
                    tries[at].words.extend(more)
                    doubts[at] += truth.reasons(more, gap.speech, one)
        return [_segments(one.words, why, piece.speech) for piece, one, why in zip(pieces, tries, doubts, strict=True)]

    def _try_again(self, pieces: Sequence[Piece], tries: list["_Try"], places: list[int], language: str, prompt: str) -> None:
        """Hears some pieces with another prompt, and keeps what then is surer or leaves less speech without a word."""
        known = [tries[at].heard.encoded for at in places]
        again = self._hear([pieces[at] for at in places], language, prompt, known) if places else []
        for at, one in zip(places, again, strict=True):
            new, old, piece = _Try(one, self._words(pieces[at], one, language)), tries[at], pieces[at]
            if one.is_doubtful != old.heard.is_doubtful:
                tries[at] = old if one.is_doubtful else new
            elif old.unheard_s(piece) - new.unheard_s(piece) >= (GAIN_S if len(new.words) <= len(old.words) else 0.0):
                tries[at] = new

    def _words(self, piece: Piece, heard: Heard, language: str) -> list[Word]:
        shift = piece.offset_s + WORD_SHIFT_S.get(self.model_name, 0.0)
        words: list[Word] = []
        after = piece.offset_s
        for timing in heard.timings:
            text = timing.text.strip()
            if not text:
                continue
            is_mark = not re.search(r"\w", text)
            if words and not timing.text.startswith(" ") and (is_mark or language not in WITHOUT_SPACES):  # "o" and "'clock" are one word
                words[-1] = _joined(words[-1], text, words[-1].probability if is_mark else timing.probability)
                continue
            start, end = _settle(shift + timing.start, shift + timing.end, piece.speech)
            start = max(start, after)
            after = max(end, start + SHORTEST_WORD_S)
            words.append(Word(round(start, 3), round(after, 3), text, round(timing.probability, 4)))
        return words


@dataclass
class _Try:
    """What was heard of a piece with one prompt or another."""

    heard: Heard
    words: list[Word]

    def unheard_s(self, piece: Piece) -> float:
        """Seconds of speech between the words."""
        return sum(end - start for start, end in truth.wordless(self.words, piece.speech, least=0.25, reach=0.1))


def is_doubtful(logprob: float, compression: float) -> bool:
    """Whether a piece is worth another try."""
    return compression > truth.MAX_COMPRESSION or logprob < truth.MIN_LOGPROB


def is_silent(logprob: float, no_speech: float) -> bool:
    """Whisper itself hears nobody: trying harder would only make it invent."""
    return no_speech > truth.MAX_NO_SPEECH and logprob < truth.MIN_LOGPROB


def _joined(word: Word, text: str, probability: float) -> Word:
    return replace(word, text=word.text + text, probability=round(min(word.probability, probability), 4))


def _missed(piece: Piece, words: list[Word]) -> list[Piece]:
    """Stretches between the words where somebody speaks for long: Whisper now and then skips a sentence. Each from voice to voice."""
    words = sorted(words, key=lambda word: word.start)
    ends = [piece.offset_s, *(word.end for word in words)]
    starts = [*(word.start for word in words), piece.offset_s + len(piece.samples) / RATE]
    gaps = [
        (end, start) for end, start in zip(ends, starts, strict=True) if start > end and voice.overlap(piece.speech, end, start) >= MISSED_S
    ]
    found = []
    for start, end in gaps:
        spoken = _within(piece.speech, (start, end))
        bounds = (max(start, spoken[0][0] - NEAR_S), min(end, spoken[-1][1] + NEAR_S))
        samples = _slice(piece.samples, (bounds[0] - piece.offset_s, bounds[1] - piece.offset_s))
        found.append(Piece(samples, bounds[0], spoken))
    return found


def _settle(start: float, end: float, speech: voice.Spans) -> tuple[float, float]:
    """Draw a word that reaches into silence back to the voice in it; cap what is impossibly long."""
    voiced = [(max(start, a), min(end, b)) for a, b in speech if a < end and b > start]
    if voiced:
        longest = max(voiced, key=lambda span: span[1] - span[0])
        start, end = longest if longest[1] - longest[0] > 0.05 else (start, end)
    return start, min(end, start + LONGEST_WORD_S)


def _segments(words: list[Word], doubts: list[str], speech: voice.Spans) -> list[Segment]:
    """Words in order, grouped at pauses, at sentence ends, and where the sound begins or ceases to support them."""
    groups: list[tuple[str, list[Word]]] = []
    for word, reason in sorted(zip(words, doubts, strict=True), key=lambda pair: pair[0].start):
        if groups and groups[-1][0] == reason and not _ends(groups[-1][1], word):
            groups[-1][1].append(word)
        else:
            groups.append((reason, [word]))
    return [_segment(group, reason, speech) for reason, group in groups]


def _ends(group: list[Word], following: Word) -> bool:
    last, length = group[-1], group[-1].end - group[0].start
    pause = following.start - last.end
    if pause >= PAUSE_S or length >= LONGEST_SEGMENT_S:
        return True
    return last.text[-1] in ".?!" and (pause >= SHORT_PAUSE_S or length >= LONG_SEGMENT_S)


def _segment(group: list[Word], reason: str, speech: voice.Spans) -> Segment:
    reason = reason or truth.reason_together(group, speech)
    text = " ".join(word.text for word in group)
    return Segment(group[0].start, group[-1].end, text, tuple(group), supported=not reason, reason=reason)


Progress = Callable[[int, int], None]


def run(
    samples: Floats,
    *,
    engine: Engine,
    language: str | None = LANGUAGE,
    probability: Floats | None = None,
    start_piece: int = 0,
    prompt: str = "",
    on_progress: Progress | None = None,
) -> Generator[tuple[int, int, list[Segment]], None, None]:
    """Transcribe a whole recording, piece by piece: (pieces done, pieces in all, segments of this piece).

    The cuts depend on the sound alone, so whoever kept the first k pieces passes `start_piece=k` and
    goes on. `probability` is `voice.activity(samples)`, measured if not given. `language=None` finds it out.
    """
    if probability is None:
        probability = voice.activity(samples)
    speech = voice.segments(probability)
    spans = voice.cuts(probability, duration_s=len(samples) / RATE, max_s=MAX_PIECE_S)
    if language is None:
        language = language_of(samples, engine=engine, probability=probability)

    def transcribe(group: range) -> list[list[Segment]]:
        pieces = [Piece(_slice(samples, spans[at]), spans[at][0], _within(speech, spans[at])) for at in group]
        return engine.transcribe_pieces(pieces, language, prompt)

    pool = ThreadPoolExecutor(engine.workers)
    try:
        for found in pool.map(transcribe, _groups(start_piece, len(spans), engine)):
            for segments in found:
                start_piece += 1
                if on_progress:
                    on_progress(start_piece, len(spans))
                yield start_piece, len(spans), segments
    finally:
        pool.shutdown(cancel_futures=True)


def _groups(first: int, total: int, engine: Engine) -> Iterator[range]:
    """The pieces from `first` on in the groups in which they are transcribed, in order.

    Each worker begins with a small one, so that somebody who waits soon sees text; towards the end the groups grow small, so that
    all workers end at about the same time.
    """
    small = min(engine.batch, SMALL_GROUP)
    begun = first
    while first < total:
        share = math.ceil((total - first) / engine.workers)
        size = small if first < begun + small * engine.workers else max(small, min(engine.batch, share))
        yield range(first, min(first + size, total))
        first += size


def language_of(samples: Floats, *, engine: Engine, probability: Floats) -> str:
    """The likeliest language code over a few pieces from the whole recording, not only its beginning."""
    spans = voice.cuts(probability, duration_s=len(samples) / RATE, max_s=MAX_PIECE_S)
    places = sorted({round(place) for place in np.linspace(0, len(spans) - 1, min(PIECES_FOR_LANGUAGE, len(spans)))})
    return engine.detect_language(*(_slice(samples, spans[place]) for place in places))


def _slice(samples: Floats, span: tuple[float, float]) -> Floats:
    return samples[round(span[0] * RATE) : round(span[1] * RATE)]


def _within(speech: voice.Spans, span: tuple[float, float]) -> voice.Spans:
    return [(max(a, span[0]), min(b, span[1])) for a, b in speech if a < span[1] and b > span[0]]


def labelled(segments: Sequence[Segment], speaker: str) -> list[Segment]:
    return [replace(segment, speaker=speaker) for segment in segments]
