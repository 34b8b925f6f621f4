"""The words for what the audit log records about consents and recordings. The entries themselves hold ids only."""

from typing import Any

from wagtail import hooks
from wagtail.admin.panels import FieldPanel
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet

from recordings.models import ConsentWording

ACTIONS = {
    "recordings.consent": ("Record a consent", "Consent recorded"),
    "recordings.withdraw": ("Withdraw a consent", "Consent withdrawn"),
    "recordings.upload": ("Upload a recording", "Recording uploaded"),
    "recordings.listen": ("Listen to a recording", "Recording listened to"),
    "recordings.retry": ("Process a recording again", "Recording sent for processing again"),
    "recordings.rerun": ("Transcribe a recording again", "Recording sent to be transcribed again"),
    "recordings.destroy": ("Destroy a recording", "Recording destroyed"),
    "recordings.review_start": ("Begin a review", "Review begun"),
    "recordings.review_submit": ("Submit a review", "Review submitted"),
    "recordings.review_release": ("Release a review", "Review released"),
    "recordings.annotate": ("Annotate a moment", "Moment annotated"),
    "recordings.annotation_change": ("Change an annotation", "Annotation changed"),
    "recordings.annotation_remove": ("Remove an annotation", "Annotation removed"),
    "recordings.annotation_restore": ("Restore an annotation", "Annotation restored"),
    "recordings.reply": ("Answer feedback", "Feedback answered"),
}


@hooks.register("register_log_actions")
def name_actions(actions: Any) -> None:
    for action, (label, message) in ACTIONS.items():
        actions.register_action(action, label, message)


class ConsentWordingViewSet(SnippetViewSet):
    """The words that families are given. A version that a consent rests on is not changed; a new version follows it."""

    model = ConsentWording
    icon = "doc-full"
    menu_label = "Consent wording"
    add_to_admin_menu = True
    list_display = ["programme", "version", "effective_from"]
    ordering = ["programme", "-version", "pk"]
    panels = [FieldPanel("programme"), FieldPanel("version"), FieldPanel("effective_from"), FieldPanel("text")]


register_snippet(ConsentWordingViewSet)
