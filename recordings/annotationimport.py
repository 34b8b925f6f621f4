"""Annotations from an ELAN (EAF) or Praat (TextGrid) file into one's own review: read, looked at, brought in.

Tiers become codes: a tier named like a code (its slug or its name) is taken at once; of another a person says which code it is,
or leaves it out. Each annotation gets an id from the review, its code, its times and its words, so that the same file brought in
twice changes nothing. What is in the review is never changed: of other times or words it is another annotation. Nothing of the
file is kept but what becomes an annotation; it is read in memory.
"""

import datetime as dt
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

from django.db import transaction
from wagtail.log_actions import log

from recordings import annotation, codebook, comments, exports
from recordings.annotationfiles import NO_COMMENT
from recordings.models import Annotation, Code, Review
from supervision.models import User

LARGEST = 2 * 1024 * 1024
MOST = 5_000
MOST_TIERS = 200  # each is a question on the page; a server takes a thousand fields
_SECOND_LAYER = re.compile(r" \(\d+\)$")
_PRAAT = re.compile(r'"((?:[^"]|"")*)"|(?<![\w\[.])(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w\].])')


class FileRefused(ValueError):
    """The file cannot be read; str() says why."""


@dataclass(frozen=True)
class Found:
    """An annotation of the file; times in milliseconds."""

    tier: str
    start_ms: int
    end_ms: int
    text: str


@dataclass
class Parsed:
    """What a file holds, and what of it was not understood, a sentence each."""

    found: list[Found] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    @property
    def tiers(self) -> list[str]:
        return list(dict.fromkeys(one.tier for one in self.found))


def read(content: bytes) -> Parsed:
    """EAF or TextGrid, told apart by their beginnings. Raises FileRefused."""
    if len(content) > LARGEST:
        raise FileRefused("This file is larger than 2 MB, which no file of annotations is. Export the annotations alone.")
    text = _text(content)
    if "<ANNOTATION_DOCUMENT" in text[:4000]:
        parsed = _eaf(text)
    elif "ooTextFile" in text[:200]:
        parsed = _textgrid(text)
    else:
        raise FileRefused("This is neither an ELAN file (.eaf) nor a Praat TextGrid. Save it in one of these, then try again.")
    if len(parsed.found) > MOST:
        raise FileRefused(f"This file holds more than {MOST} annotations. Export only the tiers that you want to bring in.")
    if len(parsed.tiers) > MOST_TIERS:
        raise FileRefused(f"This file has {len(parsed.tiers)} tiers. Bring in {MOST_TIERS} at a time: export only those that you want.")
    return parsed


