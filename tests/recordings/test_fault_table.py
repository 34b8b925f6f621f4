"""The fault table: whatever goes wrong in whatever step, nothing is lost, nothing leaks, one sentence says it, and it goes on.

Rows are faults, columns are steps. Each cell processes a real recording, is struck as the step begins, and is tried again
once the fault is gone. Workers killed in the middle of a piece: `test_worker_kill.py`.
"""

import datetime as dt
import io
import signal
import wave

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from recordings import engines, ledger, pipeline, sitekey, steps, store, transcript, vault
from recordings.job import CannotProcess
from recordings.models import Purpose, Recording, SealedObject, TranscriptRun
from recordings.sealedfile import path_of
from tests.factories import AUDIO, make_consent, make_family
from tests.recordings import _faults
from tests.recordings.making import bare_recording, upload

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.skipif("connection.vendor != 'sqlite'")]

STEPS = ["verify", "playback", "peaks", "voice", "speech", "words", "speakers", "features"]
ENDED = ["features", "original", "playback"]
SECONDS = 9


@pytest.fixture(scope="module")
def sound(make_media):
    """Nine seconds of two people as a WAV file, and its samples as they would lie in plain on a disk."""
    samples = make_media("-i", AUDIO / "session-1.opus", "-t", SECONDS, "-ar", 16000, "-ac", 1, format="s16le")
    memory = io.BytesIO()
    with wave.open(memory, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples)
    return memory.getvalue()


@pytest.fixture(scope="module")
def once():
    return _faults.Once()


@pytest.fixture(autouse=True)
def one_engine(settings, monkeypatch, whisper_engine, once):
    """The model is loaded once for all cells, and what it hears in their sound is found out once."""
    settings.WHISPER_MODEL = "tiny.en"
    monkeypatch.setattr(engines, "load", lambda *arguments, **options: whisper_engine)
    once.patch(monkeypatch)


@pytest.fixture(autouse=True)
def private_temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))


@pytest.fixture
def disk(settings):
    with _faults.small_disk(settings.VAULT_DIR) as mounted:
        if not mounted:
            pytest.skip("needs the right to mount a small disk, as root has")
        yield


@pytest.fixture
def recording(harbour, thea, sound):
    consent = make_consent(make_family(harbour, thea), purposes=(Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE))
    recording = bare_recording(consent=consent, duration_ms=SECONDS * 1000)
    vault.seal(recording, "original", [sound], now=timezone.now())
    pipeline.submit(recording=recording, now=timezone.now())
    return recording


def attempt(recording, while_waiting=lambda: None):
    """One attempt as the worker makes it: what the child says, and what its parent then does."""
    token = ledger.claim(recording.pk, now=timezone.now())
    assert token is not None
    if why := pipeline.refusal(fresh(recording), on=timezone.localdate()):
        ledger.fail(recording.pk, token, why, now=timezone.now())
        return
    try:
        steps.perform(recording.pk, token)
    except CannotProcess as reason:
        ledger.fail(recording.pk, token, str(reason), now=timezone.now())
    except (ledger.LeaseLost, vault.KeyGone, OperationalError):
        while_waiting()
        ledger.crashed(recording.pk, token, now=timezone.now())


def fresh(recording):
    return Recording.objects.select_related("consent").get(pk=recording.pk)


def rows(recording):
    return sorted(SealedObject.objects.filter(recording=recording).values_list("kind", flat=True))


def assert_no_leftovers(settings):
    """Every sealed file has its row, every row its file, and nothing is half written."""
    named = {path_of(pk) for pk in SealedObject.objects.values_list("pk", flat=True)}
    found = {path for path in settings.VAULT_DIR.rglob("*") if path.is_file() and path.name != "filler"}
    assert found == named


def assert_nothing_in_plain(tmp_path, sound, words=()):
    """Neither runs of samples nor words that were said, in any file: vault, keys, temporary files, database and its log."""
    runs = [sound[start : start + 64] for start in range(40_000, len(sound) - 64, 60_000)]
    assert runs
    places = [path for path in tmp_path.rglob("*") if path.is_file()]
    places += [path for path in connection_files() if path.exists()]
    for path in places:
        content = _faults.bytes_of(path)
        assert not [run for run in runs if run in content], path.name
        lowered = content.lower()
        assert not [word for word in words if word.encode() in lowered], path.name
    assert not list((tmp_path / "temporary").iterdir())


