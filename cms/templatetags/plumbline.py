"""The design system's tags and filters: form controls, status tags, breadcrumbs, dates and durations."""

import datetime as dt
from typing import Any

from django import forms, template
from django.core.exceptions import ValidationError
from django.core.paginator import Page
from django.forms.boundfield import BoundField
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

NEAR_DAYS = 183

# One shape a tone, drawn on a 16 by 16 grid, so that a status never depends on colour.
SHAPES: dict[str, str] = {
    "done": '<path fill-rule="evenodd" d="M8 0a8 8 0 1 1 0 16A8 8 0 0 1 8 0Zm3.9 4.6L6.8 9.7 4.3 7.2 3 8.5l3.8 3.8 6.4-6.4Z"/>',
    "progress": '<path fill-rule="evenodd" d="M8 0a8 8 0 1 1 0 16A8 8 0 0 1 8 0Zm0 2v12A6 6 0 0 0 8 2Z"/>',
    "due": '<path fill-rule="evenodd" d="M8 .5 16 15H0ZM8 4.6 3.4 13h9.2Z"/>',
    "overdue": '<path d="M8 .5 16 15H0Z"/>',
    "waived": '<path d="M1 7h14v2H1Z"/>',
    "none": '<path fill-rule="evenodd" d="M8 0a8 8 0 1 1 0 16A8 8 0 0 1 8 0Zm0 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Z"/>',
    "failed": '<path d="m2.2.8 5.8 5.8L13.8.8l1.4 1.4L9.4 8l5.8 5.8-1.4 1.4L8 9.4l-5.8 5.8-1.4-1.4L6.6 8 .8 2.2Z"/>',
    "info": '<path fill-rule="evenodd" d="M8 0a8 8 0 1 1 0 16A8 8 0 0 1 8 0ZM6.9 7v6h2.2V7Zm0-4v2.2h2.2V3Z"/>',
}


@register.simple_tag
def shape(tone: str) -> SafeString:
    """The decorative shape of a tone; an unknown tone gets the empty ring."""
    drawing = SHAPES.get(tone, SHAPES["none"])
    return mark_safe(  # noqa: S308 (our own constant markup)
        f'<svg class="pl-shape" viewBox="0 0 16 16" aria-hidden="true" focusable="false">{drawing}</svg>'
    )


@register.simple_tag
def status_tag(word: str, tone: str = "none") -> SafeString:
    """A status as a shape, a word and a tone: done, progress, due, overdue, waived, none or failed."""
    known = tone if tone in SHAPES else "none"
    return format_html('<strong class="pl-tag pl-tag--{}">{}{}</strong>', known, shape(known), word)


@register.inclusion_tag("components/breadcrumbs.html")
def breadcrumbs(*pairs: str) -> dict[str, Any]:
    """Breadcrumbs from label and URL in turn. Home is added; the present page is left out."""
    if len(pairs) % 2:
        raise template.TemplateSyntaxError("breadcrumbs takes a label and a URL in turn")
    return {"items": [{"label": pairs[i], "url": pairs[i + 1]} for i in range(0, len(pairs), 2)]}


# Forms


@register.filter
def control_kind(field: BoundField) -> str:
    """Which markup a field needs: hidden, radios, checkboxes, checkbox, select, textarea, file, composite or input."""
    widget = field.field.widget
    if widget.is_hidden:
        return "hidden"
    kinds: list[tuple[type[forms.Widget], str]] = [
        (forms.CheckboxSelectMultiple, "checkboxes"),
        (forms.RadioSelect, "radios"),
        (forms.CheckboxInput, "checkbox"),
        (forms.Select, "select"),
        (forms.Textarea, "textarea"),
        (forms.FileInput, "file"),
        (forms.MultiWidget, "composite"),
        (forms.SelectDateWidget, "composite"),
    ]
    return next((kind for widget_class, kind in kinds if isinstance(widget, widget_class)), "input")


@register.filter
def error_target(field: BoundField) -> str:
    """The id an error link goes to: the control, or the first choice of a group."""
    if control_kind(field) in {"radios", "checkboxes"}:
        return f"{field.auto_id}_0"
    return field.id_for_label or field.auto_id


@register.simple_tag
def control(field: BoundField, width: str = "", **attrs: Any) -> SafeString:
    """The field's own widget with our classes. `width` is 2, 4, 10 or 20 characters.

    Dates and times become the browser's own pickers, which want ISO values whatever the locale.
    """
    widget = field.field.widget
    widget.attrs.pop("placeholder", None)  # it vanishes while one types; the label and the hint say it
    classes = {"select": "nhsuk-select", "textarea": "nhsuk-textarea", "file": "pl-file"}
    css = [classes.get(control_kind(field), "nhsuk-input")]
    if width:
        css.append(f"nhsuk-input--width-{width}")
    native = {forms.DateInput: ("date", "%Y-%m-%d"), forms.TimeInput: ("time", "%H:%M")}
    native[forms.DateTimeInput] = ("datetime-local", "%Y-%m-%dT%H:%M")
    for widget_class, (input_type, iso) in native.items():
        if isinstance(widget, widget_class):
            widget.input_type, widget.format = input_type, iso
            css.append("pl-date")
    if isinstance(widget, forms.NumberInput):
        # A number box changes under a scroll wheel and swallows what it cannot read; a text box keeps it for the error.
        whole = not isinstance(field.field, (forms.FloatField, forms.DecimalField))
        widget.input_type = "text"
        widget.attrs = {k: v for k, v in widget.attrs.items() if k not in {"min", "max", "step"}}
        attrs.setdefault("inputmode", "numeric" if whole else "decimal")
    if own := widget.attrs.get("class"):
        css.append(own)
    given = {name.replace("_", "-"): value for name, value in attrs.items() if value not in ("", None)}
    return field.as_widget(attrs={**given, "class": " ".join(css)})


