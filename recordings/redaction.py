"""A second version of a recording in which what identifies people is muted: proposed by the machine, decided by a person.

    proposed ── confirm ──▶ confirmed ── `mutework.py` ──▶ ready
        ▲                       │ something was still heard      failed ── restart ──▶ confirmed
        └───────────────────────┘

What is kept here are times and kinds, never words. The voice itself still identifies; the page says so.
"""

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import Max
from wagtail.log_actions import log

from recordings import casefile, exports, listening, permissions, stretches, transcript, truth, vault
from recordings.models import Recording, Redaction
from recordings.stretches import Stretch
from supervision.models import User

SHORTEST_MS = 100


class RedactionRefused(Exception):
    """The text says why, and what to do."""


@transaction.atomic
def propose(*, recording: Recording, by: User, now: dt.datetime) -> Redaction:
    """Looks through the transcript as it stands. Raises RedactionRefused; KeyGone, Damaged."""
    Recording.objects.select_for_update().get(pk=recording.pk)  # a use that is being taken back waits, or came first
    locked = Recording.objects.select_related("consent", "family", "team").get(pk=recording.pk)
    if not permissions.can_redact(by, locked):
        raise RedactionRefused("Not everybody heard has agreed to teaching or to rater training, so no version for that can be made.")
    layer = transcript.layer(locked)
    turns = [turn for turn in layer.turns if not turn["refused"]]
    if not turns:
        if layer.run:
            raise RedactionRefused("No speech was found in this recording, so there is nothing to mute.")
        raise RedactionRefused("There is no transcript of this recording, so nothing can be found in it. Transcribe it first.")
    silent = truth.gaps(exports.segments_from(turns), layer.speech)
    found = stretches.propose(turns, names=casefile.names(locked.family), gaps=silent, duration_ms=locked.duration_ms)
    last = Redaction.objects.filter(recording=locked).aggregate(last=Max("number"))["last"] or 0
    made = Redaction.objects.create(recording=locked, number=last + 1, spans=[one.row() for one in found], proposed_at=now, proposed_by=by)
    _log(made, "propose", by)
    return made


def version(redaction: Redaction) -> str:
    """Changes with what is to be muted: a page sends back the one that it showed."""
    return hashlib.sha256(json.dumps(redaction.spans, sort_keys=True).encode()).hexdigest()[:16]


@transaction.atomic
def choose(
    *, redaction: Redaction, muted: Collection[int], seen: str, by: User, now: dt.datetime, new: Iterable[tuple[int, int]] = ()
) -> Redaction:
    """What a person decided: the places (in `spans`) that are muted, and stretches of milliseconds besides. Raises RedactionRefused."""
    locked = _locked(redaction, Redaction.State.PROPOSED)
    if version(locked) != seen:
        raise RedactionRefused("Somebody else has changed this list since you opened the page. Look at it again, then decide.")
    length = locked.recording.duration_ms
    by_hand = [Stretch(start, end, stretches.BY_HAND) for start, end in new]
    if any(one.start_ms < 0 or one.end_ms > length or one.end_ms - one.start_ms < SHORTEST_MS for one in by_hand):
        raise RedactionRefused("A stretch must start before it ends, and lie within the recording.")
    kept = [Stretch(**{**row, "is_muted": place in muted}) for place, row in enumerate(locked.spans)]
    locked.spans = [one.row() for one in stretches.added(kept, by_hand, length)]
    locked.save(update_fields=["spans"])
    _log(locked, "change", by)
    return locked


def unheard(redaction: Redaction, person: User) -> list[Stretch]:
    """What the person would leave in without having heard it, though no words tell what is said there."""
    heard = listening.heard_by(redaction.recording, person)
    doubtful = [one for one in Stretch.read(redaction.spans) if one.kind in stretches.UNHEARD and not one.is_muted]
    return [one for one in doubtful if not any(start <= one.start_ms + 300 and one.end_ms - 300 <= end for start, end in heard)]


@transaction.atomic
def confirm(*, redaction: Redaction, has_listened: bool, by: User, now: dt.datetime) -> Redaction:
    """Has the muted version made. Raises RedactionRefused."""
    locked = _locked(redaction, Redaction.State.PROPOSED)
    if not permissions.can_redact(by, locked.recording):
        raise RedactionRefused("The consent no longer covers this.")
    if not has_listened:
        raise RedactionRefused("Listen to each stretch, and to what lies between them, then say that you have: the machine misses names.")
    if missing := unheard(locked, by):
        count = "One stretch without reliable words is" if len(missing) == 1 else f"{len(missing)} stretches without reliable words are"
        raise RedactionRefused(f"{count} to stay audible, and you have not listened to all of it. Play it to its end, or mute it.")
    locked.state, locked.confirmed_at, locked.confirmed_by, locked.failure = Redaction.State.CONFIRMED, now, by, ""
    locked.save(update_fields=["state", "confirmed_at", "confirmed_by", "failure"])
    _log(locked, "confirm", by)
    _send(locked)
    return locked


@transaction.atomic
def restart(*, redaction: Redaction, by: User, now: dt.datetime) -> Redaction:
    """Once more, after it failed or its worker was ended. Doing it twice at once is harmless. Raises RedactionRefused."""
    locked = _locked(redaction, Redaction.State.CONFIRMED, Redaction.State.FAILED)
    if not permissions.can_redact(by, locked.recording):
        raise RedactionRefused("The consent no longer covers this.")
    if locked.failure == Redaction.NO_LONGER:
        raise RedactionRefused("What was to be muted went when the family took its agreement back. Have names looked for anew.")
    locked.state, locked.confirmed_at, locked.failure = Redaction.State.CONFIRMED, now, ""
    locked.save(update_fields=["state", "confirmed_at", "failure"])
    _log(locked, "restart", by)
    _send(locked)
    return locked


def _locked(redaction: Redaction, *states: str) -> Redaction:
    Recording.objects.select_for_update().get(pk=redaction.recording_id)
    locked = Redaction.objects.select_related("recording__consent", "recording__family").filter(pk=redaction.pk).first()
    if locked is None:
        raise RedactionRefused("This list is gone, because the family no longer agrees to what it was made for.")
    if not vault.has_key(locked.recording_id):
        raise RedactionRefused("This recording has been destroyed.")
    if locked.state not in states:
        raise RedactionRefused("This is further on than your page showed. Look at it as it is now.")
    return locked


def _log(redaction: Redaction, verb: str, by: User) -> None:
    data = {"redaction": redaction.pk, "number": redaction.number}
    log(instance=redaction.recording, action=f"recordings.redaction_{verb}", user=by, data=data)


def _send(redaction: Redaction) -> None:
    from recordings.redacting import make_redaction

    # robust: should the queue not answer, the page offers to start it again
    transaction.on_commit(functools.partial(make_redaction.enqueue, redaction.pk), robust=True)
