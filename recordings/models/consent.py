"""Who agreed to what, in which words, when, and what became of it."""

import datetime as dt
import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils import timezone
from wagtail.models import PreviewableMixin

from supervision.models import FamilyReference, Membership, Programme, User


class Purpose(models.TextChoices):
    RECORD = "record", "The session is recorded"
    REVIEW = "review", "The supervisor and the consultant listen"
    TRANSCRIBE = "transcribe", "A computer in the service writes down what is said"
    TRAIN_RATERS = "train_raters", "Raters train with it"
    TEACH = "teach", "Short clips are used in teaching"
    RESEARCH = "research", "Figures about the session, without words or names, are used in research"


class ConsentWording(PreviewableMixin, models.Model):
    """A version of the plain words that families are given. Never edited once used; a new version takes its place."""

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="wordings")
    version = models.PositiveSmallIntegerField()
    text = models.TextField(help_text="What the therapist reads out and the family keeps. Plain text; an empty line begins a paragraph.")
    young_text = models.TextField(
        "text for a young person", blank=True, help_text="The same, in words for a young person to say yes or no to."
    )
    spoken_text = models.TextField("text to be spoken", blank=True, help_text="A short form to read out at the start of a recording.")
    effective_from = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["programme", "version"], name="unique_wording_version")]

    def __str__(self) -> str:
        return f"Consent wording, version {self.version}"

    def get_preview_template(self, request: HttpRequest, mode_name: str) -> str:
        """Wagtail's preview is the family's blank sheet."""
        return "recordings/consent_sheet.html"

    def get_preview_context(self, request: HttpRequest, mode_name: str) -> dict[str, Any]:
        return {**super().get_preview_context(request, mode_name), "wording": self}

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

    def still_for(self, purpose: str) -> "ConsentQuerySet":
        """Those of which the purpose has not been taken back by itself."""
        # The stored JSON as text: SQLite has no JSON containment.
        ended = Consent.objects.annotate(ended=Cast("ended_purposes", models.TextField())).filter(ended__contains=f'"{purpose}"')
        return self.exclude(pk__in=ended.values("pk"))

    def evidenced(self) -> "ConsentQuerySet":
        """Those with something to show for them: `evidence.missing` for lists."""
        form = ConsentPaper.objects.filter(consent=OuterRef("pk"), kind=ConsentPaper.Kind.FORM)
        paper = Q(method=Consent.Method.SIGNED_PAPER) & (~Q(filed_at="") | Exists(form))
        spoken = Q(method=Consent.Method.SPOKEN) & (~Q(witness="") | Q(spoken_at_ms__isnull=False))
        return self.filter(paper | spoken | Q(method__in=[Consent.Method.SIGNED_SCREEN, Consent.Method.TYPED]))


