"""Who rates what, by when; how two ratings of one session are compared and agreed; what the therapist thinks of it."""

import uuid

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from recordings.models.recording import Recording
from recordings.models.review import Annotation, Review
from recordings.models.vault import SealedText
from supervision.models import FamilyReference, Instrument, Membership, Team, User


class SamplingPlan(models.Model):
    """Which of a team's recordings are rated with an instrument, and which of those twice."""

    class Mode(models.TextChoices):
        ALL = "all", "Every recording"
        NTH = "nth", "Every nth of each therapist"
        RANDOM = "random", "A random share, the same in each stratum"

    class Strata(models.TextChoices):
        THERAPIST = "therapist", "Each therapist"
        FAMILY = "family", "Each family"
        MONTH = "month", "Each month"

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="sampling_plans")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.ALL)
    every = models.PositiveSmallIntegerField(default=1, help_text="For every nth: the n.")
    share = models.FloatField(default=1, help_text="For a random share: 0 to 1.")
    strata = models.CharField(max_length=10, choices=Strata.choices, default=Strata.THERAPIST)
    double_share = models.FloatField(default=0.2, help_text="Share of these that a second rater rates blind, 0 to 1.")
    due_days = models.PositiveSmallIntegerField(default=14, help_text="Days from the recording's arrival to the review.")
    seed = models.PositiveIntegerField(help_text="Makes the random choice repeatable.")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(every__gte=1), name="sampling_plan_every"),
            models.CheckConstraint(condition=Q(share__gte=0, share__lte=1), name="sampling_plan_share_range"),
            models.CheckConstraint(condition=Q(double_share__gte=0, double_share__lte=1), name="sampling_plan_double_share_range"),
            models.CheckConstraint(condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="sampling_plan_dates"),
        ]

    def __str__(self) -> str:
        return f"Sampling plan {self.pk}"


class SamplingDraw(models.Model):
    """What a plan decided about one recording; decided once."""

    plan = models.ForeignKey(SamplingPlan, on_delete=models.PROTECT, related_name="draws")
    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="draws")
    is_chosen = models.BooleanField()
    is_double = models.BooleanField(default=False)
    drawn_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plan", "recording"], name="unique_sampling_draw")]

    def __str__(self) -> str:
        return f"Draw {self.pk}"


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def visible_to(self, user: User) -> "AssignmentQuerySet":
        """A rater's own; a team's first and second ratings to its supervisors, who see that they are due and never what is in them."""
        today = Membership.objects.of(user).on(timezone.localdate()).filter(team=OuterRef("recording__team"))
        supervises = today.filter(role__in=Membership.SUPERVISORS)
        return self.filter(Q(rater=user) | (Exists(supervises) & ~Q(part=Assignment.Part.GOLD)))

    def open(self) -> "AssignmentQuerySet":
        """Neither skipped nor submitted."""
        done = Review.objects.filter(assignment=OuterRef("pk"), submitted_at__isnull=False)
        return self.filter(~Exists(done), skipped_at__isnull=True)