@register.simple_tag
def checkbox(field: BoundField) -> SafeString:
    """A single tick box."""
    return field.as_widget(attrs={"class": "nhsuk-checkboxes__input"})


@register.simple_tag
def choice(option: Any, css: str) -> SafeString:
    """One radio or checkbox of a group, without Django's wrapping label."""
    option.data["attrs"]["class"] = css
    return option.tag(wrap_label=False)


def _is_default(field: BoundField, error: ValidationError) -> bool:
    """Whether the error carries Django's stock words rather than a sentence that somebody wrote for this field."""
    classes = type(field.field).__mro__
    stock = [getattr(one, "default_error_messages", {}).get(error.code) for one in classes]
    return error.message in [text for text in stock if text is not None]


@register.filter
def error_sentences(field: BoundField) -> list[str]:
    """The errors of a field as sentences that make sense on their own, far from the field."""
    missing = {
        "radios": "Choose an answer: {}",
        "checkboxes": "Choose at least one: {}",
        "select": "Choose from the list: {}",
        "checkbox": "Tick the box to go on: {}",
        "file": "Choose a file: {}",
    }
    label = str(field.label).rstrip(".:")
    sentences: list[str] = []
    for error in field.errors.as_data():
        if error.code == "required" and _is_default(field, error):
            sentences.append(missing.get(control_kind(field), "Fill in: {}").format(label))
            continue
        prefix = f"{label}: " if _is_default(field, error) else ""
        sentences += [f"{prefix}{text[:1].lower() + text[1:] if prefix else text}" for text in error.messages]
    return sentences


@register.simple_tag
def form_errors(*some_forms: forms.BaseForm | None) -> list[dict[str, str]]:
    """Every error of the forms as {"text", "target"}; the target is empty for errors of the whole form."""
    found: list[dict[str, str]] = []
    for form in some_forms:
        if not form:
            continue
        found += [{"text": str(text), "target": ""} for text in form.non_field_errors()]
        for field in form:
            found += [{"text": text, "target": error_target(field)} for text in error_sentences(field)]
    return found


# Dates and durations


def _local_day(value: dt.date | dt.datetime) -> dt.date:
    if isinstance(value, dt.datetime):
        return timezone.localtime(value).date() if timezone.is_aware(value) else value.date()
    return value


@register.filter
def near_date(value: dt.date | dt.datetime | None, today: dt.date | None = None) -> str:
    """Within about six months either side of today "Tue 12 May", otherwise "12 May 2027"."""
    if not value:
        return ""
    day = _local_day(value)
    far = abs((day - (today or timezone.localdate())).days) > NEAR_DAYS
    return formats.date_format(day, "j M Y" if far else "D j M")


@register.filter
def near_datetime(value: dt.datetime | None, today: dt.date | None = None) -> str:
    """As `near_date`, with the local time: "Tue 12 May, 14:30"."""
    if not value:
        return ""
    local = timezone.localtime(value) if timezone.is_aware(value) else value
    return f"{near_date(local, today)}, {local:%H:%M}"


@register.filter
def clock(seconds: float | None) -> str:
    """Seconds as a position on a tape: "0:07", "12:10", "1:02:10"."""
    if seconds is None or seconds == "":
        return ""
    minutes, rest = divmod(max(0, int(float(seconds))), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def minutes_words(minutes: float | None) -> str:
    """Minutes in words: "1 hour 20 minutes", "45 minutes", "less than a minute"."""
    if minutes is None or minutes == "":
        return ""
    whole = round(float(minutes))
    if whole < 1:
        return "less than a minute" if float(minutes) > 0 else "0 minutes"
    hours, rest = divmod(whole, 60)
    parts = [f"{hours} hour{'' if hours == 1 else 's'}"] if hours else []
    if rest:
        parts.append(f"{rest} minute{'' if rest == 1 else 's'}")
    return " ".join(parts)


# Numbers and pages


@register.filter
def plain_number(value: float | str) -> str:
    """A number for an attribute: never localised, never with a thousands separator."""
    return str(value)


@register.simple_tag
def page_numbers(page: Page) -> list[int | str]:
    """Page numbers with an ellipsis where many are left out."""
    return list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1))
