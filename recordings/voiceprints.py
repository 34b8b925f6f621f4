"""The voice prints of a recording: what each voice sounds like, in numbers. They tell voices apart and can be deleted by themselves."""

import datetime as dt
import functools
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from wagtail.log_actions import log

from recordings import sealedfile, vault
from recordings.models import Processing, Recording, SealedObject
from supervision.models import User

Kind = SealedObject.Kind


class NotDeletable(Exception):
    """The voice prints cannot be deleted now; the text says why."""


def are_there(recording: Recording) -> bool:
    """Whether any are kept. Raises KeyGone, Damaged."""
    from recordings import features

    if SealedObject.objects.filter(recording=recording, kind=Kind.SPEAKERS).exists():
        return True
    sealed = SealedObject.objects.filter(recording=recording, kind=Kind.FEATURES).first()
    if sealed is None:
        return False
    with vault.open_sealed(sealed) as content:
        return features.has_voice_prints(content)


def delete(*, recording: Recording, by: User, now: dt.datetime) -> bool:
    """Deletes them: the features are sealed anew without, and the old file goes. Turns, names and figures stay.

    Transcribing again makes no new ones. False where there were none. Raises NotDeletable, KeyGone, Damaged.
    """
    from recordings import features

    if recording.state == Recording.State.DESTROYED:
        raise NotDeletable("This recording has been destroyed, its voice prints with it.")
    if not are_there(recording):
        return False
    sealed = SealedObject.objects.filter(recording=recording, kind=Kind.FEATURES).first()
    if sealed is None:
        with _standing(recording, None, by):
            pass
        return True
    with vault.open_sealed(sealed) as content:
        without = features.forget_voices(content.read())
    vault.seal(recording, Kind.FEATURES, [without], now=now, within=_standing(recording, sealed, by))
    return True


@contextmanager
def _standing(recording: Recording, read: SealedObject | None, by: User) -> Iterator[None]:
    """A transaction in which nobody is at work on the recording, its features are those that were read, and its checkpoint goes."""
    with transaction.atomic():
        working = (Processing.State.QUEUED, Processing.State.RUNNING)
        row = Processing.objects.select_for_update().filter(recording=recording).first()
        if row is not None and row.state in working:
            raise NotDeletable("This recording is being worked on. Delete the voice prints once that is done.")
        there = SealedObject.objects.filter(recording=recording, kind=Kind.FEATURES).first()
        if (there and there.pk) != (read and read.pk):
            raise NotDeletable("The recording has just been worked on. Try again.")
        yield
        for checkpoint in SealedObject.objects.filter(recording=recording, kind=Kind.SPEAKERS):
            transaction.on_commit(functools.partial(sealedfile.remove_file, checkpoint.pk))
            checkpoint.delete()
        log(instance=recording, action="recordings.voiceprints_delete", user=by, data={"recording": str(recording.pk)})