def connection_files():
    from pathlib import Path

    name = connection.settings_dict["NAME"]
    return [Path(f"{name}{suffix}") for suffix in ("", "-wal", "-journal")]


def page(client, recording, reader):
    client.force_login(reader)
    response = client.get(f"/recordings/{recording.pk}/")
    assert response.status_code == 200
    return " ".join(response.content.decode().replace("&#x27;", "'").split())


def assert_done_once(recording, settings, tmp_path, sound):
    assert (fresh(recording).state, ledger.State.DONE) == ("ready", recording.processing.__class__.objects.get(recording=recording).state)
    assert rows(recording) == ENDED
    assert TranscriptRun.objects.filter(recording=recording).count() == 1
    said = [word["text"].strip(" .,?!").lower() for segment in transcript.segments(fresh(recording)) for word in segment["words"]]
    assert len(said) > 8
    phrases = [" ".join(said[start : start + 3]) for start in range(len(said) - 2)]
    assert_no_leftovers(settings)
    assert_nothing_in_plain(tmp_path, sound, words=phrases)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", [name for name in _faults.FAULTS if name not in ("disk full", "withdrawal")])
def test_cell(name, step, recording, settings, tmp_path, sound, client, thea, monkeypatch):
    strike_and_go_on(_faults.FAULTS[name](settings), step, recording, settings, tmp_path, sound, client, thea, monkeypatch)


@pytest.mark.parametrize("step", STEPS)
def test_cell_of_a_full_disk(step, disk, recording, settings, tmp_path, sound, client, thea, monkeypatch):
    strike_and_go_on(_faults.DiskFull(settings), step, recording, settings, tmp_path, sound, client, thea, monkeypatch)


def strike_and_go_on(fault, step, recording, settings, tmp_path, sound, client, reader, monkeypatch):
    with monkeypatch.context() as patch:
        struck = _faults.at_step(patch, step, fault.strike)
        mended = []

        def mend():
            if not mended:
                fault.mend()
                mended.append(True)

        attempt(recording, while_waiting=mend)
        assert struck == [step]
        if fault.says:
            state = fresh(recording)
            if state.state != "failed":  # it went to the end without what was missing, or has to look once more
                attempt(recording)
                state = fresh(recording)
            assert state.state == "failed"
            assert pipeline.progress(state).sentence.startswith(fault.says)
            if not isinstance(fault, _faults.StorageAway | _faults.SiteKeyMissing | _faults.KeyStoreMissing):
                assert fault.says in page(client, recording, reader)
        assert_nothing_in_plain(tmp_path, sound)
        mend()
        if isinstance(fault, _faults.StorageAway | _faults.SiteKeyMissing | _faults.KeyStoreMissing):
            assert fault.says in page(client, recording, reader)
    assert_no_leftovers(settings)
    with vault.open_sealed(SealedObject.objects.get(recording=recording, kind="original")) as content:
        assert content.read() == sound
    if fresh(recording).state == "failed":
        pipeline.retry(recording=fresh(recording), by=reader, now=timezone.now())
    attempt(recording)
    assert_done_once(recording, settings, tmp_path, sound)


@pytest.mark.parametrize("step", STEPS)
def test_cell_of_a_withdrawal(step, recording, settings, tmp_path, sound, client, thea, monkeypatch):
    fault = _faults.Withdrawal(settings)
    with monkeypatch.context() as patch:
        struck = _faults.at_step(patch, step, fault.strike)
        attempt(recording)
        assert struck == [step]
    assert fresh(recording).state == "destroyed"
    assert not vault.has_key(recording.pk)
    assert rows(recording) == []
    assert not TranscriptRun.objects.exists()
    assert_no_leftovers(settings)
    assert_nothing_in_plain(tmp_path, sound)
    assert "Consent withdrawn. Nothing that was said can be heard or read any more." in page(client, recording, thea)
    with pytest.raises(pipeline.NotRetryable, match="destroyed"):
        pipeline.retry(recording=fresh(recording), by=thea, now=timezone.now())
    assert ledger.claim(recording.pk, now=timezone.now()) is None


