"""The team page: defaults, filters in the address, the panel, the CSV."""

import csv
import io

import pytest
from django.urls import reverse

from supervision.models import Membership
from tests import factories

Role = Membership.Role


@pytest.fixture
def asked(harbour):
    factories.make_requirement(harbour.programme, "course", key="orientation", name="Orientation", position=1)
    factories.make_requirement(
        harbour.programme, "supervision", key="weekly", name="Weekly supervision", roles=[Role.THERAPIST], position=2
    )


@pytest.fixture
def newcomer(harbour):
    return factories.make_member("nina", harbour, Role.SUPERVISOR, starts_on=factories.today())


def page(client, team, **query):
    return client.get(reverse("supervision:team-detail", args=[team.slug]), query)


def test_only_what_needs_action_is_shown_first(as_user, sam, thea, newcomer, harbour, asked):
    content = page(as_user(sam), harbour).content.decode()
    assert "Thea Example" in content
    assert "Nina Example" not in content
    assert "Show everybody" in content


def test_everybody_is_shown_when_nothing_needs_action(as_user, harbour, newcomer, asked, mona):
    content = page(as_user(mona), harbour).content.decode()
    assert "Nothing here is overdue or due soon" in content
    assert "Nina Example" in content


def test_the_switch_and_the_filters_stay_in_the_address(as_user, sam, thea, newcomer, harbour, asked):
    client = as_user(sam)
    assert "Nina Example" in page(client, harbour, show="all").content.decode()
    assert "Nina Example" not in page(client, harbour, show="all", role="therapist").content.decode()
    narrowed = page(client, harbour, show="all", requirement="weekly")
    assert [requirement.key for requirement in narrowed.context["requirements"]] == ["weekly"]


def test_nonsense_in_the_address_gives_the_usual_page(as_user, sam, thea, harbour, asked):
    assert page(as_user(sam), harbour, show="x", role="x", requirement="x", sort="x", on="x").status_code == 200


@pytest.mark.parametrize("day", ["9999-12-31", "9999-12-01", "0001-01-01", "soon"])
@pytest.mark.parametrize("page", ["team-detail", "team-matrix-csv"])
def test_a_day_beyond_the_calendar_is_read_as_today(as_user, sam, thea, harbour, asked, page, day):
    client, address = as_user(sam), reverse(f"supervision:{page}", args=["harbour"])
    answer = client.get(address, {"on": day})
    assert answer.status_code == 200
    if page == "team-matrix-csv":
        assert answer.content == client.get(address).content


def test_the_page_as_at_an_earlier_day(as_user, sam, thea, harbour, asked):
    content = page(as_user(sam), harbour, show="all", on=factories.days_ago(58).isoformat()).content.decode()
    assert "Not started" in content
    assert f"?on={factories.days_ago(58).isoformat()}" in content


def test_sorting_by_urgency_puts_the_latest_first(as_user, sam, thea, newcomer, harbour, asked):
    rows = page(as_user(sam), harbour, show="all", sort="urgency").context["rows"]
    assert rows[-1]["person"] == newcomer


def test_a_cell_has_a_word_a_shape_and_a_date(as_user, sam, thea, harbour, asked):
    content = page(as_user(sam), harbour).content.decode()
    assert "Overdue" in content
    assert 'class="pl-shape"' in content
    assert "Was due" in content


def test_the_panel_gives_rule_reasons_arithmetic_and_what_to_do(as_user, sam, thea, harbour, asked):
    url = reverse("supervision:cell-detail", args=["harbour", thea.pk, "orientation"])
    client = as_user(sam)
    panel = client.get(url, headers={"HX-Request": "true", "HX-Target": "panel"}).content.decode()
    whole = client.get(url).content.decode()
    assert "<html" not in panel
    for content in (panel, whole):
        assert "Everybody does this." in content
        assert "30 days from" in content
        assert "None on record." in content
        assert "Waive for a time" in content


def test_people_see_why_about_themselves_but_not_the_buttons(as_user, thea, harbour, asked):
    content = as_user(thea).get(reverse("supervision:cell-detail", args=["harbour", thea.pk, "orientation"])).content.decode()
    assert "30 days from" in content
    assert "Waive for a time" not in content


def test_an_unknown_requirement_is_not_found(as_user, sam, thea, harbour, asked):
    assert as_user(sam).get(reverse("supervision:cell-detail", args=["harbour", thea.pk, "no-such"])).status_code == 404


def rows_of(response):
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_the_csv_has_the_rows_of_the_page_with_reasons(as_user, sam, thea, newcomer, harbour, asked):
    response = as_user(sam).get(reverse("supervision:team-matrix-csv", args=["harbour"]))
    rows = rows_of(response)
    assert {row["person"] for row in rows} == {"Thea Example", "Sam Example"}
    assert all(row["reasons"] for row in rows)
    assert response["Content-Disposition"].startswith("attachment")


def test_a_name_cannot_become_a_formula(as_user, sam, harbour, asked):
    factories.make_member("evil", harbour, Role.THERAPIST).__class__.objects.filter(first_name="Evil").update(
        first_name='=HYPERLINK("http://x")'
    )
    rows = rows_of(as_user(sam).get(reverse("supervision:team-matrix-csv", args=["harbour"])))
    assert '\'=HYPERLINK("http://x") Example' in {row["person"] for row in rows}


def test_the_page_stays_within_its_queries(as_user, sam, harbour, asked, django_assert_max_num_queries):
    for number in range(10):
        factories.make_member(f"person{number}", harbour, Role.THERAPIST)
    client = as_user(sam)
    page(client, harbour)
    with django_assert_max_num_queries(24):
        page(client, harbour, show="all")
