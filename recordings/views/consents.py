"""Consents: written down, listed, shown, copied for the family."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from recordings import consent as consents
from recordings import consentcopy, consentproof, evidence, lookagain, narrowing, permissions, withdrawal, withdrawallink
from recordings.consentforms import AgainForm, FiledForm, SpokenForm
from recordings.models import Consent, ConsentPaper, ConsentPerson, ConsentWording, FamilyKey, Purpose, Recording
from supervision.http import AuthenticatedRequest
from supervision.models import FamilyReference, Team, User


def _consents(request: AuthenticatedRequest) -> QuerySet[Consent]:
    known = Consent.objects.visible_to(request.user).select_related(
        "family__team__programme", "family__therapist", "wording", "recorded_by", "withdrawal__person", "withdrawal__recorded_by"
    )
    return known.prefetch_related("people")


def load(request: AuthenticatedRequest, pk: int) -> Consent:
    """The consent, for whoever may know of it."""
    return get_object_or_404(_consents(request), pk=pk)


@require_safe
def listing(request: AuthenticatedRequest, family_pk: int) -> HttpResponse:
    """All consents of a family, newest first, with what became of each."""
    family = FamilyReference.objects.visible_to(request.user).select_related("team", "therapist").filter(pk=family_pk).first()
    given = _consents(request).filter(family_id=family_pk).order_by("-given_on", "-pk")
    if family is None:
        first = given.first()  # the information governance lead sees consents, though not the list of families
        if first is None:
            raise Http404
        family = first.family
    today = timezone.localdate()
    rows = [
        {"consent": one, "standing": consents.standing(one, on=today), "term": consents.term(one), "lines": consents.lines(one)}
        for one in given
    ]
    standing = withdrawal.live(family_pk, on=today).last()
    context = {
        "family": family,
        "rows": rows,
        "to_withdraw": standing if standing and permissions.can_withdraw(request.user, standing) else None,
        "can_ask": permissions.can_record_consent(request.user, family),
        "can_name": permissions.can_keep_names(request.user, family),
    }
    return render(request, "recordings/consent_list.html", context)


@require_safe
def detail(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    consent = load(request, pk)
    today = timezone.localdate()
    recordings = (
        Recording.objects.visible_to(request.user)
        .filter(Q(consent=consent) | Q(earlier_consents__consent=consent))
        .distinct()
        .select_related("family", "certificate", "consent")
        .order_by("session_on", "pk")
    )
    can_record = permissions.can_record_consent(request.user, consent.family)
    papers = consent.papers.select_related("person", "sealed_by").order_by("sealed_at", "person__pk", "pk")
    spoken_on = next((row for row in recordings if permissions.can_listen(request.user, row)), None)
    context = {
        **_shown(consent),
        "standing": consents.standing(consent, on=today),
        "missing": consents.why_not(consent, Purpose.RECORD, on=today),
        "ends_soon": consents.is_ending(consent, on=today),
        "recordings": recordings,
        "papers": [paper for paper in papers if paper.kind != ConsentPaper.Kind.SIGNATURE],
        "signatures": [paper for paper in papers if paper.kind == ConsentPaper.Kind.SIGNATURE],
        "papers_gone": FamilyKey.objects.filter(family=consent.family, destroyed_at__isnull=False).exists(),
        "to_show": "" if consent.withdrawn_at else evidence.missing(consent),
        "is_paper": consent.method == Consent.Method.SIGNED_PAPER,
        "is_spoken": consent.method == Consent.Method.SPOKEN,
        "spoken_on": spoken_on if consent.spoken_at_ms is not None else None,
        "links": list(withdrawallink.working(consent)),
        "ended": narrowing.of(consent),
        "outcome": withdrawal.outcome(consent, on=today) if consent.withdrawn_at else None,
        "can_withdraw": consent.withdrawn_at is None and permissions.can_withdraw(request.user, consent),
        "can_upload": permissions.can_upload(request.user, consent.family) and consents.covers(consent, Purpose.RECORD, on=today),
        "can_record": can_record,
        "can_link": permissions.can_hand_out_link(request.user, consent),
        "is_again_due": lookagain.is_due(consent, on=today),
        "again_words": [
            f"{consents.name_of(person)} is asked again in {person.look_again_on:%B %Y}."
            for person in _young(consent)
            if person.look_again_on
        ],
        "can_set_again": can_record and consent.withdrawn_at is None and bool(_young(consent)),
    }
    return render(request, "recordings/consent_detail.html", context)


def _young(consent: Consent) -> list[ConsentPerson]:
    return [person for person in consent.people.all() if person.role == consents.Role.YOUNG_PERSON]


def _to_complete(request: AuthenticatedRequest, pk: int) -> Consent:
    consent = load(request, pk)
    if not permissions.can_record_consent(request.user, consent.family):
        raise PermissionDenied("The family's therapist and the team's supervisors enter this, while the family is open.")
    return consent


@require_http_methods(["GET", "HEAD", "POST"])
def again(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Set, move or take out the month in which a young person is asked anew."""
    consent = _to_complete(request, pk)
    young = _young(consent)
    form = AgainForm(request.POST if request.method == "POST" else None, young=young)
    if request.method == "POST" and form.is_valid():
        try:
            _set_months(young, form, request.user)
        except lookagain.NotAgain as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "It is kept when to look at this consent again.")
            return redirect("recordings:consent-detail", consent.pk)
    context = {"consent": consent, "family": consent.family, "form": form}
    return render(request, "recordings/consent_again.html", context, status=422 if request.method == "POST" else 200)


