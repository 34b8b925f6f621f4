"""What one purpose alone had made of a recording: closed in one transaction when the purpose is taken back, and then destroyed.

The recording keeps its key, because it stays for other purposes. Its sealed files and texts of that purpose go; what they were is
written into the row of the withdrawal.
"""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import F, Model, Q, QuerySet
from django.utils import timezone

from recordings import consent as consents
from recordings import destruction, pipeline, vault
from recordings.models import (
    Annotation,
    Assignment,
    Clip,
    Concern,
    Consent,
    GoldScore,
    GoldStandard,
    Processing,
    Purpose,
    PurposeWithdrawal,
    Recording,
    Redaction,
    Reply,
    Review,
    SealedObject,
    SealedText,
    SelfRating,
    TranscriptEdit,
    TranscriptRun,
)
from supervision.models import Membership

Kind = SealedObject.Kind


def close(recording: Recording, purpose: str, *, now: dt.datetime) -> None:
    """Ends what is open for the purpose, in the transaction that takes it back; the consent in the database knows of it already."""
    if purpose == Purpose.TEACH:
        Clip.objects.filter(recording=recording).exclude(state=Clip.State.GONE).update(state=Clip.State.GONE, gone_at=now)
    if purpose == Purpose.TRANSCRIBE:
        _stop_writing_down(recording, now=now)
        _fail_redactions(recording, Redaction.State.PROPOSED, Redaction.State.CONFIRMED)
    if purpose in (Purpose.TRAIN_RATERS, Purpose.REVIEW):
        GoldStandard.objects.filter(recording=recording).update(state=GoldStandard.State.RETIRED)
        _asked_for(recording, purpose, now=now).update(skipped_at=now, skip_reason=Assignment.Skip.NOT_AGREED)
    if _is_muted_for_nothing(recording, now=now):
        _fail_redactions(recording, *Redaction.State.values)


def _stop_writing_down(recording: Recording, *, now: dt.datetime) -> None:
    """Whoever is at it can write nothing more; a recording that has no sound to hear yet goes back to the queue, for that alone."""
    rows = Processing.objects.filter(recording=recording)
    ended = {"token": F("token") + 1, "lease_until": None, "step": ""}
    if recording.state == Recording.State.READY:
        under_way = rows.filter(state__in=[Processing.State.QUEUED, Processing.State.RUNNING, Processing.State.FAILED])
        under_way.update(state=Processing.State.DONE, finished_at=now, failure="", **ended)
        return
    again = {"attempts": 0, "queued_at": now, "sent_at": now, "finished_at": None, "failure": ""}
    if rows.update(state=Processing.State.QUEUED, **again, **ended):
        Recording.objects.filter(pk=recording.pk).update(state=Recording.State.QUEUED)
        pipeline.send_on_commit(recording.pk)


def _asked_for(recording: Recording, purpose: str, *, now: dt.datetime) -> QuerySet[Assignment]:
    """Ratings that are asked for and not in: all of them, or those of training and of raters from other teams."""
    asked = Assignment.objects.open().filter(recording=recording)
    if purpose == Purpose.REVIEW:
        return asked
    inside = Membership.objects.on(timezone.localdate(now)).filter(team=recording.team_id, role=Membership.Role.CONSULTANT)
    return asked.filter(Q(part=Assignment.Part.GOLD) | ~Q(rater__in=inside.values("user")))


def _fail_redactions(recording: Recording, *states: str) -> None:
    """A list that waits for a person's yes holds when names were said, and nothing came of it: it goes. What was confirmed stays in the
    record, without its stretches; so it is never made again with nothing muted (`redaction.restart`)."""
    rows = Redaction.objects.filter(recording=recording, state__in=states)
    rows.filter(state=Redaction.State.PROPOSED).delete()
    rows.update(state=Redaction.State.FAILED, failure=Redaction.NO_LONGER, spans=[])


def _is_muted_for_nothing(recording: Recording, *, now: dt.datetime) -> bool:
    """Whether a version with names muted serves nothing any more: it is for teaching and for rater training."""
    given = Consent.objects.get(pk=recording.consent_id)
    uses = (Purpose.TEACH, Purpose.TRAIN_RATERS)
    return any(use in given.ended_purposes for use in uses) and not any(
        consents.covers(given, use, on=timezone.localdate(now)) for use in uses
    )


