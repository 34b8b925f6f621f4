"""Gold recordings, and what raters prove on them."""

import uuid

from django.db import models
from django.db.models import F, Q

from recordings.models.recording import Recording
from recordings.models.vault import SealedText
from supervision.models import Instrument, User


class GoldStandard(models.Model):
    """A recording whose scores experts have settled. Everybody heard in it agreed to rater training."""

    class State(models.TextChoices):
        DRAFT = "draft", "Being prepared"
        IN_USE = "in_use", "In use"
        RETIRED = "retired", "No longer used"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="gold_standards")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(max_length=60, help_text="A neutral name such as Exercise 3; nothing about the family or the therapist.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "instrument"], name="unique_gold_standard")]

    def __str__(self) -> str:
        return f"Gold standard {self.pk}"


class GoldScore(models.Model):
    gold = models.ForeignKey(GoldStandard, on_delete=models.PROTECT, related_name="scores")
    item_key = models.SlugField()
    score = models.IntegerField(null=True, blank=True)
    is_not_applicable = models.BooleanField(default=False)
    reason = models.ForeignKey(SealedText, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gold", "item_key"], name="unique_gold_score"),
            models.CheckConstraint(condition=Q(is_not_applicable=False) | Q(score__isnull=True), name="gold_score_or_not_applicable"),
        ]

    def __str__(self) -> str:
        return f"Gold score {self.pk}"


class Certification(models.Model):
    """A rater's licence to rate with an instrument, until a date. Never renewed in place, nor taken up again once ended: a new one
    is added."""

    rater = models.ForeignKey(User, on_delete=models.PROTECT, related_name="certifications")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    certified_on = models.DateField()
    valid_until = models.DateField(help_text="The last day, inclusive.")
    basis = models.JSONField(help_text="Exercises, scores compared, agreement with gold and its interval, bias.")
    certified_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    end_reason = models.CharField(max_length=200, blank=True, help_text="Why it was ended before its time; nothing about a family.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True, end_reason="")
                | (Q(ended_at__isnull=False, ended_by__isnull=False) & ~Q(end_reason="")),
                name="certification_ended_with_a_reason",
            ),
            models.CheckConstraint(condition=Q(valid_until__gte=F("certified_on")), name="certification_dates"),
            models.CheckConstraint(condition=~Q(rater=F("certified_by")), name="certified_by_somebody_else"),
        ]

    def __str__(self) -> str:
        return f"Certification {self.pk}"
