"""The page on which a transcript is read along, put right, its speakers named, and taken away as a file.

Every change is a plain form that comes back to the page; asked for JSON it answers with the part of the page that differs,
or with 409 and the turn as it stands where somebody else changed it meanwhile.
"""

import re
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseNotModified,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from recordings import correcting, exports, exports_docx, keeping, permissions, pipeline, reading, transcript, transcriptpage
from recordings.models import Recording, TranscriptRun
from recordings.transcriptforms import EditForm, SpeakerForm, UndoForm
from recordings.vault import Damaged, KeyGone
from supervision.http import AuthenticatedRequest

View = Callable[..., HttpResponse]
Verb = Callable[[AuthenticatedRequest, Recording], tuple[str, float]]  # what was done, as a sentence, and where (seconds)
_TYPES = {
    "json": "application/json",
    "vtt": "text/vtt; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "eaf": "application/xml",
    "textgrid": "text/plain; charset=utf-8",
    "docx": exports_docx.TYPE,
}
_SUFFIXES = {"textgrid": "TextGrid"}


def _load(request: AuthenticatedRequest, pk: uuid.UUID) -> Recording:
    """404 for strangers and where its key is gone, 403 for whoever may know of it but not read it."""
    known = Recording.objects.visible_to(request.user).select_related("consent", "family", "therapist", "team__programme")
    recording = get_object_or_404(known, pk=pk)
    if recording.state == Recording.State.DESTROYED:
        raise PermissionDenied("This recording has been destroyed, and its transcript with it.")
    if not permissions.can_listen(request.user, recording):
        raise PermissionDenied
    return recording


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


