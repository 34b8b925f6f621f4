"""Annotations on a time range and the blind adherence review they belong to. Comments are sealed; times, codes and scores are here."""

import uuid

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from recordings.models.recording import Recording
from recordings.models.vault import SealedText
from supervision.models import Instrument, Membership, Programme, User


class Code(models.Model):
    """An entry of a programme's code book: a word, a digit key, and a colour that never stands without its shape."""

    class Tone(models.TextChoices):
        STRENGTH = "strength", "Strength"
        NEUTRAL = "neutral", "Neutral"
        GROWTH = "growth", "To work on"

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="codes")
    slug = models.SlugField()
    name = models.CharField(max_length=80)
    definition = models.TextField()
    tone = models.CharField(max_length=10, choices=Tone.choices, default=Tone.NEUTRAL)
    digit = models.PositiveSmallIntegerField(null=True, blank=True, help_text="The key that applies it, 1 to 9.")
    colour = models.PositiveSmallIntegerField(default=1, help_text="A number of the palette, 1 to 8.")
    shape = models.CharField(max_length=12, default="circle")
    item_key = models.SlugField(blank=True, help_text="The instrument item that it most often bears on.")
    examples = models.TextField(blank=True, help_text="What it sounds like, and what it is not. One a line.")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    is_current = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)
    version = models.PositiveSmallIntegerField(default=1, help_text="Raised by every change of what the code means.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["programme", "slug"], name="unique_code_slug"),
            models.CheckConstraint(condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="code_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name


class CodeVersion(models.Model):
    """What a code meant from a time on: an annotation keeps the one that it was made with."""

    code = models.ForeignKey(Code, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=80)
    definition = models.TextField()
    examples = models.TextField(blank=True)
    tone = models.CharField(max_length=10, choices=Code.Tone.choices)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "number"], name="unique_code_version")]

    def __str__(self) -> str:
        return f"{self.name} (version {self.number})"


class ReviewQuerySet(models.QuerySet["Review"]):
    def visible_to(self, user: User) -> "ReviewQuerySet":
        """The rater's own while consultant of the team, or asked; once released, also the therapist's and the team leads'. Never
        an unreleased review of somebody else, and none at all to whoever is still rating that session: that is what blind means."""
        today = Membership.objects.of(user).on(timezone.localdate()).filter(team=OuterRef("recording__team"))
        consultant = today.filter(role=Membership.Role.CONSULTANT)
        leads = today.filter(role__in=Membership.LEADS)
        member = today.filter(role__in=[Membership.Role.THERAPIST, *Membership.SUPERVISORS])
        released = Q(state=Review.State.RELEASED) & (Exists(leads) | Q(Exists(member), recording__therapist=user))
        own = Q(rater=user) & (Exists(consultant) | Q(recording__in=Recording.objects.asked_of(user)))
        return self.filter(own | (released & ~Q(recording__in=Recording.objects.being_rated_by(user))))

    def open(self) -> "ReviewQuerySet":
        return self.filter(state=Review.State.IN_PROGRESS)


class Review(models.Model):
    class State(models.TextChoices):
        IN_PROGRESS = "in_progress", "In progress"
        SUBMITTED = "submitted", "Submitted"
        COMPARED = "compared", "Being compared"
        CONSENSUS = "consensus", "Agreed"
        RELEASED = "released", "Released"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="reviews")
    rater = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reviews")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    assignment = models.OneToOneField("recordings.Assignment", null=True, blank=True, on_delete=models.PROTECT, related_name="review")
    state = models.CharField(max_length=15, choices=State.choices, default=State.IN_PROGRESS)
    started_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    is_blind = models.BooleanField(default=True, help_text="The rater could not see another review of this recording before submitting.")
    share_heard = models.FloatField(null=True, blank=True, help_text="Share heard by the rater at submission, 0 to 1.")
    seen_by_therapist_at = models.DateTimeField(null=True, blank=True)
    position_ms = models.PositiveIntegerField(default=0, help_text="Where the rater stopped.")
    strengths = models.ForeignKey(SealedText, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    next_step = models.ForeignKey(SealedText, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recording", "rater", "instrument"], name="unique_review_per_rater"),
            models.CheckConstraint(
                condition=Q(state="in_progress", submitted_at__isnull=True) | (~Q(state="in_progress") & Q(submitted_at__isnull=False)),
                name="review_submitted_pair",
            ),
            models.CheckConstraint(
                condition=Q(state="released", released_at__isnull=False) | (~Q(state="released") & Q(released_at__isnull=True)),
                name="review_released_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"Review {self.pk}"


class AnnotationQuerySet(models.QuerySet["Annotation"]):
    def visible_to(self, user: User) -> "AnnotationQuerySet":
        return self.filter(review__in=Review.objects.visible_to(user))

    def kept(self) -> "AnnotationQuerySet":
        return self.filter(removed_at__isnull=True)


class Annotation(models.Model):
    """A time range, in milliseconds of the playback derivative, with a code and perhaps a sealed comment."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="annotations")
    code = models.ForeignKey(Code, on_delete=models.PROTECT, related_name="+")
    code_version = models.ForeignKey(CodeVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    start_ms = models.PositiveIntegerField()
    end_ms = models.PositiveIntegerField()
    comment = models.ForeignKey(SealedText, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    version = models.PositiveIntegerField(default=1, help_text="Raised by every change; an edit of an older version is refused.")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True, help_text="Removed by the rater; can be undone until submission.")

    objects = AnnotationQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(end_ms__gt=F("start_ms")), name="annotation_has_length")]

    def __str__(self) -> str:
        return f"Annotation {self.pk}"


class DraftScore(models.Model):
    """A rating in the making: a score or "not applicable", and the moments it rests on. At submission it becomes a `supervision.Rating`."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="draft_scores")
    item_key = models.SlugField()
    score = models.IntegerField(null=True, blank=True)
    is_counted = models.BooleanField(default=False, help_text="Filled from annotations; a person's own figure takes its place.")
    is_not_applicable = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField()
    evidence = models.ManyToManyField(Annotation, related_name="+", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "item_key"], name="unique_draft_score"),
            models.CheckConstraint(condition=Q(is_not_applicable=False) | Q(score__isnull=True), name="draft_score_or_not_applicable"),
        ]

    def __str__(self) -> str:
        return f"Draft score {self.pk}"


class Reply(models.Model):
    """What the therapist (or the reviewer) says back, to the whole review or to one moment."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="replies")
    annotation = models.ForeignKey(Annotation, null=True, blank=True, on_delete=models.PROTECT, related_name="replies")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.ForeignKey(SealedText, null=True, on_delete=models.SET_NULL, related_name="+")
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Reply {self.pk}"
