"""The form that brings an instrument in: the file first, then its text, seen and confirmed."""

from typing import Any

from django import forms

from supervision import instrumentfile


class InstrumentFileForm(forms.Form):
    file = forms.FileField(label="YAML file", required=False)
    text = forms.CharField(
        label="Or its text",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="For a small change without another upload.",
    )
    into_use = forms.BooleanField(label="Use this version for new reviews from now on", required=False)
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        upload = cleaned.get("file")
        if upload is not None:
            if upload.size > instrumentfile.LONGEST_FILE:
                self.add_error("file", "The file is too large to be an instrument.")
                return cleaned
            try:
                cleaned["text"] = upload.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                self.add_error("file", "The file is not text in UTF-8.")
        elif not (cleaned.get("text") or "").strip():
            self.add_error("file", "Choose a file.")
        return cleaned