@transaction.atomic
def _set_months(young: list[ConsentPerson], form: AgainForm, by: User) -> None:
    for person in young:
        day = form.cleaned_data[f"person-{person.pk}"]
        if (lookagain.month_of(day) if day else None) != person.look_again_on:
            lookagain.set_month(person=person, day=day, by=by, now=timezone.now())


@require_http_methods(["GET", "HEAD", "POST"])
def spoken(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Enter or correct where on the recording the consent is spoken, and who was a witness."""
    consent = _to_complete(request, pk)
    initial = {"spoken_at_ms": consent.spoken_at_ms, "witness": consent.witness}
    form = SpokenForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            consentproof.place_spoken(consent=consent, by=request.user, now=timezone.now(), **form.cleaned_data)
        except consents.ConsentRefused as refusal:
            form.add_error("spoken_at_ms", str(refusal))
        else:
            messages.success(request, "It is kept where on the recording the consent is spoken.")
            return redirect("recordings:consent-detail", consent.pk)
    context = {"consent": consent, "family": consent.family, "form": form}
    return render(request, "recordings/consent_spoken.html", context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def filed(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """Enter or correct where the signed form is kept."""
    consent = _to_complete(request, pk)
    form = FiledForm(request.POST if request.method == "POST" else None, initial={"filed_at": consent.filed_at})
    if request.method == "POST" and form.is_valid():
        try:
            consentproof.file_form(consent=consent, by=request.user, now=timezone.now(), **form.cleaned_data)
        except consents.ConsentRefused as refusal:
            form.add_error("filed_at", str(refusal))
        else:
            messages.success(request, "It is kept where the signed form lies.")
            return redirect("recordings:consent-detail", consent.pk)
    context = {"consent": consent, "family": consent.family, "form": form}
    return render(request, "recordings/consent_filed.html", context, status=422 if request.method == "POST" else 200)


def _shown(consent: Consent) -> dict[str, Any]:
    """What the page and the copy have in common."""
    return {
        "consent": consent,
        "family": consent.family,
        "table": consents.table(consent),
        "facts": consentcopy.facts(consent),
        "withdrawal": getattr(consent, "withdrawal", None),
        "has_young_person": any(person.role == consents.Role.YOUNG_PERSON for person in consent.people.all()),
    }


def copy_page(request: AuthenticatedRequest, consent: Consent, *, token: str = "", address: str = "") -> HttpResponse:
    """The family's copy, to print; with the link in full where it has just been made."""
    context = {**_shown(consent), "token": token, "address": address, "anytime": consentcopy.ANYTIME, "afterwards": consentcopy.AFTERWARDS}
    if address:
        context |= {"qr_image": consentcopy.qr_image(address), "by_link": consentcopy.BY_LINK}
    else:
        context["can_link"] = permissions.can_hand_out_link(request.user, consent)
    response = render(request, "recordings/consent_print.html", context)
    if address:
        response["Cache-Control"] = "no-store, private"
    return response


def copy_file(consent: Consent, *, address: str = "") -> HttpResponse:
    """The family's copy as a Word file."""
    response = HttpResponse(consentcopy.as_docx(consent, link=address), content_type=consentcopy.DOCX)
    response["Content-Disposition"] = 'attachment; filename="consent.docx"'
    response["Cache-Control"] = "no-store, private"
    return response


@require_safe
def printable(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    return copy_page(request, load(request, pk))


@require_safe
def document(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    return copy_file(load(request, pk))


@require_safe
def sheet(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    """The blank sheet of a wording, to read and sign on paper; for whoever belongs to a team of its programme."""
    teams = Team.objects.visible_to(request.user)
    wording = get_object_or_404(ConsentWording.objects.filter(programme__teams__in=teams).select_related("programme").distinct(), pk=pk)
    return render(request, "recordings/consent_sheet.html", {"wording": wording})


urlpatterns = [
    path("families/<int:family_pk>/consents/", listing, name="consent-list"),
    path("wordings/<int:pk>/sheet/", sheet, name="wording-sheet"),
    path("consents/<int:pk>/", detail, name="consent-detail"),
    path("consents/<int:pk>/spoken/", spoken, name="consent-spoken"),
    path("consents/<int:pk>/filed/", filed, name="consent-filed"),
    path("consents/<int:pk>/again/", again, name="consent-again"),
    path("consents/<int:pk>/print/", printable, name="consent-print"),
    path("consents/<int:pk>/copy.docx", document, name="consent-docx"),
]
