"""Reading what processing made of a recording: the transcript and the waveform, opened from the vault for those who may.

Who may is for the caller to ask (`permissions.can_listen`). Whether there may be a transcript at all is asked here, each time.
"""

from typing import Any

from django.utils import timezone

from recordings import consent as consents
from recordings import vault
from recordings.models import Purpose, Recording, SealedObject


def _features(recording: Recording) -> SealedObject | None:
    if recording.state != Recording.State.READY:
        return None
    return SealedObject.objects.filter(recording=recording, kind=SealedObject.Kind.FEATURES).first()


def segments(recording: Recording) -> list[dict[str, Any]]:
    """The transcript's segments in order; empty unless the recording is ready and the consent covers transcription today.

    Each has start and end in seconds, text, speaker, whether the sound supports it, and words with start, end, text, probability.
    Raises KeyGone, Damaged.
    """
    from recordings import features

    sealed = _features(recording)
    if sealed is None or not consents.covers(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate()):
        return []
    with vault.open_sealed(sealed) as content:
        return features.transcript(content)


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
    may_read = sealed is not None and consents.covers(recording.consent, Purpose.TRANSCRIBE, on=timezone.localdate())
    return f'"{sealed.pk}-{int(may_read)}"' if sealed else ""
