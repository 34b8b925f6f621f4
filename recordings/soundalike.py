"""Names of a family's list in a transcript: as they are written, misspelt, misheard, shortened, or written as two words.

Pure. Whisper writes what it takes for a name with a capital, so a word without one must be both near in letters and equal in
sound; a word with one needs either. Accents count on neither side. What else a name is called, and how one whose spelling
tells nothing of its sound is written down (Siobhan, Shivaun), comes from `shortforms.py`; what is not there should be on the
list. Names in scripts that put no spaces between words are looked for as they stand, anywhere.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from recordings import shortforms
from recordings.identifiers import Hit, normal

NAME = "name"
NEAR = 0.86  # Jaro-Winkler; Jayden and Jaden 0.95, Callum and Column 0.87
NEARER = 0.92
FAINTLY_NEAR = 0.75
SHORTEST = 2
# Names that are everyday words too: counted as names only with a capital.
_EVERYDAY = set(
    "will mark may grace hope faith joy rose sue bill art rob pat dawn jack frank drew guy max ray don june april summer amber ruby sky "
    "star bailey chase cole rich dean gene grant heath jay kit lance miles nick penny pierce reed summer tanner wade chance charity love "
    "precious princess prince king angel can so an in on he she be do go no my me we us it is am at as by to of or if up "
    "van bin de la".split()
)
# Short forms that are everyday words, among those long enough to be taken for one without a capital.
_EVERYDAY_SHORT = set(
    "angel bell bill buddy char chess chip chuck dick fern flip frank gene gill ginger girl hans jack jude keen lace lass lily lots mandy "
    "mark mart mercy mick mill moll neat neat nicky nick parade penny percy pips poll polly rich rick rusty said sally sandy shan share "
    "shell sonny sunny tiger till tree wally wills willy wilt".split()
)
# Whisper writes "K" for Kay: letters by their names, but for A and I, which are words.
_LETTERS = dict(
    zip(
        "bcdefghjklmnopqrstuvwxyz",
        "bee see dee ee eff gee aitch jay kay el em en oh pea cue ar ess tea you vee double-u ex why zed".split(),
        strict=True,
    )
)
_DIMINUTIVES = ("", "y", "ie", "o", "s", "ers", "za", "zza", "ster")


def find(tokens: Sequence[str], names: Sequence[str]) -> list[Hit]:
    """Each token, or two in a row, that is or might be a name of the list; in order."""
    wanted = {part for name in names for part in _parts(name)}
    parts = sorted(part for part in wanted if not _is_unspaced(part))
    others = sorted({other for part in parts for other in shortforms.related(part)} - set(parts))
    best: dict[tuple[int, int], int] = {}
    for at, token in enumerate(tokens):
        for first, last, said in _said(tokens, at, token):
            sure = max((_likeness(said, part) for part in parts), default=0)
            sure = sure or max((_as_short_form(said, other) for other in others), default=0)
            if sure:
                best[first, last] = max(sure, best.get((first, last), 0))
    for place in _unspaced(tokens, [part for part in wanted if _is_unspaced(part)]):
        best[place] = 95
    return [Hit(NAME, first, last, sure) for (first, last), sure in sorted(best.items())]


def _parts(name: str) -> Iterator[str]:
    """The words of a name, two together, and what follows an apostrophe: Mary, Jane and maryjane; oconnor and connor."""
    words = [folded(part) for word in name.replace("-", " ").split() if (part := normal(word))]
    yield from (word for word in words if len(word) >= SHORTEST or _is_unspaced(word) or word in _LETTERS)
    yield from ("".join(pair) for pair in itertools.pairwise(words) if len("".join(pair)) >= 5)
    yield from (folded(rest) for word in name.split() if len(rest := normal(word).partition("'")[2]) >= 4)


_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "'": "", "`": ""})


def folded(word: str) -> str:
    """Lower case, without accents and apostrophes; signs that other scripts cannot be read without stay."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", word).lower() if not "\u0300" <= sign <= "\u036f")
    return unicodedata.normalize("NFC", plain).translate(_STROKES)


def _is_unspaced(word: str) -> bool:
    """Chinese, Japanese and Korean: there a name may stand in the middle of a token."""
    return any(unicodedata.east_asian_width(sign) in "WF" for sign in word)


