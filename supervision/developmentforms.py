"""The forms of the development plan and of the booster topics."""

import datetime as dt
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from supervision.development import USUAL_WEEKS
from supervision.models import BoosterTopic, DevelopmentGoal, Item

NEVER_A_FAMILY = (
    "Words about practice, never about a family: nothing of what was said, no name, no circumstance. A goal is kept when the "
    "recording is long destroyed."
)


def in_six_weeks() -> dt.date:
    return timezone.localdate() + dt.timedelta(weeks=USUAL_WEEKS)


class GoalForm(forms.Form):
    text = forms.CharField(
        label="What to practise",
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=NEVER_A_FAMILY,
        error_messages={"required": "Write what is to be practised."},
    )
    item = forms.ModelChoiceField(
        Item.objects.none(),
        label="What it bears on",
        required=False,
        empty_label="Nothing in particular",
        help_text="So that its scores can be looked at beside it.",
    )
    look_again_on = forms.DateField(label="Look at it again on", required=False, widget=forms.DateInput, initial=in_six_weeks)

    def __init__(self, *args: Any, items: QuerySet[Item], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ModelChoiceField[Item]", self.fields["item"])
        field.queryset = items
        field.choices = [("", str(field.empty_label)), *((item.pk, item.name) for item in items)]


class GoalCloseForm(forms.Form):
    state = forms.ChoiceField(
        label="What became of it",
        choices=[(DevelopmentGoal.State.MET.value, "Met"), (DevelopmentGoal.State.DROPPED.value, "Given up")],
        widget=forms.RadioSelect,
        error_messages={"required": "Say whether the goal is met or given up."},
    )
    outcome = forms.CharField(
        label="In a few words",
        max_length=400,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What showed it, or why it is given up. About practice, never about a family.",
    )


class LookAgainForm(forms.Form):
    on = forms.DateField(label="Look at it again on", widget=forms.DateInput, error_messages={"required": "Enter the day."})


class TopicForm(forms.Form):
    instrument = forms.SlugField(widget=forms.HiddenInput)
    item = forms.SlugField(widget=forms.HiddenInput)
    decision = forms.ChoiceField(
        choices=BoosterTopic.Decision.choices, error_messages={"required": "Choose the topic, or leave it for now."}
    )
    note = forms.CharField(label="Note", max_length=300, required=False)
