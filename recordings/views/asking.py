"""Writing down a consent: in the words that were shown, by everybody who will be heard, once."""

import datetime as dt
import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_http_methods

from recordings import consent as consents
from recordings import consentwording, evidence, permissions
from recordings.consentforms import BasePersonFormSet, ConsentForm, person_formset
from recordings.models import Consent, ConsentWording, Purpose
from supervision.http import AuthenticatedRequest
from supervision.models import FamilyReference, Programme

_MARKS = ("-drawn", "-typed")
SIGNED = Consent.Method.SIGNED_SCREEN


@require_http_methods(["GET", "HEAD", "POST"])
def create(request: AuthenticatedRequest, family_pk: int) -> HttpResponse:
    families = FamilyReference.objects.visible_to(request.user).select_related("team__programme", "therapist")
    family = get_object_or_404(families, pk=family_pk)
    if not permissions.can_record_consent(request.user, family):
        raise PermissionDenied("Consent is recorded by the family's therapist or the team's supervisors, while the family is open.")
    submission = _submission(request)
    if request.method == "POST" and (first := consents.already_made(family, submission)) is not None:
        messages.info(request, "This form has been recorded already, and this is the consent. To record another, ask for a new one.")
        return redirect("recordings:consent-detail", first.pk)
    today = timezone.localdate()
    last = _renewed(request, family)
    form, people = _forms(request, last, today, consentwording.until(family.team.programme, on=today))
    wording = consentwording.current(family.team.programme, on=today)
    if request.method == "POST" and wording is not None:
        form.full_clean()
        wording, other_words = _words(request, form, family.team.programme, wording)
        if other_words:
            form.add_error(None, other_words)
            people = _unsigned(request, people)
        elif not form.errors and people.is_valid():
            try:
                consent = _recorded(request, family, wording, form, people, submission)
            except consents.WordsChanged as refusal:
                form.add_error(None, str(refusal))
                wording.refresh_from_db()
                people = _unsigned(request, people)
            except consents.Unmarked as refusal:
                people.filled()[refusal.place].add_error("drawn" if form.cleaned_data["method"] == SIGNED else "typed", str(refusal))
            except consents.ConsentRefused as refusal:
                form.add_error(refusal.entry or None, str(refusal))
            else:
                _say(request, consent, today)
                return redirect("recordings:consent-detail", consent.pk)
    context: dict[str, Any] = {"family": family, "wording": wording, "form": form, "people": people, "last": last, "submission": submission}
    if wording is not None:
        context["shown"] = consentwording.digest(wording)
    if last is not None:
        context["last_lines"] = consents.lines(last)
    return render(request, "recordings/consent_create.html", context, status=422 if request.method == "POST" else 200)


def _submission(request: AuthenticatedRequest) -> uuid.UUID:
    """The number of this form; a new one where it came without."""
    try:
        return uuid.UUID(request.POST.get("submission", ""))
    except ValueError:
        return uuid.uuid4()


def _words(
    request: AuthenticatedRequest, form: ConsentForm, programme: Programme, now_in_force: ConsentWording
) -> tuple[ConsentWording, str]:
    """The words that the consent has to rest on: those of the version that a form on paper carries, or of the day on which it was
    given. A sentence where these are not what the page has shown."""
    typed = request.POST.get("wording", "")
    shown = ConsentWording.objects.filter(programme=programme, pk=typed).first() if typed.isdecimal() and len(typed) < 18 else None
    given_on: dt.date | None = form.cleaned_data.get("given_on")
    if given_on is None:
        return shown or now_in_force, ""
    carried: ConsentWording | None = form.cleaned_data.get("version")
    wanted = carried or consentwording.current(programme, on=given_on)
    if wanted is None:
        form.add_error("given_on", "No words were in force on that day. Enter the day on which the consent was given.")
        return shown or now_in_force, ""
    if wanted == shown and request.POST.get("shown") == consentwording.digest(wanted):
        return wanted, ""
    is_paper = form.cleaned_data.get("method") == Consent.Method.SIGNED_PAPER
    return wanted, _other_words(wanted, shown, carried=carried is not None, given_on=given_on, is_paper=is_paper)


