"""`manage.py tick`: what was lost is sent again, once, however often and by however many it is run."""

import datetime as dt
import os
import signal
import subprocess
import sys

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from recordings import destruction, erasurelog, ledger, pipeline, replay, vault
from recordings.management.commands import tick
from recordings.models import Processing, Recording
from recordings.sealedfile import path_of
from recordings.sweep import sweep
from tests.factories import make_family
from tests.recordings.test_ledger import submitted

NOW = timezone.now()
LATE = NOW + dt.timedelta(minutes=5)


@pytest.fixture
def recording(harbour, thea):
    return submitted(make_family(harbour, thea))


def messages(recording, status="READY"):
    return [m for m in DBTaskResult.objects.filter(status=status) if m.args_kwargs["args"] == [str(recording.pk)]]


def running_message(recording, started_at, worker):
    pipeline.send(recording.pk)
    message = messages(recording)[-1]
    DBTaskResult.objects.filter(pk=message.pk).update(status="RUNNING", started_at=started_at, worker_ids=[worker])
    return message.pk


@pytest.mark.django_db
def test_a_message_that_never_came_is_sent_again(recording, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert sweep(now=LATE)["sent"] == 1
    assert len(messages(recording)) == 1


@pytest.mark.django_db
def test_a_recording_that_waits_its_turn_is_not_sent_over_and_over(recording, django_capture_on_commit_callbacks):
    for minutes in range(5, 60, 5):
        with django_capture_on_commit_callbacks(execute=True):
            sweep(now=NOW + dt.timedelta(minutes=minutes))
    assert len(messages(recording)) == 1


@pytest.mark.django_db
def test_a_recording_just_sent_is_left_alone(harbour, thea, recording):
    Processing.objects.update(sent_at=NOW)
    assert sweep(now=NOW + dt.timedelta(seconds=30))["sent"] == 0


@pytest.mark.django_db
def test_a_recording_whose_worker_vanished_is_sent_and_can_be_claimed(recording, django_capture_on_commit_callbacks):
    token = ledger.claim(recording.pk, now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        assert sweep(now=LATE)["sent"] == 1
    assert len(messages(recording)) == 1
    assert ledger.claim(recording.pk, now=LATE) == token + 1


@pytest.mark.django_db
def test_messages_left_running_by_a_killed_worker_are_closed_and_the_living_one_is_not(recording):
    old = running_message(recording, NOW - dt.timedelta(minutes=9), "dead")
    new = running_message(recording, NOW - dt.timedelta(minutes=5), "alive")
    ledger.claim(recording.pk, now=NOW)
    assert sweep(now=NOW)["closed"] == 1
    assert DBTaskResult.objects.get(pk=old).status == "FAILED"
    assert DBTaskResult.objects.get(pk=new).status == "RUNNING"
    assert sweep(now=LATE)["closed"] == 1  # nobody has been heard of for a lease


@pytest.mark.django_db
def test_old_finished_messages_are_pruned(recording):
    DBTaskResult.objects.all().delete()
    for days in (6, 8):
        pipeline.send(recording.pk)
        DBTaskResult.objects.filter(status="READY").update(status="SUCCESSFUL", finished_at=NOW - dt.timedelta(days=days))
    assert sweep(now=NOW)["pruned"] == 1
    assert len(messages(recording, "SUCCESSFUL")) == 1


@pytest.mark.django_db
def test_one_pass_by_the_command_is_quiet_and_changes_nothing_twice(recording):
    ledger.claim(recording.pk, now=timezone.now())
    before = Processing.objects.values().get()
    call_command("tick")
    call_command("tick")
    assert Processing.objects.values().get() == before


@pytest.mark.django_db
def test_one_job_that_fails_stops_no_other_and_is_named(recording, monkeypatch, caplog):
    def fail():
        raise OSError("the disk of the family H-101 is full")

    done = []
    jobs = {name: (lambda name=name: done.append(name) or 0) for name in tick.JOBS}
    monkeypatch.setattr(tick, "JOBS", {**jobs, "destroyed": fail})
    with pytest.raises(CommandError, match="Not done: destroyed"):
        call_command("tick")
    assert done == [name for name in tick.JOBS if name != "destroyed"]
    assert "OSError" in caplog.text
    assert "H-101" not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_replay_that_fails_for_one_recording_goes_on_with_the_others_and_with_the_other_jobs(
    harbour, thea, tom, monkeypatch, caplog, client
):
    """Three recordings come back from a backup, and a fourth is overdue; one of the three cannot be destroyed."""
    now = timezone.now()
    came_back = [submitted(make_family(harbour, thea)) for _ in range(3)]
    overdue = submitted(make_family(harbour, tom))
    Recording.objects.filter(pk=overdue.pk).update(uploaded_at=now - dt.timedelta(days=91))
    erasurelog.append([erasurelog.Erased(row.pk, "mistake", None, now) for row in came_back])
    replay.mark_restored(is_whole=True)
    real = destruction._clear

    def stubborn(recording_id, **more):
        if recording_id == came_back[0].pk:
            raise OSError(f"the disk of the family {overdue.family.reference} is full")
        return real(recording_id, **more)

    with monkeypatch.context() as patch:
        patch.setattr(destruction, "_clear", stubborn)
        with pytest.raises(CommandError, match="Not done: destroyed again, destroyed"):
            call_command("tick")
        with pytest.raises(CommandError, match=r"Not everything could be destroyed again \(OSError\)\. The site stays closed\."):
            call_command("replay_erasures")
        assert client.get("/").status_code == 503
    states = [Recording.objects.get(pk=row.pk).state for row in (*came_back, overdue)]
    assert states == ["queued", "destroyed", "destroyed", "destroyed"]
    assert not vault.has_key(came_back[0].pk)
    assert overdue.family.reference not in caplog.text
    call_command("tick")
    assert Recording.objects.get(pk=came_back[0].pk).state == "destroyed"
    assert not replay.is_shut()


@pytest.mark.django_db(transaction=True)
def test_the_keys_of_all_that_is_due_go_although_the_store_is_away(harbour, thea, tom, settings, caplog):
    """Nothing answers at that address: a real refusal. The files go once the store is back."""
    both = [submitted(make_family(harbour, person)) for person in (thea, tom)]
    row = vault.seal(both[0], "original", [b"spoken"], now=timezone.now())
    Recording.objects.update(uploaded_at=timezone.localtime() - dt.timedelta(days=91))
    settings.S3_BUCKET, settings.S3_ENDPOINT_URL, settings.S3_ACCESS_KEY_ID, settings.S3_SECRET_ACCESS_KEY = (
        "b",
        "http://127.0.0.1:9",
        "k",
        "s",
    )
    with pytest.raises(CommandError, match="Not done: destroyed"):
        call_command("tick")
    assert not [row for row in both if vault.has_key(row.pk)]
    assert set(Recording.objects.values_list("state", flat=True)) == {"destroyed"}
    with pytest.raises(CommandError, match="Not done: destroyed"):
        call_command("tick")
    settings.S3_BUCKET = settings.S3_ENDPOINT_URL = settings.S3_ACCESS_KEY_ID = settings.S3_SECRET_ACCESS_KEY = ""
    assert path_of(row.pk).exists()
    call_command("tick")
    assert not path_of(row.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_pass_destroys_what_is_due_and_warns_of_what_is_to_come(harbour, thea, tom, sam):
    now = timezone.now()
    gone, soon = (submitted(make_family(harbour, person)) for person in (thea, tom))
    for each, days in ((gone, 91), (soon, 86)):
        Recording.objects.filter(pk=each.pk).update(uploaded_at=now - dt.timedelta(days=days))
    call_command("tick")
    gone.refresh_from_db()
    assert gone.state == Recording.State.DESTROYED
    assert sorted(message.to[0] for message in mail.outbox) == sorted([tom.email, sam.email])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_loop_ends_cleanly_when_told_to(tmp_path, number):
    environment = {**os.environ, "DEMO": "1", "PLUMBLINE_DATA": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}"}
    # no tables at all: it complains, goes on, and still ends when told to
    process = subprocess.Popen(
        [sys.executable, "manage.py", "tick", "--loop", "--every", "0.2", "--skip-checks"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "A pass broke off" in process.stderr.readline()
    process.send_signal(number)
    process.communicate(timeout=120)
    assert process.returncode == 0
