"""Teaching clips: a moment cut from the muted version of a recording whose every person agreed to teaching.

    making ── `clipping.py`, in the worker ──▶ proposed ── somebody else listens ──▶ approved | refused
    proposed, approved ── `why_again` says that it is better cut anew ──▶ making, under the same id
    any of these ── taken back, or the recording is destroyed ──▶ gone

The sound is sealed under the recording's own key and ends with it: no clip outlives its recording, whatever uses it. Lessons
hold the clip's id and nothing else, and ask here at every view (`shown`), so that a withdrawal is in force everywhere at once.

To whoever is still rating that recording no clip of it by another person is there (`permissions.can_know_clip`).
"""

import datetime as dt
import functools
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from wagtail.log_actions import get_active_log_context, log

from recordings import clipheard, clipwords, comments, keeping, listening, permissions, reading, sealedfile, stretches, vault
from recordings import consent as consents
from recordings.models import Clip, Purpose, Recording, Redaction, SealedObject
from recordings.stretches import Stretch
from supervision.models import Membership, User

State = Clip.State
SHORTEST_MS, LONGEST_MS = 2_000, 300_000
LONGEST_TITLE = 120
OUTDATED = "More has been muted in the recording since this clip was made, so it cannot be played. It has to be made again."


class ClipRefused(Exception):
    """The clip cannot be made, decided on or played; the text says why."""


class NotHeard(ClipRefused):
    """Not all of it was played to who would approve it; the text names what was not."""


@transaction.atomic
def make(*, recording: Recording, start_ms: int, end_ms: int, title: str, by: User, now: dt.datetime) -> Clip:
    """Has a stretch of the muted version made into a clip. Raises ClipRefused, vault.KeyGone."""
    locked = Recording.objects.select_for_update(of=("self",)).select_related("consent").get(pk=recording.pk)
    if not permissions.can_make_clip(by, locked):
        raise ClipRefused("A clip needs everybody's consent to teaching, and a version with names muted that is ready.")
    if start_ms < 0 or end_ms > locked.duration_ms:
        raise ClipRefused("That time is outside the recording.")
    if not SHORTEST_MS <= end_ms - start_ms <= LONGEST_MS:
        raise ClipRefused("A clip is at least 2 seconds long, and 5 minutes at the most.")
    title = " ".join(title.split())[:LONGEST_TITLE]
    if not title:
        raise ClipRefused("Give the clip a title that says what can be learned from it.")
    clip = Clip.objects.create(
        recording=locked,
        start_ms=start_ms,
        end_ms=end_ms,
        title=comments.sealed(locked, title),
        number=_next_number(locked),
        made_by=by,
        made_at=now,
    )
    _log(clip, "make", by)
    _send(clip)
    return clip


def _next_number(recording: Recording) -> int:
    """Never one of a clip that was there: what was heard of that one is not counted for this one."""
    return (Clip.objects.filter(recording=recording).aggregate(last=Max("number"))["last"] or 0) + 1


@transaction.atomic
def again(*, clip: Clip, by: User, now: dt.datetime) -> Clip:
    """Once more, where it is still being made: its worker may have been ended. Doing it twice is harmless.

    One that is made is cut anew where `why_again` says so. It keeps its id and title, so that lessons need no change, but nothing
    of what was cut before; and is out of them until somebody else has heard and approved it. Raises ClipRefused.
    """
    locked = _locked(clip, State.MAKING, State.PROPOSED, State.APPROVED)
    if not permissions.can_make_clip(by, locked.recording):
        raise ClipRefused("The consent no longer covers this.")
    if locked.state != State.MAKING:
        if not permissions.can_take_back_clip(by, locked):
            raise ClipRefused("Those who made the clip, its therapist, and those who lead the team can have it made again.")
        if not why_again(locked, on=timezone.localdate(now)):
            raise ClipRefused("This clip was made again already, or need not be. Look at it as it is now.")
        _destroy(locked)
        # decided_at stays: lessons may hold it
        locked.state, locked.words, locked.decided_by = State.MAKING, None, None
        locked.number, locked.made_by, locked.made_at = _next_number(locked.recording), by, now
        locked.save(update_fields=["state", "words", "decided_by", "number", "made_by", "made_at"])
        _log(locked, "make_again", by)
    else:
        locked.made_at = now
        locked.save(update_fields=["made_at"])
    _send(locked)
    return locked


@transaction.atomic
def decide(*, clip: Clip, approves: bool, by: User, now: dt.datetime) -> Clip:
    """Somebody else than the maker approves it for lessons, having heard it all, or does not. Raises ClipRefused, NotHeard."""
    locked = _locked(clip, State.PROPOSED)
    if not permissions.can_decide_clip(by, locked):
        raise ClipRefused("A supervisor or a consultant of the team decides, other than who made the clip.")
    if approves and (why := why_closed(locked, on=timezone.localdate(now))):
        raise ClipRefused(why)
    if approves and (why := clipheard.why_not_all(locked, by)):
        raise NotHeard(why)
    locked.state, locked.decided_by, locked.decided_at = (State.APPROVED if approves else State.REFUSED), by, now
    locked.save(update_fields=["state", "decided_by", "decided_at"])
    _log(locked, "approve" if approves else "refuse", by)
    if not approves:
        _destroy(locked)
    return locked


