"""Who heard which minutes, when and what for: what players report, what left the server, who read; kept after destruction."""

import datetime as dt
import threading

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from wagtail.models import ModelLogEntry

from recordings import accessrecord, destruction, listening, reading, sent, vault
from recordings.models import HeardInterval, SealedObject, SentInterval
from tests.recordings import keeping_setup as setup
from tests.recordings import review_setup

SIZE = 600_000  # bytes; ten minutes: 1,000 bytes a second

span = st.tuples(st.integers(0, SIZE - 1), st.integers(1, SIZE)).map(lambda pair: (pair[0], min(pair[1], SIZE - pair[0])))


@given(span, st.integers(1, 10**7))
def test_a_range_of_bytes_lies_within_its_range_of_time(pair, duration_ms):
    start, count = pair
    begin, end = sent.span_ms(start, count, SIZE, duration_ms)
    assert 0 <= begin <= end <= duration_ms
    assert begin * SIZE <= start * duration_ms
    assert end * SIZE >= (start + count) * duration_ms
    assert (end - begin) * SIZE <= count * duration_ms + 2 * SIZE  # and no more than rounding beyond it


@pytest.fixture
def recording(thea, harbour, db):
    recording = review_setup.ready_recording(thea, harbour, minutes=10)
    vault.seal(recording, SealedObject.Kind.PLAYBACK, [b"OggS" + bytes(SIZE - 4)], now=timezone.now())
    return recording


def fetch(client, recording, header=""):
    response = client.get(f"/recordings/{recording.pk}/audio/", headers={"Range": header} if header else {})
    return response, b"".join(response.streaming_content)  # the client then closes it


def hang_up(response):
    """As a server does when the browser goes away; without the signal by which Django would close the test's own connection."""
    for close in response._resource_closers:
        close()


def spans(recording, person):
    return list(SentInterval.objects.filter(recording=recording, person=person).order_by("start_ms").values_list("start_ms", "end_ms"))


@pytest.mark.django_db
class TestSent:
    def test_a_client_that_never_reports_is_on_record_all_the_same(self, as_user, sam, recording):
        response, body = fetch(as_user(sam), recording, "bytes=60000-119999")
        assert (response.status_code, len(body)) == (206, 60_000)
        assert spans(recording, sam) == [(60_000, 120_000)]
        assert not HeardInterval.objects.exists()
        assert listening.share_heard(recording, sam) == 0

    def test_the_whole_file(self, as_user, sam, recording):
        fetch(as_user(sam), recording)
        assert spans(recording, sam) == [(0, 600_000)]

    def test_ranges_in_any_order_are_merged(self, as_user, sam, recording):
        client = as_user(sam)
        for header in ("bytes=20000-29999", "bytes=0-9999", "bytes=10000-19999", "bytes=0-29999"):
            fetch(client, recording, header)
        assert spans(recording, sam) == [(0, 30_000)]

    def test_what_was_not_taken_is_not_noted(self, as_user, sam, recording):
        response = as_user(sam).get(f"/recordings/{recording.pk}/audio/")
        hang_up(response)
        assert spans(recording, sam) == []

    def test_a_hung_up_request_counts_what_was_taken(self, as_user, sam, recording, monkeypatch):
        monkeypatch.setattr("recordings.serving.STEP", 50_000)
        response = as_user(sam).get(f"/recordings/{recording.pk}/audio/")
        next(iter(response.streaming_content))
        hang_up(response)
        assert spans(recording, sam) == [(0, 50_000)]

    def test_a_response_that_stays_open_is_on_record_while_it_plays(self, as_user, sam, recording, monkeypatch):
        monkeypatch.setattr("recordings.serving.STEP", 50_000)
        parts = iter(as_user(sam).get(f"/recordings/{recording.pk}/audio/").streaming_content)
        next(parts), next(parts)
        assert spans(recording, sam) == [(0, 100_000)]

    @pytest.mark.parametrize("method", ["head", "get"])
    def test_without_content_nothing(self, as_user, sam, recording, method):
        headers = {"Range": f"bytes={SIZE}-"} if method == "get" else {}
        response = getattr(as_user(sam), method)(f"/recordings/{recording.pk}/audio/", headers=headers)
        assert response.status_code in (200, 416)
        assert spans(recording, sam) == []

    def test_each_person_has_an_own_record(self, sam, cora, recording):
        for person in (sam, cora):
            client = Client()
            client.force_login(person)
            fetch(client, recording, "bytes=0-999")
        assert spans(recording, sam) == spans(recording, cora) == [(0, 1000)]


