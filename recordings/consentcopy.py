"""The family's copy of a consent: the words, the answers, how long it holds and how to take it back. On paper or as a Word file."""

import base64
import datetime as dt
import io
import re
from typing import TYPE_CHECKING, NamedTuple

from django.utils import timezone
from django.utils.formats import date_format

from recordings import consent as consents
from recordings import narrowing
from recordings.models import Consent

if TYPE_CHECKING:
    from docx.document import Document

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ANYTIME = "You can take this consent back at any time, also in the middle of a session, and you need not say why."
AFTERWARDS = "What was recorded is destroyed at once, and the help you get does not change."
BY_LINK = (
    "Or open this address yourself, to take all of it back or a single use. It needs no account, asks you to confirm, and works until "
    "everything is taken back. Keep it safe: whoever has it can take this consent back."
)


class Block(NamedTuple):
    """A paragraph or, where `is_heading`, a heading of a wording."""

    text: str
    is_heading: bool


def blocks(text: str) -> list[Block]:
    """A wording as headings (lines that begin with #) and paragraphs (parted by empty lines)."""
    found = []
    for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip()):
        lines = part.strip().split("\n")
        while lines and lines[0].startswith("#"):
            found.append(Block(lines.pop(0).lstrip("# ").strip(), True))
        if lines:
            found.append(Block("\n".join(lines), False))
    return [block for block in found if block.text]


def facts(consent: Consent) -> list[tuple[str, str]]:
    """What else was settled, as pairs of a label and a value."""
    given = f"{_day(consent.given_on)}. {consent.get_method_display()}"
    found = [("Given", given), ("Holds", consents.term(consent)[:1].upper() + consents.term(consent)[1:])]
    if consent.parental_responsibility:
        found.append(("Parental responsibility", consent.parental_responsibility))
    if consent.witness:
        found.append(("Witness", consent.witness))
    if consent.filed_at:
        found.append(("Signed form kept", consent.filed_at))
    if consent.lawful_basis:
        found.append(("The service's lawful basis", consent.lawful_basis))
    for row, words in narrowing.of(consent):
        told = f"{_day(timezone.localdate(row.withdrawn_at))}, {row.get_channel_display().lower()}"
        found.append(("Taken back", f"{row.get_purpose_display()}: {told}. {words}"))
    found.append(("Wording", f"Version {consent.wording.version}"))
    found.append(("Written down", f"{date_format(timezone.localtime(consent.recorded_at), 'j F Y, H:i')} by {consent.recorded_by}"))
    return found


def qr_image(address: str) -> str:
    """The address as a picture that a telephone's camera reads: a data address of an SVG."""
    import qrcode  # type: ignore[import-untyped]
    from qrcode.image.svg import SvgPathImage  # type: ignore[import-untyped]

    drawn = io.BytesIO()
    qrcode.make(address, image_factory=SvgPathImage, border=2).save(drawn)
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.getvalue()).decode()


def as_docx(consent: Consent, *, link: str = "") -> bytes:
    """A Word file; `link` is the family's address to withdraw, printed in full where there is one."""
    import docx

    document = docx.Document()
    document.core_properties.author, document.core_properties.title = "", "Record of consent"
    family = consent.family
    document.add_heading(f"Record of consent, {family.reference} {family.initials}".strip(), level=1)
    people = list(consent.people.all())
    document.add_heading("Who agreed to what", level=2)
    table = document.add_table(rows=1, cols=1 + len(people), style="Table Grid")
    for cell, words in zip(table.rows[0].cells, ["Purpose", *map(consents.name_of, people)], strict=True):
        cell.text = words
    for label, answers in consents.table(consent):
        cells = table.add_row().cells
        for cell, words in zip(cells, [label, *("Yes" if agreed else "No" for _, agreed in answers)], strict=True):
            cell.text = words
    document.add_paragraph()
    for label, value in facts(consent):
        line = document.add_paragraph()
        line.add_run(f"{label}: ").bold = True
        line.add_run(value)
    document.add_heading("If you change your mind", level=2)
    document.add_paragraph(f"{ANYTIME} Tell your therapist, or anybody in {family.team}. {AFTERWARDS}")
    if link:
        document.add_paragraph(BY_LINK)
        document.add_paragraph().add_run(link).bold = True
    document.add_page_break()
    document.add_heading("The words that were read", level=2)
    _write(document, consent.wording.text)
    if consent.wording.young_text and any(person.role == consents.Role.YOUNG_PERSON for person in people):
        document.add_heading("For a young person", level=2)
        _write(document, consent.wording.young_text)
    done = io.BytesIO()
    document.save(done)
    return done.getvalue()


def _write(document: "Document", text: str) -> None:
    for block in blocks(text):
        if block.is_heading:
            document.add_heading(block.text, level=3)
        else:
            document.add_paragraph(block.text)


def _day(day: dt.date) -> str:
    return date_format(day, "j F Y")
