"""What a cell of the fault table does and looks at: one attempt as the worker makes it, and what it must have left."""

from pathlib import Path

from django.db import OperationalError, connection
from django.utils import timezone

from recordings import ledger, pipeline, steps, transcript, vault
from recordings.job import CannotProcess
from recordings.models import Recording, SealedObject, TranscriptRun
from recordings.sealedfile import path_of
from tests.recordings import _faults

STEPS = ["verify", "playback", "peaks", "voice", "speech", "words", "speakers", "features"]
ENDED = ["features", "original", "playback"]
SECONDS = 9


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


def assert_destroyed(recording, settings, tmp_path, sound, client, reader):
    assert fresh(recording).state == "destroyed"
    assert not vault.has_key(recording.pk)
    assert rows(recording) == []
    assert not TranscriptRun.objects.exists()
    assert_no_leftovers(settings)
    assert_nothing_in_plain(tmp_path, sound)
    assert "Consent withdrawn. Nothing that was said can be heard or read any more." in page(client, recording, reader)


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
