"""Consent: what a conversation with a family settled, and what may be done with a recording because of it."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from wagtail.log_actions import log

from recordings import casefile, consentwording, evidence, lookagain
from recordings.models import Consent, ConsentPaper, ConsentPerson, ConsentWording, Purpose
from supervision.initials import NEVER_A_NAME, are_initials
from supervision.models import FamilyReference, Membership, User

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
    """What was entered cannot stand as a consent. `entry` names what has to be entered otherwise, where it is one thing."""

    def __init__(self, sentence: str, entry: str = "") -> None:
        super().__init__(sentence)
        self.entry = entry


class WordsChanged(ConsentRefused):
    """The wording no longer says what the page had shown."""


class Unmarked(ConsentRefused):
    """Somebody said yes and left no mark. `place` is theirs among the people, from 0."""

    def __init__(self, sentence: str, place: int) -> None:
        super().__init__(sentence)
        self.place = place


def name_of(person: ConsentPerson) -> str:
    """ "Caregiver M.B.": a role and initials, never a name."""
    return f"{person.get_role_display()} {person.initials}"


def agrees(person: ConsentPerson, purpose: str) -> bool:
    """Whether the person said yes to it, and it has not been taken back since."""
    return purpose in person.purposes and purpose not in person.consent.ended_purposes


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
    filed_at: str = "",
    shown: str = "",
    submission: uuid.UUID | None = None,
) -> Consent:
    """Writes down a consent as it was given, with the signatures given here. Raises ConsentRefused and changes nothing.

    `shown` is `consentwording.digest` of the words as a page has shown them: where they say something else by now, WordsChanged
    is raised. A `submission` that has made a consent already gives that consent. The signatures are sealed under the family's
    key before the transaction that names them.
    """
    if submission is not None and (first := already_made(family, submission)) is not None:
        return first
    heard = [
        Heard(role, initials.strip().upper(), [str(p) for p in Purpose.values if p in set(purposes)], signature, again)
        for role, initials, purposes, signature, again in people
    ]
    _check_conversation(family, wording, given_on, timezone.localdate(now))
    _check_term(renewal, given_on, valid_until, session_on)
    _check_people(heard, parental_responsibility)
    _check_again(heard, timezone.localdate(now))
    _check_method(method, heard, witness, spoken_at_ms, filed_at)
    consent = Consent(
        family=family,
        wording=wording,
        method=method,
        given_on=given_on,
        renewal=renewal,
        valid_until=valid_until,
        session_on=session_on,
        spoken_at_ms=spoken_at_ms,
        witness=witness.strip(),
        filed_at=filed_at.strip(),
        lawful_basis=family.team.programme.lawful_basis,
        parental_responsibility=parental_responsibility.strip(),
        recorded_at=now,
        recorded_by=by,
        submission=submission,
    )
    sheets = [person.signature for person in heard if person.signature is not None]
    try:
        with casefile.sealed(family, ConsentPaper.Kind.SIGNATURE, sheets) as written, transaction.atomic():
            _keep(consent, heard, written, shown)
    except IntegrityError:  # the same form came in twice at once
        first = already_made(family, submission) if submission is not None else None
        if first is None:
            raise
        return first
    return consent


def already_made(family: FamilyReference, submission: uuid.UUID) -> Consent | None:
    """What this very form has made before."""
    return Consent.objects.filter(family=family, submission=submission).first()


def _keep(consent: Consent, heard: Sequence[Heard], written: Sequence[casefile.SealedSheet], shown: str) -> None:
    """The rows, in the caller's transaction. The words stay locked until the consent rests on them."""
    wording = ConsentWording.objects.select_for_update().get(pk=consent.wording_id)
    if shown and shown != consentwording.digest(wording):
        raise WordsChanged(f"The words of version {wording.version} have been changed. Read them together as they stand now.")
    consent.save(force_insert=True)
    by, now = consent.recorded_by, consent.recorded_at
    signatures = iter(written)
    for role, initials, purposes, signature, again in heard:
        month = lookagain.month_of(again) if again else None
        person = ConsentPerson.objects.create(consent=consent, role=role, initials=initials, purposes=list(purposes), look_again_on=month)
        if signature is not None:
            casefile.add_row(next(signatures), consent=consent, person=person, by=by, now=now)
    about = {"family": consent.family_id, "wording": wording.pk, "people": len(heard), "signatures": len(written)}
    log(instance=consent, action="recordings.consent", user=by, data=about)


def _check_conversation(family: FamilyReference, wording: ConsentWording, given_on: dt.date, today: dt.date) -> None:
    if family.closed_on is not None and family.closed_on < today:
        raise ConsentRefused("This family is closed. Nothing more is recorded for it.")
    if wording.programme_id != family.team.programme_id:
        raise ConsentRefused("This wording belongs to another programme. Reload the page and read the right one out.")
    if given_on > today:
        raise ConsentRefused("The day of the consent lies ahead. Enter the day on which it was given.", "given_on")
    if wording.effective_from > given_on:
        came = _day(wording.effective_from)
        raise ConsentRefused(f"Version {wording.version} of the words came into force on {came}, after the consent was given.", "given_on")


