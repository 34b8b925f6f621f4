"""What learners did. Rows outlive pages and accounts: each snapshots what it needs, and none cascades."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class EnrolmentQuerySet(models.QuerySet["Enrolment"]):
    def of(self, learner: models.Model) -> "EnrolmentQuerySet":
        return self.filter(learner=learner)

    def current(self) -> "EnrolmentQuerySet":
        return self.filter(ended_at__isnull=True)


class Enrolment(models.Model):
    """One person's way through one course, in one period. Taking a course again opens a new period; nothing is reset."""

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="enrolments")
    course = models.ForeignKey("learning.CoursePage", null=True, on_delete=models.SET_NULL, related_name="enrolments")
    course_key = models.UUIDField()
    course_title = models.CharField(max_length=255)
    period = models.PositiveSmallIntegerField(default=1)
    reason = models.CharField(max_length=255, blank=True)
    enrolled_at = models.DateTimeField()
    enrolled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    completed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["learner", "course_key", "period"], name="unique_enrolment_period"),
            models.CheckConstraint(
                condition=Q(completed_at__isnull=True) | Q(completed_at__gte=F("enrolled_at")), name="enrolment_completed_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"Enrolment {self.pk}"


class Completion(models.Model):
    """A lesson marked as done, with the revision and criteria of that moment."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="completions")
    lesson = models.ForeignKey("learning.LessonPage", null=True, on_delete=models.SET_NULL, related_name="+")
    lesson_key = models.UUIDField()
    lesson_title = models.CharField(max_length=255)
    revision_id = models.BigIntegerField(null=True, help_text="Wagtail's id of the page revision that was live.")
    minutes = models.PositiveSmallIntegerField()
    criteria = models.JSONField(default=dict, help_text="What had to be met: keys of checks and exercises.")
    completed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "lesson_key"], name="unique_lesson_completion")]

    def __str__(self) -> str:
        return f"Completion {self.pk}"


class LessonVisit(models.Model):
    """Where the learner stopped, so that coming back lands there."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="visits")
    lesson_key = models.UUIDField()
    block_id = models.CharField(max_length=60, blank=True, help_text="The block that was at the top of the screen.")
    media_positions = models.JSONField(default=dict, help_text="Seconds played, by media block id.")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "lesson_key"], name="unique_lesson_visit")]

    def __str__(self) -> str:
        return f"Visit {self.pk}"


class Attempt(models.Model):
    """One answer to a knowledge check; every try is kept."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="attempts")
    lesson_key = models.UUIDField()
    check_key = models.CharField(max_length=60)
    question = models.TextField(help_text="The question as it stood.")
    chosen = models.JSONField(help_text="Texts of the chosen options.")
    is_correct = models.BooleanField()
    attempted_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Attempt {self.pk}"


class ExerciseAnswer(models.Model):
    """A typed answer to a reflective exercise, for the learner and the supervisor. Saving again adds a version."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="answers")
    lesson_key = models.UUIDField()
    lesson_title = models.CharField(max_length=255)
    exercise_key = models.CharField(max_length=60)
    prompt = models.TextField()
    text = models.TextField(max_length=20000)
    saved_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Answer {self.pk}"


class LessonNote(models.Model):
    """A private note: nobody but its writer sees it."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT, related_name="notes")
    lesson_key = models.UUIDField()
    text = models.TextField(max_length=20000, blank=True)
    saved_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "lesson_key"], name="unique_lesson_note")]

    def __str__(self) -> str:
        return f"Note {self.pk}"
