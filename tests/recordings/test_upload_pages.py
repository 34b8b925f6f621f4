"""Unfinished uploads as their owner sees them, and recordings that are sent while they are made."""

import datetime as dt

import pytest
from django.utils import timezone

from recordings import permissions, tus, uploads
from recordings.models import Recording, Upload
from supervision.models import FamilyReference, Membership
from tests import factories
from tests.recordings.making import tone
from tests.recordings.tus_client import Tus, said

pytestmark = pytest.mark.django_db
GOOD = tone(25)
HALF = len(GOOD) // 2


@pytest.fixture(autouse=True)
def quiet_queue(settings):
    settings.TASKS_URL = "db://"


@pytest.fixture
def consent(harbour, thea):
    return factories.make_consent(factories.make_family(harbour, thea))


@pytest.fixture
def thea_sends(as_user, thea, consent):
    return Tus(as_user(thea), consent)


def page(client, consent):
    return client.get(f"/recordings/upload/?family={consent.family_id}").content.decode()


def live(sends, *, room=10_000_000):
    metadata = said(consent=sends.consent.pk, live="1", filetype="audio/webm")
    return sends.begin(room, Upload_Metadata=metadata)


@pytest.mark.parametrize("name", ["thea", "tom", "sam", "bea", "cora", "ada", "mona", "iggy", "olly", "lena", "both"])
def test_what_is_offered_is_what_may_be_sent(request, harbour, meadow, thea, olly, name):
    """Several families of two teams, open, closed, closed today, and of somebody who has left; "both" treats here and supervises there."""
    both = factories.make_member("both", harbour, Membership.Role.THERAPIST)
    factories.make_membership(both, meadow, Membership.Role.SUPERVISOR)
    gone = factories.make_member("gone", meadow, Membership.Role.THERAPIST, ends_on=factories.days_ago(1))
    for team, therapist in ((harbour, thea), (harbour, both), (meadow, olly), (meadow, gone), (harbour, olly)):
        for closed_on in (None, factories.days_ago(1), factories.today()):
            family = factories.make_family(team, therapist)
            FamilyReference.objects.filter(pk=family.pk).update(closed_on=closed_on)
    user = both if name == "both" else request.getfixturevalue(name)
    may = {family for family in FamilyReference.objects.all() if permissions.can_upload(user, family)}
    assert set(uploads.families_for(user)) == may
    assert len(may) == {"thea": 2, "olly": 2, "sam": 6, "bea": 6, "both": 6}.get(name, 0)


class TestUnfinished:
    def test_its_owner_sees_name_share_and_until_when(self, thea_sends, consent):
        thea_sends.patch(thea_sends.begin(len(GOOD), filename="Thursday.wav"), 0, GOOD[:HALF])
        html = page(thea_sends.client, consent)
        assert "Thursday.wav" in html
        assert f"{HALF * 100 // len(GOOD)} % of" in html
        assert "Give it up" in html

    def test_nobody_else_sees_it(self, thea_sends, consent, as_user, sam):
        thea_sends.begin(len(GOOD), filename="Thursday.wav")
        html = page(as_user(sam), consent)
        assert "Thursday" not in html
        assert "Unfinished uploads" not in html

    def test_the_fingerprint_comes_back_so_that_the_page_knows_the_file_again(self, thea_sends, consent):
        thea_sends.begin(10, Upload_Metadata=said(consent=consent.pk, filename="a.wav", fingerprint="ab12" * 16))
        assert f'data-fingerprint="{"ab12" * 16}"' in page(thea_sends.client, consent)
        assert b"ab12" not in bytes(Upload.objects.get().name_sealed)

    def test_one_that_was_refused_says_why_for_two_days(self, thea_sends, consent):
        short = tone(3)
        thea_sends.patch(thea_sends.begin(len(short), filename="Thursday.wav"), 0, short)
        html = page(thea_sends.client, consent)
        assert "The shortest Plumbline takes is" in html
        assert "Thursday" not in html
        Upload.objects.update(changed_at=timezone.localtime() - dt.timedelta(days=3))
        assert "The shortest" not in page(thea_sends.client, consent)

    def test_a_name_is_text_and_nothing_else(self, thea_sends, consent):
        thea_sends.begin(10, filename="<script>alert(1)</script>.wav")
        assert "<script>alert" not in page(thea_sends.client, consent)

    def test_the_list_of_families_leads_on_to_it(self, thea_sends, harbour, thea, consent):
        factories.make_family(harbour, thea)
        thea_sends.begin(len(GOOD), filename="Thursday.wav")
        html = thea_sends.client.get("/recordings/upload/").content.decode()
        assert f"?family={consent.family_id}#unfinished" in html


