"""Gold recordings, and the exercises that raters do on them: openly, or hidden in the ordinary queue.

An exercise is rated like any other session, counts for no therapist, and is never released. Withdrawal of the recording closes
what is open; the numbers stay.
"""

import datetime as dt
import random
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac
from wagtail.log_actions import log

from recordings import assigning, consent, permissions
from recordings.models import Assignment, Comparison, GoldScore, GoldStandard, Purpose, Recording, Review
from supervision.models import Instrument, ItemScore, Membership, Rating, User

HIDDEN_AFTER = (6, 14)  # ordinary ratings asked of a rater before the next hidden exercise, drawn anew for each: 10 on average
DUE_DAYS = 14
Part, State = Assignment.Part, GoldStandard.State
NEEDED = (Purpose.RECORD, Purpose.REVIEW, Purpose.TRAIN_RATERS)


class CalibrationRefused(Exception):
    """It cannot be done now; str() says why, for people."""


def sources(user: User) -> QuerySet[Review]:
    """The reviews from which this person may make a gold recording: settled by two, or an own submitted one, where everybody heard
    agreed to rater training, and no gold has been made of it yet."""
    today = timezone.localdate()
    agreed = Recording.objects.ready()
    for purpose in NEEDED:
        agreed = agreed.agreed_to(purpose, on=today)
    leads = Membership.objects.of(user).on(today).filter(role__in=Membership.LEADS)
    compared = Comparison.objects.visible_to(user).filter(agreed_at__isnull=False)
    done = Review.objects.filter(recording__in=agreed, recording__team__in=leads.values("team"), submitted_at__isnull=False)
    usable = done.filter(pk__in=compared.values("first")) | done.filter(rater=user, state__in=["submitted", "released"])
    usable = usable.exclude(assignment__part=Part.GOLD).exclude(comparison_as_second__isnull=False)
    made = GoldStandard.objects.values("recording")
    return usable.exclude(recording__in=made).select_related("recording__therapist", "instrument", "rater").order_by("-submitted_at", "pk")


@transaction.atomic
def make_gold(*, review: Review, label: str, by: User, now: dt.datetime) -> GoldStandard:
    """Makes the scores of a review, or of the consensus that it led to, the gold. Raises CalibrationRefused."""
    recording = Recording.objects.select_for_update(of=("self",)).select_related("consent").get(pk=review.recording_id)
    _check_recording(recording, now)
    if review.submitted_at is None:
        raise CalibrationRefused("Submit the review first; then its scores can be the gold.")
    comparison = Comparison.objects.filter(first=review).first()
    if comparison is not None and comparison.agreed_at is None:
        raise CalibrationRefused("The two raters have not agreed yet. Their consensus can be the gold.")
    source = comparison.pk if comparison else review.pk
    scores = list(ItemScore.objects.filter(rating__source=source).select_related("item").order_by("item__position", "pk"))
    try:
        with transaction.atomic():
            gold = GoldStandard.objects.create(
                recording=recording, instrument=review.instrument, label=label.strip(), state=State.IN_USE, made_by=by, made_at=now
            )
    except IntegrityError:
        raise CalibrationRefused("A gold recording has been made of this session already.") from None
    GoldScore.objects.bulk_create(
        GoldScore(gold=gold, item_key=one.item.key, score=one.score, is_not_applicable=one.score is None) for one in scores
    )
    log(instance=gold, action="recordings.gold_make", user=by, data={"recording": str(recording.pk)})
    return gold


@transaction.atomic
def retire(*, gold: GoldStandard, by: User, now: dt.datetime) -> None:
    """No new exercises on it; those given out may be finished. Again: no change."""
    if GoldStandard.objects.filter(pk=gold.pk).exclude(state=State.RETIRED).update(state=State.RETIRED):
        log(instance=gold, action="recordings.gold_retire", user=by, data={})


def fit(rater: User, gold: GoldStandard, *, on: dt.date) -> str:
    """Why this rater cannot do that exercise, as a sentence; empty where nothing is in the way."""
    recording = gold.recording
    consults = Membership.objects.of(rater).on(on).filter(role=Membership.Role.CONSULTANT, team__programme=recording.team.programme_id)
    if not consults.exists():
        return "Exercises are for consultants of the programme."
    if rater.pk == recording.therapist_id:
        return "It is the rater’s own session."
    if (
        Assignment.objects.filter(recording=recording, rater=rater).exists()
        or Review.objects.filter(recording=recording, rater=rater).exists()
    ):
        return "The rater has been asked to rate this session before."
    if rater.pk in permissions.raters_with_conflict(recording):
        return "The rater has declared a conflict of interest."
    if assigning.could_see(rater, recording) or _took_part(rater, gold):
        return "The rater can see what others gave this session."
    return ""


def _took_part(rater: User, gold: GoldStandard) -> bool:
    return gold.made_by_id == rater.pk


