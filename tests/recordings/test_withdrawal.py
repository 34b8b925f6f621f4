"""A consent taken back acts at once, on everything, whatever is going on."""

import logging
import threading

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from recordings import consent as consents
from recordings import destruction, keystore, ledger, permissions, vault, withdrawal
from recordings.models import Consent, DestructionCertificate, Processing, Purpose, Recording, SealedObject, Withdrawal
from tests import factories
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db(transaction=True)
State = Processing.State
CANARY = "the heron stood in the reeds at Llyn Padarn"


@pytest.fixture
def consent(harbour, thea):
    return factories.make_consent(factories.make_family(harbour, thea))


def withdraw(consent, thea, **changes):
    return withdrawal.withdraw(**{"consent": consent, "channel": "telephone", "by": thea, "now": timezone.now(), **changes})


IN_STATES = {
    State.QUEUED: Recording.State.QUEUED,
    State.RUNNING: Recording.State.PROCESSING,
    State.DONE: Recording.State.READY,
    State.FAILED: Recording.State.FAILED,
}


@pytest.mark.parametrize(("processing", "state"), IN_STATES.items(), ids=[state.value for state in IN_STATES])
def test_in_whatever_state_of_processing(consent, thea, processing, state):
    now = timezone.now()
    recording = bare_recording(consent=consent, state=state)
    vault.seal(recording, "original", [b"voice"], now=now)
    Processing.objects.create(recording=recording, queued_at=now, state=processing, token=3, lease_until=now)
    withdraw(consent, thea)
    recording.refresh_from_db()
    assert recording.state == Recording.State.DESTROYED
    assert not vault.has_key(recording.pk)
    assert recording.certificate.reason == DestructionCertificate.Reason.WITHDRAWAL
    row = Processing.objects.get()
    assert row.state not in (State.QUEUED, State.RUNNING)
    assert ledger.claim(recording.pk, now=now) is None


def test_all_recordings_of_the_consent_and_no_other(consent, thea):
    other = factories.make_consent(consent.family)
    mine, also_mine, kept = (bare_recording(consent=each) for each in (consent, consent, other))
    withdraw(consent, thea)
    assert set(Recording.objects.filter(state=Recording.State.DESTROYED)) == {mine, also_mine}
    assert vault.has_key(kept.pk)


def test_one_person_is_enough(consent, thea):
    recording = bare_recording(consent=consent)
    person = consent.people.get()
    made = withdraw(consent, thea, person=person)
    assert made.person == person
    assert not permissions.can_listen(thea, Recording.objects.get(pk=recording.pk))
    assert not consents.covers(Consent.objects.get(pk=consent.pk), Purpose.RECORD, on=factories.today())


def test_doing_it_again_changes_nothing(consent, thea, sam):
    first = withdraw(consent, thea)
    again = withdraw(consent, sam, channel="writing")
    assert again == first
    assert Withdrawal.objects.get().channel == "telephone"


def test_it_holds_although_the_destruction_crashed(consent, thea, monkeypatch):
    recording = bare_recording(consent=consent)

    def crash(*args, **kwargs):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("recordings.destruction.vault.destroy_key", crash)
        with pytest.raises(withdrawal.Unfinished):
            withdraw(consent, thea)
    recording.refresh_from_db()
    assert not permissions.can_listen(thea, recording)
    assert destruction.finish_pending() == 1
    recording.refresh_from_db()
    assert recording.state == Recording.State.DESTROYED


def test_a_worker_at_it_lands_nothing(consent, thea):
    now = timezone.now()
    recording = bare_recording(consent=consent)
    Processing.objects.create(recording=recording, queued_at=now)
    token = ledger.claim(recording.pk, now=now)
    withdraw(consent, thea)
    with pytest.raises(vault.KeyGone):
        vault.seal(recording, "features", [CANARY.encode()], now=now)
    with pytest.raises(ledger.LeaseLost), ledger.holding(recording.pk, token):
        pass
    assert not SealedObject.objects.exists()


def test_at_the_instant_of_sealing_never_both(consent, thea):
    """A worker seals without pause while somebody withdraws: afterwards there is neither a key, nor a row, nor a file."""
    now = timezone.now()
    recording = bare_recording(consent=consent)
    begun = threading.Event()

    def work():
        try:
            for number in range(10_000):
                vault.seal(recording, "piece", [b"voice" * 1000], number=number % 3, now=now)
                begun.set()
        except vault.KeyGone:
            pass
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    assert begun.wait(20)
    withdraw(consent, thea)
    worker.join(60)
    assert not worker.is_alive()
    assert not SealedObject.objects.exists()
    assert not vault.has_key(recording.pk)
    assert not list(settings.VAULT_DIR.rglob("*.sealed"))


def test_an_open_reader_stops_at_the_next_step(consent, thea, rf):
    from recordings import serving

    recording = bare_recording(consent=consent)
    row = vault.seal(recording, "playback", [bytes(3 * serving.STEP)], now=timezone.now())
    body = iter(serving.range_response(rf.get("/"), vault.open_sealed(row), "audio/ogg"))
    assert len(next(body)) == serving.STEP
    withdraw(consent, thea)
    assert list(body) == []


def test_nothing_that_was_said_is_left_anywhere(consent, thea, caplog, tmp_path):
    """Database with its log, vault, key store, media, logs: no copy of the words, none of the key."""
    caplog.set_level(logging.DEBUG)
    recording = bare_recording(consent=consent, state=Recording.State.READY)
    for kind in ("original", "playback", "features", "piece"):
        vault.seal(recording, kind, [CANARY.encode() * 50], now=timezone.now())
    vault.seal_text(recording, CANARY)
    wrapped = keystore.get(recording.pk)
    withdraw(consent, thea)
    destruction.finish_pending()

    places = [path for path in tmp_path.rglob("*") if path.is_file()]
    if connection.vendor == "sqlite":
        name = connection.settings_dict["NAME"]
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        places += [path for path in type(tmp_path)(name).parent.glob(f"{type(tmp_path)(name).name}*") if path.is_file()]
    assert places
    for path in places:
        data = path.read_bytes()
        assert CANARY.encode() not in data, path
        assert wrapped not in data, path
    assert CANARY not in caplog.text
    assert not list(settings.VAULT_DIR.rglob("*.sealed"))
