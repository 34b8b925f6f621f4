"""The blocks a lesson is made of. Answers and attempts are never read back from this JSON: they are rows of their own,
keyed by the block's `key`, so that an edited lesson leaves what people did untouched."""

from typing import Any

from django.core.exceptions import ValidationError
from wagtail import blocks
from wagtail.documents.blocks import DocumentChooserBlock
from wagtail.images.blocks import ImageChooserBlock
from wagtailmedia.blocks import AudioChooserBlock, VideoChooserBlock

from learning import clips

RICH_TEXT_FEATURES = ["h2", "h3", "bold", "italic", "ol", "ul", "link", "document-link", "hr"]


class KeyBlock(blocks.CharBlock):
    """A short name that stays with a check or exercise through edits, so that earlier answers keep their question."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 60)
        kwargs.setdefault("help_text", "Short and unique in this lesson. Keep it when you edit; change it only for a new question.")
        super().__init__(**kwargs)


class CalloutBlock(blocks.StructBlock):
    tone = blocks.ChoiceBlock(choices=[("note", "Note"), ("practice", "In practice"), ("warning", "Take care")], default="note")
    title = blocks.CharBlock(max_length=120)
    text = blocks.RichTextBlock(features=["bold", "italic", "ol", "ul", "link"])

    class Meta:
        icon = "info-circle"
        template = "learning/blocks/callout.html"


class VignetteBlock(blocks.StructBlock):
    title = blocks.CharBlock(max_length=160)
    text = blocks.RichTextBlock(features=["bold", "italic", "ol", "ul"])
    questions = blocks.ListBlock(blocks.CharBlock(max_length=400), default=[])

    class Meta:
        icon = "user"
        label = "Case vignette"
        template = "learning/blocks/vignette.html"


class ImageBlock(blocks.StructBlock):
    image = ImageChooserBlock()
    alt = blocks.CharBlock(
        max_length=500, required=False, help_text="What the picture tells somebody who cannot see it; empty if only decorative."
    )
    caption = blocks.CharBlock(max_length=300, required=False)

    class Meta:
        icon = "image"
        template = "learning/blocks/image.html"


class AudioBlock(blocks.StructBlock):
    media = AudioChooserBlock()
    title = blocks.CharBlock(max_length=160)

    class Meta:
        icon = "media"
        label = "Audio"
        template = "learning/blocks/audio.html"


class VideoBlock(blocks.StructBlock):
    media = VideoChooserBlock()
    title = blocks.CharBlock(max_length=160)

    class Meta:
        icon = "media"
        label = "Video"
        template = "learning/blocks/video.html"


class DocumentBlock(blocks.StructBlock):
    document = DocumentChooserBlock()
    title = blocks.CharBlock(max_length=160)
    description = blocks.CharBlock(max_length=300, required=False)

    class Meta:
        icon = "doc-full"
        template = "learning/blocks/document.html"


class ClipChoiceBlock(blocks.ChoiceBlock):
    """The id of a clip. Its title is shown to the editor and never stored: neither in the page nor in the search index."""

    def get_searchable_content(self, value: Any) -> list[str]:
        return []


class ClipBlock(blocks.StructBlock):
    """A moment of a real session. The lesson holds its id alone, so that a family's withdrawal takes it out everywhere at once."""

    clip = ClipChoiceBlock(
        choices=clips.choices,
        help_text="Approved teaching clips. Write nothing about this family around it: what is written stays when the clip is withdrawn.",
    )

    def get_context(self, value: Any, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(value, parent_context=parent_context)
        request = context.get("request")
        context["clip"] = clips.shown(value.get("clip") or "", getattr(request, "user", None))
        return context

    class Meta:
        icon = "media"
        label = "Teaching clip"
        template = "learning/blocks/clip.html"


class ExerciseBlock(blocks.StructBlock):
    key = KeyBlock()
    title = blocks.CharBlock(max_length=160)
    prompt = blocks.RichTextBlock(features=["bold", "italic", "ol", "ul"])
    minimum_words = blocks.IntegerBlock(default=30, min_value=0, max_value=1000)
    guidance = blocks.RichTextBlock(features=["bold", "italic", "ol", "ul"], required=False, help_text="Shown once an answer is saved.")

    class Meta:
        icon = "edit"
        label = "Reflective exercise"
        template = "learning/blocks/exercise.html"


class OptionBlock(blocks.StructBlock):
    text = blocks.CharBlock(max_length=400)
    is_correct = blocks.BooleanBlock(required=False, default=False)
    feedback = blocks.TextBlock(max_length=600, help_text="What somebody who chose this should learn.")

    class Meta:
        icon = "tick"


class CheckBlock(blocks.StructBlock):
    """A knowledge check with one or several right options, or true/false."""

    SINGLE, MULTIPLE, TRUE_FALSE = "single", "multiple", "true_false"

    key = KeyBlock()
    kind = blocks.ChoiceBlock(
        choices=[(SINGLE, "One answer"), (MULTIPLE, "Several answers"), (TRUE_FALSE, "True or false")], default=SINGLE
    )
    question = blocks.TextBlock(max_length=800)
    options = blocks.ListBlock(OptionBlock(), min_num=2, max_num=6)
    explanation = blocks.TextBlock(required=False, max_length=1200)

    class Meta:
        icon = "help"
        label = "Knowledge check"
        template = "learning/blocks/check.html"

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        right = sum(1 for option in cleaned["options"] if option["is_correct"])
        if cleaned["kind"] == self.MULTIPLE and right < 1:
            raise ValidationError("Mark at least one option as correct.")
        if cleaned["kind"] != self.MULTIPLE and right != 1:
            raise ValidationError("Mark exactly one option as correct.")
        return cleaned


class LessonBodyBlock(blocks.StreamBlock):
    text = blocks.RichTextBlock(features=RICH_TEXT_FEATURES, icon="pilcrow")
    callout = CalloutBlock()
    vignette = VignetteBlock()
    image = ImageBlock()
    audio = AudioBlock()
    video = VideoBlock()
    document = DocumentBlock()
    clip = ClipBlock()
    exercise = ExerciseBlock()
    check = CheckBlock()

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        keys = [child.value["key"] for child in cleaned if child.block_type in {"exercise", "check"}]
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        if doubled:
            raise ValidationError(f"Each check and exercise needs a key of its own; used twice: {', '.join(doubled)}.")
        return cleaned
