"""Who read the words of a recording, and who took them away: lines of the audit log, which `accessrecord.py` puts before people.

Every view that shows words that were said, of a recording or of a clip of it, calls `note_read`; every one that gives a file of
what was said or written about it, `note_taken`. The lines hold ids and kinds only.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Model
from django.utils import timezone
from wagtail.log_actions import log
from wagtail.models import ModelLogEntry

from recordings import listening
from recordings.models import Recording, ResearchExport, Review
from supervision.models import User

READ, TRANSCRIPT, REVIEW = "recordings.read", "recordings.transcript_export", "recordings.review_export"
RESEARCH = "Research"
FORMATS = {
    "docx": "Word",
    "txt": "plain text",
    "vtt": "subtitles (WebVTT)",
    "srt": "subtitles (SRT)",
    "json": "JSON",
    "eaf": "ELAN",
    "textgrid": "Praat TextGrid",
    "csv": "spreadsheet",
}


def note_read(*, recording: Recording, person: User, purpose: str, now: dt.datetime) -> None:
    """One line a day that the person read words of it for that purpose: one of `listening.PURPOSES`, or `listening.CLIP`."""
    if purpose != listening.CLIP:
        purpose = listening.purpose_of(person, recording, purpose)
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    today = ModelLogEntry.objects.filter(
        action=READ, user=person, object_id=str(recording.pk), data__purpose=purpose, timestamp__gte=midnight, timestamp__lte=now
    )
    if today.exists():
        return
    with transaction.atomic():
        Recording.objects.select_for_update().get(pk=recording.pk)
        if not today.exists():  # not by another page of theirs, just now
            log(instance=recording, action=READ, user=person, data={"purpose": purpose})


def note_taken(*, recording: Recording, file_format: str, person: User, review: Review | None = None) -> None:
    """A line for each file: of the transcript, or of what a review says, with its annotations."""
    purpose = listening.purpose_of(person, recording, listening.LISTEN)
    if review is not None and person.pk in (review.rater_id, recording.therapist_id):
        purpose = "review" if person.pk == review.rater_id else "feedback"
    about: Model = review or recording
    data = {"format": file_format, "purpose": purpose, "recording": str(recording.pk)}
    log(instance=about, action=REVIEW if review else TRANSCRIPT, user=person, data=data)


@dataclass(frozen=True)
class Line:
    """That a person read words of a recording (`what` is empty), or took them away as `what`."""

    recording_id: uuid.UUID
    person_id: int
    at: dt.datetime
    purpose: str
    what: str = ""


def lines(*, recording: Recording | None = None, person: User | None = None) -> Iterator[Line]:
    """Of all recordings and people, or of one; each kind in its order."""
    entries = ModelLogEntry.objects.filter(action__in=(READ, TRANSCRIPT, REVIEW), user__isnull=False)
    exported = ResearchExport.objects.order_by("made_at", "pk")
    if person is not None:
        entries, exported = entries.filter(user_id=person.pk), exported.filter(made_by=person)
    if recording is not None:
        reviews = Review.objects.filter(recording=recording).values_list("pk", flat=True)
        entries = entries.filter(object_id__in=[str(recording.pk), *map(str, reviews)])
    yield from _logged(list(entries.order_by("timestamp", "pk")))
    for one in exported:
        what = " and ".join(word for word, is_in in (("words", one.with_text), ("voice prints", one.with_voices)) if is_in)
        if what:
            yield from (Line(uuid.UUID(key), one.made_by_id, one.made_at, RESEARCH, f"Taken away as {what}") for key in one.recordings)


def _logged(entries: Iterable[ModelLogEntry]) -> Iterator[Line]:
    about = {one.object_id for one in entries if one.action == REVIEW and "recording" not in one.data}
    recording_of = {str(pk): key for pk, key in Review.objects.filter(pk__in=about).values_list("pk", "recording")}
    for one in entries:
        key = one.data.get("recording") or (recording_of.get(one.object_id) if one.action == REVIEW else one.object_id)
        if key is None:
            continue
        said = one.data.get("purpose", "")
        name = FORMATS.get(one.data.get("format", ""), "file")
        what = {READ: "", TRANSCRIPT: f"Taken away as {name}", REVIEW: f"Review taken away as {name}"}[one.action]
        yield Line(uuid.UUID(str(key)), one.user_id, one.timestamp, listening.purpose_word(said), what)
