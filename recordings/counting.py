"""Counts and durations of an instrument, filled from the annotations of the person who rates.

What somebody marked with a code under a counted code counts too. A person's own figure takes the count's place until they use
the count again; so do their words "not applicable". At submission the figure as it then stands is kept.
"""

from collections.abc import Iterable, Mapping

from recordings import codebook, listening
from recordings.models import Annotation, Code, DraftScore, Review
from supervision.models import Item, Programme

FILLED = (Item.Scale.COUNT, Item.Scale.DURATION)


def is_filled(item: Item) -> bool:
    """Whether annotations give this item its figure."""
    return item.scale in FILLED and bool(item.codes)


def slugs_of(items: Iterable[Item], programme: Programme) -> dict[str, frozenset[str]]:
    """Item key to the codes that fill it, those that stand under them included."""
    filled = [item for item in items if is_filled(item)]
    if not filled:
        return {}
    under: dict[str, set[str]] = {}
    for slug, parent in Code.objects.filter(programme=programme, parent__isnull=False).values_list("slug", "parent__slug"):
        under.setdefault(parent, set()).add(slug)
    return {item.key: frozenset(item.codes).union(*(under.get(slug, set()) for slug in item.codes)) for item in filled}


def figure(item: Item, slugs: frozenset[str], kept: Iterable[Annotation]) -> int:
    """How many of these annotations have one of the codes; for a duration the whole seconds that they cover together."""
    stretches = [(one.start_ms, one.end_ms) for one in kept if one.code.slug in slugs]
    if item.scale == Item.Scale.COUNT:
        return min(len(stretches), item.most)
    covered = sum(end - start for start, end in listening.merged(stretches))
    return min((covered + 500) // 1000, item.most)


def figures(review: Review, items: Iterable[Item], kept: Iterable[Annotation]) -> dict[str, int]:
    """Item key to figure, for every item that annotations fill."""
    items, kept = list(items), list(kept)
    by_item = slugs_of(items, review.recording.team.programme)
    return {item.key: figure(item, by_item[item.key], kept) for item in items if item.key in by_item}


def settle(review: Review, items: Iterable[Item], drafts: Mapping[str, DraftScore]) -> dict[str, int | None]:
    """What is rated of each item: the person's own figure, "not applicable" (None), or the count as it now stands.
    Items that are neither are left out."""
    items = list(items)
    kept = list(Annotation.objects.kept().filter(review=review).select_related("code"))
    counted = figures(review, items, kept)
    found: dict[str, int | None] = {}
    for item in items:
        draft = drafts.get(item.key)
        if item.key in counted and (draft is None or draft.is_counted):
            found[item.key] = counted[item.key]
        elif draft is not None and draft.is_not_applicable:
            found[item.key] = None
        elif draft is not None and draft.score is not None:
            found[item.key] = draft.score
    return found


def load_codes(programme: Programme, items: Iterable[Item]) -> None:
    """Adds the shipped code books that hold codes which the items count and the programme lacks."""
    wanted = {slug for item in items for slug in item.codes}
    wanted -= set(Code.objects.filter(programme=programme, slug__in=wanted).values_list("slug", flat=True))
    if not wanted:
        return
    for path in sorted(codebook.DEFAULT.parent.glob("*.yaml")):
        if path != codebook.DEFAULT and any(f"slug: {slug}\n" in path.read_text(encoding="utf-8") for slug in wanted):
            codebook.load(programme, path=path)


def lacking(programme: Programme, items: Iterable[Item]) -> list[tuple[Item, list[str]]]:
    """Items that would be filled from codes which the code book does not have, or from none that is still in use, with those codes.
    Nobody can mark them, so what they count would be 0 whatever was said."""
    there = {one.slug: one for one in Code.objects.filter(programme=programme)}
    used = {one.slug for one in codebook.current(programme)}
    under = slugs_of(items, programme)
    found = []
    for item in filter(is_filled, items):
        missing = [slug for slug in item.codes if slug not in there]
        if missing or not used & under[item.key]:
            found.append((item, missing or list(item.codes)))
    return found


def bench_codes(review: Review, codes: list[Code]) -> list[Code]:
    """The code book as this review needs it: the codes that its instrument counts come first and have the digits; where it counts
    none, the book as it is. The digits are for this page and are not kept."""
    items = Item.objects.filter(instrument=review.instrument_id)
    counted = frozenset().union(*slugs_of(items, review.recording.team.programme).values())
    if not counted:
        return codes
    first = [code for code in codes if code.slug in counted]
    rest = [code for code in codes if code.slug not in counted]
    for code in codes:
        code.digit = None
    for number, code in enumerate([code for code in first if code.parent_id is None][:9], start=1):
        code.digit = number
    return [*first, *rest]
