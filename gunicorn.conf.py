"""How gunicorn serves Plumbline. It reads this file by itself when it is started in this folder (`gunicorn cms.wsgi`).

Options on the command line and in GUNICORN_CMD_ARGS stand above what is written here.
"""

import os
from typing import Any

from gunicorn import glogging

from cms.logs import HideSecrets

# A thread is held for as long as a recording comes in (`recordings/tus.py` lets 16 do so at once) or a player takes sound, and a worker
# takes connections whether it has a free thread or not: so each has more threads than uploads can hold. Each thread may keep a
# connection to the database; PostgreSQL allows 100.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or min(3, max(2, len(os.sched_getaffinity(0)))))
threads = 24

timeout = 120  # seconds for which a whole worker may be dumb; with threads no request is ended by it, however long it takes
graceful_timeout = 30  # then what is under way is cut: an upload goes on where it stood
keepalive = 75  # longer than a proxy keeps its own, so that it never asks on a connection that closes
max_requests = 0  # a worker that was replaced by count would cut long uploads; its memory stays flat

accesslog = None  # addresses can hold secrets: a family's link to withdraw, an invitation
control_socket_disable = True


class SecretsHidden(glogging.Logger):
    """gunicorn names the address of a request that broke."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.addFilter(HideSecrets())


logger_class = SecretsHidden
