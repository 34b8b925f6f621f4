"""The words for what the audit log records about consents and recordings. The entries themselves hold ids only."""

from typing import Any

from django.db.models import Max
from wagtail import hooks
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, ObjectList
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet

from recordings.models import ConsentWording, SpeechSettings
from recordings.speechforms import SpeechSettingsForm

ACTIONS = {
    "recordings.edit": ("Change a transcript", "Transcript changed"),
    "recordings.edit_undo": ("Undo a change to a transcript", "Change to a transcript undone"),
    "recordings.edit_redo": ("Restore a change to a transcript", "Change to a transcript restored"),
    "recordings.transcript_export": ("Take a transcript away as a file", "Transcript taken away as a file"),
    "recordings.consent": ("Record a consent", "Consent recorded"),
    "recordings.consent_spoken": ("Place a spoken consent", "Time of a spoken consent entered"),
    "recordings.paper_add": ("Add a consent paper", "Consent paper added"),
    "recordings.paper_read": ("Open a consent paper", "Consent paper opened"),
    "recordings.paper_remove": ("Remove a consent paper", "Consent paper destroyed"),
    "recordings.papers_destroyed": ("Destroy a family's papers", "Consent papers of a closed family destroyed"),
    "recordings.names": ("Change a list of names", "List of names to take out changed"),
    "recordings.withdrawal_link": ("Make a link to withdraw", "Link to withdraw made for the family"),
    "recordings.withdraw": ("Withdraw a consent", "Consent withdrawn"),
    "recordings.upload": ("Upload a recording", "Recording uploaded"),
    "recordings.upload_begin": ("Begin an upload", "Upload begun"),
    "recordings.upload_end": ("End an upload that was not taken", "Upload ended without a recording"),
    "recordings.listen": ("Listen to a recording", "Recording listened to"),
    "recordings.retry": ("Process a recording again", "Recording sent for processing again"),
    "recordings.picture_dropped": ("Go on without the picture", "The picture could not be prepared; the sound was kept"),
    "recordings.rerun": ("Transcribe a recording again", "Recording sent to be transcribed again"),
    "recordings.destroy": ("Destroy a recording", "Recording destroyed"),
    "recordings.read": ("Read a transcript", "Transcript read"),
    "recordings.extend": ("Keep a recording longer", "Recording kept longer"),
    "recordings.hold_ask": ("Ask for a legal hold", "Legal hold asked for"),
    "recordings.hold_agree": ("Agree to a legal hold", "Legal hold agreed to"),
    "recordings.hold_release": ("End a legal hold", "Legal hold ended"),
    "recordings.governance_export": ("Download a governance list", "Governance list downloaded"),
    "recordings.voiceprints_delete": ("Delete voice prints", "Voice prints deleted"),
    "recordings.research_export": ("Export figures for research", "Figures exported for research"),
    "recordings.review_start": ("Begin a review", "Review begun"),
    "recordings.review_submit": ("Submit a review", "Review submitted"),
    "recordings.review_release": ("Release a review", "Review released"),
    "recordings.annotate": ("Annotate a moment", "Moment annotated"),
    "recordings.annotation_change": ("Change an annotation", "Annotation changed"),
    "recordings.annotation_remove": ("Remove an annotation", "Annotation removed"),
    "recordings.annotation_restore": ("Restore an annotation", "Annotation restored"),
    "recordings.reply": ("Answer feedback", "Feedback answered"),
    "recordings.redaction_propose": ("Look for what identifies", "Stretches to mute proposed"),
    "recordings.redaction_change": ("Change what is to be muted", "Stretches to mute changed"),
    "recordings.redaction_confirm": ("Confirm what is to be muted", "Stretches to mute confirmed"),
    "recordings.redaction_restart": ("Make a muted version again", "Muted version begun again"),
}


@hooks.register("register_log_actions")
def name_actions(actions: Any) -> None:
    for action, (label, message) in ACTIONS.items():
        actions.register_action(action, label, message)


class ConsentWordingForm(WagtailAdminModelForm):
    """Numbers the versions of a programme by itself, and keeps a version with its programme."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["programme"].disabled = True

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        programme = data.get("programme")
        if programme is not None and not self.instance.pk:
            latest = ConsentWording.objects.filter(programme=programme).aggregate(number=Max("version"))["number"]
            self.instance.version = (latest or 0) + 1
        return data


class ConsentWordingViewSet(SnippetViewSet):
    """The words that families are given. A version that a consent rests on is not changed; its copy becomes the next version."""

    model = ConsentWording
    icon = "doc-full"
    menu_label = "Consent wording"
    add_to_admin_menu = True
    list_display = ["programme", "version", "effective_from"]
    ordering = ["programme", "-version", "pk"]
    edit_handler = ObjectList(
        [
            FieldPanel("programme"),
            FieldPanel("effective_from", help_text="The first day on which families are asked in these words."),
            FieldPanel("text", help_text="Plain text. An empty line begins a paragraph; a line that begins with ## is a heading."),
            FieldPanel("young_text"),
            FieldPanel("spoken_text"),
        ],
        base_form_class=ConsentWordingForm,
    )


register_snippet(ConsentWordingViewSet)


class SpeechSettingsViewSet(SnippetViewSet):
    """The language of a programme's sessions, and the words to expect in them."""

    model = SpeechSettings
    icon = "openquote"
    menu_label = "Speech settings"
    add_to_admin_menu = True
    list_display = ["programme", "language"]
    ordering = ["programme", "pk"]
    edit_handler = ObjectList(
        [FieldPanel("programme"), FieldPanel("language"), FieldPanel("vocabulary")], base_form_class=SpeechSettingsForm
    )


register_snippet(SpeechSettingsViewSet)
