"""The fault table for what is made after processing: the muted version, and a clip cut from it. Nothing is lost, nothing of it is
half kept, the page offers to begin again, and then it is there once."""

import contextlib
import datetime as dt
import io

import pytest
from django.db import Error as DatabaseTrouble
from django.db import connection
from django.utils import timezone

from recordings import (
    audio,
    clipping,
    clips,
    clipwords,
    features,
    mp3frames,
    mutework,
    redacting,
    redaction,
    sitekey,
    store,
    vault,
    voice,
)
from recordings.models import Clip, Processing, Purpose, Recording, Redaction, SealedObject
from recordings.stretches import Stretch
from tests.factories import make_consent, make_family
from tests.recordings import _faults
from tests.recordings.clip_setup import ALL, muted
from tests.recordings.faults.cells import SECONDS, assert_no_leftovers, assert_nothing_in_plain
from tests.recordings.making import bare_recording
from tests.recordings.transcript_setup import said

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the faults are of a database in a file"),
]
Kind = SealedObject.Kind
FAULTS = [name for name in _faults.FAULTS if name != "withdrawal"]
QUIET = (4_000, 6_000)


@pytest.fixture
def fault(request, settings):
    if request.param == "disk full":
        request.getfixturevalue("disk")
    return _faults.FAULTS[request.param](settings)


@pytest.fixture(scope="module")
def playback(sound):
    return b"".join(audio.make_playback(io.BytesIO(sound)))


@pytest.fixture
def recording(harbour, thea, playback, sound):
    consent = make_consent(make_family(harbour, thea), purposes=ALL)
    made = bare_recording(consent=consent, state=Recording.State.READY, duration_ms=SECONDS * 1000)
    Processing.objects.create(recording=made, state=Processing.State.DONE, queued_at=timezone.now())
    vault.seal(made, Kind.PLAYBACK, [playback], now=timezone.now())
    samples = audio.decode(io.BytesIO(sound))
    segments = [said(1.0, 3.0, "before the clip"), said(3.2, 8.0, "we met Callum by the harbour wall today", speaker="S2")]
    whole = features.build(samples, segments, recording=str(made.pk), probability=voice.activity(samples))
    vault.seal(made, Kind.FEATURES, [whole], now=timezone.now())
    return made


@pytest.fixture
def confirmed(recording, thea, monkeypatch):
    monkeypatch.setattr(mutework, "_heard_again", lambda row, after: [])  # asked for real in test_redaction.py
    now = timezone.now()
    decided = {"proposed_by": thea, "proposed_at": now, "confirmed_by": thea, "confirmed_at": now}
    spans = [Stretch(*QUIET, "name").row()]
    return Redaction.objects.create(recording=recording, number=1, state=Redaction.State.CONFIRMED, spans=spans, **decided)


@pytest.fixture
def clip(recording, playback, thea):
    muted(recording, playback, [QUIET], thea)
    return clips.make(recording=recording, start_ms=1_000, end_ms=7_000, title="A moment", by=thea, now=timezone.now())


def mute(row):
    """The work, and what its parent does where it breaks off."""
    try:
        mutework.perform(row.pk)
    except (vault.KeyGone, OSError, DatabaseTrouble):
        return True
    return False


def cut(made):
    with contextlib.suppress(OSError, DatabaseTrouble, sitekey.SiteKeyTrouble):  # the queue notes the name of the exception
        clipping.make_clip.call(str(made.pk))


def struck_at(patch, module, name, strike, recording):
    """Has the fault strike once, before that function of the work."""
    whole, struck = getattr(module, name), []

    def at(*arguments, **options):
        if not struck:
            struck.append(name)
            strike(recording)
        return whole(*arguments, **options)

    patch.setattr(module, name, at)
    return struck


def tidied(settings):
    store.current().clear_partial(before=timezone.now() + dt.timedelta(hours=1))  # what the daily sweep does
    assert_no_leftovers(settings)


