"""The rows of the home page about what comes of feedback: disagreements, what was tried, goals, clips, booster topics."""

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone

from cms.dashboard_rows import DUE, LOOK, WAITING, Line, Need, day
from recordings import clips, contesting, permissions, trying
from recordings.models import Clip, Contest
from supervision import boosters, development
from supervision.models import Membership

if TYPE_CHECKING:
    from cms.dashboard import Viewer

LATELY = dt.timedelta(days=14)


def contests(who: "Viewer") -> Iterator[Need]:
    """Scores that a therapist sees differently, when it is this person's turn."""
    for contest in contesting.waiting_for(who.user):
        review = contest.review
        name, on = review.recording.therapist.first_name, day(review.recording.session_on)
        is_rater, is_answered = who.user.pk == review.rater_id, contest.answer_id is not None
        if is_rater:
            sentence = f"{name} sees a score of your feedback on the session of {on} differently."
        elif is_answered:
            answered_by = contest.answered_by or review.rater
            sentence = f"{answered_by.first_name} has answered {name}, who sees a score of the session of {on} differently."
        else:
            sentence = f"{name} sees a score of the session of {on} differently. {review.rater.first_name}, who gave it, has left the team."
        url = reverse("recordings:contest", args=[contest.pk])
        yield Need(WAITING, sentence, url, "Decide" if is_answered else "Answer", status="Waiting", tone="due")


def to_try(who: "Viewer") -> Iterator[Need]:
    for review in trying.to_ask(who.user, now=who.now):
        yield Need(
            LOOK,
            f"What became of {review.rater.first_name}’s feedback on your session of {day(review.recording.session_on)}?",
            reverse("recordings:feedback", args=[review.pk]) + "#part-growth",
            "Tell",
            is_secondary=True,
        )


def goals(who: "Viewer") -> Iterator[Need]:
    """One's own by each, those of others by the person."""
    due = development.due(who.user, on=who.today)
    people: dict[int, int] = {}
    for goal in due:
        people[goal.therapist_id] = people.get(goal.therapist_id, 0) + 1
    for goal in due:
        count = people.pop(goal.therapist_id, 0)
        if not count:
            continue
        whose = "your" if goal.therapist_id == who.user.pk else f"{goal.therapist.first_name}’s"
        yield Need(
            DUE if whose == "your" else LOOK,
            f"It is time to look at {'a goal' if count == 1 else f'{count} goals'} of {whose} development plan.",
            reverse("supervision:plan", args=[goal.team.slug, goal.therapist_id]),
            "Look at it" if count == 1 else "Look at them",
            is_secondary=True,
        )


def clips_to_decide(who: "Viewer") -> Iterator[Need]:
    for clip in clips.seen_by(who.user).filter(state=Clip.State.PROPOSED).exclude(made_by=who.user).order_by("made_at", "pk"):
        if permissions.can_decide_clip(who.user, clip) and not clips.why_closed(clip, on=who.today):
            yield Need(
                LOOK,
                f"{clip.made_by.first_name} has made a teaching clip. Listen to it and decide.",
                reverse("recordings:clip", args=[clip.pk]),
                "Listen",
                is_secondary=True,
            )


def booster_topics(who: "Viewer") -> Iterator[Need]:
    for team in who.teams(*Membership.SUPERVISORS):
        count = len(boosters.waiting(team, on=who.today, user=who.user))
        if count:
            yield Need(
                LOOK,
                f"{'One topic is' if count == 1 else f'{count} topics are'} proposed for the next booster of {team.name}.",
                reverse("supervision:booster-topics", args=[team.slug]),
                "Look at it" if count == 1 else "Look at them",
                is_secondary=True,
            )


def lately(who: "Viewer") -> Iterator[Line]:
    """What therapists told of feedback, and what was decided about a score."""
    for told in trying.news(who.user, since=who.now - LATELY)[:4]:
        sentence = f"{told.author.first_name} told what became of the feedback on the session of {day(told.review.recording.session_on)}"
        yield Line(timezone.localdate(told.written_at), sentence, reverse("recordings:feedback", args=[told.review_id]))
    decided = contesting.seen_by(who.user).filter(
        state__in=[Contest.State.KEPT, Contest.State.CHANGED], closed_at__gte=who.now - LATELY, raised_by=who.user
    )
    for contest in decided.select_related("review__recording").order_by("-closed_at", "pk")[:3]:
        if contest.closed_at is not None:
            sentence = (
                f"It was decided about a score of your session of {day(contest.review.recording.session_on)} that you see differently"
            )
            yield Line(timezone.localdate(contest.closed_at), sentence, reverse("recordings:contest", args=[contest.pk]))
