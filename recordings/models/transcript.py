"""What people did to a machine's transcript, and what was made of recordings together. Nothing here holds a word in the clear."""

import uuid

from django.db import models
from django.db.models import F, Q

from recordings.models.recording import Recording
from recordings.models.vault import SealedText
from supervision.models import Programme, User


class TranscriptEdit(models.Model):
    """One change to a transcript, on top of a run that is never changed. Append-only; undoing marks it, and nothing more.

    The payload is sealed JSON; see `editing.py` for each kind's fields.
    """

    class Kind(models.TextChoices):
        REPLACE = "replace", "Words replaced"
        SPLIT = "split", "Turn split"
        MERGE = "merge", "Turns joined"
        ASSIGN = "assign", "Turn given to a speaker"
        NAME = "name", "Speaker named"
        MERGE_SPEAKERS = "merge_speakers", "Two speakers made one"
        CONFIRM = "confirm", "Words confirmed as said"
        REFUSE = "refuse", "Words marked as not said"

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="edits")
    number = models.PositiveIntegerField(help_text="Its place among the recording's edits, from 1.")
    run = models.PositiveSmallIntegerField(help_text="The run that was on the page.")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    payload = models.ForeignKey(SealedText, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "number"], name="unique_edit_number")]

    def __str__(self) -> str:
        return f"Edit {self.number} of {self.recording_id}"


class Redaction(models.Model):
    """What a person confirmed to be muted, and the sealed version that came of it: times and kinds, no words."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "To be confirmed"
        CONFIRMED = "confirmed", "Confirmed, being made"
        READY = "ready", "Ready"
        FAILED = "failed", "Not made"

    NO_LONGER = "The family no longer agrees to what this was made for."  # a `failure` for good: its stretches are gone

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="redactions")
    number = models.PositiveSmallIntegerField(help_text="Also the number of its sealed object.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    spans = models.JSONField(default=list, help_text="start_ms, end_ms, kind, is_muted; no words.")
    failure = models.CharField(max_length=300, blank=True)
    proposed_at = models.DateTimeField()
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recording", "number"], name="unique_redaction_number"),
            models.CheckConstraint(condition=Q(state="proposed") | Q(confirmed_at__isnull=False), name="redaction_confirmed_by_a_person"),
        ]

    def __str__(self) -> str:
        return f"Redaction {self.number} of {self.recording_id}"


class SpeechSettings(models.Model):
    """How a programme's sessions are transcribed: the language, and words that Whisper should expect."""

    programme = models.OneToOneField(Programme, on_delete=models.PROTECT, related_name="speech_settings")
    language = models.CharField(max_length=10, default="en", help_text="A language code such as en or cy, or auto to let Whisper find out.")
    vocabulary = models.TextField(
        blank=True, help_text="Words and names of services that Whisper should expect, separated by commas. Never a family's name."
    )

    def __str__(self) -> str:
        return f"Speech settings {self.pk}"


class ResearchExport(models.Model):
    """That somebody took figures of a cohort away: who, why, what, and the hash by which the file can be known."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    with_text = models.BooleanField(default=False)
    with_voices = models.BooleanField(default=False)
    sessions_from = models.DateField()
    sessions_until = models.DateField()
    recordings = models.JSONField(default=list, help_text="The ids of those that were in it.")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"Research export {self.pk}"


class ResearchRequest(models.Model):
    """An export with words or voice prints, asked for by one person and agreed to by another. Made once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=180)
    approval = models.CharField(max_length=100, help_text="Reference of the approval that covers words or voice prints.")
    with_text = models.BooleanField(default=False)
    with_voices = models.BooleanField(default=False)
    sessions_from = models.DateField()
    sessions_until = models.DateField()
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField(null=True, blank=True)
    agreed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True, help_text="Turned down or taken back.")
    closed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    export = models.OneToOneField(ResearchExport, null=True, blank=True, on_delete=models.PROTECT, related_name="request")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(agreed_by__isnull=True) | ~Q(agreed_by=F("asked_by")), name="research_request_two_people"),
            models.CheckConstraint(
                condition=Q(agreed_at__isnull=True, agreed_by__isnull=True) | Q(agreed_at__isnull=False, agreed_by__isnull=False),
                name="research_request_agreed_pair",
            ),
            models.CheckConstraint(condition=Q(export__isnull=True) | Q(agreed_at__isnull=False), name="research_request_made_agreed"),
        ]

    def __str__(self) -> str:
        return f"Research request {self.pk}"
