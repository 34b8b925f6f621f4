"""What waits for a rater, what came of it, and what is due in a supervisor's teams; giving back, taking off, conflicts of interest."""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from recordings import assigning, conflicts, listening, parting, permissions
from recordings import review as reviews
from recordings.models import Assignment, Comparison, ConflictOfInterest, Recording, Review
from recordings.ratingforms import ConflictForm, GiveBackForm
from recordings.reviewforms import WorkFilter
from supervision import instruments
from supervision.http import AuthenticatedRequest
from supervision.models import FamilyReference, Item, Membership, Team, User

State = Review.State
PER_PAGE = 50  # of what has been released
FIRST = 10  # of each kind of work, with whatever else is due by SOON: the rest is a link away
MOST = 50  # of each kind, however much is late
SECTION_PAGE = 25
SOON = dt.timedelta(days=7)


@dataclass(frozen=True)
class Section:
    """One kind of work: its first rows and how many there are, or a page of it where the address asks for this kind alone."""

    key: str
    rows: Sequence[Any] = ()
    total: int = 0
    page: Page[Any] | None = None


@require_GET
def review_list(request: AuthenticatedRequest) -> HttpResponse:
    """A rater's queue, overdue first; for everybody else, the feedback that was released to them."""
    user = request.user
    today = timezone.localdate()
    consults = Membership.objects.of(user).current().filter(role=Membership.Role.CONSULTANT)
    waiting = Recording.objects.visible_to(user).awaiting_review_by(user)
    seen = Review.objects.visible_to(user)
    asked = Assignment.objects.open().filter(rater=user, review__isnull=True, recording__in=Recording.objects.asked_of(user))
    teams = Team.objects.filter(
        Q(pk__in=consults.values("team")) | Q(pk__in=seen.values("recording__team")) | Q(pk__in=asked.values("recording__team"))
    )
    therapists = User.objects.filter(
        Q(pk__in=waiting.values("therapist"))
        | Q(pk__in=seen.values("recording__therapist"))
        | Q(pk__in=asked.values("recording__therapist"))
    )
    choice = WorkFilter(
        request.GET or None, teams=teams.order_by("name", "pk"), therapists=therapists.order_by("first_name", "last_name", "pk")
    )
    choice.is_valid()
    due = _due_in_teams(user)
    chosen = {name: value for name, value in getattr(choice, "cleaned_data", {}).items() if value}
    waiting = waiting.filter(**chosen)
    through = {f"recording__{name}": value for name, value in chosen.items()}
    seen, asked, due = seen.filter(**through), asked.filter(**through), due.filter(**through)
    own = _unreleased(seen.filter(rater=user))
    released = seen.filter(state=State.RELEASED).select_related("rater", "recording__therapist", "recording__team")
    released = released.annotate(answers=Count("replies"))
    related = ("recording__therapist", "recording__team", "instrument", "gold")
    is_ready = Exists(Recording.objects.reviewable().filter(pk=OuterRef("recording")))
    asked = asked.annotate(is_ready=is_ready).select_related(*related)
    is_consultant = consults.exists()
    work: dict[str, tuple[Any, Callable[[Any], dt.date | None]]] = {
        "stuck": (parting.stuck_for(user), _never),
        "due": (due.select_related(*related, "rater").order_by("due_on", "pk"), lambda one: one.due_on),
    }
    if is_consultant:
        work |= {
            "asked": (asked.order_by("due_on", "assigned_at", "pk"), lambda one: one.due_on),
            "in_progress": (own.filter(state=State.IN_PROGRESS), lambda one: one.assignment and one.assignment.due_on),
            "submitted": (own.exclude(state=State.IN_PROGRESS), _never),
            "waiting": (waiting.select_related("therapist", "team", "family").order_by("uploaded_at", "pk"), _never),
        }
    sections, shown = _sections(work, request)
    own_rows = _with_progress([*sections["in_progress"].rows, *sections["submitted"].rows], user)
    for key in ("in_progress", "submitted"):
        sections[key] = replace(sections[key], rows=[own_rows[review.pk] for review in sections[key].rows])
    context = {
        "filter": choice,
        "is_filtered": bool(chosen),
        "has_teams": teams.count() > 1,
        "has_therapists": therapists.count() > 1,
        "is_consultant": is_consultant,
        "shown": shown,
        **sections,
        "several": _with_several_instruments(sections["waiting"].rows),
        "can_plan": Membership.objects.of(user).current().filter(role__in=Membership.LEADS).exists(),
        "released": None if shown else Paginator(released.order_by("-released_at", "pk"), PER_PAGE).get_page(request.GET.get("page")),
        "today": today,
    }
    return render(request, "recordings/review_list.html", context)


