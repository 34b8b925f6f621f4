"""Numbers as people say them: "oh seven seven double nine", "nine hundred and one", with hesitation in between. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

UNITS = "zero one two three four five six seven eight nine".split()
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_DIGITS = {**{word: str(value) for value, word in enumerate(UNITS)}, "oh": "0", "o": "0", "nought": "0", "naught": "0", "nil": "0"}
_TWO = {**{word: str(10 + at) for at, word in enumerate(TEENS)}, **{word: str(20 + 10 * at) for at, word in enumerate(TENS)}}
TIMES = {"double": 2, "triple": 3, "treble": 3}
_ROUND = {"hundred": 2, "thousand": 3}  # zeros
_HESITATION = set("um umm uh er erm ah mm hmm hm".split())
# What comes between the parts of a number that is told, said by whoever tells it or takes it down; each up to so many in a row.
_BETWEEN = set(
    "and then so like that's thats it's its sorry no wait dash space hyphen comma plus i think is the next last followed by again "
    "yeah yes yep yup okay ok right mhm alright sure got go on carry uh-huh".split()
)
MOST_BETWEEN = 3

Piece = tuple[str, int]  # a word, and the token that it is of


@dataclass(frozen=True)
class Unit:
    """A digit string or a letter, and the tokens it was said with. `is_round`: a number in words by itself, such as "two hundred"."""

    text: str
    first: int
    last: int
    is_round: bool = False


Reading = Callable[[Sequence[Piece], int], tuple[Unit, int] | None]


def digits_at(pieces: Sequence[Piece], at: int) -> tuple[Unit, int] | None:
    """The digits that begin at a piece, and how many pieces they take."""
    text, token = pieces[at]
    plain = text.lstrip("+")
    following, last = _piece(pieces, at + 1)
    if text in TIMES and (digit := _DIGITS.get(following, following if _is_digits(following) and len(following) == 1 else "")):
        return Unit(digit * TIMES[text], token, last), 2
    small, length = (plain, 1) if _is_digits(plain) else _below_hundred(pieces, at)
    if not small:
        return None
    return _with_zeros(pieces, at, small, length) or (Unit(small, token, pieces[at + length - 1][1]), length)


def _piece(pieces: Sequence[Piece], at: int) -> Piece:
    return pieces[at] if at < len(pieces) else ("", pieces[-1][1])


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _below_hundred(pieces: Sequence[Piece], at: int) -> tuple[str, int]:
    """ "seventy seven", "twelve", "oh": its digits, and how many pieces."""
    text, following = _piece(pieces, at)[0], _piece(pieces, at + 1)[0]
    if text in TENS and following in UNITS[1:]:
        return str(int(_TWO[text]) + int(_DIGITS[following])), 2
    value = _DIGITS.get(text) or _TWO.get(text) or ""
    return value, 1 if value else 0


def _with_zeros(pieces: Sequence[Piece], at: int, small: str, length: int) -> tuple[Unit, int] | None:
    """ "seven hundred", and "nine hundred and forty three": without the "and" what follows is digits of its own."""
    zeros = _ROUND.get(_piece(pieces, at + length)[0], 0)
    if not zeros or len(small) > 3:
        return None
    length += 1
    value = small + "0" * zeros
    if _piece(pieces, at + length)[0] == "and":
        rest, more = _below_hundred(pieces, at + length + 1)
        if rest:
            value, length = str(int(value) + int(rest)).zfill(len(value)), length + 1 + more
    return Unit(value, pieces[at][1], pieces[at + length - 1][1], is_round=True), length


def runs(pieces: Sequence[Piece], reading: Reading, *, between: bool = False) -> Iterator[list[Unit]]:
    """Stretches of units one upon the other. Hesitation does not part them; with `between`, up to MOST_BETWEEN words of those
    that are said while a number is told do not either."""
    run: list[Unit] = []
    at, others = 0, 0
    while at < len(pieces):
        found = reading(pieces, at)
        if found:
            run.append(found[0])
            at, others = at + found[1], 0
            continue
        word = pieces[at][0]
        if word not in _HESITATION:
            others += 1
            if run and not (between and others <= MOST_BETWEEN and (word in _BETWEEN or word in _ROUND)):
                yield run
                run = []
        at += 1
    if run:
        yield run
