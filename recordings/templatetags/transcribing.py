"""Tags of the transcript's page."""

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from recordings.transcriptpage import Item

register = template.Library()

# An hour holds ten thousand words: what is written once for each is joined here. By template loops the page would take seconds.


@register.simple_tag
def turn_words(item: Item) -> SafeString:
    """Each word with its time in milliseconds, for the script to light and to seek by; the uncertain ones marked."""
    return mark_safe(  # noqa: S308 (escaped)
        "".join(
            f'<span data-t="{at:d}"{" class=low" if is_uncertain else ""}>{escape(text)}</span> ' for at, text, is_uncertain in item.words
        )
    )


@register.simple_tag
def word_options(item: Item) -> SafeString:
    """The words before which a turn can be split: all but the first, each with its place."""
    return mark_safe(  # noqa: S308 (escaped)
        "".join(f'<option value="{place}">{escape(text)}</option>' for place, (_at, text, _low) in enumerate(item.words) if place)
    )


@register.simple_tag
def share(part: float) -> str:
    """A share of a whole, 0 to 1, in whole per cent."""
    return f"{part:.0%}"