@transaction.atomic
def take_back(*, clip: Clip, by: User, now: dt.datetime) -> Clip:
    """Out of every lesson, for good; what is left there is a dated placeholder. Doing it again changes nothing. Raises ClipRefused."""
    Recording.objects.select_for_update().get(pk=clip.recording_id)  # as all who change a clip
    locked = Clip.objects.select_related("recording__consent").get(pk=clip.pk)
    if locked.state == State.GONE:
        return locked
    if not permissions.can_take_back_clip(by, locked):
        raise ClipRefused("Those who made the clip, its therapist, and those who lead the team can take it back.")
    locked.state, locked.gone_at = State.GONE, now
    locked.save(update_fields=["state", "gone_at"])
    _log(locked, "take_back", by)
    _destroy(locked)
    return locked


def _destroy(clip: Clip) -> None:
    for sealed in SealedObject.objects.filter(recording=clip.recording_id, kind=SealedObject.Kind.CLIP, number=clip.number):
        transaction.on_commit(functools.partial(sealedfile.tidy_away, sealed.pk), robust=True)
        sealed.delete()
    if clip.words is not None:
        clip.words.delete()
    if clip.state == State.GONE and clip.title is not None:
        clip.title.delete()


def _locked(clip: Clip, *states: str) -> Clip:
    Recording.objects.select_for_update().get(pk=clip.recording_id)
    locked = Clip.objects.select_related("recording__consent", "recording__team__programme", "title", "words").get(pk=clip.pk)
    if locked.state not in states:
        raise ClipRefused("This clip is further on than your page showed. Look at it as it is now.")
    return locked


def _log(clip: Clip, verb: str, by: User) -> None:
    log(instance=clip.recording, action=f"recordings.clip_{verb}", user=by, data={"clip": str(clip.pk)})


def _send(clip: Clip) -> None:
    from recordings.clipping import make_clip

    # robust: should the queue not answer, the page offers to start it again
    transaction.on_commit(functools.partial(make_clip.enqueue, str(clip.pk)), robust=True)


# Whether it may be heard, and what of it


def redaction_of(recording: Recording) -> Redaction | None:
    """The muted version in force: the newest that is ready."""
    return Redaction.objects.filter(recording=recording, state=Redaction.State.READY).order_by("-number").first()


def why_closed(clip: Clip, *, on: dt.date) -> str:
    """Why nobody hears it today, as a sentence; empty where it may be heard. Consent, time and key are asked anew at each view."""
    recording = clip.recording
    if (
        clip.state == State.GONE
        or recording.state == Recording.State.DESTROYED
        or recording.consent.withdrawn_at
        or not vault.has_key(recording.pk)
    ):
        return placeholder(clip)
    if not all(consents.covers(recording.consent, purpose, on=on) for purpose in (Purpose.RECORD, Purpose.TEACH)):
        return "The consent to this clip has ended, so it cannot be played."
    if keeping.is_over(recording, on=on):
        return "This clip ended with the recording that it came from."
    return OUTDATED if is_outdated(clip) else ""


def why_again(clip: Clip, *, on: dt.date) -> str:
    """Why it is better made again, as a sentence; empty where it is not, or cannot be."""
    if clip.state not in (State.PROPOSED, State.APPROVED) or (closed := why_closed(clip, on=on)) not in ("", OUTDATED):
        return ""
    if closed:
        return closed
    if clip.words_id is None and clipwords.could_be_written(clip, on=on):
        return "When this clip was made, what is said in it was not written down. It can be now."
    return ""


def placeholder(clip: Clip) -> str:
    """What stands in its place for good."""
    recording = clip.recording
    moments = [one for one in (clip.gone_at, recording.consent.withdrawn_at, recording.destroyed_at) if one is not None]
    if not moments:
        return "This clip was withdrawn."
    return f"This clip was withdrawn on {date_format(timezone.localdate(min(moments)), 'j F Y')}."


def is_outdated(clip: Clip) -> bool:
    """Whether a muted version that was made after the clip was cut mutes more of its stretch than the one that it was cut from."""
    sealed = SealedObject.objects.filter(recording=clip.recording_id)
    cut_at = sealed.filter(kind=SealedObject.Kind.CLIP, number=clip.number).values_list("sealed_at", flat=True).first()
    if cut_at is None:
        return False
    made = dict(sealed.filter(kind=SealedObject.Kind.REDACTED).values_list("number", "sealed_at"))
    ready = Redaction.objects.filter(recording=clip.recording_id, state=Redaction.State.READY, number__in=made).order_by("number")
    rows = [(made[number] <= cut_at, spans) for number, spans in ready.values_list("number", "spans")]
    if not rows or rows[-1][0]:
        return False
    before = [spans for was_there, spans in rows if was_there]
    return bool(_muted_within(rows[-1][1], clip) - (_muted_within(before[-1], clip) if before else set()))


