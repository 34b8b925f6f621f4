"""Putting people on courses."""

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from learning import enrolment as enrolments
from learning.models import Enrolment, TrainingRecord
from tests.factories import make_course
from tests.learning.steps import do_all, put_on


def test_enrolling_twice_gives_the_same_enrolment(thea):
    course = make_course()

    assert put_on(thea, course) == put_on(thea, course)
    assert Enrolment.objects.count() == 1


def test_enrolling_is_written_in_the_audit_log_with_ids_only(thea, sam):
    course = make_course()

    enrolments.enrol(learner=thea, course=course, reason="Role", by=sam, now=timezone.now())

    entry = ModelLogEntry.objects.get(action="learning.enrol")
    assert entry.user == sam
    assert entry.data == {"learner": thea.pk, "course": str(course.key)}


def test_a_completed_course_gives_the_enrolment_there_is(thea):
    enrolment = do_all(put_on(thea, make_course()))

    assert put_on(thea, enrolment.course) == enrolment


def test_taking_a_course_again_opens_a_new_period_and_keeps_the_old_one(thea):
    first = do_all(put_on(thea, make_course()))

    second = put_on(thea, first.course, again=True, now=timezone.now())

    first.refresh_from_db()
    assert (first.period, second.period) == (1, 2)
    assert first.completed_at is not None
    assert first.ended_at is not None
    assert first.completions.count() == 2
    assert second.completions.count() == 0
    do_all(second)
    assert TrainingRecord.objects.filter(learner=thea).count() == 2


def test_anyone_may_start_an_open_course(as_user, olly):
    course = make_course(is_open=True)

    response = as_user(olly).post(reverse("learning:course-enrol", args=[course.key]))

    assert response.status_code == 302
    assert Enrolment.objects.get(learner=olly).enrolled_by == olly


def test_nobody_starts_a_closed_course(as_user, olly):
    course = make_course(is_open=False)

    assert as_user(olly).post(reverse("learning:course-enrol", args=[course.key])).status_code == 404
    assert not Enrolment.objects.exists()


def test_starting_needs_a_post(as_user, olly):
    assert as_user(olly).get(reverse("learning:course-enrol", args=[make_course(is_open=True).key])).status_code == 405


@pytest.mark.django_db
def test_the_learning_home_says_what_will_come_when_there_is_nothing(as_user, thea):
    response = as_user(thea).get(reverse("learning:home"))

    assert "No courses yet" in response.content.decode()
