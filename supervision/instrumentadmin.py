"""Instruments in the back office: sections, items and derived scores are edited there until the version has been used."""

from types import SimpleNamespace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Max
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.panels import FieldPanel, InlinePanel, MultiFieldPanel, ObjectList
from wagtail.snippets.views.snippets import SnippetViewSet

from supervision import instrumentfile, instruments, instrumenttext
from supervision.models import Instrument

PARTS = ("sections", "items", "derived_scores")
FORMULA_HELP = (
    "Keys with underscores: reflections / questions. Also sum, mean, count, min and max. Where something is not applicable, a sum is "
    "not scorable, and a mean needs half of its parts."
)
EMPTY: dict[str, Any] = {"anchors": {}, "codes": [], "thresholds": []}


class InstrumentForm(WagtailAdminModelForm):
    """A new one is version 1 and not in use. What is saved passes the rules that a file has to pass."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["slug"].disabled = True
        for formset in self.formsets.values():
            formset.queryset = formset.queryset.order_by("position")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        if instruments.is_locked(self.instance):
            raise ValidationError("This version has been used, so it is locked. Make the next version instead.")
        if not self.instance.pk:
            latest = Instrument.objects.filter(slug=cleaned.get("slug", "")).aggregate(number=Max("version"))["number"]
            self.instance.version, self.instance.is_current = (latest or 0) + 1, False
        return cleaned

    def is_valid(self) -> bool:
        if not super().is_valid():
            return False
        problems = self._problems()
        for problem in problems:
            self.add_error(None, problem)
        return not problems

    def _problems(self) -> list[str]:
        """The whole as it would be, by the rules for files."""
        whole = SimpleNamespace(**{name: getattr(self.instance, name) for name in ("slug", "version", *instruments.FIELDS)})
        for name in PARTS:
            kept = [one for one in self.formsets[name].ordered_forms if one.cleaned_data]
            for at, one in enumerate(kept, start=1):
                one.instance.position = at
                for field, empty in EMPTY.items():
                    if hasattr(one.instance, field) and not getattr(one.instance, field):
                        setattr(one.instance, field, empty.copy())
            rows = [one.instance for one in kept]
            setattr(whole, name, SimpleNamespace(all=lambda rows=rows: rows))
        return [problem.sentence for problem in instrumentfile.read(instrumenttext.as_yaml(whole)).problems]  # type: ignore[arg-type]


class InstrumentViewSet(SnippetViewSet):
    """What sessions are rated with. A used version is shown and not changed; it is copied into the next."""

    model = Instrument
    icon = "list-ol"
    menu_label = "Instruments"
    menu_order = 810
    add_to_admin_menu = True
    copy_view_enabled = False
    list_display = ["name", "version", "kind", "is_current", "first_used_at", "owner"]
    list_filter = ["kind", "is_current"]
    search_fields = ["name", "slug", "owner"]
    ordering = ["name", "-version", "pk"]
    edit_handler = ObjectList(
        [
            FieldPanel("slug", help_text="Its short name, the same in every version: small letters, digits and hyphens."),
            FieldPanel("name"),
            FieldPanel("kind"),
            FieldPanel("introduction"),
            MultiFieldPanel([FieldPanel("owner"), FieldPanel("licence_note")], heading="Whose wording it is"),
            FieldPanel("minimum_heard"),
            FieldPanel("programmes", widget=forms.CheckboxSelectMultiple),
            InlinePanel("sections", [FieldPanel("key"), FieldPanel("name"), FieldPanel("introduction")], label="Section"),
            InlinePanel(
                "items",
                [
                    FieldPanel("key"),
                    FieldPanel("name"),
                    FieldPanel("section_key"),
                    FieldPanel("question"),
                    FieldPanel("scale"),
                    FieldPanel("anchors"),
                    FieldPanel("least"),
                    FieldPanel("most"),
                    FieldPanel("allows_na"),
                    FieldPanel("codes", help_text='The codes that fill a count or duration, such as ["mi-question-open"].'),
                ],
                label="Item",
                min_num=1,
            ),
            InlinePanel(
                "derived_scores",
                [
                    FieldPanel("key"),
                    FieldPanel("name"),
                    FieldPanel("formula", help_text=FORMULA_HELP),
                    FieldPanel("decimals"),
                    FieldPanel("is_percent"),
                    FieldPanel("explanation"),
                    FieldPanel("thresholds"),
                ],
                label="Derived score",
            ),
        ],
        base_form_class=InstrumentForm,
    )