def _other_words(wanted: ConsentWording, shown: ConsentWording | None, *, carried: bool, given_on: dt.date, is_paper: bool) -> str:
    if wanted == shown:
        why = f"The words of version {wanted.version} were changed after this page was opened."
    else:
        before = f"version {shown.version}" if shown else "other words"
        day = date_format(given_on, "j F Y")
        which = f"The form carries version {wanted.version}" if carried else f"Version {wanted.version} was in force on {day}"
        why = f"{which}, and this page showed {before}."
    if is_paper:
        return f"{why} Nothing is recorded yet. Compare the signed form with the words below, then record the consent."
    return f"{why} Nothing is recorded yet. Read the words below together. Whoever signed signs again; then record the consent."


def _unsigned(request: AuthenticatedRequest, people: BasePersonFormSet) -> BasePersonFormSet:
    """The same answers without the marks: they were given for other words."""
    data = request.POST.copy()
    for name in [name for name in data if name.startswith("people-") and name.endswith(_MARKS)]:
        data[name] = ""
    return type(people)(data, prefix="people")


def _recorded(
    request: AuthenticatedRequest,
    family: FamilyReference,
    wording: ConsentWording,
    form: ConsentForm,
    people: BasePersonFormSet,
    submission: uuid.UUID,
) -> Consent:
    """Raises ConsentRefused."""
    given = {name: value for name, value in form.cleaned_data.items() if name != "version"}
    heard = people.people(given["method"])
    about: dict[str, Any] = {"shown": request.POST["shown"], "submission": submission, "by": request.user, "now": timezone.now()}
    return consents.record(family=family, wording=wording, people=heard, **about, **given)


def _say(request: AuthenticatedRequest, consent: Consent, today: dt.date) -> None:
    missing = consents.why_not(consent, Purpose.RECORD, on=today)
    if missing:
        messages.warning(request, f"The consent is recorded. No session can be uploaded under it. {missing}")
    elif evidence.missing(consent):
        messages.success(
            request, "The consent is recorded. You can upload sessions with these people now; what is still missing is said below."
        )
    else:
        messages.success(request, "The consent is recorded. You can upload sessions with these people now.")


def _renewed(request: AuthenticatedRequest, family: FamilyReference) -> Consent | None:
    """The consent that is asked for anew, if it is this family's."""
    wanted = request.GET.get("renew", "")
    if not wanted.isdecimal() or len(wanted) > 17:
        return None
    return Consent.objects.filter(family=family, pk=wanted).prefetch_related("people").first()


def _forms(
    request: AuthenticatedRequest, last: Consent | None, today: dt.date, versions: list[ConsentWording]
) -> tuple[ConsentForm, BasePersonFormSet]:
    """A renewal brings along who was heard and how it was settled. The answers are asked for anew: nothing is ticked beforehand."""
    initial: dict[str, Any] = {"given_on": today, "renewal": Consent.Renewal.UNTIL_WITHDRAWN}
    heard: list[dict[str, str]] = []
    if last is not None:
        initial |= {"method": last.method, "renewal": last.renewal, "parental_responsibility": last.parental_responsibility}
        heard = [{"role": person.role, "initials": person.initials} for person in last.people.all()]
    formset = person_formset(len(heard))
    if request.method == "POST":
        return ConsentForm(request.POST, initial=initial, versions=versions), formset(request.POST, prefix="people")
    people = formset(prefix="people")
    for row, known in zip(people.forms, heard, strict=False):
        row.initial = known
    return ConsentForm(initial=initial, versions=versions), people


urlpatterns = [path("families/<int:family_pk>/consent/", create, name="consent-create")]
