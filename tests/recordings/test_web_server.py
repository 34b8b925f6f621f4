"""How gunicorn serves the site by `gunicorn.conf.py`: nobody waits for a slow upload, and no slow upload is cut."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time

import pytest
from django.db import connection

from recordings import tus
from tests.recordings.engine_room import BASE, until
from tests.recordings.live_site import Site, copied
from tests.recordings.making import tone

AS_WITHOUT_THE_FILE = "--worker-class sync --threads 1"
TIMEOUT = 2  # seconds, of the worker
PIECE, PIECES, PAUSE = 20_000, 16, 0.25  # bytes, how many, and seconds between them: twice the time-out


@pytest.fixture(scope="module")
def empty(tmp_path_factory, django_db_setup, django_db_blocker):
    folder = tmp_path_factory.mktemp("empty")
    with django_db_blocker.unblock():
        copied(folder)
    return folder / "db.sqlite3"


@contextlib.contextmanager
def a_site(folder, empty, options):
    shutil.copy(empty, folder)
    site = Site(folder, f"--timeout {TIMEOUT} {options}")
    site.start()
    try:
        yield site
    finally:
        site.stop()


def sent_slowly(site):
    """Sends an upload in small pieces, and asks for something else meanwhile. What came back, and what ended in which order."""
    path = site.begin(PIECE * PIECES + 1)
    ended = []

    def ask():
        until(site.answers)
        ended.append("the other")

    answer, other = b"", threading.Timer(1, ask)
    with site.open_patch(path, 0, PIECE * PIECES) as link, contextlib.suppress(OSError):
        other.start()
        for _ in range(PIECES):
            link.sendall(b"x" * PIECE)
            time.sleep(PAUSE)
        answer = link.recv(4096)
    ended.append("the upload")
    other.join()
    return answer, ended


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="copies SQLite's file")
class TestSlowUploads:
    def test_one_goes_through_and_others_are_answered_at_once(self, tmp_path, empty):
        with a_site(tmp_path, empty, "") as site:
            answer, ended = sent_slowly(site)
            assert b" 204 " in answer
            assert ended == ["the other", "the upload"]
            self.a_client_that_goes_with_its_last_byte_finds_its_recording(site)

    @staticmethod
    def a_client_that_goes_with_its_last_byte_finds_its_recording(site):
        """As behind a proxy that has lost patience: the last look goes on without anybody to hear of it."""
        sound = tone(120)
        path = site.begin(len(sound))
        with site.open_patch(path, 0, len(sound)) as link:
            link.sendall(sound)
        address = until(lambda: site.ask("HEAD", path).headers["X-Recording"], every=0.2)
        assert address.startswith("/recordings/")

    def test_with_gunicorns_own_defaults_it_is_cut_and_everybody_waits(self, tmp_path, empty):
        """The control: what the test above would see without the file."""
        with a_site(tmp_path, empty, AS_WITHOUT_THE_FILE) as site:
            answer, ended = sent_slowly(site)
            assert b" 204 " not in answer
            assert ended == ["the upload", "the other"]


def test_the_documented_command_reads_the_file():
    environment = {"PATH": os.environ["PATH"], "DEBUG": "1"}
    command = [sys.executable, "-m", "gunicorn", "--print-config", "cms.wsgi"]
    done = subprocess.run(command, cwd=BASE, env=environment, capture_output=True, text=True, check=True)
    said = {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in done.stdout.splitlines())}
    assert "gthread" in said["worker_class"]
    assert int(said["workers"]) >= 2
    assert int(said["threads"]) > tus.WRITING_IN_ALL  # uploads alone never hold all of a worker
    assert said["accesslog"] == "None"
    assert said["control_socket_disable"] == "True"


def test_a_request_that_broke_is_logged_without_its_secret(tmp_path):
    from gunicorn.config import Config

    spec = importlib.util.spec_from_file_location("gunicorn_conf", BASE / "gunicorn.conf.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config = Config()
    config.set("errorlog", str(tmp_path / "log"))
    log = module.logger_class(config)
    try:
        log.error("Error handling request %s", f"/recordings/withdraw/{'x' * 43}/")
    finally:
        for handler in list(log.error_log.handlers):
            handler.close()
            log.error_log.removeHandler(handler)
    assert "Error handling request /recordings/withdraw/…/" in (tmp_path / "log").read_text(encoding="utf-8")
