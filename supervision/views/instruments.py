"""What is rated and in which words: the list, one version for reading and printing, and bringing a service's own instrument in."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from supervision import instrumentfile, instruments, instrumenttext, permissions
from supervision.http import AuthenticatedRequest
from supervision.instrumentforms import InstrumentFileForm
from supervision.models import Instrument, Item


def _reads(request: AuthenticatedRequest) -> None:
    if not permissions.can_read_instruments(request.user):
        raise PermissionDenied


def _keeps(request: AuthenticatedRequest) -> None:
    if not permissions.can_keep_instruments(request.user):
        raise PermissionDenied


@require_safe
def instrument_list(request: AuthenticatedRequest) -> HttpResponse:
    _reads(request)
    found = Instrument.objects.prefetch_related("programmes").order_by("name", "slug", "-version", "pk")
    context = {
        "parts": [
            ("Rated from a recording", [one for one in found if one.is_current and one.kind == Instrument.Kind.REVIEW]),
            ("Totals that come from elsewhere", [one for one in found if one.is_current and one.kind == Instrument.Kind.SCORES]),
        ],
        "others": [one for one in found if not one.is_current],
        "can_keep": permissions.can_keep_instruments(request.user),
    }
    return render(request, "supervision/instrument_list.html", context)


@require_safe
def instrument_detail(request: AuthenticatedRequest, slug: str, version: int) -> HttpResponse:
    _reads(request)
    instrument = get_object_or_404(Instrument.objects.prefetch_related("programmes"), slug=slug, version=version)
    rows = _shown(
        instrument.sections.order_by("position", "pk").values(*instruments.SECTION_FIELDS),
        instrument.items.order_by("position", "pk").values(*instruments.ITEM_FIELDS),
    )
    context = {
        "instrument": instrument,
        "rows": rows,
        "derived": instrument.derived_scores.order_by("position", "pk"),
        "versions": Instrument.objects.filter(slug=slug).order_by("-version"),
        "can_keep": permissions.can_keep_instruments(request.user),
        "can_edit": request.user.has_perm("wagtailadmin.access_admin") and request.user.has_perm("supervision.change_instrument"),
    }
    return render(request, "supervision/instrument_detail.html", context)


def _shown(sections: Iterable[dict[str, Any]], items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items as they will look, with the heading where a section begins."""
    by_key = {section["key"]: section for section in sections}
    made, before = [], ""
    for item in items:
        row = dict(item)
        if item["section_key"] != before:
            row["heading"], before = by_key.get(item["section_key"]), item["section_key"]
        words = {"0": "No", "1": "Yes"} if item["scale"] == Item.Scale.YES_NO else {}
        row["steps"] = [(words.get(score, score), text) for score, text in sorted(item["anchors"].items(), key=lambda pair: int(pair[0]))]
        row["scale_words"] = Item.Scale(item["scale"]).label
        made.append(row)
    return made


@require_safe
def instrument_file(request: AuthenticatedRequest, slug: str, version: int) -> HttpResponse:
    """The version as the file that would make it, to start the next one from."""
    _reads(request)
    instrument = get_object_or_404(Instrument, slug=slug, version=version)
    response = HttpResponse(instrumenttext.as_yaml(instrument), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{instrument.slug}-{instrument.version}.yaml"'
    return response


@require_safe
def instrument_example(request: AuthenticatedRequest) -> FileResponse:
    _reads(request)
    return FileResponse(
        instruments.EXAMPLE.open("rb"), as_attachment=True, filename="instrument-example.yaml", content_type="application/yaml"
    )


@require_http_methods(["GET", "POST"])
def instrument_add(request: AuthenticatedRequest) -> HttpResponse:
    """The file is shown as it will look, with every problem by its line; only a second, confirmed sending keeps it."""
    _keeps(request)
    form = InstrumentFileForm(request.POST, request.FILES) if request.method == "POST" else InstrumentFileForm()
    context: dict[str, Any] = {"form": form}
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            draft = instrumentfile.read(form.cleaned_data["text"])
            if form.cleaned_data["confirmed"] and not draft.problems:
                try:
                    made = instruments.add(draft, is_current=form.cleaned_data["into_use"], by=request.user, now=timezone.now())
                except instruments.InstrumentRefused as refusal:
                    form.add_error("file", str(refusal))
                else:
                    use = "It is used for new reviews from now on." if made.is_current else "It is not in use yet."
                    messages.success(request, f"{made} is here. {use}")
                    return redirect("supervision:instrument-detail", made.slug, made.version)
            else:
                status = 422 if draft.problems else 200
            context |= {
                "draft": draft,
                "rows": _shown(draft.sections, draft.items),
                "text": form.cleaned_data["text"],
                "into_use": form.cleaned_data["into_use"],
            }
    return render(request, "supervision/instrument_add.html", context, status=status)


@require_http_methods(["GET", "POST"])
def instrument_use(request: AuthenticatedRequest, slug: str, version: int) -> HttpResponse:
    """Asks, then puts a version into use or takes it out."""
    _keeps(request)
    instrument = get_object_or_404(Instrument, slug=slug, version=version)
    if request.method == "POST":
        change = instruments.take_out_of_use if request.POST.get("out") else instruments.put_into_use
        try:
            change(instrument=instrument, by=request.user, now=timezone.now())
        except instruments.InstrumentRefused as refusal:
            messages.error(request, f"{instrument} cannot be used yet. {refusal}")
        else:
            use = "used for new reviews and scores from now on" if instrument.is_current else "not used for new reviews and scores any more"
            messages.success(request, f"{instrument} is {use}.")
        return redirect("supervision:instrument-detail", slug, version)
    return render(request, "supervision/instrument_use.html", {"instrument": instrument})


@require_POST
def instrument_next(request: AuthenticatedRequest, slug: str, version: int) -> HttpResponse:
    """Copies a version into the next one, which can be changed and is not in use."""
    _keeps(request)
    instrument = get_object_or_404(Instrument, slug=slug, version=version)
    copy = instruments.next_version(instrument=instrument, by=request.user, now=timezone.now())
    messages.success(request, f"{copy} is made. Change it, look it through, then put it into use.")
    if request.user.has_perm("wagtailadmin.access_admin") and request.user.has_perm("supervision.change_instrument"):
        return redirect("wagtailsnippets_supervision_instrument:edit", copy.pk)
    return redirect("supervision:instrument-detail", copy.slug, copy.version)


_one = "instruments/<slug:slug>/<int:version>/"
urlpatterns = [
    path("instruments/", instrument_list, name="instrument-list"),
    path("instruments/add/", instrument_add, name="instrument-add"),
    path("instruments/example.yaml", instrument_example, name="instrument-example"),
    path(_one, instrument_detail, name="instrument-detail"),
    path(f"{_one}next/", instrument_next, name="instrument-next"),
    path(f"{_one}use/", instrument_use, name="instrument-use"),
    path(f"{_one}file.yaml", instrument_file, name="instrument-file"),
]