def _never(_one: Any) -> None:
    """Of what has no date by which it is due."""


def _sections(
    work: dict[str, tuple[Any, Callable[[Any], dt.date | None]]], request: AuthenticatedRequest
) -> tuple[dict[str, Section], str]:
    """Each kind of work, and which of them the address asks for alone; all of them where none of that is left."""
    found = {key: Section(key) for key in ("stuck", "due", "asked", "in_progress", "submitted", "waiting")}
    shown = request.GET.get("show", "")
    if shown in work:
        page = Paginator(work[shown][0], SECTION_PAGE).get_page(request.GET.get("page"))
        if page.paginator.count:
            return {**found, shown: Section(shown, list(page), page.paginator.count, page)}, shown
    soon = timezone.localdate() + SOON
    for key, (rows, due_on) in work.items():
        first = list(rows[:MOST])
        total = Paginator(rows, MOST).count if len(first) == MOST else len(first)
        kept = [one for place, one in enumerate(first) if place < FIRST or ((on := due_on(one)) and on <= soon)]
        found[key] = Section(key, kept, total)
    return found, ""


def _with_several_instruments(recordings: Sequence[Recording]) -> set[int]:
    """The teams, of those recordings, whose reviewers choose between instruments."""
    by_programme = {one.team.programme_id: one.team for one in recordings}
    several = {programme for programme, team in by_programme.items() if len(instruments.choices(team)) > 1}
    return {one.team_id for one in recordings if one.team.programme_id in several}


def _due_in_teams(user: User) -> QuerySet[Assignment]:
    """Ratings that others owe the teams which this person supervises."""
    supervised = Membership.objects.of(user).current().filter(role__in=Membership.SUPERVISORS)
    rows = Assignment.objects.visible_to(user).open().filter(recording__team__in=supervised.values("team")).exclude(rater=user)
    return rows.exclude(part=Assignment.Part.GOLD).exclude(recording__state=Recording.State.DESTROYED)


def _unreleased(own: QuerySet[Review]) -> QuerySet[Review]:
    """What is due first, then what nobody set a day for."""
    rated = Count("draft_scores", filter=Q(draft_scores__score__isnull=False) | Q(draft_scores__is_not_applicable=True))
    return (
        own.exclude(state=State.RELEASED)
        .exclude(assignment__skipped_at__isnull=False)
        .select_related("recording__therapist", "recording__team", "assignment__gold")
        .annotate(rated=rated)
        .order_by(F("assignment__due_on").asc(nulls_last=True), "recording__uploaded_at", "pk")
    )


def _with_progress(found: Sequence[Any], user: User) -> dict[uuid.UUID, dict[str, Any]]:
    """By review: "7 of 9 rated, 64 % heard" and what comes next, in a few queries."""
    totals = dict(Item.objects.filter(instrument__in=[one.instrument_id for one in found]).values_list("instrument").annotate(Count("pk")))
    shares = listening.shares_heard([one.recording for one in found], user)
    pairs = Comparison.objects.filter(Q(first__in=found) | Q(second__in=found))
    comparison = {review: one for one in pairs for review in (one.first_id, one.second_id)}
    awaiting = reviews.awaiting_second(found)
    return {
        one.pk: {
            "review": one,
            "progress": reviews.progress_sentence(one.rated, totals.get(one.instrument_id, 0), shares[one.recording_id]),
            "is_gone": one.recording.state == Recording.State.DESTROYED,
            "comparison": comparison.get(one.pk),
            "is_exercise": one.state != State.IN_PROGRESS and reviews.is_exercise(one),
            "why_not": reviews.why_not_released(one, awaits_second=one.pk in awaiting) if one.state == State.SUBMITTED else "",
        }
        for one in found
    }


# Giving back and taking off


