"""Tags of the review and feedback pages: the shape of a code, times in milliseconds, and what a person may see of a recording's reviews."""

from typing import Any

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from recordings import permissions
from recordings.codebook import SHAPES
from recordings.models import Annotation, Code, Recording, Review
from recordings.reviewforms import clock_text
from recordings.workbench import ItemRow, Turn
from supervision.models import User

register = template.Library()


@register.simple_tag
def code_shape(code: Code | None) -> SafeString:
    """The decorative shape of a code in its colour; the code's name stands beside it. None gives an empty one for a script to fill."""
    shape = SHAPES.get(code.shape, SHAPES["circle"]) if code else ""
    return format_html(
        '<svg class="pl-code-shape pl-code-{}" viewBox="0 0 16 16" aria-hidden="true" focusable="false">'
        '<path fill-rule="evenodd" d="{}"/></svg>',
        code.colour if code else 0,
        shape,
    )


# An hour holds ten thousand words and perhaps hundreds of annotations. What is written once for each of them is joined here:
# by template loops the page would take seconds.


@register.simple_tag
def spoken_words(turn: Turn) -> SafeString:
    """Each word of a turn with its time in milliseconds, for the script to light and to seek by."""
    return mark_safe("".join(f'<span data-t="{at:d}">{escape(text)} </span>' for at, text in turn.words))  # noqa: S308 (escaped)


@register.simple_tag
def code_options(codes: list[Code], chosen: Annotation | None) -> SafeString:
    """The options of an annotation's code."""
    kept = chosen.code_id if chosen else None
    return mark_safe(  # noqa: S308 (escaped)
        "".join(
            f'<option value="{code.slug}"{" selected" if code.pk == kept else ""}>'
            f"{escape(f'{code.parent.name}: ' if code.parent else '')}{escape(code.name)}</option>"
            for code in codes
        )
    )


@register.simple_tag
def evidence_boxes(row: ItemRow) -> SafeString:
    """A tick box for each annotation that an item's rating may rest on."""
    return mark_safe(  # noqa: S308 (escaped)
        "".join(
            f'<label class="pl-evidence__one"><input type="checkbox" name="evidence" value="{one.pk}"{" checked" if is_ticked else ""}>'
            f"<span>{escape(one.code.name)}, {clock_ms(one.start_ms)}</span></label>"
            for one, is_ticked in row.offers
        )
    )


@register.filter
def clock_ms(milliseconds: int | None) -> str:
    """Milliseconds as a position on a tape, in whole seconds: "2:10"."""
    return clock_text(milliseconds // 1000 * 1000) if isinstance(milliseconds, int) else ""


@register.filter
def exact_ms(milliseconds: int | None) -> str:
    """Milliseconds as they are typed into a field: "2:10.4"."""
    return clock_text(milliseconds) if isinstance(milliseconds, int) else ""


@register.simple_tag
def released_feedback(recording: Recording, user: User) -> dict[str, Any]:
    """For the recording's page: the released reviews that this person may see, the person's own one, and whether one may be begun."""
    reviews = list(
        Review.objects.visible_to(user).filter(recording=recording).select_related("rater").order_by("released_at", "started_at", "pk")
    )
    own = next((review for review in reviews if review.rater_id == user.pk), None)
    is_ready = recording.state == Recording.State.READY
    return {
        "released": [review for review in reviews if review.state == Review.State.RELEASED],
        "own": own,
        "can_start": own is None and is_ready and permissions.can_review(user, recording),
    }
