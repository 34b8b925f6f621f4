"""A consultant's blind review of a session: started, scored, submitted (which locks it), released to the therapist, answered."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from wagtail.log_actions import log

from recordings import codebook, comments, comparing, consent, counting, listening, permissions, selfrating, sent
from recordings.annotation import Locked, locked_for_writing
from recordings.models import Annotation, Assignment, DraftScore, Purpose, Recording, Reply, Review, SealedText, SelfRating
from supervision import instruments, ratings
from supervision.models import Instrument, Item, Rating, User

INSTRUMENT = "practice-review"
ENOUGH_HEARD = 0.8
LEAST_HEARD_MS = 10_000  # whatever an instrument asks for, a shorter stretch is no listening

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
def start(
    *, recording: Recording, rater: User, instrument: Instrument | None = None, assignment: Assignment | None = None, now: dt.datetime
) -> Review:
    """The rater's review of that recording; the one there is, if there is one. It is blind where the rater could see nothing that
    anybody else gave the session. Raises ReviewRefused."""
    if assignment is not None:
        instrument = assignment.instrument
    there = Review.objects.filter(recording=recording, rater=rater)
    if found := (there.filter(instrument=instrument) if instrument else there).first():
        return found
    if not Recording.objects.reviewable().filter(pk=recording.pk).exists():
        raise ReviewRefused("This recording is not ready yet. You can review it once its waveform is drawn.")
    if not consent.covers(recording.consent, Purpose.REVIEW, on=timezone.localdate(now)):
        raise ReviewRefused(consent.why_not(recording.consent, Purpose.REVIEW, on=timezone.localdate(now)))
    if rater.pk == recording.therapist_id:
        raise ReviewRefused("You cannot review your own session.")
    if rater.pk in permissions.raters_with_conflict(recording):
        raise ReviewRefused("You have declared a conflict of interest about this session, so you begin no review of it.")
    instrument = instrument or next(iter(instruments.choices(recording.team)), None)
    if instrument is None:
        raise ReviewRefused("No instrument is in use here. Ask the person who runs Plumbline to load the instruments.")
    items = list(Item.objects.filter(instrument=instrument).order_by("position", "pk"))
    if not codebook.current(recording.team.programme):
        codebook.load(recording.team.programme)
    counting.load_codes(recording.team.programme, items)
    if lacking := counting.lacking(recording.team.programme, items):
        item, slugs = lacking[0]
        raise ReviewRefused(
            f"“{item.name}” of {instrument.name} counts annotations with {', '.join(slugs)}, and {recording.team.programme.name} has no such "
            "code in use, so it would count nothing. Ask whoever keeps the code book or the instrument to put that right first."
        )
    values = {"assignment": assignment, "started_at": now, "is_blind": _is_blind(recording, rater)}
    try:
        with transaction.atomic():
            review = Review.objects.create(recording=recording, rater=rater, instrument=instrument, **values)
    except IntegrityError:  # the other tab was first
        return Review.objects.get(recording=recording, rater=rater, instrument=instrument)
    filled = [item.key for item in items if counting.is_filled(item)]
    DraftScore.objects.bulk_create(DraftScore(review=review, item_key=key, is_counted=True, score=0, changed_at=now) for key in filled)
    instruments.note_use(instrument=instrument, now=now)
    log(instance=review, action="recordings.review_start", user=rater, data={"recording": str(recording.pk)})
    return review


def _is_blind(recording: Recording, rater: User) -> bool:
    """Whether nobody else's scores of the session were there for the rater to see. One who rates it with another instrument is
    shown nothing meanwhile, and has seen what they saw before."""
    compared = Q(comparison_as_first__isnull=False) | Q(comparison_as_second__isnull=False)
    shown_gold = Q(assignment__part=Assignment.Part.GOLD, submitted_at__isnull=False)
    earlier = Review.objects.filter(recording=recording, rater=rater).filter(Q(is_blind=False) | compared | shown_gold)
    others = Review.objects.visible_to(rater).filter(recording=recording).exclude(rater=rater)
    own_of_therapist = SelfRating.objects.visible_to(rater).filter(recording=recording)
    return not (earlier.exists() or others.exists() or own_of_therapist.exists())


@transaction.atomic
def score(
    *,
    review: Review,
    item: Item,
    score: int | None,
    is_not_applicable: bool = False,
    is_counted: bool = False,
    evidence: Iterable[uuid.UUID] = (),
    version: int,
    by: User,
    now: dt.datetime,
) -> DraftScore:
    """Rates an item: a score, "not applicable", or neither (to take a rating back), and the annotations it rests on.
    `is_counted`: a count or duration is filled from the annotations (again).

    `version` is the one that the person saw, 0 where there was none. Raises Locked, Stale, ReviewRefused.
    """
    review = locked_for_writing(review, by)
    if item.instrument_id != review.instrument_id:
        raise ReviewRefused("That item is not part of this instrument.")
    if is_not_applicable and (score is not None or is_counted):
        raise ReviewRefused("An item is either scored or not applicable.")
    if is_not_applicable and not item.allows_na:
        raise ReviewRefused(f"{item.name} is always rated: it cannot be not applicable.")
    if is_counted:
        if not counting.is_filled(item):
            raise ReviewRefused(f"{item.name} is not filled from annotations.")
        kept = Annotation.objects.kept().filter(review=review).select_related("code")
        score = counting.figures(review, [item], kept)[item.key]
    if score is not None and not item.least <= score <= item.most:
        raise ReviewRefused(f"A score is a whole number from {item.least} to {item.most}.")
    moments = list(Annotation.objects.kept().filter(review=review, pk__in=list(evidence)))
    values = {"score": score, "is_not_applicable": is_not_applicable, "is_counted": is_counted, "changed_at": now}
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
    drafts = {draft.item_key: draft for draft in DraftScore.objects.filter(review=review)}
    sent.write()
    unrated = [item for item in items if not (is_rated(drafts[item.key]) if item.key in drafts else counting.is_filled(item))]
    heard = listening.heard_by(review.recording, review.rater)
    share = listening.share(heard, review.recording.duration_ms)
    refusals, warnings = [], []
    if unrated:
        number = "One item is" if len(unrated) == 1 else f"{len(unrated)} items are"
        refusals.append(f"{number} not rated yet. Rate each, or mark it as not applicable.")
    if sum(end - start for start, end in heard) < min(LEAST_HEARD_MS, review.recording.duration_ms // 2):
        refusals.append("You have not heard any of this recording, or only seconds. Listen before you rate.")
    elif share + 1e-9 < review.instrument.minimum_heard:
        least = f"{review.instrument.minimum_heard * 100:.0f}\u00a0%"
        refusals.append(
            f"You have heard {int(share * 100)}\u00a0% of the session, and {review.instrument.name} asks for at least {least} before it is "
            "submitted. The stretches that you have not heard are listed below."
        )
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
    if review.assignment and review.assignment.skipped_at:
        raise ReviewRefused("You gave this review back, so it cannot be submitted.")
    state = completeness(review)
    if not state.can_submit:
        raise NotReady(state.refusals)
    locked = {"state": Review.State.SUBMITTED, "submitted_at": now, "share_heard": state.share_heard}
    if Review.objects.filter(pk=review.pk, state=Review.State.IN_PROGRESS).update(**locked) != 1:
        return Review.objects.get(pk=review.pk)
    items = list(Item.objects.filter(instrument=review.instrument_id).order_by("position", "pk"))
    drafts = {draft.item_key: draft for draft in DraftScore.objects.filter(review=review)}
    scores = counting.settle(review, items, drafts)
    for draft in drafts.values():
        if draft.is_counted:
            DraftScore.objects.filter(pk=draft.pk).update(score=scores[draft.item_key])
    ratings.record(
        instrument=review.instrument,
        therapist=recording.therapist,
        rater=by,
        team=recording.team,
        source=review.pk,
        session_on=recording.session_on,
        share_heard=state.share_heard,
        scores=scores,
        by=by,
        now=now,
        session=recording.pk,
        is_blind=review.is_blind,
        kind=Rating.Kind.EXERCISE if is_exercise(review) else Rating.Kind.RATER,
    )
    # What the rater threw away is not kept; a removed annotation leaves only its times.
    SealedText.objects.filter(pk__in=Annotation.objects.filter(review=review, removed_at__isnull=False).values("comment")).delete()
    log(instance=review, action="recordings.review_submit", user=by, data={"recording": str(recording.pk)})
    comparing.open_where_both(review, now=now)
    return Review.objects.get(pk=review.pk)


def is_exercise(review: Review) -> bool:
    """A calibration: rated against what experts settled, never released, never counted for the therapist."""
    return review.assignment is not None and review.assignment.part == Assignment.Part.GOLD


def why_not_released(review: Review, *, awaits_second: bool | None = None) -> str:
    """Why a submitted review is not to be released by itself, with the way on; empty where it may be.

    A list says itself whether another rating of the session is still open (`awaiting_second`), so that not every row asks."""
    if is_exercise(review):
        return "This was a calibration. It is for you alone, and is never released to a therapist."
    if review.state in (Review.State.COMPARED, Review.State.CONSENSUS):
        return "This session was rated twice. Settle the ratings on their comparison page, and release both together from there."
    if review.assignment and review.assignment.part == Assignment.Part.SECOND:
        return "Yours is the second rating of this session. It is compared with the first before anything is released."
    if awaits_second is None:
        awaits_second = bool(awaiting_second([review]))
    if awaits_second:
        return (
            "Somebody else is still rating this session without seeing yours. Wait for that rating, or ask a supervisor of the team "
            "to take it off; then you can release."
        )
    return ""


def awaiting_second(reviews: Iterable[Review]) -> set[object]:
    """The ids of those of the reviews whose session somebody else is still asked to rate with the same instrument."""
    reviews = list(reviews)
    second = Assignment.objects.open().filter(recording__in=[one.recording_id for one in reviews], part=Assignment.Part.SECOND)
    open_pairs = set(second.values_list("recording_id", "instrument_id"))
    return {one.pk for one in reviews if (one.recording_id, one.instrument_id) in open_pairs}


@transaction.atomic
def release(*, review: Review, by: User, now: dt.datetime) -> Review:
    """Shows a submitted review to the therapist and the team's supervisors. Releasing again changes nothing. Raises ReviewRefused."""
    review = Review.objects.select_for_update(of=("self",)).select_related("recording__consent").get(pk=review.pk)
    if review.rater_id != by.pk:
        raise ReviewRefused("Only the person who wrote a review can release it.")
    if review.state == Review.State.IN_PROGRESS:
        raise ReviewRefused("Submit the review first; then it can be released.")
    if review.state != Review.State.RELEASED and (why := why_not_released(review)):
        raise ReviewRefused(why)
    if Review.objects.filter(pk=review.pk, state=Review.State.SUBMITTED).update(state=Review.State.RELEASED, released_at=now) == 1:
        ratings.release(source=review.pk, by=by, now=now)
        selfrating.release(recording=review.recording, by=by, now=now)
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
