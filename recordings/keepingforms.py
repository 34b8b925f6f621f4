"""The forms of keeping: an extension, a legal hold, and the filters of the governance pages."""

from typing import Any

from django import forms

from recordings.models import DestructionCertificate
from supervision.models import Team, User

REASONS = DestructionCertificate.Reason


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class ExtendForm(forms.Form):
    until = forms.DateField(
        label="Destroy it on", widget=DateInput, error_messages={"required": "Enter the day on which it is to be destroyed instead."}
    )
    reason = forms.CharField(
        label="Why it is kept longer",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Everybody who sees the recording's page reads this. Name nobody.",
        error_messages={"required": "Say why it is kept longer."},
    )


class HoldForm(forms.Form):
    reason = forms.CharField(
        label="Why it must be kept",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Such as “complaint, case number 12”. Supervisors and the information governance lead read this. Name nobody.",
        error_messages={"required": "Say why the recording must be kept."},
    )
    ends_on = forms.DateField(
        label="Last day of the hold",
        widget=DateInput,
        help_text="A year from today at the latest. Another hold can follow.",
        error_messages={"required": "Enter the last day of the hold."},
    )


class _Filter(forms.Form):
    """All optional, all in the URL; a value that makes no sense is left out."""

    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}


def _teams() -> forms.ModelChoiceField:
    return forms.ModelChoiceField(label="Team", queryset=Team.objects.order_by("name", "pk"), required=False, empty_label="All teams")


def _day(label: str) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=DateInput)


class RecordingsFilter(_Filter):
    SHOWN = {
        "": "Kept",
        "due": "Destroyed within a week",
        "held": "Under a legal hold",
        "withdrawn": "Withdrawn, not yet destroyed",
        "all": "All, destroyed ones too",
    }

    team = _teams()
    show = forms.ChoiceField(label="Recordings", required=False, choices=list(SHOWN.items()))


class ListeningFilter(_Filter):
    team = _teams()
    person = forms.ModelChoiceField(label="Person", queryset=User.objects.none(), required=False, empty_label="Everybody")
    since = _day("From")
    until = _day("Until")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        person = self.fields["person"]
        assert isinstance(person, forms.ModelChoiceField)  # noqa: S101 (declared above)
        person.queryset = User.objects.order_by("first_name", "last_name", "pk")


class CertificatesFilter(_Filter):
    team = _teams()
    reason = forms.ChoiceField(label="Reason", required=False, choices=[("", "All reasons"), *REASONS.choices])
    since = _day("From")
    until = _day("Until")


class HoldsFilter(_Filter):
    SHOWN = {"": "Open", "all": "All, ended ones too"}

    show = forms.ChoiceField(label="Holds", required=False, choices=list(SHOWN.items()))
