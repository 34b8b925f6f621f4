"""Recording evidence or a waiver about one person and requirement, and taking an entry back."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from supervision import evidence, permissions, teams
from supervision.forms import EvidenceForm, WithdrawForm
from supervision.http import AuthenticatedRequest
from supervision.models import Evidence, Membership
from supervision.views.access import load_person, load_team


@require_http_methods(["GET", "POST"])
def evidence_create(request: AuthenticatedRequest, slug: str, person_pk: int, requirement_key: str) -> HttpResponse:
    team = load_team(request, slug)
    person = load_person(request, team, person_pk)
    requirement = next((one for one in teams.current_rules(team.programme, on=timezone.localdate()) if one.key == requirement_key), None)
    if requirement is None:
        raise Http404
    if not permissions.can_record_evidence(request.user, person, team):
        raise PermissionDenied
    form = EvidenceForm(request.POST if request.method == "POST" else None, initial={"kind": request.GET.get("kind", "")})
    if form.is_valid():
        try:
            entry = evidence.record(
                person=person,
                programme=team.programme,
                requirement_key=requirement.key,
                by=request.user,
                now=timezone.now(),
                **form.cleaned_data,
            )
        except evidence.EvidenceRefused as error:
            form.add_error(None, str(error))
        else:
            what = "is waived" if entry.kind == Evidence.Kind.WAIVER else "has a new entry"
            messages.success(request, f"{requirement.name} {what} for {person.get_full_name()}.")
            return redirect("supervision:cell-detail", team.slug, person.pk, requirement.key)
    context = {"team": team, "person": person, "requirement": requirement, "form": form}
    return render(request, "supervision/evidence_create.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def evidence_withdraw(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    team = load_team(request, slug)
    entries = (
        Evidence.objects.filter(programme=team.programme)
        .exclude(kind=Evidence.Kind.WITHDRAWN)
        .select_related("person", "programme", "recorded_by")
    )
    entry = get_object_or_404(entries, pk=pk, person__in=Membership.objects.filter(team=team).values("user"))
    if not permissions.can_record_evidence(request.user, entry.person, team):
        raise PermissionDenied
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            evidence.withdraw(entry=entry, note=form.cleaned_data["note"], by=request.user, now=timezone.now())
        except evidence.EvidenceRefused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "The entry is withdrawn and no longer counts. It stays on record with your reason.")
            return redirect("supervision:cell-detail", team.slug, entry.person_id, entry.requirement_key)
    context = {"team": team, "entry": entry, "word": Evidence.Kind(entry.kind).label, "form": form}
    return render(request, "supervision/evidence_withdraw.html", context, status=422 if form.errors else 200)
