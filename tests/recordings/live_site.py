"""A Plumbline of its own behind the real gunicorn, with its own folder and database file."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from django.db import connection

from tests.recordings.engine_room import BASE, until
from tests.recordings.tus_client import said

TOKEN = "a" * 32

_PREPARE = """
import django, json; django.setup()
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from supervision.models import Membership
from tests import factories
team = factories.make_team("Harbour", slug="harbour-live")
thea = factories.make_member("thea", team, Membership.Role.THERAPIST)
consent = factories.make_consent(factories.make_family(team, thea))
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(thea.pk), settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = thea.get_session_auth_hash()
session.create()
print(json.dumps([session.session_key, consent.pk]))
"""


class Site:
    """Served as `gunicorn cms.wsgi` is, by one worker process. `options` stand where an operator's would, in GUNICORN_CMD_ARGS."""

    def __init__(self, folder, options=""):
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "DEMO": "1", "PLUMBLINE_DATA": str(folder)}
        self.environment["DJANGO_SETTINGS_MODULE"] = "cms.settings"
        self.environment["GUNICORN_CMD_ARGS"] = f"--workers 1 --graceful-timeout 1 --log-level warning {options}"
        made = subprocess.run([sys.executable, "-c", _PREPARE], cwd=BASE, env=self.environment, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        self.session, self.consent = json.loads(made.stdout.splitlines()[-1])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = None

    def start(self):
        command = ["-m", "gunicorn", "cms.wsgi", "--bind", f"127.0.0.1:{self.port}"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command], cwd=BASE, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        until(self.answers, every=0.2)

    def answers(self):
        with contextlib.suppress(OSError):
            return self.ask("GET", "/health/live").status == 200

    def stop(self, number=signal.SIGTERM):
        if self.process is not None:
            os.killpg(self.process.pid, number)
            self.process.wait(timeout=30)

    def worker(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0])

    def headers(self, **more):
        named = {name.replace("_", "-"): str(value) for name, value in more.items()}
        cookies = f"sessionid={self.session}; csrftoken={TOKEN}"
        return {"Tus-Resumable": "1.0.0", "Cookie": cookies, "X-CSRFToken": TOKEN, **named}

    def ask(self, method, path, body=None, **headers):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            link.request(method, path, body=body, headers=self.headers(**headers))
            response = link.getresponse()
            response.text = response.read()
            return response
        finally:
            link.close()

    def begin(self, length):
        response = self.ask("POST", "/recordings/uploads/", Upload_Length=length, Upload_Metadata=said(consent=self.consent))
        assert response.status == 201, response.text
        return response.headers["Location"]

    def offset(self, path):
        return int(self.ask("HEAD", path).headers["Upload-Offset"])

    def patch(self, path, offset, body):
        return self.ask("PATCH", path, body, Upload_Offset=offset, Content_Type="application/offset+octet-stream")

    def open_patch(self, path, offset, size):
        """A PATCH whose body is for the caller to send."""
        link = socket.create_connection(("127.0.0.1", self.port), timeout=120)
        lines = [f"PATCH {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Content-Length: {size}"]
        more = self.headers(Upload_Offset=offset, Content_Type="application/offset+octet-stream")
        link.sendall("\r\n".join([*lines, *(f"{name}: {value}" for name, value in more.items()), "", ""]).encode())
        return link

    def on_disk(self):
        return sum(path.stat().st_size for path in (self.folder / "vault").rglob("*.sealed"))


def copied(folder):
    """Puts the tests' own database there, empty as it is."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(folder / "db.sqlite3")])
    connection.close()
