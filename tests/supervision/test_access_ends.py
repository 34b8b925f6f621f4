"""Access ends with the membership, the cover or the account: the same day, with nobody doing anything."""

import datetime as dt

from django.urls import reverse

from supervision import permissions
from supervision.models import FamilyReference, Membership, Team
from tests import factories


def test_whose_membership_ended_yesterday_has_nothing_today(as_user, lena, harbour):
    family = factories.make_family(harbour, lena)
    assert not Team.objects.visible_to(lena).exists()
    assert not FamilyReference.objects.visible_to(lena).filter(pk=family.pk).exists()
    assert as_user(lena).get(reverse("supervision:person-detail", args=["harbour", lena.pk])).status_code == 404


def test_the_last_day_itself_still_counts(as_user, thea, harbour):
    Membership.objects.filter(user=thea).update(ends_on=factories.today())
    assert as_user(thea).get(reverse("supervision:person-detail", args=["harbour", thea.pk])).status_code == 200


def test_a_membership_that_begins_tomorrow_gives_nothing_yet(harbour):
    future = factories.make_member("fay", harbour, Membership.Role.SUPERVISOR, starts_on=factories.today() + dt.timedelta(days=1))
    assert not permissions.can_manage_team(future, harbour)
    assert not Team.objects.visible_to(future).exists()


def test_cover_runs_out_by_itself(as_user, bea, harbour):
    url = reverse("supervision:team-detail", args=["harbour"])
    assert as_user(bea).get(url).status_code == 200
    Membership.objects.filter(user=bea).update(ends_on=factories.days_ago(1))
    assert as_user(bea).get(url).status_code == 404
    assert not permissions.can_lead(bea, harbour)


def test_closing_an_account_ends_its_sessions_at_once(as_user, sam, harbour):
    client = as_user(sam)
    url = reverse("supervision:team-detail", args=["harbour"])
    assert client.get(url).status_code == 200
    sam.is_active = False
    sam.save()
    response = client.get(url)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_a_closed_account_cannot_sign_in(client, sam):
    sam.is_active = False
    sam.save()
    client.post(reverse("account_login"), {"login": sam.email, "password": factories.PASSWORD})
    assert "_auth_user_id" not in client.session
