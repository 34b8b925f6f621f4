"""The forms of consents, uploads and deletions. They check what was typed; the rules are in the verb modules."""

import datetime as dt
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format

from recordings.consent import name_of
from recordings.models import Consent, ConsentPerson, Purpose, Recording, Withdrawal
from supervision.models import FamilyReference, User

_initials = RegexValidator(r"^[^\W\d_](?:[^\W\d_]|[.\-' ]){0,7}$", "Enter initials only, such as M.B.; never a name.")


class _DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class _ConsentChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        people = ", ".join(name_of(person) for person in obj.people.all())
        return f"{people} (consent of {date_format(obj.given_on, 'j F Y')})"


class _FamilyChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.reference} {obj.initials}".strip()


class ConsentForm(forms.Form):
    given_on = forms.DateField(
        label="Day on which the consent was given",
        widget=_DateInput,
        error_messages={"required": "Enter the day on which the consent was given."},
    )
    method = forms.ChoiceField(
        label="How it was given",
        choices=Consent.Method.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how the consent was given."},
    )
    valid_until = forms.DateField(
        label="Last day on which it holds",
        required=False,
        widget=_DateInput,
        help_text="Leave this empty if it holds until somebody withdraws it.",
    )
    parental_responsibility = forms.CharField(
        label="Who holds parental responsibility",
        required=False,
        max_length=200,
        help_text="By role, such as “mother” or “local authority, shared with father”. Needed when a young person will be heard.",
    )


class PersonForm(forms.Form):
    role = forms.ChoiceField(
        label="Who", choices=[("", "Choose"), *ConsentPerson.Role.choices], error_messages={"required": "Choose who this is."}
    )
    initials = forms.CharField(
        label="Initials", max_length=8, validators=[_initials], error_messages={"required": "Enter this person's initials."}
    )
    purposes = forms.MultipleChoiceField(
        label="Says yes to",
        choices=Purpose.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Leave empty whatever this person said no to.",
    )


class _BasePersonFormSet(forms.BaseFormSet):
    def people(self) -> list[tuple[str, str, list[str]]]:
        """(role, initials, purposes) of every row that was filled in."""
        return [(row["role"], row["initials"], row["purposes"]) for row in self.cleaned_data if row]


PersonFormSet = forms.formset_factory(PersonForm, formset=_BasePersonFormSet, extra=4, max_num=12, validate_max=True)


class WithdrawForm(forms.Form):
    SOMEBODY_ELSE = "other"

    person = forms.ChoiceField(label="Who withdraws it", widget=forms.RadioSelect, error_messages={"required": "Choose who withdraws it."})
    channel = forms.ChoiceField(
        label="How we were told",
        choices=Withdrawal.Channel.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how we were told."},
    )

    def __init__(self, *args: Any, consent: Consent, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {str(person.pk): person for person in consent.people.all()}
        choice = self.fields["person"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101 (declared above)
        choice.choices = [
            *((pk, name_of(person)) for pk, person in self.people.items()),
            (self.SOMEBODY_ELSE, "Somebody else with parental responsibility"),
        ]

    def clean_person(self) -> ConsentPerson | None:
        return self.people.get(self.cleaned_data["person"])


class DeleteForm(forms.Form):
    note = forms.CharField(
        label="Why it is deleted",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="This goes on the certificate. Name nobody.",
        error_messages={"required": "Say why it is deleted."},
    )


class UploadForm(forms.Form):
    consent = _ConsentChoice(
        label="Who was in the session",
        queryset=Consent.objects.none(),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": "Choose who was in the session."},
    )
    session_on = forms.DateField(
        label="Day of the session", widget=_DateInput, error_messages={"required": "Enter the day of the session."}
    )
    recording = forms.FileField(
        label="The recording",
        error_messages={"required": "Choose the recording.", "empty": "The file is empty. Choose another one."},
    )

    def __init__(self, *args: Any, consents: list[Consent], today: dt.date, refusal: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refusal = refusal
        choice = self.fields["consent"]
        assert isinstance(choice, forms.ModelChoiceField)  # noqa: S101 (declared above)
        choice.queryset = (
            Consent.objects.filter(pk__in=[row.pk for row in consents]).prefetch_related("people").order_by("-given_on", "-pk")
        )
        if len(consents) == 1:
            choice.initial = consents[0].pk
            choice.widget = forms.HiddenInput()
        self.fields["session_on"].initial = today
        self.fields["session_on"].widget.attrs["max"] = today.isoformat()
        longest, largest = settings.RECORDING_MAX_SECONDS // 3600, filesizeformat(settings.RECORDING_MAX_BYTES)
        self.fields[
            "recording"
        ].help_text = f"WAV, MP3, M4A, Opus, FLAC, WebM or MP4; up to {longest} hours and {largest}. The file's name is not kept."
        self.fields["recording"].widget.attrs["accept"] = "audio/*,video/mp4,video/webm,.m4a,.opus,.ogg,.flac"

    def clean_recording(self) -> Any:
        if self.refusal:
            raise forms.ValidationError(self.refusal)
        return self.cleaned_data["recording"]

    def full_clean(self) -> None:
        """A file that the handler refused never arrived: say why, and not that it is missing."""
        if self.refusal:
            self.fields["recording"].error_messages["required"] = self.refusal
        super().full_clean()


class LibraryFilter(forms.Form):
    """The list's filters and its order; all optional, all in the URL."""

    SORTS = {
        "-session_on": "Newest session first",
        "session_on": "Oldest session first",
        "-uploaded_at": "Latest upload first",
        "family": "Family",
    }

    state = forms.ChoiceField(label="State", required=False)
    family = _FamilyChoice(label="Family", queryset=FamilyReference.objects.none(), required=False, empty_label="All families")
    therapist = forms.ModelChoiceField(label="Therapist", queryset=User.objects.none(), required=False, empty_label="All therapists")
    sort = forms.ChoiceField(label="Order", required=False, choices=list(SORTS.items()))

    STATES = {
        "": "All that are kept",
        "underway": "Being processed",
        "ready": "Ready",
        "failed": "Processing stopped",
        "destroyed": "Destroyed",
    }

    def __init__(self, *args: Any, recordings: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        state, family, therapist = self.fields["state"], self.fields["family"], self.fields["therapist"]
        assert isinstance(state, forms.ChoiceField)  # noqa: S101 (declared above)
        assert isinstance(family, forms.ModelChoiceField)  # noqa: S101
        assert isinstance(therapist, forms.ModelChoiceField)  # noqa: S101
        state.choices = list(self.STATES.items())
        family.queryset = FamilyReference.objects.filter(pk__in=recordings.values("family")).order_by("reference", "pk")
        therapist.queryset = User.objects.filter(pk__in=recordings.values("therapist")).order_by("first_name", "last_name", "pk")
        if therapist.queryset.count() < 2:
            del self.fields["therapist"]

    def apply(self, recordings: Any) -> Any:
        """The recordings that match, in order. A value that does not exist is ignored."""
        self.is_valid()
        chosen = self.cleaned_data
        state = chosen.get("state")
        if state == "underway":
            recordings = recordings.filter(state__in=[Recording.State.QUEUED, Recording.State.PROCESSING])
        elif state:
            recordings = recordings.filter(state=state)
        else:
            recordings = recordings.kept()
        for name in ("family", "therapist"):
            if chosen.get(name):
                recordings = recordings.filter(**{name: chosen[name]})
        sort = chosen.get("sort") or "-session_on"
        return recordings.order_by("family__reference" if sort == "family" else sort, "-uploaded_at", "pk")
