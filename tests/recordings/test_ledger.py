"""The ledger's rules: one worker at a time, a stale worker writes nothing, only attempts without progress count."""

import contextlib
import datetime as dt
import subprocess

import pytest
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recordings import ledger, pipeline, tasks
from recordings.models import Processing, Recording
from tests.factories import make_consent, make_family
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LATE = NOW + dt.timedelta(minutes=10)
State = Processing.State


@pytest.fixture
def recording(harbour, thea):
    return submitted(make_family(harbour, thea))


def submitted(family):
    recording = bare_recording(consent=make_consent(family))
    pipeline.submit(recording=recording, now=NOW)
    return recording


def row(recording):
    return Processing.objects.get(recording=recording)


def state(recording):
    recording.refresh_from_db()
    return recording.state


def test_submitting_twice_makes_one_row(recording):
    pipeline.submit(recording=recording, now=NOW)
    assert Processing.objects.count() == 1


def test_the_message_goes_out_only_when_the_row_is_committed(harbour, thea, django_capture_on_commit_callbacks):
    from django_tasks_db.models import DBTaskResult

    ours = DBTaskResult.objects.filter(queue_name="speech")
    with django_capture_on_commit_callbacks() as waiting:
        recording = submitted(make_family(harbour, thea))
        assert not ours.exists()
    for callback in waiting:
        callback()
    assert [message.args_kwargs["args"] for message in ours] == [[str(recording.pk)]]


def test_a_claim_takes_the_recording_for_one_worker(recording):
    token = ledger.claim(recording.pk, now=NOW)
    assert token == 1
    assert (row(recording).state, state(recording)) == (State.RUNNING, Recording.State.PROCESSING)
    assert ledger.claim(recording.pk, now=NOW) is None


def test_an_expired_lease_can_be_taken_over_and_the_first_worker_writes_nothing_more(recording):
    first = ledger.claim(recording.pk, now=NOW)
    second = ledger.claim(recording.pk, now=LATE)
    assert second == first + 1
    assert not ledger.heartbeat(recording.pk, first, now=LATE)
    with pytest.raises(ledger.LeaseLost), ledger.holding(recording.pk, first):
        pytest.fail("a stale worker got in")
    assert not ledger.fail(recording.pk, first, "Too late.", now=LATE)
    assert not ledger.crashed(recording.pk, first, now=LATE)
    assert not ledger.release(recording.pk, first)
    assert row(recording).token == second
    with ledger.holding(recording.pk, second) as held:
        assert held.token == second


def test_heartbeats_keep_the_lease(recording):
    token = ledger.claim(recording.pk, now=NOW)
    assert ledger.heartbeat(recording.pk, token, now=LATE)
    assert ledger.claim(recording.pk, now=LATE + dt.timedelta(seconds=59)) is None
    assert ledger.claim(recording.pk, now=LATE + dt.timedelta(seconds=61)) == token + 1


def test_nothing_written_while_holding_stays_when_it_breaks_off(recording):
    token = ledger.claim(recording.pk, now=NOW)
    with contextlib.suppress(RuntimeError), ledger.holding(recording.pk, token) as held:
        ledger.complete(held, now=NOW)
        raise RuntimeError
    assert (row(recording).state, state(recording)) == (State.RUNNING, Recording.State.PROCESSING)


def test_the_end_makes_the_recording_ready_once(recording):
    token = ledger.claim(recording.pk, now=NOW)
    with ledger.holding(recording.pk, token) as held:
        ledger.complete(held, now=NOW)
    assert (row(recording).state, state(recording)) == (State.DONE, Recording.State.READY)
    assert ledger.claim(recording.pk, now=LATE) is None
    with pytest.raises(ledger.LeaseLost), ledger.holding(recording.pk, token):
        pass


def test_a_recording_that_breaks_off_three_times_without_progress_is_failed_with_a_sentence(recording):
    for attempt in (1, 2, 3):
        token = ledger.claim(recording.pk, now=NOW)
        ledger.enter(recording.pk, token, "speech")
        assert ledger.crashed(recording.pk, token, now=NOW) is (attempt < 3)
    assert (row(recording).state, state(recording)) == (State.FAILED, Recording.State.FAILED)
    assert row(recording).failure.startswith("It broke off 3 times in a row at the same place (transcribing). Nothing is lost.")
    assert ledger.claim(recording.pk, now=LATE) is None


