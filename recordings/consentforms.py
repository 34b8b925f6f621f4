"""The forms of consents, their papers, withdrawals and names. They check what was typed; the rules are in the verb modules."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.formats import date_format

from recordings import casefile
from recordings.consent import Heard, name_of
from recordings.models import Consent, ConsentPaper, ConsentPerson, ConsentWording, Purpose
from supervision.initials import validate_initials

FILED_HELP = "Such as “paper file of the team, cabinet 2”."
_DRAWN = "data:image/png;base64,"
ASKED_TOGETHER = [choice for choice in Purpose.choices if choice[0] != Purpose.RESEARCH]


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class MomentField(forms.CharField):
    """A place on a recording, typed as m:ss or h:mm:ss; cleans to milliseconds, None when empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=8, required=False, **kwargs)

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        if not typed:
            return None
        parts = typed.split(":")
        if not 2 <= len(parts) <= 3 or not all(part.isdecimal() and part.isascii() for part in parts):
            raise forms.ValidationError("Enter minutes and seconds, such as 0:45 or 12:05.")
        *whole, minutes, seconds = (int(part) for part in parts)
        if seconds > 59 or (whole and minutes > 59):
            raise forms.ValidationError("Enter minutes and seconds, such as 0:45 or 12:05.")
        return ((whole[0] if whole else 0) * 3600 + minutes * 60 + seconds) * 1000

    def prepare_value(self, value: Any) -> Any:
        return "{}:{:02d}".format(*divmod(value // 1000, 60)) if isinstance(value, int) else value


class ConsentForm(forms.Form):
    method = forms.ChoiceField(
        label="How consent is given",
        choices=Consent.Method.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how the consent was given."},
    )
    witness = forms.CharField(
        label="Witness",
        required=False,
        max_length=80,
        help_text="Who else was there, by role and initials, such as “family support worker T.O.”. Needed when names are typed.",
    )
    filed_at = forms.CharField(
        label="Where the signed form is kept",
        required=False,
        max_length=120,
        help_text=FILED_HELP + " You can add a scan instead. Until there is one or the other, only the therapist can listen.",
    )
    version = forms.ChoiceField(
        label="Version that the form carries",
        required=False,
        help_text="It is printed at the top of the sheet and above the answers.",
    )
    spoken_at_ms = MomentField(
        label="Where on the recording it is spoken",
        help_text="Minutes and seconds, such as 0:45. You can enter it after the upload. Without it or a witness, only the therapist can listen.",
    )
    given_on = forms.DateField(
        label="Day on which the consent was given",
        widget=DateInput,
        error_messages={"required": "Enter the day on which the consent was given."},
    )
    renewal = forms.ChoiceField(label="How long it holds", choices=Consent.Renewal.choices, widget=forms.RadioSelect, required=False)
    valid_until = forms.DateField(label="Last day on which it holds", required=False, widget=DateInput)
    session_on = forms.DateField(label="Day of the session", required=False, widget=DateInput)
    parental_responsibility = forms.CharField(
        label="Who holds parental responsibility",
        required=False,
        max_length=200,
        help_text="By role, such as “mother” or “local authority, shared with father”. Needed when a young person will be heard.",
    )

    def __init__(self, *args: Any, versions: Sequence[ConsentWording] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.versions = {str(wording.pk): wording for wording in versions}
        choice = self.fields["version"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101 (declared above)
        named = [(pk, f"Version {one.version}, from {date_format(one.effective_from, 'j F Y')}") for pk, one in self.versions.items()]
        choice.choices = [("", "The one in force on the day of the consent"), *named]

    def clean_version(self) -> ConsentWording | None:
        return self.versions.get(self.cleaned_data["version"])

    def clean(self) -> dict[str, Any]:
        """Says which day is missing, and drops what belongs to another answer."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        renewal = data["renewal"] = data.get("renewal") or Consent.Renewal.UNTIL_WITHDRAWN
        days = (
            ("valid_until", Consent.Renewal.UNTIL_DATE, "the last day"),
            ("session_on", Consent.Renewal.PER_SESSION, "the day of the session"),
        )
        for name, wanted, words in days:
            if renewal != wanted:
                data[name] = None
                self.errors.pop(name, None)
            elif not data.get(name) and name not in self.errors:
                self.add_error(name, f"Enter {words}.")
        if data.get("method") != Consent.Method.SPOKEN:
            data["spoken_at_ms"] = None
            self.errors.pop("spoken_at_ms", None)
        if data.get("method") != Consent.Method.SIGNED_PAPER:
            data |= {"filed_at": "", "version": None}
        return data


class PersonForm(forms.Form):
    role = forms.ChoiceField(
        label="Who", choices=[("", "Choose"), *ConsentPerson.Role.choices], error_messages={"required": "Choose who this is."}
    )
    initials = forms.CharField(
        label="Initials", max_length=8, validators=[validate_initials], error_messages={"required": "Enter this person's initials."}
    )
    purposes = forms.MultipleChoiceField(
        label="Says yes to",
        choices=ASKED_TOGETHER,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Leave empty whatever this person said no to.",
    )
    research = forms.BooleanField(
        label=f"Research, asked separately: {Purpose.RESEARCH.label[:1].lower()}{Purpose.RESEARCH.label[1:]}",
        required=False,
        help_text="Saying no to research changes nothing about anything else.",
    )
    drawn = forms.CharField(required=False, widget=forms.HiddenInput, max_length=400_000)
    typed = forms.CharField(
        label="Name, typed by this person", required=False, max_length=120, help_text="Sealed with the family's papers."
    )

    look_again_on = forms.DateField(
        label="Ask again in the month of",
        required=False,
        widget=DateInput,
        help_text="When this young person turns 16 or 18 and may decide for themselves. Any day of that month: only the month is kept.",
    )

    def clean_drawn(self) -> casefile.Sheet | None:
        value = self.cleaned_data["drawn"]
        if not value:
            return None
        try:
            return casefile.signature(base64.b64decode(value.removeprefix(_DRAWN), validate=True))
        except (binascii.Error, ValueError):
            raise forms.ValidationError("The drawn signature did not arrive whole. Clear it and sign again, or type the name.") from None
        except casefile.PaperRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def heard(self, method: str) -> Heard:
        """This person's answers, with the mark that the method asks for and no other."""
        data = self.cleaned_data
        purposes = [*data["purposes"], *([Purpose.RESEARCH.value] if data["research"] else [])]
        typed = casefile.Sheet(data["typed"].encode(), casefile.TEXT) if data["typed"] else None
        marks = {Consent.Method.SIGNED_SCREEN.value: data["drawn"] or typed, Consent.Method.TYPED.value: typed}
        again = data["look_again_on"] if data["role"] == ConsentPerson.Role.YOUNG_PERSON else None
        return Heard(data["role"], data["initials"], purposes, marks.get(method), again)


class BasePersonFormSet(forms.BaseFormSet):
    def filled(self) -> list[PersonForm]:
        """The rows that were filled in."""
        return [form for form in self.forms if isinstance(form, PersonForm) and form.has_changed()]

    def people(self, method: str) -> list[Heard]:
        """Everybody whose row was filled in."""
        return [form.heard(method) for form in self.filled()]


def person_formset(rows: int = 4) -> type[BasePersonFormSet]:
    made = forms.formset_factory(PersonForm, formset=BasePersonFormSet, extra=max(4, rows), max_num=12, validate_max=True)
    assert issubclass(made, BasePersonFormSet)  # noqa: S101 (given above)
    return made


class SpokenForm(forms.Form):
    spoken_at_ms = MomentField(label="Where on the recording it is spoken", help_text="Minutes and seconds, such as 0:45.")
    witness = forms.CharField(
        label="Witness", required=False, max_length=80, help_text="Who else was there and heard it, by role and initials."
    )


class FiledForm(forms.Form):
    filed_at = forms.CharField(label="Where the signed form is kept", required=False, max_length=120, help_text=FILED_HELP)


class AgainForm(forms.Form):
    """A month for each young person who is heard."""

    def __init__(self, *args: Any, young: list[ConsentPerson], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for person in young:
            self.fields[f"person-{person.pk}"] = forms.DateField(
                label=f"{name_of(person)}: ask again in the month of",
                required=False,
                initial=person.look_again_on,
                widget=DateInput(),
                help_text="Any day of that month: only the month is kept. Leave it empty to take the reminder out.",
            )


class PaperForm(forms.Form):
    kind = forms.ChoiceField(
        label="What it is",
        choices=[choice for choice in ConsentPaper.Kind.choices if choice[0] != ConsentPaper.Kind.SIGNATURE],
        widget=forms.RadioSelect,
        initial=ConsentPaper.Kind.FORM,
        error_messages={"required": "Choose what it is."},
    )
    note = forms.CharField(
        label="The note",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="Who assessed capacity or competence to decide, when, and what the person understood. Sealed with the family's papers.",
    )
    scan = forms.FileField(
        label="The file",
        required=False,
        help_text="PDF, JPEG or PNG, up to 10 MB. Its name is not kept.",
        error_messages={"empty": "The file is empty. Choose another one."},
        widget=forms.FileInput(attrs={"accept": ".pdf,.jpg,.jpeg,.png,application/pdf,image/jpeg,image/png"}),
    )

    def __init__(self, *args: Any, refusal: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refusal = refusal

    def clean(self) -> dict[str, Any]:
        """One paper at a time: a file, or for a note about capacity the words themselves."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.refusal:
            self.add_error("scan", self.refusal)
        elif not data.get("scan") and data.get("kind") == ConsentPaper.Kind.FORM and "scan" not in self.errors:
            self.add_error("scan", "Choose the file.")
        elif not data.get("scan") and not data.get("note") and "scan" not in self.errors:
            self.add_error("note", "Write the note, or choose a file.")
        elif data.get("scan") and data.get("note") and data.get("kind") == ConsentPaper.Kind.CAPACITY:
            self.add_error("note", "Send the file and the note one after the other: choose one of them now.")
        return data


class NamesForm(forms.Form):
    names = forms.CharField(
        label="Names, one a line",
        required=False,
        widget=forms.Textarea(attrs={"rows": 12, "autocomplete": "off", "spellcheck": "false"}),
        help_text="First names and surnames, and what each person is also called: nicknames, short forms, how a name sounds. "
        "Pets, schools, streets too: whatever would tell a stranger who this family is.",
    )

    def clean_names(self) -> list[str]:
        return str(self.cleaned_data["names"]).splitlines()
