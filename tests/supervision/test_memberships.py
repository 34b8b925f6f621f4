"""Adding people to a team, changing and ending their roles."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from supervision import teams
from supervision.models import Membership
from tests import factories

Role = Membership.Role


def add(team, user, role, **fields):
    fields.setdefault("starts_on", factories.today())
    return teams.add_member(team=team, user=user, role=role, by=None, now=timezone.now(), **fields)


def test_cover_needs_an_end(harbour):
    with pytest.raises(teams.MembershipError, match="last day"):
        add(harbour, factories.make_user(), Role.BACKUP_SUPERVISOR)


def test_the_same_role_twice_at_a_time_is_refused(harbour, thea):
    with pytest.raises(teams.MembershipError, match="has this role"):
        add(harbour, thea, Role.THERAPIST)


def test_a_role_of_the_whole_service_belongs_to_no_team(harbour):
    with pytest.raises(teams.MembershipError, match="whole service"):
        add(harbour, factories.make_user(), Role.IG_LEAD)
    assert add(None, factories.make_user(), Role.IG_LEAD).team is None


def test_a_team_keeps_somebody_who_manages_it(harbour, sam, ada):
    supervision, administration = sam.memberships.get(), ada.memberships.get()
    teams.end_membership(membership=supervision, on=factories.today(), by=ada, now=timezone.now())
    with pytest.raises(teams.MembershipError, match="without a supervisor or administrator"):
        teams.end_membership(membership=administration, on=factories.today(), by=None, now=timezone.now())


def test_an_ended_role_is_written_down(harbour, thea, sam, ada):
    teams.end_membership(membership=thea.memberships.get(), on=factories.today(), by=sam, now=timezone.now())
    entry = ModelLogEntry.objects.get(action="supervision.member_ended")
    assert entry.user == sam
    assert "thea" not in str(entry.data).lower()


def test_the_supervisor_adds_a_colleague_of_another_team_they_belong_to(as_user, sam, harbour):
    other = factories.make_team("Quayside")
    factories.make_membership(sam, other, Role.SUPERVISOR)
    colleague = factories.make_member("quin", other, Role.THERAPIST)
    response = as_user(sam).post(
        reverse("supervision:membership-add", args=["harbour"]),
        {
            "person": colleague.pk,
            "role": "backup_supervisor",
            "starts_on": factories.today(),
            "ends_on": factories.today() + dt.timedelta(days=14),
        },
    )
    assert response.status_code == 302
    assert colleague.memberships.filter(team=harbour, role="backup_supervisor").exists()


def test_people_of_teams_one_does_not_belong_to_are_not_on_offer(as_user, sam, olly, harbour):
    url = reverse("supervision:membership-add", args=["harbour"])
    client = as_user(sam)
    assert "Olly Example" not in client.get(url).content.decode()
    response = client.post(url, {"person": olly.pk, "role": "therapist", "starts_on": factories.today()})
    assert response.status_code == 422
    assert not olly.memberships.filter(team=harbour).exists()


@pytest.mark.parametrize("role", ["ig_lead", "content_editor"])
def test_offices_of_the_whole_service_are_not_a_teams_to_give(as_user, sam, thea, harbour, role):
    response = as_user(sam).post(
        reverse("supervision:membership-add", args=["harbour"]), {"person": thea.pk, "role": role, "starts_on": factories.today()}
    )
    assert response.status_code == 422
    assert not thea.memberships.filter(role=role).exists()


def test_cover_cannot_extend_itself(as_user, bea, harbour):
    own = bea.memberships.get()
    client = as_user(bea)
    for name in ("membership-change", "membership-end"):
        assert (
            client.post(reverse(f"supervision:{name}", args=["harbour", own.pk]), {"ends_on": "2030-01-01", "on": "2030-01-01"}).status_code
            == 403
        )


def test_the_end_can_be_moved_and_removed(as_user, sam, thea, harbour):
    membership = thea.memberships.get()
    url = reverse("supervision:membership-change", args=["harbour", membership.pk])
    client = as_user(sam)
    later = factories.today() + dt.timedelta(days=40)
    client.post(url, {"ends_on": later})
    membership.refresh_from_db()
    assert membership.ends_on == later
    client.post(url, {"ends_on": ""})
    membership.refresh_from_db()
    assert membership.ends_on is None


def test_an_end_before_the_beginning_is_refused_on_the_page(as_user, sam, thea, harbour):
    membership = thea.memberships.get()
    response = as_user(sam).post(reverse("supervision:membership-end", args=["harbour", membership.pk]), {"on": factories.days_ago(200)})
    assert response.status_code == 422
    assert "before it began" in response.content.decode()


def test_the_page_says_what_goes_and_what_stays(as_user, sam, thea, harbour):
    content = as_user(sam).get(reverse("supervision:membership-end", args=["harbour", thea.memberships.get().pk])).content.decode()
    assert "What goes" in content
    assert "What stays" in content
