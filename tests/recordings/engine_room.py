"""A small Plumbline of its own, for killing: its own folder and database file, real workers, real Whisper, short leases."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent.parent
LEASE = 3


def until(what, seconds=240.0, every=0.02):
    """Waits until `what()` is true and returns it. The time is for a machine that is busy with other things."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(every)
    raise AssertionError(f"waited {seconds} seconds in vain for {what.__doc__ or what}")


class Room:
    def __init__(self, folder, model):
        self.folder = folder
        self.processes = []
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DEMO": "1",
            "PLUMBLINE_DATA": str(folder),
            "PROCESSING_LEASE_SECONDS": str(LEASE),
            "WHISPER_MODEL": str(model),
        }

    # Processes

    def start(self, *command):
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen([sys.executable, *command], cwd=BASE, env=self.environment, stdout=subprocess.DEVNULL, stderr=log)
        self.processes.append(process)
        return process

    def worker(self):
        return self.start("manage.py", "db_worker", "--no-reload", "--queue-name", "speech", "--interval", "0.1", "--no-startup-delay")

    def tick(self):
        return self.start("manage.py", "tick", "--loop", "--every", "0.5")

    def call(self, code):
        """Runs code in a process of the room's own and returns what it prints, read as JSON."""
        code = f"import django, json; django.setup(); from tests.recordings import engine_room\n{code}"
        environment = {**self.environment, "DJANGO_SETTINGS_MODULE": "cms.settings"}
        finished = subprocess.run([sys.executable, "-c", code], cwd=BASE, env=environment, check=False, capture_output=True, text=True)
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout or "null")

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()

    def children(self, recording):
        """Process ids of the children that work on a recording, and of everything that they started."""
        found, parents = [], {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, IndexError):
                    status = (entry / "stat").read_text().rpartition(")")[2].split()
                    if status[0] == "Z":
                        continue
                    parents[int(entry.name)] = int(status[1])
                    if b"recordings.child\0" + recording.encode() in (entry / "cmdline").read_bytes():
                        found.append(int(entry.name))
        for child in found:
            found.extend(pid for pid, parent in parents.items() if parent == child and pid not in found)
        return found

    # What the database says

    def rows(self, query, *values):
        with contextlib.closing(sqlite3.connect(f"file:{self.folder / 'db.sqlite3'}?mode=ro", uri=True, timeout=20)) as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(query, values).fetchall()

    def ledger(self, recording):
        return self.rows("SELECT * FROM recordings_processing WHERE recording_id = ?", uuid.UUID(recording).hex)[0]

    def state(self, recording):
        return self.rows("SELECT state FROM recordings_recording WHERE id = ?", uuid.UUID(recording).hex)[0][0]

    def runs(self, recording):
        return self.rows("SELECT * FROM recordings_transcriptrun WHERE recording_id = ?", uuid.UUID(recording).hex)

    def sealed(self, recording):
        query = "SELECT kind FROM recordings_sealedobject WHERE recording_id = ? ORDER BY kind, number"
        return [row[0] for row in self.rows(query, uuid.UUID(recording).hex)]

    @contextlib.contextmanager
    def write_lock(self):
        """Holds the database's write lock: nobody can commit anything meanwhile."""
        with contextlib.closing(sqlite3.connect(self.folder / "db.sqlite3", timeout=20, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                connection.execute("ROLLBACK")

    def send(self, recording):
        """Submits a recording that `fill` made."""
        self.call(
            "from recordings import pipeline; from recordings.models import Recording; from django.utils import timezone\n"
            f"pipeline.submit(recording=Recording.objects.get(pk='{recording}'), now=timezone.now())"
        )

    def transcript(self, recording):
        return self.call(
            "from recordings import transcript; from recordings.models import Recording\n"
            f"print(json.dumps(transcript.segments(Recording.objects.get(pk='{recording}'))))"
        )


def fill(sounds):
    """In the room's own process: a recording, not yet submitted, for each sound file. Returns their ids."""
    from django.utils import timezone

    from recordings import vault
    from tests.recordings.making import bare_recording

    made = []
    for sound in sounds:
        recording = bare_recording(container="ogg")
        vault.seal(recording, "original", [Path(sound).read_bytes()], now=timezone.now())
        made.append(str(recording.pk))
    return made
