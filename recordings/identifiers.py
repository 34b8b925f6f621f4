"""What identifies people in the words of a session, apart from names: dates, telephone numbers, postcodes, NHS numbers, spelled
words, e-mail addresses and street addresses, as Whisper writes them and as people say them ("oh seven seven double one").

Pure: tokens in, hits out. It would rather find too much: a person decides on each hit (`redaction.py`).
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_UNITS = "zero one two three four five six seven eight nine".split()
_DIGITS = {**{word: str(value) for value, word in enumerate(_UNITS)}, "oh": "0", "o": "0", "nought": "0", "naught": "0", "nil": "0"}
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_TWO = {**{word: str(10 + at) for at, word in enumerate(_TEENS)}, **{word: str(20 + 10 * at) for at, word in enumerate(_TENS)}}
_TIMES = {"double": 2, "triple": 3, "treble": 3}
_FILLERS = {"um", "umm", "uh", "er", "erm", "ah", "mm"}

_MONTH = "(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)"
_ORDINAL_UNITS = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
_ORDINAL = (
    rf"(?:(?:twenty|thirty) (?:{_ORDINAL_UNITS})|{_ORDINAL_UNITS}|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|"
    r"eighteenth|nineteenth|twentieth|thirtieth|\d{1,2}(?:st|nd|rd|th))"
)
_NUMBER = rf"(?:{'|'.join(_TENS)})(?: (?:{'|'.join(_UNITS[1:])}))?|{'|'.join(_TEENS)}|{'|'.join(_UNITS)}"
_YEAR = rf"(?:(?:19|20)\d\d|two thousand(?: and)?(?: (?:{_NUMBER}))?|(?:nineteen|twenty) (?:{_NUMBER}))"
_DAY = rf"(?:{_ORDINAL}|\d{{1,2}}|{_NUMBER})"
_STREET = "(?:road|street|avenue|close|lane|drive|crescent|court|terrace|place|gardens|grove|square|walk|row|mews|parade|estate|rd|st|ave)"
_ENDING = "(?:com|net|org|uk|co|me|info|io|ie|eu)"

# Over the normalised words, joined by single spaces. Kind, pattern, confidence in percent.
_PATTERNS: list[tuple[str, re.Pattern[str], int]] = [
    ("date", re.compile(rf"\b(?:the )?{_DAY} (?:of )?{_MONTH}(?: {_YEAR})?\b"), 90),
    ("date", re.compile(rf"\b{_MONTH} (?:the )?{_DAY}(?: {_YEAR})?\b"), 85),
    ("date", re.compile(rf"\b{_MONTH} (?:of |in )?{_YEAR}\b"), 80),
    ("date", re.compile(r"\b\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2})\b|\b\d{4}-\d\d-\d\d\b"), 95),
    (
        "date",
        re.compile(
            rf"(?:birthday|born|date of birth|dob|d o b)(?: \w+){{0,4}}? (?:the )?(?:{_ORDINAL}|{_MONTH}|{_YEAR}|\d{{1,2}})(?: (?:of )?{_MONTH})?(?: {_YEAR})?\b"
        ),
        85,
    ),
    ("e-mail", re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), 99),
    ("e-mail", re.compile(rf"\b\w+(?: (?:dot|underscore|dash|hyphen) \w+)* at \w+(?: dot \w+)* dot {_ENDING}(?: dot {_ENDING})?\b"), 90),
    ("address", re.compile(rf"\b(?:(?:flat|house|number) )?(?:\d{{1,4}}[a-z]?|{_NUMBER}) (?:[a-z']+ ){{1,3}}?{_STREET}\b"), 85),
    ("address", re.compile(rf"\bflat (?:\d{{1,4}}[a-z]?|{_NUMBER})\b"), 60),
    ("postcode", re.compile(r"\b[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}\b"), 97),
]
_NAMED_STREET = re.compile(
    r"^(?:road|street|avenue|close|lane|drive|crescent|court|terrace|place|gardens|grove|square|mews|parade|estate)$"
)
_POSTCODE = re.compile(r"[a-z]{1,2}\d[a-z\d]?\d[a-z]{2}")
_LONG_NUMBER = 6  # so many digits in a row identify, whatever they are
_SPELLED = 3


@dataclass(frozen=True)
class Hit:
    """Tokens `first` to `last`, inclusive. `confidence` in percent."""

    kind: str
    first: int
    last: int
    confidence: int


@dataclass(frozen=True)
class _Unit:
    """A digit string or a letter, and the tokens it was said with."""

    text: str
    first: int
    last: int


def normal(token: str) -> str:
    """Lower case, without the punctuation around it."""
    return token.strip().lower().strip(".,;:!?\"'“”‘’()[]…-–—").replace("’", "'")


def find(tokens: Sequence[str]) -> list[Hit]:
    """All hits in words as they stand in a transcript, in order; they may overlap."""
    pieces = [(part, at) for at, token in enumerate(tokens) for part in _parts(token)]
    hits = [*_by_pattern(tokens), *_named_streets(tokens), *_numbers(pieces), *_letters(pieces)]
    return sorted(set(hits), key=lambda hit: (hit.first, hit.last, hit.kind))


def _parts(token: str) -> list[str]:
    """ "J-A-Y" and "0-7-7" are said letter by letter; other hyphens join words."""
    return [part for part in re.split(r"[\s.,\-–—/]+", normal(token)) if part]


def _by_pattern(tokens: Sequence[str]) -> Iterator[Hit]:
    words = [normal(token) for token in tokens]
    # a hyphen within a number word ("twenty-third") reads as a space, one within a date does not
    words = [word if re.search(r"\d", word) or "@" in word else word.replace("-", " ") for word in words]
    starts = list(itertools.accumulate((len(word) + 1 for word in words), initial=0))
    text = " ".join(words)
    owner = [at for at, word in enumerate(words) for _ in range(len(word) + 1)]
    assert len(owner) == starts[-1]  # noqa: S101 (each character has its token)
    for kind, pattern, confidence in _PATTERNS:
        for match in pattern.finditer(text):
            yield Hit(kind, owner[match.start()], owner[max(match.start(), match.end() - 1)], confidence)


def _named_streets(tokens: Sequence[str]) -> Iterator[Hit]:
    """ "Harbour Street": told by its capital, as no number need stand before it."""
    for at in range(1, len(tokens)):
        before = tokens[at - 1].strip()
        if _NAMED_STREET.match(normal(tokens[at])) and before[:1].isupper() and normal(before) not in _ORDINARY:
            yield Hit("address", at - 1, at, 70)


_ORDINARY = {
    "the",
    "a",
    "our",
    "your",
    "my",
    "this",
    "that",
    "which",
    "one",
    "in",
    "on",
    "and",
    "so",
    "to",
    "i",
    "it",
    "first",
    "no",
    "what",
    "his",
}


# Digits, as written and as said


def _numbers(pieces: Sequence[tuple[str, int]]) -> Iterator[Hit]:
    for run in _runs(pieces, _digit_unit):
        digits = "".join(unit.text for unit in run)
        if len(digits) < _LONG_NUMBER:
            continue
        yield Hit(_kind_of(digits), run[0].first, run[-1].last, 95 if len(digits) >= 9 else 70)


def _kind_of(digits: str) -> str:
    if is_nhs_number(digits):
        return "NHS number"
    if re.fullmatch(r"0\d{9,10}|(?:00)?44\d{9,10}", digits):
        return "telephone"
    return "number"


def is_nhs_number(digits: str) -> bool:
    """Ten digits, the last a check digit modulo 11 (NHS Data Dictionary)."""
    if len(digits) != 10 or not digits.isascii() or not digits.isdigit() or len(set(digits)) == 1:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False))
    return (11 - total % 11) % 11 == int(digits[9])


def _digit_unit(pieces: Sequence[tuple[str, int]], at: int) -> tuple[_Unit, int] | None:
    """The digits that begin at a piece, and how many pieces they take."""
    text, token = pieces[at]
    plain = text.lstrip("+")
    if plain.isascii() and plain.isdigit():
        return _Unit(plain, token, token), 1
    following = pieces[at + 1] if at + 1 < len(pieces) else ("", token)
    if text in _TIMES and (digit := _DIGITS.get(following[0], following[0] if following[0].isdigit() and len(following[0]) == 1 else "")):
        return _Unit(digit * _TIMES[text], token, following[1]), 2
    if text in _TENS and following[0] in _UNITS[1:]:
        return _Unit(str(int(_TWO[text]) + int(_DIGITS[following[0]])), token, following[1]), 2
    if value := _DIGITS.get(text) or _TWO.get(text):
        return _Unit(value, token, token), 1
    return None


# Letters


def _letters(pieces: Sequence[tuple[str, int]]) -> Iterator[Hit]:
    """Runs of letters and digits said one by one: spelled words, and postcodes among them."""
    for run in _runs(pieces, _sign_unit):
        said = "".join(unit.text for unit in run)
        letters = [unit for unit in run if unit.text.isalpha()]
        owner = [unit for unit in run for _ in unit.text]
        for match in _POSTCODE.finditer(said):
            yield Hit("postcode", owner[match.start()].first, owner[match.end() - 1].last, 85)
        is_explained = any(unit.last - unit.first >= 2 for unit in letters)  # "J for Juliet"
        if is_explained or (len(letters) >= _SPELLED and not {unit.text for unit in letters} <= {"a", "i", "o"}):
            yield Hit("spelled", letters[0].first, letters[-1].last, 85)


def _sign_unit(pieces: Sequence[tuple[str, int]], at: int) -> tuple[_Unit, int] | None:
    text, token = pieces[at]
    following = [pieces[at + step] if at + step < len(pieces) else ("", token) for step in (1, 2, 3)]
    if text in _TIMES and len(following[0][0]) == 1 and following[0][0].isalpha():
        return _Unit(following[0][0] * _TIMES[text], token, following[0][1]), 2
    if len(text) == 1 and text.isalpha():
        if following[0][0] == "for" and following[1][0][:1] == text and len(following[1][0]) > 2:
            return _Unit(text, token, following[1][1]), 3
        if (following[0][0], following[1][0]) == ("as", "in") and following[2][0][:1] == text:
            return _Unit(text, token, following[2][1]), 4
        return _Unit(text, token, token), 1
    return _digit_unit(pieces, at)


def _runs(pieces: Sequence[tuple[str, int]], unit_at: object) -> Iterator[list[_Unit]]:
    """Stretches of units one upon the other, with nothing but hesitation between them."""
    run: list[_Unit] = []
    at = 0
    while at < len(pieces):
        found = unit_at(pieces, at)  # type: ignore[operator]
        if found:
            run.append(found[0])
            at += found[1]
            continue
        if not (run and pieces[at][0] in _FILLERS):
            if run:
                yield run
            run = []
        at += 1
    if run:
        yield run
