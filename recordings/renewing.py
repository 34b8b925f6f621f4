"""A family's newer consent used for a recording made before it: an act of its own, never a silent one.

A recording stands under the consent it was made with, and closes when that ends. Where the family has renewed, its therapist or a
supervisor may let the newer consent govern it. The earlier one still acts when it is taken back: withdrawal.py and narrowing.py
look for `EarlierConsent`.
"""

import datetime as dt
from typing import NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from wagtail.log_actions import log

from recordings import consent as consents
from recordings import consentproof, evidence
from recordings.models import Consent, EarlierConsent, Purpose, PurposeWithdrawal, Recording
from supervision.models import Membership, User


class RenewalRefused(Exception):
    """The newer consent cannot be used for the recording; the text says why."""


class Panel(NamedTuple):
    """What the page of a recording says about the end of its consent. `newer` can be used for it; `why_not` says why another
    cannot; `lost` are the uses that it does not cover and the earlier one did."""

    ends_on: dt.date
    is_over: bool
    newer: Consent | None
    why_not: str
    lost: list[str]


def why_not(recording: Recording, newer: Consent, *, on: dt.date) -> str:
    """Why the newer consent cannot be used for the recording on that day, as a sentence; empty where it can."""
    own = recording.consent
    if recording.state == Recording.State.DESTROYED:
        return "This recording has been destroyed."
    if newer.family_id != recording.family_id or (newer.given_on, newer.pk) <= (own.given_on, own.pk):
        return "Only a newer consent of the same family can be used for this recording."
    if not is_closing(own, on=on):
        return "The consent that this recording was made with still holds. It can be replaced when it is about to end."
    earlier = [own, *(row.consent for row in recording.earlier_consents.select_related("consent"))]
    if any(one.withdrawn_at is not None for one in earlier):
        return "A consent that this recording rests on was withdrawn. That stands."
    if newer.session_on is not None and newer.session_on != recording.session_on:
        return "The newer consent was given for another session only."
    if missing := consents.why_not(newer, Purpose.RECORD, on=on) or evidence.missing(newer):
        return missing
    if _heard(own) - _heard(newer):
        return "The newer consent does not name everybody who is heard in this recording."
    if PurposeWithdrawal.objects.filter(consent__in=earlier, finished_at__isnull=True).exists():  # it is looked for under its own consent
        return (
            "What the family has taken back is not destroyed yet. The newer consent can be used once it is; a legal hold may put that off."
        )
    taken_back = PurposeWithdrawal.objects.filter(consent__in=earlier, withdrawn_at__gt=newer.recorded_at)
    if any(consents.covers(newer, row.purpose, on=on) for row in taken_back):
        return "The family has taken a use back since it gave the newer consent. Ask it anew."
    return ""


def is_closing(consent: Consent, *, on: dt.date) -> bool:
    """Ended, or in its last days."""
    return consent.valid_until is not None and consent.valid_until <= on + dt.timedelta(days=consents.ENDING_DAYS)


def _heard(consent: Consent) -> set[tuple[str, str]]:
    return {(person.role, person.initials) for person in consent.people.all()}


@transaction.atomic
def use(*, recording: Recording, newer: Consent, by: User, now: dt.datetime) -> Recording:
    """From now on the newer consent governs the recording. Raises RenewalRefused."""
    today = timezone.localdate(now)
    list(Consent.objects.select_for_update().filter(family=recording.family_id).order_by("pk"))  # a withdrawal waits, or came first
    locked = Recording.objects.select_for_update().get(pk=recording.pk)
    fresh = Consent.objects.get(pk=newer.pk)
    if why := why_not(locked, fresh, on=today):
        raise RenewalRefused(why)
    earlier = locked.consent
    EarlierConsent.objects.create(recording=locked, consent=earlier, replaced_at=now, replaced_by=by)
    locked.consent = fresh
    locked.save(update_fields=["consent"])
    log(instance=locked, action="recordings.consent_renew", user=by, data={"consent": fresh.pk, "earlier": earlier.pk})
    consentproof.begin_transcripts(fresh, by=by, now=now)
    recording.consent = fresh
    return locked


def panel(recording: Recording, *, on: dt.date) -> Panel | None:
    """None where the consent is not about to end."""
    own = recording.consent
    if own.valid_until is None or not is_closing(own, on=on):
        return None
    later = Q(given_on__gt=own.given_on) | Q(given_on=own.given_on, pk__gt=own.pk)
    candidates = Consent.objects.filter(later, family=recording.family_id, withdrawn_at__isnull=True).prefetch_related("people")
    reasons = [(one, why_not(recording, one, on=on)) for one in candidates.order_by("-given_on", "-pk")]
    newer = next((one for one, why in reasons if not why), None)
    said = (
        ""
        if newer or not reasons
        else f"The consent of {date_format(reasons[0][0].given_on, 'j F Y')} cannot be used for it. {reasons[0][1]}"
    )
    kept = consents.agreed_by_all(newer) if newer else []
    lost = [consents.SHORT[purpose] for purpose in consents.agreed_by_all(own) if newer and purpose not in kept]
    return Panel(own.valid_until, own.valid_until < on, newer, said, lost)


def closing(user: User, on: dt.date) -> dict[Consent, list[Recording]]:
    """Consents that end within 14 days, each with the kept recordings that nobody can hear afterwards: for the family's therapist
    and the team's supervisors, soonest first."""
    held = Membership.objects.of(user).on(on)
    supervised = set(held.filter(role__in=Membership.SUPERVISORS).values_list("team_id", flat=True))
    treated = supervised | set(held.filter(role=Membership.Role.THERAPIST).values_list("team_id", flat=True))
    last_day = on + dt.timedelta(days=consents.ENDING_DAYS)
    mine = Q(team__in=supervised) | Q(team__in=treated, therapist=user)
    ends = Recording.objects.kept().filter(mine, consent__in=Consent.objects.in_force(on), consent__valid_until__lte=last_day)
    found: dict[Consent, list[Recording]] = {}
    for recording in ends.select_related("consent__family").order_by("consent__valid_until", "consent", "session_on", "pk"):
        found.setdefault(recording.consent, []).append(recording)
    return found
