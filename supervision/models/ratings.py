"""Ratings. A rating is written once, when it is submitted, and never changed; a consensus stands beside the originals."""

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from supervision import blinding
from supervision.models.instruments import Instrument, Item
from supervision.models.people import Membership, Team, User


class RatingQuerySet(models.QuerySet["Rating"]):
    def visible_to(self, user: User) -> "RatingQuerySet":
        """A rater's own; once released, also the therapist's own and those of the teams a person leads, but of no session that
        the person is still rating."""
        leads = Membership.objects.of(user).on(timezone.localdate()).filter(role__in=Membership.LEADS, team=OuterRef("team"))
        released = Q(released_at__isnull=False) & (Q(therapist=user) | Exists(leads))
        return self.filter(Q(rater=user) | (released & blinding.open_to(user)))

    def released(self) -> "RatingQuerySet":
        """What counts about a therapist: never a self-rating or an exercise, released or not."""
        return self.filter(released_at__isnull=False, kind__in=[Rating.Kind.RATER, Rating.Kind.CONSENSUS])


class Rating(models.Model):
    """One rater's submitted scores of one session. Outlives the recording that it was made from."""

    class Kind(models.TextChoices):
        RATER = "rater", "A rater's"
        SELF = "self", "The therapist's own"
        CONSENSUS = "consensus", "Agreed by two raters"
        EXERCISE = "exercise", "Calibration"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.RATER)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="ratings")
    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="ratings")
    rater = models.ForeignKey(User, on_delete=models.PROTECT, related_name="ratings_given")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="ratings")
    source = models.UUIDField(unique=True, help_text="The review (or self-rating, or comparison) it came from.")
    session = models.UUIDField(null=True, blank=True, db_index=True, help_text="The recording's id: ratings of one session share it.")
    is_blind = models.BooleanField(default=True, help_text="The rater could not see another rating of this session before submitting.")
    session_on = models.DateField(help_text="The day of the rated session.")
    share_heard = models.FloatField(help_text="Share of the session that the rater heard, 0 to 1.")
    submitted_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)

    objects = RatingQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(share_heard__gte=0, share_heard__lte=1), name="rating_share_heard_range")]

    def __str__(self) -> str:
        return f"Rating {self.pk}"


class ItemScore(models.Model):
    """A score, or "not applicable" (score is null)."""

    rating = models.ForeignKey(Rating, on_delete=models.PROTECT, related_name="scores")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    score = models.IntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rating", "item"], name="unique_item_score")]

    def __str__(self) -> str:
        return f"Score {self.pk}"
