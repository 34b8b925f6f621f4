"""Instruments as data: sections, items with their scales, derived scores with their formulas. A version that has been used never changes."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from modelcluster.fields import ParentalKey, ParentalManyToManyField
from modelcluster.models import ClusterableModel

from supervision.models.people import Programme


class Instrument(ClusterableModel):
    class Kind(models.TextChoices):
        REVIEW = "review", "Rated from a recording"
        SCORES = "scores", "Scores that come from elsewhere"

    slug = models.SlugField()
    version = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=160)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.REVIEW)
    introduction = models.TextField(blank=True)
    owner = models.CharField(max_length=160)
    licence_note = models.TextField()
    minimum_heard = models.FloatField(
        default=0, help_text="The least share of the session, 0 to 1, that a rater must have heard before submitting."
    )
    programmes = ParentalManyToManyField(
        Programme, blank=True, related_name="instruments", help_text="Which programmes use it. None: all of them."
    )
    is_current = models.BooleanField(default=True)
    first_used_at = models.DateTimeField(null=True, blank=True, help_text="From then on this version is locked.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="unique_instrument_version"),
            models.CheckConstraint(condition=Q(minimum_heard__gte=0, minimum_heard__lte=1), name="instrument_minimum_heard_range"),
        ]

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"


class Section(models.Model):
    """A heading under which items stand."""

    sort_order_field = "position"  # for the back office, where rows are moved

    instrument = ParentalKey(Instrument, on_delete=models.PROTECT, related_name="sections")
    key = models.SlugField()
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=160)
    introduction = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instrument", "key"], name="unique_section_key")]

    def __str__(self) -> str:
        return self.name


def no_anchors() -> dict[str, Any]:
    return {}


class Item(models.Model):
    class Scale(models.TextChoices):
        ORDINAL = "ordinal", "Ordered steps, each with an anchor"
        YES_NO = "yes_no", "Yes or no"
        COUNT = "count", "A count, filled from annotations"
        DURATION = "duration", "Seconds, filled from annotations"
        DECIMAL = "decimal", "A figure that comes from elsewhere"

    sort_order_field = "position"

    instrument = ParentalKey(Instrument, on_delete=models.PROTECT, related_name="items")
    section_key = models.SlugField(blank=True, help_text="The key of the section under which it stands.")
    key = models.SlugField()
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=160)
    question = models.TextField(help_text="What the rater looks for.")
    scale = models.CharField(max_length=10, choices=Scale.choices, default=Scale.ORDINAL)
    anchors = models.JSONField(default=no_anchors, blank=True, help_text='Score to wording, such as {"0": "...", "4": "..."}.')
    least = models.SmallIntegerField(default=0)
    most = models.IntegerField(default=4)
    allows_na = models.BooleanField("may be not applicable", default=True)
    codes = models.JSONField(default=list, blank=True, help_text="For counts and durations: the codes whose annotations fill it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instrument", "key"], name="unique_item_key"),
            models.CheckConstraint(condition=Q(most__gte=F("least")), name="item_most_after_least"),
        ]

    def __str__(self) -> str:
        return f"Item {self.key}"


class DerivedScore(models.Model):
    """A figure worked out from the items of one rating, by a formula over their keys. Never stored: `supervision/formulas.py`."""

    sort_order_field = "position"

    instrument = ParentalKey(Instrument, on_delete=models.PROTECT, related_name="derived_scores")
    key = models.SlugField()
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=160)
    formula = models.CharField(max_length=400, help_text="Such as: reflections / questions.")
    decimals = models.PositiveSmallIntegerField(default=2)
    is_percent = models.BooleanField(default=False)
    explanation = models.TextField(blank=True, help_text="What it says, and where it comes from.")
    thresholds = models.JSONField(default=list, blank=True, help_text='Such as [{"least": 0.61, "label": "at target"}], in order.')

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instrument", "key"], name="unique_derived_score_key")]

    def __str__(self) -> str:
        return f"Derived score {self.key}"
