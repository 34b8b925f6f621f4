"""Playing a part: any range is exactly that slice, and every request is judged anew."""

import os

import pytest
from django.test import RequestFactory
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from recordings import serving, vault, withdrawal
from recordings.models import Consent, Purpose, Recording
from recordings.sealedfile import CHUNK
from supervision.models import Membership
from tests import factories
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db
CONTENT = b"OggS" + os.urandom(3 * CHUNK + 1234)
SIZE = len(CONTENT)


@pytest.fixture
def recording(harbour, thea):
    recording = bare_recording(consent=factories.make_consent(factories.make_family(harbour, thea)), state=Recording.State.READY)
    vault.seal(recording, "playback", [CONTENT], now=timezone.now())
    return recording


@pytest.fixture
def url(recording):
    return f"/recordings/{recording.pk}/audio/"


def body(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


def answer(recording, **headers):
    request = RequestFactory(headers=headers).get("/")
    return serving.range_response(request, vault.open_sealed(recording.objects_sealed.get()), "audio/ogg")


@hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.none() | st.integers(0, SIZE + 10), end=st.none() | st.integers(0, SIZE + 10))
def test_any_range_is_that_slice_of_the_content(recording, start, end):
    response = answer(recording, range=f"bytes={'' if start is None else start}-{'' if end is None else end}")
    if start is None:
        expected = None if end is None else CONTENT[max(0, SIZE - end) :]
        is_unsatisfiable = end == 0
        first = SIZE - len(expected or b"")
    else:
        expected = None if end is not None and end < start else CONTENT[start : SIZE if end is None else end + 1]
        is_unsatisfiable = expected is not None and start >= SIZE
        first = start
    if is_unsatisfiable:
        assert (response.status_code, response["Content-Range"], body(response)) == (416, f"bytes */{SIZE}", b"")
    elif expected is None:
        assert (response.status_code, body(response)) == (200, CONTENT)
    else:
        assert response.status_code == 206
        assert body(response) == expected
        assert response["Content-Length"] == str(len(expected))
        assert response["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{SIZE}"


@pytest.mark.parametrize(
    "header", ["bytes=0-1,5-9", "bytes=abc", "bytes=", "bytes=-", "items=0-1", "bytes=1-0", "bytes=--1", "bytes 0-1", "bytes=٠-١"]
)
def test_what_makes_no_sense_or_asks_for_several_gets_the_whole(recording, header):
    response = answer(recording, range=header)
    assert (response.status_code, response["Content-Length"], body(response)) == (200, str(SIZE), CONTENT)


def test_safaris_first_probe(as_user, thea, url):
    response = as_user(thea).get(url, headers={"range": "bytes=0-1"})
    assert (response.status_code, body(response), response["Content-Range"]) == (206, b"Og", f"bytes 0-1/{SIZE}")


def test_the_headers(as_user, thea, url):
    response = as_user(thea).get(url)
    assert response["Accept-Ranges"] == "bytes"
    assert response["Cache-Control"] == "no-store, private"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == "inline"
    assert response["Content-Type"] == "audio/ogg"
    assert response["ETag"].startswith('"')
    assert body(response) == CONTENT


def test_head_sends_the_headers_alone(as_user, thea, url):
    response = as_user(thea).head(url)
    assert (response.status_code, response["Content-Length"], response.content) == (200, str(SIZE), b"")
    part = as_user(thea).head(url, headers={"range": "bytes=5-9"})
    assert (part.status_code, part["Content-Length"], part["Content-Range"]) == (206, "5", f"bytes 5-9/{SIZE}")


def test_if_range_gives_the_whole_when_the_content_has_changed(as_user, thea, recording, url, django_capture_on_commit_callbacks):
    client = as_user(thea)
    etag = client.head(url)["ETag"]
    assert client.get(url, headers={"range": "bytes=0-3", "if-range": etag}).status_code == 206
    with django_capture_on_commit_callbacks(execute=True):
        vault.seal(recording, "playback", [CONTENT], now=timezone.now())
    assert client.get(url, headers={"range": "bytes=0-3", "if-range": etag}).status_code == 200
    assert client.get(url, headers={"range": "bytes=0-3", "if-range": f"W/{client.head(url)['ETag']}"}).status_code == 200


def test_steps_are_small(recording):
    vault.seal(recording, "playback", [bytes(5 * serving.STEP)], now=timezone.now())
    assert max(len(part) for part in answer(recording).streaming_content) == serving.STEP


def test_a_client_that_hangs_up_closes_the_file(recording):
    reader = vault.open_sealed(recording.objects_sealed.get())
    response = serving.range_response(RequestFactory().get("/"), reader, "audio/ogg")
    response.close()
    assert reader.closed


def test_only_safe_methods(as_user, thea, url):
    assert as_user(thea).post(url).status_code == 405


@pytest.mark.parametrize(
    ("beginning", "media_type"),
    [
        (b"OggS", "audio/ogg"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b"RIFF\0\0\0\0WAVE", "audio/wav"),
        (b"ID3\4", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
    ],
)
def test_the_type_is_told_by_the_content(recording, beginning, media_type):
    vault.seal(recording, "playback", [beginning + bytes(100)], now=timezone.now())
    assert answer(recording)["Content-Type"]  # a given type is passed on
    assert serving.sound_type(vault.open_sealed(recording.objects_sealed.get())) == media_type


class TestWhoHears:
    @pytest.mark.parametrize(
        ("name", "status"),
        [
            ("thea", 200),
            ("sam", 200),
            ("bea", 200),
            ("cora", 200),
            ("iggy", 403),
            ("tom", 404),
            ("ada", 404),
            ("mona", 404),
            ("ed", 404),
            ("olly", 404),
            ("otto", 404),
            ("lena", 404),
        ],
    )
    def test_the_therapist_and_those_who_lead_the_team(self, request, as_user, url, name, status):
        assert as_user(request.getfixturevalue(name)).get(url).status_code == status

    def test_without_agreement_to_review_the_therapist_alone(self, as_user, recording, url, thea, cora):
        recording.consent.people.update(purposes=[Purpose.RECORD])
        assert as_user(cora).get(url).status_code == 403
        assert as_user(thea).get(url).status_code == 200

    def test_not_after_the_consent_has_ended(self, as_user, recording, url, thea):
        Consent.objects.update(valid_until=factories.days_ago(1))
        assert as_user(thea).get(url, headers={"range": "bytes=0-1"}).status_code == 403

    def test_not_after_the_membership_has_ended(self, as_user, url, sam):
        client = as_user(sam)
        assert client.get(url).status_code == 200
        Membership.objects.filter(user=sam).update(ends_on=factories.days_ago(1))
        assert client.get(url).status_code == 404

    def test_gone_once_withdrawn(self, as_user, recording, url, thea):
        client = as_user(thea)
        assert client.get(url, headers={"range": "bytes=0-1"}).status_code == 206
        withdrawal.withdraw(consent=recording.consent, channel="telephone", by=thea, now=timezone.now())
        assert client.get(url, headers={"range": "bytes=2-3"}).status_code == 410

    def test_gone_when_only_the_key_is(self, as_user, recording, url, thea):
        vault.destroy_key(recording.pk)
        assert as_user(thea).get(url).status_code == 410

    def test_signed_out_to_the_sign_in_page(self, client, url):
        assert client.get(url).status_code == 302

    def test_a_listening_is_one_line_in_the_audit_log(self, as_user, recording, url, cora):
        from wagtail.models import ModelLogEntry

        client = as_user(cora)
        for start in range(0, 100, 10):
            client.get(url, headers={"range": f"bytes={start}-{start + 9}"})
        entry = ModelLogEntry.objects.get(action="recordings.listen")
        assert (entry.object_id, entry.user) == (str(recording.pk), cora)
