"""Who rates what: the recordings that plans chose are given to raters, and given to others when they are given back.

Runs by the clock and after every change. What it makes is guarded by the database, so it may run twice at once, or be killed.
"""

import datetime as dt

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from wagtail.log_actions import log

from recordings import comparing, consent, permissions, sampling
from recordings.models import Assignment, Certification, GoldStandard, Purpose, Recording, Review, SamplingDraw, SamplingPlan
from supervision import instruments
from supervision.models import Instrument, Membership, User

Part, Skip = Assignment.Part, Assignment.Skip
UNRATABLE = (Skip.SOUND, Skip.UNSUITABLE)
OWN_REASONS = (*UNRATABLE, Skip.NO_TIME)  # a rater's, besides a conflict of interest
ENOUGH_SAY_SO = 2  # raters who find that a recording cannot be rated: nobody else is asked
DUE_DAYS = 14  # for a rating that no plan asks for
GRACE_DAYS = 7  # whoever is asked late has at least so long, or the plan's days where those are fewer


class AssignmentRefused(Exception):
    """It cannot be done now; str() says why, for people."""


def run(*, now: dt.datetime) -> int:
    """One pass: draws, gives out what is not with anybody, closes what is gone. Returns how many assignments and comparisons it made."""
    today = timezone.localdate(now)
    close_gone(now=now)
    for plan in sampling.in_force(on=today):
        sampling.draw(plan, now=now)
    made = 0
    for one in _wanting():
        made += place(one.recording, one.plan, Part.FIRST, now=now) is not None
        if one.is_double:
            made += place(one.recording, one.plan, Part.SECOND, now=now) is not None
    return made + _open_missed(now=now)


def _wanting() -> list[SamplingDraw]:
    """Chosen recordings that are with nobody, or with one rater where two are wanted."""
    held = Assignment.objects.filter(recording=OuterRef("recording"), instrument=OuterRef("plan__instrument"), skipped_at__isnull=True)
    chosen = SamplingDraw.objects.filter(is_chosen=True).exclude(recording__state=Recording.State.DESTROYED)
    lacking = Q(~Exists(held.filter(part=Part.FIRST))) | Q(~Exists(held.filter(part=Part.SECOND)), is_double=True)
    related = ("recording__consent", "recording__team", "plan__instrument", "plan__team__programme")
    return list(chosen.filter(lacking).select_related(*related).order_by("drawn_at", "pk"))


def _open_missed(*, now: dt.datetime) -> int:
    """Comparisons of pairs that are both in. Submitting opens them; this finds what was submitted by other ways."""
    opened = 0
    for review in Review.objects.filter(state=Review.State.SUBMITTED, assignment__part=Part.SECOND).order_by("submitted_at", "pk"):
        with transaction.atomic():
            opened += comparing.open_where_both(review, now=now) is not None
    return opened


@transaction.atomic
def place(recording: Recording, plan: SamplingPlan, part: str, *, now: dt.datetime) -> Assignment | None:
    """Asks the fittest rater; None where somebody is asked already, where nobody can be, or where it is too late for a second."""
    return _place(recording, plan.instrument, part, plan=plan, due_days=plan.due_days, now=now)


def _place(
    recording: Recording, instrument: Instrument, part: str, *, plan: SamplingPlan | None, due_days: int, now: dt.datetime
) -> Assignment | None:
    Recording.objects.select_for_update().get(pk=recording.pk)
    if _is_served(recording, instrument, part) or _is_unratable(recording, instrument):
        return None
    today = timezone.localdate(now)
    rater = next(iter(candidates(recording, instrument, part, on=today)), None)
    if rater is None:
        return None
    arrived = timezone.localdate(recording.uploaded_at)
    due_on = max(arrived + dt.timedelta(days=due_days), today + dt.timedelta(days=min(due_days, GRACE_DAYS)))
    values = {"part": part, "plan": plan, "due_on": due_on, "assigned_at": now}
    there = _put_off(recording, instrument).filter(rater=rater)
    try:
        with transaction.atomic():
            if there.update(skipped_at=None, skipped_by=None, skip_reason="", **values):
                made = Assignment.objects.get(recording=recording, rater=rater, instrument=instrument)
            else:
                made = Assignment.objects.create(recording=recording, rater=rater, instrument=instrument, **values)
    except IntegrityError:  # another pass was first
        return None
    log(instance=made, action="recordings.assign", user=None, data={"recording": str(recording.pk), "rater": rater.pk})
    return made