@pytest.mark.parametrize("step", STEPS)
def test_cell_of_a_killed_child(step, recording, settings, tmp_path, sound, client, thea, once):
    token = ledger.claim(recording.pk, now=timezone.now())
    database = connection.settings_dict["NAME"]
    code = _faults.kill_child(step, recording, token, database=database, folder=tmp_path, settings=settings, once=once)
    assert code == -signal.SIGKILL
    assert ledger.crashed(recording.pk, token, now=timezone.now())
    assert pipeline.progress(fresh(recording)).word == "Waiting for its turn"
    assert "Waiting for its turn" in page(client, recording, thea)
    assert_nothing_in_plain(tmp_path, sound)
    store.current().clear_partial(before=timezone.now() + dt.timedelta(hours=1))  # what the daily sweep does
    assert_no_leftovers(settings)
    kept = rows(recording)
    attempt(recording)
    assert "original" in kept
    assert_done_once(recording, settings, tmp_path, sound)


class TestUpload:
    """The same faults while a recording comes in through the form: nothing of it is kept, and the next try succeeds."""

    @pytest.fixture
    def consent(self, harbour, thea):
        return make_consent(make_family(harbour, thea), purposes=(Purpose.RECORD, Purpose.TRANSCRIBE))

    @pytest.fixture(autouse=True)
    def short(self, settings):
        settings.RECORDING_MIN_SECONDS = 1
        settings.TASKS = {**settings.TASKS}

    @pytest.mark.parametrize("moment", ["first byte", "last byte"])
    @pytest.mark.parametrize("name", [name for name in _faults.FAULTS if name != "damaged chunk"])
    def test_cell(self, name, moment, request, consent, settings, tmp_path, sound, client, thea, monkeypatch):
        if name == "disk full":
            request.getfixturevalue("disk")
        vault.Staging().discard()  # the vault and its keys are there already
        fault = _faults.FAULTS[name](settings)
        client.force_login(thea)
        client.raise_request_exception = False
        place = "write" if moment == "first byte" else "open"
        whole, struck = getattr(vault.Staging, place), []

        def strike(staged, *arguments):
            if not struck:
                struck.append(True)
                fault.strike(Coming(consent, thea))
            return whole(staged, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(vault.Staging, place, strike)
            response = upload(client, consent, sound)
        assert struck
        fault.mend()
        sitekey.forget()
        said = " ".join(response.content.decode().split())
        if response.status_code == 302:  # the fault came too late to matter for what was already sealed
            assert Recording.objects.count() == 1
            assert_no_leftovers(settings)
            return
        assert response.status_code in (422, 503), said
        assert any(sentence in said for sentence in SENTENCES[name]), said
        assert not Recording.objects.exists()
        assert_nothing_in_plain(tmp_path, sound)
        vault.sweep(before=timezone.now() + dt.timedelta(hours=1))
        assert not [path for path in settings.VAULT_DIR.rglob("*") if path.is_file()]
        if name != "withdrawal":
            assert upload(client, consent, sound).status_code == 302
            assert Recording.objects.count() == 1
            assert_no_leftovers(settings)


SENTENCES = {
    "disk full": ["There is no room left"],
    "database locked": ["The database does not answer in time"],
    "storage away": ["The place where sealed recordings lie does not answer"],
    "site key missing": ["The key that opens recordings is missing"],
    "key store missing": ["The key that opens recordings is missing"],
    "withdrawal": ["withdrawn"],
}


class Coming:
    """Stands for the recording that is on its way in."""

    def __init__(self, consent, therapist):
        self.consent, self.therapist = consent, therapist


def test_the_table_has_every_step_that_a_page_can_name():
    assert set(STEPS) == set(ledger.STEPS) - {"video"}  # the picture is one more derivative, made like the playback
