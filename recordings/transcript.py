"""Reading what processing made of a recording: the transcript and the waveform, opened from the vault for those who may.

Who may is for the caller to ask (`permissions.can_listen`). Whether there may be a transcript at all is asked here, each time.
"""

import json
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Max
from django.utils import timezone

from recordings import consent as consents
from recordings import editing, vault
from recordings.models import Purpose, Recording, SealedObject, TranscriptEdit


def _features(recording: Recording) -> SealedObject | None:
    if recording.state == Recording.State.DESTROYED:
        return None
    return SealedObject.objects.filter(recording=recording, kind=SealedObject.Kind.FEATURES).first()


def segments(recording: Recording) -> list[dict[str, Any]]:
    """The machine's own segments in order, without what people changed (`edited`); empty unless the recording is ready and the consent covers transcription today.

    Each has start and end in seconds, text, speaker, whether the sound supports it, and words with start, end, text, probability.
    Raises KeyGone, Damaged.
    """
    from recordings import features

    sealed = _features(recording)
    if sealed is None or not consents.covers(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate()):
        return []
    with vault.open_sealed(sealed) as content:
        return features.transcript(content)


def layer(recording: Recording) -> editing.Layer:
    """The current run with the edits that are in force, and what of them could not be placed: for the page where it is edited.

    Empty under the same conditions as `segments`. Raises KeyGone, Damaged.
    """
    from recordings import features

    sealed = _features(recording)
    if sealed is None or not consents.covers(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate()):
        return editing.Layer(run=0)
    with vault.open_sealed(sealed) as file:
        content = file.read()
    current = features.current_run(content)
    if current is None:
        return editing.Layer(run=0)
    edits = in_force(recording)
    older = {edit.run for edit in edits} - {int(current)}
    known = features.runs(content)
    earlier = {run: features.transcript(content, str(run)) for run in older if str(run) in known}
    made = editing.apply(features.transcript(content, current), edits, run=int(current), earlier=earlier)
    made.speech = features.speech_spans(content)
    return made


def edited(recording: Recording) -> list[dict[str, Any]]:
    """The transcript as it is to be read, heard along and measured: the current run with what people changed.

    As `segments`, and each has id, voice, reason, edit, edited, confirmed besides; speaker is the name that a person gave, and
    words have an id. What somebody marked as not said is left out. Raises KeyGone, Damaged.
    """
    return [turn for turn in layer(recording).turns if not turn["refused"]]


def in_force(recording: Recording) -> list[editing.Edit]:
    """The edits that are not undone, opened."""
    rows = TranscriptEdit.objects.filter(recording=recording, undone_at__isnull=True, payload__isnull=False)
    return opened(rows.select_related("payload").order_by("number"))


def opened(rows: Iterable[TranscriptEdit]) -> list[editing.Edit]:
    """Edits with their payloads, which must not be gone. Raises KeyGone, Damaged."""
    rows = list(rows)
    payloads = vault.open_texts([row.payload for row in rows if row.payload is not None])
    return [editing.Edit(row.number, row.run, row.kind, json.loads(payload)) for row, payload in zip(rows, payloads, strict=True)]


def peaks(recording: Recording, level: int, start: int, end: int | None) -> bytes:
    """Pairs of signed bytes (least, greatest) of one level of the waveform, from `start` to before `end`.

    Empty unless ready. Raises ValueError for a level that there is not, and for a start after the end; KeyGone, Damaged.
    """
    from recordings import features

    sealed = _features(recording)
    if sealed is None:
        return b""
    with vault.open_sealed(sealed) as content:
        return features.peaks(content, level, start, end)


def tag(recording: Recording) -> str:
    """Changes whenever what is read here changes; empty where there is nothing to read."""
    sealed = _features(recording)
    if sealed is None:
        return ""
    may_read = consents.covers(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate())
    edits = TranscriptEdit.objects.filter(recording=recording)
    state = edits.aggregate(made=Count("pk"), undone=Count("undone_at"), last=Max("undone_at"))
    last = state["last"].timestamp() if state["last"] else 0
    return f'"{sealed.pk}-{int(may_read)}-{state["made"]}-{state["undone"]}-{last:g}"'
