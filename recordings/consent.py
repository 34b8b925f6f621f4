"""Consent: what a conversation with a family settled, and what may be done with a recording because of it."""

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from wagtail.log_actions import log

from recordings.models import Consent, ConsentPerson, ConsentWording, Purpose
from supervision.models import FamilyReference, Programme, User

# What a person says yes to, after "agreed to" or "not agreed to".
AGREEING_TO: dict[str, str] = {
    Purpose.RECORD: "being recorded",
    Purpose.REVIEW: "the supervisor and the consultant listening",
    Purpose.TRANSCRIBE: "a computer in the service writing down what is said",
    Purpose.TRAIN_RATERS: "raters training with the recording",
    Purpose.TEACH: "short clips being used in teaching",
    Purpose.RESEARCH: "figures about the session being used in research",
}

Person = tuple[str, str, Iterable[str]]


class ConsentRefused(Exception):
    """What was entered cannot stand as a consent."""


def current_wording(programme: Programme, *, on: dt.date) -> ConsentWording | None:
    """The version of the plain words that families of the programme are given on that day."""
    return ConsentWording.objects.filter(programme=programme, effective_from__lte=on).order_by("-version").first()


def name_of(person: ConsentPerson) -> str:
    """ "Caregiver M.B.": a role and initials, never a name."""
    return f"{person.get_role_display()} {person.initials}"


@transaction.atomic
def record(
    *,
    family: FamilyReference,
    wording: ConsentWording,
    method: str,
    given_on: dt.date,
    valid_until: dt.date | None,
    people: Sequence[Person],
    parental_responsibility: str,
    by: User,
    now: dt.datetime,
) -> Consent:
    """Writes down a consent as it was given. `people` holds (role, initials, purposes agreed to). Raises ConsentRefused."""
    today = timezone.localdate(now)
    heard = [
        (role, initials.strip().upper(), [str(p) for p in Purpose.values if p in set(purposes)]) for role, initials, purposes in people
    ]
    if family.closed_on is not None and family.closed_on < today:
        raise ConsentRefused("This family is closed. Nothing more is recorded for it.")
    if wording.programme_id != family.team.programme_id:
        raise ConsentRefused("This wording belongs to another programme. Reload the page and read the right one out.")
    if given_on > today:
        raise ConsentRefused("The day of the consent lies ahead. Enter the day on which it was given.")
    if valid_until is not None and valid_until < given_on:
        raise ConsentRefused("The last day lies before the day on which the consent was given.")
    if not heard:
        raise ConsentRefused("Enter everybody who will be heard: at least one person.")
    if len({(role, initials) for role, initials, _ in heard}) < len(heard):
        raise ConsentRefused("Two people have the same role and initials. Add a letter to tell them apart.")
    if any(purposes and Purpose.RECORD not in purposes for _, _, purposes in heard):
        raise ConsentRefused("Somebody agreed to a use of the recording but not to being recorded. Ask again what was meant.")
    has_young_person = any(role == ConsentPerson.Role.YOUNG_PERSON for role, _, _ in heard)
    if has_young_person and not parental_responsibility.strip():
        raise ConsentRefused("A young person will be heard. Say who holds parental responsibility, by role.")

    consent = Consent.objects.create(
        family=family,
        wording=wording,
        method=method,
        given_on=given_on,
        valid_until=valid_until,
        parental_responsibility=parental_responsibility.strip(),
        recorded_at=now,
        recorded_by=by,
    )
    ConsentPerson.objects.bulk_create(
        ConsentPerson(consent=consent, role=role, initials=initials, purposes=purposes) for role, initials, purposes in heard
    )
    log(instance=consent, action="recordings.consent", user=by, data={"family": family.pk, "wording": wording.pk, "people": len(heard)})
    return consent


def covers(consent: Consent, purpose: str, *, on: dt.date) -> bool:
    """Whether the consent is in force on that day and everybody heard agreed to the purpose."""
    return not why_not(consent, purpose, on=on)


def why_not(consent: Consent, purpose: str, *, on: dt.date) -> str:
    """One sentence about what is missing for the purpose on that day; empty when nothing is."""
    if consent.withdrawn_at is not None:
        return f"This consent was withdrawn on {_day(timezone.localdate(consent.withdrawn_at))}."
    if consent.given_on > on:
        return f"This consent was given on {_day(consent.given_on)}, after the day in question."
    if consent.valid_until is not None and consent.valid_until < on:
        return f"This consent ended on {_day(consent.valid_until)}."
    people = list(consent.people.all())
    if not people:
        return "Nobody is named in this consent."
    without = [name_of(person) for person in people if purpose not in person.purposes]
    if without:
        verb = "has" if len(without) == 1 else "have"
        return f"{_listed(without)} {verb} not agreed to {AGREEING_TO[purpose]}."
    return ""


def _day(day: dt.date) -> str:
    return date_format(day, "j F Y")


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


SHORT: dict[str, str] = {
    Purpose.RECORD: "recording",
    Purpose.REVIEW: "review",
    Purpose.TRANSCRIBE: "transcript",
    Purpose.TRAIN_RATERS: "rater training",
    Purpose.TEACH: "teaching clips",
    Purpose.RESEARCH: "research",
}


def lines(consent: Consent) -> list[str]:
    """One line for each person heard: "Caregiver M.B.: yes to recording and review; no to transcript"."""
    found = []
    for person in consent.people.all():
        agreed = [SHORT[p] for p in Purpose.values if p in person.purposes]
        refused = [SHORT[p] for p in Purpose.values if p not in person.purposes]
        parts = [f"{word} to {_listed(names)}" for word, names in (("yes", agreed), ("no", refused)) if names]
        found.append(f"{name_of(person)}: {'; '.join(parts)}.")
    return found


def table(consent: Consent) -> list[tuple[str, list[tuple[ConsentPerson, bool]]]]:
    """For each purpose, its words and whether each person agreed to it."""
    people = list(consent.people.all())
    return [(purpose.label, [(person, purpose.value in person.purposes) for person in people]) for purpose in Purpose]