@pytest.mark.parametrize("moment", ["_playback", "verify"])
@pytest.mark.parametrize("fault", FAULTS, indirect=True)
def test_cell_of_a_muted_version(fault, moment, confirmed, recording, thea, settings, tmp_path, sound, monkeypatch):
    with monkeypatch.context() as patch:
        struck = struck_at(patch, mutework, moment, fault.strike, recording)
        has_broken_off = mute(confirmed)
        assert struck
    assert_nothing_in_plain(tmp_path, sound)
    fault.mend()
    sitekey.forget()
    if has_broken_off:
        mutework.fail(confirmed.pk, redacting.BROKEN)
    confirmed.refresh_from_db()
    if confirmed.state != Redaction.State.READY:  # what was open already may be finished
        assert confirmed.state == Redaction.State.FAILED
        assert confirmed.failure.startswith(redacting.BROKEN if has_broken_off else fault.says)
        assert has_broken_off == isinstance(fault, _faults.DatabaseLocked)
        tidied(settings)
        assert not SealedObject.objects.filter(kind=Kind.REDACTED).exists()
        redaction.restart(redaction=confirmed, by=thea, now=timezone.now())
        assert not mute(confirmed)
        confirmed.refresh_from_db()
    assert (confirmed.state, confirmed.failure) == (Redaction.State.READY, "")
    assert SealedObject.objects.filter(kind=Kind.REDACTED).count() == 1
    tidied(settings)


@pytest.mark.parametrize("moment", [(clipwords, "written"), (mp3frames, "cut")], ids=["begun", "middle"])
@pytest.mark.parametrize("fault", FAULTS, indirect=True)
def test_cell_of_a_clip(fault, moment, clip, recording, thea, settings, tmp_path, sound, client, monkeypatch):
    with monkeypatch.context() as patch:
        struck = struck_at(patch, *moment, fault.strike, recording)
        cut(clip)
        assert struck
    assert_nothing_in_plain(tmp_path, sound)
    fault.mend()
    sitekey.forget()
    clip.refresh_from_db()
    if clip.state != Clip.State.PROPOSED:
        assert clip.state == Clip.State.MAKING
        Clip.objects.update(made_at=timezone.now() - dt.timedelta(minutes=6))
        client.force_login(thea)
        text = client.get(f"/recordings/clips/{clip.pk}/").content.decode()
        assert "something broke off. Nothing is lost: start it again." in text
        assert "Start making it again" in text
        tidied(settings)
        assert not SealedObject.objects.filter(kind=Kind.CLIP).exists()
        clips.again(clip=clip, by=thea, now=timezone.now())
        cut(clip)
        clip.refresh_from_db()
    assert clip.state == Clip.State.PROPOSED
    assert SealedObject.objects.filter(kind=Kind.CLIP).count() == 1
    tidied(settings)


@pytest.mark.parametrize("purpose", ["", Purpose.TEACH], ids=["everything", "teaching alone"])
@pytest.mark.parametrize("moment", ["_playback", "verify", "written", "cut"])
def test_cell_of_a_withdrawal(moment, purpose, confirmed, recording, thea, settings, tmp_path, sound, playback, monkeypatch):
    from recordings import narrowing

    def teaching_alone(recording):
        narrowing.narrow(consent=recording.consent, purposes=[purpose], channel="telephone", by=thea, now=timezone.now())

    strike = teaching_alone if purpose else _faults.Withdrawal(settings).strike
    is_clip = moment in ("written", "cut")
    with monkeypatch.context() as patch:
        if is_clip:
            Redaction.objects.all().delete()
            muted(recording, playback, [QUIET], thea)
            made = clips.make(recording=recording, start_ms=1_000, end_ms=7_000, title="A moment", by=thea, now=timezone.now())
        place = {"written": clipwords, "cut": mp3frames}.get(moment, mutework)
        struck = struck_at(patch, place, moment, strike, recording)
        cut(made) if is_clip else mute(confirmed)
        assert struck
    gone = SealedObject.objects.filter(kind__in=[Kind.REDACTED, Kind.CLIP])
    if purpose and not is_clip:  # raters may still train with the muted version
        gone = gone.filter(kind=Kind.CLIP)
    assert not gone.exists()
    assert purpose or not vault.has_key(recording.pk)
    if is_clip:
        made.refresh_from_db()
        assert made.state == Clip.State.GONE
    tidied(settings)
    assert_nothing_in_plain(tmp_path, sound)
