"""A recording of a session and the ledger of its processing. Nothing here holds a word that was spoken."""

import datetime as dt
import uuid
from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Cast, TruncDate
from django.utils import timezone

from recordings.models.consent import Consent, ConsentPerson, Purpose
from supervision.models import FamilyReference, Membership, Team, User


class RecordingQuerySet(models.QuerySet["Recording"]):
    def visible_to(self, user: User) -> "RecordingQuerySet":
        """Who may know that a recording exists: its therapist while in the team, those who lead the team today, a rater for as
        long as asked, and the information governance lead (who sees the facts, never the content: `permissions.can_listen`)."""
        today = Membership.objects.of(user).on(timezone.localdate())
        in_team = today.filter(team=OuterRef("team"))
        leads = in_team.filter(role__in=Membership.LEADS)
        own = in_team.filter(role__in=[Membership.Role.THERAPIST, *Membership.SUPERVISORS])
        governance = today.filter(role=Membership.Role.IG_LEAD)
        return self.filter(Exists(leads) | Q(Exists(own), therapist=user) | Exists(governance) | Q(pk__in=self.asked_of(user)))

    def kept(self) -> "RecordingQuerySet":
        return self.exclude(state=Recording.State.DESTROYED)

    def ready(self) -> "RecordingQuerySet":
        return self.filter(state=Recording.State.READY)

    def reviewable(self) -> "RecordingQuerySet":
        """Those that can be heard and whose waveform is drawn; the transcript may still be on its way."""
        drawn = Recording.objects.kept().filter(objects_sealed__kind="features")
        return self.filter(Q(state=Recording.State.READY) | Q(pk__in=drawn.values("pk")))

    def agreed_to(self, purpose: str, *, on: dt.date) -> "RecordingQuerySet":
        """Those whose consent is in force on that day for the purpose, whose every person heard agreed to it, and whose consent has
        something to show for it unless the purpose is only to be recorded: `consent.covers` for lists."""
        heard = ConsentPerson.objects.filter(consent=OuterRef("consent"))
        # The stored JSON as text: SQLite has no JSON containment.
        without = heard.annotate(agreed=Cast("purposes", models.TextField())).exclude(agreed__contains=f'"{purpose}"')
        given = Consent.objects.in_force(on).still_for(purpose)
        shown = given if purpose == Purpose.RECORD else given.evidenced()
        return self.filter(Exists(heard), ~Exists(without), consent__in=shown)

    def asked_of(self, user: User) -> "models.QuerySet[Recording, Any]":
        """The ids of kept recordings that a consultant of the programme has been asked to rate: until that is done or given back.
        One of two raters keeps it until the two have agreed; a calibration ends with its submission."""
        today = Membership.objects.of(user).on(timezone.localdate())
        consults = today.filter(role=Membership.Role.CONSULTANT, team__programme=OuterRef("team__programme"))
        under_way = Q(assignments__review__isnull=True) | Q(assignments__review__state="in_progress")
        between = Q(assignments__review__state__in=["submitted", "compared"], assignments__part__in=["first", "second"])
        asked = Recording.objects.filter(under_way | between, assignments__rater=user, assignments__skipped_at__isnull=True)
        return Recording.objects.kept().filter(Exists(consults), pk__in=asked.values("pk")).values("pk")

    def being_rated_by(self, user: User) -> "models.QuerySet[Recording, Any]":
        """The ids of kept recordings that the person has been asked to rate, or has begun to, and has not submitted: of these
        nothing is shown that another rater, or the therapist, gave or wrote."""
        asked = Recording.objects.filter(assignments__rater=user, assignments__skipped_at__isnull=True, assignments__review__isnull=True)
        begun = Recording.objects.filter(reviews__rater=user, reviews__state="in_progress", reviews__assignment__skipped_at__isnull=True)
        return Recording.objects.kept().filter(Q(pk__in=asked.values("pk")) | Q(pk__in=begun.values("pk"))).values("pk")

    def awaiting_review_by(self, user: User) -> "RecordingQuerySet":
        """Reviewable recordings of others in the teams that the person consults to, which that person has not begun to review;
        not those that a sampling plan decides about, or that the person was asked to rate, or gave back, or has a conflict with."""
        today = timezone.localdate()
        consults = Membership.objects.of(user).on(today).filter(role=Membership.Role.CONSULTANT, team=OuterRef("team"))
        ready = self.reviewable().agreed_to(Purpose.RECORD, on=today).agreed_to(Purpose.REVIEW, on=today)
        begun = Recording.objects.filter(Q(reviews__rater=user) | Q(assignments__rater=user))
        others = ready.filter(Exists(consults)).exclude(therapist=user).exclude(pk__in=begun.values("pk"))
        return others.free_of_conflict(user).unplanned()

    def free_of_conflict(self, user: User) -> "RecordingQuerySet":
        """Without those of a therapist, or of a family, about whom the person has declared a conflict of interest."""
        declared = user.conflicts.filter(ended_at__isnull=True)
        therapists = declared.filter(therapist__isnull=False).values("therapist")
        families = declared.filter(family__isnull=False).values("family")
        return self.exclude(therapist__in=therapists).exclude(family__in=families)

    def unplanned(self) -> "RecordingQuerySet":
        """Those about which no sampling plan of their team decides, by the local day of their arrival."""
        arrived = TruncDate("uploaded_at")
        planned = Recording.objects.annotate(arrived_on=arrived).filter(
            Q(team__sampling_plans__ends_on__isnull=True) | Q(team__sampling_plans__ends_on__gte=F("arrived_on")),
            team__sampling_plans__starts_on__lte=F("arrived_on"),
        )
        return self.exclude(pk__in=planned.values("pk")).exclude(draws__isnull=False)


