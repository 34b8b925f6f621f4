"""Why the gold score of an item is what it is: written by whoever made the gold recording, sealed under its key, read by raters once
they have submitted their exercise on it."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from wagtail.log_actions import log

from recordings import calibration, comments, consent, keeping
from recordings.models import Assignment, GoldScore, GoldStandard, Recording
from supervision.models import Item, User


class ExplanationRefused(Exception):
    """It cannot be written now; str() says why, for people."""


@dataclass(frozen=True)
class Row:
    """An item of a submitted exercise. None is not applicable; `why` is empty where nothing was written, or may be read any more."""

    item: Item
    given: int | None
    gold: int | None
    why: str


def can_be_read(gold: GoldStandard) -> bool:
    """While the recording is kept, and everybody heard in it agrees to rater training. `gold` with its recording's consent."""
    recording, today = gold.recording, timezone.localdate()
    if recording.state == Recording.State.DESTROYED or keeping.is_over(recording, on=today):
        return False
    return all(consent.covers(recording.consent, purpose, on=today) for purpose in calibration.NEEDED)


def can_see(user: User, gold: GoldStandard) -> bool:
    """Gold scores and their reasons: who made it, and who has submitted an exercise on it. Nobody else, who may yet be given it."""
    done = Assignment.objects.filter(gold=gold, rater=user, review__submitted_at__isnull=False)
    return gold.made_by_id == user.pk or done.exists()


def written(gold: GoldStandard) -> dict[str, str]:
    """The reasons by item key; empty texts left out."""
    rows = GoldScore.objects.filter(gold=gold).select_related("reason")
    return {row.item_key: text for row in rows if (text := comments.opened(row.reason))}


@transaction.atomic
def explain(*, gold: GoldStandard, reasons: dict[str, str], by: User, now: dt.datetime) -> int:
    """Puts these reasons (item key to text) in place of those there are; an empty one takes it away. Returns how many changed.
    Raises ExplanationRefused, vault.KeyGone."""
    if gold.made_by_id != by.pk:
        raise ExplanationRefused("Only the person who made a gold recording writes why its scores are what they are.")
    gold = GoldStandard.objects.select_related("recording__consent").get(pk=gold.pk)
    if not can_be_read(gold):
        raise ExplanationRefused(
            "The recording is gone, or may no longer be used for rater training. Nothing is written about it any more."
        )
    changed = 0
    for row in GoldScore.objects.select_for_update(of=("self",)).filter(gold=gold, item_key__in=reasons).select_related("reason"):
        before, text = row.reason, reasons[row.item_key]
        if comments.opened(before) == text.strip():
            continue
        GoldScore.objects.filter(pk=row.pk).update(reason=comments.sealed(gold.recording, text))
        if before is not None:
            before.delete()
        changed += 1
    if changed:
        log(instance=gold, action="recordings.gold_explain", user=by, data={"scores": changed})
    return changed


def beside(gold: GoldStandard, scores: dict[str, tuple[int | None, int | None]], items: list[Item]) -> list[Row]:
    """A submitted exercise on that gold item by item: what was given, the gold, and why. `scores` as in `calibration.done`."""
    why = written(gold) if can_be_read(gold) else {}
    return [Row(item, *scores[item.key], why.get(item.key, "")) for item in items if item.key in scores]
