"""The words for what the audit log records about consents and recordings. The entries themselves hold ids only."""

from typing import Any

from django.db.models import Max
from django.utils import timezone
from django.utils.formats import date_format
from wagtail import hooks
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, ObjectList
from wagtail.snippets.models import register_snippet
from wagtail.snippets.views.snippets import SnippetViewSet

from recordings.codeforms import CodeForm
from recordings.models import Code, ConsentWording, SpeechSettings
from recordings.speechforms import SpeechSettingsForm

ACTIONS = {
    "recordings.edit": ("Change a transcript", "Transcript changed"),
    "recordings.edit_undo": ("Undo a change to a transcript", "Change to a transcript undone"),
    "recordings.edit_redo": ("Restore a change to a transcript", "Change to a transcript restored"),
    "recordings.transcript_export": ("Take a transcript away as a file", "Transcript taken away as a file"),
    "recordings.consent": ("Record a consent", "Consent recorded"),
    "recordings.consent_spoken": ("Place a spoken consent", "Time of a spoken consent entered"),
    "recordings.consent_filed": ("Say where a signed form is kept", "Place of a signed form entered"),
    "recordings.consent_renew": ("Use a newer consent for a recording", "Newer consent used for a recording"),
    "recordings.paper_add": ("Add a consent paper", "Consent paper added"),
    "recordings.paper_read": ("Open a consent paper", "Consent paper opened"),
    "recordings.paper_remove": ("Remove a consent paper", "Consent paper destroyed"),
    "recordings.papers_destroyed": ("Destroy a family's papers", "Consent papers of a closed family destroyed"),
    "recordings.names": ("Change a list of names", "List of names to take out changed"),
    "recordings.withdrawal_link": ("Make a link to withdraw", "Link to withdraw made for the family"),
    "recordings.withdraw": ("Withdraw a consent", "Consent withdrawn"),
    "recordings.purpose_withdraw": ("Take back one purpose of a consent", "One purpose of a consent taken back"),
    "recordings.withdrawal_links_end": ("End links to withdraw", "All links to withdraw that were given out ended"),
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
    "recordings.research_ask": ("Ask for an export with words or voice prints", "Export with words or voice prints asked for"),
    "recordings.research_agree": ("Agree to an export with words or voice prints", "Export with words or voice prints agreed to"),
    "recordings.research_close": ("Close a request for an export", "Request for an export closed"),
    "recordings.look_again": ("Set when to look at a consent again", "Month to look at a consent again changed"),
    "recordings.review_start": ("Begin a review", "Review begun"),
    "recordings.review_submit": ("Submit a review", "Review submitted"),
    "recordings.review_release": ("Release a review", "Review released"),
    "recordings.plan_make": ("Make a sampling plan", "Sampling plan made"),
    "recordings.plan_end": ("End a sampling plan", "Sampling plan ended"),
    "recordings.assign": ("Ask for a rating", "Recording given to a rater"),
    "recordings.assignment_skip": ("Give a recording back", "Rating given back or taken off"),
    "recordings.conflict_declare": ("Declare a conflict of interest", "Conflict of interest declared"),
    "recordings.conflict_end": ("End a conflict of interest", "Conflict of interest ended"),
    "recordings.self_rating": ("Rate one's own session", "Own session rated"),
    "recordings.self_rating_submit": ("Hand in a rating of one's own session", "Rating of an own session handed in"),
    "recordings.comparison_open": ("Compare two ratings", "Two ratings compared"),
    "recordings.comparison_note": ("Discuss two ratings", "Two ratings discussed"),
    "recordings.comparison_part": ("Release two reviews without their raters", "Compared reviews released after a rater left"),
    "recordings.second_ask": ("Ask for a second rating", "Second rating asked for"),
    "recordings.comparison_release": ("Release two compared reviews", "Compared reviews released"),
    "recordings.consensus_propose": ("Propose a consensus", "Consensus on an item proposed"),
    "recordings.consensus_agree": ("Agree to a consensus", "Consensus on an item agreed"),
    "recordings.consensus_settle": ("Keep a consensus", "Consensus kept"),
    "recordings.gold_make": ("Make a gold recording", "Gold recording made"),
    "recordings.gold_explain": ("Write why gold scores are what they are", "Reasons for gold scores written"),
    "recordings.gold_retire": ("Retire a gold recording", "Gold recording retired"),
    "recordings.exercise_assign": ("Give a calibration exercise", "Calibration exercise given"),
    "recordings.certify": ("Certify a rater", "Rater certified"),
    "recordings.certification_end": ("End a certification", "Certification ended"),
    "recordings.agreement_export": ("Download agreement figures", "Agreement figures downloaded"),
    "recordings.annotate": ("Annotate a moment", "Moment annotated"),
    "recordings.annotation_change": ("Change an annotation", "Annotation changed"),
    "recordings.annotation_remove": ("Remove an annotation", "Annotation removed"),
    "recordings.annotation_restore": ("Restore an annotation", "Annotation restored"),
    "recordings.concern": ("Raise a concern", "Concern raised"),
    "recordings.concern_close": ("Close a concern", "Concern closed"),
    "recordings.reply": ("Answer feedback", "Feedback answered"),
    "recordings.contest": ("Disagree with a score", "Score disagreed with"),
    "recordings.contest_propose": ("Answer a disagreement", "Disagreement with a score answered"),
    "recordings.contest_agree": ("Agree to an answer", "Disagreement with a score decided"),
    "recordings.contest_send_back": ("Send an answer back", "Answer to a disagreement sent back"),
    "recordings.contest_take_back": ("Take a disagreement back", "Disagreement with a score taken back"),
    "recordings.tried": ("Tell what became of feedback", "Told what became of feedback"),
    "recordings.review_export": ("Take a review away as a file", "Annotations and ratings taken away as a file"),
    "recordings.annotations_import": ("Bring annotations in", "Annotations brought in from a file"),
    "recordings.clip_make": ("Make a teaching clip", "Teaching clip made"),
    "recordings.clip_make_again": ("Make a teaching clip again", "Teaching clip made again"),
    "recordings.clip_approve": ("Approve a teaching clip", "Teaching clip approved"),
    "recordings.clip_refuse": ("Refuse a teaching clip", "Teaching clip not approved"),
    "recordings.clip_take_back": ("Take a teaching clip back", "Teaching clip taken back"),
    "recordings.clip_listen": ("Listen to a teaching clip", "Teaching clip listened to"),
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
    """Numbers the versions of a programme by itself, keeps a version with its programme, and lets none come into force before another
    that is long in use: a copy brings that one's day along."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["programme"].disabled = True

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        programme = data.get("programme")
        if programme is not None and not self.instance.pk:
            known = ConsentWording.objects.filter(programme=programme).aggregate(number=Max("version"), since=Max("effective_from"))
            self.instance.version = (known["number"] or 0) + 1
            since, starts = known["since"], data.get("effective_from")
            if since and starts and starts <= since and starts < timezone.localdate():
                last = date_format(since, "j F Y")
                self.add_error(
                    "effective_from", f"Families are asked in other words since {last}. Enter a later day from which these hold."
                )
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


class CodeViewSet(SnippetViewSet):
    """A programme's code book. A change of what a code means becomes its next version; annotations keep the one they were made with."""

    model = Code
    icon = "tag"
    menu_label = "Code book"
    add_to_admin_menu = True
    list_display = ["name", "parent", "digit", "tone", "version", "is_current", "programme"]
    list_filter = ["programme", "is_current"]
    search_fields = ["name", "definition"]
    ordering = ["programme", "position", "pk"]
    copy_view_enabled = False
    edit_handler = ObjectList(
        [
            FieldPanel("programme"),
            FieldPanel("name"),
            FieldPanel("parent"),
            FieldPanel("definition"),
            FieldPanel("examples"),
            FieldPanel("tone"),
            FieldPanel("digit"),
            FieldPanel("colour"),
            FieldPanel("shape"),
            FieldPanel("item_key"),
            FieldPanel("position"),
            FieldPanel("is_current"),
        ],
        base_form_class=CodeForm,
    )


register_snippet(CodeViewSet)
