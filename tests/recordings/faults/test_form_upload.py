"""The fault table's column for recordings that come in through the form."""

import datetime as dt

import pytest
from django.db import connection  # noqa: F401 (the mark asks for it)
from django.utils import timezone

from recordings import sitekey, vault
from recordings.models import Purpose, Recording
from tests.factories import make_consent, make_family
from tests.recordings import _faults
from tests.recordings.faults.cells import assert_no_leftovers, assert_nothing_in_plain
from tests.recordings.making import upload

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.skipif("connection.vendor != 'sqlite'")]


class TestUpload:
    """The same faults while a recording comes in through the form: nothing of it is kept, and the next try succeeds."""

    @pytest.fixture
    def consent(self, harbour, thea):
        return make_consent(make_family(harbour, thea), purposes=(Purpose.RECORD, Purpose.TRANSCRIBE))

    @pytest.fixture(autouse=True)
    def short(self, settings):
        settings.RECORDING_MIN_SECONDS = 1
        settings.TASKS = {**settings.TASKS}

    @pytest.mark.parametrize("moment", ["first byte", "last byte"])
    @pytest.mark.parametrize("name", [name for name in _faults.FAULTS if name != "damaged chunk"])
    def test_cell(self, name, moment, request, consent, settings, tmp_path, sound, client, thea, monkeypatch):
        if name == "disk full":
            request.getfixturevalue("disk")
        vault.Staging().discard()  # the vault and its keys are there already
        fault = _faults.FAULTS[name](settings)
        client.force_login(thea)
        client.raise_request_exception = False
        place = "write" if moment == "first byte" else "open"
        whole, struck = getattr(vault.Staging, place), []

        def strike(staged, *arguments):
            if not struck:
                struck.append(True)
                fault.strike(Coming(consent, thea))
            return whole(staged, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(vault.Staging, place, strike)
            response = upload(client, consent, sound)
        assert struck
        fault.mend()
        sitekey.forget()
        said = " ".join(response.content.decode().split())
        if response.status_code == 302:  # the fault came too late to matter for what was already sealed
            assert Recording.objects.count() == 1
            assert_no_leftovers(settings)
            return
        assert response.status_code in (422, 503), said
        assert any(sentence in said for sentence in SENTENCES[name]), said
        assert not Recording.objects.exists()
        assert_nothing_in_plain(tmp_path, sound)
        vault.sweep(before=timezone.now() + dt.timedelta(hours=1))
        assert not [path for path in settings.VAULT_DIR.rglob("*") if path.is_file()]
        if name != "withdrawal":
            assert upload(client, consent, sound).status_code == 302
            assert Recording.objects.count() == 1
            assert_no_leftovers(settings)


SENTENCES = {
    "disk full": ["There is no room left"],
    "database locked": ["The database does not answer in time"],
    "storage away": ["The place where sealed recordings lie does not answer"],
    "site key missing": ["The key that opens recordings is missing"],
    "key store missing": ["The key that opens recordings is missing"],
    "withdrawal": ["withdrawn"],
}


class Coming:
    """Stands for the recording that is on its way in."""

    def __init__(self, consent, therapist):
        self.consent, self.therapist = consent, therapist
