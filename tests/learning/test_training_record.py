"""The training record: frozen, dated in local time, the learner's own."""

import csv
import datetime as dt
import io

import pytest
from django.urls import reverse

from learning.models import TrainingRecord
from learning.record import records
from learning.spreadsheets import safe_cell
from tests.factories import make_course, make_user
from tests.learning.steps import do_all, put_on, words

EARLY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def complete(learner, *, now=None, **course):
    return do_all(put_on(learner, make_course(**course), now=EARLY), now=now or dt.datetime(2026, 5, 12, 12, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (dt.datetime(2026, 6, 30, 22, 30, tzinfo=dt.UTC), dt.date(2026, 6, 30)),  # 23:30 in London
        (dt.datetime(2026, 6, 30, 23, 30, tzinfo=dt.UTC), dt.date(2026, 7, 1)),  # 00:30 in London
        (dt.datetime(2026, 12, 31, 23, 30, tzinfo=dt.UTC), dt.date(2026, 12, 31)),
    ],
)
def test_the_date_is_the_local_one(thea, moment, day):
    complete(thea, now=moment)

    assert TrainingRecord.objects.get().completed_on == day


def test_a_record_freezes_the_course_as_it_was(thea):
    enrolment = complete(thea, title="Orientation", hours=35)
    enrolment.course.title, enrolment.course.hours = "Induction", 2
    enrolment.course.save_revision().publish()

    record = TrainingRecord.objects.get()

    assert (record.course_title, record.hours, record.learner_name) == ("Orientation", 35, "Thea Example")
    assert [lesson["title"] for lesson in record.lessons] == ["Lesson 1.1", "Lesson 1.2"]


def test_records_can_be_asked_for_as_they_were_known(thea, tom):
    complete(thea, now=dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC))
    complete(thea, now=dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC))
    complete(tom)

    assert records([thea.pk], known_at=None).count() == 2
    assert records([thea.pk], known_at=dt.datetime(2026, 5, 10, tzinfo=dt.UTC)).count() == 1
    assert records([thea.pk, tom.pk], known_at=None).first().completed_on == dt.date(2026, 5, 20)


def test_the_record_page_lists_my_own_and_nobody_elses(as_user, thea, tom):
    complete(thea, title="Mine")
    complete(tom, title="Toms own")

    page = words(as_user(thea).get(reverse("learning:record")))

    assert "Mine" in page
    assert "Toms own" not in page


def test_an_empty_record_says_what_will_be_there(as_user, thea):
    assert "Nothing completed yet" in words(as_user(thea).get(reverse("learning:record")))


def test_a_certificate_shows_its_reference_to_its_owner_alone(as_user, thea, tom):
    complete(thea)
    record = TrainingRecord.objects.get()
    url = reverse("learning:certificate", args=[record.reference])

    assert str(record.reference) in words(as_user(thea).get(url))
    assert as_user(tom).get(url).status_code == 404


def test_the_download_holds_the_same_rows(as_user, thea):
    complete(thea, title="Orientation", hours=35)

    response = as_user(thea).get(reverse("learning:record-csv"))

    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [(row["Course"], row["Completed on"], row["Hours"]) for row in rows] == [("Orientation", "2026-05-12", "35.0")]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_can_be_taken_for_a_formula(start):
    assert safe_cell(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"


def test_a_name_that_looks_like_a_formula_is_neutralised(as_user, db):
    sly = make_user(first_name="=cmd", last_name="X")
    complete(sly)

    assert "'=cmd X" in as_user(sly).get(reverse("learning:record-csv")).content.decode()
