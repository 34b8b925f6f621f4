"""The forms of uploads, deletions and the library. They check what was typed; the rules are in the verb modules."""

import datetime as dt
from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format

from recordings import keeping
from recordings.consent import name_of, term
from recordings.models import Consent, Recording
from supervision.models import FamilyReference, User


class _DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class _ConsentChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        people = ", ".join(name_of(person) for person in obj.people.all())
        return f"{people} (consent of {date_format(obj.given_on, 'j F Y')}, {term(obj)})"


class _FamilyChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.reference} {obj.initials}".strip()


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
        ].help_text = f"WAV, MP3, M4A, Opus, FLAC, WebM or MP4; up to {longest} hours and {largest}. Only you see the file's name, and only until it has arrived."
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
        "due": "Destroyed within a week",
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
        elif state == "due":
            recordings = recordings.filter(pk__in=list(keeping.soon_among(recordings, timezone.localdate())))
        elif state:
            recordings = recordings.filter(state=state)
        else:
            recordings = recordings.kept()
        for name in ("family", "therapist"):
            if chosen.get(name):
                recordings = recordings.filter(**{name: chosen[name]})
        sort = chosen.get("sort") or "-session_on"
        return recordings.order_by("family__reference" if sort == "family" else sort, "-uploaded_at", "pk")
