"""The steps of processing, in the child process: verify, playback, video, peaks, and then those of `transcribing.py`.

Each step can be done again and finds out by itself what is there already; its result is sealed and its row written under
the token in one transaction. Nothing here is written anywhere but into the vault, and no exception carries what was said.
"""

import uuid

from django.utils import timezone
from wagtail.log_actions import log

from recordings import audio, features, ledger, pipeline, transcribing, vault
from recordings.job import CannotProcess, Job, in_words
from recordings.models import Purpose, Recording, SealedObject

Kind = SealedObject.Kind


def perform(recording_id: uuid.UUID, token: int) -> None:
    """One attempt from the first step that is not done. Raises LeaseLost, CannotProcess; KeyGone when withdrawn meanwhile."""
    job = Job(Recording.objects.select_related("consent", "team__programme").get(pk=recording_id), token)
    try:
        with in_words():
            _perform(job)
    finally:
        job.ahead.close()


def _perform(job: Job) -> None:
    job.enter("verify")
    if why := pipeline.refusal(job.recording, on=timezone.localdate()):
        raise CannotProcess(why)
    original = job.sealed(Kind.ORIGINAL)
    if original is None:
        raise CannotProcess("The original of this recording is missing. Ask the person who runs Plumbline to restore it.")
    if job.sealed(Kind.PLAYBACK) is None:
        job.enter("playback")
        if job.may(Purpose.TRANSCRIBE):
            transcribing.begin(job, original)
        with vault.open_sealed(original) as content:
            job.seal(Kind.PLAYBACK, audio.make_playback(content))
    if job.recording.has_video and job.sealed(Kind.VIDEO) is None:
        _keep_picture(job, original)
    if job.sealed(Kind.FEATURES) is None:
        job.enter("peaks")
        job.seal(Kind.FEATURES, [features.peaks_only(job.heard(Kind.PLAYBACK), recording=str(job.recording.pk))])
    if job.may(Purpose.TRANSCRIBE):
        transcribing.transcribe(job, Kind.ORIGINAL)
        return
    with ledger.holding(job.recording.pk, job.token) as row:
        ledger.complete(row, now=job.now())


def _keep_picture(job: Job, original: SealedObject) -> None:
    """A picture that cannot be made is no reason to go without the sound: the recording then has none, and the audit log says so."""
    job.enter("video")
    try:
        with vault.open_sealed(original) as content:
            job.seal(Kind.VIDEO, audio.make_video(content, duration_s=job.recording.duration_ms / 1000))
    except audio.UnreadableAudio as error:
        if error.code != "picture":
            raise
        with job.progress():
            Recording.objects.filter(pk=job.recording.pk).update(has_video=False)
            log(instance=job.recording, action="recordings.picture_dropped", user=None, data={"recording": str(job.recording.pk)})
        job.recording.has_video = False
