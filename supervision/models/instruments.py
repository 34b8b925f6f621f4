"""Instruments as data, and the ratings made with them. A rating is written once, when it is submitted, and never changed."""

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from supervision.models.people import Membership, Team, User


class Instrument(models.Model):
    slug = models.SlugField()
    version = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=160)
    introduction = models.TextField(blank=True)
    owner = models.CharField(max_length=160)
    licence_note = models.TextField()
    is_current = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slug", "version"], name="unique_instrument_version")]

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"


class Item(models.Model):
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="items")
    key = models.SlugField()
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=160)
    question = models.TextField(help_text="What the rater looks for.")
    anchors = models.JSONField(help_text='Score to wording, such as {"0": "...", "4": "..."}.')
    least = models.SmallIntegerField(default=0)
    most = models.SmallIntegerField(default=4)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instrument", "key"], name="unique_item_key")]

    def __str__(self) -> str:
        return f"Item {self.key}"


class RatingQuerySet(models.QuerySet["Rating"]):
    def visible_to(self, user: User) -> "RatingQuerySet":
        """A rater's own; once released, also the therapist's own and those of the teams a person leads."""
        leads = Membership.objects.of(user).on(timezone.localdate()).filter(role__in=Membership.LEADS, team=OuterRef("team"))
        released = Q(released_at__isnull=False) & (Q(therapist=user) | Exists(leads))
        return self.filter(Q(rater=user) | released)

    def released(self) -> "RatingQuerySet":
        return self.filter(released_at__isnull=False)


class Rating(models.Model):
    """One rater's submitted scores of one session. Outlives the recording that it was made from."""

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="ratings")
    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="ratings")
    rater = models.ForeignKey(User, on_delete=models.PROTECT, related_name="ratings_given")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="ratings")
    source = models.UUIDField(unique=True, help_text="The review it came from.")
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
    score = models.SmallIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rating", "item"], name="unique_item_score")]

    def __str__(self) -> str:
        return f"Score {self.pk}"
