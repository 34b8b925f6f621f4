"""The forms of the team pages. Choices are what the person may choose; rules live in the domain functions."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone

from supervision import permissions
from supervision.initials import validate_initials
from supervision.models import Evidence, Membership, SupervisionSession, Team, User
from supervision.periods import add_months

Role = Membership.Role
TEAM_ROLE_CHOICES = [(role.value, role.label) for role in permissions.TEAM_ROLES]


class PeopleField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: User) -> str:
        return obj.get_full_name()


class PersonField(forms.ModelChoiceField):
    def label_from_instance(self, obj: User) -> str:
        return obj.get_full_name()


def offer(form: forms.Form, name: str, choices: Any) -> None:
    """What may be chosen: a queryset for people, pairs of value and label otherwise."""
    field = form.fields[name]
    if isinstance(field, forms.ModelChoiceField):
        field.queryset = choices
    elif isinstance(field, forms.ChoiceField):
        field.choices = choices


class RoleForm(forms.Form):
    """The part that an invitation and an added colleague share."""

    role = forms.ChoiceField(
        label="Role", choices=TEAM_ROLE_CHOICES, widget=forms.RadioSelect, error_messages={"required": "Choose a role."}
    )
    starts_on = forms.DateField(
        label="First day",
        widget=forms.DateInput,
        error_messages={"required": "Enter the first day.", "invalid": "Enter the first day as a date, such as 12 5 2027."},
    )
    ends_on = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput,
        help_text="Needed for back-up supervisors: cover ends by itself. Access ends at the end of this day.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["starts_on"].initial = timezone.localdate

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if cleaned.get("role") == Role.BACKUP_SUPERVISOR and not ends_on and "ends_on" not in self.errors:
            self.add_error("ends_on", "Enter the last day of the cover.")
        if starts_on and ends_on and ends_on < starts_on:
            self.add_error("ends_on", "The last day cannot come before the first.")
        return cleaned


class InvitationForm(RoleForm):
    first_name = forms.CharField(label="First name", max_length=150, error_messages={"required": "Enter the first name."})
    last_name = forms.CharField(label="Last name", max_length=150, error_messages={"required": "Enter the last name."})
    email = forms.EmailField(
        label="E-mail address",
        help_text="The work address. The invitation goes there, and it becomes the name to sign in with.",
        error_messages={"required": "Enter the e-mail address.", "invalid": "Enter an e-mail address in full, such as name@example.org."},
    )

    field_order = ["first_name", "last_name", "email", "role", "starts_on", "ends_on"]


class MemberForm(RoleForm):
    person = PersonField(
        label="Colleague",
        queryset=User.objects.none(),
        empty_label="Choose a colleague",
        error_messages={"required": "Choose a colleague."},
    )

    field_order = ["person", "role", "starts_on", "ends_on"]

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "person", people)


class EndChangeForm(forms.Form):
    ends_on = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput,
        help_text="Access ends at the end of this day. Leave it empty for no end; cover always needs one.",
    )


class MembershipEndForm(forms.Form):
    on = forms.DateField(
        label="Last day",
        widget=forms.DateInput,
        initial=timezone.localdate,
        error_messages={"required": "Enter the last day."},
        help_text="Access ends at the end of this day.",
    )


class PasswordForm(forms.Form):
    """The password of a new account, checked against the person it is for."""

    password = forms.CharField(
        label="Choose a password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters. Three or four unrelated words are easy to remember and hard to guess.",
        error_messages={"required": "Choose a password."},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.user)
        return password

    @staticmethod
    def rules() -> list[str]:
        return password_validators_help_texts()


class EvidenceForm(forms.Form):
    """Attendance, a certificate from elsewhere, or a waiver, about one person and requirement."""

    KINDS = [
        (Evidence.Kind.ATTENDANCE.value, "They attended, and it is not on record here"),
        (Evidence.Kind.CERTIFICATE.value, "They have a certificate from elsewhere"),
        (Evidence.Kind.WAIVER.value, "Waive it for a time"),
    ]
    kind = forms.ChoiceField(
        label="What do you want to record?", choices=KINDS, widget=forms.RadioSelect, error_messages={"required": "Choose what to record."}
    )
    occurred_on = forms.DateField(
        label="Day",
        widget=forms.DateInput,
        help_text="The day it took place, or the first day of the waiver.",
        error_messages={"required": "Enter the day.", "invalid": "Enter the day as a date."},
    )
    valid_until = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput,
        help_text="Needed for a waiver, a year at most. For a certificate: if it runs out.",
    )
    note = forms.CharField(
        label="What it rests on",
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For example: “Long leave until June, agreed with the service manager”. Whoever sees the team's matrix reads it: nothing about health.",
        error_messages={"required": "Say what it rests on."},
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind, day, until = cleaned.get("kind"), cleaned.get("occurred_on"), cleaned.get("valid_until")
        if kind == Evidence.Kind.WAIVER:
            if not until and "valid_until" not in self.errors:
                self.add_error("valid_until", "Enter the last day of the waiver.")
            elif day and until and until > add_months(day, 12):
                self.add_error("valid_until", "A waiver lasts a year at most. It can be given again then.")
        elif day and day > timezone.localdate():
            self.add_error("occurred_on", "The day is in the future. Record it once it has happened.")
        if day and until and until < day:
            self.add_error("valid_until", "The last day cannot come before the first.")
        return cleaned


class WithdrawForm(forms.Form):
    note = forms.CharField(
        label="Why is it withdrawn?",
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Say why it is withdrawn."},
    )


class SessionForm(forms.Form):
    kind = forms.ChoiceField(
        label="Kind", choices=SupervisionSession.Kind.choices, widget=forms.RadioSelect, initial=SupervisionSession.Kind.SUPERVISION
    )
    held_on = forms.DateField(
        label="Day", widget=forms.DateInput, error_messages={"required": "Enter the day.", "invalid": "Enter the day as a date."}
    )
    minutes = forms.IntegerField(
        label="Length in minutes",
        min_value=5,
        max_value=600,
        initial=90,
        widget=forms.NumberInput(attrs={"class": "nhsuk-input--width-4"}),
        error_messages={
            "required": "Enter the length in minutes.",
            "min_value": "A session lasts at least 5 minutes.",
            "max_value": "That is more than 10 hours. Check the minutes.",
        },
    )
    held_by = PersonField(
        label="Led by", queryset=User.objects.none(), empty_label="Choose who led it", error_messages={"required": "Choose who led it."}
    )
    people = PeopleField(
        label="Who was there?",
        queryset=User.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        help_text="Untick whoever was away. Whoever led it counts as there.",
        error_messages={"required": "Tick who was there."},
    )

    def __init__(self, *args: Any, team: Team, user: User, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        recent = Membership.objects.in_force(today).filter(team=team)
        leads = recent.filter(role__in=Membership.LEADS)
        attending = recent.filter(role__in=[Role.THERAPIST, *Membership.LEADS])
        order = ("last_name", "first_name", "pk")
        offer(self, "held_by", User.objects.filter(pk__in=leads.values("user")).order_by(*order))
        offer(self, "people", User.objects.filter(pk__in=attending.values("user")).order_by(*order))
        self.fields["held_on"].initial = today
        usual = recent.filter(role__in=[Role.THERAPIST, *Membership.SUPERVISORS])
        self.fields["people"].initial = list(usual.values_list("user", flat=True))
        if leads.filter(user=user).exists():
            self.fields["held_by"].initial = user.pk

    def clean_held_on(self) -> dt.date:
        day: dt.date = self.cleaned_data["held_on"]
        if day > self.today:
            raise ValidationError("The day is in the future. Record the session once it has taken place.")
        return day


class FamilyForm(forms.Form):
    therapist = PersonField(
        label="Therapist",
        queryset=User.objects.none(),
        empty_label="Choose the therapist",
        error_messages={"required": "Choose the therapist."},
    )
    reference = forms.CharField(
        label="Reference",
        max_length=20,
        help_text="Your service's own case reference, such as H-2041. Never a name.",
        error_messages={"required": "Enter the reference."},
    )
    initials = forms.CharField(
        label="Initials",
        max_length=8,
        required=False,
        validators=[validate_initials],
        help_text="Up to four letters, to tell families apart.",
    )
    opened_on = forms.DateField(
        label="Opened on", widget=forms.DateInput, initial=timezone.localdate, error_messages={"required": "Enter the day the work began."}
    )

    def __init__(self, *args: Any, therapists: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "therapist", therapists)
        only = list(therapists[:2])
        if len(only) == 1:
            self.fields["therapist"].initial = only[0].pk
            self.fields["therapist"].widget = forms.HiddenInput()


class FamilyCloseForm(forms.Form):
    on = forms.DateField(
        label="Closed on", widget=forms.DateInput, initial=timezone.localdate, error_messages={"required": "Enter the day the work ended."}
    )


class MatrixFilterForm(forms.Form):
    """What is in the address; anything odd falls back to the default."""

    show = forms.ChoiceField(label="Show", required=False, choices=[("action", "Only what needs action"), ("all", "Everybody")])
    role = forms.ChoiceField(label="Role", required=False, choices=[])
    requirement = forms.ChoiceField(label="Requirement", required=False, choices=[])
    sort = forms.ChoiceField(label="Sort by", required=False, choices=[("", "Name"), ("urgency", "Most urgent first")])
    on = forms.DateField(label="As at", required=False, widget=forms.DateInput)

    def __init__(self, *args: Any, requirements: list[tuple[str, str]], roles: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "requirement", [("", "All"), *requirements])
        offer(self, "role", [("", "All"), *roles])
