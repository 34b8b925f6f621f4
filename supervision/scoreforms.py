"""The forms of the score pages. Rules live in `measures.py`."""

import datetime as dt
from typing import Any

from django import forms

from supervision import measures
from supervision.forms import PersonField, offer
from supervision.models import FamilyReference, Instrument, Team


class FamilyField(forms.ModelChoiceField):
    def label_from_instance(self, obj: FamilyReference) -> str:
        return f"{obj.reference} {obj.initials}, {obj.therapist}"


class ScoreForm(forms.Form):
    """One respondent's score of one day; a field for each figure of the measure."""

    family = FamilyField(
        label="Family",
        queryset=FamilyReference.objects.none(),
        empty_label="Choose the family",
        error_messages={"required": "Choose the family."},
    )
    about = PersonField(
        label="About",
        queryset=FamilyReference.objects.none(),
        empty_label="Choose who it is about",
        error_messages={"required": "Choose who it is about."},
    )
    respondent = forms.CharField(
        label="Respondent",
        max_length=20,
        help_text="A reference of your own with a digit in it, such as R1. Never a name.",
        error_messages={"required": "Enter a reference for whoever answered."},
    )
    occurred_on = forms.DateField(
        label="Day", widget=forms.DateInput, help_text="When the questions were asked.", error_messages={"required": "Enter the day."}
    )
    answered = forms.IntegerField(
        label="Questions answered",
        required=False,
        min_value=0,
        max_value=200,
        help_text="If you know how many of the questions were answered.",
    )

    def __init__(self, *args: Any, instrument: Instrument, team: Team, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instrument, self.team = instrument, team
        if measures.is_of_families(instrument):
            del self.fields["about"], self.fields["respondent"]
            families = FamilyReference.objects.filter(team=team).select_related("therapist").order_by("closed_on", "reference", "pk")
            offer(self, "family", families)
        else:
            del self.fields["family"]
            offer(self, "about", measures.people(instrument, team, on=today))
        for item in instrument.items.order_by("position", "pk"):
            self.fields[f"value-{item.key}"] = forms.FloatField(
                label=item.name,
                required=False,
                min_value=item.least,
                max_value=item.most,
                help_text=f"From {item.least} to {item.most}. Leave it empty where too few questions were answered.",
                error_messages=dict.fromkeys(
                    ("invalid", "min_value", "max_value"), f"{item.name} is a figure from {item.least} to {item.most}."
                ),
            )
        self.order_fields(
            ["family", "about", "respondent", "occurred_on", *(name for name in self.fields if name.startswith("value-")), "answered"]
        )

    @property
    def values(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        family = cleaned.get("family")
        return {
            "family": family,
            "about": family.therapist if family else cleaned["about"],
            "respondent": cleaned.get("respondent", ""),
            "occurred_on": cleaned["occurred_on"],
            "answered": cleaned["answered"],
            "values": {name.removeprefix("value-"): cleaned[name] for name in self.fields if name.startswith("value-")},
        }


class ScoreFileForm(forms.Form):
    """The file at first; then its text, seen and confirmed."""

    file = forms.FileField(label="CSV file", required=False)
    text = forms.CharField(required=False, widget=forms.HiddenInput, strip=False)
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        upload = cleaned.get("file")
        if upload is not None:
            if upload.size > 200_000:
                self.add_error("file", "The file is too large. Split it into files of a few hundred rows.")
                return cleaned
            try:
                cleaned["text"] = upload.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                self.add_error("file", "The file is not in UTF-8. Save it from the spreadsheet as CSV UTF-8.")
        elif not cleaned.get("text"):
            self.add_error("file", "Choose a file.")
        return cleaned


class ScoreWithdrawForm(forms.Form):
    reason = forms.CharField(
        label="Why is it withdrawn?",
        max_length=200,
        help_text="For example: “Typed for the wrong family”. Nothing about a family.",
        error_messages={"required": "Say why it is withdrawn."},
    )