def _muted_within(spans: Iterable[dict[str, Any]], clip: Clip) -> set[int]:
    """The tenths of a second of the clip that are muted."""
    inside = [(max(start, clip.start_ms), min(end, clip.end_ms)) for start, end in stretches.muted(Stretch.read(spans))]
    return {tenth for start, end in inside if start < end for tenth in range(start // 100, -(-end // 100))}


def can_hear(user: User, clip: Clip) -> bool:
    """An approved one everybody who works in the service; before that, those who lead the team, its therapist and its maker."""
    if not permissions.can_know_clip(user, clip):
        return False
    if clip.state == State.APPROVED:
        return permissions.can_hear_clips(user)
    return clip.state == State.PROPOSED and permissions.can_listen(user, clip.recording)


def seen_by(user: User) -> QuerySet[Clip]:
    """The approved to all who work in the service; the others to those who may know of the recording."""
    known = Recording.objects.visible_to(user).filter(pk=OuterRef("recording"))
    works = Membership.objects.of(user).current().filter(role__in=[Membership.Role.THERAPIST, *Membership.LEADS])
    mine = Q(Exists(known)) & Q(recording__team__in=works.values("team"))
    approved = Q(state=State.APPROVED) if permissions.can_hear_clips(user) else Q(pk__in=[])
    return Clip.objects.filter(mine | approved, ~_kept_from(user)).select_related(
        "recording__consent", "recording__team__programme", "recording__therapist", "title", "words"
    )


def _kept_from(user: User) -> Q:
    """Those that `permissions.can_know_clip` keeps from this person."""
    return Q(recording__in=Recording.objects.being_rated_by(user)) & ~Q(made_by=user)


def title_of(clip: Clip) -> str:
    """Empty once it is gone."""
    return comments.opened(clip.title)


@dataclass(frozen=True)
class Shown:
    """A clip as one reader sees it in a lesson: `closed` is the sentence that stands in its place, `wordless` that which stands
    in place of its words."""

    id: uuid.UUID
    title: str = ""
    seconds: float = 0
    url: str = ""
    captions: str = ""
    words: list[tuple[str, str]] = field(default_factory=list)
    wordless: str = ""
    closed: str = ""


UNKNOWN = "There is no such clip."
UNAPPROVED = "This clip is not approved for lessons yet."
NOT_FOR_YOU = "This clip cannot be shown to you at present."


def shown(clip_id: str, user: User | None, *, on: dt.date) -> Shown | None:
    """For a lesson. None where this person may not know of it, or there is none."""
    from django.urls import reverse

    try:
        key = uuid.UUID(str(clip_id))
    except ValueError:
        return None
    related = ("recording__consent", "recording__team__programme", "recording__family", "title", "words")
    clip = Clip.objects.select_related(*related).filter(pk=key).first()
    if clip is None or user is None or not user.is_authenticated:
        return None
    if not permissions.can_know_clip(user, clip):  # first, so that nothing which happens to it shows
        return Shown(clip.pk, closed=NOT_FOR_YOU)
    closed = why_closed(clip, on=on)
    if closed:
        return Shown(clip.pk, closed=closed)
    if not can_hear(user, clip):
        return Shown(clip.pk, closed=UNAPPROVED if clip.state != State.APPROVED else "You cannot hear this clip.")
    said = clipwords.of(clip, on=on)
    if said.lines:
        reading.note_read(recording=clip.recording, person=user, purpose=listening.CLIP, now=timezone.now())
    return Shown(
        clip.pk,
        title_of(clip),
        (clip.end_ms - clip.start_ms) / 1000,
        reverse("recordings:clip-audio", args=[clip.pk]),
        reverse("recordings:clip-captions", args=[clip.pk]) if said.lines else "",
        said.spoken,
        said.missing,
    )


def choices(*, on: dt.date) -> list[tuple[str, str]]:
    """For the editor of a lesson: those that may be used today by their titles; and those that a lesson may still hold.

    The editor is whoever Wagtail is at work for: one who is also a rater reads no title of a session that they are still rating.
    """
    editor = get_active_log_context().user
    kept_from = set(Clip.objects.filter(_kept_from(editor)).values_list("pk", flat=True)) if editor else set()
    related = ("recording__consent", "recording__team__programme", "title")
    rows = Clip.objects.filter(decided_at__isnull=False).exclude(state=State.REFUSED).select_related(*related)
    offered: list[tuple[str, str]] = []
    over: list[tuple[str, str]] = []
    for clip in rows.order_by("-decided_at", "pk"):
        closed = why_closed(clip, on=on) or ("" if clip.state == State.APPROVED else UNAPPROVED)
        closed = NOT_FOR_YOU if clip.pk in kept_from else closed
        (over if closed else offered).append((str(clip.pk), closed or title_of(clip)))
    return [*offered, *over]
