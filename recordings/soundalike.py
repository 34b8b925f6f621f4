"""Names of a family's list in a transcript: as they are written, misspelt, misheard, shortened, or written as two words.

Pure. Whisper writes what it takes for a name with a capital, so a word without one must be both near in letters and equal in
sound; a word with one needs either. A name whose spelling tells nothing of its sound in English (Siobhan) should be on the
list as it sounds, too.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

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
    "precious princess prince king angel can so an in on he she be do go no my me we us it is am at as by to of or if up".split()
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
    parts = sorted({part for name in names for part in _parts(name)})
    best: dict[tuple[int, int], int] = {}
    for at, token in enumerate(tokens):
        for first, last, said in _said(tokens, at, token):
            sure = max((_likeness(said, part) for part in parts), default=0)
            if sure:
                best[first, last] = max(sure, best.get((first, last), 0))
    return [Hit(NAME, first, last, sure) for (first, last), sure in sorted(best.items())]


def _parts(name: str) -> Iterator[str]:
    for word in name.replace("-", " ").split():
        if len(part := normal(word)) >= SHORTEST:
            yield part


def _said(tokens: Sequence[str], at: int, token: str) -> Iterator[tuple[int, int, str]]:
    """The token by itself, its halves where a hyphen joins them, and together with the one that follows."""
    yield at, at, token.strip()
    for half in token.split("-"):
        if half and half != token:
            yield at, at, half
    if at + 1 < len(tokens) and token.strip()[-1:].isalpha() and len(normal(token) + normal(tokens[at + 1])) >= 5:
        yield at, at + 1, f"{token.strip()}{normal(tokens[at + 1])}+"


def _likeness(said: str, name: str) -> int:
    """How sure it is that a word is the name, in percent; 0: it is not."""
    is_joined, has_capital = said.endswith("+"), said[:1].isupper() or said[:1] in "\"'“‘"
    word = normal(said.rstrip("+"))
    for ending in ("'s", "s'"):
        word = word.removesuffix(ending)
    if not word or not word.replace("'", "").isalpha():
        return 0
    if len(word) == 1:
        return 70 if has_capital and word in _LETTERS and (_LETTERS[word] == name or _sounds_alike(_LETTERS[word], name)) else 0
    if word == name:
        return 0 if name in _EVERYDAY and not has_capital else 90 if is_joined else 99
    if word == name + "s" and not (name in _EVERYDAY and not has_capital):
        return 95
    near, is_same_sound = _near(word, name), _sounds_alike(word, name)
    if is_joined:
        return 75 if near >= NEARER and is_same_sound and abs(len(word) - len(name)) <= 1 else 0
    if name in _EVERYDAY and not has_capital:
        return 0
    if has_capital and _is_short_form(word, name):
        return 75
    if len(name) >= 3 and (near >= NEAR or is_same_sound) and has_capital and len(word) >= 3:
        return 85 if near >= NEARER else 65
    if has_capital and near >= FAINTLY_NEAR and _nearly_sounds_alike(word, name):
        return 50
    if len(name) >= 4 and near >= NEARER and is_same_sound and abs(len(word) - len(name)) <= 1:
        return 70
    return 0


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
        return len(ours) >= 3 or _near(word, name) >= 0.8
    return len(name) >= 5 and bool(jellyfish.match_rating_comparison(word, name)) and _near(word, name) >= 0.8


@lru_cache(maxsize=65_536)
def _nearly_sounds_alike(word: str, name: str) -> bool:
    """One consonant more, fewer or another, of at least three: Column for Callum."""
    import jellyfish
    from rapidfuzz.distance import Levenshtein

    ours, theirs = jellyfish.metaphone(name), jellyfish.metaphone(word)
    return len(ours) >= 3 and len(theirs) >= 3 and ours[0] == theirs[0] and Levenshtein.distance(ours, theirs) <= 1
