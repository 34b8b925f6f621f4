"""Forms that are sent twice, and two people who decide at the same moment: it comes to what it would come to one after the other."""

import uuid

import pytest
from django.utils import timezone

from supervision import development, evidence, families, instruments, invitations, sessions, teams
from supervision.instrumentfile import read
from supervision.models import DevelopmentGoal, Evidence, FamilyReference, Instrument, Invitation, Membership, SupervisionSession, User
from tests import factories
from tests.at_once import second_of

pytestmark = pytest.mark.django_db(transaction=True)


def twice(act):
    return second_of(act, act)


def test_a_session_is_recorded_once(harbour, sam, thea):
    values = {"kind": "supervision", "held_on": factories.today(), "held_by": sam, "minutes": 90, "people": [thea]}
    answer = twice(lambda: sessions.hold(team=harbour, by=sam, now=timezone.now(), **values))
    assert "is recorded already" in str(answer)
    assert SupervisionSession.objects.count() == 1


def test_an_invitation_is_made_once(harbour, sam, mailoutbox):
    values = {"email": "nina@example.org", "first_name": "Nina", "last_name": "Novak", "role": "therapist", "starts_on": factories.today()}
    answer = twice(lambda: invitations.invite(team=harbour, by=sam, now=timezone.now(), **values))
    assert "is on its way" in str(answer)
    assert Invitation.objects.count() == len(mailoutbox) == 1


def test_a_family_is_put_on_the_list_once(harbour, thea):
    values = {"reference": "H-2041", "initials": "C.D.", "opened_on": factories.today()}
    answer = twice(lambda: families.open_family(team=harbour, therapist=thea, by=thea, now=timezone.now(), **values))
    assert "is on Harbour MST team's list already" in str(answer)
    assert FamilyReference.objects.count() == 1


def test_a_family_is_closed_on_one_day(harbour, thea):
    family = factories.make_family(harbour, thea)

    def close(days):
        row = FamilyReference.objects.get(pk=family.pk)
        return lambda: families.close_family(family=row, on=factories.days_ago(days), by=thea, now=timezone.now())

    assert "was closed on" in str(second_of(close(2), close(1)))
    family.refresh_from_db()
    assert family.closed_on == factories.days_ago(2)


def test_a_role_is_given_once(harbour, sam, tom):
    values = {"role": "consultant", "starts_on": factories.today()}
    answer = twice(lambda: teams.add_member(team=harbour, user=tom, by=sam, now=timezone.now(), **values))
    assert "has this role" in str(answer)
    assert Membership.objects.filter(user=tom, role="consultant").count() == 1


def test_two_who_end_each_others_leave_one_who_manages(harbour, sam, ada):
    def end(person, by):
        held = Membership.objects.get(user=person)
        return lambda: teams.end_membership(membership=held, on=factories.today(), by=by, now=timezone.now())

    assert "without a supervisor or administrator" in str(second_of(end(sam, ada), end(ada, sam)))
    assert Membership.objects.get(user=ada).ends_on is None


def test_evidence_is_withdrawn_once(harbour, sam, thea):
    entry = evidence.record(
        person=thea, programme=harbour.programme, requirement_key="induction", kind="attendance", occurred_on=factories.today(),
        note="The list of that day", by=sam, now=timezone.now(),
    )  # fmt: skip
    answer = twice(lambda: evidence.withdraw(entry=entry, note="Another's", by=sam, now=timezone.now()))
    assert "withdrawn already" in str(answer)
    assert Evidence.objects.filter(withdraws=entry).count() == 1


def test_a_goal_from_a_review_is_added_once(harbour, thea):
    values = {"text": "Ask what happened just before", "source": uuid.uuid4()}
    answer = twice(lambda: development.set_goal(therapist=thea, team=harbour, by=thea, now=timezone.now(), **values))
    assert answer == DevelopmentGoal.objects.get()


class TestInstruments:
    @pytest.fixture
    def boss(self):
        return User.objects.create_superuser("boss@example.org", factories.PASSWORD)

    @pytest.fixture
    def first(self, boss):
        draft = read(instruments.EXAMPLE.read_text(encoding="utf-8"))
        return instruments.add(draft, is_current=True, by=boss, now=timezone.now())

    def test_two_next_versions_have_two_numbers(self, first, boss):
        made = twice(lambda: instruments.next_version(instrument=first, by=boss, now=timezone.now()))
        assert made.version == 3

    def test_of_two_that_are_put_into_use_one_is(self, first, boss):
        rows = [instruments.next_version(instrument=first, by=boss, now=timezone.now()) for _ in range(2)]
        use = [lambda row=row: instruments.put_into_use(instrument=row, by=boss, now=timezone.now()) for row in rows]
        second_of(*use)
        assert list(Instrument.objects.filter(slug=first.slug, is_current=True)) == rows[1:]
