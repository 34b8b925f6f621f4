"""Teaching clips: made from a moment, decided on by somebody else, heard in lessons, taken back."""

import datetime as dt
import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from wagtail.log_actions import log

from recordings import clipheard, clips, clipwords, keeping, listening, permissions, reading, sent, serving, vault
from recordings.clipforms import ClipDecisionForm, ClipForm
from recordings.models import Annotation, Clip, Recording, SealedObject
from recordings.reviewforms import IntervalsForm
from recordings.views.audio import _gone, _missing
from supervision.http import AuthenticatedRequest

State = Clip.State
TONES: dict[str, str] = {
    State.MAKING: "progress",
    State.PROPOSED: "due",
    State.APPROVED: "done",
    State.REFUSED: "none",
    State.GONE: "waived",
}
_LOGGED_SECONDS = 1800
LATE = dt.timedelta(minutes=5)  # cutting takes seconds


def _clip(request: AuthenticatedRequest, pk: uuid.UUID) -> Clip:
    return get_object_or_404(clips.seen_by(request.user), pk=pk)


@never_cache
@require_safe
def clip_list(request: AuthenticatedRequest) -> HttpResponse:
    """What waits for a decision, what lessons may use, and what is over."""
    today = timezone.localdate()
    rows: list[dict[str, Any]] = []
    for clip in clips.seen_by(request.user).order_by("-made_at", "pk"):
        closed = clips.why_closed(clip, on=today)
        if clip.state == State.GONE and not clip.decided_at:
            continue
        is_outdated = closed == clips.OUTDATED
        rows.append({"clip": clip, "title": clips.title_of(clip), "closed": closed, "tone": TONES[clip.state], "is_outdated": is_outdated})
    context = {
        "waiting": [row for row in rows if row["clip"].state in (State.MAKING, State.PROPOSED) and not row["closed"]],
        "approved": [row for row in rows if row["clip"].state == State.APPROVED and not row["closed"]],
        "over": [row for row in rows if row["closed"] and (row["clip"].decided_at or row["is_outdated"])],
    }
    return render(request, "recordings/clip_list.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def clip_create(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    known = Recording.objects.visible_to(request.user).select_related("consent", "team__programme", "therapist", "family")
    recording = get_object_or_404(known, pk=pk)
    if not permissions.can_make_clip(request.user, recording):
        raise PermissionDenied("A clip needs everybody's consent to teaching, and a version with names muted that is ready.")
    form = ClipForm(request.POST if request.method == "POST" else None, initial=_moment(request, recording))
    if form.is_valid():
        values = form.cleaned_data
        try:
            made = clips.make(
                recording=recording,
                start_ms=values["start"],
                end_ms=values["end"],
                title=values["title"],
                by=request.user,
                now=timezone.now(),
            )
        except clips.ClipRefused as reason:
            form.add_error("end", str(reason))
        else:
            messages.success(request, "The clip is being made from the muted version. Somebody else then listens and decides.")
            return redirect("recordings:clip", made.pk)
    context = {
        "recording": recording,
        "form": form,
        "redaction": clips.redaction_of(recording),
        "due_on": keeping.due_on(recording),
    }
    return render(request, "recordings/clip_create.html", context, status=422 if form.errors else 200)


def _moment(request: AuthenticatedRequest, recording: Recording) -> dict[str, int]:
    """The times of the annotation that the person came from, if it is one that they may see."""
    try:
        wanted = uuid.UUID(request.GET.get("annotation", ""))
    except ValueError:
        return {}
    found = Annotation.objects.visible_to(request.user).kept().filter(pk=wanted, review__recording=recording).first()
    return {"start": found.start_ms, "end": found.end_ms} if found else {}


@never_cache
@require_safe
def clip_detail(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    return _page(request, _clip(request, pk))


def _page(request: AuthenticatedRequest, clip: Clip, form: ClipDecisionForm | None = None) -> HttpResponse:
    closed = clips.why_closed(clip, on=timezone.localdate())
    may_hear = not closed and clips.can_hear(request.user, clip)
    words = clipwords.of(clip, on=timezone.localdate()) if may_hear else clipwords.Words()
    if words.lines:
        reading.note_read(recording=clip.recording, person=request.user, purpose=listening.CLIP, now=timezone.now())
    may_know = Recording.objects.visible_to(request.user).filter(pk=clip.recording_id).exists()
    context = {
        "clip": clip,
        "recording": clip.recording if may_know else None,
        "title": clips.title_of(clip),
        "tone": TONES[clip.state],
        "closed": closed,
        "may_hear": may_hear,
        "words": words,
        "seconds": (clip.end_ms - clip.start_ms) / 1000,
        "due_on": keeping.due_on(clip.recording),
        "can_decide": not closed and clip.state == State.PROPOSED and permissions.can_decide_clip(request.user, clip),
        "can_take_back": clip.state != State.GONE and permissions.can_take_back_clip(request.user, clip),
        "is_late": clip.state == State.MAKING and clip.made_at < timezone.now() - LATE,
        "can_make_again": not closed and clip.state == State.MAKING and permissions.can_make_clip(request.user, clip.recording),
        "why_again": _why_again(request, clip),
        "form": form or ClipDecisionForm(),
    }
    return render(request, "recordings/clip_detail.html", context, status=422 if form else 200)


def _why_again(request: AuthenticatedRequest, clip: Clip) -> str:
    """As `clips.why_again`, where this person can have it made again."""
    user = request.user
    if not permissions.can_take_back_clip(user, clip) or not permissions.can_make_clip(user, clip.recording):
        return ""
    return clips.why_again(clip, on=timezone.localdate())


@never_cache
@require_POST
def clip_decide(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    clip = _clip(request, pk)
    if not permissions.can_decide_clip(request.user, clip):
        raise PermissionDenied
    form = ClipDecisionForm(request.POST)
    if not form.is_valid():
        return _page(request, clip, form)
    approves = form.cleaned_data["decision"] == "approve"
    try:
        clips.decide(clip=clip, approves=approves, by=request.user, now=timezone.now())
    except clips.NotHeard as reason:
        form.add_error("has_listened", str(reason))
        return _page(request, clip, form)
    except clips.ClipRefused as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, "Approved. Lessons can use it now." if approves else "It is not used. Its sound is destroyed.")
    return redirect("recordings:clip", clip.pk)


@never_cache
@require_POST
def clip_again(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    clip = _clip(request, pk)
    if not permissions.can_make_clip(request.user, clip.recording):
        raise PermissionDenied
    try:
        clips.again(clip=clip, by=request.user, now=timezone.now())
    except clips.ClipRefused as reason:
        messages.error(request, str(reason))
    else:
        messages.success(request, "The clip is being made again. Somebody else then listens and decides.")
    return redirect("recordings:clip", clip.pk)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def clip_take_back(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    clip = _clip(request, pk)
    if not permissions.can_take_back_clip(request.user, clip):
        raise PermissionDenied
    if request.method == "POST":
        clips.take_back(clip=clip, by=request.user, now=timezone.now())
        messages.success(request, "The clip is gone from every lesson.")
        return redirect("recordings:clip", clip.pk)
    context = {
        "clip": clip,
        "title": clips.title_of(clip),
        "goes": ["The clip’s sound, its title and its transcript, from every lesson and every draft, at once."],
        "stays": ["The recording, with its review.", "In each lesson a line that says when the clip was withdrawn.", "Who heard it."],
    }
    return render(request, "recordings/clip_take_back.html", context)


@require_safe
def clip_audio(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponseBase:
    """What leaves the server is noted against the recording, at its own times."""
    clip = _playable(request, pk)
    if isinstance(clip, HttpResponse):
        return clip
    sealed = SealedObject.objects.filter(recording=clip.recording_id, kind=SealedObject.Kind.CLIP, number=clip.number).first()
    if sealed is None:
        return _missing()
    try:
        reader = vault.open_sealed(sealed)
    except vault.KeyGone:
        return _gone()
    _note(request, clip)
    response = serving.range_response(request, reader, "audio/mpeg", may_go_on=lambda: not isinstance(_playable(request, pk), HttpResponse))
    return sent.follow(response, recording=clip.recording, person=request.user, clip=clip)


def _playable(request: AuthenticatedRequest, pk: uuid.UUID) -> Clip | HttpResponse:
    """The clip, where this person may hear it now: judged anew at every request, for its sound and its words alike."""
    clip = Clip.objects.select_related("recording__consent", "recording__team__programme", "words").filter(pk=pk).first()
    if clip is None or not permissions.can_know_clip(request.user, clip):
        return _missing()
    if not clips.can_hear(request.user, clip):
        return _gone() if clip.state == State.GONE and permissions.can_hear_clips(request.user) else _missing()
    return _gone() if clips.why_closed(clip, on=timezone.localdate()) else clip


@require_safe
def clip_captions(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    """What is said in it as WebVTT: opened for this answer, kept nowhere."""
    clip = _playable(request, pk)
    if isinstance(clip, HttpResponse):
        return clip
    words = clipwords.of(clip, on=timezone.localdate())
    if not words.lines:
        return _missing()
    reading.note_read(recording=clip.recording, person=request.user, purpose=listening.CLIP, now=timezone.now())
    headers = {"Cache-Control": "no-store, private", "X-Content-Type-Options": "nosniff", "Content-Disposition": "inline"}
    return HttpResponse(clipwords.to_vtt(words, clip), content_type="text/vtt; charset=utf-8", headers=headers)


@require_POST
def clip_heard(request: AuthenticatedRequest, pk: uuid.UUID) -> HttpResponse:
    """The stretches that were just played, from the clip's own page."""
    clip = _playable(request, pk)
    if isinstance(clip, HttpResponse):
        return clip
    form = IntervalsForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"error": next(iter(form.errors.values()))[0]}, status=422)
    try:
        clipheard.note(clip=clip, person=request.user, intervals_ms=form.cleaned_data["intervals"], now=timezone.now())
    except listening.HeardRefused as refusal:
        return JsonResponse({"error": str(refusal)}, status=422)
    return HttpResponse(status=204)


def _note(request: AuthenticatedRequest, clip: Clip) -> None:
    """One line in the audit log for a listening, not for each of its requests."""
    now = int(timezone.now().timestamp())
    noted: dict[str, int] = request.session.get("clips", {})
    if now - noted.get(clip.pk.hex, 0) < _LOGGED_SECONDS:
        return
    log(instance=clip.recording, action="recordings.clip_listen", user=request.user, data={"clip": str(clip.pk)})
    recent = {other: at for other, at in noted.items() if now - at < _LOGGED_SECONDS}
    request.session["clips"] = {**recent, clip.pk.hex: now}


urlpatterns = [
    path("clips/", clip_list, name="clip-list"),
    path("<uuid:pk>/clips/new/", clip_create, name="clip-create"),
    path("clips/<uuid:pk>/", clip_detail, name="clip"),
    path("clips/<uuid:pk>/decide/", clip_decide, name="clip-decide"),
    path("clips/<uuid:pk>/again/", clip_again, name="clip-again"),
    path("clips/<uuid:pk>/take-back/", clip_take_back, name="clip-take-back"),
    path("clips/<uuid:pk>/audio/", clip_audio, name="clip-audio"),
    path("clips/<uuid:pk>/captions/", clip_captions, name="clip-captions"),
    path("clips/<uuid:pk>/heard/", clip_heard, name="clip-heard"),
]