def _unspaced(tokens: Sequence[str], names: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The tokens that such a name is part of, or runs over."""
    plain = [folded("".join(token.split())) for token in tokens] if names else []
    owner = [at for at, token in enumerate(plain) for _ in token]
    text = "".join(plain)
    for name in names:
        at = text.find(name)
        while at >= 0:
            yield owner[at], owner[at + len(name) - 1]
            at = text.find(name, at + 1)


def _said(tokens: Sequence[str], at: int, token: str) -> Iterator[tuple[int, int, str]]:
    """The token by itself, its halves where a hyphen joins them, and together with the one that follows."""
    yield at, at, token.strip()
    for half in token.split("-"):
        if half and half != token:
            yield at, at, half
    if at + 1 < len(tokens) and token.strip()[-1:].isalpha() and len(normal(token) + normal(tokens[at + 1])) >= 5:
        yield at, at + 1, f"{token.strip()}{normal(tokens[at + 1])}+"


def _likeness(said: str, name: str) -> int:
    """How sure it is that a word is the name (folded), in percent; 0: it is not."""
    word, has_capital, is_joined = _read(said)
    if not word:
        return 0
    if len(word) == 1:
        is_letter = has_capital and word in _LETTERS
        return 70 if is_letter and (word == name or _LETTERS[word] == name or _sounds_alike(_LETTERS[word], name)) else 0
    if word == name:
        return 0 if name in _EVERYDAY and not has_capital else 90 if is_joined else 99
    if word == name + "s" and not (name in _EVERYDAY and not has_capital):
        return 95
    if len(name) == 1:
        return 0
    near, is_same_sound = _near(word, name), _sounds_alike(word, name)
    if is_joined:
        return 75 if near >= NEARER and is_same_sound and abs(len(word) - len(name)) <= 1 else 0
    if name in _EVERYDAY and not has_capital:
        return 0
    if has_capital and _is_short_form(word, name):
        return 75
    if len(name) >= 3 and (near >= NEAR or is_same_sound) and has_capital and len(word) >= 3:
        return 85 if near >= NEARER else 65
    if has_capital and len(name) == 2 and is_same_sound and word not in _EVERYDAY:
        return 60
    if has_capital and near >= FAINTLY_NEAR and _nearly_sounds_alike(word, name):
        return 50
    if len(name) >= 4 and near >= NEARER and is_same_sound and abs(len(word) - len(name)) <= 1:
        return 70
    return 0


def _as_short_form(said: str, other: str) -> int:
    """As `_likeness`, for what somebody of the list may be called besides: less is let pass as the same."""
    word, has_capital, is_joined = _read(said)
    if is_joined or len(word) < SHORTEST or (not has_capital and (len(word) < 4 or word in _EVERYDAY | _EVERYDAY_SHORT)):
        return 0
    if word in (other, other + "s"):
        return 80 if has_capital else 60
    return 55 if has_capital and len(other) >= 4 and len(word) >= 4 and _near(word, other) >= NEARER and _sounds_alike(word, other) else 0


_ENDINGS = re.compile(r"(?:'s|s'|'ll|'d|'ve|'re|'m)$|.*n't$")  # Callum's, Callum'll; "don't" is nobody


@lru_cache(maxsize=65_536)
def _read(said: str) -> tuple[str, bool, bool]:
    """A word folded ("" where it is none), whether it has the capital of a name, and whether two tokens were joined to it."""
    is_joined, word = said.endswith("+"), normal(said.rstrip("+"))
    word = folded(_ENDINGS.sub("", word))
    if not word or not all(sign.isalpha() or unicodedata.category(sign)[0] == "M" for sign in word):
        return "", False, is_joined
    first = said.lstrip("\"'“‘(")[:1]
    has_capital = first.isupper() or first.lower() == first.upper()  # scripts without capitals have them all
    return word, has_capital or said[:1] in "\"'“‘", is_joined


def _is_short_form(word: str, name: str) -> bool:
    """Cal, Cally, Caz for Callum: the beginning of the name, or the name a beginning of it."""
    if len(word) >= 3 and name.startswith(word):
        return True
    for ending in _DIMINUTIVES[1:]:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= 3 and name.startswith(stem):
            return True
    return len(name) >= 3 and word.startswith(name) and len(word) <= len(name) + 2


@lru_cache(maxsize=65_536)
def _near(word: str, name: str) -> float:
    from rapidfuzz.distance import JaroWinkler

    return float(JaroWinkler.normalized_similarity(word, name))


@lru_cache(maxsize=65_536)
def _sounds_alike(word: str, name: str) -> bool:
    """The same consonants by Metaphone; of names with hardly any, near letters too. Or the match rating approach says so."""
    import jellyfish

    ours, theirs = jellyfish.metaphone(name), jellyfish.metaphone(word)
    if ours and ours == theirs:
        return len(ours) >= 3 or _near(word, name) >= 0.8 or (len(name) == 2 and _rime(word) == _rime(name) != "")
    return len(name) >= 5 and bool(jellyfish.match_rating_comparison(word, name)) and _near(word, name) >= 0.8


@lru_cache(maxsize=65_536)
def _nearly_sounds_alike(word: str, name: str) -> bool:
    """One consonant more, fewer or another, of at least three: Column for Callum."""
    import jellyfish
    from rapidfuzz.distance import Levenshtein

    ours, theirs = jellyfish.metaphone(name), jellyfish.metaphone(word)
    return len(ours) >= 3 and len(theirs) >= 3 and ours[0] == theirs[0] and Levenshtein.distance(ours, theirs) <= 1


_RIMES = {"i": "i ie ee ea ey y", "o": "o oe ow oh oa", "a": "a ah ar", "u": "u oo ou ew ue", "e": "ay ai ae"}


def _rime(word: str) -> str:
    """The vowel that a short word ends in, as it sounds: "i" of Li and Lee, "o" of Jo and Joe; "" where it ends in none."""
    ending = re.search(r"[aeiou][aeiouwyhr]*$|y$", word)
    return next((sound for sound, written in _RIMES.items() if ending and ending[0] in written.split()), "")
