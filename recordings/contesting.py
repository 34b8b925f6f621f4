"""A therapist disagrees with one score of released feedback.

    open ── the rater proposes ──▶ open, with an answer ── somebody else agrees ──▶ kept, or changed
      ▲                                  │ sent back
      └──────────────────────────────────┘            the therapist may take it back until then

The original score stays for good. Where another is agreed on, a consensus rating stands beside it: the original's scores with
that one in its place, dated the day on which it was agreed.
"""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from wagtail.log_actions import log

from recordings import comments, permissions
from recordings.models import Contest, Recording, Review
from supervision import ratings
from supervision.models import Item, ItemScore, Membership, Rating, User

State = Contest.State


class ContestRefused(ValueError):
    """It cannot be done so; str() says why, for people."""


@dataclass(frozen=True)
class Given:
    """A score as people read it: "3 of 4", or "not applicable"."""

    score: int | None
    most: int

    def __str__(self) -> str:
        return "not applicable" if self.score is None else f"{self.score} of {self.most}"


@transaction.atomic
def contest(*, review: Review, item: Item, text: str, by: User, now: dt.datetime) -> Contest:
    """The therapist says why they see a score differently. Once at a time for an item. Raises ContestRefused, vault.KeyGone."""
    review = Review.objects.select_for_update(of=("self",)).select_related("recording__consent").get(pk=review.pk)
    if review.state != Review.State.RELEASED or by.pk != review.recording.therapist_id:
        raise ContestRefused("The therapist whose session it is can disagree with a score, once the feedback has been released.")
    if not ItemScore.objects.filter(rating__source=review.pk, item=item).exists():
        raise ContestRefused("That item is not part of this feedback.")
    if Contest.objects.filter(review=review, item_key=item.key, state=State.OPEN).exists():
        raise ContestRefused(f"You have said that you see {item.name} differently. It waits for an answer.")
    sealed = comments.sealed(review.recording, text)
    if sealed is None:
        raise ContestRefused("Say what you see differently, and in which moment.")
    made = Contest.objects.create(review=review, item_key=item.key, text=sealed, raised_by=by, raised_at=now)
    _log(made, "contest", by)
    return made


@transaction.atomic
def propose(
    *, contest: Contest, keeps: bool, score: int | None = None, is_not_applicable: bool = False, text: str, by: User, now: dt.datetime
) -> Contest:
    """The rater answers, or a supervisor in the place of one who has left: the score stays, or another is proposed. Proposing again
    replaces it. Raises ContestRefused, vault.KeyGone."""
    locked = _open(contest)
    if not permissions.can_answer_contest(by, locked):
        raise ContestRefused("The person who gave the score answers first, or a supervisor once that person has left the team.")
    item = item_of(locked)
    if not keeps:
        if (score is None) != is_not_applicable:
            raise ContestRefused("Choose the score that you propose.")
        if is_not_applicable and not item.allows_na:
            raise ContestRefused(f"{item.name} is always rated: it cannot be not applicable.")
        if score is not None and not item.least <= score <= item.most:
            raise ContestRefused(f"A score is a whole number from {item.least} to {item.most}.")
        if score == original(locked).score:
            raise ContestRefused("That is the score that it has. Say that it stays, or choose another.")
    answer = comments.sealed(locked.review.recording, text)
    if answer is None:
        raise ContestRefused("Say why, so that the therapist can learn from it.")
    before, locked.answer = locked.answer, answer
    locked.score, locked.is_not_applicable = (None, False) if keeps else (score, is_not_applicable)
    locked.answered_by = by
    locked.save(update_fields=["answer", "answered_by", "score", "is_not_applicable"])
    if before is not None:
        before.delete()
    _log(locked, "contest_propose", by)
    return locked


@transaction.atomic
def agree(*, contest: Contest, seen: str, by: User, now: dt.datetime) -> Contest:
    """Somebody else than the rater and the therapist agrees to the proposal that they saw (`seen`, its version). Raises ContestRefused."""
    locked = _open(contest)
    _refuse_unless_second(locked, by, seen)
    if is_changed(locked):
        _consensus(locked, by=by, now=now)
    locked.state = State.CHANGED if is_changed(locked) else State.KEPT
    locked.closed_at, locked.closed_by = now, by
    locked.save(update_fields=["state", "closed_at", "closed_by"])
    _log(locked, "contest_agree", by)
    return locked


@transaction.atomic
def send_back(*, contest: Contest, seen: str, by: User, now: dt.datetime) -> Contest:
    """The second person does not agree to what they saw: the two talk, and the rater proposes anew. Raises ContestRefused."""
    locked = _open(contest)
    _refuse_unless_second(locked, by, seen)
    answer, locked.answer, locked.answered_by = locked.answer, None, None
    locked.score, locked.is_not_applicable = None, False
    locked.save(update_fields=["answer", "answered_by", "score", "is_not_applicable"])
    if answer is not None:
        answer.delete()
    _log(locked, "contest_send_back", by)
    return locked