def test_attempts_that_got_on_do_not_count_against_it(recording):
    for done in range(1, 8):
        token = ledger.claim(recording.pk, now=NOW)
        with ledger.holding(recording.pk, token) as held:
            ledger.advance(held, done_units=done)
        assert ledger.crashed(recording.pk, token, now=NOW)
    assert row(recording).state == State.QUEUED


def test_workers_that_vanish_at_the_same_place_fail_it_too(recording):
    now = NOW
    for _ in range(3):
        assert ledger.claim(recording.pk, now=now)
        now += dt.timedelta(minutes=2)
    assert ledger.fail_spent(now=now) == 1
    assert ledger.fail_spent(now=now) == 0
    assert state(recording) == Recording.State.FAILED


def test_a_worker_that_is_stopped_gives_its_recording_back_uncounted(recording):
    for _ in range(5):
        token = ledger.claim(recording.pk, now=NOW)
        assert ledger.release(recording.pk, token)
    assert (row(recording).state, row(recording).attempts, state(recording)) == (State.QUEUED, 0, Recording.State.QUEUED)


def test_retry_begins_a_new_count_and_keeps_what_was_done(recording, thea):
    token = ledger.claim(recording.pk, now=NOW)
    with ledger.holding(recording.pk, token) as held:
        ledger.advance(held, done_units=3)
    ledger.fail(recording.pk, token, "There is no ffmpeg here.", now=NOW)
    assert row(recording).failure == "There is no ffmpeg here."
    pipeline.retry(recording=recording, by=thea, now=LATE)
    assert (row(recording).state, row(recording).attempts, row(recording).done_units) == (State.QUEUED, 0, 3)
    with pytest.raises(pipeline.NotRetryable):
        pipeline.retry(recording=recording, by=thea, now=LATE)


def test_retry_is_refused_when_the_consent_has_ended(recording, thea):
    token = ledger.claim(recording.pk, now=NOW)
    ledger.fail(recording.pk, token, "It broke off.", now=NOW)
    recording.consent.valid_until = timezone.localdate() - dt.timedelta(days=1)
    recording.consent.save()
    with pytest.raises(pipeline.NotRetryable, match="ended"):
        pipeline.retry(recording=recording, by=thea, now=timezone.now())


def test_cancelling_stops_whoever_is_at_it(recording):
    token = ledger.claim(recording.pk, now=NOW)
    assert pipeline.cancel(recording)
    assert not ledger.is_held(recording.pk, token)
    with pytest.raises(ledger.LeaseLost), ledger.holding(recording.pk, token):
        pass
    assert ledger.claim(recording.pk, now=LATE) is None
    assert not pipeline.cancel(recording)


def test_a_destroyed_recording_is_not_taken_up_again(recording):
    Recording.objects.filter(pk=recording.pk).update(state="destroyed", destroyed_at=NOW)
    assert ledger.claim(recording.pk, now=NOW) is None
    assert row(recording).state == State.CANCELLED


