"""Who agreed to what, in which words, when, and what became of it."""

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, F, Q
from django.utils import timezone

from supervision.models import FamilyReference, Membership, Programme, User


class Purpose(models.TextChoices):
    RECORD = "record", "The session is recorded"
    REVIEW = "review", "The supervisor and the consultant listen"
    TRANSCRIBE = "transcribe", "A computer in the service writes down what is said"
    TRAIN_RATERS = "train_raters", "Raters train with it"
    TEACH = "teach", "Short clips are used in teaching"


class ConsentWording(models.Model):
    """A version of the plain words that families are given. Never edited once used; a new version takes its place."""

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="wordings")
    version = models.PositiveSmallIntegerField()
    text = models.TextField()
    effective_from = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["programme", "version"], name="unique_wording_version")]

    def __str__(self) -> str:
        return f"Consent wording, version {self.version}"

    def clean(self) -> None:
        """Refuses to change what somebody has agreed to."""
        if self.pk and self.consents.exists():
            raise ValidationError(
                "Consents rest on this version, so it stays as it is. Add the next version with a date from which it holds."
            )


class ConsentQuerySet(models.QuerySet["Consent"]):
    def visible_to(self, user: User) -> "ConsentQuerySet":
        """Those of the families that a person sees, and all for the information governance lead, who may be asked to withdraw one."""
        governs = Membership.objects.of(user).on(timezone.localdate()).filter(role=Membership.Role.IG_LEAD)
        return self.filter(Q(family__in=FamilyReference.objects.visible_to(user)) | Exists(governs))

    def in_force(self, day: dt.date) -> "ConsentQuerySet":
        """Given and neither ended nor withdrawn by anyone heard."""
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gte=day), given_on__lte=day, withdrawn_at__isnull=True)


class Consent(models.Model):
    """One conversation in which everybody who will be heard said yes or no to each purpose."""

    class Method(models.TextChoices):
        SIGNED_PAPER = "signed_paper", "Signed on paper, kept in the file"
        SIGNED_SCREEN = "signed_screen", "Signed on the therapist's device"
        SPOKEN = "spoken", "Spoken, with a witness or at the start of the recording"

    family = models.ForeignKey(FamilyReference, on_delete=models.PROTECT, related_name="consents")
    wording = models.ForeignKey(ConsentWording, on_delete=models.PROTECT, related_name="consents")
    method = models.CharField(max_length=20, choices=Method.choices)
    given_on = models.DateField()
    valid_until = models.DateField(null=True, blank=True, help_text="The last day, inclusive; empty: until withdrawn.")
    parental_responsibility = models.CharField(max_length=200, blank=True, help_text="Who holds it, by role.")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("given_on")), name="consent_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"Consent {self.pk}"


class ConsentPerson(models.Model):
    """Somebody who will be heard, by role and initials."""

    class Role(models.TextChoices):
        CAREGIVER = "caregiver", "Caregiver"
        YOUNG_PERSON = "young_person", "Young person"
        OTHER_FAMILY = "other_family", "Other family member"
        PROFESSIONAL = "professional", "Professional"

    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="people")
    role = models.CharField(max_length=20, choices=Role.choices)
    initials = models.CharField(max_length=8)
    purposes = models.JSONField(default=list, help_text="The purposes agreed to.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consent", "role", "initials"], name="unique_consent_person")]

    def __str__(self) -> str:
        return f"Person heard {self.pk}"


class Withdrawal(models.Model):
    """A consent taken back. It is never undone; the family may give a new consent."""

    class Channel(models.TextChoices):
        IN_PERSON = "in_person", "In person"
        TELEPHONE = "telephone", "By telephone"
        WRITING = "writing", "In writing"
        OTHER = "other", "Another way"

    consent = models.OneToOneField(Consent, on_delete=models.PROTECT, related_name="withdrawal")
    person = models.ForeignKey(ConsentPerson, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=20, choices=Channel.choices)
    withdrawn_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"Withdrawal {self.pk}"
