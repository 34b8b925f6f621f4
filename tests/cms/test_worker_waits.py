"""A worker outlives a database that somebody else keeps locked for longer than it waits: the demo ends with its worker."""

import signal
import sqlite3
import threading

import pytest
from django.core.management import call_command
from django.db import connection

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.skipif("connection.vendor != 'sqlite'")]


@pytest.fixture
def signals():
    """The worker sets its own."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def locked():
    """Another process writes for a moment."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    end = threading.Timer(2, lambda: other.execute("COMMIT"))
    end.start()
    yield
    end.join()
    other.close()


def test_the_worker_goes_on_when_the_lock_is_gone(signals, locked, caplog, monkeypatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)  # seconds; a test cannot wait for twenty
    connection.close()
    call_command("db_worker", reload=False, batch=True, startup_delay=False, queue_name="default")
    assert "The database was locked for too long" in caplog.text
