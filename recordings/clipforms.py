"""The forms of teaching clips."""

from typing import Any

from django import forms

from recordings.clips import LONGEST_TITLE
from recordings.reviewforms import ClockField


class ClipForm(forms.Form):
    title = forms.CharField(
        label="Title",
        max_length=LONGEST_TITLE,
        help_text="What can be learned from it, such as “Asking what happened just before”. Nothing about the family.",
        error_messages={"required": "Give the clip a title that says what can be learned from it."},
    )
    start = ClockField(label="From", help_text="Minutes and seconds, such as 2:10", error_messages={"required": "Enter where it starts."})
    end = ClockField(
        label="To", help_text="2 seconds later at least, 5 minutes at the most", error_messages={"required": "Enter where it ends."}
    )


class ClipDecisionForm(forms.Form):
    decision = forms.ChoiceField(
        label="What do you decide?",
        choices=[("approve", "Approve it for lessons"), ("refuse", "Do not use it")],
        widget=forms.RadioSelect,
        error_messages={"required": "Approve the clip, or do not use it."},
    )
    has_listened = forms.BooleanField(
        label="I have listened to all of it, and nobody is named in it, nor in what is written",
        help_text="This is checked against what was played to you.",
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("decision") == "approve" and not cleaned.get("has_listened"):
            self.add_error("has_listened", "Listen to all of it first, then say that nobody is named.")
        return cleaned
