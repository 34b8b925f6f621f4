"""`python -m recordings.mutework REDACTION PARENT`: makes the muted version of a recording, and proves it before it is kept.

In order: the confirmed stretches are silenced in the sound derivative; both are decoded and compared (the same length, silence
in every stretch); what is left is transcribed once more and searched for names. If something is found, the redaction goes
back to a person; if anything does not hold, it fails with a sentence and nothing is kept. Like `child.py` it dies with its
parent, and says no more than ids and the names of exceptions.
"""

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from recordings import child

if TYPE_CHECKING:
    from recordings.models import Redaction
    from recordings.stretches import Stretch

SILENT_BELOW = 10 ** (-60 / 20)  # of full scale
RATE = 44_100  # of the derivative, so that a frame of it is told apart
FRAME = 1152


class CannotMute(Exception):
    """The text is a sentence for the page of the redaction."""


def perform(redaction_id: int) -> None:
    """Makes it, if it is confirmed and still may be made. Raises KeyGone where the recording was withdrawn meanwhile."""
    from recordings import engines, mp3frames, stretches
    from recordings.job import CannotProcess, in_words
    from recordings.models import Redaction

    redaction = Redaction.objects.select_related("recording__consent", "recording__family", "recording__team__programme").get(
        pk=redaction_id
    )
    if redaction.state != Redaction.State.CONFIRMED:
        return
    try:
        with in_words():
            _refuse_without_consent(redaction)
            decided = stretches.Stretch.read(redaction.spans)
            quiet = stretches.muted(decided)
            before = _playback(redaction)
            after = mp3frames.silenced(before, quiet)
            verify(before, after, quiet)
            if found := stretches.news(_heard_again(redaction, after), decided):
                _back_to_a_person(redaction, found)
            else:
                _keep(redaction, after)
    except (CannotMute, CannotProcess, mp3frames.NotOurSound, engines.CannotTranscribe) as reason:
        fail(redaction_id, str(reason))


def _refuse_without_consent(redaction: "Redaction") -> None:
    from django.utils import timezone

    from recordings import consent as consents
    from recordings.models import Purpose

    consent, today = redaction.recording.consent, timezone.localdate()
    for purpose in (Purpose.RECORD, Purpose.TRANSCRIBE):
        if why := consents.why_not(consent, purpose, on=today):
            raise CannotMute(why)
    uses = [consents.why_not(consent, purpose, on=today) for purpose in (Purpose.TEACH, Purpose.TRAIN_RATERS)]
    if all(uses):  # a newer consent may govern the recording since it was confirmed
        raise CannotMute(uses[0])


def _playback(redaction: "Redaction") -> bytes:
    from recordings import vault
    from recordings.models import SealedObject

    sealed = SealedObject.objects.filter(recording=redaction.recording_id, kind=SealedObject.Kind.PLAYBACK, number=0).first()
    if sealed is None:
        raise CannotMute("The sound of this recording is missing. Ask the person who runs Plumbline to restore it.")
    with vault.open_sealed(sealed) as content:
        return content.read()


