"""A recording that a family's newer consent was extended to."""

from django.db import models

from recordings.models.consent import Consent
from recordings.models.recording import Recording
from supervision.models import User


class EarlierConsent(models.Model):
    """A consent under which a recording stood before the family renewed it. Withdrawing it still destroys the recording."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="earlier_consents")
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="earlier_recordings")
    replaced_at = models.DateTimeField()
    replaced_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "consent"], name="unique_earlier_consent")]

    def __str__(self) -> str:
        return f"Earlier consent {self.pk}"
