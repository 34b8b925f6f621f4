"""Puts the front page and the site's plain pages in place on an empty site. What an editor has changed is left alone."""

from pathlib import Path
from typing import Any

import markdown
import yaml
from django.db import transaction
from wagtail.models import Page, Site

from cms.models import ContentPage, HomePage
from learning.models import CourseIndexPage

CONTENT = Path(__file__).resolve().parent / "content"


def read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A content file's front matter and its StreamField body."""
    _, front, text = path.read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), [{"type": "text", "value": markdown.markdown(text.strip())}]


@transaction.atomic
def ensure() -> CourseIndexPage:
    """Makes what is missing; the course index is returned. Running it again changes nothing."""
    home = HomePage.objects.first()
    if home is None:
        front, body = read(CONTENT / "home.md")
        welcome = Page.objects.filter(depth=2, slug="home").first()
        if welcome is not None:  # Wagtail's own placeholder
            Site.objects.filter(root_page=welcome).delete()
            welcome.delete()
        root = Page.objects.get(depth=1)
        home = root.add_child(instance=HomePage(title=front["title"], slug="home", introduction=front["introduction"], body=body))
        home.save_revision().publish()
    if not Site.objects.filter(is_default_site=True).exists():
        Site.objects.create(hostname="localhost", site_name="Plumbline", root_page=home, is_default_site=True)
    for name in ("help", "accessibility", "privacy"):
        if not ContentPage.objects.filter(slug=name).exists():
            front, body = read(CONTENT / f"{name}.md")
            page = home.add_child(instance=ContentPage(title=front["title"], slug=name, introduction=front["introduction"], body=body))
            page.save_revision().publish()
    index = CourseIndexPage.objects.first()
    if index is None:
        index = home.add_child(instance=CourseIndexPage(title="Courses", slug="courses"))
        index.save_revision().publish()
    return index
