"""The reviewers' list when there is much of it: what is due soon, true counts, and the rest in pages."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings.models import Assignment, Review
from tests import factories
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db


@pytest.fixture
def consent(harbour, thea):
    return factories.make_consent(factories.make_family(harbour, thea), purposes=rating.ALL)


def ask(consent, rater, *days):
    """One assignment due in each of so many days."""
    now = timezone.now()
    return [
        Assignment.objects.create(
            recording=setup.ready_recording(consent.family.therapist, consent.family.team, consent=consent),
            rater=rater,
            instrument=rating.instrument(),
            due_on=timezone.localdate(now) + dt.timedelta(days=in_days),
            assigned_at=now,
        )
        for in_days in days
    ]


@pytest.fixture
def page(as_user, cora):
    def get(by=cora, **query):
        return as_user(by).get(reverse("recordings:review-list"), query)

    return get


def test_a_short_list_is_shown_whole(consent, cora, page):
    asked = ask(consent, cora, *range(20, 30))
    answer = page()
    assert list(answer.context["asked"].rows) == asked
    assert "show=asked" not in answer.text


def test_a_long_list_begins_with_what_is_due_and_the_rest_is_a_link_away(consent, cora, page):
    asked = ask(consent, cora, *range(20, 50))
    answer = page()
    assert answer.context["asked"].rows == asked[:10]
    assert "To rate (30)" in answer.text
    assert '<a href="?show=asked">All 30 to rate</a>' in answer.text


def test_what_is_overdue_or_due_within_a_week_is_always_shown(consent, cora, page):
    later, soon = ask(consent, cora, *range(20, 30)), ask(consent, cora, *[-3] * 10, *[7] * 5)
    assert {row.pk for row in page().context["asked"].rows} == {row.pk for row in soon}
    assert page().context["asked"].total == len(later) + len(soon)


def test_however_much_is_late_a_page_ends(consent, cora, page):
    ask(consent, cora, *[-1] * 52)
    section = page().context["asked"]
    assert (len(section.rows), section.total) == (50, 52)


def test_one_kind_alone_comes_in_pages_that_keep_the_filter(consent, cora, tom, harbour, page):
    ask(consent, cora, *range(20, 50))
    ask(factories.make_consent(factories.make_family(harbour, tom), purposes=rating.ALL), cora, 1)
    thea = consent.family.therapist.pk
    first, second = (page(show="asked", therapist=thea, page=number) for number in (1, 2))
    assert [len(one.context["asked"].rows) for one in (first, second)] == [25, 5]
    assert f"show=asked&amp;therapist={thea}&amp;page=2" in first.text
    assert "1 to 25 of 30" in first.text
    assert "Waiting for you" not in first.text
    assert "<h2>Released" not in first.text


def test_where_nothing_of_a_kind_is_left_the_whole_list_comes(consent, cora, page):
    asked = ask(consent, cora, 20)
    for key in ("in_progress", "nonsense"):
        assert page(show=key).context["asked"].rows == asked


def test_reviews_begun_come_by_the_day_they_are_due_and_those_without_one_last(consent, cora, thea, harbour, page):
    own = setup.begin(setup.ready_recording(thea, harbour), cora)
    late, early = (rating.begin(one) for one in ask(consent, cora, 9, 2))
    assert [row["review"] for row in page().context["in_progress"].rows] == [early, late, own]


def test_what_others_owe_a_team_comes_in_pages_too(consent, cora, sam, page):
    asked = ask(consent, cora, *range(20, 50))
    assert page(sam).context["due"].rows == asked[:10]
    assert "Due in your teams (30)" in page(sam).text
    assert page(sam, show="due", page=2).context["due"].rows == asked[25:]


def test_more_rows_take_no_more_queries(consent, cora, page, django_assert_max_num_queries):
    def fill():
        ask(consent, cora, *range(5))
        for one in ask(consent, cora, *range(5)):
            rating.begin(one)
        for one in ask(consent, cora, *range(5)):
            own = rating.begin(one)
            Review.objects.filter(pk=own.pk).update(state="submitted", submitted_at=timezone.now())
        for _ in range(5):
            setup.ready_recording(consent.family.therapist, consent.family.team, consent=consent)

    fill()
    page()
    with django_assert_max_num_queries(100) as few:
        page()
    count = len(few.captured_queries)
    fill()
    with django_assert_max_num_queries(count):
        page()
