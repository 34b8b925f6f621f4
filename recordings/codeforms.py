"""The code book's form in the Wagtail admin."""

from typing import Any, cast

from django import forms
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.text import slugify
from wagtail.admin.forms import WagtailAdminModelForm

from recordings import codebook
from recordings.models import Code

_KEYS = [("", "No key"), *((str(digit), str(digit)) for digit in range(1, 10))]
_LAST_PLACE = 32_767  # the largest that its column holds


class CodeForm(WagtailAdminModelForm):
    """Colour, shape and key are chosen from what there is; a code stays in its programme; saving keeps the version of its meaning."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = self.fields
        fields["colour"] = forms.TypedChoiceField(choices=list(codebook.COLOURS.items()), coerce=int, label="Colour")
        fields["shape"] = forms.ChoiceField(
            choices=[(name, name.title()) for name in codebook.SHAPES],
            label="Shape",
            help_text="So that a mark never depends on its colour.",
        )
        fields["digit"] = forms.TypedChoiceField(
            choices=_KEYS,
            coerce=int,
            empty_value=None,
            required=False,
            label="Key",
            help_text="Of its own. A code under another is chosen by a letter after that one’s digit.",
        )
        place = fields["position"]
        place.required = False
        place.label = "Place"
        place.help_text = "Codes stand from the lowest number to the highest. Left empty, a new code comes last."
        if not self.instance.pk:
            self.initial["position"] = None
        parents: QuerySet[Code] = Code.objects.filter(parent__isnull=True).order_by("programme", "position", "pk")
        if self.instance.pk:
            fields["programme"].disabled = True
            parents = parents.filter(programme=self.instance.programme_id).exclude(pk=self.instance.pk)
        field = cast("forms.ModelChoiceField[Code]", fields["parent"])
        field.queryset = parents
        field.label = "Under"
        field.help_text = "Another code of which this one is a particular form. Codes nest one level deep."

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        programme, parent, digit = data.get("programme"), data.get("parent"), data.get("digit")
        if programme is None:
            return data
        others = Code.objects.filter(programme=programme).exclude(pk=self.instance.pk)
        if data.get("position") is None and "position" not in self.errors:
            last = others.aggregate(last=Max("position"))["last"] or 0
            data["position"] = self.instance.position if self.instance.pk else min(last + 1, _LAST_PLACE)
        if parent is not None:
            if parent.programme_id != programme.pk:
                self.add_error("parent", "That code belongs to another programme.")
            if self.instance.pk and self.instance.children.exists():
                self.add_error("parent", "There are codes under this one, so it cannot stand under another.")
            if digit is not None:
                self.add_error("digit", "A code under another has no key of its own.")
            if others.filter(parent=parent, is_current=True).count() >= len(codebook.LETTERS):
                self.add_error("parent", "There are as many codes under that one as there are letters.")
        if digit is not None and data.get("is_current") and (taken := others.filter(digit=digit, is_current=True).first()):
            self.add_error("digit", f"{digit} is the key of “{taken.name}”. Choose another, or take it from that one first.")
        return data

    def save(self, commit: bool = True) -> Code:
        code: Code = self.instance
        if not code.slug:
            code.slug = _free_slug(code)
        code = super().save(commit=commit)
        if commit:
            codebook.keep_version(code, by=self.for_user, now=timezone.now())
        return code


def _free_slug(code: Code) -> str:
    """From its name; with a number where another of the programme has it."""
    base = slugify(code.name)[:40] or "code"
    taken = set(Code.objects.filter(programme=code.programme_id, slug__startswith=base).values_list("slug", flat=True))
    return next(slug for number in range(1, len(taken) + 2) if (slug := base if number == 1 else f"{base}-{number}") not in taken)
