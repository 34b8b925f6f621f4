"""Other people's recordings and consents: 404, and nothing that would tell them from what does not exist."""

import uuid

import pytest
from django.utils import timezone

from recordings import destruction, vault
from recordings.models import Recording
from tests import factories
from tests.recordings.making import bare_recording, tone, upload

pytestmark = pytest.mark.django_db
STRANGERS = ["olly", "otto", "tom", "ada", "mona", "ed", "lena"]


@pytest.fixture
def consent(harbour, thea):
    return factories.make_consent(factories.make_family(harbour, thea))


@pytest.fixture
def recording(consent):
    recording = bare_recording(consent=consent, state=Recording.State.READY)
    vault.seal(recording, "playback", [b"OggS" + bytes(1000)], now=timezone.now())
    return recording


@pytest.mark.parametrize("page", ["", "audio/", "delete/", "certificate/"])
@pytest.mark.parametrize("name", STRANGERS)
def test_every_page_of_a_recording(request, as_user, recording, name, page):
    client = as_user(request.getfixturevalue(name))
    for state in ("ready", "destroyed"):
        assert client.get(f"/recordings/{recording.pk}/{page}").status_code == 404
        assert client.head(f"/recordings/{recording.pk}/{page}").status_code == 404
        if state == "ready":
            destruction.destroy(recording=recording, reason="mistake", by=None, now=timezone.now())


@pytest.mark.parametrize("page", ["", "print/", "withdraw/"])
@pytest.mark.parametrize("name", STRANGERS)
def test_every_page_of_a_consent(request, as_user, consent, name, page):
    assert as_user(request.getfixturevalue(name)).get(f"/recordings/consents/{consent.pk}/{page}").status_code == 404


@pytest.mark.parametrize("name", STRANGERS)
def test_nothing_can_be_changed(request, as_user, consent, recording, name):
    client = as_user(request.getfixturevalue(name))
    assert client.post(f"/recordings/{recording.pk}/delete/", {"note": "x"}).status_code == 404
    assert client.post(f"/recordings/consents/{consent.pk}/withdraw/", {"channel": "writing"}).status_code == 404
    assert client.post(f"/recordings/families/{consent.family_id}/consent/", {}).status_code == 404
    assert upload(client, consent, tone(1)).status_code == 404
    recording.refresh_from_db()
    assert recording.state == Recording.State.READY
    assert vault.has_key(recording.pk)


@pytest.mark.parametrize("name", STRANGERS)
def test_the_list_holds_nothing_of_theirs(request, as_user, recording, name):
    for query in ("", "?state=ready", f"?family={recording.family_id}", f"?therapist={recording.therapist_id}", "?state=destroyed"):
        assert recording.family.reference.encode() not in as_user(request.getfixturevalue(name)).get(f"/recordings/{query}").content


@pytest.mark.parametrize("headers", [{}, {"range": "bytes=0-1"}, {"range": "bytes=9999999-"}, {"if-none-match": "*"}])
def test_somebody_elses_sound_is_byte_for_byte_an_unknown_one(as_user, olly, recording, headers):
    client = as_user(olly)
    theirs = client.get(f"/recordings/{recording.pk}/audio/", headers=headers)
    unknown = client.get(f"/recordings/{uuid.uuid4()}/audio/", headers=headers)
    assert (theirs.status_code, theirs.content, dict(theirs.headers)) == (404, unknown.content, dict(unknown.headers))


def test_a_stranger_learns_nothing_from_sending_the_same_bytes(as_user, olly, meadow, thea, consent):
    content = tone(21)
    upload(as_user(thea), consent, content)
    theirs = factories.make_consent(factories.make_family(meadow, olly))
    page = upload(as_user(olly), theirs, content).content.decode()
    assert consent.family.reference not in page
    assert str(Recording.objects.get().pk) not in page
