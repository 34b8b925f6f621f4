"""The forms of the review pages. The scripts send the very fields that the plain forms do."""

import json
import re
from typing import Any, cast

from django import forms

from recordings import comments, counting
from recordings.models import Annotation, Code, Review
from supervision.models import Item, Team, User

NOT_APPLICABLE = "na"
COUNTED = "counted"  # filled from annotations
OWN = "own"  # a figure that the rater typed
_CLOCK = re.compile(r"^(?:(\d{1,2}):)?(?:(\d{1,3}):)?(\d{1,5}(?:[.,]\d{1,3})?)$")


def parse_clock(text: str) -> int:
    """ "1:02:10.5", "2:10" or "34.25" as milliseconds. Raises ValueError."""
    found = _CLOCK.match(text.strip())
    if not found:
        raise ValueError(text)
    first, second, seconds = found.groups()
    hours, minutes = (int(first or 0), int(second)) if second is not None else (0, int(first or 0))
    seconds = float(seconds.replace(",", "."))
    if (minutes > 59 and hours) or (seconds >= 60 and (hours or minutes)):
        raise ValueError(text)
    return round((hours * 3600 + minutes * 60 + seconds) * 1000)


def clock_text(milliseconds: int) -> str:
    """Milliseconds as people type them: "2:10", "0:34.2", "1:02:10.25"."""
    whole, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{text}.{rest:03}".rstrip("0") if rest else text


class ClockField(forms.CharField):
    """A position in the recording, in milliseconds."""

    default_error_messages = {"clock": "Enter a time in minutes and seconds, such as 2:10."}

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return parse_clock(text)
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["clock"], code="clock") from error

    def prepare_value(self, value: Any) -> Any:
        return clock_text(value) if isinstance(value, int) else value


class AnnotationForm(forms.Form):
    id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)
    code = forms.ModelChoiceField(
        Code.objects.none(), to_field_name="slug", label="Code", empty_label="Choose a code", error_messages={"required": "Choose a code."}
    )
    start = ClockField(label="From", help_text="Minutes and seconds, such as 2:10", error_messages={"required": "Enter where it starts."})
    end = ClockField(label="To", error_messages={"required": "Enter where it ends."})
    comment = forms.CharField(
        label="Comment", required=False, max_length=comments.LONGEST, widget=forms.Textarea(attrs={"rows": 3}), strip=True
    )

    def __init__(self, *args: Any, review: Review, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Any]", self.fields["code"]).queryset = Code.objects.filter(
            programme=review.recording.team.programme_id
        ).order_by("position", "pk")


class ScoreForm(forms.Form):
    """One item. For counts and durations `score` says where the figure comes from, and `figure` is the rater's own."""

    score = forms.ChoiceField(required=False)
    figure = forms.IntegerField(required=False)
    version = forms.IntegerField(required=False, min_value=0)
    evidence = forms.ModelMultipleChoiceField(Annotation.objects.none(), required=False)

    def __init__(self, *args: Any, review: Review, item: Item, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_figure = item.scale in counting.FILLED
        numbers = [COUNTED, OWN] if self.is_figure else [str(number) for number in range(item.least, item.most + 1)]
        offered = [*numbers, NOT_APPLICABLE] if item.allows_na else numbers
        cast("forms.ChoiceField", self.fields["score"]).choices = [("", ""), *((value, value) for value in offered)]
        whole = f"{item.name}: a whole number from {item.least} to {item.most}."
        self.fields["score"].error_messages["invalid_choice"] = f"{item.name} is always rated." if not item.allows_na else whole
        self.fields["figure"].error_messages["invalid"] = whole
        cast("forms.ModelMultipleChoiceField[Any]", self.fields["evidence"]).queryset = Annotation.objects.filter(review=review)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("score") == OWN and cleaned.get("figure") is None and "figure" not in self.errors:
            self.add_error("figure", "Enter your own figure, or use the count of your annotations.")
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        chosen = self.cleaned_data["score"]
        number = self.cleaned_data["figure"] if chosen == OWN else chosen
        return {
            "score": int(number) if chosen not in ("", NOT_APPLICABLE, COUNTED) else None,
            "is_not_applicable": chosen == NOT_APPLICABLE,
            "is_counted": chosen == COUNTED,
            "evidence": [one.pk for one in self.cleaned_data["evidence"]],
            "version": self.cleaned_data["version"] or 0,
        }


class WordsForm(forms.Form):
    text = forms.CharField(required=False, max_length=comments.LONGEST, widget=forms.Textarea)
    seen = forms.UUIDField(required=False)


class IntervalsForm(forms.Form):
    intervals = forms.CharField(max_length=20_000)

    def clean_intervals(self) -> list[Any]:
        try:
            found = json.loads(self.cleaned_data["intervals"])
        except ValueError as error:
            raise forms.ValidationError("The stretches heard could not be read.") from error
        if not isinstance(found, list) or any(not isinstance(pair, list) for pair in found):
            raise forms.ValidationError("The stretches heard are a list of pairs.")
        return found


class HeardForm(IntervalsForm):
    purpose = forms.CharField(max_length=20)
    review = forms.UUIDField(required=False)
    position = forms.IntegerField(required=False, min_value=0)


class ReplyForm(forms.Form):
    annotation = forms.UUIDField(required=False, widget=forms.HiddenInput)
    text = forms.CharField(
        label="Your answer",
        max_length=comments.LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write your answer first."},
    )


class WorkFilter(forms.Form):
    team = forms.ModelChoiceField(Team.objects.none(), required=False, to_field_name="slug", empty_label="All teams")
    therapist = forms.ModelChoiceField(User.objects.none(), required=False, empty_label="All therapists")

    def __init__(self, *args: Any, teams: Any, therapists: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ModelChoiceField[Any]", self.fields["team"]).queryset = teams
        cast("forms.ModelChoiceField[Any]", self.fields["therapist"]).queryset = therapists
