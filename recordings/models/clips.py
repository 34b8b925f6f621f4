"""Teaching clips, and how a person has set up the workbench."""

import uuid

from django.db import models
from django.db.models import F, Q

from recordings.models.recording import Recording
from recordings.models.vault import SealedText
from supervision.models import User


class Clip(models.Model):
    """A moment that everybody heard agreed to have used in teaching, with names muted. Pages hold its id and nothing else."""

    class State(models.TextChoices):
        MAKING = "making", "Being made"
        PROPOSED = "proposed", "To be approved"
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Not approved"
        GONE = "gone", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="clips")
    start_ms = models.PositiveIntegerField()
    end_ms = models.PositiveIntegerField()
    title = models.ForeignKey(SealedText, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    words = models.ForeignKey(
        SealedText, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="What is said in it; see clipwords.py."
    )
    number = models.PositiveIntegerField(help_text="Of the sealed object of kind clip.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.MAKING)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(end_ms__gt=F("start_ms")), name="clip_has_length"),
            models.UniqueConstraint(fields=["recording", "number"], name="unique_clip_number"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("made_by")), name="clip_approved_by_somebody_else"
            ),
        ]

    def __str__(self) -> str:
        return f"Clip {self.pk}"


class BenchSettings(models.Model):
    """How one person works: which key does what, and by how much a mark steps back for the time it takes to press it."""

    person = models.OneToOneField(User, on_delete=models.PROTECT, related_name="bench_settings")
    keys = models.JSONField(default=dict, help_text="Action to key, where it is not the usual one.")
    has_single_keys = models.BooleanField(default=True, help_text="Off: no shortcut is a single printable key.")
    reaction_ms = models.PositiveSmallIntegerField(default=800)
    preroll_ms = models.PositiveSmallIntegerField(default=1000)
    back_step_ms = models.PositiveSmallIntegerField(default=1500)
    skips_silence = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"Workbench of {self.person_id}"
