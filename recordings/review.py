"""A consultant's blind review of a session: started, scored, submitted (which locks it), released to the therapist, answered."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from wagtail.log_actions import log

from recordings import codebook, comments, consent, listening
from recordings.annotation import Locked, locked_for_writing
from recordings.models import Annotation, DraftScore, Purpose, Recording, Reply, Review, SealedText
from supervision import ratings
from supervision.models import Instrument, Item, User

INSTRUMENT = "practice-review"
ENOUGH_HEARD = 0.8

__all__ = ["Locked"]


class ReviewRefused(ValueError):
    """It cannot be done now; str() says why, for people."""


class Stale(ReviewRefused):
    """It was changed in another tab since. `current` is the stored score or text."""

    def __init__(self, current: DraftScore | SealedText | None) -> None:
        super().__init__("This was changed in another tab since you opened it.")
        self.current = current


class NotReady(ReviewRefused):
    """The review lacks something that submission needs. `reasons` are sentences."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class Completeness:
    """How far a review is. Stretches are in milliseconds."""

    unrated: list[Item]
    rated: int
    total: int
    share_heard: float
    gaps: list[listening.Interval]
    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def can_submit(self) -> bool:
        return not self.refusals

    @property
    def sentence(self) -> str:
        return progress_sentence(self.rated, self.total, self.share_heard)


def progress_sentence(rated: int, total: int, share: float) -> str:
    """Such as "7 of 9 rated, 64 % heard". Rounded down: nobody is told that all was heard when it was not."""
    return f"{rated} of {total} rated, {int(share * 100 + 1e-9)}\u00a0% heard"


@transaction.atomic
def start(*, recording: Recording, rater: User, now: dt.datetime) -> Review:
    """The rater's review of that recording; the one there is, if there is one. Raises ReviewRefused."""
    there = Review.objects.filter(recording=recording, rater=rater).first()
    if there:
        return there
    if not Recording.objects.reviewable().filter(pk=recording.pk).exists():
        raise ReviewRefused("This recording is not ready yet. You can review it once its waveform is drawn.")
    if not consent.covers(recording.consent, Purpose.REVIEW, on=timezone.localdate(now)):
        raise ReviewRefused(consent.why_not(recording.consent, Purpose.REVIEW, on=timezone.localdate(now)))
    if rater.pk == recording.therapist_id:
        raise ReviewRefused("You cannot review your own session.")
    instrument = Instrument.objects.filter(slug=INSTRUMENT, is_current=True).order_by("-version", "pk").first()
    if instrument is None:
        raise ReviewRefused("The practice review has not been loaded. Ask the person who runs Plumbline to load the instruments.")
    if not codebook.current(recording.team.programme):
        codebook.load(recording.team.programme)
    try:
        with transaction.atomic():
            review = Review.objects.create(recording=recording, rater=rater, instrument=instrument, started_at=now)
    except IntegrityError:  # the other tab was first
        return Review.objects.get(recording=recording, rater=rater)
    log(instance=review, action="recordings.review_start", user=rater, data={"recording": str(recording.pk)})
    return review


@transaction.atomic
def score(
    *,
    review: Review,
    item: Item,
    score: int | None,
    is_not_applicable: bool = False,
    evidence: Iterable[uuid.UUID] = (),
    version: int,
    by: User,
    now: dt.datetime,
) -> DraftScore:
    """Rates an item: a score, "not applicable", or neither (to take a rating back), and the annotations it rests on.

    `version` is the one that the person saw, 0 where there was none. Raises Locked, Stale, ReviewRefused.
    """
    review = locked_for_writing(review, by)
    if item.instrument_id != review.instrument_id:
        raise ReviewRefused("That item is not part of this instrument.")
    if is_not_applicable and score is not None:
        raise ReviewRefused("An item is either scored or not applicable.")
    if score is not None and not item.least <= score <= item.most:
        raise ReviewRefused(f"A score is a whole number from {item.least} to {item.most}.")
    moments = list(Annotation.objects.kept().filter(review=review, pk__in=list(evidence)))
    values = {"score": score, "is_not_applicable": is_not_applicable, "changed_at": now}
    stored = DraftScore.objects.filter(review=review, item_key=item.key)
    if version == 0 and not stored.exists():
        draft = DraftScore.objects.create(review=review, item_key=item.key, **values)
    else:
        if stored.filter(version=version).update(version=F("version") + 1, **values) != 1:
            raise Stale(stored.get())
        draft = stored.get()
    draft.evidence.set(moments)
    return draft


TEXTS = ("strengths", "next_step")


@transaction.atomic
def write(*, review: Review, name: str, text: str, seen: uuid.UUID | None, by: User) -> SealedText | None:
    """Puts one of the overall texts in place of the one the person saw (`seen`, its id). Raises Locked, Stale, vault.KeyGone."""
    if name not in TEXTS:
        raise ReviewRefused("That is not a part of the review.")
    review = locked_for_writing(review, by)
    before: SealedText | None = getattr(review, name)
    if comments.opened(before) == text.strip():
        return before
    if (before.pk if before else None) != seen:
        raise Stale(before)
    after = comments.sealed(review.recording, text)
    Review.objects.filter(pk=review.pk).update(**{name: after})
    if before is not None:
        before.delete()
    return after


