"""Goals of a development plan: set, looked at again, met or given up; seen by the therapist and those who lead the team."""

import datetime as dt
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from cms import dashboard
from supervision import development, teams
from supervision.models import DevelopmentGoal, Membership
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def goal(thea, harbour, sam):
    return set_goal(thea, harbour, sam)


def set_goal(person, team, by, text="Ask what happened just before", **fields):
    return development.set_goal(therapist=person, team=team, text=text, by=by, now=timezone.now(), **fields)


def plan(client, team, person):
    return client.get(reverse("supervision:plan", args=[team.slug, person.pk]))


def test_a_goal_is_set_on_the_page_and_shown_to_the_therapist_and_the_leads(thea, harbour, sam, cora, as_user):
    address = reverse("supervision:goal-create", args=[harbour.slug, thea.pk])
    again = factories.today() + dt.timedelta(days=30)
    assert as_user(sam).post(address, {"text": "Ask for one thing to try", "look_again_on": again.isoformat()}).status_code == 302
    for person in (thea, cora, sam):
        assert "Ask for one thing to try" in plan(as_user(person), harbour, thea).content.decode()


def test_nobody_else_knows_of_the_plan(goal, harbour, thea, tom, mona, ada, olly, as_user):
    for person in (tom, mona, ada, olly):
        assert plan(as_user(person), harbour, thea).status_code == 404


def test_it_ends_with_the_membership(goal, harbour, thea, as_user):
    teams.end_membership(membership=Membership.objects.get(user=thea), on=factories.days_ago(1), by=None, now=timezone.now())
    assert plan(as_user(thea), harbour, thea).status_code == 404
    assert not DevelopmentGoal.objects.visible_to(thea).exists()


def test_an_empty_goal_is_answered_with_422(harbour, thea, as_user):
    answer = as_user(thea).post(reverse("supervision:goal-create", args=[harbour.slug, thea.pk]), {"text": "  "})
    assert answer.status_code == 422
    assert "Write what is to be practised." in answer.content.decode()


def test_the_day_to_look_again_is_never_in_the_past(thea, harbour, goal):
    with pytest.raises(development.GoalRefused, match="past"):
        set_goal(thea, harbour, thea, look_again_on=factories.days_ago(1))
    with pytest.raises(development.GoalRefused, match="past"):
        development.look_again(goal=goal, on=factories.days_ago(1), by=thea, now=timezone.now())


def test_only_who_works_with_families_there_has_goals(harbour, cora, sam):
    with pytest.raises(development.GoalRefused, match="does not work with families"):
        set_goal(cora, harbour, sam)


def test_the_same_words_from_the_same_review_are_one_goal(thea, harbour):
    source = uuid.uuid4()
    assert set_goal(thea, harbour, thea, source=source) == set_goal(thea, harbour, thea, source=source)
    assert DevelopmentGoal.objects.count() == 1


def test_a_goal_is_met_with_what_showed_it(goal, harbour, thea, as_user):
    address = reverse("supervision:goal-close", args=[harbour.slug, thea.pk, goal.pk])
    assert as_user(thea).post(address, {"state": "met", "outcome": "In three sessions running"}).status_code == 302
    goal.refresh_from_db()
    assert (goal.state, goal.outcome, goal.closed_by) == ("met", "In three sessions running", thea)


def test_giving_up_needs_a_reason(goal, harbour, thea, as_user):
    address = reverse("supervision:goal-close", args=[harbour.slug, thea.pk, goal.pk])
    answer = as_user(thea).post(address, {"state": "dropped", "outcome": ""})
    assert answer.status_code == 422
    assert "why it is given up" in answer.content.decode()
    goal.refresh_from_db()
    assert goal.state == "open"


def test_a_closed_goal_stays_closed(goal, thea):
    development.close(goal=goal, state="met", by=thea, now=timezone.now())
    with pytest.raises(development.GoalRefused, match="closed on"):
        development.close(goal=goal, state="dropped", outcome="No", by=thea, now=timezone.now())


def test_the_home_page_says_when_it_is_to_be_looked_at(thea, tom, harbour):
    set_goal(thea, harbour, thea, look_again_on=factories.today())
    set_goal(tom, harbour, tom, look_again_on=factories.today() + dt.timedelta(days=1))
    assert "goal" in " ".join(need.sentence for need in dashboard.build(thea, now=timezone.now()).needs)
    assert "goal" not in " ".join(need.sentence for need in dashboard.build(tom, now=timezone.now()).needs)


def test_the_plan_is_taken_away_as_a_file_that_no_spreadsheet_takes_for_a_formula(thea, harbour, as_user):
    set_goal(thea, harbour, thea, text="=1+1 questions at a time")
    text = as_user(thea).get(reverse("supervision:plan-csv", args=[harbour.slug, thea.pk])).content.decode()
    assert "'=1+1 questions" in text