class Assignment(models.Model):
    """A recording that a rater is to rate with an instrument by a date. Its review begins when the rater does."""

    class Part(models.TextChoices):
        FIRST = "first", "Review"
        SECOND = "second", "Second, blind rating"
        GOLD = "gold", "Calibration"

    class Skip(models.TextChoices):
        CONFLICT = "conflict", "I know this family or am too close to this therapist"
        SOUND = "sound", "The sound cannot be rated"
        UNSUITABLE = "unsuitable", "This session is not one that the instrument is for"
        NO_TIME = "no_time", "I cannot do it in time"
        GONE = "gone", "The recording is gone"
        TAKEN_OFF = "taken_off", "Taken off by the team"
        NOT_AGREED = "not_agreed", "The family no longer agrees to it"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="assignments")
    rater = models.ForeignKey(User, on_delete=models.PROTECT, related_name="assignments")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    part = models.CharField(max_length=10, choices=Part.choices, default=Part.FIRST)
    is_hidden = models.BooleanField(default=False, help_text="A gold recording that looks like any other in the queue.")
    plan = models.ForeignKey(SamplingPlan, null=True, blank=True, on_delete=models.PROTECT, related_name="assignments")
    gold = models.ForeignKey("recordings.GoldStandard", null=True, blank=True, on_delete=models.PROTECT, related_name="assignments")
    due_on = models.DateField()
    assigned_at = models.DateTimeField()
    assigned_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    skipped_at = models.DateTimeField(null=True, blank=True)
    skipped_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    skip_reason = models.CharField(max_length=12, choices=Skip.choices, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recording", "rater", "instrument"], name="unique_assignment"),
            models.UniqueConstraint(
                fields=["recording", "instrument", "part"],
                condition=Q(skipped_at__isnull=True) & ~Q(part="gold"),
                name="unique_assignment_part",
            ),
            models.CheckConstraint(
                condition=Q(skipped_at__isnull=True, skip_reason="") | (Q(skipped_at__isnull=False) & ~Q(skip_reason="")),
                name="assignment_skipped_pair",
            ),
            models.CheckConstraint(
                condition=Q(part="gold", gold__isnull=False) | (~Q(part="gold") & Q(gold__isnull=True, is_hidden=False)),
                name="assignment_gold_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"Assignment {self.pk}"


class ConflictOfInterest(models.Model):
    """Somebody who does not rate a therapist, or sessions of a family."""

    rater = models.ForeignKey(User, on_delete=models.PROTECT, related_name="conflicts")
    therapist = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    family = models.ForeignKey(FamilyReference, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    declared_at = models.DateTimeField()
    declared_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(therapist__isnull=False, family__isnull=True) | Q(therapist__isnull=True, family__isnull=False),
                name="conflict_about_one",
            )
        ]

    def __str__(self) -> str:
        return f"Conflict of interest {self.pk}"


class SelfRatingQuerySet(models.QuerySet["SelfRating"]):
    def visible_to(self, user: User) -> "SelfRatingQuerySet":
        """The therapist's own while in the team. Once handed in, also of whoever has submitted a review of that session, and,
        once feedback is released, of those who lead the team; never of somebody who is still rating it."""
        today = Membership.objects.of(user).on(timezone.localdate()).filter(team=OuterRef("recording__team"))
        member = today.filter(role__in=[Membership.Role.THERAPIST, *Membership.SUPERVISORS])
        own = Q(Exists(member), recording__therapist=user)
        rated = Review.objects.visible_to(user).filter(recording=OuterRef("recording"), rater=user, submitted_at__isnull=False)
        released = Review.objects.filter(recording=OuterRef("recording"), released_at__isnull=False)
        leads = today.filter(role__in=Membership.LEADS)
        handed_in = Q(submitted_at__isnull=False) & (Exists(rated) | (Exists(released) & Exists(leads)))
        return self.filter(own | (handed_in & ~Q(recording__in=Recording.objects.being_rated_by(user))))


class SelfRating(models.Model):
    """The therapist's own rating of a session, made before the feedback and kept apart from it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="self_ratings")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    scores = models.JSONField(default=dict, help_text='Item key to score; "na" for not applicable.')
    note = models.ForeignKey(SealedText, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)

    objects = SelfRatingQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "instrument"], name="unique_self_rating")]

    def __str__(self) -> str:
        return f"Self-rating {self.pk}"


class ComparisonQuerySet(models.QuerySet["Comparison"]):
    def visible_to(self, user: User) -> "ComparisonQuerySet":
        """The two raters': one who was asked from outside until they have agreed, a consultant of the team for good. Once it is
        released, also of those who lead the team; never of somebody who is still rating that session."""
        today = Membership.objects.of(user).on(timezone.localdate()).filter(team=OuterRef("first__recording__team"))
        consultant = today.filter(role=Membership.Role.CONSULTANT)
        asked = Q(first__recording__in=Recording.objects.asked_of(user))
        own = (Q(first__rater=user) | Q(second__rater=user)) & (Exists(consultant) | asked)
        released = Q(released_at__isnull=False) & Exists(today.filter(role__in=Membership.LEADS))
        return self.filter(own | (released & ~Q(first__recording__in=Recording.objects.being_rated_by(user))))

    def open(self) -> "ComparisonQuerySet":
        """Not released yet, of recordings that there still are."""
        return self.filter(released_at__isnull=True).exclude(first__recording__state=Recording.State.DESTROYED)


class Comparison(models.Model):
    """Two blind reviews of one recording side by side, the talk about them, and what both raters agree on."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    first = models.OneToOneField(Review, on_delete=models.PROTECT, related_name="comparison_as_first")
    second = models.OneToOneField(Review, on_delete=models.PROTECT, related_name="comparison_as_second")
    opened_at = models.DateTimeField()
    agreed_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)

    objects = ComparisonQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(first=F("second")), name="comparison_of_two")]

    def __str__(self) -> str:
        return f"Comparison {self.pk}"