def _check_term(renewal: str, given_on: dt.date, valid_until: dt.date | None, session_on: dt.date | None) -> None:
    if (valid_until is not None) != (renewal == Renewal.UNTIL_DATE):
        raise ConsentRefused("A consent until a date needs its last day, and no other consent has one.")
    if valid_until is not None and valid_until < given_on:
        raise ConsentRefused("The last day lies before the day on which the consent was given.", "valid_until")
    if (session_on is not None) != (renewal == Renewal.PER_SESSION):
        raise ConsentRefused("A consent for one session needs the day of that session, and no other consent has one.")
    if session_on is not None and session_on < given_on:
        raise ConsentRefused("The session lies before the day on which the consent was given. Consent comes first.", "session_on")


def _check_people(heard: Sequence[Heard], parental_responsibility: str) -> None:
    if not heard:
        raise ConsentRefused("Enter everybody who will be heard: at least one person.")
    if not all(are_initials(person.initials) for person in heard):
        raise ConsentRefused(NEVER_A_NAME)
    if len({(person.role, person.initials) for person in heard}) < len(heard):
        raise ConsentRefused("Two people have the same role and initials. Add a letter to tell them apart.")
    if any(person.purposes and Purpose.RECORD not in person.purposes for person in heard):
        raise ConsentRefused("Somebody agreed to a use of the recording but not to being recorded. Ask again what was meant.")
    if any(person.role == Role.YOUNG_PERSON for person in heard) and not parental_responsibility.strip():
        raise ConsentRefused("A young person will be heard. Say who holds parental responsibility, by role.", "parental_responsibility")


def _check_again(heard: Sequence[Heard], today: dt.date) -> None:
    for person in heard:
        try:
            lookagain.check(person.role, person.look_again, today=today)
        except lookagain.NotAgain as refusal:
            raise ConsentRefused(str(refusal)) from refusal


def _check_method(method: str, heard: Sequence[Heard], witness: str, spoken_at_ms: int | None, filed_at: str) -> None:
    """Whoever said yes on the device left a mark there; typing alone, which anybody can do, needs a witness. What shows a spoken
    consent, or one on paper, may come later: see evidence.py."""
    if spoken_at_ms is not None and method != Method.SPOKEN:
        raise ConsentRefused("Only a spoken consent has a time on the recording.")
    if filed_at and method != Method.SIGNED_PAPER:
        raise ConsentRefused("Only a consent on paper is kept in a paper file.")
    if method == Method.TYPED and not witness.strip():
        raise ConsentRefused("A typed consent needs a witness. Enter who else was there, by role and initials.", "witness")
    if method in (Method.SIGNED_SCREEN, Method.TYPED):
        word = "signed" if method == Method.SIGNED_SCREEN else "typed their name"
        for place, (role, initials, purposes, signature, _) in enumerate(heard):
            if purposes and signature is None:
                who = f"{Role(role).label} {initials}"
                raise Unmarked(f"{who} has said yes but not {word}. Ask them to, or change the answers.", place)


def covers(consent: Consent, purpose: str, *, on: dt.date) -> bool:
    """Whether the consent is in force on that day and everybody heard agreed to the purpose."""
    return not why_not(consent, purpose, on=on)


def why_not(consent: Consent, purpose: str, *, on: dt.date) -> str:
    """One sentence about what is missing for the purpose on that day; empty when nothing is. With nothing to show that it was
    given, a consent covers being recorded and no use beyond its therapist: see evidence.py."""
    if consent.withdrawn_at is not None:
        return f"This consent was withdrawn on {_day(timezone.localdate(consent.withdrawn_at))}."
    if consent.given_on > on:
        return f"This consent was given on {_day(consent.given_on)}, after the day in question."
    if consent.valid_until is not None and consent.valid_until < on:
        return f"This consent ended on {_day(consent.valid_until)}."
    if purpose in consent.ended_purposes:
        return f"The family no longer agrees to {AGREEING_TO[purpose]}."
    return _who_has_not(consent, purpose) or ("" if purpose == Purpose.RECORD else evidence.missing(consent))


def agreed_by_all(consent: Consent) -> list[str]:
    """The purposes to which everybody heard agreed and that nobody has taken back, whether or not it is in force."""
    return [p for p in Purpose.values if p not in consent.ended_purposes and not _who_has_not(consent, p)]


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
        agreed = [SHORT[p] for p in Purpose.values if agrees(person, p)]
        refused = [SHORT[p] for p in Purpose.values if not agrees(person, p)]
        parts = [f"{word} to {_listed(names)}" for word, names in (("yes", agreed), ("no", refused)) if names]
        found.append(f"{name_of(person)}: {'; '.join(parts)}.")
    return found


def table(consent: Consent) -> list[tuple[str, list[tuple[ConsentPerson, bool]]]]:
    """For each purpose, its words and whether each person agreed to it."""
    people = list(consent.people.all())
    return [(purpose.label, [(person, agrees(person, purpose)) for person in people]) for purpose in Purpose]


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
    if evidence.missing(consent):
        return "Nothing to show yet", "due"
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
