"""Families by reference and initials: who adds, who sees, who closes."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from supervision import families
from supervision.models import FamilyReference
from tests import factories


def form(therapist, **values):
    return {"therapist": therapist.pk, "reference": "H-2041", "initials": "C.D.", "opened_on": factories.today().isoformat(), **values}


def create(client, **values):
    return client.post(reverse("supervision:family-create", args=["harbour"]), values)


def test_a_therapist_adds_a_family_to_their_own_list(as_user, thea):
    assert create(as_user(thea), **form(thea)).status_code == 302
    assert FamilyReference.objects.get().therapist == thea


def test_a_therapist_cannot_add_to_anothers_list(as_user, thea, tom):
    assert create(as_user(thea), **form(tom)).status_code == 422
    assert not FamilyReference.objects.exists()


def test_a_supervisor_adds_for_a_therapist(as_user, sam, tom):
    assert create(as_user(sam), **form(tom)).status_code == 302


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"reference": "Thompson"}, "at least one digit"),
        ({"initials": "Thompson"}, "at most four letters"),
        ({"opened_on": "2999-01-01"}, "in the future"),
    ],
)
def test_what_could_be_a_name_or_a_slip_is_refused(as_user, thea, values, words):
    response = create(as_user(thea), **form(thea, **values))
    assert response.status_code == 422
    assert words in response.content.decode()


def test_a_reference_is_on_the_list_once_whatever_its_case(as_user, thea, harbour):
    factories.make_family(harbour, thea, reference="H-2041")
    assert create(as_user(thea), **form(thea, reference="h-2041")).status_code == 422


def test_each_therapist_sees_their_own_and_the_leads_see_all(as_user, thea, tom, cora, harbour):
    factories.make_family(harbour, thea, reference="H-1")
    factories.make_family(harbour, tom, reference="H-2")
    url = reverse("supervision:family-list", args=["harbour"])
    own = as_user(thea).get(url).content.decode()
    assert "H-1" in own
    assert "H-2" not in own
    everybodys = as_user(cora).get(url).content.decode()
    assert "H-1" in everybodys
    assert "H-2" in everybodys


def test_closing_keeps_the_family_and_says_what_stays(as_user, thea, harbour):
    family = factories.make_family(harbour, thea)
    url = reverse("supervision:family-close", args=["harbour", family.pk])
    client = as_user(thea)
    assert "Recordings, until the dates" in client.get(url).content.decode()
    client.post(url, {"on": factories.today().isoformat()})
    family.refresh_from_db()
    assert family.closed_on == factories.today()


def test_it_closes_once_and_not_before_it_opened(thea, harbour):
    family = factories.make_family(harbour, thea)
    with pytest.raises(families.FamilyRefused, match="before it opened"):
        families.close_family(family=family, on=family.opened_on - dt.timedelta(days=1), by=thea, now=timezone.now())
    families.close_family(family=family, on=factories.today(), by=thea, now=timezone.now())
    with pytest.raises(families.FamilyRefused, match="was closed"):
        families.close_family(family=family, on=factories.today(), by=thea, now=timezone.now())


def test_the_list_asks_as_many_questions_of_the_database_for_many_families_as_for_one(
    as_user, harbour, thea, sam, django_assert_max_num_queries
):
    client = as_user(sam)
    address = reverse("supervision:family-list", args=["harbour"])
    factories.make_family(harbour, thea)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for _ in range(8):
        factories.make_family(harbour, thea)
    with django_assert_max_num_queries(len(few)):
        assert client.get(address).content.decode().count("/close/") == 9


def test_a_long_list_comes_in_pages_and_can_be_searched(as_user, sam, thea, harbour):
    for number in range(60):
        factories.make_family(harbour, thea, reference=f"H-{300 + number}")
    factories.make_family(harbour, thea, reference="H-777", closed_on=factories.today())
    address = reverse("supervision:family-list", args=["harbour"])
    first, second = (as_user(sam).get(address, {"page": page}).text for page in (1, 2))
    assert (first.count('<th scope="row">'), second.count('<th scope="row">')) == (50, 10)
    found = as_user(sam).get(address, {"find": "h-35\x00"}).text
    assert found.count('<th scope="row">') == 10
    assert "H-777" not in first + second + found
    assert "H-777" in as_user(sam).get(address, {"show": "closed"}).text
    assert "No family matches" in as_user(sam).get(address, {"find": "nothing"}).text
