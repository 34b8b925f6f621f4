"""The matrix gathers what is on record: courses, boosters, reviews, sessions and entries made by people."""

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from learning.models import Completion, Enrolment, TrainingRecord
from supervision import evidence, matrix, ratings, sessions, teams
from supervision.models import Evidence, Instrument, Item, Membership
from tests import factories

Role = Membership.Role


@pytest.fixture
def rules(harbour):
    make = factories.make_requirement
    programme = harbour.programme
    return {
        "course": make(programme, "course", key="orientation", course_slug="mst-orientation", position=1),
        "booster": make(programme, "booster", key="booster", position=2),
        "review": make(programme, "review", key="review", roles=[Role.THERAPIST], position=3),
        "supervision": make(programme, "supervision", key="supervision", position=4),
    }


def cell_of(team, person, key, **when):
    when.setdefault("on", factories.today())
    found = matrix.team_matrix(team, **when)
    column = [requirement.key for requirement in found.requirements].index(key)
    return found.row_of(person).cells[column]


def make_record(person, *, slug="mst-orientation", kind="orientation", days=5, **fields):
    fields.setdefault("recorded_at", timezone.localtime() - dt.timedelta(days=days))
    return TrainingRecord.objects.create(
        learner=person,
        learner_name=str(person),
        course_key=uuid.uuid4(),
        course_slug=slug,
        course_title="A course",
        course_kind=kind,
        hours=7,
        completed_on=factories.days_ago(days),
        lessons=[],
        **fields,
    )


def test_a_completed_course_is_in_date(harbour, thea, rules):
    assert cell_of(harbour, thea, "orientation").status == "overdue"
    make_record(thea)
    assert cell_of(harbour, thea, "orientation").status == "valid"


def test_another_course_does_not_count(harbour, thea, rules):
    make_record(thea, slug="something-else")
    assert cell_of(harbour, thea, "orientation").status == "overdue"


def test_any_booster_of_the_quarter_counts(harbour, thea, rules):
    make_record(thea, slug="booster-of-spring", kind="booster", days=0)
    assert cell_of(harbour, thea, "booster").status == "valid"


def test_a_course_begun_says_how_far(harbour, rules):
    newcomer = factories.make_member("nina", harbour, Role.THERAPIST, starts_on=factories.days_ago(3))
    course = factories.make_course(slug="mst-orientation", lessons=3)
    enrolment = Enrolment.objects.create(
        learner=newcomer,
        course=course,
        course_key=course.key,
        course_title=course.title,
        enrolled_at=timezone.localtime() - dt.timedelta(days=2),
    )
    assert cell_of(harbour, newcomer, "orientation").status == "not_started"
    lesson = factories.lessons_of(course)[0]
    Completion.objects.create(
        enrolment=enrolment, lesson=lesson, lesson_key=lesson.key, lesson_title=lesson.title, minutes=15, completed_at=timezone.now()
    )
    found = cell_of(harbour, newcomer, "orientation")
    assert found.status == "in_progress"
    assert any("1 of 3 lessons" in reason for reason in found.reasons)


def test_a_review_counts_once_it_is_released_for_the_day_of_the_session(harbour, thea, cora, rules):
    instrument = Instrument.objects.create(slug="form", name="Form", owner="Us", licence_note="Ours")
    Item.objects.create(instrument=instrument, key="one", position=1, name="One", question="?", anchors={"0": "no", "4": "yes"})
    source = uuid.uuid4()
    now = timezone.now()
    ratings.record(
        instrument=instrument,
        therapist=thea,
        rater=cora,
        team=harbour,
        source=source,
        session_on=factories.today(),
        share_heard=1.0,
        scores={"one": 3},
        by=cora,
        now=now,
    )
    assert cell_of(harbour, thea, "review").status != "valid"
    ratings.release(source=source, by=cora, now=now)
    assert cell_of(harbour, thea, "review").status == "valid"


def test_a_cancelled_session_counts_no_longer(harbour, thea, sam, rules):
    session = sessions.hold(
        team=harbour, kind="supervision", held_on=factories.today(), held_by=sam, minutes=60, people=[thea], by=sam, now=timezone.now()
    )
    assert cell_of(harbour, thea, "supervision").word == "In date"
    assert cell_of(harbour, sam, "supervision").word == "In date"
    sessions.cancel(session=session, by=sam, now=timezone.now())
    assert cell_of(harbour, thea, "supervision").status == "overdue"


def test_consultation_is_not_supervision(harbour, thea, cora, rules):
    sessions.hold(
        team=harbour, kind="consultation", held_on=factories.today(), held_by=cora, minutes=60, people=[thea], by=cora, now=timezone.now()
    )
    assert cell_of(harbour, thea, "supervision").status == "overdue"


