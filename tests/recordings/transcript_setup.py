"""A recording with a small transcript, for the tests of its page, its edits and its files."""

import numpy as np
from django.utils import timezone

from recordings import features, vault
from recordings.models import Recording, TranscriptRun
from tests import factories
from tests.recordings.making import bare_recording


def said(start, end, text, *, speaker="S1", supported=True, probability=0.9):
    parts = text.split()
    step = (end - start) / len(parts)
    words = [
        {"start": round(start + step * n, 3), "end": round(start + step * (n + 1), 3), "text": part, "probability": probability}
        for n, part in enumerate(parts)
    ]
    return {"start": start, "end": end, "text": text, "words": words, "supported": supported, "speaker": speaker}


TALK = [
    said(1.0, 3.0, "How did the cur few go"),
    said(3.5, 5.0, "He was late again", speaker="S2"),
    said(5.5, 6.5, "thank you thank you", speaker="S2", supported=False),
    said(8.0, 10.0, "So what happened next"),
]
SPEECH = [(1.0, 5.0), (6.8, 7.8), (8.0, 10.0)]


def with_transcript(team, therapist, *, segments=None, consent=None, **fields):
    """Ready, with one run, and voice activity that has one stretch (6.8 to 7.8 s) without words."""
    consent = consent or factories.make_consent(factories.make_family(team, therapist))
    recording = bare_recording(consent=consent, state=Recording.State.READY, duration_ms=12_000, **fields)
    samples = np.zeros(16_000 * 12, np.float32)
    probability = np.zeros(375, np.float32)
    for start, end in SPEECH:
        probability[int(start / 0.032) : int(end / 0.032)] = 1.0
    content = features.build(samples, TALK if segments is None else segments, probability=probability)
    vault.seal(recording, "features", [content], now=timezone.now())
    TranscriptRun.objects.create(recording=recording, number=1, engine="openai-whisper", model="tiny.en", finished_at=timezone.now())
    return recording


def run_again(recording, segments):
    """What another transcription leaves."""
    sealed = recording.objects_sealed.get(kind="features")
    with vault.open_sealed(sealed) as content:
        whole = features.with_words(content.read(), segments, run="2")
    vault.seal(recording, "features", [whole], now=timezone.now())
    TranscriptRun.objects.create(recording=recording, number=2, engine="openai-whisper", model="base", finished_at=timezone.now())
