"""The page on which a person decides what is muted: a choice for each stretch, one more by hand, and the word that they listened."""

import re
from typing import Any

from django import forms

from recordings.models import Redaction

_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]?\d(?:[.,]\d{1,3})?)")


def milliseconds(text: str) -> int | None:
    """ "12:10", "1:02:10" or "12:10.5" as milliseconds; None for anything else."""
    found = _CLOCK.fullmatch(text.strip())
    if not found:
        return None
    hours, minutes, seconds = int(found[1] or 0), int(found[2]), float(found[3].replace(",", "."))
    return round((hours * 3600 + minutes * 60 + seconds) * 1000)


class DecisionForm(forms.Form):
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)
    start = forms.CharField(label="From", required=False, max_length=12, help_text="Minutes and seconds, such as 12:10.5")
    end = forms.CharField(label="Until", required=False, max_length=12, help_text="Minutes and seconds, such as 12:12")
    has_listened = forms.BooleanField(
        label="I have listened to each stretch, and to what lies between them, and nobody is named in what stays audible", required=False
    )

    def __init__(self, *args: Any, redaction: Redaction, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.redaction = redaction

    def muted(self) -> set[int]:
        """The places that stay muted: all but those that were expressly kept."""
        return {place for place in range(len(self.redaction.spans)) if self.data.get(f"stretch-{place}") != "keep"}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        times = []
        for name in ("start", "end"):
            if text := cleaned.get(name):
                value = milliseconds(text)
                times.append(value)
                if value is None:
                    self.add_error(name, "Write the time as minutes and seconds, such as 12:10.")
        if len(times) == 1:
            self.add_error("end" if cleaned.get("start") else "start", "Give both times, or neither.")
        elif len(times) == 2 and None not in times and times[0] >= times[1]:  # type: ignore[operator]
            self.add_error("end", "The stretch must end after it starts.")
        cleaned["new"] = [tuple(times)] if len(times) == 2 and not self.errors else []
        return cleaned
