"""CoursePage › DayPage › LessonPage. What people did is kept elsewhere (`enrolment.py`); these pages may change or go."""

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.http import HttpRequest, HttpResponse
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.fields import StreamField
from wagtail.models import Page
from wagtail.search import index

from learning.blocks import LessonBodyBlock


class CourseIndexPage(Page):
    """The parent of all courses; visiting it leads to the learner's own list."""

    max_count = 1
    subpage_types = ["learning.CoursePage"]
    parent_page_types = ["wagtailcore.Page", "cms.HomePage"]
    page_description = "Holds the courses."
    preview_modes: list[tuple[str, str]] = []

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        from learning.views import pages

        return pages.course_index(request, self)


class KeyedPage(Page):
    """A page with a key that completions hold on to: it survives moves, renames and edits; a copy gets its own."""

    key = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)

    exclude_fields_in_copy = ["key"]

    class Meta:
        abstract = True

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        """Drafts look as the page will; the views see `is_preview` and record nothing."""
        request.is_preview = True  # type: ignore[attr-defined]
        return self.serve(request)

    def with_content_json(self, content: dict[str, Any]) -> "KeyedPage":
        """A revision never changes the key: a copy takes over its original's revisions, and they hold the original's key."""
        page: KeyedPage = super().with_content_json(content)
        page.key = self.key
        return page


class CoursePage(KeyedPage):
    class Kind(models.TextChoices):
        ORIENTATION = "orientation", "Orientation"
        BOOSTER = "booster", "Booster"
        OTHER = "other", "Other"

    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.OTHER)
    summary = models.TextField(max_length=600)
    audience = models.CharField(max_length=255, blank=True)
    hours = models.DecimalField(
        max_digits=5, decimal_places=1, validators=[MinValueValidator(0)], help_text="Taught hours, for the training record."
    )
    licence_note = models.TextField(blank=True)
    is_open = models.BooleanField(
        "open to all staff", default=False, help_text="Anyone signed in may start it; otherwise people are enrolled by their role."
    )
    is_in_sequence = models.BooleanField("lessons in order", default=True, help_text="A lesson opens when the one before it is done.")
    prerequisite = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="This course opens when that one is complete."
    )

    content_panels = [
        *Page.content_panels,
        FieldPanel("kind"),
        FieldPanel("summary"),
        FieldPanel("audience"),
        FieldPanel("hours"),
        FieldPanel("licence_note"),
        MultiFieldPanel([FieldPanel("is_open"), FieldPanel("is_in_sequence"), FieldPanel("prerequisite")], heading="Rules"),
    ]
    search_fields = [*Page.search_fields, index.SearchField("summary"), index.FilterField("is_open"), index.FilterField("kind")]
    parent_page_types = ["learning.CourseIndexPage"]
    subpage_types = ["learning.DayPage"]
    page_description = "A course of one or more days."

    def clean(self) -> None:
        super().clean()
        seen = {self.pk}
        before = self.prerequisite
        while before is not None:
            if before.pk in seen:
                raise ValidationError(
                    {"prerequisite": "This would close the course for good: in the end it would have to be completed before itself."}
                )
            seen.add(before.pk)
            before = before.prerequisite

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        from learning.views import pages

        return pages.course(request, self)


class DayPage(KeyedPage):
    summary = models.TextField(max_length=600)

    content_panels = [*Page.content_panels, FieldPanel("summary")]
    search_fields = [*Page.search_fields, index.SearchField("summary")]
    parent_page_types = ["learning.CoursePage"]
    subpage_types = ["learning.LessonPage"]
    page_description = "One day of a course."

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        from learning.views import pages

        return pages.day(request, self)


class LessonPage(KeyedPage):
    summary = models.CharField(max_length=300)
    minutes = models.PositiveSmallIntegerField(
        default=15, validators=[MinValueValidator(1)], help_text="Time to work through it, exercises included."
    )
    aims = models.TextField(blank=True, help_text="What the learner can do afterwards; one aim a line.")
    body = StreamField(LessonBodyBlock())
    sources = models.TextField(blank=True, help_text="One source a line.")

    content_panels = [
        *Page.content_panels,
        FieldPanel("summary"),
        FieldPanel("minutes"),
        FieldPanel("aims"),
        FieldPanel("body"),
        FieldPanel("sources"),
    ]
    search_fields = [*Page.search_fields, index.SearchField("summary"), index.SearchField("body")]
    parent_page_types = ["learning.DayPage"]
    subpage_types: list[str] = []
    page_description = "One lesson, done in one sitting."

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        from learning.views import pages

        return pages.lesson(request, self)

    def checks(self) -> list[Any]:
        """The knowledge-check blocks, in order; each has `.id` and `.value`."""
        return [child for child in self.body if child.block_type == "check"]

    def exercises(self) -> list[Any]:
        return [child for child in self.body if child.block_type == "exercise"]
