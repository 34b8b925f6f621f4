"""An upload on its way in, resumable to the byte (tus). What has come lies sealed in the vault, part by part."""

import datetime as dt
import uuid

from django.db import models
from django.db.models import F, Q

from recordings.models.consent import Consent
from recordings.models.recording import Recording
from supervision.models import User


class UploadQuerySet(models.QuerySet["Upload"]):
    def visible_to(self, user: User) -> "UploadQuerySet":
        """Nobody's but the person's who began it."""
        return self.filter(user_id=user.pk)

    def open(self) -> "UploadQuerySet":
        return self.filter(state=Upload.State.OPEN)

    def expired(self, now: dt.datetime) -> "UploadQuerySet":
        return self.open().filter(expires_at__lte=now)


class Upload(models.Model):
    """The database's offset is the authority: it moves only once the bytes before it are durable."""

    class State(models.TextChoices):
        OPEN = "open", "Under way"
        FINISHED = "finished", "Received"
        REFUSED = "refused", "Not taken"
        EXPIRED = "expired", "Ran out"
        ENDED = "ended", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False, help_text="Also the id of its key.")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="uploads")
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="uploads")
    session_on = models.DateField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    length = models.PositiveBigIntegerField(help_text="Bytes in all.")
    offset = models.PositiveBigIntegerField(default=0, help_text="Bytes that are safely here.")
    name_sealed = models.BinaryField(blank=True, help_text="The file's name, for its owner only; encrypted, and gone with the upload.")
    refusal = models.CharField(max_length=300, blank=True)
    recording = models.OneToOneField(Recording, null=True, blank=True, on_delete=models.PROTECT, related_name="upload")
    began_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    lease = models.UUIDField(null=True, blank=True, help_text="Of the request that is writing.")
    lease_until = models.DateTimeField(null=True, blank=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(offset__lte=F("length")), name="upload_offset_within_length")]

    def __str__(self) -> str:
        return f"Upload {self.pk}"


class UploadPart(models.Model):
    """A sealed stretch of an upload."""

    upload = models.ForeignKey(Upload, on_delete=models.PROTECT, related_name="parts")
    number = models.PositiveIntegerField()
    object_id = models.UUIDField(help_text="Its sealed file.")
    size = models.PositiveBigIntegerField(help_text="Bytes of content.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="unique_upload_part")]

    def __str__(self) -> str:
        return f"Part {self.number} of {self.upload_id}"
