"""Two recordings of a family with a clip each, numbered alike; and a muted version that is made while a clip is cut: each goes by its own."""

import pytest
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import clipping, clips, mutework, sealedfile, vault
from recordings.models import Clip, ConsentPerson, Redaction, SealedObject, SealedText
from recordings.stretches import Stretch
from tests.recordings.clip_setup import QUIET, hear, make, muted, sealed
from tests.recordings.making import bare_recording

pytest_plugins = ["tests.recordings.clip_fixtures"]
pytestmark = pytest.mark.django_db
MORE = (7_000, 8_000)


def made(recording, by):
    clip = make(recording, by)
    clipping.make_clip.call(str(clip.pk))
    return Clip.objects.get(pk=clip.pk)


@pytest.fixture
def beside(clip, playback, thea):
    other = bare_recording(consent=clip.recording.consent, state="ready", duration_ms=22_000)
    muted(other, playback, [QUIET], thea)
    return made(other, thea)


def kept(clip):
    """What there is of it: its row, its file, its texts."""
    row = Clip.objects.filter(pk=clip.pk).values().get()
    return row, sealed(clip).pk, set(SealedText.objects.filter(recording=clip.recording_id).values_list("pk", flat=True))


def test_they_are_numbered_alike(clip, beside):
    assert (clip.number, beside.number) == (1, 1)
    assert clip.recording_id != beside.recording_id


@pytest.mark.parametrize("end", ["refused", "taken back", "made again"])
def test_what_becomes_of_one_touches_nothing_of_the_other(clip, beside, playback, thea, sam, end):
    before = kept(beside)
    if end == "refused":
        clips.decide(clip=clip, approves=False, by=sam, now=timezone.now())
    elif end == "taken back":
        clips.take_back(clip=clip, by=sam, now=timezone.now())
    else:
        muted(clip.recording, playback, [QUIET, MORE], thea, number=2)
        clips.again(clip=clip, by=thea, now=timezone.now())
    assert sealed(clip) is None
    assert kept(beside) == before


def test_more_that_is_muted_in_one_closes_no_clip_of_the_other(clip, beside, playback, thea):
    muted(beside.recording, playback, [QUIET, MORE], thea, number=2)
    assert (clips.is_outdated(beside), clips.is_outdated(clip)) == (True, False)


def test_a_muted_version_of_the_other_permits_none(clip, beside, thea):
    Redaction.objects.filter(recording=clip.recording).update(state=Redaction.State.FAILED)
    assert clips.redaction_of(clip.recording) is None
    assert clips.redaction_of(beside.recording) is not None
    with pytest.raises(clips.ClipRefused, match="muted"):
        make(clip.recording, thea)


def test_who_has_heard_the_one_has_not_heard_the_other(clip, beside, sam):
    hear(beside, sam)
    with pytest.raises(clips.NotHeard):
        clips.decide(clip=clip, approves=True, by=sam, now=timezone.now())


def test_of_two_of_one_recording_one_goes_from_the_disk_and_the_other_stays(clip, recording, thea, sam, django_capture_on_commit_callbacks):
    second = made(recording, thea)
    file, before = sealedfile.path_of(sealed(clip).pk), kept(second)[:2]
    assert file.exists()
    with django_capture_on_commit_callbacks(execute=True):
        clips.decide(clip=clip, approves=False, by=sam, now=timezone.now())
    assert not file.exists()
    assert kept(second)[:2] == before


def test_of_two_of_one_recording_the_one_that_was_cut_anew_is_not_outdated(clip, recording, playback, thea):
    muted(recording, playback, [QUIET, MORE], thea, number=2)
    second = made(recording, thea)
    assert (clips.is_outdated(clip), clips.is_outdated(second)) == (True, False)


def test_one_made_after_another_was_taken_back_never_has_its_number(clip, beside, thea):
    clips.take_back(clip=clip, by=thea, now=timezone.now())
    assert make(clip.recording, thea).number == 2