@transaction.atomic
def take_back(*, contest: Contest, by: User, now: dt.datetime) -> Contest:
    """The therapist lets it rest. Raises ContestRefused."""
    locked = _open(contest)
    if by.pk != locked.raised_by_id:
        raise ContestRefused("Only the person who disagreed can take it back.")
    locked.state, locked.closed_at, locked.closed_by = State.TAKEN_BACK, now, by
    locked.save(update_fields=["state", "closed_at", "closed_by"])
    _log(locked, "contest_take_back", by)
    return locked


def _open(contest: Contest) -> Contest:
    Review.objects.select_for_update(of=("self",)).get(pk=contest.review_id)
    related = ("review__recording__team", "review__recording__consent", "review__rater", "answer")
    locked = Contest.objects.select_related(*related).get(pk=contest.pk)
    if locked.review.recording.state == Recording.State.DESTROYED:
        raise ContestRefused("The recording is gone, and with it the words about it. The score stays as it was given.")
    if locked.state != State.OPEN:
        raise ContestRefused("This has been decided already. Look at it as it is now.")
    return locked


def _refuse_unless_second(contest: Contest, by: User, seen: str) -> None:
    if not permissions.can_agree_contest(by, contest):
        raise ContestRefused("A supervisor or a consultant of the team, other than the rater, who answered, and the therapist, agrees.")
    if contest.answer_id is None:
        raise ContestRefused("The rater has not answered yet.")
    if version(contest) != seen:
        raise ContestRefused("The answer has changed since you opened the page. Read it again, then decide.")


def _consensus(contest: Contest, *, by: User, now: dt.datetime) -> None:
    """The latest consensus of the session, or else the rating itself, with the agreed score in its place; released at once."""
    review = contest.review
    own = Rating.objects.get(source=review.pk)
    agreed = Rating.objects.filter(kind=Rating.Kind.CONSENSUS, session=review.recording_id, instrument=own.instrument_id)
    base = agreed.released().order_by("-submitted_at", "-pk").first() or own
    scores = dict(ItemScore.objects.filter(rating=base).values_list("item__key", "score"))
    ratings.record(
        instrument=own.instrument,
        therapist=own.therapist,
        rater=own.rater,
        team=own.team,
        source=contest.pk,
        kind=Rating.Kind.CONSENSUS,
        session=review.recording_id,
        is_blind=False,
        session_on=own.session_on,
        share_heard=own.share_heard,
        scores={**scores, contest.item_key: contest.score},
        by=by,
        now=now,
    )
    ratings.release(source=contest.pk, by=by, now=now)


def _log(contest: Contest, verb: str, by: User) -> None:
    data = {"contest": str(contest.pk), "item": contest.item_key}
    log(instance=contest.review, action=f"recordings.{verb}", user=by, data=data)


# Reading


def is_changed(contest: Contest) -> bool:
    """Whether the proposal, or the decision, is another score."""
    return contest.score is not None or contest.is_not_applicable


def version(contest: Contest) -> str:
    """Changes with the proposal: a page sends back the one that it showed."""
    return str(contest.answer_id or "")


def item_of(contest: Contest) -> Item:
    return Item.objects.get(instrument=contest.review.instrument_id, key=contest.item_key)


def original(contest: Contest) -> Given:
    score = ItemScore.objects.select_related("item").get(rating__source=contest.review_id, item__key=contest.item_key)
    return Given(score.score, score.item.most)


def proposed(contest: Contest, item: Item) -> Given | None:
    return Given(contest.score, item.most) if is_changed(contest) else None


def seen_by(user: User) -> QuerySet[Contest]:
    """Those about feedback that the person may see."""
    return Contest.objects.filter(review__in=Review.objects.visible_to(user))


def waiting_for(user: User) -> QuerySet[Contest]:
    """Open ones of recordings that are kept in which it is this person's turn: the rater's first, or a supervisor's where the rater
    has left; then somebody else's who leads the team."""
    held = Membership.objects.of(user).current()
    led, supervised = (held.filter(role__in=roles).values("team") for roles in (Membership.LEADS, Membership.SUPERVISORS))
    consultants = Membership.objects.current().filter(role=Membership.Role.CONSULTANT)
    rater = consultants.filter(user=OuterRef("review__rater"), team=OuterRef("review__recording__team"))
    kept = seen_by(user).filter(state=State.OPEN).exclude(review__recording__state=Recording.State.DESTROYED)
    others = Q(answer__isnull=False, review__recording__team__in=led) & ~Q(review__rater=user)
    others &= Q(answered_by__isnull=True) | ~Q(answered_by=user)
    mine = Q(answer__isnull=True) & (Q(review__rater=user) | (~Exists(rater) & Q(review__recording__team__in=supervised)))
    turn = kept.filter(mine | others).exclude(raised_by=user)
    return turn.select_related("review__recording__therapist", "review__rater", "answered_by").order_by("raised_at", "pk")
