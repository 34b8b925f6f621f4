"""What is owed and the evidence given outside the product. Status is never stored: `compliance.py` computes it."""

from django.db import models
from django.db.models import Q

from supervision.models.people import Programme, Team, User


class Requirement(models.Model):
    """One version of a rule of a programme. A change is a new version from a date; old ones stay for past dates."""

    class Kind(models.TextChoices):
        COURSE = "course", "Course completed"
        BOOSTER = "booster", "Booster attended"
        REVIEW = "review", "Recording reviewed"
        SUPERVISION = "supervision", "Supervision attended"

    class Cadence(models.TextChoices):
        ONCE = "once", "Once"
        QUARTER = "quarter", "Every quarter"
        WEEK = "week", "Every week"

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="requirements")
    key = models.SlugField()
    version = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=120)
    rule = models.TextField(help_text="The rule in one sentence, as people read it.")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    cadence = models.CharField(max_length=10, choices=Cadence.choices)
    course_slug = models.SlugField(max_length=255, blank=True, help_text="For a course: the course page's slug.")
    roles = models.JSONField(help_text="Roles that it applies to.")
    due_days = models.PositiveSmallIntegerField(default=0, help_text="For a one-off: days from joining in the role.")
    warn_days = models.PositiveSmallIntegerField(default=14, help_text="Days before the due date from which it shows as due soon.")
    valid_months = models.PositiveSmallIntegerField(default=0, help_text="For a one-off: calendar months that it lasts; 0 means for good.")
    effective_from = models.DateField()
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["programme", "key", "version"], name="unique_requirement_version"),
            models.CheckConstraint(condition=~Q(kind="course") | ~Q(course_slug=""), name="requirement_course_named"),
        ]

    def __str__(self) -> str:
        return f"{self.name} (version {self.version})"


class Evidence(models.Model):
    """Append-only proof or decision about one person and requirement, with the day it happened and the time it was recorded."""

    class Kind(models.TextChoices):
        ATTENDANCE = "attendance", "Attended"
        CERTIFICATE = "certificate", "Certificate from elsewhere"
        WAIVER = "waiver", "Waived"
        WITHDRAWN = "withdrawn", "Entry withdrawn"

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="evidence")
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="+")
    requirement_key = models.SlugField()
    kind = models.CharField(max_length=20, choices=Kind.choices)
    occurred_on = models.DateField()
    valid_until = models.DateField(null=True, blank=True, help_text="For a waiver: its last day, inclusive.")
    note = models.CharField(max_length=400)
    withdraws = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="withdrawn_by")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="withdrawn", withdraws__isnull=False) | (~Q(kind="withdrawn") & Q(withdraws__isnull=True)),
                name="evidence_withdrawal_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"Evidence {self.pk}"


class SupervisionSession(models.Model):
    """A weekly supervision or consultation that took place, and who was there."""

    class Kind(models.TextChoices):
        SUPERVISION = "supervision", "Team supervision"
        CONSULTATION = "consultation", "Consultation"

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="sessions")
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.SUPERVISION)
    held_on = models.DateField()
    held_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    minutes = models.PositiveSmallIntegerField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    cancelled_at = models.DateTimeField(null=True, blank=True, help_text="Entered by mistake; kept, not counted.")
    cancelled_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(minutes__gte=5), name="session_has_length"),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancelled_by__isnull=True)
                | Q(cancelled_at__isnull=False, cancelled_by__isnull=False),
                name="session_cancelled_pair",
            ),
        ]

    def __str__(self) -> str:
        return f"Session {self.pk}"


class SessionAttendance(models.Model):
    session = models.ForeignKey(SupervisionSession, on_delete=models.PROTECT, related_name="attendances")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="session_attendances")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "person"], name="unique_session_attendance")]

    def __str__(self) -> str:
        return f"Attendance {self.pk}"
