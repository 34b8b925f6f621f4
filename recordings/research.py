"""Figures about the sessions of families that agreed to research, as one HDF5 file: pseudonyms, months, numbers, and no words.

Pseudonyms are drawn anew for every file, so that two files cannot be joined and nothing leads back from a name to a recording.
Each file holds its own dictionary and the SHA-256 of every table; what was made, why, of what and by whom is kept as a
`ResearchExport` and in the audit log. Nothing of it is written to a disk here.
"""

import datetime as dt
import hashlib
import json
import math
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from django.db import models, transaction
from django.db.models import QuerySet
from django.db.models.functions import Cast
from django.utils import timezone
from wagtail.log_actions import log

from recordings import keeping, measures, researchasking, transcript, vault
from recordings.mediasource import in_memory
from recordings.models import ConsentPerson, Purpose, Recording, ResearchExport, ResearchRequest, SealedObject, TranscriptRun
from supervision.models import Programme, User

SCHEMA = 1
LEAST_FAMILIES = 3
WITHDREW = "A family withdrew while the file was being made, so it was thrown away. Make it again."
PURPOSES = (Purpose.RECORD, Purpose.TRANSCRIBE, Purpose.RESEARCH)

_SPEAKER = [(field, "<f4") for field in (
    "spoken", "share", "turns", "median_turn", "pauses", "median_pause", "answers", "median_latency", "overlaps", "words", "rate"
)]  # fmt: skip
_WORD = np.dtype([("t0", "<f4"), ("t1", "<f4"), ("p", "<f4"), ("spk", "<i2"), ("supported", "?"), ("confirmed", "?")])
_TURN = np.dtype([("t0", "<f4"), ("t1", "<f4"), ("spk", "<i2"), ("words", "<i4")])
_PAUSE = np.dtype([("t0", "<f4"), ("t1", "<f4"), ("spk", "<i2"), ("within", "?")])

DICTIONARY = [
    ("recordings/<name>", "", "One session. Names are random and mean nothing outside this file; so is their order."),
    ("… family, therapist, team", "", "Random names, the same throughout this file."),
    ("… month", "year-month", "Month of the session."),
    ("… session", "count", "Place of the session among the family's sessions in this file, by date."),
    ("… duration", "s", "Length of the recording, to the second."),
    ("… engine, model, language", "", "What made the words."),
    ("… speakers", "", "Voices in the order in which they are first heard; `spk` counts in it from 0, -1 is nobody."),
    ("… roles", "", "The role that a person gave each voice, or unknown."),
    ("vad/prob", "1/255", "Probability of speech in each 32 ms."),
    ("vad/segments", "s", "Stretches of speech: start and end."),
    ("prosody/f0", "Hz", "Fundamental frequency every 10 ms (YIN); NaN where there is none."),
    ("prosody/intensity", "dB", "Level every 10 ms, relative to full scale."),
    ("words", "s", "Start, end, the machine's probability, speaker, whether the sound supports it or a person confirmed it. No text."),
    ("turns", "s", "What one person says until another speaks: start, end, speaker, words."),
    ("pauses", "s", "Silences of at least 0.2 s: start, end, who goes on or answers, whether inside one turn."),
    ("overlaps", "s", "Stretches in which two turns run at once: a least value."),
    ("measures", "s, 1/min", "For each speaker: seconds spoken, share, turns, median turn, pauses within turns, median pause, "
     "answers, median latency, overlapping starts, words, words a minute. NaN where there is nothing to measure."),
    ("text", "", "Only where asked for: the words, in the order of `words`."),
    ("voices/t, label, emb", "s", "Only where asked for: windows, their speaker by voice alone (-1 is nobody), and 256 numbers for how each sounds."),
]  # fmt: skip


class ExportRefused(Exception):
    """There is no such export; the text says why."""


@dataclass(frozen=True)
class Cohort:
    recordings: list[Recording]

    @property
    def families(self) -> int:
        return len({recording.family_id for recording in self.recordings})

    @property
    def refusal(self) -> str:
        """Why this is too few; empty where it is enough."""
        if self.families >= LEAST_FAMILIES:
            return ""
        has = {0: "none", 1: "one"}.get(self.families, str(self.families))
        return (
            f"An export needs sessions of at least {LEAST_FAMILIES} families, so that nobody can be picked out. "
            f"Of those who agreed to research, these dates have {has}. Choose more time."
        )


