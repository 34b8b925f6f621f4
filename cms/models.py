"""Site pages: the front page and plain content pages such as the handbook."""

from typing import ClassVar

from django.db import models
from wagtail import blocks
from wagtail.admin.panels import FieldPanel
from wagtail.fields import StreamField
from wagtail.models import Page
from wagtail.search import index

from learning.blocks import RICH_TEXT_FEATURES, CalloutBlock, ImageBlock


class SiteBodyBlock(blocks.StreamBlock):
    text = blocks.RichTextBlock(features=RICH_TEXT_FEATURES, icon="pilcrow")
    callout = CalloutBlock()
    image = ImageBlock()


class HomePage(Page):
    """What a visitor who is not signed in sees at /. Signed in, `cms.views.home` shows the person's own dashboard."""

    introduction = models.TextField(max_length=600)
    body = StreamField(SiteBodyBlock(), blank=True)

    content_panels = [*Page.content_panels, FieldPanel("introduction"), FieldPanel("body")]
    max_count = 1
    parent_page_types: ClassVar = ["wagtailcore.Page"]
    subpage_types: ClassVar = ["cms.ContentPage", "learning.CourseIndexPage"]
    template = "cms/home_page.html"


class ContentPage(Page):
    """A public page in plain words: help, privacy, accessibility statement."""

    introduction = models.TextField(max_length=600, blank=True)
    body = StreamField(SiteBodyBlock())

    content_panels = [*Page.content_panels, FieldPanel("introduction"), FieldPanel("body")]
    search_fields = [*Page.search_fields, index.SearchField("introduction"), index.SearchField("body")]
    parent_page_types: ClassVar = ["cms.HomePage", "cms.ContentPage"]
    subpage_types: ClassVar = ["cms.ContentPage"]
    template = "cms/content_page.html"
