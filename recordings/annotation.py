"""Marking a stretch of a session with a code and a comment. Only the rater does, and only until the review is submitted."""

import datetime as dt
import uuid

from django.db import transaction
from wagtail.log_actions import log

from recordings import codebook, comments
from recordings.models import Annotation, Code, Review, SealedText
from supervision.models import User

SHORTEST_MS = 200


class AnnotationRefused(ValueError):
    """The annotation cannot be so; str() says why."""


class Locked(AnnotationRefused):
    """The review has been submitted."""

    def __init__(self) -> None:
        super().__init__("This review has been submitted, so nothing in it can be changed.")


class Stale(AnnotationRefused):
    """Somebody, or the same person in another tab, changed it since. `current` is what is stored."""

    def __init__(self, current: Annotation) -> None:
        super().__init__("This annotation was changed in another tab since you opened it.")
        self.current = current


def locked_for_writing(review: Review, by: User) -> Review:
    """The review's row, held until the transaction ends. Raises Locked unless it is still `by`'s to change."""
    fresh = Review.objects.select_for_update(of=("self",)).select_related("recording", "instrument").get(pk=review.pk)
    if fresh.rater_id != by.pk or fresh.state != Review.State.IN_PROGRESS:
        raise Locked
    return fresh


def _checked_times(start_ms: int, end_ms: int, duration_ms: int) -> tuple[int, int]:
    """An end a little past the recording's is its end: players round."""
    if 0 <= end_ms - duration_ms <= 1_000:
        end_ms = duration_ms
    if start_ms < 0 or end_ms > duration_ms:
        raise AnnotationRefused("That time is outside the recording.")
    if end_ms - start_ms < SHORTEST_MS:
        raise AnnotationRefused("An annotation must end after it starts.")
    return start_ms, end_ms


def _checked_code(code: Code, review: Review, *, kept: Code | None = None) -> Code:
    if code.programme_id != review.recording.team.programme_id or not (code.is_current or code == kept):
        raise AnnotationRefused("That code is not in this programme's code book.")
    return code


def _discard(text: SealedText | None) -> None:
    if text is not None:
        text.delete()


@transaction.atomic
def annotate(
    *, review: Review, code: Code, start_ms: int, end_ms: int, comment: str = "", by: User, now: dt.datetime, id: uuid.UUID | None = None
) -> Annotation:
    """Adds an annotation, in milliseconds of the playback. Sending the same `id` again gives the one that is there.

    Raises AnnotationRefused, Locked, vault.KeyGone.
    """
    review = locked_for_writing(review, by)
    if id is not None and (there := Annotation.objects.filter(pk=id).first()):
        if there.review_id != review.pk:
            raise AnnotationRefused("That annotation belongs to another review.")
        return there
    start_ms, end_ms = _checked_times(start_ms, end_ms, review.recording.duration_ms)
    code = _checked_code(code, review)
    annotation = Annotation.objects.create(
        pk=id or uuid.uuid4(),
        review=review,
        code=code,
        code_version=codebook.version_of(code, now=now),
        start_ms=start_ms,
        end_ms=end_ms,
        comment=comments.sealed(review.recording, comment),
        created_at=now,
        changed_at=now,
    )
    log(instance=review, action="recordings.annotate", user=by, data={"annotation": str(annotation.pk)})
    return annotation


def _raised(annotation: Annotation, review: Review, version: int, now: dt.datetime, **fields: object) -> Annotation:
    """Compare and set: only the version that the person saw is changed."""
    changed = Annotation.objects.filter(pk=annotation.pk, review=review, version=version)
    if changed.update(version=version + 1, changed_at=now, **fields) != 1:
        raise Stale(Annotation.objects.select_related("code", "code_version", "comment").get(pk=annotation.pk))
    return Annotation.objects.select_related("code", "code_version", "comment").get(pk=annotation.pk)


@transaction.atomic
def change(
    *, annotation: Annotation, version: int, code: Code, start_ms: int, end_ms: int, comment: str, by: User, now: dt.datetime
) -> Annotation:
    """Puts a new code, times and comment in place of version `version`. While the code stays, so does what it meant when it was chosen.

    Raises AnnotationRefused, Locked, Stale, vault.KeyGone.
    """
    review = locked_for_writing(annotation.review, by)
    start_ms, end_ms = _checked_times(start_ms, end_ms, review.recording.duration_ms)
    stored = Annotation.objects.select_related("code", "code_version", "comment").get(pk=annotation.pk)
    code = _checked_code(code, review, kept=stored.code)
    if stored.version != version or stored.removed_at is not None:
        raise Stale(stored)
    before = comments.opened(stored.comment)
    is_same_comment = before == comment.strip()
    if is_same_comment and (stored.code_id, stored.start_ms, stored.end_ms) == (code.pk, start_ms, end_ms):
        return stored
    text = stored.comment if is_same_comment else comments.sealed(review.recording, comment)
    meant = stored.code_version if stored.code_id == code.pk else codebook.version_of(code, now=now)
    changed = _raised(stored, review, version, now, code=code, code_version=meant, start_ms=start_ms, end_ms=end_ms, comment=text)
    if not is_same_comment:
        _discard(stored.comment)
    log(instance=review, action="recordings.annotation_change", user=by, data={"annotation": str(annotation.pk)})
    return changed


@transaction.atomic
def remove(*, annotation: Annotation, by: User, now: dt.datetime) -> Annotation:
    """Takes it away; `restore` brings it back until the review is submitted. Removing twice changes nothing."""
    return _set_removed(annotation, by=by, now=now, removed_at=now, action="recordings.annotation_remove")


@transaction.atomic
def restore(*, annotation: Annotation, by: User, now: dt.datetime) -> Annotation:
    return _set_removed(annotation, by=by, now=now, removed_at=None, action="recordings.annotation_restore")


def _set_removed(annotation: Annotation, *, by: User, now: dt.datetime, removed_at: dt.datetime | None, action: str) -> Annotation:
    review = locked_for_writing(annotation.review, by)
    stored = Annotation.objects.select_related("code", "code_version", "comment").get(pk=annotation.pk)
    if (stored.removed_at is None) == (removed_at is None):
        return stored
    changed = _raised(stored, review, stored.version, now, removed_at=removed_at)
    log(instance=review, action=action, user=by, data={"annotation": str(annotation.pk)})
    return changed
