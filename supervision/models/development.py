"""What a therapist means to practise next, and which topics a team's findings bring into its next booster."""

import uuid

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from supervision.models.instruments import Item
from supervision.models.people import Membership, Team, User


class DevelopmentGoalQuerySet(models.QuerySet["DevelopmentGoal"]):
    def visible_to(self, user: User) -> "DevelopmentGoalQuerySet":
        """The therapist's own while in the team, and those of the teams a person leads."""
        today = Membership.objects.of(user).on(timezone.localdate()).filter(team=OuterRef("team"))
        leads = today.filter(role__in=Membership.LEADS)
        own = today.filter(role__in=[Membership.Role.THERAPIST, *Membership.SUPERVISORS])
        return self.filter(Exists(leads) | Q(Exists(own), therapist=user))

    def open(self) -> "DevelopmentGoalQuerySet":
        return self.filter(state=DevelopmentGoal.State.OPEN)


class DevelopmentGoal(models.Model):
    """One thing to practise, in words about the therapist's practice and never about a family."""

    class State(models.TextChoices):
        OPEN = "open", "Being practised"
        MET = "met", "Met"
        DROPPED = "dropped", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="development_goals")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="development_goals")
    item = models.ForeignKey(Item, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=400)
    source = models.UUIDField(null=True, blank=True, help_text="The review it came from.")
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    look_again_on = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(max_length=400, blank=True)

    objects = DevelopmentGoalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="development_goal_closed_pair",
            )
        ]

    def __str__(self) -> str:
        return f"Development goal {self.pk}"


class BoosterTopic(models.Model):
    """What a team decided about a topic that its findings proposed. The proposals themselves are worked out on read."""

    class Decision(models.TextChoices):
        CHOSEN = "chosen", "Chosen"
        LEFT = "left", "Left for now"

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="booster_topics")
    instrument_slug = models.SlugField()
    item_key = models.SlugField()
    item_name = models.CharField(max_length=160)
    quarter_starts_on = models.DateField()
    decision = models.CharField(max_length=10, choices=Decision.choices)
    note = models.CharField(max_length=300, blank=True)
    evidence = models.JSONField(help_text="The figures as they stood: sessions, therapists, mean, interval, threshold.")
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "instrument_slug", "item_key", "quarter_starts_on"], name="unique_booster_topic")
        ]

    def __str__(self) -> str:
        return f"Booster topic {self.pk}"