def verify(before: bytes, after: bytes, quiet: Sequence[tuple[int, int]]) -> None:
    """Decodes both. Raises CannotMute unless they are equally long and every stretch of milliseconds is silent in `after`."""
    import numpy as np

    from recordings import audio

    lengths = [sum(len(block) for block in audio.iter_decode(io.BytesIO(data), rate=RATE)) for data in (before, after)]
    if abs(lengths[0] - lengths[1]) > FRAME:
        raise CannotMute("The muted version came out longer or shorter than the recording, so it was thrown away. Try again.")
    spans = [(start * RATE // 1000, -(-end * RATE // 1000)) for start, end in quiet]
    at = 0
    for block in audio.iter_decode(io.BytesIO(after), rate=RATE):
        for start, end in spans:
            inside = block[max(0, start - at) : max(0, end - at)]
            if len(inside) and float(np.abs(inside).max()) >= SILENT_BELOW:
                raise CannotMute("A stretch that was to be muted can still be heard, so the version was thrown away. Try again.")
        at += len(block)


def _heard_again(redaction: "Redaction", after: bytes) -> list["Stretch"]:
    """What a fresh transcription of the muted version still names."""
    from django.conf import settings

    from recordings import audio, casefile, engines, speech, stretches, vocabulary

    language, prompt = vocabulary.speech_settings(redaction.recording.team.programme)
    engine = engines.load(settings.TRANSCRIPTION_ENGINE, settings.WHISPER_MODEL, device=settings.TRANSCRIPTION_DEVICE)
    work = speech.run(audio.decode(io.BytesIO(after)), engine=engine, language=None if language == "auto" else language, prompt=prompt)
    turns: list[dict[str, Any]] = [asdict(segment) for _, _, segments in work for segment in segments]
    length = redaction.recording.duration_ms
    return stretches.merged(stretches.hits(turns, casefile.names(redaction.recording.family)), length)


@contextlib.contextmanager
def _still_wanted(redaction_id: int, spans: list[dict[str, Any]] | None = None) -> Iterator["Redaction"]:
    """A transaction in which the redaction is confirmed until its end, with these `spans` where they are given. Raises NoLongerWanted
    where it is not: two that work on it at once end so, even if a person decided anew after the first."""
    from django.db import transaction

    from recordings.models import Recording, Redaction

    with transaction.atomic():
        pk = Redaction.objects.values_list("recording", flat=True).get(pk=redaction_id)
        Recording.objects.select_for_update().get(pk=pk)
        row = Redaction.objects.select_for_update().get(pk=redaction_id)
        if row.state != Redaction.State.CONFIRMED or (spans is not None and row.spans != spans):
            raise NoLongerWanted
        yield row


class NoLongerWanted(Exception):
    """Somebody else has finished it, or taken it back."""


def _back_to_a_person(redaction: "Redaction", found: list["Stretch"]) -> None:
    from recordings import stretches

    with contextlib.suppress(NoLongerWanted), _still_wanted(redaction.pk, redaction.spans) as row:
        decided = stretches.Stretch.read(row.spans)
        row.spans = [one.row() for one in stretches.added(decided, found, redaction.recording.duration_ms)]
        row.state = row.State.PROPOSED
        more = "One more stretch" if len(found) == 1 else f"{len(found)} more stretches"
        row.failure = (
            f"The muted version was transcribed once more, and something was still found in it. {more} below: listen, and decide again."
        )
        row.save(update_fields=["spans", "state", "failure"])


def _keep(redaction: "Redaction", content: bytes) -> None:
    from django.utils import timezone

    from recordings import vault
    from recordings.models import SealedObject

    kind = SealedObject.Kind.REDACTED

    @contextlib.contextmanager
    def ready() -> Iterator[None]:
        with _still_wanted(redaction.pk, redaction.spans) as row:
            yield
            # told under the lock: a clip that was cut from the version before, while this one was written, is older (`clips.is_outdated`)
            mine = SealedObject.objects.filter(recording=row.recording_id, kind=kind, number=row.number)
            mine.update(sealed_at=timezone.now())
            row.state = row.State.READY
            row.save(update_fields=["state"])

    with contextlib.suppress(NoLongerWanted):
        vault.seal(redaction.recording, kind, [content], number=redaction.number, now=timezone.now(), within=ready())


def fail(redaction_id: int, sentence: str) -> None:
    with contextlib.suppress(NoLongerWanted), _still_wanted(redaction_id) as row:
        row.state, row.failure = row.State.FAILED, sentence[:300]
        row.save(update_fields=["state", "failure"])


def main(arguments: list[str]) -> int:
    redaction_id, parent = int(arguments[0]), int(arguments[1])
    child.die_with(parent)
    child.confine()
    line = child.fall_silent()
    try:
        import django

        django.setup()
        child.limit_memory()
        perform(redaction_id)
    except BaseException as error:  # noqa: BLE001 (the name is all that may be said)
        os.write(line, f"recordings.mutework {redaction_id}: {type(error).__module__}.{type(error).__name__}\n".encode())
        return child.BROKE
    return child.DONE


if __name__ == "__main__":
    code = main(sys.argv[1:])
    os._exit(code)
