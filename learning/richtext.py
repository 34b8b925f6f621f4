"""Markdown to the rich text that Wagtail's editor keeps: the same few elements, and nothing else."""

import re

from bs4 import BeautifulSoup, NavigableString, Tag
from bs4.element import PreformattedString
from markdown import markdown

RENAMED = {"strong": "b", "em": "i", "h1": "h2", "h4": "h3", "h5": "h3", "h6": "h3"}
PLAIN = frozenset({"p", "br", "b", "i", "ol", "ul", "li", "a"})
WITH_HEADINGS = PLAIN | {"h2", "h3", "hr"}
DROPPED = ("script", "style", "iframe", "object", "embed", "svg", "math", "template", "noscript", "form")
SAFE_LINK = re.compile(r"^(https?://|mailto:)", re.IGNORECASE)


def rich_text(source: str, *, headings: bool = True) -> str:
    """HTML of the Markdown. Elements outside the editor's own set lose their tags and keep their words; scripts lose both."""
    soup = BeautifulSoup(markdown(source, extensions=["sane_lists"], output_format="html"), "html.parser")
    allowed = WITH_HEADINGS if headings else PLAIN
    for tag in soup.find_all(DROPPED):
        tag.decompose()
    for comment in soup.find_all(string=lambda text: isinstance(text, PreformattedString)):
        comment.extract()
    for tag in soup.find_all(True):
        _clean(tag, allowed)
    for text in soup.find_all(string=True):
        text.replace_with(NavigableString(re.sub(r"\s*\n\s*", " ", text)))
    for between in [part for part in soup.contents if isinstance(part, NavigableString) and not part.strip()]:
        between.extract()
    return soup.decode(formatter="minimal")  # str() of a loose text would not escape it


def _clean(tag: Tag, allowed: frozenset[str]) -> None:
    tag.name = RENAMED.get(tag.name, tag.name)
    if tag.name in {"h2", "h3"} and tag.name not in allowed:
        tag.name = "p"
    href = str(tag.get("href", "")) if tag.name == "a" else ""
    tag.attrs = {}
    is_loose_item = tag.name == "p" and tag.parent is not None and tag.parent.name == "li"
    if tag.name not in allowed or is_loose_item or (tag.name == "a" and not SAFE_LINK.match(href)):
        tag.unwrap()
    elif tag.name == "a":
        tag["href"] = href
