"""The forms of the workbench's settings and of concerns."""

from typing import Any

from django import forms

from recordings import benchkeys, comments
from recordings.models import BenchSettings, Concern
from recordings.reviewforms import ClockField


class BenchSettingsForm(forms.Form):
    """A field for each action, named `key-<action>`; empty means the usual key."""

    has_single_keys = forms.BooleanField(
        required=False, label="Single keys are shortcuts", help_text="Off: only keys such as F4, media keys, and those with Alt."
    )
    reaction_ms = forms.IntegerField(
        min_value=0, max_value=benchkeys.LONGEST_STEP_MS, label="A mark begins before the key press by, in milliseconds"
    )
    preroll_ms = forms.IntegerField(
        min_value=0, max_value=benchkeys.LONGEST_STEP_MS, label="A turn is heard again from before its start by, in milliseconds"
    )
    back_step_ms = forms.IntegerField(
        min_value=0, max_value=benchkeys.LONGEST_STEP_MS, label="Going on after a pause steps back by, in milliseconds"
    )
    skips_silence = forms.BooleanField(required=False, label="Skip silence")

    def __init__(self, *args: Any, settings: BenchSettings, **kwargs: Any) -> None:
        names = ("has_single_keys", "reaction_ms", "preroll_ms", "back_step_ms", "skips_silence")
        kwargs["initial"] = {name: getattr(settings, name) for name in names} | {f"key-{name}": key for name, key in settings.keys.items()}
        super().__init__(*args, **kwargs)
        for action in benchkeys.ACTIONS:
            self.fields[f"key-{action.name}"] = forms.CharField(
                required=False, max_length=40, label=action.words, help_text=f"Usually {action.usual}", strip=True
            )

    @property
    def keys(self) -> dict[str, str]:
        return {
            action.name: self.cleaned_data[f"key-{action.name}"] for action in benchkeys.ACTIONS if self.cleaned_data[f"key-{action.name}"]
        }

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if not name.startswith("key-")}


class ConcernForm(forms.Form):
    urgency = forms.ChoiceField(
        choices=Concern.Urgency.choices,
        label="How urgent is it?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how urgent it is."},
    )
    at = ClockField(
        required=False, label="Where in the recording", help_text="Minutes and seconds, such as 2:10. Leave it empty for the whole session."
    )
    text = forms.CharField(
        label="What worries you",
        max_length=comments.LONGEST,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="What you heard, who may be at risk, and what you have done already. It is encrypted, and only the people named below can read it.",
        error_messages={"required": "Write what worries you."},
    )
    with_therapist = forms.BooleanField(
        required=False,
        initial=True,
        label="The therapist may read it too",
        help_text="Untick this if the concern is about the therapist, or if telling them now could put somebody at risk.",
    )


class ConcernClosedForm(forms.Form):
    outcome = forms.CharField(
        label="What was done",
        max_length=comments.LONGEST,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Who was told, what was decided, and where it is recorded. It is encrypted like the concern itself.",
        error_messages={"required": "Write what was done, or why nothing had to be."},
    )
