"""What a team's reviews propose for its next booster: enough sessions of enough people, and nobody singled out."""

import datetime as dt
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from cms import dashboard
from supervision import boosters
from supervision.models import BoosterTopic, Membership
from tests import factories
from tests.supervision.test_trends import instrument, rate

__all__ = ["instrument"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def low(instrument, harbour, thea, tom, cora):
    """Three sessions of two therapists, low in fit, in the middle in strengths."""
    for therapist, score in ((thea, 1), (thea, 2), (tom, 0)):
        rate(instrument, therapist, harbour, cora, score, days=1)
    return instrument


def keys(team):
    return [one.item.key for one in boosters.proposals(team, on=factories.today(), user=lead(team))]


def lead(team):
    """Somebody who supervises the team."""
    held = Membership.objects.filter(team=team, role=Membership.Role.SUPERVISOR).first()
    return held.user if held else factories.make_member(None, team, Membership.Role.SUPERVISOR)


def test_an_item_below_the_middle_across_the_team_is_proposed_with_its_figures(low, harbour):
    (one,) = boosters.proposals(harbour, on=factories.today(), user=lead(harbour))
    assert one.item.key == "fit"
    assert (one.found.n, one.therapists, one.found.mean, one.threshold) == (3, 2, 1, 2)
    assert "3 sessions of 2 therapists; the middle of the scale is 2." in one.sentence


def test_an_item_in_the_middle_is_not(low, harbour):
    assert "strengths" not in keys(harbour)


def test_two_sessions_are_too_few(instrument, harbour, thea, tom, cora):
    rate(instrument, thea, harbour, cora, 0, days=1)
    rate(instrument, tom, harbour, cora, 0, days=1)
    assert keys(harbour) == []


def test_nobody_alone_brings_a_topic_about(instrument, harbour, thea, tom, cora):
    """However low one therapist is, a second one has to be below the middle as well."""
    for _ in range(4):
        rate(instrument, thea, harbour, cora, 0, days=1)
    assert keys(harbour) == []
    rate(instrument, tom, harbour, cora, 4, days=1)
    assert keys(harbour) == []
    rate(instrument, tom, harbour, cora, 1, days=1)
    assert keys(harbour) == ["fit"]


def test_sessions_before_the_last_quarter_do_not_count(instrument, harbour, thea, tom, cora):
    days = (factories.today() - boosters.looked_at(factories.today()).start).days
    for therapist in (thea, tom, tom):
        rate(instrument, therapist, harbour, cora, 0, days=days + 1)
    assert keys(harbour) == []
    rate(instrument, thea, harbour, cora, 0, days=days)
    rate(instrument, tom, harbour, cora, 0, days=days)
    rate(instrument, tom, harbour, cora, 0, days=days)
    assert keys(harbour) == ["fit"]


def test_the_two_quarters_and_the_coming_one_by_the_calendar():
    on = dt.date(2026, 2, 14)
    assert boosters.looked_at(on).start == dt.date(2025, 10, 1)
    assert boosters.looked_at(on).end == on
    assert (boosters.coming(on).start, boosters.coming(on).end) == (dt.date(2026, 4, 1), dt.date(2026, 6, 30))


def test_another_teams_reviews_do_not_count(low, meadow):
    assert keys(meadow) == []


def choose(client, team, decision="chosen", note="Rehearse it in pairs"):
    values = {"instrument": "two", "item": "fit", "decision": decision, "note": note}
    return client.post(reverse("supervision:booster-topics", args=[team.slug]), values)


def test_a_topic_is_chosen_with_its_figures_as_they_stood(low, harbour, sam, as_user):
    assert choose(as_user(sam), harbour).status_code == 302
    row = BoosterTopic.objects.get()
    assert (row.decision, row.note, row.quarter_starts_on) == ("chosen", "Rehearse it in pairs", boosters.coming(factories.today()).start)
    assert (row.evidence["sessions"], row.evidence["mean"]) == (3, 1)
    text = as_user(sam).get(reverse("supervision:booster-topics", args=[harbour.slug])).content.decode()
    assert "Rehearse it in pairs" in text
    assert boosters.waiting(harbour, on=factories.today(), user=sam) == []


def test_deciding_again_replaces_the_decision(low, harbour, sam, as_user):
    choose(as_user(sam), harbour)
    choose(as_user(sam), harbour, "left", "Another time")
    assert [(row.decision, row.note) for row in BoosterTopic.objects.all()] == [("left", "Another time")]


def test_what_is_not_proposed_cannot_be_chosen(instrument, harbour, sam, as_user):
    answer = choose(as_user(sam), harbour)
    assert answer.status_code == 422
    assert "not proposed any more" in answer.content.decode()
    assert not BoosterTopic.objects.exists()


def test_the_page_names_no_therapist_and_links_the_reviews(low, harbour, sam, as_user, thea, tom):
    text = as_user(sam).get(reverse("supervision:booster-topics", args=[harbour.slug])).content.decode()
    assert text.count("/recordings/feedback/") == 3
    main = text[text.index("<main") : text.index("</main")]
    assert thea.first_name not in main
    assert tom.first_name not in main


def test_a_therapist_does_not_see_the_teams_figures(low, harbour, thea, as_user):
    assert as_user(thea).get(reverse("supervision:booster-topics", args=[harbour.slug])).status_code == 403


def test_the_supervisors_home_offers_what_nobody_has_decided_on(low, harbour, sam, thea, as_user):
    def sentences(person):
        return " ".join(need.sentence for need in dashboard.build(person, now=timezone.now()).needs)

    assert "One topic is proposed for the next booster of Harbour MST team." in sentences(sam)
    assert "next booster" not in sentences(thea)
    choose(as_user(sam), harbour)
    assert "next booster of" not in sentences(sam)


def test_two_raters_do_not_make_two_sessions(instrument, harbour, thea, tom, cora):
    session = uuid.uuid4()
    rate(instrument, thea, harbour, cora, 0, days=1, session=session)
    rate(instrument, thea, harbour, factories.make_user(), 0, days=1, session=session)
    rate(instrument, tom, harbour, cora, 0, days=1)
    assert keys(harbour) == []
