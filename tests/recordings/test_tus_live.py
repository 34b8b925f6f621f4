"""Resumable uploads through the real web server: cuts, kills, restarts, silence, two at once, much at once."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from tests.recordings.engine_room import BASE, until
from tests.recordings.live_site import Site, copied
from tests.recordings.making import tone

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.skipif(connection.vendor != "sqlite", reason="copies SQLite's file")]
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def site(tmp_path_factory, django_db_setup, django_db_blocker):
    folder = tmp_path_factory.mktemp("site")
    with django_db_blocker.unblock():
        copied(folder)
    site = Site(folder)
    site.start()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def sound():
    return tone(400)  # 12.8 MB


def original(site, path):
    code = f"""
import django, hashlib; django.setup()
from recordings import vault
from recordings.models import SealedObject
with vault.open_sealed(SealedObject.objects.get(recording__upload__pk="{path.split("/")[-2]}", kind="original")) as content:
    print(hashlib.sha256(content.read()).hexdigest())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=BASE, env=site.environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def when_free(site, path, offset, body):
    """Sends as a patient client does: waits while the lease of a dead request runs out. Gives the answer and the seconds waited."""
    begun = time.monotonic()
    while site.patch(path, offset, b"").status == 423:  # one without bytes finds out and changes nothing
        time.sleep(1)
    waited = time.monotonic() - begun
    return site.patch(path, offset, body), waited


def is_held(site, path):
    """Whether a request is writing, read in the database: asking by a request would take the lease for a moment."""
    with contextlib.closing(sqlite3.connect(site.folder / "db.sqlite3", timeout=20)) as database:
        found = database.execute("SELECT lease FROM recordings_upload WHERE id = ?", (path.split("/")[-2].replace("-", ""),)).fetchone()
    return found[0] is not None


def test_a_cut_keeps_every_byte_that_came(site, sound):
    import hashlib

    path = site.begin(len(sound))
    with site.open_patch(path, 0, len(sound)) as link:
        link.sendall(sound[:5_000_001])
    until(lambda: site.offset(path) == 5_000_001)
    response, _ = when_free(site, path, 5_000_001, sound[5_000_001:])
    assert response.status == 204
    assert response.headers["X-Recording"].startswith("/recordings/")
    assert original(site, path) == hashlib.sha256(sound).hexdigest()


def test_of_two_writers_at_once_one_is_told_to_wait(site, sound):
    path = site.begin(len(sound) + 1)
    with site.open_patch(path, 0, len(sound)) as first:
        first.sendall(sound[:1000])
        until(lambda: is_held(site, path))
        assert site.patch(path, 0, sound[:5]).status == 423
        first.sendall(sound[1000:])
        assert b" 204 " in first.recv(4096)
    assert site.offset(path) == len(sound)
    assert site.patch(path, 0, sound[:5]).status == 409


@pytest.mark.parametrize("victim", ["worker", "everything"])
def test_a_kill_mid_way_loses_at_most_a_part(site, victim):
    import hashlib

    sound = tone(900, hertz={"worker": 220, "everything": 330}[victim])  # 28.8 MB
    path = site.begin(len(sound))
    before = site.on_disk()
    with site.open_patch(path, 0, len(sound)) as link:
        for start in range(0, 20_000_000, 2_000_000):  # more slowly than a part is old
            link.sendall(sound[start : start + 2_000_000])
            time.sleep(0.5)
        until(lambda: site.offset(path) >= 4_000_000)
        if victim == "worker":
            os.kill(site.worker(), signal.SIGKILL)
        else:
            site.stop(signal.SIGKILL)
    if victim == "everything":
        site.start()
    until(site.answers)
    offset = site.offset(path)
    assert 4_000_000 <= offset <= 20_000_000
    assert site.on_disk() - before >= offset
    response, waited = when_free(site, path, offset, sound[offset:])
    assert response.status == 204, response.text
    assert waited < 60
    assert original(site, path) == hashlib.sha256(sound).hexdigest()


def test_a_restart_in_between(site, sound):
    path = site.begin(len(sound) + 1)
    assert site.patch(path, 0, sound[:3_000_000]).status == 204
    site.stop()
    site.start()
    assert site.offset(path) == 3_000_000
    assert site.patch(path, 3_000_000, sound[3_000_000:]).status == 204


def test_a_client_that_falls_silent_is_let_go_of(site, sound):
    path = site.begin(len(sound) + 1)
    with site.open_patch(path, 0, len(sound)) as link:
        link.sendall(sound[:1_000_000])
        until(lambda: site.offset(path) > 0, every=1)
        assert site.offset(path) > 1_000_000 - 256 * 1024
        response, waited = when_free(site, path, site.offset(path), b"x" * 100)
        assert response.status == 204
        assert waited < 20  # nobody waits for the lease of a request that has ended: that is 45 s


def test_slow_uploads_leave_the_pages_quick_and_are_limited(site, sound):
    from recordings import tus

    with contextlib.ExitStack() as stack:
        for _ in range(tus.WRITING_AT_MOST):
            path = site.begin(len(sound) + 1)
            stack.enter_context(site.open_patch(path, 0, len(sound))).sendall(b"RIFF")
            until(lambda path=path: is_held(site, path))
        answer = site.patch(site.begin(100), 0, b"x")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
        begun = time.monotonic()
        assert site.offset(path) == 0
        assert time.monotonic() - begun < 10  # the others hold their threads for much longer


def resident(process):
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024


def test_memory_stays_flat(site):
    """300 MB, received, looked at and sealed again; growth of the web process beyond what a small upload needs."""
    second = tone(1, rate=48_000)[44:]
    frames = 300_000_000 // len(second)
    header = bytearray(tone(1, rate=48_000)[:44])
    size = frames * len(second)
    header[4:8], header[40:44] = (size + 36).to_bytes(4, "little"), size.to_bytes(4, "little")
    small = tone(30)
    assert site.patch(site.begin(len(small)), 0, small).status == 204
    before = resident(site.worker())
    path = site.begin(size + 44)
    with site.open_patch(path, 0, size + 44) as link:
        link.sendall(header)
        for _ in range(frames):
            link.sendall(second)
        assert b" 204 " in link.recv(4096)
    grown = resident(site.worker()) - before
    assert grown < 20 * MIB, f"{grown / MIB:.1f} MiB"