def test_supervision_in_another_team_of_the_programme_counts_and_a_move_restarts_no_clock(harbour, thea, rules):
    other = factories.make_team(programme=harbour.programme)
    sue = factories.make_member("sue", other, Role.SUPERVISOR)
    Membership.objects.filter(user=thea).update(ends_on=factories.days_ago(4))
    factories.make_membership(thea, other, Role.THERAPIST, starts_on=factories.days_ago(3))
    sessions.hold(
        team=other, kind="supervision", held_on=factories.today(), held_by=sue, minutes=60, people=[thea], by=sue, now=timezone.now()
    )
    assert cell_of(other, thea, "supervision").status == "valid"
    assert cell_of(other, thea, "orientation").date == factories.days_ago(60) + dt.timedelta(days=30)
    assert matrix.team_matrix(harbour, on=factories.today()).row_of(thea) is None


def test_an_entry_and_its_withdrawal(harbour, thea, sam, rules):
    entry = evidence.record(
        person=thea,
        programme=harbour.programme,
        requirement_key="orientation",
        kind=Evidence.Kind.CERTIFICATE,
        occurred_on=factories.days_ago(100),
        note="Seen",
        by=sam,
        now=timezone.now(),
    )
    before = timezone.now()
    assert cell_of(harbour, thea, "orientation").status == "valid"
    evidence.withdraw(entry=entry, note="Somebody else's", by=sam, now=timezone.now())
    assert cell_of(harbour, thea, "orientation").status == "overdue"
    assert cell_of(harbour, thea, "orientation", known_at=before).status == "valid"


def test_the_version_in_force_on_the_day_is_the_one_that_counts(harbour, thea, rules):
    factories.make_requirement(
        harbour.programme,
        "course",
        key="orientation",
        version=2,
        course_slug="mst-orientation",
        due_days=90,
        effective_from=factories.days_ago(5),
        position=1,
    )
    assert cell_of(harbour, thea, "orientation", on=factories.days_ago(6)).status == "overdue"
    assert cell_of(harbour, thea, "orientation").date == factories.days_ago(60) + dt.timedelta(days=90)


def test_a_closed_account_changes_no_past_day(harbour, thea, sam, rules):
    make_record(thea, days=30)
    past = factories.days_ago(10)
    before = matrix.team_matrix(harbour, on=past)
    thea.is_active = False
    thea.save()
    assert [row.cells for row in matrix.team_matrix(harbour, on=past).rows] == [row.cells for row in before.rows]
    assert matrix.team_matrix(harbour, on=factories.today()).row_of(thea) is None


def test_a_deleted_course_page_changes_no_cell(harbour, thea, rules):
    course = factories.make_course(slug="mst-orientation")
    make_record(thea)
    before = cell_of(harbour, thea, "orientation")
    course.delete()
    assert cell_of(harbour, thea, "orientation") == before


def test_people_whom_nothing_concerns_are_left_out(harbour, thea, ada, cora, rules):
    assert [row.person for row in matrix.team_matrix(harbour, on=factories.today()).rows] == [thea]


def test_what_needs_action_comes_with_the_most_urgent_first(harbour, thea, sam, rules):
    found = matrix.needs_action(matrix.team_matrices([harbour], on=factories.today()))
    assert found
    assert [cell.urgency for _, _, cell in found] == sorted(cell.urgency for _, _, cell in found)
    assert all(cell.action for _, _, cell in found)


def test_a_person_of_two_teams_is_named_once(harbour, thea, rules):
    other = factories.make_team(programme=harbour.programme)
    factories.make_membership(thea, other, Role.THERAPIST)
    found = matrix.needs_action(matrix.team_matrices([harbour, other], on=factories.today()))
    assert len(found) == len({(person.pk, requirement.pk) for person, requirement, _ in found})


def test_the_queries_do_not_grow_with_people_or_teams(harbour, meadow, rules, django_assert_max_num_queries):
    course = factories.make_course(slug="mst-orientation")
    for number in range(12):
        person = factories.make_member(f"person{number}", harbour, Role.THERAPIST)
        make_record(person, slug="x", kind="booster", days=number)
        enrolment = Enrolment.objects.create(
            learner=person, course=course, course_key=course.key, course_title="T", enrolled_at=timezone.localtime() - dt.timedelta(days=9)
        )
        lesson = factories.lessons_of(course)[0]
        Completion.objects.create(
            enrolment=enrolment, lesson=lesson, lesson_key=lesson.key, lesson_title="L", minutes=5, completed_at=timezone.now()
        )
    with django_assert_max_num_queries(10):
        matrix.team_matrices([harbour, meadow], on=factories.today())


def test_joining_enrols_into_the_courses_that_the_role_asks_for(harbour, rules):
    factories.make_course(slug="mst-orientation")
    newcomer = factories.make_user("nina")
    teams.add_member(team=harbour, user=newcomer, role=Role.THERAPIST, starts_on=factories.today(), by=None, now=timezone.now())
    assert Enrolment.objects.filter(learner=newcomer).count() == 1
    consultant = factories.make_user("otis")
    teams.add_member(team=harbour, user=consultant, role=Role.CONSULTANT, starts_on=factories.today(), by=None, now=timezone.now())
    assert not Enrolment.objects.filter(learner=consultant).exists()
