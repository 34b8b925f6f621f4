"""The steps of processing, in the child process: verify, playback, peaks, speech, words.

Each step can be done again and finds out by itself what is there already; its result is sealed and its row written under
the token in one transaction. Speech leaves a sealed checkpoint after each piece, so an attempt goes on where the last one
was killed. Nothing here is written anywhere but into the vault, and no exception carries what was said.
"""

import datetime as dt
import errno
import functools
import json
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from recordings import audio, features, ledger, pipeline, sealedfile, speech, vault, voice, weights
from recordings import consent as consents
from recordings.models import Purpose, Recording, SealedObject, TranscriptRun

Kind = SealedObject.Kind
LANGUAGE = "en"


class CannotProcess(Exception):
    """Trying again would not help by itself; the text is a sentence for the recording's page."""


@dataclass
class Job:
    """One attempt at one recording."""

    recording: Recording
    token: int

    def now(self) -> dt.datetime:
        return ledger.clock()

    def enter(self, step: str, **counts: float) -> None:
        ledger.enter(self.recording.pk, self.token, step, **counts)

    def sealed(self, kind: str, number: int = 0) -> SealedObject | None:
        return SealedObject.objects.filter(recording=self.recording, kind=kind, number=number).first()

    @contextmanager
    def progress(self, **counts: float) -> Iterator[None]:
        """A transaction under the token, at whose end the ledger says that something is done. Raises LeaseLost."""
        with ledger.holding(self.recording.pk, self.token) as row:
            yield
            ledger.advance(row, **counts)

    def seal(self, kind: str, content: bytes) -> None:
        """Seals under the token: a stale attempt raises LeaseLost and leaves nothing."""
        vault.seal(self.recording, kind, [content], now=self.now(), within=self.progress())

    def may(self, purpose: str) -> bool:
        return consents.covers(self.recording.consent, purpose, on=timezone.localdate())


def perform(recording_id: uuid.UUID, token: int) -> None:
    """One attempt from the first step that is not done. Raises LeaseLost, CannotProcess; KeyGone when withdrawn meanwhile."""
    job = Job(Recording.objects.select_related("consent").get(pk=recording_id), token)
    try:
        _perform(job)
    except (audio.UnreadableAudio, vault.Damaged, weights.NoWeights) as error:  # their texts are sentences for people
        raise CannotProcess(str(error)) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise CannotProcess("There is no room left on the server. Nothing is lost. Try again once there is room.") from None


def _perform(job: Job) -> None:
    job.enter("verify")
    if why := pipeline.refusal(job.recording, on=timezone.localdate()):
        raise CannotProcess(why)
    original = job.sealed(Kind.ORIGINAL)
    if original is None:
        raise CannotProcess("The original of this recording is missing. Ask the person who runs Plumbline to restore it.")
    if job.sealed(Kind.PLAYBACK) is None:
        job.enter("playback")
        with vault.open_sealed(original) as content:
            job.seal(Kind.PLAYBACK, b"".join(audio.make_playback(content)))
    if job.sealed(Kind.FEATURES) is None:
        job.enter("peaks")
        job.seal(Kind.FEATURES, features.peaks_only(_heard(job), recording=str(job.recording.pk)))
    if not job.may(Purpose.TRANSCRIBE):
        with ledger.holding(job.recording.pk, job.token) as row:
            ledger.complete(row, now=job.now())
        return
    _transcribe(job, original)


def _heard(job: Job) -> speech.Floats:
    """The samples of the very derivative that is played, so that the waveform shows what is heard."""
    playback = job.sealed(Kind.PLAYBACK)
    assert playback is not None  # noqa: S101 (the step before made it)
    with vault.open_sealed(playback) as content:
        return audio.decode(content)


# Speech


def _transcribe(job: Job, original: SealedObject) -> None:
    job.enter("speech")
    checkpoint = weights.resolve(settings.WHISPER_MODEL, cache=settings.WEIGHTS_DIR)
    with vault.open_sealed(original) as content:
        samples = audio.decode(content)
    probability = voice.activity(samples)
    pieces = _kept_pieces(job, checkpoint.stem)
    if not pieces or len(pieces) < pieces[0]["of"]:
        _listen(job, samples, probability, checkpoint, pieces)
    _finish(job, probability, checkpoint.stem, pieces)


