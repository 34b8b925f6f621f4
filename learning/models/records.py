"""The training record: what outlives the page and the account."""

import uuid

from django.conf import settings
from django.db import models


class TrainingRecordQuerySet(models.QuerySet["TrainingRecord"]):
    def of(self, learner: models.Model) -> "TrainingRecordQuerySet":
        return self.filter(learner=learner)


class TrainingRecord(models.Model):
    """A course completed, frozen as it was. Only ever added."""

    reference = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    learner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="training_records")
    learner_name = models.CharField(max_length=255)
    enrolment = models.OneToOneField("learning.Enrolment", null=True, on_delete=models.SET_NULL, related_name="record")
    course_key = models.UUIDField(db_index=True)
    course_slug = models.SlugField(max_length=255)
    course_title = models.CharField(max_length=255)
    course_kind = models.CharField(max_length=20)
    hours = models.DecimalField(max_digits=5, decimal_places=1)
    completed_on = models.DateField(help_text="Local date on which the last lesson was done.")
    recorded_at = models.DateTimeField()
    lessons = models.JSONField(help_text="Title, minutes, date and revision of each lesson.")

    objects = TrainingRecordQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Training record {self.reference}"
