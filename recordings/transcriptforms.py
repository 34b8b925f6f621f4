"""The small forms of the transcript's page. Their fields are drawn by hand: there is one for every turn."""

from django import forms

from recordings import correcting


class EditForm(forms.Form):
    do = forms.ChoiceField(choices=[(name, name) for name in ("save", "split", "join", "assign", "confirm", "refuse", "fill")])
    turn = forms.CharField(required=False, max_length=40)
    expected = forms.IntegerField(required=False, min_value=0)
    at = forms.FloatField(required=False, min_value=0)
    start = forms.FloatField(required=False, min_value=0)
    end = forms.FloatField(required=False, min_value=0)
    text = forms.CharField(required=False, max_length=correcting.LONGEST_TEXT, strip=True)
    word = forms.IntegerField(required=False, min_value=1)
    speaker = forms.CharField(required=False, max_length=20)

    def clean(self) -> dict[str, object]:
        values = super().clean() or {}
        do = values.get("do")
        needed = {"fill": ("start", "end"), "split": ("turn", "expected", "word")}.get(str(do), ("turn", "expected"))
        if any(values.get(name) in (None, "") for name in needed):
            raise forms.ValidationError(
                "Choose the word before which to split." if do == "split" else "Load the page again and try once more."
            )
        return values

    @property
    def sentence(self) -> str:
        """What is wrong, in one sentence."""
        return str(next(iter(self.errors.values()))[0])


class SpeakerForm(forms.Form):
    do = forms.ChoiceField(choices=[("name", "name"), ("merge", "merge")])
    speaker = forms.CharField(max_length=20)
    who = forms.CharField(required=False, max_length=20)
    initials = forms.CharField(required=False, max_length=12)
    into = forms.CharField(required=False, max_length=20)


class UndoForm(forms.Form):
    do = forms.ChoiceField(choices=[(name, name) for name in ("undo", "redo", "keep", "drop")])
    number = forms.IntegerField(min_value=1)