class ConsensusScore(models.Model):
    """One item of a comparison as proposed by one rater and agreed to by the other."""

    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="scores")
    item_key = models.SlugField()
    score = models.IntegerField(null=True, blank=True)
    is_not_applicable = models.BooleanField(default=False)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    agreed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["comparison", "item_key"], name="unique_consensus_score"),
            models.CheckConstraint(
                condition=Q(is_not_applicable=False, score__isnull=False) | Q(is_not_applicable=True, score__isnull=True),
                name="consensus_score_or_not_applicable",
            ),
            models.CheckConstraint(condition=Q(agreed_by__isnull=True) | ~Q(agreed_by=F("proposed_by")), name="consensus_of_two"),
        ]

    def __str__(self) -> str:
        return f"Consensus score {self.pk}"


class ComparisonNote(models.Model):
    """What a rater says in the discussion, of one item or of the whole."""

    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, related_name="notes")
    item_key = models.SlugField(blank=True)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.ForeignKey(SealedText, null=True, on_delete=models.SET_NULL, related_name="+")
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Comparison note {self.pk}"


class Contest(models.Model):
    """A therapist disagrees with one score of released feedback. Somebody else than the rater decides with the rater; the original stays."""

    class State(models.TextChoices):
        OPEN = "open", "Waiting"
        KEPT = "kept", "The score stays"
        CHANGED = "changed", "A consensus stands beside it"
        TAKEN_BACK = "taken_back", "Taken back"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="contests")
    item_key = models.SlugField()
    text = models.ForeignKey(SealedText, null=True, on_delete=models.SET_NULL, related_name="+")
    raised_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    raised_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    score = models.IntegerField(null=True, blank=True, help_text="The consensus, where there is one.")
    is_not_applicable = models.BooleanField(default=False)
    answer = models.ForeignKey(SealedText, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    answered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    closed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["review", "item_key"], condition=Q(state="open"), name="unique_open_contest"),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="contest_closed_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"Contest {self.pk}"


class TriedIt(models.Model):
    """What became of a piece of feedback in a later session, in the therapist's words."""

    class Outcome(models.TextChoices):
        HELPED = "helped", "I tried it, and it helped"
        MIXED = "mixed", "I tried it, with mixed results"
        NO_HELP = "no_help", "I tried it, and it did not help"
        NOT_YET = "not_yet", "I have not had the chance yet"

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="tried")
    annotation = models.ForeignKey(Annotation, null=True, blank=True, on_delete=models.PROTECT, related_name="tried")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    text = models.ForeignKey(SealedText, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Tried it {self.pk}"


class ConcernQuerySet(models.QuerySet["Concern"]):
    def visible_to(self, user: User) -> "ConcernQuerySet":
        """The team's supervisors and the recording's therapist unless left out, each while in the team; whoever raised it while in
        the service. Being the team's supervisor does not show a concern to the therapist who was left out of it."""
        today = Membership.objects.of(user).on(timezone.localdate())
        in_team = today.filter(team=OuterRef("recording__team"))
        supervises = Q(Exists(in_team.filter(role__in=Membership.SUPERVISORS))) & ~Q(recording__therapist=user)
        told = Q(Exists(in_team), recording__therapist=user, with_therapist=True)
        return self.filter(supervises | told | Q(Exists(today), raised_by=user))

    def open(self) -> "ConcernQuerySet":
        return self.filter(closed_at__isnull=True)


class Concern(models.Model):
    """A worry about somebody's safety that a listener raises from a recording. Its words are sealed; that it is open is not."""

    class Urgency(models.TextChoices):
        NOW = "now", "Somebody may be in danger now"
        SOON = "soon", "It should be looked at today"
        TALK = "talk", "To be talked about at the next meeting"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="concerns")
    at_ms = models.PositiveIntegerField(null=True, blank=True, help_text="Where in the recording, in milliseconds.")
    urgency = models.CharField(max_length=5, choices=Urgency.choices)
    with_therapist = models.BooleanField(default=True, help_text="The recording's therapist may read it too.")
    text = models.ForeignKey(SealedText, null=True, on_delete=models.SET_NULL, related_name="+")
    raised_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    raised_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    outcome = models.ForeignKey(SealedText, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects = ConcernQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True) | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="concern_closed_pair",
            )
        ]

    def __str__(self) -> str:
        return f"Concern {self.pk}"
