"""Two blind ratings of one session side by side: opened once both are in, talked over item by item, agreed, released together.

The consensus is a rating of its own beside the two originals, which stay as they are.
"""

import datetime as dt
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F
from wagtail.log_actions import log

from recordings import comments, selfrating
from recordings.models import Assignment, Comparison, ComparisonNote, ConsensusScore, Recording, Review
from supervision import ratings
from supervision.models import Item, ItemScore, Rating, User


class ComparisonRefused(Exception):
    """It cannot be done now; str() says why, for people."""


@dataclass(frozen=True)
class Given:
    """What a rater gave an item: a score, or not applicable."""

    score: int | None

    @property
    def words(self) -> str:
        return "Not applicable" if self.score is None else str(self.score)


@dataclass
class Row:
    """One item of the comparison. `difference` is in steps of the scale; None where one rater scored and one did not."""

    item: Item
    first: Given
    second: Given
    settled: ConsensusScore | None
    notes: list[tuple[ComparisonNote, str]] = field(default_factory=list)

    @property
    def difference(self) -> int | None:
        if (self.first.score is None) != (self.second.score is None):
            return None
        return abs((self.first.score or 0) - (self.second.score or 0))

    @property
    def is_same(self) -> bool:
        return self.difference == 0

    @property
    def is_agreed(self) -> bool:
        return self.settled is not None and self.settled.agreed_by_id is not None

    @property
    def difference_words(self) -> str:
        if self.is_same:
            return "The same"
        steps = self.difference
        return "One not applicable" if steps is None else f"{steps} step{'' if steps == 1 else 's'} apart"

    @property
    def settled_words(self) -> str:
        return "" if self.settled is None else Given(self.settled.score).words


def open_where_both(review: Review, *, now: dt.datetime) -> Comparison | None:
    """Opens the comparison of a session once its first and second rating are both in; None before that. For a transaction."""
    Recording.objects.select_for_update().get(pk=review.recording_id)  # two submissions at once come one after the other
    there = Review.objects.filter(recording=review.recording_id, instrument=review.instrument_id, state=Review.State.SUBMITTED)
    second = there.filter(assignment__part=Assignment.Part.SECOND).order_by("submitted_at", "pk").first()
    first = there.filter(assignment__part=Assignment.Part.FIRST).first()
    first = first or there.filter(assignment__isnull=True).order_by("submitted_at", "pk").first()
    if first is None or second is None:
        return None
    comparison = Comparison.objects.create(first=first, second=second, opened_at=now)
    theirs = _scores(second)
    ConsensusScore.objects.bulk_create(
        ConsensusScore(
            comparison=comparison,
            item_key=key,
            score=score,
            is_not_applicable=score is None,
            proposed_by_id=first.rater_id,
            agreed_by_id=second.rater_id,
            changed_at=now,
        )
        for key, score in _scores(first).items()
        if key in theirs and theirs[key] == score
    )
    Review.objects.filter(pk__in=[first.pk, second.pk]).update(state=Review.State.COMPARED)
    log(instance=comparison, action="recordings.comparison_open", user=review.rater, data={"recording": str(review.recording_id)})
    return comparison


def rows(comparison: Comparison) -> list[Row]:
    """The items: those that still differ first, the widest apart at the top; then those that are the same, in order."""
    first, second = _scores(comparison.first), _scores(comparison.second)
    settled = {one.item_key: one for one in comparison.scores.select_related("proposed_by", "agreed_by")}
    said: dict[str, list[tuple[ComparisonNote, str]]] = {}
    for note, text in notes(comparison):
        said.setdefault(note.item_key, []).append((note, text))
    items = Item.objects.filter(instrument=comparison.first.instrument_id).order_by("position", "pk")
    found = [
        Row(item, Given(first[item.key]), Given(second[item.key]), settled.get(item.key), said.get(item.key, []))
        for item in items
        if item.key in first and item.key in second
    ]
    return sorted(found, key=lambda row: (row.is_same, -(row.difference if row.difference is not None else 1000), row.item.position))


