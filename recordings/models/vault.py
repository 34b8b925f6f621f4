"""Where sealed content lies. Keys are not here: they are in the key store (`vault.py`), apart from this database."""

import uuid

from django.db import models
from django.db.models import Q

from recordings.models.recording import Recording
from supervision.models import User


class SealedObject(models.Model):
    """A sealed file of a recording: original, playback derivative or features."""

    class Kind(models.TextChoices):
        ORIGINAL = "original", "Original"
        PLAYBACK = "playback", "Playback"
        FEATURES = "features", "Peaks and words"
        VOICE = "voice", "Checkpoint: where somebody speaks"
        PIECE = "piece", "Checkpoint of the transcription"
        SPEAKERS = "speakers", "Checkpoint: who speaks when"
        VIDEO = "video", "Picture and sound"
        REDACTED = "redacted", "Playback with names muted"
        CLIP = "clip", "Teaching clip"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="objects_sealed")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    number = models.PositiveIntegerField(default=0, help_text="For pieces: their place.")
    size = models.PositiveBigIntegerField(help_text="Bytes of content.")
    sha256 = models.CharField(max_length=64, help_text="Of the sealed file, for manifests and certificates.")
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "kind", "number"], name="unique_sealed_object")]

    def __str__(self) -> str:
        return f"Sealed object {self.pk}"


class SealedText(models.Model):
    """A short text about a recording (comment, reply), encrypted under that recording's own key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="texts_sealed")
    ciphertext = models.BinaryField()

    def __str__(self) -> str:
        return f"Sealed text {self.pk}"


class DestructionCertificate(models.Model):
    """What was destroyed, when, why and on whose word. Outlives the recording."""

    class Reason(models.TextChoices):
        WITHDRAWAL = "withdrawal", "Consent withdrawn"
        RETENTION = "retention", "Retention ended"
        MISTAKE = "mistake", "Uploaded by mistake"

    reference = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    recording = models.OneToOneField(Recording, on_delete=models.PROTECT, related_name="certificate")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    note = models.CharField(max_length=300, blank=True)
    items = models.JSONField(help_text="Kind, size and SHA-256 of every sealed object; counts of texts.")
    key_destroyed_at = models.DateTimeField()
    backups_unreadable_on = models.DateField(help_text="When the last backup of the key store has aged out.")
    destroyed_at = models.DateTimeField()
    destroyed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(destroyed_at__isnull=False), name="certificate_dated")]

    def __str__(self) -> str:
        return f"Destruction certificate {self.reference}"
