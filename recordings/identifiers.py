"""What identifies people in the words of a session, apart from names: dates, telephone numbers, postcodes, NHS numbers, spelled
words, e-mail addresses and street addresses, as Whisper writes them and as people say them ("oh seven seven double one").

Pure: tokens in, hits out. It would rather find too much: a person decides on each hit (`redaction.py`).
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recordings.spokendigits import TEENS, TENS, TIMES, UNITS, Piece, Unit, digits_at, runs

_MONTH = "(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec)"
_ORDINAL_UNITS = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth"
_ORDINAL = (
    rf"(?:(?:twenty|thirty) (?:{_ORDINAL_UNITS})|{_ORDINAL_UNITS}|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|"
    r"eighteenth|nineteenth|twentieth|thirtieth|\d{1,2}(?:st|nd|rd|th))"
)
_MONTH_ORDINAL = r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|(?:1[0-2]|0?[1-9])(?:st|nd|rd|th))"
_DAY_MONTH = r"(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|1[0-2])"
_FEAST = r"(?:christmas|boxing|new year'?s?|halloween|hallowe'en|easter|valentine'?s?|bonfire|eid|diwali)(?: (?:day|eve|night))?"
_NUMBER = rf"(?:{'|'.join(TENS)})(?: (?:{'|'.join(UNITS[1:])}))?|{'|'.join(TEENS)}|{'|'.join(UNITS)}"
_YEAR = rf"(?:(?:19|20)\d\d|two thousand(?: and)?(?: (?:{_NUMBER}))?|(?:nineteen|twenty) (?:{_NUMBER}))"
_SHORT_YEAR = rf"(?:{_YEAR}|(?:oh|o|nought|zero) (?:{'|'.join(UNITS[1:])})|\d\d|{_NUMBER})"  # "oh nine", as it is said after a month
_DAY = rf"(?:{_ORDINAL}|\d{{1,2}}|{_NUMBER})"
_STREET = "(?:road|street|avenue|close|lane|drive|crescent|court|terrace|place|gardens|grove|square|walk|row|mews|parade|estate|rd|st|ave)"
_ENDING = "(?:com|net|org|uk|co|me|info|io|ie|eu)"

# Over the normalised words, joined by single spaces. Kind, pattern, confidence in percent.
_PATTERNS: list[tuple[str, re.Pattern[str], int]] = [
    ("date", re.compile(rf"\b(?:the )?{_DAY} (?:of )?{_MONTH}(?: {_SHORT_YEAR})?\b"), 90),
    ("date", re.compile(rf"\b{_MONTH} (?:the )?{_DAY}(?: {_SHORT_YEAR})?\b"), 85),
    ("date", re.compile(rf"\b(?:the )?{_ORDINAL} of the {_MONTH_ORDINAL}(?: {_SHORT_YEAR})?\b"), 80),
    ("date", re.compile(rf"\b{_YEAR} {_MONTH}\b"), 80),
    ("date", re.compile(rf"\b(?:spring|summer|autumn|winter|christmas|easter) (?:of |in )?{_YEAR}\b"), 60),
    ("date", re.compile(rf"\b{_MONTH} (?:of |in )?{_YEAR}\b"), 80),
    ("date", re.compile(r"\b\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2})\b|\b\d{4}-\d\d-\d\d\b"), 95),
    # "14/3"; out of ten, and half and half, are no days unless something says so
    ("date", re.compile(rf"\b(?!24/7\b|\d{{1,2}}/10\b){_DAY_MONTH}(?![\d/])"), 55),
    ("date", re.compile(rf"\b(?:on|the|of|since|until|till|by|from|born|dated) {_DAY_MONTH}(?![\d/])"), 75),
    (
        "date",
        re.compile(
            rf"(?:birthday|born|date of birth|dob|d o b)(?: \w+){{0,4}}? (?:the )?(?:{_ORDINAL}|{_MONTH}|{_YEAR}|{_FEAST}|\d{{1,2}})(?: (?:of )?(?:{_MONTH}|the {_MONTH_ORDINAL}))?(?: {_SHORT_YEAR})?\b"
        ),
        85,
    ),
    ("e-mail", re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), 99),
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


def normal(token: str) -> str:
    """Lower case, without the punctuation around it."""
    return token.strip().lower().strip(".,;:!?\"'“”‘’()[]…-–—。、，！？「」").replace("’", "'")


def find(tokens: Sequence[str]) -> list[Hit]:
    """All hits in words as they stand in a transcript, in order; they may overlap."""
    pieces = [(part, at) for at, token in enumerate(tokens) for part in _parts(token)]
    hits = [*_by_pattern(tokens), *_named_streets(tokens), *_e_mails(tokens), *_numbers(pieces), *_letters(pieces)]
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


# E-mail addresses, as they are said

_JOINS = {"dot", "point", "underscore", "dash", "hyphen", "minus", "plus"}
_DOMAIN = re.compile(rf"[\w-]+(?:\.[\w-]+)*\.{_ENDING}")
_LONGEST_HOST = 4  # "g mail", "hot mail", "n h s"


def _e_mails(tokens: Sequence[str]) -> Iterator[Hit]:
    """ "jay dot smith nine at g mail dot com": found by its "at" and its ending, and followed back to where it begins."""
    words = [normal(token) for token in tokens]
    for at, word in enumerate(words):
        if word not in ("at", "@") and not word.startswith("@"):
            continue
        last = _ending(words, at)
        if last is not None and at:
            yield Hit("e-mail", _beginning(words, at - 1), last, 90)


def _ending(words: Sequence[str], at: int) -> int | None:
    """The last word of the host that follows an "at"; None where none does."""
    for place in range(at if words[at] != "at" else at + 1, min(len(words), at + 2 + _LONGEST_HOST)):
        if _DOMAIN.search(words[place]):
            return place
        if words[place] in ("dot", "point") and place > at + 1 and re.fullmatch(_ENDING, _word(words, place + 1)):
            is_double = _word(words, place + 2) == "dot" and re.fullmatch(_ENDING, _word(words, place + 3))
            return place + 3 if is_double else place + 1
    return None


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if at < len(words) else ""


def _beginning(words: Sequence[str], first: int) -> int:
    """Back over what is joined by dots and the like, and over letters and digits said one by one, with the word before them."""
    while first:
        before = words[first - 1]
        if before in _JOINS and first >= 2:
            first -= 2
        elif _is_sign(before) or (_is_sign(words[first]) and before not in ("is", "it's", "to", "on")):
            first -= 1
        else:
            break
    return first


def _is_sign(word: str) -> bool:
    return (len(word) == 1 and word not in "ai") or digits_at([(word, 0)], 0) is not None


# Digits, as written and as said


def _numbers(pieces: Sequence[Piece]) -> Iterator[Hit]:
    for run in runs(pieces, digits_at, between=True):
        digits = "".join(unit.text for unit in run)
        if len(digits) < _LONG_NUMBER or (len(run) == 1 and run[0].is_round):
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


# Letters


def _letters(pieces: Sequence[Piece]) -> Iterator[Hit]:
    """Runs of letters and digits said one by one: spelled words, and postcodes among them."""
    for run in runs(pieces, _sign_unit):
        said = "".join(unit.text for unit in run)
        letters = [unit for unit in run if unit.text.isalpha()]
        owner = [unit for unit in run for _ in unit.text]
        for match in _POSTCODE.finditer(said):
            yield Hit("postcode", owner[match.start()].first, owner[match.end() - 1].last, 85)
        is_explained = any(unit.last - unit.first >= 2 for unit in letters)  # "J for Juliet"
        if is_explained or (len(letters) >= _SPELLED and not {unit.text for unit in letters} <= {"a", "i", "o"}):
            yield Hit("spelled", letters[0].first, letters[-1].last, 85)


def _sign_unit(pieces: Sequence[Piece], at: int) -> tuple[Unit, int] | None:
    text, token = pieces[at]
    following = [pieces[at + step] if at + step < len(pieces) else ("", token) for step in (1, 2, 3)]
    if text in TIMES and len(following[0][0]) == 1 and following[0][0].isalpha():
        return Unit(following[0][0] * TIMES[text], token, following[0][1]), 2
    if len(text) == 1 and text.isalpha():
        if following[0][0] == "for" and following[1][0][:1] == text and len(following[1][0]) > 2:
            return Unit(text, token, following[1][1]), 3
        if (following[0][0], following[1][0]) == ("as", "in") and following[2][0][:1] == text:
            return Unit(text, token, following[2][1]), 4
        return Unit(text, token, token), 1
    return digits_at(pieces, at)
