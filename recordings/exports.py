"""A transcript as a file: JSON, WebVTT, SRT, plain text, ELAN (EAF 3.0) and Praat TextGrid.

What the sound does not support is marked in every format: `"supported": false` in JSON,
"[not supported by the sound]" before the text elsewhere. A file made for somebody to take away (`keep_until` is set) says
what it is and when it must be gone; one made by the command line holds the transcript alone. Word files: `exports_docx.py`.
"""

import datetime as dt
import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any
from xml.etree import ElementTree

from recordings.speech import Segment, Word

UNSUPPORTED = "[not supported by the sound]"
UNKNOWN = "?"


@dataclass(frozen=True)
class Transcript:
    duration: float
    language: str
    engine: str
    model: str
    segments: Sequence[Segment]
    session_on: dt.date | None = None
    keep_until: dt.date | None = None

    @property
    def notice(self) -> list[str]:
        """What a reader of the file must know, a sentence each; nothing on the command line."""
        if self.keep_until is None:
            return []
        return [
            "Confidential.",
            "A computer wrote this transcript and people may have corrected it. It can be wrong: listen before you rely on it.",
            f"This file may be kept until {self.keep_until:%-d %B %Y}, when the recording is destroyed, and not at all once consent is withdrawn.",
        ]

    @property
    def speakers(self) -> list[str]:
        """In the order they are first heard."""
        return list(dict.fromkeys(segment.speaker for segment in self.segments if segment.speaker))


def segments_from(rows: Iterable[dict[str, Any]]) -> list[Segment]:
    """Segments from what `features.transcript` and `transcript.edited` give."""
    return [Segment(**{**_known(Segment, row), "words": tuple(Word(**_known(Word, word)) for word in row["words"])}) for row in rows]


def _known(kind: type[Segment] | type[Word], row: dict[str, Any]) -> dict[str, Any]:
    return {field.name: row[field.name] for field in fields(kind) if field.name in row}


def to_json(transcript: Transcript) -> str:
    segments = [
        {
            "start": segment.start,
            "end": segment.end,
            "speaker": segment.speaker,
            "text": segment.text,
            "supported": segment.supported,
            "words": [{"start": w.start, "end": w.end, "text": w.text, "probability": w.probability} for w in segment.words],
        }
        for segment in transcript.segments
    ]
    document = {
        "duration": round(transcript.duration, 3),
        "language": transcript.language,
        "engine": transcript.engine,
        "model": transcript.model,
        "speakers": transcript.speakers,
        "segments": segments,
    }
    if transcript.notice:
        document = {"notice": " ".join(transcript.notice), **document}
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def to_vtt(transcript: Transcript) -> str:
    cues = ["WEBVTT\n"]
    if transcript.notice:
        cues.append("NOTE " + "\n".join(transcript.notice) + "\n")
    for start, end, segment in _timed(transcript.segments):
        voice = f"<v {_escaped(plain(segment.speaker))}>" if segment.speaker else ""
        cues.append(f"{_clock(start, '.')} --> {_clock(end, '.')}\n{voice}{_escaped(_shown(segment))}\n")
    return "\n".join(cues)


def to_srt(transcript: Transcript) -> str:
    """SubRip has no comments: the notice is the first subtitle, for three seconds."""
    shown = [(start, end, _said(segment)) for start, end, segment in _timed(transcript.segments)]
    if transcript.notice:
        shown.insert(0, (0, 3000, " ".join(transcript.notice)))
    cues = []
    for number, (start, end, text) in enumerate(shown, 1):
        text = text.replace("-->", "->")  # an arrow is how a cue begins
        cues.append(f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{text}\n")
    return "\n".join(cues)


def to_txt(transcript: Transcript) -> str:
    lines = [f"{line}\n" for line in transcript.notice] + (["\n"] if transcript.notice else [])
    lines += [f"[{_clock(start, '.')[:8]}] {_said(segment)}\n" for start, _end, segment in _timed(transcript.segments)]
    return "".join(lines)


def to_eaf(transcript: Transcript) -> str:
    """ELAN 3.0: for each speaker a tier of segments and, beneath it, a tier of words."""
    schema = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"
    made_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {"AUTHOR": "", "DATE": made_at, "FORMAT": "3.0", "VERSION": "3.0", schema: "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"},
    )
    header = ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    for line in transcript.notice:
        ElementTree.SubElement(header, "PROPERTY", NAME="notice").text = line
    order = ElementTree.SubElement(root, "TIME_ORDER")
    ids: dict[str, int] = {"ts": 0, "a": 0}

    def new_id(kind: str) -> str:
        ids[kind] += 1
        return f"{kind}{ids[kind]}"

    def annotate(tier: ElementTree.Element, start: int, end: int, text: str) -> None:
        slots = []
        for time in (start, end):
            slots.append(new_id("ts"))
            ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slots[-1], TIME_VALUE=str(time))
        holder = ElementTree.SubElement(tier, "ANNOTATION")
        attributes = {"ANNOTATION_ID": new_id("a"), "TIME_SLOT_REF1": slots[0], "TIME_SLOT_REF2": slots[1]}
        ElementTree.SubElement(ElementTree.SubElement(holder, "ALIGNABLE_ANNOTATION", attributes), "ANNOTATION_VALUE").text = text

    for speaker, segments in _by_speaker(transcript):
        tier = ElementTree.SubElement(root, "TIER", TIER_ID=speaker, PARTICIPANT=speaker, LINGUISTIC_TYPE_REF="segment")
        below = ElementTree.SubElement(
            root, "TIER", TIER_ID=f"{speaker} words", PARTICIPANT=speaker, LINGUISTIC_TYPE_REF="word", PARENT_REF=speaker
        )
        for start, end, segment in _timed(segments):
            annotate(tier, start, end, _shown(segment))
            for word_start, word_end, word in _timed(segment.words, start, end):
                annotate(below, word_start, word_end, plain(word.text))
    types = {"LINGUISTIC_TYPE_ID": "segment", "TIME_ALIGNABLE": "true", "GRAPHIC_REFERENCES": "false"}
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", types)
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", {**types, "LINGUISTIC_TYPE_ID": "word", "CONSTRAINTS": "Included_In"})
    about = "Time alignable annotations within the parent annotation's time interval, gaps are allowed"
    ElementTree.SubElement(root, "CONSTRAINT", STEREOTYPE="Included_In", DESCRIPTION=about)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def to_textgrid(transcript: Transcript) -> str:
    """Praat: for each speaker a tier of segments and a tier of words, without holes from 0 to the end; a notice is a tier."""
    tiers: list[tuple[str, list[tuple[int, int, str]]]] = []
    if transcript.notice:
        tiers.append(("notice", [(0, max(1, round(transcript.duration * 1000)), " ".join(transcript.notice))]))
    for speaker, segments in _by_speaker(transcript):
        timed = _timed(segments)
        tiers.append((speaker, [(start, end, _shown(segment)) for start, end, segment in timed]))
        words = [(a, b, plain(word.text)) for start, end, segment in timed for a, b, word in _timed(segment.words, start, end)]
        tiers.append((f"{speaker} words", words))
    last = max([1, round(transcript.duration * 1000), *(end for _name, spans in tiers for _start, end, _text in spans)])
    return textgrid(tiers, last)