EVENTS = st.lists(st.sampled_from(["claim", "wait", "beat", "piece", "crash", "release", "finish", "stale"]), max_size=25)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example rolls back
@given(events=EVENTS)
def test_whatever_happens_in_whatever_order_it_is_finished_at_most_once_and_only_by_the_holder(events, recording):
    """Workers claim, freeze, crash, wake up and finish in any order."""
    with transaction.atomic():
        now, tokens, finished = NOW, [], 0
        for event in events:
            current = row(recording)
            if event == "wait":
                now += dt.timedelta(seconds=61)
            elif event == "claim":
                token = ledger.claim(recording.pk, now=now)
                if token is not None:
                    assert token > max(tokens, default=0)
                    tokens.append(token)
            elif tokens:
                token = tokens[0] if event == "stale" else tokens[-1]
                may = current.state == State.RUNNING and current.token == token
                if event == "beat":
                    assert ledger.heartbeat(recording.pk, token, now=now) is may
                elif event == "crash":
                    ledger.crashed(recording.pk, token, now=now)
                elif event == "release":
                    assert ledger.release(recording.pk, token) is may
                else:
                    try:
                        with ledger.holding(recording.pk, token) as held:
                            ledger.advance(held, done_units=1) if event == "piece" else ledger.complete(held, now=now)
                            finished += event != "piece"
                        assert may
                    except ledger.LeaseLost:
                        assert not may
            pairs = {
                State.QUEUED: Recording.State.QUEUED,
                State.RUNNING: Recording.State.PROCESSING,
                State.DONE: Recording.State.READY,
                State.FAILED: Recording.State.FAILED,
            }
            assert state(recording) == pairs[State(row(recording).state)]
        assert finished <= 1
        assert finished == (row(recording).state == State.DONE)
        transaction.set_rollback(True)


def test_a_child_that_has_done_all_of_it_is_left_to_go_and_one_whose_lease_went_is_lost(recording):
    token = ledger.claim(recording.pk, now=NOW)
    with ledger.holding(recording.pk, token) as held:
        ledger.complete(held, now=NOW)
    with subprocess.Popen(["/bin/sleep", "3"]) as child:
        assert tasks._watch(child, recording.pk, token, []) is tasks.Ended.BY_ITSELF
        assert child.returncode == 0
    with subprocess.Popen(["/bin/sleep", "60"]) as child:
        assert tasks._watch(child, recording.pk, token - 1, []) is tasks.Ended.LOST
        child.kill()


def test_whatever_happens_to_one_recording_leaves_every_other_as_it_is(recording, harbour, thea):
    """One in each state of work stands beside it, each with the very token that it has: tokens are counted for each by itself."""
    states = {State.RUNNING: Recording.State.PROCESSING, State.DONE: Recording.State.READY, State.FAILED: Recording.State.FAILED}
    for work in State.values:
        other = submitted(make_family(harbour, thea))
        Recording.objects.filter(pk=other.pk).update(state=states.get(work, Recording.State.QUEUED))
        Processing.objects.filter(recording=other).update(state=work, lease_until=LATE if work == State.RUNNING else None, attempts=1)
    beside = Processing.objects.exclude(recording=recording).order_by("pk")

    def alone(act, *args, **kwargs):
        beside.update(token=row(recording).token)
        before = list(beside.values("recording__state")), list(beside.values())
        found = act(*args, **kwargs)
        assert (list(beside.values("recording__state")), list(beside.values())) == before, act.__name__
        return found

    def finish(token):
        with ledger.holding(recording.pk, token) as mine:
            ledger.complete(mine, now=NOW)

    token = alone(ledger.claim, recording.pk, now=NOW)
    assert alone(ledger.heartbeat, recording.pk, token, now=NOW)
    alone(ledger.enter, recording.pk, token, "speech")
    assert alone(ledger.release, recording.pk, token)
    alone(ledger.mark_sent, recording.pk, now=LATE)
    assert alone(ledger.crashed, recording.pk, alone(ledger.claim, recording.pk, now=NOW), now=NOW)
    assert alone(ledger.fail, recording.pk, alone(ledger.claim, recording.pk, now=NOW), "No sound.", now=NOW)
    assert alone(ledger.requeue, recording, now=NOW)
    alone(finish, alone(ledger.claim, recording.pk, now=NOW))
    assert state(recording) == Recording.State.READY
    assert alone(ledger.rerun, recording, now=NOW)
    assert alone(ledger.cancel, recording, now=NOW)
    mine = Processing.objects.filter(recording=recording)
    mine.update(state=State.RUNNING, attempts=F("max_attempts"), lease_until=NOW - dt.timedelta(minutes=1))
    assert alone(ledger.fail_spent, now=NOW) == 1
    Recording.objects.filter(pk=recording.pk).update(state=Recording.State.DESTROYED, destroyed_at=NOW)
    mine.update(state=State.QUEUED)
    assert alone(ledger.claim, recording.pk, now=NOW) is None
    assert row(recording).state == State.CANCELLED
