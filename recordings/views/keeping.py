"""Keeping a recording longer, and legal holds: asked for by one person, agreed to by another, ended early."""

import datetime as dt
from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from recordings import keeping, legalhold, life, permissions
from recordings.keepingforms import ExtendForm, HoldForm
from recordings.models import LegalHold, Recording
from supervision.http import AuthenticatedRequest
from supervision.models import User

_WHO = "This is for the team's supervisors and the information governance lead."


def _load(request: AuthenticatedRequest, pk: str) -> Recording:
    known = Recording.objects.visible_to(request.user).select_related("consent", "family", "team__programme")
    return get_object_or_404(keeping.with_dates(known), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def extend(request: AuthenticatedRequest, pk: str) -> HttpResponse:
    recording = _load(request, pk)
    if not permissions.can_extend(request.user, recording):
        raise PermissionDenied(_WHO)
    now = timezone.now()
    if why := life.why_closed(recording, on=timezone.localdate(now)):
        messages.error(request, f"This recording cannot be kept longer. {why}")
        return redirect("recordings:detail", recording.pk)
    form = ExtendForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            extension = keeping.extend(recording=recording, by=request.user, now=now, **form.cleaned_data)
        except keeping.KeepingRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"The recording is kept until {extension.until:%-d %B %Y}. On that day it is destroyed.")
            return redirect("recordings:detail", recording.pk)
    context = {
        "recording": recording,
        "family": recording.family,
        "form": form,
        "due_on": keeping.due_on(recording),
        "latest": keeping.latest_day(recording),
        "programme": recording.team.programme,
    }
    return render(request, "recordings/recording_extend.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: AuthenticatedRequest, pk: str) -> HttpResponse:
    recording = _load(request, pk)
    if not permissions.can_hold(request.user, recording):
        raise PermissionDenied(_WHO)
    form = HoldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            hold = legalhold.ask(recording=recording, by=request.user, now=timezone.now(), **form.cleaned_data)
        except legalhold.HoldRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(
                request, f"You have asked for a legal hold. A second person has until {legalhold.lapses_on(hold):%-d %B} to agree to it."
            )
            return redirect("recordings:detail", recording.pk)
    context = {"recording": recording, "family": recording.family, "form": form, "days": legalhold.AGREE_WITHIN_DAYS}
    return render(request, "recordings/hold_ask.html", context, status=422 if request.method == "POST" else 200)


def _hold(request: AuthenticatedRequest, pk: int) -> LegalHold:
    related = ("recording__family", "recording__team__programme", "recording__consent", "asked_by", "agreed_by")
    found = get_object_or_404(LegalHold.objects.visible_to(request.user).select_related(*related), pk=pk)
    if not permissions.can_hold(request.user, found.recording):
        raise PermissionDenied(_WHO)
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def agree(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    hold = _hold(request, pk)
    if not permissions.can_agree(request.user, hold):
        raise PermissionDenied("You asked for this hold yourself. A second person has to agree to it.")
    said = f"You have agreed to the legal hold. Nothing destroys the recording until {hold.ends_on:%-d %B %Y}."
    return _decide(request, hold, legalhold.agree, said) or _page(request, hold, "recordings/hold_agree.html")


@require_http_methods(["GET", "HEAD", "POST"])
def release(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    hold = _hold(request, pk)
    said = (
        "The legal hold has ended. What was due is destroyed within a minute."
        if hold.agreed_at
        else "The request is closed. There is no hold."
    )
    return _decide(request, hold, legalhold.release, said) or _page(request, hold, "recordings/hold_release.html")


def _decide(request: AuthenticatedRequest, hold: LegalHold, verb: Callable[..., LegalHold], said: str) -> HttpResponse | None:
    if request.method != "POST":
        return None
    person: User = request.user
    try:
        verb(hold=hold, by=person, now=timezone.now())
    except legalhold.HoldRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect("recordings:detail", hold.recording_id)


def _page(request: AuthenticatedRequest, hold: LegalHold, template: str) -> HttpResponse:
    today: dt.date = timezone.localdate()
    recording = hold.recording
    word, tone = legalhold.word(hold, on=today)
    why = life.why_closed(recording, on=today) if recording.state != Recording.State.DESTROYED else ""
    context = {
        "hold": hold,
        "word": word,
        "tone": tone,
        "recording": recording,
        "family": recording.family,
        "lapses_on": legalhold.lapses_on(hold),
        "why_closed": why,
        "due_on": keeping.due_on(recording),
    }
    return render(request, template, context)


urlpatterns = [
    path("<uuid:pk>/extend/", extend, name="extend"),
    path("<uuid:pk>/hold/", ask, name="hold-ask"),
    path("holds/<int:pk>/agree/", agree, name="hold-agree"),
    path("holds/<int:pk>/release/", release, name="hold-release"),
]