def cohort(*, programme: Programme, since: dt.date, until: dt.date, on: dt.date) -> Cohort:
    """The ready recordings of those days, both included, whose consent covers research today and whose time is not up."""
    found: QuerySet[Recording] = Recording.objects.ready().filter(team__programme=programme, session_on__range=(since, until))
    for purpose in PURPOSES:
        found = found.agreed_to(purpose, on=on)  # type: ignore[attr-defined]
    described = found.filter(objects_sealed__kind=SealedObject.Kind.FEATURES, runs__isnull=False).distinct()
    rows = keeping.with_dates(described).select_related("team__programme", "consent").order_by("session_on", "uploaded_at", "pk")
    return Cohort([row for row in rows if not keeping.is_over(row, on=on)])


def make(
    *,
    programme: Programme,
    since: dt.date,
    until: dt.date,
    reason: str,
    request: ResearchRequest | None = None,
    by: User,
    now: dt.datetime,
) -> tuple[ResearchExport, BinaryIO]:
    """The export's row and its file, in memory and at its beginning: for the caller to close.

    Figures alone, unless a second person has agreed to a `request` for more: see `make_agreed`. Raises ExportRefused: too few
    families, or one that withdrew meanwhile. Raises Damaged.
    """
    on = timezone.localdate(now)
    with_text, with_voices = (request.with_text, request.with_voices) if request else (False, False)
    chosen = cohort(programme=programme, since=since, until=until, on=on)
    if chosen.refusal:
        raise ExportRefused(chosen.refusal)
    file = in_memory()
    try:
        _write(file, chosen.recordings, programme, with_text=with_text, with_voices=with_voices, on=on)
        size = file.seek(0, 2)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        with transaction.atomic():
            now_there = {row.pk for row in cohort(programme=programme, since=since, until=until, on=on).recordings}
            if not now_there.issuperset(row.pk for row in chosen.recordings):
                raise ExportRefused(WITHDREW)
            export = ResearchExport.objects.create(
                programme=programme,
                reason=reason,
                with_text=with_text,
                with_voices=with_voices,
                sessions_from=since,
                sessions_until=until,
                recordings=[str(row.pk) for row in chosen.recordings],
                sha256=digest,
                size=size,
                made_at=now,
                made_by=by,
            )
            if request is not None:
                researchasking.use(request.pk, export, by=by, on=on)
            data = {"export": str(export.pk), "recordings": export.recordings, "with_text": with_text, "with_voices": with_voices}
            log(instance=export, action="recordings.research_export", user=by, data=data)
    except vault.KeyGone:
        file.close()
        raise ExportRefused(WITHDREW) from None
    except BaseException:
        file.close()
        raise
    return export, file


def make_agreed(*, request: ResearchRequest, by: User, now: dt.datetime) -> tuple[ResearchExport, BinaryIO]:
    """As `make`, with the words or voice prints that two people agreed on. Raises ExportRefused, AskingRefused, Damaged."""
    researchasking.check_usable(request, by=by, on=timezone.localdate(now))
    reason = f"{request.reason} (approval: {request.approval})"
    days = {"since": request.sessions_from, "until": request.sessions_until}
    return make(programme=request.programme, **days, reason=reason, request=request, by=by, now=now)


def exports_with(recording: Recording) -> QuerySet[ResearchExport]:
    """The exports that a recording was in, the newest first: what has left cannot be called back, but whoever has it can be told."""
    rows = ResearchExport.objects.annotate(listed=Cast("recordings", models.TextField()))
    return rows.filter(listed__contains=f'"{recording.pk}"').select_related("made_by", "programme").order_by("-made_at", "pk")


# The file


def _write(
    file: BinaryIO, recordings: Sequence[Recording], programme: Programme, *, with_text: bool, with_voices: bool, on: dt.date
) -> None:
    import h5py

    names = _Names()
    places = _places(recordings)
    with h5py.File(file, "w") as h5:
        h5.attrs.update(
            schema=SCHEMA,
            programme=programme.name,
            made=f"{on:%Y-%m}",
            sessions=len(recordings),
            families=len({row.family_id for row in recordings}),
            with_text=with_text,
            with_voices=with_voices,
        )
        everything = h5.create_group("recordings")
        for recording in recordings:
            group = everything.create_group(names.of("session", recording.pk))
            group.attrs.update(
                family=names.of("family", recording.family_id),
                therapist=names.of("therapist", recording.therapist_id),
                team=names.of("team", recording.team_id),
                month=f"{recording.session_on:%Y-%m}",
                session=places[recording.pk],
                duration=round(recording.duration_ms / 1000),
            )
            _write_session(group, recording, with_text=with_text, with_voices=with_voices)
        said = h5py.string_dtype()
        h5.create_dataset("dictionary", data=np.array(DICTIONARY, dtype=object), dtype=said)
        manifest: list[tuple[str, str]] = []
        everything.visititems(
            lambda path, item: manifest.append((f"recordings/{path}", _digest(item))) if isinstance(item, h5py.Dataset) else None
        )
        h5.create_dataset("manifest", data=np.array(sorted(manifest), dtype=object).reshape(-1, 2), dtype=said)


