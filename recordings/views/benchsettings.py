"""One's own settings of the workbench: a plain form on a page of its own, and the same as JSON from the list of keys."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from recordings import benchkeys
from recordings.benchforms import BenchSettingsForm
from supervision.http import AuthenticatedRequest


@never_cache
@require_http_methods(["GET", "POST"])
def settings(request: AuthenticatedRequest) -> HttpResponse:
    stored = benchkeys.settings_of(request.user)
    form = BenchSettingsForm(request.POST if request.method == "POST" else None, settings=stored)
    if request.method == "POST" and form.is_valid():
        try:
            benchkeys.save(person=request.user, keys=form.keys, **form.values)
        except benchkeys.KeysRefused as refusal:
            name = f"key-{refusal.action}"
            form.add_error(name if name in form.fields else refusal.action if refusal.action in form.fields else None, str(refusal))
        else:
            messages.success(request, "Your workbench is set up so from now on.")
            return redirect("recordings:bench-settings")
    return render(request, "recordings/bench_settings.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_POST
def keep(request: AuthenticatedRequest) -> HttpResponse:
    """Some of the settings, from the page's script: `settings` is a JSON object with any of keys, has_single_keys, reaction_ms,
    preroll_ms, back_step_ms, skips_silence. `keys` is the whole of one's own keys: an empty one brings the usual keys back."""
    try:
        given = json.loads(request.POST.get("settings", ""))
        values = _typed(given)
    except (ValueError, TypeError):
        return JsonResponse({"error": "The settings could not be read."}, status=422)
    try:
        stored = benchkeys.save(person=request.user, **values)
    except benchkeys.KeysRefused as refusal:
        return JsonResponse({"error": str(refusal), "action": refusal.action}, status=422)
    return JsonResponse({"keys": benchkeys.keys_of(stored), "own": stored.keys, "always": benchkeys.always_of(stored)})


def _typed(given: Any) -> dict[str, Any]:
    """What is known, of the right type. Raises ValueError."""
    kinds: dict[str, type] = {"keys": dict, "has_single_keys": bool, "skips_silence": bool} | dict.fromkeys(
        ("reaction_ms", "preroll_ms", "back_step_ms"), int
    )
    if not isinstance(given, dict) or not given or any(type(value) is not kinds.get(name) for name, value in given.items()):
        raise ValueError
    if any(not isinstance(value, str) or len(value) > 40 for value in given.get("keys", {}).values()):
        raise ValueError
    return dict(given)


urlpatterns = [
    path("workbench/settings/", settings, name="bench-settings"),
    path("workbench/settings/keep/", keep, name="bench-settings-keep"),
]
