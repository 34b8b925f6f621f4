"""Totals of licensed measures (TAM-R, SAM, CAM) that were collected elsewhere. Figures only: no item, no wording, no answer."""

import uuid

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from supervision.models.cases import FamilyReference
from supervision.models.instruments import Instrument
from supervision.models.people import Membership, Team, User


class ScoreReportQuerySet(models.QuerySet["ScoreReport"]):
    def visible_to(self, user: User) -> "ScoreReportQuerySet":
        """Those who lead or administer the team; a person's own, where it is about them."""
        today = Membership.objects.of(user).on(timezone.localdate()).filter(team=OuterRef("team"))
        keeps = today.filter(role__in=[*Membership.LEADS, Membership.Role.ADMINISTRATOR])
        member = today.filter(role__in=[Membership.Role.THERAPIST, *Membership.SUPERVISORS])
        return self.filter(Exists(keeps) | Q(Exists(member), about=user))

    def kept(self) -> "ScoreReportQuerySet":
        return self.filter(withdrawn_at__isnull=True)


class ScoreReport(models.Model):
    """One respondent's score on one day. Append-only: a wrong one is withdrawn and entered again."""

    class Source(models.TextChoices):
        TYPED = "typed", "Typed"
        IMPORTED = "imported", "Imported from a file"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="score_reports")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="score_reports")
    about = models.ForeignKey(User, on_delete=models.PROTECT, related_name="score_reports", help_text="Whose adherence it is about.")
    family = models.ForeignKey(FamilyReference, null=True, blank=True, on_delete=models.PROTECT, related_name="score_reports")
    respondent = models.CharField(max_length=20, blank=True, help_text="A reference of the service's own; never a name.")
    occurred_on = models.DateField()
    values = models.JSONField(help_text="Item key to figure; null where that part had too few answers.")
    answered = models.PositiveSmallIntegerField(null=True, blank=True, help_text="How many questions were answered.")
    source = models.CharField(max_length=10, choices=Source.choices)
    batch = models.UUIDField(null=True, blank=True, help_text="The import it came with.")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    objects = ScoreReportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(recorded_by=models.F("about")), name="score_report_not_by_oneself"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="score_report_withdrawn_pair",
            ),
            models.UniqueConstraint(
                fields=["instrument", "about", "family", "respondent", "occurred_on"],
                condition=Q(withdrawn_at__isnull=True, family__isnull=False),
                name="unique_score_report_of_family",
            ),
            models.UniqueConstraint(
                fields=["instrument", "about", "respondent", "occurred_on"],
                condition=Q(withdrawn_at__isnull=True, family__isnull=True),
                name="unique_score_report_of_respondent",
            ),
        ]

    def __str__(self) -> str:
        return f"Score report {self.pk}"
