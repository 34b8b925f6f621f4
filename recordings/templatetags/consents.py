"""For the pages of consents: a wording as headings and paragraphs, and the purposes that are asked for."""

from django import template

from recordings import consentcopy
from recordings.models import ConsentPerson, Purpose

register = template.Library()


@register.filter
def wording_blocks(text: str) -> list[consentcopy.Block]:
    """The headings and paragraphs of a wording."""
    return consentcopy.blocks(text)


@register.simple_tag
def purposes_asked() -> dict[str, list[str]]:
    """The purposes in words: those asked together, and research, which is asked for separately."""
    together = [purpose.label for purpose in Purpose if purpose != Purpose.RESEARCH]
    return {"together": together, "apart": [Purpose.RESEARCH.label]}


@register.simple_tag
def roles_heard() -> list[str]:
    return [role.label for role in ConsentPerson.Role]
