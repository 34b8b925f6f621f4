"""The fault table once more, struck in the middle of each step: half of what it seals has gone to be sealed, its row is not written."""

import datetime as dt
import signal

import pytest
from django.db import connection
from django.utils import timezone

from recordings import ledger, pipeline, sitekey, store, vault
from recordings.models import SealedObject
from tests.recordings import _faults
from tests.recordings.faults.cells import (
    STEPS,
    assert_destroyed,
    assert_done_once,
    assert_no_leftovers,
    assert_nothing_in_plain,
    attempt,
    fresh,
    page,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.skipif("connection.vendor != 'sqlite'")]


@pytest.fixture
def fault(request, settings):
    if request.param == "disk full":
        request.getfixturevalue("disk")
    return _faults.FAULTS[request.param](settings)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", [name for name in _faults.FAULTS if name != "withdrawal"], indirect=True)
def test_cell(fault, step, recording, settings, tmp_path, sound, client, thea, monkeypatch):  # the fault first: it may mount the vault
    """What is open already may be finished; what is not is said. Once mended it goes on, and all is there once."""
    mended = []

    def mend():
        if not mended:
            fault.mend()
            mended.append(True)

    with monkeypatch.context() as patch:
        struck = _faults.in_middle(patch, step, fault.strike)
        attempt(recording, while_waiting=mend)
        assert struck == [step]
    state = fresh(recording)
    assert state.state in ("failed", "queued", "ready")
    if state.state == "failed":
        assert pipeline.progress(state).sentence.startswith(fault.says)
    assert_nothing_in_plain(tmp_path, sound)
    mend()
    sitekey.forget()
    if state.state == "failed":
        assert fault.says in page(client, recording, thea)
    store.current().clear_partial(before=timezone.now() + dt.timedelta(hours=1))  # what the daily sweep does
    assert_no_leftovers(settings)
    with vault.open_sealed(SealedObject.objects.get(recording=recording, kind="original")) as content:
        assert content.read() == sound
    if state.state == "failed":
        pipeline.retry(recording=state, by=thea, now=timezone.now())
    if state.state != "ready":
        attempt(recording)
    assert_done_once(recording, settings, tmp_path, sound)


@pytest.mark.parametrize("step", STEPS)
def test_cell_of_a_withdrawal(step, recording, settings, tmp_path, sound, client, thea, monkeypatch):
    with monkeypatch.context() as patch:
        struck = _faults.in_middle(patch, step, _faults.Withdrawal(settings).strike)
        attempt(recording)
        assert struck == [step]
    assert_destroyed(recording, settings, tmp_path, sound, client, thea)


@pytest.mark.parametrize("step", ["playback", "speech", "features"])
def test_cell_of_a_killed_child(step, recording, settings, tmp_path, sound, once):
    """Of the steps that seal much: each kill costs a process, and between its blocks one step is like another."""
    token = ledger.claim(recording.pk, now=timezone.now())
    name = connection.settings_dict["NAME"]
    code = _faults.kill_child(step, recording, token, database=name, folder=tmp_path, settings=settings, once=once, moment="middle")
    assert code == -signal.SIGKILL
    assert ledger.crashed(recording.pk, token, now=timezone.now())
    assert_nothing_in_plain(tmp_path, sound)
    store.current().clear_partial(before=timezone.now() + dt.timedelta(hours=1))  # what the daily sweep does
    assert_no_leftovers(settings)
    attempt(recording)
    assert_done_once(recording, settings, tmp_path, sound)