def textgrid(tiers: Sequence[tuple[str, list[tuple[int, int, str]]]], last: int) -> str:
    """Interval tiers as Praat's long text: name, and (start, end, text) in milliseconds, in order and apart, from 0 to `last`."""
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {last / 1000}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, spans) in enumerate(tiers, 1):
        filled = _filled(spans, last)
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(name)}"]
        lines += ["        xmin = 0", f"        xmax = {last / 1000}", f"        intervals: size = {len(filled)}"]
        for at, (start, end, text) in enumerate(filled, 1):
            lines += [f"        intervals [{at}]:", f"            xmin = {start / 1000}", f"            xmax = {end / 1000}"]
            lines.append(f"            text = {_quoted(text)}")
    return "\n".join(lines) + "\n"


FORMATS: dict[str, Callable[[Transcript], str]] = {
    "json": to_json,
    "vtt": to_vtt,
    "srt": to_srt,
    "txt": to_txt,
    "eaf": to_eaf,
    "textgrid": to_textgrid,
}


TITLES = {
    "docx": "Word document",
    "txt": "Plain text",
    "vtt": "Subtitles with speakers (WebVTT)",
    "srt": "Subtitles (SRT)",
    "json": "JSON",
    "eaf": "ELAN (EAF)",
    "textgrid": "Praat (TextGrid)",
}


def _timed(items: Sequence[Any], first: int = 0, last: int | None = None) -> list[tuple[int, int, Any]]:
    """(start, end, item) in whole milliseconds: in order, apart, none empty, within `first` and `last`.

    Items that find no room are left out; only words squeezed together at the end of a piece can be such.
    """
    out: list[tuple[int, int, Any]] = []
    for item in items:
        start = max(round(item.start * 1000), first)
        end = max(round(item.end * 1000), start + 1)
        if last is not None:
            end = min(end, last)
        if end > start:
            out.append((start, end, item))
            first = end
    return out


def _by_speaker(transcript: Transcript) -> list[tuple[str, list[Segment]]]:
    voices: dict[str, list[Segment]] = {}
    for segment in transcript.segments:
        voices.setdefault(plain(segment.speaker) or UNKNOWN, []).append(segment)
    return list(voices.items()) or [(UNKNOWN, [])]


def _filled(spans: list[tuple[int, int, str]], last: int) -> list[tuple[int, int, str]]:
    out, at = [], 0
    for start, end, text in spans:
        if start > at:
            out.append((at, start, ""))
        out.append((start, end, text))
        at = end
    return [*out, (at, last, "")] if at < last or not out else out


def _shown(segment: Segment) -> str:
    text = plain(segment.text)
    return text if segment.supported else f"{UNSUPPORTED} {text}"


def _said(segment: Segment) -> str:
    return f"{plain(segment.speaker)}: {_shown(segment)}" if segment.speaker else _shown(segment)


def plain(text: str | None) -> str:
    """On one line, without characters that XML cannot hold or that nobody could see."""
    seen = (letter for letter in text or "" if letter.isspace() or unicodedata.category(letter) not in ("Cc", "Cs", "Cn"))
    return " ".join("".join(seen).split())


def _escaped(text: str) -> str:
    """For the text of a WebVTT cue: no tag and no arrow can come of it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _clock(milliseconds: int, point: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{point}{rest:03}"