@transaction.atomic
def ask_second(*, recording: Recording, by: User, now: dt.datetime) -> Assignment:
    """A session is rated by two, plan or no plan: a second rater is asked, and a first where nobody has been or has begun.
    With the plan's instrument where one asks already, or else the team's usual one. Raises AssignmentRefused."""
    recording = Recording.objects.select_for_update(of=("self",)).select_related("team", "consent").get(pk=recording.pk)
    held = Assignment.objects.filter(recording=recording, skipped_at__isnull=True).exclude(part=Part.GOLD)
    is_over = Review.objects.filter(recording=recording, state=Review.State.RELEASED).exists()
    if held.filter(part=Part.SECOND).exists() or is_over:  # one sentence: whoever is still rating it does not learn which
        raise AssignmentRefused(
            "Two raters have been asked for this session already, or its feedback has been released and a second rating would not be blind."
        )
    begun = Review.objects.filter(recording=recording, assignment__isnull=True)
    first = held.select_related("instrument").first() or begun.select_related("instrument").order_by("started_at", "pk").first()
    instrument = first.instrument if first else next(iter(instruments.choices(recording.team)), None)
    if instrument is None:
        raise AssignmentRefused("No instrument is in use here. Ask the person who runs Plumbline to load the instruments.")
    with transaction.atomic():
        ask = {"plan": None, "due_days": DUE_DAYS, "now": now}
        _place(recording, instrument, Part.FIRST, **ask)  # type: ignore[arg-type]
        made = _place(recording, instrument, Part.SECOND, **ask)  # type: ignore[arg-type]
        if made is None or not _is_served(recording, instrument, Part.FIRST):
            raise AssignmentRefused(
                "There is nobody to ask. It takes a second consultant of the team who is free of conflicts; or one of another team of "
                "the programme, where everybody heard agreed to rater training."
            )
    log(instance=made, action="recordings.second_ask", user=by, data={"recording": str(recording.pk)})
    return made


def _is_served(recording: Recording, instrument: Instrument, part: str) -> bool:
    held = Assignment.objects.filter(recording=recording, instrument=instrument, skipped_at__isnull=True)
    if held.filter(part=part).exists():
        return True
    reviews = Review.objects.filter(recording=recording, instrument=instrument)
    if part == Part.SECOND:
        return reviews.filter(state=Review.State.RELEASED).exists()
    return reviews.filter(assignment__isnull=True).exists()  # somebody began without being asked


def _put_off(recording: Recording, instrument: Instrument) -> QuerySet[Assignment]:
    """What was given back for a conflict of interest before it was begun: once the conflict is ended it may be asked for again."""
    closed = Assignment.objects.filter(recording=recording, instrument=instrument, skip_reason=Skip.CONFLICT)
    return closed.filter(review__isnull=True).exclude(part=Part.GOLD)


def _is_unratable(recording: Recording, instrument: Instrument) -> bool:
    said = Assignment.objects.filter(recording=recording, instrument=instrument, skip_reason__in=UNRATABLE)
    return said.count() >= ENOUGH_SAY_SO


def candidates(recording: Recording, instrument: Instrument, part: str, *, on: dt.date) -> list[User]:
    """Those who may rate it, the fittest first: from the team before others, certified before uncertified where calibration is in
    use, then whoever has the fewest open. A second rating may go to another team of the programme if everybody heard agreed."""
    if not all(consent.covers(recording.consent, purpose, on=on) for purpose in (Purpose.RECORD, Purpose.REVIEW)):
        return []
    held = Membership.objects.on(on).filter(role=Membership.Role.CONSULTANT)
    inside = set(held.filter(team=recording.team_id).values_list("user_id", flat=True))
    outside: set[int] = set()
    if part == Part.SECOND and consent.covers(recording.consent, Purpose.TRAIN_RATERS, on=on):
        outside = set(held.filter(team__programme=recording.team.programme_id).values_list("user_id", flat=True)) - inside
    put_off = _put_off(recording, instrument).values("pk")
    asked = Assignment.objects.filter(recording=recording).exclude(pk__in=put_off).values_list("rater_id", flat=True)
    begun = Review.objects.filter(recording=recording).values_list("rater_id", flat=True)
    barred = {recording.therapist_id, *permissions.raters_with_conflict(recording), *asked, *begun}
    people = _with_load(User.objects.filter(pk__in=(inside | outside) - barred))
    free = [user for user in people if not could_see(user, recording)]
    certified = set(certified_raters(instrument, on=on)) if calibrates(instrument) else {user.pk for user in free}
    return sorted(free, key=lambda user: (user.pk not in inside, user.pk not in certified))