def _listen(job: Job, samples: speech.Floats, probability: speech.Floats, checkpoint: Path, pieces: list[dict[str, Any]]) -> None:
    """Transcribes from the first piece that is missing, and adds to `pieces` as it goes."""
    begun = last = time.monotonic()
    engine = speech.Engine.load(checkpoint)
    work = speech.run(samples, engine=engine, language=LANGUAGE, probability=probability, start_piece=len(pieces))
    for count, (done, total, segments) in enumerate(work, 1):
        seconds, last = time.monotonic() - last, time.monotonic()
        piece = {"model": checkpoint.stem, "of": total, "seconds": seconds, "segments": [asdict(segment) for segment in segments]}
        progress = job.progress(done_units=done, total_units=total, seconds_per_unit=(last - begun) / count)
        vault.seal(job.recording, Kind.PIECE, [json.dumps(piece).encode()], number=done, now=job.now(), within=progress)
        pieces.append(piece)


def _kept_pieces(job: Job, model: str) -> list[dict[str, Any]]:
    """The checkpoints without a gap from the first on. Those of another model are dropped: a run has one."""
    rows = list(SealedObject.objects.filter(recording=job.recording, kind=Kind.PIECE).order_by("number"))
    pieces = []
    for place, row in enumerate(rows, 1):
        if row.number != place:
            break
        with vault.open_sealed(row) as content:
            pieces.append(json.loads(content.read()))
    if len(pieces) < len(rows) or any(piece["model"] != model for piece in pieces):
        with ledger.holding(job.recording.pk, job.token):
            _drop(rows)
        pieces = []
    job.enter("speech", done_units=len(pieces), total_units=pieces[0]["of"] if pieces else 0)
    return pieces


def _finish(job: Job, probability: speech.Floats, model: str, pieces: list[dict[str, Any]]) -> None:
    """Words, run, states and the end of the checkpoints: all in one transaction under the token, or nothing."""
    job.enter("words")
    segments = [segment for piece in pieces for segment in piece["segments"]]
    recording = job.recording
    number = TranscriptRun.objects.filter(recording=recording).count() + 1
    before = job.sealed(Kind.FEATURES)
    assert before is not None  # noqa: S101 (the step "peaks" made it)
    with vault.open_sealed(before) as content:
        whole = features.with_words(
            content.read(), segments, run=str(number), probability=probability, parameters={"model": model, **_parameters()}
        )
    if not job.may(Purpose.TRANSCRIBE):
        raise CannotProcess(consents.why_not(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate()))
    run = TranscriptRun(
        recording=recording,
        number=number,
        engine=speech.Engine.name,
        model=model,
        parameters=_parameters(),
        words=sum(len(segment["words"]) for segment in segments),
        seconds_taken=sum(piece["seconds"] for piece in pieces),
        finished_at=job.now(),
    )
    vault.seal(recording, Kind.FEATURES, [whole], now=job.now(), within=_end(job, run))


@contextmanager
def _end(job: Job, run: TranscriptRun) -> Iterator[None]:
    with ledger.holding(job.recording.pk, job.token) as row:
        yield
        run.save(force_insert=True)
        _drop(SealedObject.objects.filter(recording=job.recording, kind=Kind.PIECE))
        ledger.complete(row, now=job.now())


def _parameters() -> dict[str, Any]:
    """Frozen with the run: what would have to be the same for the same text."""
    names = (
        "MAX_PIECE_S",
        "BATCH",
        "TEMPERATURES",
        "MAX_COMPRESSION",
        "MIN_LOGPROB",
        "MAX_NO_SPEECH",
        "MIN_VOICED",
        "MISSED_S",
        "WORD_SHIFT_S",
    )
    return {"language": LANGUAGE, **{name.lower(): getattr(speech, name) for name in names}}


def _drop(rows: Iterable[SealedObject]) -> None:
    for row in rows:
        transaction.on_commit(functools.partial(sealedfile.remove_file, row.pk))
        row.delete()
