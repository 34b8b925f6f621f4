"""How long a recording is kept: legal holds, extensions, and the warnings that were given beforehand."""

import datetime as dt

from django.db import models
from django.db.models import F, Q

from recordings.models.recording import Recording
from supervision.models import User


class LegalHoldQuerySet(models.QuerySet["LegalHold"]):
    def visible_to(self, user: User) -> "LegalHoldQuerySet":
        """Those on the recordings that a person may know of."""
        return self.filter(recording__in=Recording.objects.visible_to(user))

    def in_force(self, day: dt.date) -> "LegalHoldQuerySet":
        """Agreed by a second person, not ended before the day and not released."""
        return self.filter(agreed_at__isnull=False, released_at__isnull=True, ends_on__gte=day)

    def awaiting_agreement(self) -> "LegalHoldQuerySet":
        return self.filter(agreed_at__isnull=True, released_at__isnull=True)


class LegalHold(models.Model):
    """Blocks destruction until it ends; opens nothing to anybody. Takes two people: one asks, another agrees."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="holds")
    reason = models.CharField(max_length=300)
    ends_on = models.DateField(help_text="The last day, inclusive.")
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField(null=True, blank=True)
    agreed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    released_at = models.DateTimeField(null=True, blank=True, help_text="Ended early, or never agreed to.")
    released_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(agreed_by__isnull=True) | ~Q(agreed_by=F("asked_by")), name="legal_hold_two_people"),
            models.CheckConstraint(
                condition=Q(agreed_at__isnull=True, agreed_by__isnull=True) | Q(agreed_at__isnull=False, agreed_by__isnull=False),
                name="legal_hold_agreed_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"Legal hold {self.pk}"


class RetentionExtension(models.Model):
    """Keeps a recording longer than its programme says, for a reason. The latest one counts."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="extensions")
    until = models.DateField(help_text="The day of destruction instead.")
    reason = models.CharField(max_length=300)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"Extension {self.pk}"


class RetentionWarning(models.Model):
    """That a person was told of a coming destruction; one for each recording, day and person, so that nobody is told twice."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="warnings")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField()
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "due_on", "person"], name="unique_retention_warning")]

    def __str__(self) -> str:
        return f"Retention warning {self.pk}"
