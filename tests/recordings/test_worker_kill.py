"""Real workers, real Whisper, real kills: whatever dies whenever, each recording ends transcribed, once."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.db import connection

from tests.factories import AUDIO
from tests.recordings.engine_room import BASE, LEASE, Room, until

# The database mark makes pytest-django set up the tables, which the room copies.
pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.skipif("connection.vendor != 'sqlite'")]

LONG, SHORT = 125, 25  # seconds of speech: six pieces or so, and one
ENDED = ["features", "original", "playback"]


@pytest.fixture(scope="module")
def room(tmp_path_factory, django_db_setup, django_db_blocker):
    """The test database's tables in a file of its own; a worker would never see those of a test's transaction."""
    folder = tmp_path_factory.mktemp("room")
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(folder / "db.sqlite3")])
        connection.close()
    found = subprocess.run(
        [sys.executable, "manage.py", "weights"],
        cwd=BASE,
        env={**os.environ, "DEMO": "1", "WHISPER_MODEL": "tiny.en"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    room = Room(folder, found.stdout.strip().rpartition(": ")[2])
    room.tick()
    yield room
    room.close()


@pytest.fixture(scope="module")
def recordings(room):
    """Ids by name; nothing is submitted yet."""
    from recordings import audio

    lengths = {
        "parent": LONG,
        "child": LONG,
        "frozen": LONG,
        "stopped": LONG,
        "withdrawn": LONG,
        "poison": SHORT,
        "unread": SHORT,
        "said": SHORT,
    }
    sounds = []
    for place, (name, seconds) in enumerate(lengths.items()):
        sound = room.folder / f"{name}.ogg"
        cut = ["-ss", str(place), "-t", str(seconds), "-i", str(AUDIO / "session-1.opus"), "-c", "copy"]
        subprocess.run([audio.ffmpeg_path(), "-v", "error", *cut, str(sound)], check=True)
        sounds.append(str(sound))
    made = room.call(f"print(json.dumps(engine_room.fill({sounds!r})))")
    return dict(zip(lengths, made, strict=True))


@pytest.fixture
def worker(room):
    """The worker of one test: a list, whose last is the living one."""
    workers = [room.worker()]
    yield workers
    for process in workers:
        if process.poll() is None:
            process.kill()
        process.wait()


def at_step(room, recording, step):
    def reached():
        return room.ledger(recording)["step"] == step and room.ledger(recording)["state"] == "running"

    until(reached, every=0.002)


def at_piece(room, recording, number):
    until(lambda: room.ledger(recording)["done_units"] >= number and room.ledger(recording)["state"] == "running", every=0.002)


def is_done(room, recording):
    return room.ledger(recording)["state"] in ("done", "failed")


def assert_transcribed_once(room, recording):
    until(lambda: is_done(room, recording))
    row = room.ledger(recording)
    assert (row["state"], room.state(recording), row["failure"]) == ("done", "ready", "")
    assert len(room.runs(recording)) == 1
    assert room.sealed(recording) == ENDED
    until(lambda: not room.children(recording))
    segments = room.transcript(recording)
    assert sum(len(segment["words"]) for segment in segments) == room.runs(recording)[0]["words"] > 100
    starts = [segment["start"] for segment in segments]
    assert starts == sorted(starts)


def kill_and_see_it_all_gone(room, recording, pid):
    doomed = room.children(recording)
    assert doomed
    os.kill(pid, signal.SIGKILL)
    until(lambda: not set(doomed) & set(room.children(recording)), 20)


def test_a_worker_killed_at_three_points_of_one_transcription(room, recordings, worker):
    recording = recordings["parent"]
    room.send(recording)

    def kill():
        kill_and_see_it_all_gone(room, recording, worker[-1].pid)
        worker[-1].wait()
        worker.append(room.worker())

    at_step(room, recording, "playback")
    kill()
    at_piece(room, recording, 1)
    kill()
    kept = room.sealed(recording).count("piece")
    assert kept >= 1
    at_step(room, recording, "features")
    with room.write_lock():
        assert room.sealed(recording).count("piece") > kept, "the lock came too late"
        kill()
    assert_transcribed_once(room, recording)
    assert room.ledger(recording)["token"] >= 4


def test_a_child_killed_at_three_points_of_one_transcription(room, recordings, worker):
    recording = recordings["child"]
    room.send(recording)

    def kill():
        kill_and_see_it_all_gone(room, recording, room.children(recording)[0])

    at_step(room, recording, "playback")
    kill()
    at_piece(room, recording, 1)
    kill()
    at_step(room, recording, "features")
    with room.write_lock():
        kill()
    assert_transcribed_once(room, recording)
    assert worker[-1].poll() is None


def test_a_worker_frozen_past_its_lease_can_write_nothing_when_it_wakes(room, recordings, worker):
    recording = recordings["frozen"]
    room.send(recording)
    at_piece(room, recording, 1)
    frozen = [worker[0].pid, *room.children(recording)]
    assert len(frozen) == 2
    with room.write_lock():  # so that none is frozen while it holds that lock, which would stop everybody
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
    token = room.ledger(recording)["token"]
    time.sleep(LEASE)
    worker.append(room.worker())
    until(lambda: room.ledger(recording)["token"] > token)
    at_piece(room, recording, 2)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    until(lambda: not set(frozen[1:]) & set(room.children(recording)))
    assert_transcribed_once(room, recording)
    assert room.ledger(recording)["token"] == token + 1


def test_a_worker_asked_to_stop_gives_its_recording_back_at_once_and_another_goes_on(room, recordings, worker):
    recording = recordings["stopped"]
    room.send(recording)
    at_piece(room, recording, 1)
    worker[0].terminate()
    assert worker[0].wait(timeout=60) == 0
    row = room.ledger(recording)
    assert (row["state"], row["attempts"], room.state(recording)) == ("queued", 0, "queued")
    assert not room.children(recording)
    kept = room.sealed(recording).count("piece")
    worker.append(room.worker())
    at_step(room, recording, "speech")
    assert room.sealed(recording).count("piece") >= kept >= 1
    assert_transcribed_once(room, recording)


def test_withdrawal_in_the_middle_ends_the_child_and_leaves_no_transcript(room, recordings, worker):
    recording = recordings["withdrawn"]
    room.send(recording)
    at_piece(room, recording, 1)
    assert room.children(recording)
    room.call(
        "from recordings import withdrawal; from recordings.models import Recording; from django.utils import timezone\n"
        f"recording = Recording.objects.get(pk='{recording}')\n"
        "withdrawal.withdraw(consent=recording.consent, channel='telephone', by=recording.therapist, now=timezone.now())"
    )
    assert (room.state(recording), room.ledger(recording)["state"]) == ("destroyed", "cancelled")
    until(lambda: not room.children(recording), 20)
    time.sleep(1)
    assert room.sealed(recording) == []
    assert room.runs(recording) == []
    assert room.state(recording) == "destroyed"


def test_a_recording_that_breaks_every_attempt_is_failed_after_three_and_can_be_retried(room, recordings, worker):
    """Its sealed features are no HDF5 file, so the last step breaks each time, however often."""
    recording = recordings["poison"]
    room.call(
        "from recordings import vault; from recordings.models import Recording; from django.utils import timezone\n"
        f"vault.seal(Recording.objects.get(pk='{recording}'), 'features', [b'not a features file'], now=timezone.now())"
    )
    room.send(recording)
    until(lambda: is_done(room, recording))
    row = room.ledger(recording)
    assert (row["state"], row["attempts"], room.state(recording)) == ("failed", 3, "failed")
    assert "broke off 3 times in a row at the same place (describing the sound)" in row["failure"]
    assert "original" in room.sealed(recording)
    room.call(
        "from recordings import pipeline; from recordings.models import Recording, SealedObject; from django.utils import timezone\n"
        f"recording = Recording.objects.get(pk='{recording}')\n"
        "SealedObject.objects.filter(recording=recording, kind='features').delete()\n"
        "pipeline.retry(recording=recording, by=recording.therapist, now=timezone.now())"
    )
    until(lambda: room.ledger(recording)["state"] == "done")
    assert room.state(recording) == "ready"


def test_many_sweeps_at_once_send_a_lost_recording_once(room, recordings):
    recording = recordings["unread"]
    sent = room.call(
        "import threading; from datetime import timedelta; from django.db import connection; from django.utils import timezone\n"
        "from recordings import pipeline, sweep; from recordings.models import Processing, Recording\n"
        "from django_tasks_db.models import DBTaskResult\n"
        f"pipeline.submit(recording=Recording.objects.get(pk='{recording}'), now=timezone.now())\n"
        f"Processing.objects.filter(recording='{recording}').update(state='queued', sent_at=timezone.now())\n"
        "DBTaskResult.objects.filter(status='READY').delete()\n"
        "barrier, sent, later = threading.Barrier(4), [], timezone.now() + timedelta(hours=1)\n"
        "def tick():\n"
        "    barrier.wait()\n"
        "    sent.append(sweep.resend(now=later))\n"
        "    connection.close()\n"
        "threads = [threading.Thread(target=tick) for _ in range(4)]\n"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]\n"
        "print(json.dumps(sent))"
    )
    assert sum(sent) == 1


def test_nothing_said_is_in_the_logs_or_in_the_queue(room, recordings, worker):
    recording = recordings["said"]
    room.send(recording)
    until(lambda: is_done(room, recording))
    words = [word["text"].lower() for segment in room.transcript(recording) for word in segment["words"]]
    assert len(words) > 20
    log = (room.folder / "log").read_text().lower()
    stored = " ".join(str(tuple(row)) for row in room.rows("SELECT * FROM django_tasks_database_dbtaskresult")).lower()
    stored += " ".join(str(tuple(row)) for row in room.rows("SELECT * FROM recordings_transcriptrun")).lower()
    for phrase in (" ".join(words[place : place + 3]) for place in range(len(words) - 2)):
        assert phrase not in log
        assert phrase not in stored
