"""The task that cuts a clip from the muted version of its recording. Its argument is an id.

It may be run at any time and any number of times: only a clip that is being made is worked on, and only the first result is
kept. The muted sound is cut between frames and is not decoded, so nothing of it can come back that was muted.
"""

import contextlib
import logging
import uuid
from collections.abc import Iterator

from django.db import transaction
from django.utils import timezone
from django_tasks import task

from recordings import clips, clipwords, consent, mp3frames, vault
from recordings.models import Clip, Purpose, Recording, SealedObject

logger = logging.getLogger("recordings.clipping")


class NoLongerWanted(Exception):
    """Somebody else has finished it, it was taken back, or the consent has ended."""


@task  # of the default queue: it takes a moment, and does not wait behind transcriptions
def make_clip(clip_id: str) -> None:
    related = ("recording__consent", "recording__team__programme")
    clip = Clip.objects.select_related(*related).filter(pk=uuid.UUID(clip_id), state=Clip.State.MAKING).first()
    if clip is None or not vault.has_key(clip.recording_id):
        return
    redaction = clips.redaction_of(clip.recording)
    kind = SealedObject.Kind.REDACTED
    number = redaction.number if redaction else None
    muted = SealedObject.objects.filter(recording=clip.recording_id, kind=kind, number=number).first() if number else None
    if redaction is None or number is None or muted is None:
        logger.warning("Clip %s: there is no muted version", clip_id)
        return
    try:
        said = clipwords.written(clip, redaction)
        with vault.open_sealed(muted) as content:
            cut = mp3frames.cut(content.read(), clip.start_ms, clip.end_ms)
        with contextlib.suppress(NoLongerWanted):
            vault.seal(
                clip.recording,
                SealedObject.Kind.CLIP,
                [cut],
                number=clip.number,
                now=timezone.now(),
                within=_still_wanted(clip, number, said),
            )
    except (vault.KeyGone, vault.Damaged, mp3frames.NotOurSound) as error:
        logger.warning("Clip %s: %s", clip_id, type(error).__name__)


@contextlib.contextmanager
def _still_wanted(clip: Clip, number: int, said: list[clipwords.Line] | None) -> Iterator[None]:
    """A transaction in which the clip is still to be made, and of that muted version; the page offers to begin again.
    Its words are sealed in the same transaction as its sound is kept."""
    with transaction.atomic():
        Recording.objects.select_for_update().get(pk=clip.recording_id)
        row = Clip.objects.select_for_update(of=("self",)).select_related("recording__consent").get(pk=clip.pk)
        if row.state != Clip.State.MAKING or not consent.covers(row.recording.consent, Purpose.TEACH, on=timezone.localdate()):
            raise NoLongerWanted
        newest = clips.redaction_of(row.recording)
        if newest is None or newest.number != number:
            raise NoLongerWanted
        yield
        row.state = Clip.State.PROPOSED
        row.words = None if said is None else clipwords.sealed(row, said)
        row.save(update_fields=["state", "words"])
