"""The back office's form for how a programme's sessions are transcribed."""

from typing import Any

from django import forms
from wagtail.admin.forms import WagtailAdminModelForm

from recordings import vocabulary
from recordings.models import SpeechSettings


class SpeechSettingsForm(WagtailAdminModelForm):
    class Meta:
        model = SpeechSettings
        fields = ["programme", "language", "vocabulary"]

    def clean_language(self) -> str:
        return self._checked(vocabulary.check_language, "language")

    def clean_vocabulary(self) -> str:
        return self._checked(vocabulary.check_vocabulary, "vocabulary")

    def _checked(self, check: Any, name: str) -> str:
        try:
            return str(check(self.cleaned_data[name]))
        except vocabulary.NotUsable as error:
            raise forms.ValidationError(str(error)) from None
