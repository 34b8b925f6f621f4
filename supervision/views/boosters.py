"""The topics that a team's reviews propose for its next booster, with their evidence, and what the team decided."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from supervision import boosters, permissions
from supervision.developmentforms import TopicForm
from supervision.http import AuthenticatedRequest
from supervision.models import BoosterTopic, Rating, Team, User
from supervision.periods import say_quarter
from supervision.views.access import load_team, rights


@require_http_methods(["GET", "HEAD", "POST"])
def topics(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    team = load_team(request, slug)
    if not permissions.can_lead(request.user, team):
        raise PermissionDenied
    form = TopicForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        values = form.cleaned_data
        try:
            row = boosters.decide(
                team=team,
                instrument_slug=values["instrument"],
                item_key=values["item"],
                decision=values["decision"],
                note=values["note"],
                by=request.user,
                now=timezone.now(),
            )
        except boosters.TopicRefused as reason:
            form.add_error(None, str(reason))
        else:
            is_chosen = row.decision == BoosterTopic.Decision.CHOSEN
            messages.success(request, f"{row.item_name} is {'chosen for the coming quarter' if is_chosen else 'left for now'}.")
            return redirect("supervision:booster-topics", team.slug)
    today = timezone.localdate()
    coming = boosters.coming(today)
    context = {
        "team": team,
        "form": form,
        "proposals": _shown(request.user, team),
        "period": boosters.looked_at(today),
        "coming": say_quarter(coming),
        "earlier": BoosterTopic.objects.filter(team=team, quarter_starts_on__lt=coming.start)
        .select_related("decided_by")
        .order_by("-quarter_starts_on", "item_name", "pk")[:20],
        "least_sessions": boosters.LEAST_SESSIONS,
        "least_therapists": boosters.LEAST_THERAPISTS,
        "leads": True,
        **rights(request.user, team),
    }
    return render(request, "supervision/booster_topics.html", context, status=422 if form.errors else 200)


def _shown(user: User, team: Team) -> list[dict[str, Any]]:
    """Each proposal with the released reviews behind it that this person may open, by the day of the session and without a name."""
    found = boosters.proposals(team, on=timezone.localdate(), user=user)
    wanted = {session for one in found for session in one.sessions}
    seen = Rating.objects.visible_to(user).released().filter(team=team, kind=Rating.Kind.RATER)
    reviews: dict[Any, list[Rating]] = {}
    for rating in seen.order_by("session_on", "pk"):
        session = rating.session or rating.source
        if session in wanted:
            reviews.setdefault(session, []).append(rating)
    return [{"proposal": one, "reviews": [rating for session in one.sessions for rating in reviews.get(session, [])]} for one in found]


urlpatterns = [path("teams/<slug:slug>/booster-topics/", topics, name="booster-topics")]
