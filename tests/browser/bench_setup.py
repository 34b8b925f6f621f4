"""A recording as the worker leaves it, with sound, waveform, spectrum and words, for the browser tests and measurements of the workbench."""

import io

from django.utils import timezone

from recordings import audio, features, vault, voice
from recordings.models import Processing, Purpose, Recording, SealedObject
from tests import factories
from tests.recordings import review_setup as setup
from tests.recordings.making import bare_recording

LENGTH = 60
TEXT = "so what happened on Friday morning before school and who was there with him"


def segments(length=LENGTH, *, every=6.0, text=TEXT):
    """Turns of two voices that take their turns."""
    made = []
    for number in range(int(length // every)):
        start, said = number * every, text.split()
        words = [
            {
                "start": start + at * (every - 1) / len(said),
                "end": start + (at + 0.8) * (every - 1) / len(said),
                "text": f" {word}",
                "probability": 0.9,
            }
            for at, word in enumerate(said)
        ]
        speaker = "S1" if number % 2 else "S2"
        made.append({"start": start, "end": start + every - 1, "text": text, "words": words, "supported": number != 3, "speaker": speaker})
    return made


def sound(length=LENGTH):
    """A stretch of a role-played session as it is played, and its samples at 16 kHz."""
    with (factories.AUDIO / "session-1.opus").open("rb") as content:
        playback = b"".join(audio.make_playback(content))
    return playback, audio.decode(io.BytesIO(playback))[: length * 16_000]


def recording(therapist, team, made_sound, *, length=LENGTH, words=None):
    playback, samples = made_sound
    consent = factories.make_consent(factories.make_family(team, therapist), purposes=[Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE])
    made = bare_recording(consent=consent, state=Recording.State.READY, duration_ms=length * 1000)
    Processing.objects.create(recording=made, state=Processing.State.DONE, queued_at=timezone.now())
    words = segments(length) if words is None else words
    probability = voice.activity(samples)
    whole = features.build(samples, words, recording=str(made.pk), probability=probability)
    whole = features.with_voices(whole, samples=samples, probability=probability, voices=None, segments=words)
    for kind, content in (("playback", playback), ("features", whole)):
        vault.seal(made, SealedObject.Kind(kind), [content], now=timezone.now())
    return made


def review(made, rater):
    return setup.begin(made, rater)
