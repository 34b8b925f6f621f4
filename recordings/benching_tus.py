"""For `make bench`: what a resumable upload carries in a second, ours beside npm's `@tus/server`, same client, file and machine.

The last byte is held back from both, so that what is compared is the transfer; ours looks at the sound afterwards. Ours seals
with AES-256-GCM and writes through to the disk before it answers; `@tus/server` with its file store does neither.
"""

import base64
import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from recordings.benchmarks import Bench, Row

SIZE = 300_000_000
ROUNDS = 3
_TOKEN = "b" * 32
_PEER = """
import { Server } from '@tus/server'
import { FileStore } from '@tus/file-store'
const [port, directory] = process.argv.slice(2)
new Server({ path: '/files', datastore: new FileStore({ directory }) }).listen({ host: '127.0.0.1', port: Number(port) })
"""


def upload(bench: Bench) -> None:
    """300 MB by tus; the best of three rounds in turn."""
    file = bench.folder / "noise"
    file.write_bytes(random.Random(3).randbytes(SIZE // 100) * 100)  # noqa: S311 (noise to send, not a secret)
    what, name = f"tus upload, {SIZE // 1_000_000} MB, encrypted", "npm's @tus/server"
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(_ours(bench))
        peer = stack.enter_context(_peer(bench))
        if peer is None:
            bench.print_row(Row(what, "s", ours.best(file, ROUNDS), name=f"{name}: peer not available"))
            return
        times = [(ours.send(file), peer.send(file)) for _ in range(ROUNDS)]
    our_time, peer_time = (min(column) for column in zip(*times, strict=True))
    ratio = peer_time / our_time
    bench.print_row(Row(what, "s", our_time, peer_time, ratio, ">= 0.5", ratio >= 0.5, name))


class _Server:
    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self.port, self.path = port, path
        self.headers = {"Tus-Resumable": "1.0.0", **headers}

    def _ask(self, method: str, path: str, body: object = None, **headers: str) -> http.client.HTTPMessage:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300, blocksize=1024 * 1024)
        try:
            link.request(method, path, body=body, headers={**self.headers, **{k.replace("_", "-"): v for k, v in headers.items()}})  # type: ignore[arg-type]
            response = link.getresponse()
            response.read()
            if response.status >= 300:
                raise RuntimeError(f"{method} was answered with {response.status}")
            return response.headers
        finally:
            link.close()

    def send(self, file: Path) -> float:
        """Seconds for all but the last byte, from the beginning of the upload to the answer."""
        size = file.stat().st_size
        begun = time.perf_counter()
        where = "/" + self._ask("POST", self.path, Upload_Length=str(size + 1))["Location"].split("//")[-1].split("/", 1)[1]
        with file.open("rb") as body:
            said = {"Upload_Offset": "0", "Content_Type": "application/offset+octet-stream", "Content_Length": str(size)}
            answer = self._ask("PATCH", where, body, **said)
        seconds = time.perf_counter() - begun
        if answer["Upload-Offset"] != str(size):
            raise RuntimeError("Not every byte arrived.")
        with contextlib.suppress(RuntimeError):
            self._ask("DELETE", where)
        return seconds

    def best(self, file: Path, rounds: int) -> float:
        return min(self.send(file) for _ in range(rounds))


@contextlib.contextmanager
def _ours(bench: Bench) -> Iterator[_Server]:
    session, consent = json.loads(bench.room.run("-c", _SIGN_IN).splitlines()[-1])
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "cms.wsgi", "--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    metadata = f"consent {base64.b64encode(str(consent).encode()).decode()}"
    headers = {"Cookie": f"sessionid={session}; csrftoken={_TOKEN}", "X-CSRFToken": _TOKEN, "Upload-Metadata": metadata}
    with running(command, port, settings.BASE_DIR, bench.room.environment):
        yield _Server(port, "/recordings/uploads/", headers)


@contextlib.contextmanager
def _peer(bench: Bench) -> Iterator[_Server | None]:
    """None where npm is not at hand, or cannot install it."""
    npm, node = shutil.which("npm"), shutil.which("node")
    folder = bench.folder / "peer"
    folder.mkdir()
    packages = ["@tus/server@2", "@tus/file-store@2"]
    if (
        npm is None
        or node is None
        or subprocess.run([npm, "install", "--silent", *packages], cwd=folder, check=False, capture_output=True).returncode
    ):
        yield None
        return
    (folder / "server.mjs").write_text(_PEER)
    (folder / "files").mkdir()
    port = free_port()
    with running([node, "server.mjs", str(port), str(folder / "files")], port, folder, dict(os.environ)):
        yield _Server(port, "/files", {})


@contextlib.contextmanager
def running(command: list[str], port: int, folder: Path, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("A server did not start.")
            time.sleep(0.1)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_SIGN_IN = """
import django, json; django.setup()
from recordings import benching_tus
print(json.dumps(benching_tus.sign_in()))
"""


def sign_in() -> tuple[str, int]:
    """In the room's own process: a therapist's session, and a consent to send under."""
    from importlib import import_module

    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.utils import timezone

    from recordings.models import Consent, ConsentPerson, ConsentWording, Purpose
    from supervision.models import FamilyReference, Membership, Programme, Team, User

    now, today = timezone.now(), timezone.localdate()
    programme = Programme.objects.create(name="Upload bench", slug="upload-bench", model_name="Multisystemic Therapy")
    team = Team.objects.create(name="Upload bench", slug="upload-bench", programme=programme)
    therapist = User.objects.create_user(email="upload-bench@example.org", first_name="Therapist")
    Membership.objects.create(user=therapist, team=team, role=Membership.Role.THERAPIST, starts_on=today, added_at=now)
    family = FamilyReference.objects.create(team=team, therapist=therapist, reference="B-1", initials="A.B.", opened_on=today)
    wording = ConsentWording.objects.create(programme=programme, version=1, text="May we record?", effective_from=today)
    consent = Consent.objects.create(
        family=family, wording=wording, method=Consent.Method.SIGNED_PAPER, given_on=today, recorded_at=now, recorded_by=therapist
    )
    ConsentPerson.objects.create(consent=consent, role=ConsentPerson.Role.CAREGIVER, initials="A.B.", purposes=[Purpose.RECORD])
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(therapist.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = therapist.get_session_auth_hash()
    session.create()
    return session.session_key, consent.pk
