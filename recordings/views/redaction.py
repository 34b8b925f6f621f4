"""Having names muted: look, listen to each stretch, decide, and hear the version that came of it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from recordings import permissions, reading, redaction, stretches, transcript, vault
from recordings.models import Recording, Redaction, SealedObject
from recordings.redactionforms import DecisionForm
from recordings.stretches import Stretch
from recordings.views.audio import serve
from supervision.http import AuthenticatedRequest

CONTEXT_WORDS = 9
_REFUSED = (
    "A muted version can be made by those who may read this recording, once everybody heard has agreed to teaching or to rater training."
)
State = Redaction.State


def _recording(request: AuthenticatedRequest, pk: str) -> Recording:
    known = Recording.objects.visible_to(request.user).select_related("consent", "family", "team", "therapist")
    found = get_object_or_404(known, pk=pk)
    if not permissions.can_redact(request.user, found):
        raise PermissionDenied(_REFUSED)
    return found


@require_POST
def create(request: AuthenticatedRequest, pk: str) -> HttpResponse:
    recording = _recording(request, pk)
    try:
        made = redaction.propose(recording=recording, by=request.user, now=timezone.now())
    except (redaction.RedactionRefused, vault.KeyGone, vault.Damaged) as reason:
        messages.error(request, str(reason))
        return redirect("recordings:detail", pk)
    count = len(made.spans)
    found = {0: "Nothing was found to mute.", 1: "One stretch was found."}.get(count, f"{count} stretches were found.")
    messages.success(request, f"{found} Listen to the whole, and decide.")
    return redirect("recordings:redaction", pk, made.number)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: AuthenticatedRequest, pk: str, number: int) -> HttpResponse:
    recording = _recording(request, pk)
    row = get_object_or_404(Redaction.objects.filter(recording=recording), number=number)
    form = DecisionForm(request.POST or None, redaction=row, initial={"seen": redaction.version(row)})
    if request.method == "POST" and form.is_valid() and _decided(request, row, form):
        return redirect("recordings:redaction", pk, number)
    try:
        turns = transcript.edited(recording)
    except (vault.KeyGone, vault.Damaged) as reason:
        messages.error(request, str(reason))
        return redirect("recordings:detail", pk)
    if turns:
        reading.note_read(recording=recording, person=request.user, purpose="redaction", now=timezone.now())
    spans = Stretch.read(row.spans)
    context = {
        "recording": recording,
        "redaction": row,
        "form": form,
        "rows": [_shown(place, span, turns) for place, span in enumerate(spans)],
        "muted_seconds": sum(end - start for start, end in stretches.muted(spans)) / 1000,
        "turns": stretches.redacted(turns, spans),
        "words": [_timed(turn) for turn in turns] if row.state == State.PROPOSED else [],
        "names_can_be_kept": permissions.can_keep_names(request.user, recording.family),
    }
    return render(request, f"recordings/redaction_{_PAGES[row.state]}.html", context, status=422 if request.method == "POST" else 200)


_PAGES: dict[str, str] = {State.PROPOSED: "decide", State.CONFIRMED: "wait", State.FAILED: "wait", State.READY: "ready"}


def _decided(request: AuthenticatedRequest, row: Redaction, form: DecisionForm) -> bool:
    """What was asked for is done; False where it was refused, and the form says why."""
    now, data = timezone.now(), form.cleaned_data
    try:
        changed = redaction.choose(redaction=row, muted=form.muted(), seen=data["seen"], new=data["new"], by=request.user, now=now)
        if request.POST.get("action") != "confirm":
            messages.success(request, "Your choices are kept. Nothing is muted until you confirm.")
            return True
        redaction.confirm(redaction=changed, has_listened=data["has_listened"], by=request.user, now=now)
    except redaction.RedactionRefused as reason:
        row.refresh_from_db()
        form.add_error("has_listened" if request.POST.get("action") == "confirm" else None, str(reason))
        shown = request.POST.copy()
        shown["seen"] = redaction.version(row)
        form.data = shown
        return False
    messages.success(request, "The muted version is being made. You can close this page.")
    return True


def _timed(turn: dict[str, Any]) -> dict[str, Any]:
    """A turn whose words carry milliseconds, for choosing among them."""
    words = turn.get("words") or [{"start": turn["start"], "end": turn["end"], "text": turn["text"]}]
    return {**turn, "timed": [(round(word["start"] * 1000), round(word["end"] * 1000), word["text"].strip()) for word in words]}


def _shown(place: int, span: Stretch, turns: list[dict[str, Any]]) -> dict[str, Any]:
    """A stretch with the words in it, and those around it."""
    words = [word for turn in turns for word in _timed(turn)["timed"]]
    inside = [at for at, (start, end, _) in enumerate(words) if start < span.end_ms and span.start_ms < max(end, start + 1)]
    first = inside[0] if inside else next((at for at, word in enumerate(words) if word[0] >= span.end_ms), len(words))
    last = inside[-1] + 1 if inside else first
    return {
        "place": place,
        "span": span,
        "label": stretches.LABELS.get(span.kind, span.kind),
        "is_unheard": span.kind in stretches.UNHEARD,
        "before": " ".join(text for _, _, text in words[max(0, first - CONTEXT_WORDS) : first]),
        "said": " ".join(text for _, _, text in words[first:last]),
        "after": " ".join(text for _, _, text in words[last : last + CONTEXT_WORDS]),
        "fragment": f"#t={max(0, span.start_ms - 2000) / 1000:g},{(span.end_ms + 2000) / 1000:g}",
    }


@require_POST
def restart(request: AuthenticatedRequest, pk: str, number: int) -> HttpResponse:
    recording = _recording(request, pk)
    row = get_object_or_404(Redaction.objects.filter(recording=recording), number=number)
    try:
        redaction.restart(redaction=row, by=request.user, now=timezone.now())
    except redaction.RedactionRefused as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, "The muted version is being made again.")
    return redirect("recordings:redaction", pk, number)


@require_safe
def stream(request: AuthenticatedRequest, pk: str, number: int) -> HttpResponseBase:
    return serve(request, pk, SealedObject.Kind.REDACTED, number=number)


urlpatterns = [
    path("<uuid:pk>/redactions/", create, name="redaction-create"),
    path("<uuid:pk>/redactions/<int:number>/", decide, name="redaction"),
    path("<uuid:pk>/redactions/<int:number>/restart/", restart, name="redaction-restart"),
    path("<uuid:pk>/redactions/<int:number>/audio/", stream, name="redaction-audio"),
]