def notes(comparison: Comparison) -> list[tuple[ComparisonNote, str]]:
    """The discussion in order, opened."""
    written = comparison.notes.select_related("author", "text").order_by("written_at", "pk")
    return [(note, comments.opened(note.text)) for note in written]


def unsettled(comparison: Comparison) -> list[Item]:
    """The items that the two have not agreed on."""
    agreed = comparison.scores.filter(agreed_by__isnull=False).values("item_key")
    return list(Item.objects.filter(instrument=comparison.first.instrument_id).exclude(key__in=agreed).order_by("position", "pk"))


@transaction.atomic
def propose(*, comparison: Comparison, item: Item, score: int | None, version: int, by: User, now: dt.datetime) -> ConsensusScore:
    """Puts a score forward (None: not applicable) for the other to agree to. Putting forward what the other did is agreeing.

    `version` is that of the proposal the person saw, 0 where there was none. Raises ComparisonRefused.
    """
    comparison = _locked(comparison, by)
    if item.instrument_id != comparison.first.instrument_id:
        raise ComparisonRefused("That item is not part of this instrument.")
    if score is None and not item.allows_na:
        raise ComparisonRefused(f"{item.name} cannot be marked as not applicable.")
    if score is not None and not item.least <= score <= item.most:
        raise ComparisonRefused(f"{item.name} is rated from {item.least} to {item.most}.")
    stored = ConsensusScore.objects.filter(comparison=comparison, item_key=item.key)
    there = stored.first()
    values = {"score": score, "is_not_applicable": score is None, "proposed_by": by, "agreed_by": None, "changed_at": now}
    if there is None:
        made = ConsensusScore.objects.create(comparison=comparison, item_key=item.key, **values)
    else:
        if there.version != version:
            raise ComparisonRefused("The other rater changed this proposal since you opened the page. Look at it again.")
        if there.score == score:
            return there if there.agreed_by_id or there.proposed_by_id == by.pk else _agreed(there, by, now)
        stored.update(version=F("version") + 1, **values)
        made = stored.get()
    log(instance=comparison, action="recordings.consensus_propose", user=by, data={"item": item.key})
    return made


@transaction.atomic
def agree(*, comparison: Comparison, item: Item, version: int, by: User, now: dt.datetime) -> ConsensusScore:
    """Agrees to what the other rater put forward, as it was on the page (`version`). Raises ComparisonRefused."""
    comparison = _locked(comparison, by)
    there = ConsensusScore.objects.filter(comparison=comparison, item_key=item.key).first()
    if there is None:
        raise ComparisonRefused("Nobody has proposed a score for this item yet. Propose one.")
    if there.version != version:
        raise ComparisonRefused("The other rater changed this proposal since you opened the page. Look at it again.")
    if there.agreed_by_id is not None:
        return there
    if there.proposed_by_id == by.pk:
        raise ComparisonRefused("You proposed this score. The other rater agrees to it or proposes another.")
    return _agreed(there, by, now)


def _agreed(there: ConsensusScore, by: User, now: dt.datetime) -> ConsensusScore:
    ConsensusScore.objects.filter(pk=there.pk).update(agreed_by=by, version=F("version") + 1, changed_at=now)
    log(instance=there.comparison, action="recordings.consensus_agree", user=by, data={"item": there.item_key})
    return ConsensusScore.objects.get(pk=there.pk)


@transaction.atomic
def discuss(*, comparison: Comparison, item_key: str, text: str, by: User, now: dt.datetime) -> ComparisonNote:
    """Adds to the discussion of an item, or of the whole (no key). Raises ComparisonRefused, vault.KeyGone."""
    comparison = _locked(comparison, by)
    if item_key and not Item.objects.filter(instrument=comparison.first.instrument_id, key=item_key).exists():
        raise ComparisonRefused("That item is not part of this instrument.")
    sealed = comments.sealed(comparison.first.recording, text)
    if sealed is None:
        raise ComparisonRefused("Write something first.")
    note = ComparisonNote.objects.create(comparison=comparison, item_key=item_key, author=by, text=sealed, written_at=now)
    log(instance=comparison, action="recordings.comparison_note", user=by, data={"note": note.pk})
    return note


