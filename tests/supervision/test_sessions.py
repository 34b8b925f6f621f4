"""Recording supervision and consultation, the weeks without, and mistakes."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from supervision import sessions
from supervision.models import SupervisionSession
from supervision.periods import week
from tests import factories


def hold(team, by, people, *, held_on=None, kind="supervision", held_by=None):
    return sessions.hold(
        team=team,
        kind=kind,
        held_on=held_on or factories.today(),
        held_by=held_by or by,
        minutes=90,
        people=people,
        by=by,
        now=timezone.now(),
    )


def test_everybody_is_ticked_to_begin_with(as_user, sam, thea, tom, harbour):
    form = as_user(sam).get(reverse("supervision:session-create", args=["harbour"])).context["form"]
    assert set(form.fields["people"].initial) == {sam.pk, thea.pk, tom.pk}


def test_a_session_is_recorded_with_who_was_there(as_user, sam, thea, tom, harbour):
    data = {"kind": "supervision", "held_on": factories.today().isoformat(), "minutes": 90, "held_by": sam.pk, "people": [thea.pk]}
    response = as_user(sam).post(reverse("supervision:session-create", args=["harbour"]), data)
    assert response.status_code == 302
    session = SupervisionSession.objects.get()
    assert set(session.attendances.values_list("person_id", flat=True)) == {sam.pk, thea.pk}


@pytest.mark.parametrize(
    ("values", "words"),
    [({"held_on": "2999-01-01"}, "in the future"), ({"minutes": 2}, "at least 5 minutes"), ({"people": []}, "Tick who was there")],
)
def test_a_slip_is_explained(as_user, sam, thea, harbour, values, words):
    data = {
        "kind": "supervision",
        "held_on": factories.today().isoformat(),
        "minutes": 90,
        "held_by": sam.pk,
        "people": [thea.pk],
        **values,
    }
    response = as_user(sam).post(reverse("supervision:session-create", args=["harbour"]), data)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not SupervisionSession.objects.exists()


def test_strangers_and_people_who_had_left_were_not_there(harbour, sam, olly, lena):
    with pytest.raises(sessions.SessionRefused, match="Olly Example"):
        hold(harbour, sam, [olly])
    with pytest.raises(sessions.SessionRefused, match="Lena Example"):
        hold(harbour, sam, [lena])
    assert hold(harbour, sam, [lena], held_on=factories.days_ago(2))


def test_only_somebody_who_leads_can_have_led_it(harbour, sam, thea, tom):
    with pytest.raises(sessions.SessionRefused, match="not a supervisor or consultant"):
        hold(harbour, sam, [tom], held_by=thea)


def test_the_same_session_twice_is_refused(harbour, sam, thea):
    hold(harbour, sam, [thea])
    with pytest.raises(sessions.SessionRefused, match="recorded already"):
        hold(harbour, sam, [thea])


def test_the_list_names_the_weeks_without(as_user, sam, thea, harbour):
    last_week = week(factories.today()).start - dt.timedelta(days=7)
    hold(harbour, sam, [thea], held_on=last_week + dt.timedelta(days=1))
    content = as_user(sam).get(reverse("supervision:session-list", args=["harbour"])).content.decode()
    before = last_week - dt.timedelta(days=7)
    assert f"No supervision recorded in the week of {before.day} {before:%B %Y}." in content
    assert f"No supervision recorded in the week of {last_week.day} {last_week:%B %Y}." not in content


def test_consultation_does_not_fill_the_gap(harbour, sam, cora, thea):
    hold(harbour, cora, [thea], kind="consultation")
    assert sessions.by_week(harbour, today=factories.today(), weeks=2)[0].gap


def test_a_mistake_is_cancelled_after_asking_and_stays_on_the_list(as_user, sam, thea, harbour):
    session = hold(harbour, sam, [thea])
    url = reverse("supervision:session-cancel", args=["harbour", session.pk])
    client = as_user(sam)
    assert "Thea Example" in client.get(url).content.decode()
    session.refresh_from_db()
    assert session.cancelled_at is None
    content = client.post(url, follow=True).content.decode()
    session.refresh_from_db()
    assert session.cancelled_by == sam
    assert "Does not count" in content
    assert hold(harbour, sam, [thea])


def test_a_session_of_another_team_cannot_be_cancelled_here(as_user, sam, harbour, meadow, olly, otto):
    session = hold(meadow, otto, [olly], kind="consultation")
    assert as_user(sam).post(reverse("supervision:session-cancel", args=["harbour", session.pk])).status_code == 404
