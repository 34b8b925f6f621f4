"""The families on a therapist's list, by reference and initials."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from supervision import families, permissions
from supervision.forms import FamilyCloseForm, FamilyForm
from supervision.http import AuthenticatedRequest, asked_words
from supervision.models import FamilyReference, Membership, Team, User
from supervision.periods import say
from supervision.views.access import load_team, rights

PER_PAGE = 50
FEW = 10  # to look for one among them is no help


@require_safe
def family_list(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    team = load_team(request, slug)
    if not (permissions.can_open_family(request.user, team) or permissions.can_lead(request.user, team)):
        raise PermissionDenied
    known = FamilyReference.objects.visible_to(request.user).filter(team=team)
    shows_closed, find = request.GET.get("show") == "closed", asked_words(request, "find")
    matching = known.filter(closed_on__isnull=not shows_closed, reference__icontains=find).select_related("therapist")
    page = Paginator(matching.order_by("-opened_on", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    supervises = permissions.is_supervisor(request.user, team)
    counts = known.aggregate(open=Count("pk", filter=Q(closed_on__isnull=True)), closed=Count("pk", filter=Q(closed_on__isnull=False)))
    context = {
        "team": team,
        "page": page,
        "rows": [{"family": one, "can_close": not shows_closed and _can_close(request.user, one, supervises=supervises)} for one in page],
        "counts": counts,
        "shows_closed": shows_closed,
        "find": find,
        "is_long": bool(find) or counts["closed" if shows_closed else "open"] > FEW,
        "leads": permissions.can_lead(request.user, team),
        **rights(request.user, team),
    }
    return render(request, "supervision/family_list.html", context)


@require_http_methods(["GET", "POST"])
def family_create(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    team = load_team(request, slug)
    if not permissions.can_open_family(request.user, team):
        raise PermissionDenied
    form = FamilyForm(request.POST if request.method == "POST" else None, therapists=_therapists(request.user, team))
    if form.is_valid():
        try:
            family = families.open_family(team=team, by=request.user, now=timezone.now(), **form.cleaned_data)
        except families.FamilyRefused as error:
            form.add_error("reference", str(error))
        else:
            messages.success(request, f"{family.reference} is on {family.therapist.get_full_name()}'s list.")
            return redirect("supervision:family-list", team.slug)
    return render(request, "supervision/family_create.html", {"team": team, "form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def family_close(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    team = load_team(request, slug)
    family = get_object_or_404(
        FamilyReference.objects.visible_to(request.user).filter(team=team).select_related("therapist", "team"), pk=pk
    )
    if not _can_close(request.user, family, supervises=permissions.is_supervisor(request.user, team)):
        raise PermissionDenied
    form = FamilyCloseForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            families.close_family(family=family, on=form.cleaned_data["on"], by=request.user, now=timezone.now())
        except families.FamilyRefused as error:
            form.add_error("on", str(error))
        else:
            messages.success(request, f"{family.reference} is closed from {say(form.cleaned_data['on'])}.")
            return redirect("supervision:family-list", team.slug)
    context = {
        "team": team,
        "family": family,
        "form": form,
        "goes": [f"{family.reference} from the list of open families, so that nobody records a session for it by mistake."],
        "stays": [
            "Recordings, until the dates that their consents and the retention rules set.",
            "Consents, which the family can withdraw at any time.",
            "Reviews and ratings.",
        ],
    }
    return render(request, "supervision/family_close.html", context, status=422 if form.errors else 200)


def _can_close(user: User, family: FamilyReference, *, supervises: bool) -> bool:
    return supervises or family.therapist_id == user.pk


def _therapists(user: User, team: Team) -> QuerySet[User]:
    """For a supervisor every therapist of the team and the supervisors; for a therapist only themselves."""
    held = Membership.objects.current().filter(team=team, role__in=[Membership.Role.THERAPIST, *Membership.SUPERVISORS])
    people = User.objects.filter(pk__in=held.values("user")).order_by("last_name", "first_name", "pk")
    return people if permissions.is_supervisor(user, team) else people.filter(pk=user.pk)
