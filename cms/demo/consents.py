"""The demo's consents: one of each way to give it, one that ends soon, one in which a young person says no."""

import datetime as dt
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from recordings import casefile, consent
from recordings.models import Consent, ConsentPerson, ConsentWording, NameList, Purpose
from supervision.models import FamilyReference

if TYPE_CHECKING:
    from cms.demo.load import Loaded

Method, Renewal = Consent.Method, Consent.Renewal
NEEDED = (Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE)
RESEARCHED = (*NEEDED, Purpose.RESEARCH)
ALL_BUT_TEACHING = (*NEEDED, Purpose.TRAIN_RATERS)
EVERYTHING = tuple(Purpose)
FILED = "Paper file of the team, cabinet 2"


@dataclass(frozen=True)
class Given:
    """A consent as it was given; `days` before the load, `until` and `session` days after it. `again`: so many days after it
    its young person is old enough to be asked anew."""

    family: str
    heard: tuple[tuple[str, str, tuple[Purpose, ...]], ...]
    days: int
    method: str
    until: int | None = None
    session: int | None = None
    again: int | None = None
    more: dict[str, Any] = field(default_factory=dict)


CONSENTS = (
    Given(
        "H-2041",
        (("caregiver", "D.D.", EVERYTHING), ("young_person", "C.D.", (*ALL_BUT_TEACHING, Purpose.RESEARCH))),
        40,
        Method.SIGNED_PAPER,
    ),
    Given("H-2043", (("caregiver", "O.F.", RESEARCHED),), 24, Method.SIGNED_PAPER),
    Given("H-2044", (("caregiver", "L.W.", RESEARCHED), ("young_person", "J.W.", RESEARCHED)), 33, Method.SIGNED_SCREEN, until=10, again=0),
    Given(
        "H-2047",
        (("caregiver", "A.S.", NEEDED), ("young_person", "R.S.", ())),
        5,
        Method.TYPED,
        more={"witness": "family support worker T.O."},
    ),
    Given("H-2049", (("caregiver", "S.T.", NEEDED),), 3, Method.SIGNED_PAPER),
    Given("M-318", (("caregiver", "P.F.", ALL_BUT_TEACHING),), 60, Method.SPOKEN, more={"witness": "social worker N.E."}),
    Given("M-322", (("caregiver", "K.K.", NEEDED), ("professional", "R.O.", NEEDED)), 1, Method.SIGNED_PAPER, session=0),
)
# For redaction: what would tell a stranger who this family is.
NAMES = {"H-2041": ("Callum", "Cal", "Dawn")}


def load(loaded: "Loaded") -> None:
    for given in CONSENTS:
        _record(loaded, given)
    for reference, names in NAMES.items():
        family = FamilyReference.objects.get(reference=reference)
        if not NameList.objects.filter(family=family).exists():
            casefile.set_names(family=family, names=names, by=family.therapist, now=loaded.now)


def _record(loaded: "Loaded", given: Given) -> None:
    family = FamilyReference.objects.get(reference=given.family)
    if Consent.objects.filter(family=family).exists():
        return
    again = loaded.anchor + dt.timedelta(days=given.again) if given.again is not None else None
    renewal = (
        Renewal.UNTIL_DATE if given.until is not None else Renewal.PER_SESSION if given.session is not None else Renewal.UNTIL_WITHDRAWN
    )
    consent.record(
        family=family,
        wording=ConsentWording.objects.get(programme=family.team.programme, version=1),
        method=given.method,
        given_on=loaded.days_ago(given.days),
        renewal=renewal,
        valid_until=loaded.anchor + dt.timedelta(days=given.until) if given.until is not None else None,
        session_on=loaded.anchor + dt.timedelta(days=given.session) if given.session is not None else None,
        people=[
            consent.Heard(
                role, initials, purposes, _mark(given.method, initials), again if role == ConsentPerson.Role.YOUNG_PERSON else None
            )
            for role, initials, purposes in given.heard
        ],
        parental_responsibility="The caregiver named here",
        by=family.therapist,
        now=loaded.at(given.days),
        filed_at=FILED if given.method == Method.SIGNED_PAPER else "",
        **given.more,
    )


def _mark(method: str, initials: str) -> casefile.Sheet | None:
    """What an invented person left on the therapist's device."""
    if method == Method.TYPED:
        return casefile.Sheet(f"Typed by {initials}".encode(), casefile.TEXT)
    return casefile.signature(_scrawl(initials)) if method == Method.SIGNED_SCREEN else None


def _scrawl(initials: str) -> bytes:
    from PIL import Image, ImageDraw

    sheet = Image.new("L", (600, 200), 255)
    pen = ImageDraw.Draw(sheet)
    heights = [100 + (ord(letter) * 37 + number * 53) % 90 - 45 for number, letter in enumerate(initials * 6)]
    pen.line([(60 + 20 * number, height) for number, height in enumerate(heights)], fill=0, width=4, joint="curve")
    pen.line([(50, 165), (60 + 20 * len(heights), 150)], fill=0, width=3)
    done = BytesIO()
    sheet.save(done, "PNG")
    return done.getvalue()
