"""Two steps: the file; then what each tier is. What was read travels in the form between them, so nothing is kept on the way."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms

from recordings.annotationimport import LARGEST, MOST, Found, code_for
from recordings.models import Code


class FileForm(forms.Form):
    file = forms.FileField(
        label="ELAN or Praat file",
        help_text="An .eaf or a .TextGrid file of up to 2 MB. You see what is in it before anything is added.",
        error_messages={"required": "Choose the file."},
    )

    def clean_file(self) -> Any:
        if self.cleaned_data["file"].size > LARGEST:
            raise forms.ValidationError("This file is larger than 2 MB, which no file of annotations is. Export the annotations alone.")
        return self.cleaned_data["file"]


class TiersForm(forms.Form):
    content = forms.CharField(widget=forms.HiddenInput, max_length=4 * LARGEST)

    def __init__(self, *args: Any, codes: Sequence[Code], found: Sequence[Found] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.codes = {code.slug: code for code in codes}
        self.found = list(found) if found is not None else self._read(self.data.get("content", ""))
        if found is not None:
            rows = [[one.tier, one.start_ms, one.end_ms, one.text] for one in found]
            self.initial["content"] = json.dumps(rows, ensure_ascii=False)
        offered = [("", "Leave it out"), *((code.slug, code.name) for code in codes)]
        for number, tier in enumerate(self.tiers):
            count = sum(one.tier == tier for one in self.found)
            named = code_for(tier, codes)
            self.fields[f"tier-{number}"] = forms.ChoiceField(
                label=f"“{tier or 'without a name'}”, {count} annotation{'' if count == 1 else 's'}",
                choices=offered,
                required=False,
                initial=named.slug if named else "",
            )

    @property
    def tiers(self) -> list[str]:
        return list(dict.fromkeys(one.tier for one in self.found))

    @property
    def guessed(self) -> dict[str, Code | None]:
        return {tier: code_for(tier, list(self.codes.values())) for tier in self.tiers}

    @property
    def chosen(self) -> dict[str, Code | None]:
        return {tier: self.codes.get(self.cleaned_data.get(f"tier-{number}") or "") for number, tier in enumerate(self.tiers)}

    def clean_content(self) -> str:
        if not self.found:
            raise forms.ValidationError("The file has to be chosen again.")
        return str(self.cleaned_data["content"])

    @staticmethod
    def _read(content: str) -> list[Found]:
        try:
            rows = json.loads(content or "[]")
            read = [Found(str(tier), int(start), int(end), str(text)) for tier, start, end, text in rows]
        except (ValueError, TypeError, OverflowError, RecursionError):
            return []
        return read if len(read) <= MOST else []
