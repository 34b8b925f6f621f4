"""Consents: written down, shown, printed, withdrawn."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from recordings import consent as consents
from recordings import destruction, permissions, withdrawal
from recordings.forms import ConsentForm, PersonFormSet, WithdrawForm
from recordings.models import Consent, Purpose, Recording
from supervision.http import AuthenticatedRequest
from supervision.models import FamilyReference


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: AuthenticatedRequest, family_pk: int) -> HttpResponse:
    families = FamilyReference.objects.visible_to(request.user).select_related("team__programme", "therapist")
    family = get_object_or_404(families, pk=family_pk)
    if not permissions.can_record_consent(request.user, family):
        raise PermissionDenied("Consent is recorded by the family's therapist or the team's supervisors, while the family is open.")
    now = timezone.now()
    today = timezone.localdate(now)
    wording = consents.current_wording(family.team.programme, on=today)
    form = ConsentForm(request.POST or None, initial={"given_on": today})
    people = PersonFormSet(request.POST or None, prefix="people")
    if request.method == "POST" and wording is not None and form.is_valid() and people.is_valid():
        try:
            consent = consents.record(family=family, wording=wording, people=people.people(), by=request.user, now=now, **form.cleaned_data)  # type: ignore[attr-defined]
        except consents.ConsentRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            missing = consents.why_not(consent, Purpose.RECORD, on=today)
            if missing:
                messages.warning(request, f"The consent is recorded. No session can be uploaded under it. {missing}")
            else:
                messages.success(request, "The consent is recorded. You can upload sessions with these people now.")
            return redirect("recordings:consent-detail", consent.pk)
    context = {"family": family, "wording": wording, "form": form, "people": people}
    return render(request, "recordings/consent_create.html", context, status=422 if request.method == "POST" else 200)


def _load(request: AuthenticatedRequest, pk: int) -> Consent:
    known = Consent.objects.visible_to(request.user).select_related(
        "family__team__programme", "family__therapist", "wording", "recorded_by"
    )
    return get_object_or_404(known.prefetch_related("people"), pk=pk)


@require_safe
def detail(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    consent = _load(request, pk)
    today = timezone.localdate()
    recordings = (
        Recording.objects.visible_to(request.user)
        .filter(consent=consent)
        .select_related("family", "certificate")
        .order_by("-session_on", "pk")
    )
    context = {
        "consent": consent,
        "family": consent.family,
        "table": consents.table(consent),
        "missing": consents.why_not(consent, Purpose.RECORD, on=today),
        "recordings": recordings,
        "withdrawal": getattr(consent, "withdrawal", None),
        "can_withdraw": consent.withdrawn_at is None and permissions.can_withdraw(request.user, consent),
        "can_upload": permissions.can_upload(request.user, consent.family) and consents.covers(consent, Purpose.RECORD, on=today),
        "can_renew": permissions.can_record_consent(request.user, consent.family),
    }
    return render(request, "recordings/consent_detail.html", context)


@require_safe
def printable(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    consent = _load(request, pk)
    context = {
        "consent": consent,
        "family": consent.family,
        "table": consents.table(consent),
        "withdrawal": getattr(consent, "withdrawal", None),
    }
    return render(request, "recordings/consent_print.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: AuthenticatedRequest, pk: int) -> HttpResponse:
    consent = _load(request, pk)
    if not permissions.can_withdraw(request.user, consent):
        raise PermissionDenied(
            "A consent is withdrawn by the family's therapist, the team's supervisors or the information governance lead."
        )
    if consent.withdrawn_at is not None:
        messages.info(request, "This consent has already been withdrawn.")
        return redirect("recordings:consent-detail", consent.pk)
    now = timezone.now()
    kept = Recording.objects.kept().filter(consent=consent)
    form = WithdrawForm(request.POST or None, consent=consent)
    if request.method == "POST" and form.is_valid():
        withdrawal.withdraw(consent=consent, by=request.user, now=now, **form.cleaned_data)
        messages.success(
            request,
            "The consent is withdrawn, and everything that was recorded under it is destroyed. Nobody can hear or read it any more.",
        )
        return redirect("recordings:consent-detail", consent.pk)
    context = {
        "consent": consent,
        "family": consent.family,
        "form": form,
        "goes": _goes(kept.count()),
        "stays": [
            "That a session was recorded and when, that this consent was given and withdrawn, and who listened.",
            "Scores that a reviewer has submitted, without a word that was said.",
            f"A certificate of destruction for each recording. Backups become unreadable by {destruction.unreadable_on(now):%-d %B %Y}.",
        ],
    }
    return render(request, "recordings/consent_withdraw.html", context, status=422 if request.method == "POST" else 200)


def _goes(count: int) -> list[str]:
    if not count:
        return [
            "This consent. Nothing has been recorded under it; nothing can be from now on.",
            "An upload that is under way is refused when it arrives.",
        ]
    recordings = {1: "The one recording", 2: "Both recordings"}.get(count, f"All {count} recordings")
    return [
        f"{recordings} made under this consent: the sound, the transcript, and what was computed from them.",
        "What reviewers wrote about them, and the replies.",
        "An upload or a transcription that is under way: it is stopped and nothing of it is kept.",
    ]