def destroy(recording: Recording, row: PurposeWithdrawal, *, now: dt.datetime) -> None:
    """Destroys it. Doing it again finds nothing. The files go with `destruction.remove_files_of`. Raises StoreAway."""
    if row.purpose == Purpose.TRANSCRIBE:
        _forget_words(recording, row, now=now)
    with transaction.atomic():
        Recording.objects.select_for_update().get(pk=recording.pk)
        sealed = SealedObject.objects.filter(recording=recording, kind__in=_kinds(recording, row.purpose, now=now))
        texts = SealedText.objects.filter(_texts(recording, row.purpose), recording=recording)
        items = [*destruction.listed(sealed), *destruction.counted("texts", texts.count())]
        if row.purpose == Purpose.TRANSCRIBE:
            TranscriptRun.objects.filter(recording=recording).delete()
        texts.delete()
        sealed.delete()
        _add(row, items)


def _kinds(recording: Recording, purpose: str, *, now: dt.datetime) -> list[str]:
    kinds: list[str] = []
    if purpose == Purpose.TEACH:
        kinds.append(Kind.CLIP)
    if purpose == Purpose.TRANSCRIBE:
        kinds += [Kind.VOICE, Kind.PIECE, Kind.SPEAKERS]
    if purpose in (Purpose.TEACH, Purpose.TRAIN_RATERS) and _is_muted_for_nothing(recording, now=now):
        kinds.append(Kind.REDACTED)
    return kinds


def _texts(recording: Recording, purpose: str) -> Q:
    if purpose == Purpose.TEACH:
        return _of(Clip, "title", recording=recording) | _of(Clip, "words", recording=recording)
    if purpose == Purpose.TRANSCRIBE:
        return _of(TranscriptEdit, "payload", recording=recording) | _of(Clip, "words", recording=recording)
    gold = _of(GoldScore, "reason", gold__recording=recording)
    if purpose == Purpose.TRAIN_RATERS:
        closed = Q(assignment__part=Assignment.Part.GOLD) | Q(assignment__skip_reason=Assignment.Skip.NOT_AGREED)
        return gold | _written_in(Review.objects.filter(closed, recording=recording))
    if purpose == Purpose.REVIEW:  # all but what the therapist, the transcript, the clips and a worry about somebody's safety hold
        kept = _of(SelfRating, "note", recording=recording) | _of(TranscriptEdit, "payload", recording=recording)
        kept |= _of(Clip, "title", recording=recording) | _of(Clip, "words", recording=recording)
        return ~(kept | _of(Concern, "text", recording=recording) | _of(Concern, "outcome", recording=recording))
    return Q(pk__in=[])


def _written_in(reviews: QuerySet[Review]) -> Q:
    whole = _of(Review, "strengths", pk__in=reviews.values("pk")) | _of(Review, "next_step", pk__in=reviews.values("pk"))
    return whole | _of(Annotation, "comment", review__in=reviews.values("pk")) | _of(Reply, "text", review__in=reviews.values("pk"))


def _of(model: type[Model], name: str, **where: object) -> Q:
    """The texts that rows of a model name."""
    rows = model._default_manager.filter(**where, **{f"{name}__isnull": False})
    return Q(pk__in=rows.values(name))


def _forget_words(recording: Recording, row: PurposeWithdrawal, *, now: dt.datetime) -> None:
    """The features are sealed anew with the waveform alone; those that cannot be read go altogether."""
    from recordings import features

    sealed = SealedObject.objects.filter(recording=recording, kind=Kind.FEATURES).first()
    if sealed is None:
        return
    try:
        with vault.open_sealed(sealed) as content:
            whole = content.read()
        bare = features.forget_words(whole)
    except (vault.Damaged, OSError):
        with transaction.atomic():
            _add(row, destruction.listed(SealedObject.objects.filter(pk=sealed.pk)))
            sealed.delete()
        return
    if bare is None:
        return
    with transaction.atomic():
        found = destruction.listed(SealedObject.objects.filter(pk=sealed.pk))
        vault.seal(recording, Kind.FEATURES, [bare], now=now)
        _add(row, found)


def _add(row: PurposeWithdrawal, items: list[dict[str, Any]]) -> None:
    if items:
        locked = PurposeWithdrawal.objects.select_for_update().get(pk=row.pk)
        locked.items = [*locked.items, *items]
        locked.save(update_fields=["items"])