@transaction.atomic
def settle(*, comparison: Comparison, by: User, now: dt.datetime) -> Comparison:
    """Keeps what the two agreed on as a consensus rating beside the originals. Doing it again changes nothing.

    It counts as heard what both heard at least: the smaller of the two shares. Raises ComparisonRefused.
    """
    comparison = _of_rater(comparison, by)
    if comparison.agreed_at is not None:
        return comparison
    _check_there(comparison)
    left = unsettled(comparison)
    if left:
        names = ", ".join(item.name for item in left)
        raise ComparisonRefused(f"Not agreed yet: {names}.")
    first, second = comparison.first, comparison.second
    recording = first.recording
    ratings.record(
        instrument=first.instrument,
        therapist=recording.therapist,
        rater=first.rater,
        team=recording.team,
        source=comparison.pk,
        session_on=recording.session_on,
        share_heard=min(first.share_heard or 0, second.share_heard or 0),
        scores={one.item_key: one.score for one in comparison.scores.all()},
        by=by,
        now=now,
        session=recording.pk,
        is_blind=False,
        kind=Rating.Kind.CONSENSUS,
    )
    Review.objects.filter(pk__in=[first.pk, second.pk]).update(state=Review.State.CONSENSUS)
    Comparison.objects.filter(pk=comparison.pk).update(agreed_at=now)
    log(instance=comparison, action="recordings.consensus_settle", user=by, data={"recording": str(recording.pk)})
    return Comparison.objects.get(pk=comparison.pk)


@transaction.atomic
def release(*, comparison: Comparison, by: User, now: dt.datetime) -> Comparison:
    """Shows both reviews and the consensus to the therapist and those who lead the team. Again: no change. Raises ComparisonRefused."""
    comparison = _of_rater(comparison, by)
    if comparison.released_at is not None:
        return comparison
    if comparison.agreed_at is None:
        raise ComparisonRefused("Agree on every item and keep the consensus first; then both reviews are released together.")
    show(comparison, by=by, now=now)
    log(instance=comparison, action="recordings.comparison_release", user=by, data={"recording": str(comparison.first.recording_id)})
    return Comparison.objects.get(pk=comparison.pk)


def show(comparison: Comparison, *, by: User, now: dt.datetime) -> None:
    """Both reviews, the consensus where there is one, and the therapist's own rating become visible. For a transaction."""
    sources = [comparison.first_id, comparison.second_id]
    Review.objects.filter(pk__in=sources).update(state=Review.State.RELEASED, released_at=now)
    Comparison.objects.filter(pk=comparison.pk).update(released_at=now)
    for source in (*sources, *([comparison.pk] if comparison.agreed_at else [])):
        ratings.release(source=source, by=by, now=now)
    selfrating.release(recording=comparison.first.recording, by=by, now=now)


def _scores(review: Review) -> dict[str, int | None]:
    return dict(ItemScore.objects.filter(rating__source=review.pk).values_list("item__key", "score"))


def _of_rater(comparison: Comparison, by: User) -> Comparison:
    related = ("first__recording__therapist", "first__recording__team", "first__rater", "first__instrument", "second__rater")
    found = Comparison.objects.select_for_update(of=("self",)).select_related(*related).get(pk=comparison.pk)
    if by.pk not in (found.first.rater_id, found.second.rater_id):
        raise ComparisonRefused("Only the two raters compare their ratings.")
    return found


def _locked(comparison: Comparison, by: User) -> Comparison:
    found = _of_rater(comparison, by)
    if found.agreed_at is not None:
        raise ComparisonRefused("The consensus is kept. It is no longer changed.")
    _check_there(found)
    return found


def _check_there(comparison: Comparison) -> None:
    if comparison.first.recording.state == Recording.State.DESTROYED:
        raise ComparisonRefused("The recording is gone. Both ratings stay as they are, as numbers.")
