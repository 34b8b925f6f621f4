"""The form of a research export."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from recordings.keepingforms import DateInput
from supervision.models import Programme


class ResearchForm(forms.Form):
    programme = forms.ModelChoiceField(label="Programme", queryset=Programme.objects.none(), empty_label=None)
    since = forms.DateField(label="Sessions from", widget=DateInput, error_messages={"required": "Enter the first day."})
    until = forms.DateField(label="Sessions until", widget=DateInput, error_messages={"required": "Enter the last day."})
    reason = forms.CharField(
        label="What it is for",
        max_length=180,
        help_text="The study and who gets the file. It is kept with the export. Name no family.",
        error_messages={"required": "Say what it is for."},
    )
    with_text = forms.BooleanField(label="With the words that were said", required=False)
    with_voices = forms.BooleanField(label="With voice prints", required=False)
    approval = forms.CharField(
        label="Approval for words or voice prints",
        max_length=100,
        required=False,
        help_text="Families here agreed to figures without words or names. For more, give the reference of the approval that covers it. "
        "A second information governance lead looks at it and agrees before anything leaves.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        programme = self.fields["programme"]
        assert isinstance(programme, forms.ModelChoiceField)  # noqa: S101 (for the type checker)
        programme.queryset = Programme.objects.order_by("name", "pk")

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        since, until = values.get("since"), values.get("until")
        if since and until and until < since:
            self.add_error("until", "The last day must not lie before the first.")
        if (values.get("with_text") or values.get("with_voices")) and not values.get("approval"):
            self.add_error(
                "approval", ValidationError("Give the reference of the approval. Without one, leave out words and voice prints.")
            )
        return values

    @property
    def needs_two(self) -> bool:
        """Whether a second person has to agree."""
        return bool(self.cleaned_data["with_text"] or self.cleaned_data["with_voices"])

    def days(self) -> dict[str, Any]:
        """Which sessions: as `research.cohort` takes it."""
        return {name: self.cleaned_data[name] for name in ("programme", "since", "until")}