def _text(content: bytes) -> str:
    """Praat writes UTF-8 or UTF-16, ELAN UTF-8."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise FileRefused("The letters of this file cannot be read. Save it as UTF-8, then try again.") from None


def _eaf(text: str) -> Parsed:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # nothing is expanded, nothing is fetched
        raise FileRefused("This file defines entities, which ELAN does not. It was not read.")
    try:
        root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text))  # noqa: S314 (without entities)
    except ElementTree.ParseError:
        raise FileRefused("This file is broken: it is not whole XML. Save it once more in ELAN, then try again.") from None
    header = root.find("HEADER")
    if header is not None and header.get("TIME_UNITS", "milliseconds") != "milliseconds":
        raise FileRefused("The times of this file are not in milliseconds. Save it once more in ELAN, then try again.")
    slots = {one.get("TIME_SLOT_ID"): one.get("TIME_VALUE") for one in root.iter("TIME_SLOT")}
    parsed, untimed, referring = Parsed(), 0, 0
    for tier in root.iter("TIER"):
        name = (tier.get("TIER_ID") or "").strip()
        referring += len(tier.findall("ANNOTATION/REF_ANNOTATION"))
        for one in tier.findall("ANNOTATION/ALIGNABLE_ANNOTATION"):
            start, end = slots.get(one.get("TIME_SLOT_REF1")), slots.get(one.get("TIME_SLOT_REF2"))
            if not (_is_time(start) and _is_time(end)):
                untimed += 1
                continue
            parsed.found.append(Found(name, int(start or 0), int(end or 0), exports.plain(one.findtext("ANNOTATION_VALUE"))))
    if untimed:
        parsed.missed.append(f"Left out: {untimed} without a time of their own. Align them in ELAN first.")
    if referring:
        parsed.missed.append(f"Left out: {referring} that only refer to another annotation.")
    return parsed


def _is_time(value: str | None) -> bool:
    """Whole milliseconds, of which nine digits are eleven days."""
    return value is not None and len(value) <= 9 and value.isascii() and value.isdigit()


def _textgrid(text: str) -> Parsed:
    """Long or short text: what is quoted and what is a number, in order; all else is there for people."""
    tokens = iter([one[1].replace('""', '"') if one[1] is not None else float(one[2]) for one in _PRAAT.finditer(text)])
    parsed, points = Parsed(), 0
    try:
        if next(tokens) != "ooTextFile" or next(tokens) != "TextGrid":
            raise FileRefused("This Praat file is no TextGrid. Save the TextGrid itself, as text.")
        _, _, count = _numbers(tokens, 3)
        for _ in range(int(count)):
            kind, name = next(tokens), str(next(tokens)).strip()
            _, _, size = _numbers(tokens, 3)
            for _ in range(int(size)):
                if kind == "IntervalTier":
                    start, end = _numbers(tokens, 2)
                    said = exports.plain(str(next(tokens)))
                    if said:
                        parsed.found.append(Found(name, round(start * 1000), round(end * 1000), said))
                else:
                    _numbers(tokens, 1)
                    next(tokens)
                    points += 1
    except (StopIteration, TypeError, OverflowError):
        raise FileRefused("This TextGrid is broken: it ends too early, or its parts do not follow each other.") from None
    if points:
        parsed.missed.append(f"Left out: {points} point{'' if points == 1 else 's'}. A point has no length; an annotation has.")
    return parsed


def _numbers(tokens: Iterable[str | float], count: int) -> list[float]:
    taken = [next(iter(tokens)) for _ in range(count)]
    if any(isinstance(one, str) for one in taken):
        raise TypeError
    return [float(one) for one in taken]


# Bringing in


def code_for(tier: str, codes: Sequence[Code]) -> Code | None:
    """The code that a tier is named after, by slug or by name; " (2)" is the second layer of one code."""
    name = _SECOND_LAYER.sub("", tier).strip().casefold()
    return next((code for code in codes if name in (code.slug.casefold(), code.name.casefold())), None)


@dataclass
class Plan:
    """What bringing in would do: what is new, what is there already, what cannot be (sentences)."""

    new: list[tuple[Code, Found]] = field(default_factory=list)
    there: int = 0
    left_out: list[str] = field(default_factory=list)


def plan(review: Review, found: Iterable[Found], chosen: Mapping[str, Code | None]) -> Plan:
    """`chosen` says for each tier which code it is, or None to leave it out."""
    made, unread = Plan(), dict.fromkeys((tier for tier, code in chosen.items() if code is None), 0)
    kept = list(Annotation.objects.kept().filter(review=review).select_related("code", "comment"))
    ids = {one.pk for one in kept}
    known = {(one.code_id, one.start_ms, one.end_ms, exports.plain(comments.opened(one.comment))) for one in kept}
    removed = set(Annotation.objects.filter(review=review, removed_at__isnull=False).values_list("pk", flat=True))
    outside = again = changed = 0
    for one in found:
        code = chosen.get(one.tier)
        words = comment_of(one)
        if code is None:
            unread[one.tier] = unread.get(one.tier, 0) + 1
        elif (code.pk, one.start_ms, one.end_ms, words) in known:
            made.there += 1
        elif one.end_ms - one.start_ms < annotation.SHORTEST_MS or one.start_ms < 0 or one.end_ms > review.recording.duration_ms + 1_000:
            outside += 1
        elif id_for(review, code, one) in removed:
            again += 1
        elif id_for(review, code, one) in ids:
            changed += 1
        else:
            known.add((code.pk, one.start_ms, one.end_ms, words))
            made.new.append((code, one))
    made.left_out += [f"Tier “{tier}”: {count} left out." for tier, count in unread.items() if count]
    if outside:
        made.left_out.append(f"{outside} outside the recording, or shorter than a fifth of a second.")
    if again:
        made.left_out.append(f"{again} that you brought in before and removed. Bring them back on the workbench.")
    if changed:
        made.left_out.append(f"{changed} that you brought in before and changed here since. What you have here stays.")
    return made


def comment_of(found: Found) -> str:
    return "" if found.text == NO_COMMENT else found.text[: comments.LONGEST]


def id_for(review: Review, code: Code, found: Found) -> uuid.UUID:
    """The same for the same annotation of the same review, whichever file it comes in."""
    return uuid.uuid5(review.pk, f"{code.slug}|{found.start_ms}|{found.end_ms}|{comment_of(found)}")


@transaction.atomic
def bring(*, review: Review, found: Sequence[Found], chosen: Mapping[str, Code | None], by: User, now: dt.datetime) -> Plan:
    """Adds what is new to the person's own review in progress. Raises annotation.Locked, annotation.AnnotationRefused, vault.KeyGone."""
    locked = annotation.locked_for_writing(review, by)
    made = plan(locked, found, chosen)
    for code, one in made.new:
        annotation.annotate(
            review=locked,
            code=code,
            start_ms=one.start_ms,
            end_ms=one.end_ms,
            comment=comment_of(one),
            by=by,
            now=now,
            id=id_for(locked, code, one),
        )
    log(instance=locked, action="recordings.annotations_import", user=by, data={"added": len(made.new)})
    return made


def codes_of(review: Review) -> list[Code]:
    return codebook.current(review.recording.team.programme)
