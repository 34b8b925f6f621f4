"""The names that are to be taken out: kept sealed, for the therapist and the supervisors only."""

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from recordings import casefile
from recordings.models import NameList
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def family(harbour, thea):
    return factories.make_family(harbour, thea)


def keep(family, names):
    return casefile.set_names(family=family, names=names, by=family.therapist, now=timezone.now())


def test_a_family_without_a_list_has_no_names(family):
    assert casefile.names(family) == []


def test_they_come_back_trimmed_and_each_once(family):
    assert keep(family, [" Jayden ", "", "jayden", "Nan  Pat", "Rex"]) == ["Jayden", "Nan Pat", "Rex"]
    assert casefile.names(family) == ["Jayden", "Nan Pat", "Rex"]
    keep(family, ["Rex"])
    assert casefile.names(family) == ["Rex"]


def test_each_family_has_its_own(family, harbour, thea):
    other = factories.make_family(harbour, thea)
    keep(family, ["Jayden"])
    keep(other, ["Rex"])
    assert (casefile.names(family), casefile.names(other)) == (["Jayden"], ["Rex"])


@pytest.mark.parametrize(("names", "words"), [(["x" * 81], "more than 80"), ([f"name {n}" for n in range(201)], "201 names")])
def test_too_much_is_refused_and_changes_nothing(family, names, words):
    keep(family, ["Rex"])
    with pytest.raises(casefile.NamesRefused, match=words):
        keep(family, names)
    assert casefile.names(family) == ["Rex"]


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.lists(st.text(max_size=30), max_size=12))
def test_what_is_kept_is_what_comes_back_and_can_be_kept_again(family, typed):
    kept = keep(family, typed)
    assert casefile.names(family) == kept
    assert keep(family, kept) == kept
    assert len({name.casefold() for name in kept}) == len(kept)


def test_no_name_stands_in_the_database(family):
    keep(family, ["Jaydenzeal"])
    assert b"Jaydenzeal" not in bytes(NameList.objects.get().sealed)
    if connection.vendor == "sqlite":
        dump = "\n".join(connection.connection.iterdump()) if hasattr(connection.connection, "iterdump") else ""
        assert dump
        assert "Jaydenzeal" not in dump


def test_the_page_keeps_them(as_user, thea, sam, family):
    page = f"/recordings/families/{family.pk}/names/"
    response = as_user(thea).post(page, {"names": "Jayden\r\nRex\r\n"}, follow=True)
    assert b"2 names are kept" in response.content
    response = as_user(sam).get(page)
    assert b"Jayden\nRex" in response.content
    assert "no-store" in response["Cache-Control"]
    assert as_user(thea).post(page, {"names": "x" * 100}).status_code == 422


def test_the_consultant_and_the_other_therapist_do_not_see_them(as_user, cora, tom, family):
    keep(family, ["Jayden"])
    page = f"/recordings/families/{family.pk}/names/"
    assert as_user(cora).get(page).status_code == 403
    assert as_user(tom).get(page).status_code == 404