class Recording(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued", "Waiting to be processed"
        PROCESSING = "processing", "Being processed"
        READY = "ready", "Ready"
        FAILED = "failed", "Processing stopped"
        DESTROYED = "destroyed", "Destroyed"

    NEXT = {
        State.QUEUED: {State.PROCESSING, State.FAILED, State.DESTROYED},
        State.PROCESSING: {State.QUEUED, State.READY, State.FAILED, State.DESTROYED},
        State.READY: {State.QUEUED, State.DESTROYED},
        State.FAILED: {State.QUEUED, State.DESTROYED},
        State.DESTROYED: set(),
    }

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="recordings")
    family = models.ForeignKey(FamilyReference, on_delete=models.PROTECT, related_name="recordings")
    therapist = models.ForeignKey(User, on_delete=models.PROTECT, related_name="recordings")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="recordings")
    session_on = models.DateField(help_text="The day of the session.")
    state = models.CharField(max_length=20, choices=State.choices, default=State.QUEUED)
    uploaded_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    mean_db = models.FloatField(null=True, help_text="Mean level, dB relative to full scale.")
    peak_db = models.FloatField(null=True)
    container = models.CharField(max_length=20)
    has_video = models.BooleanField(default=False, help_text="The picture is kept for review.")
    size = models.PositiveBigIntegerField(help_text="Bytes received.")
    fingerprint = models.CharField(
        max_length=64, help_text="HMAC-SHA-256 of the content under the site key: finds a double upload, tells nothing else."
    )
    destroyed_at = models.DateTimeField(null=True, blank=True)

    objects = RecordingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="destroyed", destroyed_at__isnull=False) | (~Q(state="destroyed") & Q(destroyed_at__isnull=True)),
                name="recording_destroyed_pair",
            ),
            models.UniqueConstraint(fields=["fingerprint"], condition=~Q(state="destroyed"), name="unique_recording_content"),
        ]

    def __str__(self) -> str:
        return f"Recording {self.pk}"


class Processing(models.Model):
    """The ledger: the truth about a recording's processing. Queue messages are only hints to look here.

    A worker claims a row by raising `token` and setting a lease; it commits results only where the token is still
    its own. A row whose lease has run out may be claimed by anybody.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    recording = models.OneToOneField(Recording, on_delete=models.PROTECT, related_name="processing")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    token = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When the queue was last told.")
    step = models.CharField(max_length=20, blank=True)
    done_units = models.PositiveIntegerField(default=0, help_text="Pieces of speech done.")
    total_units = models.PositiveIntegerField(default=0)
    seconds_per_unit = models.FloatField(null=True, blank=True, help_text="As measured in this attempt, for the time left.")
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(max_length=300, blank=True, help_text="A sentence for people; never what was said.")

    def __str__(self) -> str:
        return f"Processing {self.pk}"


class TranscriptRun(models.Model):
    """One machine transcription. Its words live in the sealed features file; here are its settings."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="runs")
    number = models.PositiveSmallIntegerField()
    engine = models.CharField(max_length=40)
    model = models.CharField(max_length=80)
    parameters = models.JSONField(default=dict)
    language = models.CharField(max_length=10, blank=True)
    speakers = models.PositiveSmallIntegerField(default=0, help_text="Voices told apart; 0: not tried.")
    words = models.PositiveIntegerField(default=0)
    seconds_taken = models.FloatField(default=0)
    finished_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["recording", "number"], name="unique_run_number")]

    def __str__(self) -> str:
        return f"Run {self.number} of {self.recording_id}"


class HeardInterval(models.Model):
    """A stretch of a recording that a person played, in milliseconds. Kept after destruction."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="heard")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=20)
    start_ms = models.PositiveIntegerField()
    end_ms = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(end_ms__gt=models.F("start_ms")), name="heard_interval_has_length")]

    def __str__(self) -> str:
        return f"Heard interval {self.pk}"


class SentInterval(models.Model):
    """A stretch whose sound left the server for a person's browser, in milliseconds: what could have been heard, whatever the
    browser reports. Reckoned from the bytes, so true to about a second. Kept after destruction."""

    recording = models.ForeignKey(Recording, on_delete=models.PROTECT, related_name="sent")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    clip = models.PositiveIntegerField(null=True, blank=True, help_text="Number of the teaching clip, where it was one.")
    start_ms = models.PositiveIntegerField()
    end_ms = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(end_ms__gt=models.F("start_ms")), name="sent_interval_has_length")]

    def __str__(self) -> str:
        return f"Sent interval {self.pk}"