class Consent(models.Model):
    """One conversation in which everybody who will be heard said yes or no to each purpose."""

    class Method(models.TextChoices):
        SIGNED_PAPER = "signed_paper", "Signed on paper"
        SIGNED_SCREEN = "signed_screen", "Signed on the therapist's device"
        TYPED = "typed", "Typed on the therapist's device, with a witness"
        SPOKEN = "spoken", "Spoken, with a witness or at the start of the recording"

    class Renewal(models.TextChoices):
        UNTIL_WITHDRAWN = "until_withdrawn", "Until it is withdrawn"
        UNTIL_DATE = "until_date", "Until a date"
        PER_SESSION = "per_session", "For one session only"

    family = models.ForeignKey(FamilyReference, on_delete=models.PROTECT, related_name="consents")
    wording = models.ForeignKey(ConsentWording, on_delete=models.PROTECT, related_name="consents")
    method = models.CharField(max_length=20, choices=Method.choices)
    given_on = models.DateField()
    renewal = models.CharField(max_length=20, choices=Renewal.choices, default=Renewal.UNTIL_WITHDRAWN)
    valid_until = models.DateField(null=True, blank=True, help_text="The last day, inclusive; empty: until withdrawn.")
    session_on = models.DateField(null=True, blank=True, help_text="For one session only: its day.")
    spoken_at_ms = models.PositiveIntegerField(null=True, blank=True, help_text="Where on the recording it is spoken, in milliseconds.")
    witness = models.CharField(max_length=80, blank=True, help_text="Who else was there, by role and initials.")
    filed_at = models.CharField(max_length=120, blank=True, help_text="On paper: where the signed form is kept.")
    lawful_basis = models.CharField(max_length=255, blank=True, help_text="The controller's, as it stood for the programme on that day.")
    parental_responsibility = models.CharField(max_length=200, blank=True, help_text="Who holds it, by role.")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    ended_purposes = models.JSONField(default=list, blank=True, help_text="Taken back by themselves; see PurposeWithdrawal.")
    submission = models.UUIDField(
        null=True, unique=True, editable=False, help_text="Of the form that was sent: sent twice, it still makes one consent."
    )

    objects = ConsentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("given_on")), name="consent_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(renewal="per_session", session_on__isnull=False) | (~Q(renewal="per_session") & Q(session_on__isnull=True)),
                name="consent_session_pair",
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
    look_again_on = models.DateField(
        null=True, blank=True, help_text="For a young person: first day of the month in which to ask again. Never a birthday."
    )

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
        LINK = "link", "By the family, through its own link"
        OTHER = "other", "Another way"

    consent = models.OneToOneField(Consent, on_delete=models.PROTECT, related_name="withdrawal")
    person = models.ForeignKey(ConsentPerson, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=20, choices=Channel.choices)
    withdrawn_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Nobody of ours when the family used its link."
    )

    def __str__(self) -> str:
        return f"Withdrawal {self.pk}"


class PurposeWithdrawal(models.Model):
    """One purpose taken back, while the recordings stay for the others. What it alone had made is destroyed, and named here."""

    reference = models.UUIDField(default=uuid.uuid4, editable=False, unique=True)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="purpose_withdrawals")
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    person = models.ForeignKey(ConsentPerson, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=20, choices=Withdrawal.Channel.choices)
    withdrawn_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", help_text="Nobody of ours when the family used its link."
    )
    items = models.JSONField(default=list, help_text="What was destroyed: kind, size and SHA-256 of sealed objects; counts of texts.")
    finished_at = models.DateTimeField(
        null=True, blank=True, help_text="When all of it was destroyed; until then `manage.py tick` goes on."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["consent", "purpose"], name="unique_purpose_withdrawal")]

    def __str__(self) -> str:
        return f"Purpose withdrawal {self.pk}"


class WithdrawalLink(models.Model):
    """The family's own way to withdraw, without an account: withdraws once. Of the secret only its hash is kept."""

    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="withdrawal_links")
    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the secret in the address.")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, help_text="When somebody ended all links given out.")

    def __str__(self) -> str:
        return f"Withdrawal link {self.pk}"


class FamilyKey(models.Model):
    """The name of the vault key under which a family's papers and its list of names are sealed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    family = models.OneToOneField(FamilyReference, on_delete=models.PROTECT, related_name="vault_key")
    destroyed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Family key {self.pk}"


class ConsentPaper(models.Model):
    """A signature, a scanned form or a note about capacity: sealed under the family's key."""

    class Kind(models.TextChoices):
        SIGNATURE = "signature", "Signature"
        FORM = "form", "Scanned form"
        CAPACITY = "capacity", "Note about capacity"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="papers")
    person = models.ForeignKey(ConsentPerson, null=True, blank=True, on_delete=models.PROTECT, related_name="papers")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    content_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField(help_text="Bytes of content.")
    sha256 = models.CharField(max_length=64, help_text="Of the sealed file.")
    sealed_at = models.DateTimeField()
    sealed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"Consent paper {self.pk}"


class NameList(models.Model):
    """The names to be taken out of a family's transcripts and clips: sealed under the family's key."""

    family = models.OneToOneField(FamilyReference, on_delete=models.PROTECT, related_name="name_list")
    sealed = models.BinaryField(help_text="One name a line, encrypted.")
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"Name list {self.pk}"
