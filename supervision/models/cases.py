"""Families are known here by a reference and initials, never by name."""

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from supervision.models.people import Membership, Team, User


class FamilyReferenceQuerySet(models.QuerySet["FamilyReference"]):
    def visible_to(self, user: User) -> "FamilyReferenceQuerySet":
        """The therapist's own families while in the team; all of a team's for those who lead it."""
        today = Membership.objects.of(user).on(timezone.localdate()).filter(team=OuterRef("team"))
        leads = today.filter(role__in=Membership.LEADS)
        own = today.filter(role__in=[Membership.Role.THERAPIST, *Membership.SUPERVISORS])
        return self.filter(Exists(leads) | Q(Exists(own), therapist=user))

    def open(self) -> "FamilyReferenceQuerySet":
        return self.filter(closed_on__isnull=True)


class FamilyReference(models.Model):
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="families")
    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="families")
    reference = models.CharField(max_length=20, help_text="The service's own case reference; never a name.")
    initials = models.CharField(max_length=8, blank=True)
    opened_on = models.DateField()
    closed_on = models.DateField(null=True, blank=True)

    objects = FamilyReferenceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "reference"], name="unique_family_reference"),
            models.CheckConstraint(
                condition=Q(closed_on__isnull=True) | Q(closed_on__gte=F("opened_on")), name="family_closed_after_opening"
            ),
        ]

    def __str__(self) -> str:
        return f"Family {self.reference}"
