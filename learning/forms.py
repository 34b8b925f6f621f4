"""What learners send."""

from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator

from learning.attempts import option_value

NOT_TOO_LONG = MaxLengthValidator(20000, "This is too long to keep: shorten it to 20,000 characters.")


class CheckForm(forms.Form):
    """An answer to a knowledge check: one or several options, by `option_value`."""

    def __init__(self, check: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(option_value(option["text"]), option["text"]) for option in check["options"]]
        changed = "This question has been changed since you opened it. Read it again, then answer."
        if check["kind"] == "multiple":
            self.fields["chosen"] = forms.MultipleChoiceField(
                choices=choices,
                widget=forms.CheckboxSelectMultiple,
                error_messages={"required": "Choose every answer that applies.", "invalid_choice": changed, "invalid_list": changed},
            )
        else:
            self.fields["chosen"] = forms.ChoiceField(
                choices=choices, widget=forms.RadioSelect, error_messages={"required": "Choose an answer.", "invalid_choice": changed}
            )

    def values(self) -> list[str]:
        chosen = self.cleaned_data["chosen"]
        return list(chosen) if isinstance(chosen, list) else [chosen]


class ExerciseForm(forms.Form):
    text = forms.CharField(
        label="Your answer",
        validators=[NOT_TOO_LONG],
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"required": "Write your answer first."},
    )


class NoteForm(forms.Form):
    text = forms.CharField(
        label="Your notes on this lesson",
        required=False,
        validators=[NOT_TOO_LONG],
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class PlaceForm(forms.Form):
    """Sent by the page itself."""

    block = forms.CharField(max_length=60, required=False)
    player = forms.CharField(max_length=60, required=False)
    seconds = forms.FloatField(required=False, min_value=0)


class SearchForm(forms.Form):
    q = forms.CharField(label="Search your lessons", max_length=100, required=False, widget=forms.TextInput(attrs={"type": "search"}))