def _with_load(people: QuerySet[User]) -> QuerySet[User]:
    waiting = Q(assignments__skipped_at__isnull=True) & (Q(assignments__review__isnull=True) | Q(assignments__review__state="in_progress"))
    return people.annotate(load=Count("assignments", filter=waiting)).order_by("load", "pk")


def could_see(user: User, recording: Recording) -> bool:
    """Whether the person can see what another rater gave this session, and so cannot rate it blind."""
    return Review.objects.visible_to(user).filter(recording=recording).exclude(rater=user).exists()


def calibrates(instrument: Instrument) -> bool:
    """Whether raters prove themselves on this instrument: there is a gold recording in use."""
    return GoldStandard.objects.filter(instrument=instrument, state=GoldStandard.State.IN_USE).exists()


def certified_raters(instrument: Instrument, *, on: dt.date) -> list[int]:
    """The ids of those with a certification for it that is good on that day."""
    good = Certification.objects.filter(instrument=instrument, ended_at__isnull=True, certified_on__lte=on, valid_until__gte=on)
    return list(good.values_list("rater_id", flat=True))


@transaction.atomic
def give_back(*, assignment: Assignment, reason: str, by: User, now: dt.datetime) -> None:
    """The rater will not rate it; another is asked. For a conflict of interest: `conflicts.declare`. Raises AssignmentRefused."""
    assignment = _locked(assignment)
    if assignment.rater_id != by.pk:
        raise AssignmentRefused("Only the person who was asked gives a recording back.")
    if reason not in OWN_REASONS:
        raise AssignmentRefused("Choose a reason.")
    hand_on(assignment, reason, by=by, now=now)


def hand_on(assignment: Assignment, reason: str, *, by: User, now: dt.datetime) -> None:
    """Ends it unsubmitted, and asks somebody else where there is somebody. For a transaction."""
    _skip(assignment, reason, by, now)
    if assignment.part != Part.GOLD:
        due_days = assignment.plan.due_days if assignment.plan else DUE_DAYS
        _place(assignment.recording, assignment.instrument, assignment.part, plan=assignment.plan, due_days=due_days, now=now)


@transaction.atomic
def take_off(*, assignment: Assignment, by: User, now: dt.datetime) -> None:
    """Calls off a second rating that is not in yet, for good: the first is released by itself. Raises AssignmentRefused."""
    assignment = _locked(assignment)
    if assignment.part != Part.SECOND:
        raise AssignmentRefused("Only a second rating can be taken off. A first one is given back by its rater.")
    _skip(assignment, Skip.TAKEN_OFF, by, now)
    # Of all plans: the day on which one follows another belongs to both, and whoever was asked by hand has none.
    drawn = SamplingDraw.objects.filter(recording=assignment.recording_id, plan__instrument=assignment.instrument_id)
    drawn.update(is_double=False)


def close_gone(*, now: dt.datetime) -> int:
    """Ends what is open of recordings that have been destroyed; what was submitted stays, as numbers."""
    gone = Assignment.objects.open().filter(recording__state=Recording.State.DESTROYED)
    return gone.update(skipped_at=now, skip_reason=Skip.GONE)


def _locked(assignment: Assignment) -> Assignment:
    related = ("recording__consent", "recording__team", "recording__therapist", "recording__family", "instrument", "plan__instrument")
    found = Assignment.objects.select_for_update(of=("self",)).select_related(*related).get(pk=assignment.pk)
    if found.skipped_at is not None:
        raise AssignmentRefused("This is no longer with you." if found.skip_reason != Skip.TAKEN_OFF else "This was taken off already.")
    if Review.objects.filter(assignment=found, submitted_at__isnull=False).exists():
        raise AssignmentRefused("This rating has been submitted. It can no longer be given back or taken off.")
    return found


def _skip(assignment: Assignment, reason: str, by: User, now: dt.datetime) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(skipped_at=now, skipped_by=by, skip_reason=reason)
    log(instance=assignment, action="recordings.assignment_skip", user=by, data={"reason": reason})
