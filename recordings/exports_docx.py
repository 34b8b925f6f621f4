"""A transcript as a Word file, to be read and written on by hand. The only module with python-docx in it besides consent sheets."""

import datetime as dt
import io
from typing import Any

from recordings import exports
from recordings.pipeline import clock

TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def to_docx(transcript: exports.Transcript) -> bytes:
    """A heading, the notice, and a table of time, speaker and words; "Confidential" above and the page's number below each page."""
    import docx
    from docx.shared import Cm, Pt

    document = docx.Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2)
    style = document.styles["Normal"]
    style.font.name, style.font.size = "Arial", Pt(11)
    about = document.core_properties
    about.author, about.comments, about.title = "", "", "Transcript"
    about.created = about.modified = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    section.header.paragraphs[0].text = "Confidential"
    _number_pages(section.footer.paragraphs[0])
    day = f" of a session on {transcript.session_on:%-d %B %Y}" if transcript.session_on else ""
    document.add_heading(f"Transcript{day}", level=1)
    for line in transcript.notice[1:]:
        document.add_paragraph(line)
    if transcript.segments:
        _fill(document, transcript, widths=(Cm(1.8), Cm(3.2), Cm(12)))
    else:
        document.add_paragraph("No words were found in the recording.")
    memory = io.BytesIO()
    document.save(memory)
    return memory.getvalue()


def _fill(document: Any, transcript: exports.Transcript, *, widths: tuple[int, int, int]) -> None:
    rows = [
        (clock(segment.start), exports.plain(segment.speaker), exports.plain(segment.text), segment.supported)
        for segment in transcript.segments
    ]
    table = document.add_table(rows=len(rows) + 1, cols=3)
    table.style, table.autofit = "Table Grid", False
    _repeat_on_each_page(table.rows[0])
    cells = table._cells  # asked for once: python-docx works them out anew each time
    for place, (title, width) in enumerate(zip(("Time", "Speaker", "Words"), widths, strict=True)):
        cells[place].paragraphs[0].add_run(title).bold = True
        table.columns[place].width = width
    for number, (at, speaker, text, supported) in enumerate(rows, 1):
        for place, value in enumerate((at, speaker)):
            cells[3 * number + place].paragraphs[0].add_run(value)
        words = cells[3 * number + 2].paragraphs[0]
        if not supported:
            words.add_run(f"{exports.UNSUPPORTED} ").italic = True
        words.add_run(text).font.strike = None if supported else True
    for place, cell in enumerate(cells):
        cell.width = widths[place % 3]


def _repeat_on_each_page(row: Any) -> None:
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _number_pages(paragraph: Any) -> None:
    """ "Page 2 of 9": fields that Word fills in, which python-docx has no words for."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    for before, code in (("Page ", "PAGE"), (" of ", "NUMPAGES")):
        paragraph.add_run(before)
        field = OxmlElement("w:fldSimple")
        field.set(qn("w:instr"), code)
        paragraph._p.append(field)
