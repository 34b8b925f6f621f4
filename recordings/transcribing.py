"""The steps from sound to transcript: voice activity, speech in pieces, words, speakers, features.

Whatever takes long leaves a sealed checkpoint, so an attempt goes on where the last one was killed: voice activity once, each
piece of speech, the voices once. A checkpoint made with other settings is dropped: a run has one engine, model and vocabulary.
At the end run, words, states and the removal of the checkpoints are one transaction under the token, or nothing.
"""

import hashlib
import io
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import timezone

from recordings import acoustics, audio, engines, features, ledger, speakers, speech, truth, turns, vault, vocabulary, voice
from recordings import consent as consents
from recordings.job import CannotProcess, Job
from recordings.models import Purpose, SealedObject, TranscriptRun
from recordings.speech import Floats, Segment, Word

Kind = SealedObject.Kind
CHECKPOINTS = (Kind.VOICE, Kind.PIECE, Kind.SPEAKERS)


@dataclass(frozen=True)
class Plan:
    """What a run is made with: frozen with it, and the same for all its pieces."""

    engine: str
    model: str
    language: str  # a code, or "auto"
    prompt: str

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()


def begin(job: Job, original: SealedObject) -> None:
    """What needs no result of the steps before these is begun while those are at work."""
    content = vault.open_sealed(original)

    def decode() -> Floats:
        with content:
            return audio.decode(content)

    job.ahead.begin("engine", lambda: _engine(settings.WHISPER_MODEL))
    sound = job.ahead.begin("sound", decode)
    job.ahead.begin("voice", lambda: voice.activity(sound.result()))


def transcribe(job: Job, sound: str) -> None:
    """One run over the sealed sound of that kind, to its end. Raises CannotProcess, LeaseLost, KeyGone."""
    plan, checkpoint = _plan(job)
    samples = job.ahead.take("sound", lambda: job.heard(sound))
    probability = _voice_activity(job, samples)
    pieces = _kept_pieces(job, plan)
    if not pieces or len(pieces) < pieces[0]["of"]:
        _listen(job, samples, probability, plan, str(checkpoint), pieces)
    job.enter("words")
    segments = [_segment(one) for piece in pieces for one in piece["segments"]]
    voices = _tell_apart(job, samples, probability, plan) if segments else None
    if voices is not None:
        segments = turns.assign(segments, voices)
    _describe(job, samples, probability, plan, pieces, segments, voices)


def _plan(job: Job) -> tuple[Plan, Any]:
    language, prompt = vocabulary.speech_settings(job.recording.team.programme)
    name = settings.TRANSCRIPTION_ENGINE
    if why := engines.refusal(name, settings.TRANSCRIPTION_DEVICE):
        raise CannotProcess(why)
    checkpoint = engines.resolve(name, settings.WHISPER_MODEL)
    return Plan(engines.label(name), engines.model_name(checkpoint), language, prompt), checkpoint


def _voice_activity(job: Job, samples: Floats) -> Floats:
    job.enter("voice")
    kept = job.content(Kind.VOICE)
    if kept is not None:
        return np.frombuffer(kept, np.float32)
    probability = job.ahead.take("voice", lambda: voice.activity(samples))
    job.seal(Kind.VOICE, [probability.astype(np.float32).tobytes()])
    return probability


# Speech


def _listen(job: Job, samples: Floats, probability: Floats, plan: Plan, checkpoint: str, pieces: list[dict[str, Any]]) -> None:
    """Transcribes from the first piece that is missing, and adds to `pieces` as it goes."""
    begun = last = time.monotonic()
    try:
        engine = job.ahead.take("engine", lambda: _engine(checkpoint))
    except engines.CannotTranscribe as error:
        raise CannotProcess(str(error)) from None
    job.ahead.begin("speakers", lambda: speakers.separate(samples, probability))
    job.ahead.begin("measured", lambda: acoustics.measure(samples))
    language = pieces[0]["language"] if pieces else _language(plan, engine, samples, probability)
    work = speech.run(samples, engine=engine, language=language, probability=probability, start_piece=len(pieces), prompt=plan.prompt)
    with closing(work):
        for count, (done, total, segments) in enumerate(work, 1):
            seconds, last = time.monotonic() - last, time.monotonic()
            piece = {"plan": plan.key, "language": language, "of": total, "seconds": seconds, "segments": [asdict(one) for one in segments]}
            progress = job.progress(done_units=done, total_units=total, seconds_per_unit=(last - begun) / count)
            vault.seal(job.recording, Kind.PIECE, [json.dumps(piece).encode()], number=done, now=job.now(), within=progress)
            pieces.append(piece)


def _engine(model: str) -> speech.Engine:
    return engines.load(settings.TRANSCRIPTION_ENGINE, model, device=settings.TRANSCRIPTION_DEVICE)


