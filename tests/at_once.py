"""Two acts at the same moment, by two connections: the second comes while the first has done its work and not yet committed."""

import threading
import time

from django.db import connection, connections, transaction


def second_of(first, second):
    """Does both. Returns what the second returned or raised."""
    outcome, backends = [], []

    def act():
        try:
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_backend_pid()")
                    backends.append(cursor.fetchone()[0])
            outcome.append(second())
        except Exception as error:  # noqa: BLE001 (it is the outcome)
            outcome.append(error)
        finally:
            connections.close_all()

    other = threading.Thread(target=act)
    with transaction.atomic():
        first()
        other.start()
        while other.is_alive() and not _waits(backends):
            time.sleep(0.01)
    other.join()
    return outcome[0]


def _waits(backends):
    """Whether the other waits for this transaction. SQLite lets nobody else begin one that writes."""
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pid = ANY(%s))", [backends])
        return cursor.fetchone()[0]
