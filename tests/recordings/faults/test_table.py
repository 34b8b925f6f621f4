"""The fault table: whatever goes wrong in whatever step, nothing is lost, nothing leaks, one sentence says it, and it goes on.

Rows are faults, columns are steps. Each cell processes a real recording, is struck as the step begins, and is tried again
once the fault is gone. Workers killed in the middle of a piece: `test_worker_kill.py`.
"""

import datetime as dt
import signal

import pytest
from django.db import connection
from django.utils import timezone

from recordings import ledger, pipeline, store
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
    rows,
    strike_and_go_on,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.skipif("connection.vendor != 'sqlite'")]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", [name for name in _faults.FAULTS if name not in ("disk full", "withdrawal")])
def test_cell(name, step, recording, settings, tmp_path, sound, client, thea, monkeypatch):
    strike_and_go_on(_faults.FAULTS[name](settings), step, recording, settings, tmp_path, sound, client, thea, monkeypatch)


@pytest.mark.parametrize("step", STEPS)
def test_cell_of_a_full_disk(step, disk, recording, settings, tmp_path, sound, client, thea, monkeypatch):
    strike_and_go_on(_faults.DiskFull(settings), step, recording, settings, tmp_path, sound, client, thea, monkeypatch)


@pytest.mark.parametrize("step", STEPS)
def test_cell_of_a_withdrawal(step, recording, settings, tmp_path, sound, client, thea, monkeypatch):
    fault = _faults.Withdrawal(settings)
    with monkeypatch.context() as patch:
        struck = _faults.at_step(patch, step, fault.strike)
        attempt(recording)
        assert struck == [step]
    assert_destroyed(recording, settings, tmp_path, sound, client, thea)
    with pytest.raises(pipeline.NotRetryable, match="destroyed"):
        pipeline.retry(recording=fresh(recording), by=thea, now=timezone.now())
    assert ledger.claim(recording.pk, now=timezone.now()) is None


@pytest.mark.parametrize("step", STEPS)
def test_cell_of_a_killed_child(step, recording, settings, tmp_path, sound, client, thea, once):
    token = ledger.claim(recording.pk, now=timezone.now())
    database = connection.settings_dict["NAME"]
    code = _faults.kill_child(step, recording, token, database=database, folder=tmp_path, settings=settings, once=once)
    assert code == -signal.SIGKILL
    assert ledger.crashed(recording.pk, token, now=timezone.now())
    assert pipeline.progress(fresh(recording)).word == "Waiting for its turn"
    assert "Waiting for its turn" in page(client, recording, thea)
    assert_nothing_in_plain(tmp_path, sound)
    store.current().clear_partial(before=timezone.now() + dt.timedelta(hours=1))  # what the daily sweep does
    assert_no_leftovers(settings)
    kept = rows(recording)
    attempt(recording)
    assert "original" in kept
    assert_done_once(recording, settings, tmp_path, sound)


def test_the_table_has_every_step_that_a_page_can_name():
    assert set(STEPS) == set(ledger.STEPS) - {"video"}  # the picture is one more derivative, made like the playback
