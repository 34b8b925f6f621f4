"""What the sound does not bear out.

Whisper can invent: words where nobody speaks, the same words again and again, a guess at a noise. Nothing is dropped for
it. Such words are kept as segments of their own with `supported=False` and the reason why, stay out of every measure until
a person confirms them, and show as such wherever the text is shown. The other way round, speech that no word was found for
is a gap, and shows too.

Three witnesses are asked: the voice activity (`voice.py`, another model than Whisper), Whisper's own doubts, and the text.
"""

import bisect
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from recordings import voice

if TYPE_CHECKING:
    from recordings.speech import Heard, Segment, Word

NO_VOICE, LOOP, COMPRESSION, LOW_CONFIDENCE = "no_voice", "loop", "compression", "low_confidence"
REASONS = ("", NO_VOICE, LOOP, COMPRESSION, LOW_CONFIDENCE)  # in this order wherever a number stands for one
SENTENCES = {
    NO_VOICE: "Nobody is heard to speak here.",
    LOOP: "The same words come again and again, as they do when the machine gets stuck.",
    COMPRESSION: "The text repeats itself more than people do.",
    LOW_CONFIDENCE: "The machine itself was unsure.",
}

MAX_COMPRESSION = 2.4  # of the text by zlib; OpenAI's own limit
MIN_LOGPROB = -1.0  # mean of the tokens; OpenAI's own limit
MAX_NO_SPEECH = 0.6
MIN_VOICED = 0.25  # a segment's share of voice activity below which nothing supports it
NEAR_S = 0.3  # a word this close to a voice may belong to it: neither time is exact
UNSURE = 0.4  # words less probable than this ...
FAINT = 0.5  # ... and voiced for less of their length than this are a guess over near-silence
GAP_S = 0.5  # speech this long without a word is shown as a gap
REACH_S = 0.2  # a word covers this much beyond its ends


def reasons(words: Sequence["Word"], speech: voice.Spans, heard: "Heard") -> list[str]:
    """For each word why the sound does not bear it out, one of REASONS; empty where it does."""
    looping = loops([word.text for word in words])
    whole = ""
    if heard.logprob < MIN_LOGPROB:
        whole = LOW_CONFIDENCE
    elif heard.compression > MAX_COMPRESSION and not any(looping):
        whole = COMPRESSION
    return [
        LOOP if is_looping else whole if voice.overlap(speech, word.start - NEAR_S, word.end + NEAR_S) else NO_VOICE
        for word, is_looping in zip(words, looping, strict=True)
    ]


def reason_together(words: Sequence["Word"], speech: voice.Spans) -> str:
    """Why words that stand together are not borne out though each by itself might be; empty where they are."""
    voiced = voiced_share(words, speech)
    if voiced < MIN_VOICED:
        return NO_VOICE
    sure = sum(word.probability for word in words) / len(words)
    return LOW_CONFIDENCE if sure < UNSURE and voiced < FAINT else ""


def voiced_share(words: Sequence["Word"], speech: voice.Spans) -> float:
    """The share of the words' time, 0 to 1, in which somebody speaks."""
    length = sum(word.end - word.start for word in words)
    return sum(voice.overlap(speech, word.start, word.end) for word in words) / length if length else 0.0


def loops(texts: Sequence[str]) -> list[bool]:
    """Which words belong to one to twelve that come again and again: five times and ten words in all, or a longer phrase four times.

    People do say a word six times; Whisper over silence says it forty times.
    """
    spoken = [(at, word) for at, text in enumerate(texts) for word in re.findall(r"[\w']+", text.lower())]
    marked = [False] * len(texts)
    for size in range(1, 13):
        same = 0
        for place in range(size, len(spoken)):
            same = same + 1 if spoken[place][1] == spoken[place - size][1] else 0
            times = same // size + 1
            if (times >= 5 and same + size >= 10) or (times >= 4 and size >= 4):
                for at, _word in spoken[place - same - size + 1 : place + 1]:
                    marked[at] = True
    return marked


def has_loop(text: str) -> bool:
    return any(loops(text.split()))


def gaps(segments: Sequence["Segment"], speech: voice.Spans) -> list[tuple[float, float]]:
    """Stretches, in seconds, where somebody speaks for GAP_S or longer and there is no word, supported or not."""
    return wordless([word for segment in segments for word in segment.words], speech)


def wordless(words: Sequence["Word"], speech: voice.Spans, *, least: float = GAP_S, reach: float = REACH_S) -> list[tuple[float, float]]:
    """Stretches of speech, in order, of at least `least` seconds, that no word comes nearer to than `reach`. One pass over both."""
    covered: list[tuple[float, float]] = []
    for start, end in sorted((word.start - reach, word.end + reach) for word in words):
        if covered and start <= covered[-1][1]:
            covered[-1] = (covered[-1][0], max(covered[-1][1], end))
        else:
            covered.append((start, end))
    found = []
    place = 0
    for start, end in speech:
        at = start
        while place < len(covered) and covered[place][1] <= start:
            place += 1
        for first, last in covered[place : bisect.bisect_left(covered, (end,))]:
            if first - at >= least:
                found.append((at, first))
            at = max(at, last)
        if end - at >= least:
            found.append((at, end))
    return found
