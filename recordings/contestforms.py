"""The forms by which feedback is answered with more than words: disagreeing with a score, deciding on that, telling what became of it."""

from typing import Any, cast

from django import forms

from recordings import comments
from recordings.models import TriedIt
from recordings.reviewforms import NOT_APPLICABLE
from supervision.models import Item

KEEPS = "keep"


class ContestForm(forms.Form):
    text = forms.CharField(
        label="What you see differently",
        max_length=comments.LONGEST,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Name the moment you mean, and what you see in it.",
        error_messages={"required": "Say what you see differently, and in which moment."},
    )


class ProposalForm(forms.Form):
    score = forms.ChoiceField(label="Your answer", widget=forms.RadioSelect, error_messages={"required": "Say whether the score stays."})
    text = forms.CharField(
        label="Why",
        max_length=comments.LONGEST,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Say why, so that the therapist can learn from it."},
    )

    def __init__(self, *args: Any, item: Item, given: int | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now = "not applicable" if given is None else str(given)
        offered = [(KEEPS, f"The score stays: {now}")]
        offered += [(str(score), f"{score} instead") for score in range(item.least, item.most + 1) if score != given]
        if item.allows_na and given is not None:
            offered.append((NOT_APPLICABLE, "Not applicable instead"))
        cast("forms.ChoiceField", self.fields["score"]).choices = offered

    @property
    def values(self) -> dict[str, Any]:
        chosen = self.cleaned_data["score"]
        return {
            "keeps": chosen == KEEPS,
            "score": int(chosen) if chosen not in (KEEPS, NOT_APPLICABLE) else None,
            "is_not_applicable": chosen == NOT_APPLICABLE,
            "text": self.cleaned_data["text"],
        }


class TriedForm(forms.Form):
    annotation = forms.UUIDField(required=False, widget=forms.HiddenInput)
    outcome = forms.ChoiceField(choices=TriedIt.Outcome.choices, error_messages={"required": "Choose what became of it."})
    text = forms.CharField(required=False, max_length=comments.LONGEST)