class _Names:
    """Random names, the same for the same thing throughout one file."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, Any], str] = {}

    def of(self, kind: str, key: Any) -> str:
        return self._given.setdefault((kind, key), f"{kind}-{secrets.token_hex(5)}")


def _places(recordings: Sequence[Recording]) -> dict[Any, int]:
    """The place of each among its family's, by date."""
    places: dict[Any, int] = {}
    seen: Counter[int] = Counter()
    for row in sorted(recordings, key=lambda row: (row.session_on, row.uploaded_at, row.pk)):
        seen[row.family_id] += 1
        places[row.pk] = seen[row.family_id]
    return places


def _write_session(group: Any, recording: Recording, *, with_text: bool, with_voices: bool) -> None:
    import h5py

    segments = transcript.edited(recording)
    sealed = SealedObject.objects.filter(recording=recording, kind=SealedObject.Kind.FEATURES).first()
    run = TranscriptRun.objects.filter(recording=recording).order_by("-number").first()
    if sealed is None or run is None:
        raise ExportRefused(WITHDREW)
    group.attrs.update(engine=run.engine, model=run.model, language=run.language)
    with vault.open_sealed(sealed) as content, h5py.File(content, "r") as source:
        speech = [(float(start), float(end)) for start, end in source["vad/segments"][:]]
        copied = ["vad/prob", "vad/segments", "prosody/f0", "prosody/intensity"]
        if with_voices and "spk/emb" in source:
            copied += ["spk/t", "spk/label", "spk/emb"]
        for name in copied:
            if name in source:
                group.create_dataset(name.replace("spk/", "voices/"), data=source[name][:], compression="gzip", shuffle=True)
    found = measures.of(segments, speech, duration=recording.duration_ms / 1000)
    speakers = [one.speaker for one in found.speakers]
    group.attrs.update(
        speakers=json.dumps([f"S{number}" for number in range(1, len(speakers) + 1)]), roles=json.dumps([_role(name) for name in speakers])
    )
    turns = measures.turns(segments)
    group["measures"] = np.array(
        [tuple(math.nan if (value := getattr(one, name)) is None else value for name, _type in _SPEAKER) for one in found.speakers],
        np.dtype(_SPEAKER),
    )
    group["turns"] = np.array([(turn.start, turn.end, speakers.index(turn.speaker), turn.words) for turn in turns], _TURN)
    pauses = [(one.start, one.end, speakers.index(one.speaker), one.is_within) for one in measures.pauses(turns, speech)]
    group["pauses"] = np.array(pauses, _PAUSE)
    group["overlaps"] = np.array(measures.overlaps(turns), np.float32).reshape(-1, 2)
    flat = [(word, row) for row in segments for word in row["words"]]
    group["words"] = np.array([_word(word, row, speakers) for word, row in flat], _WORD)
    if with_text:
        group.create_dataset("text", data=[word["text"] for word, _row in flat], dtype=h5py.string_dtype(), shape=(len(flat),))


def _word(word: Mapping[str, Any], row: Mapping[str, Any], speakers: list[str]) -> tuple[Any, ...]:
    who = speakers.index(row["speaker"]) if row["speaker"] in speakers else -1
    return word["start"], word["end"], word["probability"], who, bool(row["supported"]), bool(row.get("confirmed"))


def _role(name: str) -> str:
    """The role in a name that a person gave a voice ("Caregiver M.B."), without the initials."""
    roles = ["Therapist", *(str(label) for label in ConsentPerson.Role.labels)]
    return next((role for role in roles if name == role or name.startswith(f"{role} ")), "unknown")


def _digest(dataset: Any) -> str:
    """SHA-256 of a table's values as they lie in memory; of text, one word a line."""
    values = dataset[()]
    content = "\n".join(dataset.asstr()[()]).encode() if values.dtype == object else values.tobytes()
    return hashlib.sha256(content).hexdigest()