def place(*, review: Review, position_ms: int) -> None:
    """Remembers where the rater stopped."""
    position_ms = max(0, min(position_ms, review.recording.duration_ms))
    Review.objects.filter(pk=review.pk, state=Review.State.IN_PROGRESS).update(position_ms=position_ms)


def completeness(review: Review) -> Completeness:
    """What is unrated and unheard, what refuses submission and what only warns."""
    items = list(Item.objects.filter(instrument=review.instrument_id).order_by("position", "pk"))
    done = {draft.item_key for draft in DraftScore.objects.filter(review=review) if is_rated(draft)}
    unrated = [item for item in items if item.key not in done]
    heard = listening.heard_by(review.recording, review.rater)
    share = listening.share(heard, review.recording.duration_ms)
    refusals, warnings = [], []
    if unrated:
        number = "One item is" if len(unrated) == 1 else f"{len(unrated)} items are"
        refusals.append(f"{number} not rated yet. Rate each, or mark it as not applicable.")
    if not heard:
        refusals.append("You have not heard any of this recording. Listen before you rate.")
    elif share < ENOUGH_HEARD:
        warnings.append(f"You have heard {int(share * 100)}\u00a0% of the session. The rating will say so.")
    gaps = listening.gaps(heard, review.recording.duration_ms)
    return Completeness(unrated, len(items) - len(unrated), len(items), share, gaps, refusals, warnings)


def is_rated(draft: DraftScore) -> bool:
    return draft.is_not_applicable or draft.score is not None


@transaction.atomic
def submit(*, review: Review, by: User, now: dt.datetime) -> Review:
    """Locks the review and makes its rating. Submitting again changes nothing. Raises NotReady, ReviewRefused, Locked."""
    review = Review.objects.select_for_update(of=("self",)).select_related("recording__consent").get(pk=review.pk)
    if review.rater_id != by.pk:
        raise Locked
    if review.state != Review.State.IN_PROGRESS:
        return review
    recording = review.recording
    if recording.state == Recording.State.DESTROYED:
        raise ReviewRefused("The recording is gone, so the review cannot be submitted.")
    state = completeness(review)
    if not state.can_submit:
        raise NotReady(state.refusals)
    if Review.objects.filter(pk=review.pk, state=Review.State.IN_PROGRESS).update(state=Review.State.SUBMITTED, submitted_at=now) != 1:
        return Review.objects.get(pk=review.pk)
    drafts = DraftScore.objects.filter(review=review)
    ratings.record(
        instrument=review.instrument,
        therapist=recording.therapist,
        rater=by,
        team=recording.team,
        source=review.pk,
        session_on=recording.session_on,
        share_heard=state.share_heard,
        scores={draft.item_key: None if draft.is_not_applicable else draft.score for draft in drafts},
        by=by,
        now=now,
    )
    # What the rater threw away is not kept; a removed annotation leaves only its times.
    SealedText.objects.filter(pk__in=Annotation.objects.filter(review=review, removed_at__isnull=False).values("comment")).delete()
    log(instance=review, action="recordings.review_submit", user=by, data={"recording": str(recording.pk)})
    return Review.objects.get(pk=review.pk)


@transaction.atomic
def release(*, review: Review, by: User, now: dt.datetime) -> Review:
    """Shows a submitted review to the therapist and the team's supervisors. Releasing again changes nothing. Raises ReviewRefused."""
    review = Review.objects.select_for_update(of=("self",)).select_related("recording__consent").get(pk=review.pk)
    if review.rater_id != by.pk:
        raise ReviewRefused("Only the person who wrote a review can release it.")
    if review.state == Review.State.IN_PROGRESS:
        raise ReviewRefused("Submit the review first; then it can be released.")
    if Review.objects.filter(pk=review.pk, state=Review.State.SUBMITTED).update(state=Review.State.RELEASED, released_at=now) == 1:
        ratings.release(source=review.pk, by=by, now=now)
        log(instance=review, action="recordings.review_release", user=by, data={"recording": str(review.recording_id)})
    return Review.objects.get(pk=review.pk)


@transaction.atomic
def reply(*, review: Review, annotation: Annotation | None = None, text: str, by: User, now: dt.datetime) -> Reply:
    """Adds an answer to the whole review or to one of its moments; answers are never changed. Raises ReviewRefused, vault.KeyGone."""
    if review.state != Review.State.RELEASED:
        raise ReviewRefused("You can answer once the feedback has been released.")
    if by.pk not in (review.rater_id, review.recording.therapist_id):
        raise ReviewRefused("Only the therapist and the reviewer answer each other here.")
    if annotation is not None and (annotation.review_id != review.pk or annotation.removed_at is not None):
        raise ReviewRefused("That moment is not part of this feedback.")
    sealed = comments.sealed(review.recording, text)
    if sealed is None:
        raise ReviewRefused("Write your answer first.")
    answer = Reply.objects.create(review=review, annotation=annotation, author=by, text=sealed, written_at=now)
    log(instance=review, action="recordings.reply", user=by, data={"reply": answer.pk})
    return answer


def see(*, review: Review, by: User, now: dt.datetime) -> bool:
    """Notes the therapist's first sight of released feedback. True where this was it."""
    if by.pk != review.recording.therapist_id:
        return False
    unseen = Review.objects.filter(pk=review.pk, state=Review.State.RELEASED, seen_by_therapist_at__isnull=True)
    return unseen.update(seen_by_therapist_at=now) == 1
