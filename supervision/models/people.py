"""People, programmes, teams and dated memberships. A role is a fact in `Membership`, never a group or a flag."""

import datetime as dt
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Lower
from django.utils import timezone


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractUser):
    username = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["first_name", "last_name"]  # `createsuperuser` asks: invitations go out in that name

    objects = UserManager()  # type: ignore[misc,assignment]

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="unique_email_in_any_case", violation_error_message="Somebody has an account with this e-mail address."
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or f"Person {self.pk}"

    @property
    def initials(self) -> str:
        return f"{self.first_name[:1]}{self.last_name[:1]}".upper()


class Programme(models.Model):
    """A model of therapy as one service delivers it, such as MST or MST-CAN. Its rules are data, not code."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    model_name = models.CharField(max_length=120, help_text="The evidence-based model, as its developers name it.")
    lawful_basis = models.CharField(
        max_length=255,
        default="Public task, Article 6(1)(e), and health or social care, Article 9(2)(h); recording consent as a confidentiality safeguard",
        help_text="The controller's lawful basis for recordings. Withdrawal acts the same under any.",
    )
    retention_days_after_release = models.PositiveSmallIntegerField(default=28)
    retention_days_after_upload = models.PositiveSmallIntegerField(default=90)

    LONGEST_RETENTION_DAYS = 365

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuses to keep recordings for no time, for ever, or by rules that contradict each other."""
        errors = {
            name: f"Recordings are kept for at least 1 day, and for {self.LONGEST_RETENTION_DAYS} days at the most."
            for name in ("retention_days_after_release", "retention_days_after_upload")
            if getattr(self, name) is not None and not 1 <= getattr(self, name) <= self.LONGEST_RETENTION_DAYS
        }
        after_release, after_upload = self.retention_days_after_release, self.retention_days_after_upload
        if not errors and after_release is not None and after_upload is not None and after_upload < after_release:
            errors["retention_days_after_upload"] = "This is the latest day, so it cannot be less than the days after the feedback."
        if errors:
            raise ValidationError(errors)


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: User) -> "TeamQuerySet":
        """Teams in which the person holds a membership today; every team for a service-wide role."""
        memberships = Membership.objects.of(user).on(timezone.localdate())
        service_wide = memberships.filter(team__isnull=True, role__in=Membership.SERVICE_WIDE)
        return self.filter(Exists(memberships.filter(team=OuterRef("pk"))) | Exists(service_wide))

    def led_by(self, user: User, *, on: dt.date | None = None) -> "TeamQuerySet":
        """Teams this person supervises, by cover or consults to, on that day."""
        held = Membership.objects.of(user).on(on or timezone.localdate()).filter(role__in=Membership.LEADS)
        return self.filter(Exists(held.filter(team=OuterRef("pk"))))


class Team(models.Model):
    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="teams")
    organisation = models.CharField(max_length=160, blank=True)

    objects = TeamQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(models.QuerySet["Membership"]):
    def of(self, user: User) -> "MembershipQuerySet":
        return self.filter(user_id=user.pk)

    def in_force(self, day: dt.date) -> "MembershipQuerySet":
        """In force on that local date, whether or not the account is still open; the end date is the last day, inclusive."""
        return self.filter(Q(ends_on__isnull=True) | Q(ends_on__gte=day), starts_on__lte=day)

    def on(self, day: dt.date) -> "MembershipQuerySet":
        """In force on that local date, of people whose account is open: what permissions go by."""
        return self.in_force(day).filter(user__is_active=True)

    def current(self) -> "MembershipQuerySet":
        return self.on(timezone.localdate())


class Membership(models.Model):
    """A role in a team from one date to another. Access ends when it does."""

    class Role(models.TextChoices):
        THERAPIST = "therapist", "Therapist"
        SUPERVISOR = "supervisor", "Supervisor"
        BACKUP_SUPERVISOR = "backup_supervisor", "Back-up supervisor"
        CONSULTANT = "consultant", "Consultant"
        ADMINISTRATOR = "administrator", "Administrator"
        SERVICE_MANAGER = "service_manager", "Service manager"
        CONTENT_EDITOR = "content_editor", "Content editor"
        IG_LEAD = "ig_lead", "Information governance lead"

    SUPERVISORS = (Role.SUPERVISOR, Role.BACKUP_SUPERVISOR)
    LEADS = (Role.SUPERVISOR, Role.BACKUP_SUPERVISOR, Role.CONSULTANT)
    SERVICE_WIDE = (Role.SERVICE_MANAGER, Role.CONTENT_EDITOR, Role.IG_LEAD)

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True, help_text="The last day, inclusive. Required for cover.")
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="membership_ends_after_start"),
            models.CheckConstraint(
                condition=Q(team__isnull=False) | Q(role__in=["service_manager", "content_editor", "ig_lead"]),
                name="membership_team_unless_service_wide",
            ),
            models.CheckConstraint(condition=~Q(role="backup_supervisor") | Q(ends_on__isnull=False), name="membership_cover_has_an_end"),
            models.UniqueConstraint(fields=["user", "team", "role", "starts_on"], name="unique_membership_start"),
        ]

    def __str__(self) -> str:
        return f"Membership {self.pk}: {self.role}"

    def is_on(self, day: dt.date) -> bool:
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)


class Invitation(models.Model):
    """The only way to an account. The link's token is kept as a hash."""

    email = models.EmailField()
    first_name = models.CharField(max_length=150)
    last_name = models.CharField(max_length=150)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="invitations")
    role = models.CharField(max_length=20, choices=Membership.Role.choices)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_at = models.DateTimeField()
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True, accepted_by__isnull=True) | Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="invitation_accepted_pair",
            )
        ]

    def __str__(self) -> str:
        return f"Invitation {self.pk}"

    @property
    def inviter(self) -> str:
        """Whom to ask about it: a name, or an address where the account has no name."""
        return self.invited_by.get_full_name() or self.invited_by.email
