"""The fault table's column for recordings that come in by tus: what came stays, one sentence says what is wrong, and it goes on."""

import datetime as dt

import pytest
from django.db import connection  # noqa: F401 (the mark asks for it)
from django.utils import timezone

from recordings import parts, sitekey, tus, vault
from recordings.models import Purpose, Recording, SealedObject, Upload
from tests.factories import make_consent, make_family
from tests.recordings import _faults
from tests.recordings.faults.cells import assert_no_leftovers, assert_nothing_in_plain
from tests.recordings.tus_client import Tus

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.skipif("connection.vendor != 'sqlite'")]
HALF = 100_000


@pytest.fixture
def sends(harbour, thea, client, settings, monkeypatch):
    monkeypatch.setattr(tus, "ROOM_LEFT", 0)  # the disk of these tests is small
    settings.RECORDING_MIN_SECONDS = 1
    client.force_login(thea)
    client.raise_request_exception = False
    return Tus(client, make_consent(make_family(harbour, thea), purposes=(Purpose.RECORD, Purpose.TRANSCRIBE)))


@pytest.mark.parametrize("moment", ["first byte", "last byte"])
@pytest.mark.parametrize("name", ["disk full", "database locked", "storage away", "site key missing", "key store missing"])
def test_cell(name, moment, request, sends, sound, settings, tmp_path, monkeypatch):
    if name == "disk full":
        request.getfixturevalue("disk")
    address = sends.begin(len(sound))
    assert sends.patch(address, 0, sound[:HALF]).status_code == 204
    fault, struck = _faults.FAULTS[name](settings), []
    place = (parts, "seal") if moment == "first byte" else (parts.Gathered, "open")
    whole = getattr(*place)

    def strike(*arguments):
        if not struck:
            struck.append(True)
            fault.strike(None)
        return whole(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(*place, strike)
        answer = sends.patch(address, HALF, sound[HALF:])
    assert struck
    fault.mend()
    sitekey.forget()
    if answer.status_code != 204:
        assert answer.status_code in (503, 507), (answer.status_code, answer.content)
        said = " ".join(answer.content.decode().split())
        assert SENTENCES[name] in said, said
        assert not Recording.objects.exists()
        assert_nothing_in_plain(tmp_path, sound)
        Upload.objects.update(lease=None, lease_until=None)  # which runs out by itself
        offset = sends.offset(address)
        assert HALF <= offset < len(sound)
        assert sends.patch(address, offset, sound[offset:]).status_code == 204
    with vault.open_sealed(SealedObject.objects.get(kind="original")) as content:
        assert content.read() == sound
    assert Recording.objects.count() == 1
    vault.sweep(before=timezone.now() + dt.timedelta(hours=1))  # daily: what could not be removed while the storage was away
    assert_no_leftovers(settings)


SENTENCES = {
    "disk full": "There is no room",
    "database locked": "The database does not answer in time",
    "storage away": "The place where sealed recordings lie does not answer",
    "site key missing": "The key that opens recordings is missing",
    "key store missing": "The key that opens recordings is missing",
}
