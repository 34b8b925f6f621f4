"""Things these tests make, beyond tests/factories.py."""

import array
import io
import math
import uuid
import wave

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from recordings import vault
from recordings.models import Recording
from supervision.models import Membership
from tests import factories


def bare_recording(*, consent=None, with_key=True, state=Recording.State.QUEUED, **fields):
    """A recording without content."""
    if consent is None:
        team = factories.make_team()
        consent = factories.make_consent(factories.make_family(team, factories.make_member(None, team, Membership.Role.THERAPIST)))
    now = timezone.now()
    values = {
        "consent": consent,
        "family": consent.family,
        "therapist": consent.family.therapist,
        "team": consent.family.team,
        "session_on": consent.given_on,
        "state": state,
        "uploaded_at": now,
        "duration_ms": 60_000,
        "mean_db": -23.0,
        "peak_db": -3.0,
        "container": "wav",
        "size": 1000,
        "fingerprint": uuid.uuid4().hex,
    }
    recording = Recording.objects.create(**{**values, **fields})
    if with_key:
        vault.create_key(recording.pk)
    return recording


def tone(seconds=25, *, rate=16_000, loudness=0.3, hertz=220):
    """A WAV file as bytes: a tone that comes and goes like speech, so that it is neither silent nor clipped."""
    samples = array.array("h")
    for number in range(int(seconds * rate)):
        moment = number / rate
        swell = 0.5 + 0.5 * math.sin(2 * math.pi * 3 * moment)
        samples.append(int(32_000 * loudness * swell * math.sin(2 * math.pi * hertz * moment)))
    return wav(samples.tobytes(), rate=rate)


def wav(frames, *, rate=16_000):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(frames)
    return buffer.getvalue()


def upload(client, consent, content, *, name="session.wav", named=None, **fields):
    """What the page's form sends; `named` is a consent slipped in for the one that the page offers."""
    data = {"consent": (named or consent).pk, "session_on": factories.today().isoformat(), **fields}
    if content is not None:
        data["recording"] = SimpleUploadedFile(name, content, content_type="audio/wav")
    return client.post(f"/recordings/upload/?family={consent.family_id}", data)
