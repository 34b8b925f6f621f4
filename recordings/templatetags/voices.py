"""Figures about voices as people read them."""

from django import template

register = template.Library()


@register.filter
def percent(share: float) -> str:
    """0.617 as "62 %"."""
    return f"{share * 100:.0f}\u00a0%"


@register.filter
def short_time(seconds: float | None) -> str:
    """Seconds as "0.8 s"; a dash where there is nothing to say."""
    return "–" if seconds is None else f"{seconds:.1f}\u00a0s"