@transaction.atomic
def give(
    *, gold: GoldStandard, rater: User, is_hidden: bool = False, due_on: dt.date | None = None, by: User | None, now: dt.datetime
) -> Assignment:
    """Gives a rater the exercise. Raises CalibrationRefused."""
    gold = GoldStandard.objects.select_related("recording__consent", "recording__team", "instrument").get(pk=gold.pk)
    today = timezone.localdate(now)
    User.objects.select_for_update(no_key=True).get(pk=rater.pk)  # a form sent twice gives one
    if gold.state != State.IN_USE:
        raise CalibrationRefused("This gold recording is no longer in use.")
    _check_recording(gold.recording, now)
    if why := fit(rater, gold, on=today):
        raise CalibrationRefused(why)
    made = Assignment.objects.create(
        recording=gold.recording,
        rater=rater,
        instrument=gold.instrument,
        part=Part.GOLD,
        gold=gold,
        is_hidden=is_hidden,
        due_on=due_on or today + dt.timedelta(days=DUE_DAYS),
        assigned_at=now,
        assigned_by=by,
    )
    log(instance=made, action="recordings.exercise_assign", user=by, data={"gold": str(gold.pk), "rater": rater.pk})
    return made


def hide(*, now: dt.datetime) -> int:
    """Puts a hidden exercise into the queue of raters who have been asked for enough ordinary ratings since their last one.

    It is due as their newest ordinary rating was, and its session is the latest there is: what they see of it is like the others.
    """
    today = timezone.localdate(now)
    in_use = GoldStandard.objects.filter(state=State.IN_USE, recording__state=Recording.State.READY)
    newest_first = in_use.select_related("recording__consent", "recording__team", "instrument").order_by("-recording__session_on", "pk")
    golds = [gold for gold in newest_first if _agreed(gold.recording, today)]
    made = 0
    for instrument in {gold.instrument_id: gold.instrument for gold in golds}.values():
        for rater in User.objects.filter(assignments__instrument=instrument).distinct().order_by("pk"):
            if _is_time(rater, instrument):
                made += _hide([gold for gold in golds if gold.instrument_id == instrument.pk], rater, instrument, now=now)
    return made


@transaction.atomic
def _hide(golds: list[GoldStandard], rater: User, instrument: Instrument, *, now: dt.datetime) -> bool:
    today = timezone.localdate(now)
    User.objects.select_for_update(no_key=True).get(pk=rater.pk)
    if not _is_time(rater, instrument):  # another pass was first
        return False
    gold = next((gold for gold in golds if not fit(rater, gold, on=today)), None)
    if gold is None:
        return False
    give(gold=gold, rater=rater, is_hidden=True, due_on=today + _usual_time(rater, instrument), by=None, now=now)
    return True


def _is_time(rater: User, instrument: Instrument) -> bool:
    asked = Assignment.objects.filter(rater=rater, instrument=instrument)
    exercises, ordinary = asked.filter(part=Part.GOLD), asked.exclude(part=Part.GOLD)
    last = exercises.order_by("-assigned_at").first()
    since = ordinary.filter(assigned_at__gt=last.assigned_at) if last else ordinary
    return since.count() >= gap(rater, instrument, exercises.count())


def gap(rater: User, instrument: Instrument, number: int) -> int:
    """Ordinary ratings before this rater's hidden exercise of that number, from 0: each of `HIDDEN_AFTER` is as likely.

    Repeatable, so nothing about it is kept; and keyed with the site's secret, so that nobody who reads this can count ahead.
    """
    drawn = salted_hmac("recordings.calibration.gap", f"{rater.pk}/{instrument.pk}/{number}", algorithm="sha256")
    return random.Random(drawn.digest()).randint(*HIDDEN_AFTER)  # noqa: S311 (a repeatable draw; its seed is the secret)


def _usual_time(rater: User, instrument: Instrument) -> dt.timedelta:
    """The time that the rater was given for their newest ordinary rating."""
    ordinary = Assignment.objects.filter(rater=rater, instrument=instrument).exclude(part=Part.GOLD)
    newest = ordinary.order_by("-assigned_at", "pk").first()
    return newest.due_on - timezone.localdate(newest.assigned_at) if newest else dt.timedelta(days=DUE_DAYS)


def _agreed(recording: Recording, today: dt.date) -> bool:
    return all(consent.covers(recording.consent, purpose, on=today) for purpose in NEEDED)


def _check_recording(recording: Recording, now: dt.datetime) -> None:
    if recording.state != Recording.State.READY:
        raise CalibrationRefused("The recording is not there, or not ready.")
    today = timezone.localdate(now)
    for purpose in NEEDED:
        if why := consent.why_not(recording.consent, purpose, on=today):
            raise CalibrationRefused(why)


def done(rater: User, instrument: Instrument) -> list[tuple[Assignment, dict[str, tuple[int | None, int | None]]]]:
    """The rater's submitted exercises, oldest first, each with (given, gold) by item key; None is not applicable."""
    exercises = Assignment.objects.filter(rater=rater, instrument=instrument, part=Part.GOLD, review__submitted_at__isnull=False)
    found = []
    for one in exercises.select_related("gold__recording__consent", "review").order_by("review__submitted_at", "pk"):
        given: dict[str, Any] = dict(
            ItemScore.objects.filter(rating__source=one.review.pk, rating__kind=Rating.Kind.EXERCISE).values_list("item__key", "score")
        )
        gold = dict(GoldScore.objects.filter(gold=one.gold_id).values_list("item_key", "score"))
        found.append((one, {key: (given[key], gold[key]) for key in given if key in gold}))
    return found