class TestGivingUp:
    def test_it_asks_first_and_then_nothing_is_left(self, thea_sends):
        address = thea_sends.begin(len(GOOD), filename="Thursday.wav")
        thea_sends.patch(address, 0, GOOD[:HALF])
        asked = thea_sends.client.get(f"{address}give-up/")
        assert "What has arrived is destroyed" in asked.content.decode()
        assert thea_sends.offset(address) == HALF
        assert thea_sends.client.post(f"{address}give-up/").status_code == 302
        upload = Upload.objects.get()
        assert (upload.state, upload.parts.count()) == (Upload.State.ENDED, 0)

    def test_twice_says_that_it_has_ended(self, thea_sends, consent):
        address = thea_sends.begin(len(GOOD))
        thea_sends.client.post(f"{address}give-up/")
        thea_sends.client.post(f"{address}give-up/")
        assert "This upload has ended already." in page(thea_sends.client, consent)


class TestSentWhileItIsMade:
    def test_what_came_becomes_the_recording(self, thea_sends):
        address = live(thea_sends)
        for start in range(0, len(GOOD), 50_000):
            assert thea_sends.patch(address, start, GOOD[start : start + 50_000]).status_code == 204
        response = thea_sends.client.post(f"{address}finish/")
        recording = Recording.objects.get()
        assert response["Location"] == f"/recordings/{recording.pk}/"
        assert recording.size == len(GOOD)
        upload = Upload.objects.get()
        assert (upload.state, upload.length, upload.offset) == (Upload.State.FINISHED, len(GOOD), len(GOOD))
        assert not upload.parts.exists()

    def test_asked_again_it_leads_to_the_same(self, thea_sends):
        address = live(thea_sends)
        thea_sends.patch(address, 0, GOOD)
        first, second = (thea_sends.client.post(f"{address}finish/") for _ in range(2))
        assert first["Location"] == second["Location"]
        answer = thea_sends.client.post(f"{address}finish/", headers={"Accept": "application/json"}).json()
        assert answer["url"] == first["Location"]
        assert "25 seconds" in answer["said"]

    def test_after_the_battery_died_the_page_offers_what_arrived(self, thea_sends, consent):
        address = live(thea_sends)
        thea_sends.patch(address, 0, GOOD)
        html = page(thea_sends.client, consent)
        assert "Recorded on this site" in html
        assert f'action="{address}finish/"' in html

    def test_a_file_cannot_be_cut_short(self, thea_sends):
        address = thea_sends.begin(len(GOOD) + 100)
        thea_sends.patch(address, 0, GOOD)
        answer = thea_sends.client.post(f"{address}finish/", headers={"Accept": "application/json"})
        assert answer.status_code == 422
        assert "Send the rest of the file" in answer.json()["error"]
        assert thea_sends.offset(address) == len(GOOD)

    def test_too_short_is_refused_with_its_reason(self, thea_sends, consent):
        address = live(thea_sends)
        thea_sends.patch(address, 0, tone(3))
        thea_sends.client.post(f"{address}finish/")
        assert "The shortest Plumbline takes is" in page(thea_sends.client, consent)
        assert not Recording.objects.exists()

    def test_while_its_last_bytes_are_written_it_waits(self, thea_sends):
        address = live(thea_sends)
        thea_sends.patch(address, 0, GOOD)
        with tus.writing(Upload.objects.get(), offset=len(GOOD), now=timezone.now()):
            answer = thea_sends.client.post(f"{address}finish/", headers={"Accept": "application/json"})
        assert answer.status_code == 422
        assert thea_sends.offset(address) == len(GOOD)

    def test_nobody_elses(self, thea_sends, as_user, sam):
        address = live(thea_sends)
        assert as_user(sam).post(f"{address}finish/").status_code == 404
        assert as_user(sam).post(f"{address}give-up/").status_code == 404


def test_only_the_upload_page_may_use_the_microphone(thea_sends, consent):
    assert "microphone=(self)" in thea_sends.client.get(f"/recordings/upload/?family={consent.family_id}")["Permissions-Policy"]
    assert "microphone=()" in thea_sends.client.get("/recordings/")["Permissions-Policy"]


def test_many_families_come_in_pages_and_can_be_searched(as_user, thea, harbour):
    for number in range(30):
        factories.make_family(harbour, thea, reference=f"H-{300 + number}")
    address = "/recordings/upload/"
    client = as_user(thea)
    assert client.get(address).text.count("rec-families__row") == 25
    assert client.get(address, {"page": 2}).text.count("rec-families__row") == 5
    found = client.get(address, {"find": "h-307\x00"}).text
    assert found.count("rec-families__row") == 1
    assert "No family matches" in client.get(address, {"find": "nothing"}).text
