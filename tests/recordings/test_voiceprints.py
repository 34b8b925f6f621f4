"""Voice prints can be deleted by themselves, by those who answer for the recording, and do not come back."""

import numpy as np
import pytest
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import features, permissions, transcript, vault, voiceprints
from recordings.models import Processing, Recording, SealedObject
from recordings.turns import Voices
from tests.recordings.making import bare_recording
from tests.recordings.transcript_setup import TALK, with_transcript

pytestmark = pytest.mark.django_db


def voices(windows=4):
    times = np.stack([np.arange(windows), np.arange(windows) + 1.6], axis=1).astype(np.float32)
    embeddings = np.random.default_rng(1).normal(size=(windows, 256)).astype(np.float16)
    return Voices(["S1", "S2"], [(1.0, 3.0, "S1"), (3.5, 5.0, "S2")], times, embeddings, np.zeros(windows, np.int8))


def described(team, therapist):
    """Ready, with a transcript and voice prints."""
    recording = with_transcript(team, therapist)
    with vault.open_sealed(recording.objects_sealed.get(kind="features")) as content:
        before = content.read()
    silence = np.zeros(16_000 * 12, np.float32)
    whole = features.with_voices(before, samples=silence, probability=np.zeros(375, np.float32), voices=voices(), segments=TALK)
    vault.seal(recording, "features", [whole], now=timezone.now())
    return recording


def address(recording):
    return f"/recordings/{recording.pk}/voices/delete/"


def test_they_go_and_the_transcript_stays(harbour, thea, django_capture_on_commit_callbacks):
    recording = described(harbour, thea)
    before, old = transcript.segments(recording), recording.objects_sealed.get(kind="features")
    with django_capture_on_commit_callbacks(execute=True):
        assert voiceprints.delete(recording=recording, by=thea, now=timezone.now())
    assert not voiceprints.are_there(recording)
    assert transcript.segments(recording) == before
    with pytest.raises(vault.Damaged):  # the old file is gone, not only its row
        vault.open_sealed(old)
    entry = ModelLogEntry.objects.get(action="recordings.voiceprints_delete")
    assert (entry.user, entry.data) == (thea, {"recording": str(recording.pk)})


def test_deleting_them_twice_says_that_there_are_none(harbour, thea):
    recording = described(harbour, thea)
    voiceprints.delete(recording=recording, by=thea, now=timezone.now())
    assert not voiceprints.delete(recording=recording, by=thea, now=timezone.now())
    assert ModelLogEntry.objects.filter(action="recordings.voiceprints_delete").count() == 1


def test_a_checkpoint_that_holds_them_goes_too(harbour, thea, django_capture_on_commit_callbacks):
    recording = bare_recording(state=Recording.State.FAILED)
    kept = vault.seal(recording, SealedObject.Kind.SPEAKERS, [b"voices"], now=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        assert voiceprints.delete(recording=recording, by=thea, now=timezone.now())
    assert not SealedObject.objects.filter(pk=kept.pk).exists()
    with pytest.raises(vault.Damaged):
        vault.open_sealed(kept)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_while_the_recording_is_worked_on_they_stay(harbour, thea, state):
    recording = described(harbour, thea)
    Processing.objects.create(recording=recording, state=state, queued_at=timezone.now())
    with pytest.raises(voiceprints.NotDeletable, match="once that is done"):
        voiceprints.delete(recording=recording, by=thea, now=timezone.now())
    assert voiceprints.are_there(recording)


def test_features_made_meanwhile_are_not_overwritten(harbour, thea, monkeypatch):
    recording = described(harbour, thea)
    forget = features.forget_voices

    def meanwhile(existing):
        vault.seal(recording, "features", [existing], now=timezone.now())
        return forget(existing)

    monkeypatch.setattr(features, "forget_voices", meanwhile)
    with pytest.raises(voiceprints.NotDeletable, match="Try again"):
        voiceprints.delete(recording=recording, by=thea, now=timezone.now())


def test_who_may_delete_them(harbour, thea, tom, sam, cora, iggy, olly):
    recording = described(harbour, thea)
    may = {
        person.first_name.lower(): permissions.can_delete_voice_prints(person, recording) for person in (thea, tom, sam, cora, iggy, olly)
    }
    assert may == {"thea": True, "tom": False, "sam": True, "cora": False, "iggy": True, "olly": False}


def test_the_page_says_what_goes_and_then_it_is_gone(harbour, thea, as_user):
    recording = described(harbour, thea)
    client = as_user(thea)
    assert "Delete the voice prints" in client.get(f"/recordings/{recording.pk}/").content.decode()
    page = client.get(address(recording)).content.decode()
    assert "As personal as a fingerprint" in page or "as personal as a fingerprint" in page
    answer = client.post(address(recording), follow=True).content.decode()
    assert "The voice prints are deleted." in answer
    assert address(recording) not in answer


def test_the_information_governance_lead_may_delete_what_it_may_not_hear(harbour, thea, iggy, as_user):
    recording = described(harbour, thea)
    client = as_user(iggy)
    page = client.get(f"/recordings/{recording.pk}/").content.decode()
    assert address(recording) in page
    assert "How the time was shared" not in page
    client.post(address(recording))
    assert not voiceprints.are_there(recording)


def test_of_a_destroyed_recording_there_is_nothing_to_delete(harbour, thea):
    recording = bare_recording(state=Recording.State.DESTROYED, destroyed_at=timezone.now(), with_key=False)
    assert not permissions.can_delete_voice_prints(thea, recording)
    with pytest.raises(voiceprints.NotDeletable, match="destroyed"):
        voiceprints.delete(recording=recording, by=thea, now=timezone.now())
