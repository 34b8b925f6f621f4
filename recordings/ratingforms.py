"""The forms around a rating: giving it back, conflicts of interest, sampling plans, consensus, self-rating, calibration."""

from typing import Any, cast

from django import forms
from django.utils import timezone

from recordings import comments
from recordings.models import Assignment, SamplingPlan
from supervision.models import FamilyReference, Instrument, Item, User

Skip = Assignment.Skip
NOT_APPLICABLE = "na"


class GiveBackForm(forms.Form):
    reason = forms.ChoiceField(
        label="Why do you give it back?",
        widget=forms.RadioSelect,
        choices=[(one.value, one.label) for one in (Skip.CONFLICT, Skip.SOUND, Skip.UNSUITABLE, Skip.NO_TIME)],
        error_messages={"required": "Choose a reason."},
    )
    about = forms.ChoiceField(
        label="What are you too close to?",
        required=False,
        widget=forms.RadioSelect,
        choices=[("therapist", "The therapist"), ("family", "The family")],
        help_text="You are then not asked to rate it again, unless a conflict of interest was the reason and has ended.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("reason") == Skip.CONFLICT and not data.get("about"):
            self.add_error("about", "Say whether it is the therapist or the family.")
        return data


class ConflictForm(forms.Form):
    therapist = forms.ModelChoiceField(User.objects.none(), required=False, label="A therapist", empty_label="No therapist")
    family = forms.ModelChoiceField(FamilyReference.objects.none(), required=False, label="Or a family", empty_label="No family")

    def __init__(self, *args: Any, therapists: Any, families: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Any]", self.fields["therapist"]).queryset = therapists
        cast("forms.ModelChoiceField[Any]", self.fields["family"]).queryset = families

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and (data.get("therapist") is None) == (data.get("family") is None):
            self.add_error("therapist", "Choose a therapist or a family, one of the two.")
        return data


class PlanForm(forms.Form):
    instrument = forms.ModelChoiceField(Instrument.objects.none(), empty_label=None, label="Instrument")
    mode = forms.ChoiceField(label="Which recordings are rated", choices=SamplingPlan.Mode.choices, widget=forms.RadioSelect, initial="all")
    every = forms.IntegerField(
        label="Every how many",
        min_value=2,
        max_value=100,
        required=False,
        help_text="For every nth: 3 means one in three of each therapist.",
    )
    percent = forms.IntegerField(
        label="Share, in percent", min_value=1, max_value=100, required=False, help_text="For a random share: 20 means 2 of 10."
    )
    strata = forms.ChoiceField(
        label="The same share in", choices=SamplingPlan.Strata.choices, required=False, help_text="For a random share."
    )
    double_percent = forms.IntegerField(
        label="Of these, rated twice, in percent",
        min_value=0,
        max_value=100,
        initial=20,
        help_text="A second rater, who does not see the first rating, shows how far ratings can be relied on. 20 is usual.",
    )
    due_days = forms.IntegerField(label="Days until a rating is due", min_value=1, max_value=60, initial=14)
    starts_on = forms.DateField(label="From", help_text="Recordings that arrive on this day or later.", widget=forms.DateInput)

    def __init__(self, *args: Any, instruments: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Any]", self.fields["instrument"]).queryset = instruments
        self.fields["starts_on"].initial = timezone.localdate()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("mode") == SamplingPlan.Mode.NTH and not data.get("every"):
            self.add_error("every", "Enter every how many recordings one is rated, such as 3.")
        if data.get("mode") == SamplingPlan.Mode.RANDOM and not data.get("percent"):
            self.add_error("percent", "Enter the share in percent, such as 20.")
        return data

    @property
    def values(self) -> dict[str, Any]:
        """The plan's fields, without team and instrument."""
        data = self.cleaned_data
        return {
            "mode": data["mode"],
            "every": data["every"] or 1 if data["mode"] == SamplingPlan.Mode.NTH else 1,
            "share": (data["percent"] or 100) / 100 if data["mode"] == SamplingPlan.Mode.RANDOM else 1,
            "strata": data["strata"] or SamplingPlan.Strata.THERAPIST,
            "double_share": data["double_percent"] / 100,
            "due_days": data["due_days"],
            "starts_on": data["starts_on"],
        }


FEW = 12


class ScoreField(forms.ChoiceField):
    """A score of an item's scale, or not applicable, as radios. Its value is "3", "na" or ""."""

    def __init__(self, item: Item, *, required: bool, label: str) -> None:
        words = {0: "No", 1: "Yes"} if item.scale == Item.Scale.YES_NO else {}
        steps = [(str(score), words.get(score, str(score))) for score in range(item.least, item.most + 1)]
        if item.allows_na:
            steps.append((NOT_APPLICABLE, "Not applicable"))
        super().__init__(label=label, required=required, choices=steps, widget=forms.RadioSelect)


class FigureField(forms.CharField):
    """A count, or a length in seconds: too many steps to choose from, so it is written. Its value is "12", "na" or "", as above.
    The page sends the figure, then "na" under the same name where that is ticked: the last one counts."""

    def __init__(self, item: Item, *, required: bool, label: str) -> None:
        self.item = item
        super().__init__(label=label, required=required, max_length=8, widget=forms.TextInput)

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        if not text or (text == NOT_APPLICABLE and self.item.allows_na):
            return text
        is_whole = text.removeprefix("-").isascii() and text.removeprefix("-").isdigit()
        if not is_whole or not self.item.least <= int(text) <= self.item.most:
            unit = " of seconds" if self.item.scale == Item.Scale.DURATION else ""
            raise forms.ValidationError(f"{self.item.name}: enter a whole number{unit} from {self.item.least} to {self.item.most}.")
        return str(int(text))


def score_field(item: Item, *, required: bool, label: str) -> ScoreField | FigureField:
    kind = ScoreField if item.most - item.least < FEW else FigureField
    return kind(item, required=required, label=label)


class ConsensusForm(forms.Form):
    """A score put forward for one item of a comparison, or agreement to the one that is there."""

    action = forms.ChoiceField(choices=[("propose", "propose"), ("agree", "agree")])
    version = forms.IntegerField(min_value=0)

    def __init__(self, *args: Any, item: Item, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["score"] = score_field(item, required=False, label=item.name)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("action") == "propose" and not data.get("score"):
            self.add_error("score", "Choose the score that you propose.")
        return data

    @property
    def score(self) -> int | None:
        chosen = self.cleaned_data["score"]
        return None if chosen == NOT_APPLICABLE else int(chosen)


class NoteForm(forms.Form):
    item = forms.SlugField(required=False)
    text = forms.CharField(max_length=comments.LONGEST, error_messages={"required": "Write something first."})


class PartingForm(forms.Form):
    reason = forms.CharField(
        label="Why the two cannot agree any more",
        max_length=comments.LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Such as: Carl has left the team. Those who see the reviews see it.",
        error_messages={"required": "Say why the two cannot agree on the scores any more."},
    )


class SelfRatingForm(forms.Form):
    """One field an item, and a note."""

    def __init__(self, *args: Any, items: list[Item], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items = items
        for item in items:
            self.fields[f"item-{item.key}"] = score_field(item, required=False, label=item.name)
        self.fields["note"] = forms.CharField(
            label="What you want to remember about this session",
            required=False,
            max_length=comments.LONGEST,
            widget=forms.Textarea(attrs={"rows": 4}),
            help_text="Only you see this note.",
        )
        self.fields["version"] = forms.IntegerField(min_value=0, required=False, widget=forms.HiddenInput)

    @property
    def scores(self) -> dict[str, Any]:
        chosen = {item.key: self.cleaned_data.get(f"item-{item.key}") for item in self.items}
        return {key: score if score == NOT_APPLICABLE else int(score) for key, score in chosen.items() if score}


class _SourceField(forms.ModelChoiceField):
    def label_from_instance(self, review: Any) -> str:
        recording = review.recording
        return f"{recording.therapist}, {recording.session_on:%-d %B %Y}, {review.instrument.name}"


class GoldForm(forms.Form):
    review = _SourceField(
        None, label="Session", empty_label=None, help_text="Settled by two raters, or rated by you. Everybody agreed to rater training."
    )
    label = forms.CharField(
        label="Name", max_length=60, help_text="A neutral one, such as Exercise 3. Nothing about the family or the therapist."
    )

    def __init__(self, *args: Any, sources: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Any]", self.fields["review"]).queryset = sources


class ExerciseForm(forms.Form):
    rater = forms.ModelChoiceField(User.objects.none(), label="Rater", empty_label=None)
    is_hidden = forms.BooleanField(
        label="Hide it in the ordinary queue", required=False, help_text="It then looks like any other session until it is submitted."
    )

    def __init__(self, *args: Any, raters: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Any]", self.fields["rater"]).queryset = raters


class ReasonsForm(forms.Form):
    """One text an item: why its gold score is what it is."""

    def __init__(self, *args: Any, items: list[Item], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items = items
        for item in items:
            self.fields[f"why-{item.key}"] = forms.CharField(
                label="Why", required=False, max_length=comments.LONGEST, widget=forms.Textarea(attrs={"rows": 3})
            )

    @property
    def reasons(self) -> dict[str, str]:
        return {item.key: self.cleaned_data[f"why-{item.key}"] for item in self.items}


class EndCertificationForm(forms.Form):
    reason = forms.CharField(
        label="Why it ends",
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The rater and those who certify read it. Nothing about a family or a session.",
        error_messages={"required": "Say why it ends."},
    )
