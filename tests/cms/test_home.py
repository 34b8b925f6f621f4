"""What people find at /."""

import datetime as dt

import pytest
from django.utils import timezone

from cms import dashboard, site_pages
from recordings import legalhold
from recordings.models import Recording, Review, Upload
from recordings.review import INSTRUMENT
from supervision import instruments, invitations
from supervision.models import Instrument, Membership
from tests import factories
from tests.recordings.making import bare_recording


@pytest.fixture
def pages(db):
    site_pages.ensure()


def needs(user):
    return [need.sentence for need in dashboard.build(user, now=timezone.now()).needs]


def test_a_visitor_finds_the_front_page(client, pages):
    response = client.get("/")
    assert response.status_code == 200
    assert b"Sign in" in response.content


def test_site_pages_are_made_once(pages):
    from wagtail.models import Page

    before = Page.objects.count()
    site_pages.ensure()
    assert Page.objects.count() == before


@pytest.mark.parametrize("address", ["/help/", "/privacy/", "/accessibility/"])
def test_plain_pages_are_open(client, pages, address):
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("name", ["thea", "sam", "bea", "cora", "ada", "mona", "ed", "iggy", "olly", "lena"])
def test_everybody_has_a_home_page(request, client, name):
    client.force_login(request.getfixturevalue(name))
    response = client.get("/")
    assert response.status_code == 200
    assert b"Hello" in response.content


def test_somebody_in_no_team_is_told_so(client, lena):
    client.force_login(lena)
    assert b"You are in no team today" in client.get("/").content


def test_a_recording_whose_processing_stopped_comes_first(harbour, thea):
    consent = factories.make_consent(factories.make_family(harbour, thea))
    bare_recording(consent=consent, state=Recording.State.FAILED)
    assert "processing stopped" in needs(thea)[0]


def test_a_ready_recording_waits_for_the_consultant_of_its_team_only(harbour, thea, cora, otto):
    bare_recording(consent=factories.make_consent(factories.make_family(harbour, thea)), state=Recording.State.READY)
    assert any("waits for your review" in sentence for sentence in needs(cora))
    assert not any("waits for your review" in sentence for sentence in needs(otto))


def test_released_feedback_waits_until_it_is_seen(harbour, thea, cora):
    instruments.load_instruments()
    recording = bare_recording(consent=factories.make_consent(factories.make_family(harbour, thea)), state=Recording.State.READY)
    now = timezone.now()
    instrument = Instrument.objects.get(slug=INSTRUMENT)
    review = Review.objects.create(
        recording=recording,
        rater=cora,
        instrument=instrument,
        started_at=now,
        submitted_at=now,
        released_at=now,
        state=Review.State.RELEASED,
    )
    assert any("feedback on your session" in sentence for sentence in needs(thea))
    review.seen_by_therapist_at = now
    review.save()
    assert not any("feedback on your session" in sentence for sentence in needs(thea))


def test_an_invitation_that_ran_out_is_shown_to_those_who_invite(harbour, sam, ada, thea):
    then = timezone.localtime() - dt.timedelta(days=40)
    invitations.invite(
        email="late@example.org",
        first_name="Lou",
        last_name="Late",
        team=harbour,
        role=Membership.Role.THERAPIST,
        starts_on=factories.days_ago(35),
        ends_on=None,
        by=ada,
        now=then,
    )
    assert any("Lou Late" in sentence for sentence in needs(sam))
    assert not any("Lou Late" in sentence for sentence in needs(thea))


def test_overdue_people_are_named_in_one_row_a_requirement(harbour, sam, thea, tom):
    factories.make_requirement(harbour.programme, "course", name="Orientation", due_days=5, roles=["therapist"])
    rows = [sentence for sentence in needs(sam) if sentence.startswith("Orientation is overdue")]
    assert len(rows) == 1
    assert "Thea" in rows[0]
    assert "Tom" in rows[0]


def test_at_most_seven_needs_are_shown(harbour, thea):
    for _ in range(9):
        bare_recording(consent=factories.make_consent(factories.make_family(harbour, thea)), state=Recording.State.FAILED)
    board = dashboard.build(thea, now=timezone.now())
    assert len(board.needs) == 7
    assert board.more >= 2


def test_the_compliance_of_every_team_is_read_once_for_the_whole_page(client, harbour, meadow, sam, django_assert_max_num_queries):
    factories.make_membership(sam, meadow, Membership.Role.SUPERVISOR)
    for team in (harbour, meadow):
        for kind in ("course", "booster", "review", "supervision"):
            factories.make_requirement(team.programme, kind, due_days=5)
        for number in range(10):
            factories.make_member(f"Person {number}", team, Membership.Role.THERAPIST)
    client.force_login(sam)
    with django_assert_max_num_queries(55) as read:
        answer = client.get("/")
    assert "is overdue for you" in answer.text
    assert "is overdue for Person" in answer.text
    of_requirements = [query for query in read.captured_queries if 'FROM "supervision_requirement"' in query["sql"]]
    assert len(of_requirements) == 1


def test_a_therapists_page_reads_the_compliance_of_nobody_else(client, harbour, thea, tom, django_assert_max_num_queries):
    factories.make_requirement(harbour.programme, "course", name="Orientation", due_days=5)
    client.force_login(thea)
    with django_assert_max_num_queries(48) as read:
        answer = client.get("/")
    assert "Orientation is overdue for you" in answer.text
    of_people = [query["sql"] for query in read.captured_queries if 'FROM "supervision_evidence"' in query["sql"]]
    assert [f" IN ({thea.pk})" in sql for sql in of_people] == [True]


def test_the_navigation_holds_only_what_a_person_may_use(client, ada, cora):
    client.force_login(ada)
    html = client.get("/").content.decode()
    assert "/recordings/" not in html.split("</header>")[0]
    client.force_login(cora)
    assert "/recordings/reviews/" in client.get("/").content.decode().split("</header>")[0]


def test_an_upload_that_broke_off_waits_for_its_owner_alone(harbour, thea, sam):
    consent = factories.make_consent(factories.make_family(harbour, thea, reference="H-1"))
    now = timezone.now()
    Upload.objects.create(
        user=thea,
        consent=consent,
        session_on=now.date(),
        length=100,
        offset=40,
        began_at=now,
        changed_at=now,
        expires_at=now + dt.timedelta(days=1),
    )
    assert "Your upload for family H-1 is not finished." in needs(thea)
    assert not any("upload" in sentence for sentence in needs(sam))


def test_a_hold_that_somebody_asks_for_waits_for_the_second_person(harbour, thea, sam, iggy):
    recording = bare_recording(consent=factories.make_consent(factories.make_family(harbour, thea)), state=Recording.State.READY)
    today = timezone.localdate()
    legalhold.ask(recording=recording, reason="A court order", ends_on=today + dt.timedelta(days=30), by=sam, now=timezone.now())
    assert any("asks for a legal hold" in sentence for sentence in needs(iggy))
    assert not any("legal hold" in sentence for sentence in needs(sam))
    assert not any("legal hold" in sentence for sentence in needs(thea))


def test_recordings_near_their_end_are_one_row(harbour, thea):
    family = factories.make_family(harbour, thea)
    for _ in range(2):
        recording = bare_recording(consent=factories.make_consent(family), state=Recording.State.READY)
        Recording.objects.filter(pk=recording.pk).update(uploaded_at=timezone.localtime() - dt.timedelta(days=87))
    assert needs(thea).count("2 recordings will be destroyed soon, as the programme’s retention asks.") == 1