class TestNotDone:
    def test_a_clip_without_a_title(self, recording, thea):
        with pytest.raises(clips.ClipRefused, match="a title"):
            clips.make(recording=recording, start_ms=3_000, end_ms=9_000, title=" \n", by=thea, now=timezone.now())

    def test_an_approval_of_what_nobody_could_hear_although_the_page_was_open(self, clip, recording, playback, thea, sam):
        hear(clip, sam)
        muted(recording, playback, [QUIET, MORE], thea, number=2)
        with pytest.raises(clips.ClipRefused, match="More has been muted"):
            clips.decide(clip=clip, approves=True, by=sam, now=timezone.now())

    def test_a_recutting_or_a_taking_back_by_who_has_no_say(self, clip, recording, playback, thea, tom):
        muted(recording, playback, [QUIET, MORE], thea, number=2)
        for verb in (clips.again, clips.take_back):
            with pytest.raises(clips.ClipRefused):
                verb(clip=clip, by=tom, now=timezone.now())
        before = kept(clip)
        ConsentPerson.objects.update(purposes=["record", "review", "transcribe"])
        with pytest.raises(clips.ClipRefused, match="no longer covers"):
            clips.again(clip=clip, by=thea, now=timezone.now())
        assert kept(clip) == before


def test_each_step_is_on_record_and_the_cutting_is_asked_for(
    recording, playback, thea, sam, monkeypatch, django_capture_on_commit_callbacks
):
    asked = []
    monkeypatch.setattr(type(clipping.make_clip), "enqueue", lambda task, pk: asked.append(pk))
    with django_capture_on_commit_callbacks(execute=True):
        clip = make(recording, thea)
        clips.again(clip=clip, by=thea, now=timezone.now())
    clipping.make_clip.call(str(clip.pk))
    hear(clip, sam)
    clips.decide(clip=clip, approves=True, by=sam, now=timezone.now())
    muted(recording, playback, [QUIET, MORE], thea, number=2)
    with django_capture_on_commit_callbacks(execute=True):
        clips.again(clip=clip, by=thea, now=timezone.now())
    clipping.make_clip.call(str(clip.pk))
    clips.decide(clip=clip, approves=False, by=sam, now=timezone.now())
    clips.take_back(clip=clip, by=thea, now=timezone.now())
    clips.take_back(clip=clip, by=thea, now=timezone.now())
    assert asked == [str(clip.pk)] * 3
    steps = ModelLogEntry.objects.filter(action__startswith="recordings.clip").order_by("pk").values_list("action", "user", "data")
    verbs = [("make", thea), ("approve", sam), ("make_again", thea), ("refuse", sam), ("take_back", thea)]
    assert list(steps) == [(f"recordings.clip_{verb}", by.pk, {"clip": str(clip.pk)}) for verb, by in verbs]


def test_a_clip_that_is_cut_while_more_is_being_muted_is_outdated_from_the_start(recording, thea, monkeypatch):
    """The new version takes a moment to be written; in it the clip is cut from the old one, in which the name can still be heard."""
    now = timezone.now()
    decided = {"proposed_at": now, "proposed_by": thea, "confirmed_at": now, "confirmed_by": thea}
    spans = [Stretch(*QUIET, "name").row(), Stretch(*MORE, "name").row()]
    newer = Redaction.objects.create(recording=recording, number=2, state=Redaction.State.CONFIRMED, spans=spans, **decided)
    monkeypatch.setattr(mutework, "_heard_again", lambda redaction, after: [])
    write, cut = vault._write, []

    def written(key_id, kind, *args, **kwargs):
        file = write(key_id, kind, *args, **kwargs)
        if kind == SealedObject.Kind.REDACTED:
            cut.append(made(recording, thea))
        return file

    monkeypatch.setattr(vault, "_write", written)
    mutework.perform(newer.pk)
    newer.refresh_from_db()
    assert newer.state == Redaction.State.READY
    assert sealed(cut[0]) is not None
    assert clips.is_outdated(cut[0])