@pytest.mark.django_db(transaction=True)
class TestGathered:
    @pytest.fixture
    def waiting(self, settings):
        settings.SENT_FLUSH_SECONDS = 3600
        found = sent._Waiting()
        yield found
        if found._timer:
            found._timer.cancel()

    def test_many_requests_are_not_as_many_writes(self, waiting, recording, sam):
        key = (recording.pk, sam.pk, None)
        waiting.add(key, (0, 1000))  # the first is written at once
        for start in range(1000, 60_000, 1000):
            waiting.add(key, (start, start + 1000))
        assert spans(recording, sam) == [(0, 1000)]
        waiting.write()
        assert spans(recording, sam) == [(0, 60_000)]

    def test_the_last_is_written_without_another_request(self, waiting, recording, sam, settings):
        settings.SENT_FLUSH_SECONDS = 0.3
        waiting.add((recording.pk, sam.pk, None), (0, 1000))
        waiting.add((recording.pk, sam.pk, None), (5000, 6000))
        waiting._timer.join(120)
        assert spans(recording, sam) == [(0, 1000), (5000, 6000)]

    def test_what_cannot_be_written_waits(self, waiting, recording, sam, monkeypatch, caplog):
        def locked(*args):
            raise OperationalError("database is locked")

        with monkeypatch.context() as patch:
            patch.setattr(sent, "_store", locked)
            waiting.add((recording.pk, sam.pk, None), (0, 1000))
        assert "OperationalError" in caplog.text
        assert str(recording.pk) not in caplog.text
        waiting.write()
        assert spans(recording, sam) == [(0, 1000)]

    def test_several_threads(self, waiting, recording, sam):
        def add(start):
            waiting.add((recording.pk, sam.pk, None), (start, start + 1000))
            connection.close()

        threads = [threading.Thread(target=add, args=[start]) for start in range(0, 20_000, 1000)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        waiting.write()
        assert spans(recording, sam) == [(0, 20_000)]


@pytest.mark.django_db
class TestPurpose:
    def report(self, client, recording, purpose, intervals="[[730000, 895000]]"):
        return client.post(reverse("recordings:heard", args=[recording.pk]), {"purpose": purpose, "intervals": intervals})

    def test_a_plain_player_does_not_know_who_listens_the_server_does(self, thea, sam, harbour):
        recording = review_setup.ready_recording(thea, harbour, minutes=20)
        for person in (thea, sam):
            client = Client()
            client.force_login(person)
            self.report(client, recording, "listen")
        assert set(HeardInterval.objects.values_list("person", "purpose")) == {(thea.pk, "own"), (sam.pk, "supervision")}

    def test_the_record_says_who_in_which_role_which_minutes_and_what_for(self, thea, sam, harbour, as_user):
        recording = review_setup.ready_recording(thea, harbour, minutes=20)
        self.report(as_user(sam), recording, "listen")
        (row,) = accessrecord.of(recording)
        assert (row.person, row.role, row.minutes) == (sam, "Supervisor", "12:10 to 14:55")
        assert (row.purpose, row.way_word) == ("Supervision or consultation", "Played")

    def test_reading_the_transcript_is_noted_once_a_day(self, recording, sam):
        now = setup.midday()
        for moment in (now, now + dt.timedelta(hours=2), now + dt.timedelta(days=1)):
            before = set(ModelLogEntry.objects.values_list("pk", flat=True))
            reading.note_read(recording=recording, person=sam, purpose="listen", now=moment)
            ModelLogEntry.objects.exclude(pk__in=before).update(timestamp=moment)  # the log takes its own time
        lines = ModelLogEntry.objects.filter(action="recordings.read", user=sam, object_id=str(recording.pk))
        assert lines.count() == 2
        (row,) = accessrecord.of(recording)
        assert (row.way_word, row.first_at, row.last_at) == ("Transcript read", now, now + dt.timedelta(days=1))
        assert row.purpose == "Supervision or consultation"


@pytest.mark.django_db
class TestShown:
    @pytest.fixture
    def heard(self, recording, sam):
        listening.heard(recording=recording, person=sam, purpose="listen", intervals_ms=[(130_000, 295_000)], now=timezone.now())
        return recording

    @pytest.mark.parametrize(("name", "sees"), [("thea", True), ("iggy", True), ("sam", False), ("cora", False)])
    def test_to_the_therapist_and_the_information_governance_lead(self, request, heard, as_user, name, sees):
        page = as_user(request.getfixturevalue(name)).get(f"/recordings/{heard.pk}/").content.decode()
        assert ("2:10 to 4:55" in page) is sees

    def test_also_after_destruction(self, heard, thea, as_user):
        destruction.destroy(recording=heard, reason="mistake", by=None, now=timezone.now())
        page = as_user(thea).get(f"/recordings/{heard.pk}/").content.decode()
        assert "2:10 to 4:55" in page