def _language(plan: Plan, engine: speech.Engine, samples: Floats, probability: Floats) -> str:
    if plan.language == vocabulary.AUTO:
        return speech.language_of(samples, engine=engine, probability=probability)
    if plan.language not in engine.languages:
        raise CannotProcess(
            f"This programme's sessions are transcribed in the language {plan.language}, which the model {plan.model} does not know. "
            "Choose another model, or another language in the programme's speech settings."
        )
    return plan.language


def _kept_pieces(job: Job, plan: Plan) -> list[dict[str, Any]]:
    """The checkpoints without a gap from the first on; all are dropped when any was made with other settings."""
    rows = list(SealedObject.objects.filter(recording=job.recording, kind=Kind.PIECE).order_by("number"))
    pieces = []
    for place, row in enumerate(rows, 1):
        if row.number != place:
            break
        with vault.open_sealed(row) as content:
            pieces.append(json.loads(content.read()))
    if len(pieces) < len(rows) or any(piece.get("plan") != plan.key for piece in pieces):
        with ledger.holding(job.recording.pk, job.token):
            job.drop(Kind.PIECE, Kind.SPEAKERS)
        pieces = []
    job.enter("speech", done_units=len(pieces), total_units=pieces[0]["of"] if pieces else 0)
    return pieces


def _segment(row: dict[str, Any]) -> Segment:
    return Segment(**{**row, "words": tuple(Word(**word) for word in row["words"])})


# Speakers


def _tell_apart(job: Job, samples: Floats, probability: Floats, plan: Plan) -> speakers.Voices | None:
    """Who speaks when; None where the voice encoder is not installed, which is no reason to go without a transcript."""
    job.enter("speakers")
    kept = job.content(Kind.SPEAKERS)
    if kept is not None:
        return _unpacked(kept)
    try:
        voices = job.ahead.take("speakers", lambda: speakers.separate(samples, probability))
    except speakers.NoVoiceWeights:
        return None
    job.seal(Kind.SPEAKERS, [_packed(voices)])
    return voices


def _packed(voices: speakers.Voices) -> bytes:
    memory = io.BytesIO()
    said = json.dumps({"labels": voices.labels, "turns": voices.turns})
    np.savez(memory, said=np.array(said), times=voices.times, embeddings=voices.embeddings, window_labels=voices.window_labels)
    return memory.getvalue()


def _unpacked(content: bytes) -> speakers.Voices:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        said = json.loads(str(file["said"]))
        turns = [(start, end, label) for start, end, label in said["turns"]]
        return speakers.Voices(said["labels"], turns, file["times"], file["embeddings"], file["window_labels"])


# The end


def _describe(
    job: Job,
    samples: Floats,
    probability: Floats,
    plan: Plan,
    pieces: list[dict[str, Any]],
    segments: Sequence[Segment],
    voices: speakers.Voices | None,
) -> None:
    job.enter("features")
    recording = job.recording
    number = TranscriptRun.objects.filter(recording=recording).count() + 1
    before = job.content(Kind.FEATURES)
    if before is None:  # the step "peaks" made it: the recording has been withdrawn meanwhile
        raise ledger.LeaseLost
    parameters = parameters_of(plan)
    whole = features.with_words(before, segments, run=str(number), probability=probability, parameters=parameters)
    measured = job.ahead.take("measured", lambda: acoustics.measure(samples))
    whole = features.with_voices(whole, samples=samples, probability=probability, voices=voices, segments=segments, measured=measured)
    if not job.may(Purpose.TRANSCRIBE):
        raise CannotProcess(consents.why_not(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate()))
    run = TranscriptRun(
        recording=recording,
        number=number,
        engine=plan.engine,
        model=plan.model,
        parameters=parameters,
        language=pieces[0]["language"] if pieces else "",
        speakers=len(voices.labels) if voices else 0,
        words=sum(len(segment.words) for segment in segments),
        seconds_taken=sum(piece["seconds"] for piece in pieces),
        finished_at=job.now(),
    )
    vault.seal(recording, Kind.FEATURES, [whole], now=job.now(), within=_end(job, run))


@contextmanager
def _end(job: Job, run: TranscriptRun) -> Iterator[None]:
    with ledger.holding(job.recording.pk, job.token) as row:
        yield
        run.save(force_insert=True)
        job.drop(*CHECKPOINTS)
        ledger.complete(row, now=job.now())


def parameters_of(plan: Plan) -> dict[str, Any]:
    """What would have to be the same for the same text."""
    ours = {
        name.lower(): getattr(speech, name) for name in ("MAX_PIECE_S", "TEMPERATURES", "BEAM", "SURE_LOGPROB", "MISSED_S", "WORD_SHIFT_S")
    }
    guards = {name.lower(): getattr(truth, name) for name in ("MAX_COMPRESSION", "MIN_LOGPROB", "MAX_NO_SPEECH", "MIN_VOICED")}
    return {"model": plan.model, "language": plan.language, "vocabulary": plan.prompt, **ours, **guards}
