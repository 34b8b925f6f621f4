"""Training media. Nothing from a family ever goes in here: recordings live in the vault."""

from django.core.validators import FileExtensionValidator
from django.db import models
from wagtail.documents.models import AbstractDocument
from wagtail.images.models import AbstractImage, AbstractRendition
from wagtailmedia.models import AbstractMedia


class CourseImage(AbstractImage):
    admin_form_fields = (
        "title",
        "file",
        "description",
        "collection",
        "tags",
        "focal_point_x",
        "focal_point_y",
        "focal_point_width",
        "focal_point_height",
    )


class CourseImageRendition(AbstractRendition):
    image = models.ForeignKey(CourseImage, on_delete=models.CASCADE, related_name="renditions")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["image", "filter_spec", "focal_point_key"], name="unique_course_image_rendition")]


class CourseDocument(AbstractDocument):
    admin_form_fields = ("title", "file", "collection", "tags")


class CourseMedia(AbstractMedia):
    """Audio or video for a lesson, with the captions and transcript that WCAG 1.2 asks for."""

    captions = models.FileField(upload_to="captions", blank=True, validators=[FileExtensionValidator(["vtt"])], help_text="A WebVTT file.")
    transcript = models.TextField(blank=True, help_text="Everything that is said, with who says it.")

    admin_form_fields = ("title", "file", "captions", "transcript", "collection", "duration", "width", "height", "thumbnail", "tags")