@never_cache
@require_safe
def page(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    return _page(request, _load(request, pk))


def _page(request: AuthenticatedRequest, recording: Recording, *, opened: str = "", status: int = 200, **more: Any) -> HttpResponse:
    """`opened`: the key of the turn or gap whose form is shown."""
    try:
        shown = transcriptpage.build(recording, request.user, whole_history=request.GET.get("history") == "all")
    except (KeyGone, Damaged) as error:
        raise Http404(str(error)) from None
    if shown.layer.run:
        _note_read(request, recording)
    at = request.GET.get("at", "")
    context = {
        **_context(request, recording, shown),
        "open": shown.find(opened or request.GET.get("open", "")),
        "start_at": f"#t={int(at) / 1000:g}" if at.isascii() and at.isdigit() and len(at) < 10 else "",
        "can_run_again": permissions.can_run_again(request.user, recording),
        "run": TranscriptRun.objects.filter(recording=recording).order_by("-number").first(),
        "why_none": "" if shown.layer.run else pipeline.progress(recording).sentence,
        "formats": [(name, title) for name, title in exports.TITLES.items()],
        "due_on": keeping.due_on(recording),
        **more,
    }
    return render(request, "recordings/transcript_page.html", context, status=status)


def _note_read(request: AuthenticatedRequest, recording: Recording) -> None:
    reading.note_read(recording=recording, person=request.user, purpose="transcript", now=timezone.now())


def _context(request: AuthenticatedRequest, recording: Recording, shown: transcriptpage.Page) -> dict[str, Any]:
    return {
        "recording": recording,
        "page": shown,
        "people": correcting.people(recording),
        "can_edit": permissions.can_edit(request.user, recording),
    }


@require_safe
def words(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    """The transcript as JSON, as people left it: `segments` with start and end in seconds, text, and words. Empty where there is none.

    An hour is more than a megabyte: `start` and `end` (seconds) ask for the turns that begin in between.
    """
    recording = _load(request, pk)
    try:
        start, end = (float(request.GET.get(name, default)) for name, default in (("start", "0"), ("end", "inf")))
    except ValueError:
        return HttpResponseBadRequest("Ask for a start and an end in seconds.")
    tag = transcript.tag(recording)
    response: HttpResponse
    if tag and request.headers.get("If-None-Match") == tag:
        response = HttpResponseNotModified()
    else:
        try:
            segments = [turn for turn in transcript.edited(recording) if start <= turn["start"] < end]
        except (KeyGone, Damaged) as error:
            raise Http404(str(error)) from None
        if segments:
            _note_read(request, recording)
        response = JsonResponse({"recording": str(pk), "duration": recording.duration_ms / 1000, "segments": segments})
    if tag:
        response.headers["ETag"] = tag
    return _unkept(response)


def _unkept(response: HttpResponse) -> HttpResponse:
    """Nothing of a voice stays in a browser's or a proxy's cache."""
    patch_cache_control(response, private=True, no_store=True)
    return response


# Changing


def _changes(verb: Verb) -> View:
    """Loads, permits, and turns what the verb says into the page, a redirect or JSON."""

    @never_cache
    @require_POST
    @wraps(verb)
    def wrapped(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
        recording = _load(request, pk)
        if not permissions.can_edit(request.user, recording):
            raise PermissionDenied
        try:
            before = transcriptpage.items(transcript.layer(recording)) if _wants_json(request) else []
            sentence, at = verb(request, recording)
        except correcting.Changed as changed:
            return _changed(request, recording, changed)
        except correcting.EditRefused as refusal:
            if _wants_json(request):
                return _unkept(JsonResponse({"error": str(refusal)}, status=422))
            return _page(request, recording, opened=_opened(request), status=422, error=str(refusal), typed=request.POST.get("text", ""))
        except KeyGone as error:
            raise Http404(str(error)) from None
        if not _wants_json(request):
            messages.success(request, sentence)
            return HttpResponseRedirect(reverse("recordings:transcript", args=[pk]) + (f"?at={round(at * 1000)}#player" if at else ""))
        return _difference(request, recording, before, sentence, at)

    return wrapped


def _opened(request: HttpRequest) -> str:
    """The key of the turn or gap that a form was about."""
    start = request.POST.get("start", "")
    return f"gap-{round(float(start) * 1000)}" if re.fullmatch(r"\d{1,6}(\.\d{1,9})?", start) else request.POST.get("turn", "")


def _difference(
    request: AuthenticatedRequest, recording: Recording, before: list[transcriptpage.Item], sentence: str, at: float
) -> HttpResponse:
    shown = transcriptpage.build(recording, request.user)
    gone, new = transcriptpage.differing(before, shown.items)
    _note_read(request, recording)
    context = _context(request, recording, shown)
    return _unkept(
        JsonResponse(
            {
                "sentence": sentence,
                "at": at,
                "gone": gone,
                "items": _rendered(request, "_transcript_items", {**context, "items": new}) if new else "",
                "panels": _rendered(request, "_transcript_panels", context),
            }
        )
    )


def _rendered(request: HttpRequest, name: str, context: dict[str, Any]) -> str:
    return render_to_string(f"recordings/{name}.html", context, request)


def _changed(request: AuthenticatedRequest, recording: Recording, changed: correcting.Changed) -> HttpResponse:
    """Both versions, so that nothing typed is lost."""
    key = changed.current["id"] if changed.current else ""
    if not _wants_json(request):
        return _page(request, recording, opened=key, status=409, error=str(changed), typed=request.POST.get("text", ""), is_conflict=True)
    item = transcriptpage.build(recording, request.user).find(key)
    _note_read(request, recording)
    answer = {
        "error": str(changed),
        "current": item.text if item else "",
        "turn": item.key if item else "",
        "edit": item.edit if item else 0,
    }
    return _unkept(JsonResponse(answer, status=409))


@_changes
def edit(request: AuthenticatedRequest, recording: Recording) -> tuple[str, float]:
    """One turn: its words, its limits, its voice, whether it was said."""
    form = EditForm(request.POST)
    if not form.is_valid():
        raise correcting.EditRefused(form.sentence)
    values = form.cleaned_data
    about: dict[str, Any] = {"recording": recording, "by": request.user, "now": timezone.now()}
    if values["do"] == "fill":
        correcting.fill(**about, start=values["start"], end=values["end"], text=values["text"], speaker=values["speaker"])
        return "Saved.", values["start"]
    turn = {**about, "turn": values["turn"], "expected": values["expected"], "at": values["at"]}
    at = values["at"] or 0.0
    do = values["do"]
    if do != "save" and values["text"] and correcting.correct(**turn, text=values["text"]):
        return "Your words are saved. Now choose again what to do with the turn.", at
    match do:
        case "save":
            made = correcting.correct(**turn, text=values["text"])
            return ("Saved." if made else "Nothing was changed."), at
        case "split":
            correcting.split(**turn, word=values["word"])
            return "The turn is split.", at
        case "join":
            correcting.join(**turn)
            return "The two turns are one.", at
        case "assign":
            correcting.assign(**turn, speaker=values["speaker"])
            return "The turn has another speaker.", at
        case "confirm":
            correcting.confirm(**turn)
            return "Confirmed.", at
        case _:
            correcting.refuse(**turn)
            return "Marked as not said. Nobody but this page shows it now.", at


@_changes
def speakers(request: AuthenticatedRequest, recording: Recording) -> tuple[str, float]:
    form = SpeakerForm(request.POST)
    if not form.is_valid():
        raise correcting.EditRefused("Choose who it is.")
    values = form.cleaned_data
    about: dict[str, Any] = {"recording": recording, "speaker": values["speaker"], "by": request.user, "now": timezone.now()}
    if values["do"] == "merge":
        correcting.merge_voices(**about, into=values["into"])
        return "The two voices are one.", 0.0
    correcting.name(**about, who=values["who"], initials=values["initials"])
    return "The voice has a name. Every file and the workbench show it.", 0.0


@_changes
def undo(request: AuthenticatedRequest, recording: Recording) -> tuple[str, float]:
    """Takes a change back, puts it back, or settles one that found no place."""
    form = UndoForm(request.POST)
    if not form.is_valid():
        raise correcting.EditRefused("There is nothing to undo.")
    about: dict[str, Any] = {"recording": recording, "number": form.cleaned_data["number"], "by": request.user, "now": timezone.now()}
    match form.cleaned_data["do"]:
        case "undo":
            correcting.undo(**about)
            return "Undone.", 0.0
        case "redo":
            correcting.redo(**about)
            return "Restored.", 0.0
        case "keep":
            correcting.settle(**about, keep=True)
            return "The change is kept.", 0.0
        case _:
            correcting.settle(**about, keep=False)
            return "The new transcript stays as it is there.", 0.0


@require_POST
def again(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    recording = _load(request, pk)
    if not permissions.can_run_again(request.user, recording):
        raise PermissionDenied
    try:
        pipeline.rerun(recording=recording, by=request.user, now=timezone.now())
    except pipeline.NotRetryable as reason:
        messages.error(request, str(reason))
        return redirect("recordings:transcript", pk)
    messages.success(request, "The recording is being transcribed again. What people changed is kept and laid over the new transcript.")
    return redirect("recordings:detail", pk)


# Files


@require_safe
def export(request: AuthenticatedRequest, pk: uuid.UUID, kind: str) -> HttpResponse:
    recording = _load(request, pk)
    if kind not in exports.TITLES:
        raise Http404
    if not permissions.can_take_away(request.user, recording):
        raise PermissionDenied
    run = TranscriptRun.objects.filter(recording=recording).order_by("-number").first()
    try:
        segments = exports.segments_from(transcript.edited(recording))
    except (KeyGone, Damaged) as error:
        raise Http404(str(error)) from None
    document = exports.Transcript(
        recording.duration_ms / 1000,
        run.language if run else "",
        run.engine if run else "",
        run.model if run else "",
        segments,
        session_on=recording.session_on,
        keep_until=keeping.due_on(recording),
    )
    content: str | bytes = exports_docx.to_docx(document) if kind == "docx" else exports.FORMATS[kind](document)
    reading.note_taken(recording=recording, file_format=kind, person=request.user)
    name = f"transcript-{recording.session_on:%Y-%m-%d}.{_SUFFIXES.get(kind, kind)}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return _unkept(HttpResponse(content, content_type=_TYPES[kind], headers=headers))


urlpatterns = [
    path("<uuid:pk>/transcript/", page, name="transcript"),
    path("<uuid:pk>/transcript/words/", words, name="transcript-words"),
    path("<uuid:pk>/transcript/edit/", edit, name="transcript-edit"),
    path("<uuid:pk>/transcript/speakers/", speakers, name="transcript-speakers"),
    path("<uuid:pk>/transcript/undo/", undo, name="transcript-undo"),
    path("<uuid:pk>/transcript/again/", again, name="transcript-again"),
    path("<uuid:pk>/transcript/export/<slug:kind>/", export, name="transcript-export"),
]
