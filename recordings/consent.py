"""Consent: what a conversation with a family settled, and what may be done with a recording because of it."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from wagtail.log_actions import log

from recordings import casefile, lookagain
from recordings.models import Consent, ConsentPaper, ConsentPerson, ConsentWording, Purpose
from supervision.models import FamilyReference, Membership, Programme, User

# What a person says yes to, after "agreed to" or "not agreed to".
AGREEING_TO: dict[str, str] = {
    Purpose.RECORD: "being recorded",
    Purpose.REVIEW: "the supervisor and the consultant listening",
    Purpose.TRANSCRIBE: "a computer in the service writing down what is said",
    Purpose.TRAIN_RATERS: "raters training with the recording",
    Purpose.TEACH: "short clips being used in teaching",
    Purpose.RESEARCH: "figures about the session being used in research",
}

ENDING_DAYS = 14
Method, Renewal, Role = Consent.Method, Consent.Renewal, ConsentPerson.Role


class Heard(NamedTuple):
    """Somebody who will be heard: role, initials, the purposes agreed to, the signature where one was given here, and for a
    young person any day of the month in which to ask again."""

    role: str
    initials: str
    purposes: Iterable[str]
    signature: casefile.Sheet | None = None
    look_again: dt.date | None = None


class ConsentRefused(Exception):
    """What was entered cannot stand as a consent."""


def current_wording(programme: Programme, *, on: dt.date) -> ConsentWording | None:
    """The version of the plain words that families of the programme are given on that day."""
    return ConsentWording.objects.filter(programme=programme, effective_from__lte=on).order_by("-version").first()


def name_of(person: ConsentPerson) -> str:
    """ "Caregiver M.B.": a role and initials, never a name."""
    return f"{person.get_role_display()} {person.initials}"


def record(
    *,
    family: FamilyReference,
    wording: ConsentWording,
    method: str,
    given_on: dt.date,
    people: Sequence[Heard],
    by: User,
    now: dt.datetime,
    renewal: str = Renewal.UNTIL_WITHDRAWN,
    valid_until: dt.date | None = None,
    session_on: dt.date | None = None,
    parental_responsibility: str = "",
    witness: str = "",
    spoken_at_ms: int | None = None,
) -> Consent:
    """Writes down a consent as it was given, with the signatures given here. Raises ConsentRefused and changes nothing.

    The signatures are sealed under the family's key before the transaction that names them.
    """
    heard = [
        Heard(role, initials.strip().upper(), [str(p) for p in Purpose.values if p in set(purposes)], signature, again)
        for role, initials, purposes, signature, again in people
    ]
    _check_conversation(family, wording, given_on, timezone.localdate(now))
    _check_term(renewal, given_on, valid_until, session_on)
    _check_people(heard, parental_responsibility)
    _check_again(heard, timezone.localdate(now))
    _check_method(method, heard, witness, spoken_at_ms)
    sheets = [person.signature for person in heard if person.signature is not None]
    with casefile.sealed(family, ConsentPaper.Kind.SIGNATURE, sheets) as written, transaction.atomic():
        consent = Consent.objects.create(
            family=family,
            wording=wording,
            method=method,
            given_on=given_on,
            renewal=renewal,
            valid_until=valid_until,
            session_on=session_on,
            spoken_at_ms=spoken_at_ms,
            witness=witness.strip(),
            lawful_basis=family.team.programme.lawful_basis,
            parental_responsibility=parental_responsibility.strip(),
            recorded_at=now,
            recorded_by=by,
        )
        signatures = iter(written)
        for role, initials, purposes, signature, again in heard:
            month = lookagain.month_of(again) if again else None
            person = ConsentPerson.objects.create(
                consent=consent, role=role, initials=initials, purposes=list(purposes), look_again_on=month
            )
            if signature is not None:
                casefile.add_row(next(signatures), consent=consent, person=person, by=by, now=now)
        log(
            instance=consent,
            action="recordings.consent",
            user=by,
            data={"family": family.pk, "wording": wording.pk, "people": len(heard), "signatures": len(sheets)},
        )
    return consent


def _check_conversation(family: FamilyReference, wording: ConsentWording, given_on: dt.date, today: dt.date) -> None:
    if family.closed_on is not None and family.closed_on < today:
        raise ConsentRefused("This family is closed. Nothing more is recorded for it.")
    if wording.programme_id != family.team.programme_id:
        raise ConsentRefused("This wording belongs to another programme. Reload the page and read the right one out.")
    if given_on > today:
        raise ConsentRefused("The day of the consent lies ahead. Enter the day on which it was given.")


def _check_term(renewal: str, given_on: dt.date, valid_until: dt.date | None, session_on: dt.date | None) -> None:
    if (valid_until is not None) != (renewal == Renewal.UNTIL_DATE):
        raise ConsentRefused("A consent until a date needs its last day, and no other consent has one.")
    if valid_until is not None and valid_until < given_on:
        raise ConsentRefused("The last day lies before the day on which the consent was given.")
    if (session_on is not None) != (renewal == Renewal.PER_SESSION):
        raise ConsentRefused("A consent for one session needs the day of that session, and no other consent has one.")
    if session_on is not None and session_on < given_on:
        raise ConsentRefused("The session lies before the day on which the consent was given. Consent comes first.")


def _check_people(heard: Sequence[Heard], parental_responsibility: str) -> None:
    if not heard:
        raise ConsentRefused("Enter everybody who will be heard: at least one person.")
    if len({(person.role, person.initials) for person in heard}) < len(heard):
        raise ConsentRefused("Two people have the same role and initials. Add a letter to tell them apart.")
    if any(person.purposes and Purpose.RECORD not in person.purposes for person in heard):
        raise ConsentRefused("Somebody agreed to a use of the recording but not to being recorded. Ask again what was meant.")
    if any(person.role == Role.YOUNG_PERSON for person in heard) and not parental_responsibility.strip():
        raise ConsentRefused("A young person will be heard. Say who holds parental responsibility, by role.")


def _check_again(heard: Sequence[Heard], today: dt.date) -> None:
    for person in heard:
        try:
            lookagain.check(person.role, person.look_again, today=today)
        except lookagain.NotAgain as refusal:
            raise ConsentRefused(str(refusal)) from refusal


def _check_method(method: str, heard: Sequence[Heard], witness: str, spoken_at_ms: int | None) -> None:
    """Whoever said yes on the device left a mark there; typing alone, which anybody can do, needs a witness."""
    if spoken_at_ms is not None and method != Method.SPOKEN:
        raise ConsentRefused("Only a spoken consent has a time on the recording.")
    if method == Method.TYPED and not witness.strip():
        raise ConsentRefused("A typed consent needs a witness. Enter who else was there, by role and initials.")
    if method in (Method.SIGNED_SCREEN, Method.TYPED):
        word = "signed" if method == Method.SIGNED_SCREEN else "typed their name"
        for role, initials, purposes, signature, _ in heard:
            if purposes and signature is None:
                raise ConsentRefused(f"{Role(role).label} {initials} has said yes but not {word}. Ask them to, or change the answers.")


@transaction.atomic
def place_spoken(*, consent: Consent, spoken_at_ms: int | None, by: User, now: dt.datetime) -> Consent:
    """Enters or corrects where on the recording the consent is spoken, in milliseconds. Raises ConsentRefused."""
    locked = Consent.objects.select_for_update().get(pk=consent.pk)
    if locked.method != Method.SPOKEN:
        raise ConsentRefused("Only a spoken consent has a time on the recording.")
    if locked.withdrawn_at is not None:
        raise ConsentRefused("This consent was withdrawn. Nothing is changed in it any more.")
    longest = max(locked.recordings.kept().values_list("duration_ms", flat=True), default=None)
    if spoken_at_ms is not None and longest is not None and spoken_at_ms >= longest:
        raise ConsentRefused("That is after the end of the recording. Listen again and enter minutes and seconds.")
    locked.spoken_at_ms = spoken_at_ms
    locked.save(update_fields=["spoken_at_ms"])
    log(instance=locked, action="recordings.consent_spoken", user=by, data={"is_set": spoken_at_ms is not None})
    consent.spoken_at_ms = spoken_at_ms
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
    return _who_has_not(consent, purpose)


def why_not_session(consent: Consent, session_on: dt.date, *, on: dt.date) -> str:
    """As `why_not` for taking in the recording of a session: also whether the consent was given for that very session."""
    if consent.session_on is not None and consent.session_on != session_on:
        return f"This consent was given for the session of {_day(consent.session_on)} only."
    return why_not(consent, Purpose.RECORD, on=session_on) or why_not(consent, Purpose.RECORD, on=on)


def _who_has_not(consent: Consent, purpose: str) -> str:
    people = list(consent.people.all())
    if not people:
        return "Nobody is named in this consent."
    refused = [person for person in people if purpose not in person.purposes]
    young = [name_of(person) for person in refused if person.role == Role.YOUNG_PERSON]
    if young and purpose == Purpose.RECORD:
        return f"{_listed(young)} {'has' if len(young) == 1 else 'have'} not agreed to being recorded. That stands, whoever else agreed."
    without = [name_of(person) for person in refused]
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


def term(consent: Consent) -> str:
    """How long it holds: "until somebody withdraws it", "until 12 May 2026, or until …", "for the session of 12 May 2026 only"."""
    if consent.session_on is not None:
        return f"for the session of {_day(consent.session_on)} only"
    if consent.valid_until is not None:
        return f"until {_day(consent.valid_until)}, or until somebody withdraws it"
    return "until somebody withdraws it"


def standing(consent: Consent, *, on: dt.date) -> tuple[str, str]:
    """A word and its tone for lists: in force, ending, ended, not agreed, withdrawn."""
    if consent.withdrawn_at is not None:
        return "Withdrawn", "waived"
    if consent.valid_until is not None and consent.valid_until < on:
        return "Ended", "waived"
    if why_not(consent, Purpose.RECORD, on=on):
        return "No recording", "due"
    if is_ending(consent, on=on):
        return "Ends soon", "due"
    if consent.session_on is not None:
        return ("One session", "done") if consent.session_on >= on else ("Session over", "none")
    return "In force", "done"


def is_ending(consent: Consent, *, on: dt.date) -> bool:
    """In force and in its last days."""
    if consent.withdrawn_at is not None or consent.valid_until is None:
        return False
    return on <= consent.valid_until <= on + dt.timedelta(days=ENDING_DAYS)


def ending(user: User, on: dt.date) -> list[Consent]:
    """Consents that end within 14 days and that this person could renew, soonest first; none that a longer one has followed."""
    held = Membership.objects.of(user).on(on).filter(team=OuterRef("family__team"))
    supervises = held.filter(role__in=Membership.SUPERVISORS)
    treats = held.filter(role__in=[Membership.Role.THERAPIST, *Membership.SUPERVISORS])
    longer = Consent.objects.in_force(on).exclude(renewal=Renewal.PER_SESSION).filter(family=OuterRef("family"))
    followed = longer.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=OuterRef("valid_until")))
    is_open = Q(family__closed_on__isnull=True) | Q(family__closed_on__gte=on)
    last_day = on + dt.timedelta(days=ENDING_DAYS)
    found = Consent.objects.in_force(on).filter(is_open, ~Exists(followed), valid_until__lte=last_day)
    found = found.filter(Exists(supervises) | Q(Exists(treats), family__therapist=user))
    return list(found.select_related("family").order_by("valid_until", "pk"))