@require_http_methods(["GET", "POST"])
def give_back(request: AuthenticatedRequest, assignment_id: uuid.UUID) -> HttpResponse:
    asked = Assignment.objects.visible_to(request.user).filter(skipped_at__isnull=True)
    related = asked.select_related("recording__therapist", "recording__family", "recording__team", "gold")
    assignment = get_object_or_404(related, pk=assignment_id)
    if assignment.rater_id != request.user.pk:
        raise PermissionDenied
    form = GiveBackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            _give_back(request, assignment, **form.cleaned_data)
        except (assigning.AssignmentRefused, conflicts.ConflictRefused) as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, "You have given it back. Somebody else is asked where there is somebody.")
        return redirect("recordings:review-list")
    context = {"assignment": assignment, "form": form}
    return render(request, "recordings/assignment_skip.html", context, status=422 if request.method == "POST" else 200)


def _give_back(request: AuthenticatedRequest, assignment: Assignment, *, reason: str, about: str) -> None:
    """A conflict of interest (`about` "therapist" or "family") also gives back whatever else the person has open of them."""
    by, now, recording = request.user, timezone.now(), assignment.recording
    if reason != Assignment.Skip.CONFLICT:
        assigning.give_back(assignment=assignment, reason=reason, by=by, now=now)
    elif about == "therapist":
        conflicts.declare(rater=by, therapist=recording.therapist, by=by, now=now)
    else:
        conflicts.declare(rater=by, family=recording.family, by=by, now=now)


@require_POST
def take_off(request: AuthenticatedRequest, assignment_id: uuid.UUID) -> HttpResponse:
    known = Assignment.objects.visible_to(request.user).select_related("recording")
    assignment = get_object_or_404(known, pk=assignment_id)
    if not permissions.can_take_off(request.user, assignment):
        raise PermissionDenied
    try:
        assigning.take_off(assignment=assignment, by=request.user, now=timezone.now())
    except assigning.AssignmentRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The second rating is taken off. The first can be released by itself once it is in.")
    return redirect("recordings:review-list")


# Conflicts of interest


@require_http_methods(["GET", "POST"])
def conflict_list(request: AuthenticatedRequest) -> HttpResponse:
    """A rater's own declarations, and a new one."""
    teams = Membership.objects.of(request.user).current().filter(role=Membership.Role.CONSULTANT).values("team")
    if not teams.exists():
        raise PermissionDenied("Conflicts of interest are declared by those who rate.")
    therapists = User.objects.filter(pk__in=Membership.objects.current().filter(team__in=teams, role="therapist").values("user"))
    families = FamilyReference.objects.filter(team__in=teams, closed_on__isnull=True)
    form = ConflictForm(
        request.POST or None,
        therapists=therapists.exclude(pk=request.user.pk).order_by("first_name", "last_name", "pk"),
        families=families.order_by("reference", "pk"),
    )
    if request.method == "POST" and form.is_valid():
        conflicts.declare(rater=request.user, by=request.user, now=timezone.now(), **form.cleaned_data)
        messages.success(request, "It is noted. What you had open is given back, and you are not asked to rate this while it stands.")
        return redirect("recordings:conflict-list")
    mine = ConflictOfInterest.objects.filter(rater=request.user, ended_at__isnull=True).select_related("therapist", "family")
    context = {"form": form, "mine": mine.order_by("declared_at", "pk")}
    return render(request, "recordings/conflict_list.html", context, status=422 if request.method == "POST" else 200)


@require_POST
def conflict_end(request: AuthenticatedRequest, conflict_id: int) -> HttpResponse:
    mine = ConflictOfInterest.objects.filter(rater=request.user)
    conflicts.end(conflict=get_object_or_404(mine, pk=conflict_id), by=request.user, now=timezone.now())
    messages.success(request, "It is ended. You may be asked again, and what waits for anybody to review waits for you too.")
    return redirect("recordings:conflict-list")


urlpatterns = [
    path("reviews/", review_list, name="review-list"),
    path("reviews/conflicts/", conflict_list, name="conflict-list"),
    path("reviews/conflicts/<int:conflict_id>/end/", conflict_end, name="conflict-end"),
    path("assignments/<uuid:assignment_id>/give-back/", give_back, name="assignment-skip"),
    path("assignments/<uuid:assignment_id>/take-off/", take_off, name="assignment-take-off"),
]
