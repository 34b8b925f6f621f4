"""Tags of the pages about agreement and calibration: a figure never without its n and its interval."""

from typing import Any
from uuid import UUID

from django import template
from django.db.models import Q
from django.utils.html import format_html

from recordings import selfrating
from recordings.models import Comparison, Review
from supervision.agreement import wording
from supervision.agreement.figures import Figure
from supervision.models import ItemScore, User

register = template.Library()

STATISTICS = {
    "percent_agreement": "Percent",
    "cohen_kappa": "Cohen’s κ",
    "cohen_kappa_quadratic": "Cohen’s κ, weighted",
    "fleiss_kappa": "Fleiss’ κ",
    "fleiss_kappa_quadratic": "Fleiss’ κ, weighted",
    "gwet_ac1": "Gwet’s AC1",
    "gwet_ac2": "Gwet’s AC2",
    "krippendorff_alpha": "Krippendorff’s α",
    "icc_1_1": "ICC(1,1)",
    "icc_2_1": "ICC(2,1)",
    "boundary_f1": "Boundaries, F1",
}


@register.simple_tag
def figure(found: Figure, kind: str = "number") -> str:
    """For a cell: "0.62 (0.41 to 0.80)", "62 % (41 % to 80 %)", or why there is none."""
    if found.value is None:
        return found.reason
    say = wording.share if kind == "share" else wording.number
    if found.low is None or found.high is None:
        return f"{say(found.value)} (no interval)"
    return f"{say(found.value)} ({say(found.low)} to {say(found.high)})".replace(" %", "\u00a0%")


@register.simple_tag
def n_of(count: int) -> str:
    """For a cell: how many, and under ten that they are too few for a verdict."""
    if count >= wording.FEWEST:
        return str(count)
    return format_html('{} <span class="pl-few">too few to call good or bad</span>', count)


@register.simple_tag
def said(name: str, found: Figure, kind: str = "number") -> str:
    """A sentence with n and interval; nothing is called good or bad."""
    return wording.of_other(name, found, is_share=kind == "share")


@register.simple_tag
def said_icc(found: Figure, form: str) -> str:
    return wording.of_icc(found, form)


@register.filter
def statistic(name: str) -> str:
    """What people call a statistic."""
    return STATISTICS[name]


@register.simple_tag
def ratings_beside(review: Review, user: User) -> dict[str, Any]:
    """Item by item: what the rater gave, the consensus once it is released, the therapist's own; each where this person may see it."""
    own = selfrating.beside(review, user)
    pair = Comparison.objects.filter(Q(first=review) | Q(second=review), released_at__isnull=False).first()
    consensus = _words(pair.pk) if pair else {}
    if not own and not consensus:
        return {"rows": []}
    given = ItemScore.objects.filter(rating__source=review.pk).select_related("item").order_by("item__position", "pk")
    return {
        "rows": [(one.item.name, _word(one.score), consensus.get(one.item.key, ""), own.get(one.item.key, "")) for one in given],
        "has_consensus": bool(consensus),
        "has_own": bool(own),
    }


def _words(source: UUID) -> dict[str, str]:
    rows = ItemScore.objects.filter(rating__source=source).values_list("item__key", "score")
    return {key: _word(score) for key, score in rows}


def _word(score: int | None) -> str:
    return "Not applicable" if score is None else str(score)
