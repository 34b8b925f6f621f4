import datetime as dt

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import comments, concern
from recordings.models import Concern, SealedText
from tests import factories
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
WORDS = "He said that he locks her in at night"


@pytest.fixture
def recording(thea, harbour):
    return setup.ready_recording(thea, harbour)


def raised(recording, by, **fields):
    values = {"urgency": "soon", "text": WORDS, "now": timezone.now()} | fields
    return concern.raise_concern(recording=recording, by=by, **values)


def seen_by(person):
    return Concern.objects.visible_to(person).exists()


def test_its_words_are_sealed_and_nowhere_else(recording, cora, sam):
    made = raised(recording, cora)
    assert comments.opened(made.text) == WORDS
    assert WORDS.encode() not in bytes(SealedText.objects.get().ciphertext)
    assert not any(WORDS in f"{entry.label}{entry.data}" for entry in ModelLogEntry.objects.all())
    assert ModelLogEntry.objects.filter(action="recordings.concern").count() == 1


def test_supervisors_and_the_therapist_are_told_by_a_mail_that_holds_nothing_of_it(
    recording, cora, sam, bea, thea, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        made = raised(recording, cora)
    assert {to for message in mail.outbox for to in message.to} == {sam.email, bea.email, thea.email}
    for message in mail.outbox:
        text = f"{message.subject} {message.body}"
        assert str(made.pk) in text
        assert not any(word in text for word in (WORDS, recording.family.reference, recording.family.initials, "locks"))


def test_the_therapist_who_is_left_out_is_not_told_and_cannot_read_it(
    recording, cora, sam, thea, as_user, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        made = raised(recording, cora, with_therapist=False)
    assert [message.to for message in mail.outbox] == [[sam.email]]
    assert not seen_by(thea)
    assert as_user(thea).get(reverse("recordings:concern", args=[made.pk])).status_code == 404


def test_a_therapist_who_leads_the_team_is_left_out_all_the_same(recording, cora, sam, thea, harbour):
    factories.make_membership(thea, harbour, "supervisor")
    made = raised(recording, cora, with_therapist=False)
    assert thea not in concern.readers(recording, with_therapist=False, on=factories.today())
    assert not Concern.objects.visible_to(thea).filter(pk=made.pk).exists()


def test_who_else_may_read_it(recording, cora, sam, bea, ada, tom, mona, iggy, olly, otto, thea):
    raised(recording, cora)
    assert all(seen_by(person) for person in (cora, sam, bea, thea))
    assert not any(seen_by(person) for person in (ada, tom, mona, iggy, olly, otto))


def test_with_nobody_to_read_it_it_is_refused_with_what_to_do_instead(recording, cora, thea):
    with pytest.raises(concern.ConcernRefused, match="safeguarding lead"):
        raised(recording, cora)
    assert not SealedText.objects.exists()


@pytest.mark.parametrize("wrong", [{"text": "  "}, {"at_ms": 600_001}, {"at_ms": -1}])
def test_what_cannot_be_is_refused_and_changes_nothing(recording, cora, sam, wrong):
    with pytest.raises(concern.ConcernRefused):
        raised(recording, cora, **wrong)
    assert not Concern.objects.exists()


def test_the_page_says_that_this_is_not_the_emergency_route_and_takes_the_place_along(recording, cora, sam, as_user):
    client, address = as_user(cora), reverse("recordings:concern-create", args=[recording.pk])
    page = client.get(f"{address}?at=130500").content.decode()
    assert "not the emergency route" in page
    assert "999" in page
    assert 'value="2:10"' in page
    assert sam.get_full_name() in page
    empty = client.post(address, {})
    assert empty.status_code == 422
    assert b"There is a problem" in empty.content
    done = client.post(address, {"urgency": "now", "at": "2:10", "text": WORDS})
    made = Concern.objects.get()
    assert done["Location"] == reverse("recordings:concern", args=[made.pk])
    assert (made.at_ms, made.urgency, made.with_therapist) == (130_000, "now", False)
    assert WORDS in client.get(done["Location"]).content.decode()


def test_it_stands_on_the_supervisors_home_until_it_is_closed_with_what_was_done(recording, cora, sam, ada, as_user):
    made = raised(recording, cora, urgency="now")
    client, address = as_user(sam), reverse("recordings:concern", args=[made.pk])
    home = client.get("/").content.decode()
    assert address in home
    assert "locks" not in home
    assert client.post(address, {}).status_code == 422
    assert client.post(address, {"outcome": "Told the duty social worker at ten"}).status_code == 302
    made.refresh_from_db()
    assert comments.opened(made.outcome) == "Told the duty social worker at ten"
    assert made.closed_by == sam
    assert address not in client.get("/").content.decode()
    assert b"duty social worker" in client.get(address).content
    assert address not in as_user(ada).get("/").content.decode()


def test_who_raised_it_and_the_therapist_cannot_close_it(recording, cora, sam, thea, as_user):
    made = raised(recording, cora)
    for person in (cora, thea):
        assert as_user(person).post(reverse("recordings:concern", args=[made.pk]), {"outcome": "Nothing"}).status_code == 403
    assert Concern.objects.open().count() == 1


def test_closing_again_keeps_the_first_outcome(recording, cora, sam, bea):
    made = raised(recording, cora)
    concern.close(concern=made, outcome="First", by=sam, now=timezone.now())
    again = concern.close(concern=made, outcome="Second", by=bea, now=timezone.now())
    assert comments.opened(again.outcome) == "First"
    assert again.closed_by == sam


def test_the_governance_lead_sees_how_many_there_are_and_nothing_more(recording, cora, sam, iggy, as_user):
    made = raised(recording, cora, now=timezone.localtime() - dt.timedelta(days=8))
    client = as_user(iggy)
    page = client.get(reverse("recordings:governance")).content.decode()
    assert "1 concern about somebody’s safety is open in the service, 1 of them for more than a week" in page
    assert client.get(reverse("recordings:concern", args=[made.pk])).status_code == 404


def test_it_breaks_no_blindness(recording, cora, sam, harbour, as_user):
    """Another rater's concern is not shown to the one who is still rating, and no score stands in any."""
    other = factories.make_member("carl", harbour, "consultant")
    raised(recording, cora)
    assert not seen_by(other)
