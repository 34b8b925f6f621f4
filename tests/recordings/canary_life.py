"""The whole life of one recording, lived through the site's own pages, with words at every turn that nobody may find afterwards."""

from types import SimpleNamespace

from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from learning import enrolment
from recordings import clipping, clips, exports, ledger, listening, mutework, pipeline, redaction, review, sent, steps, transcript
from recordings.models import Annotation, Clip, Purpose, Recording, Redaction, Review, Upload
from supervision.instruments import load_instruments
from supervision.models import DevelopmentGoal
from tests import factories
from tests.recordings import review_setup
from tests.recordings.clip_setup import block, hear
from tests.recordings.tus_client import Tus

PURPOSES = (Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE, Purpose.TEACH)
NAME = "Zephyrine Quimby"
WORDS = {
    "file": "wilhelmina at the lighthouse.wav",
    "unfinished file": "leopoldine behind the boathouse.wav",
    "edit": "the marmalade stood unopened beneath the piano",
    "comment": "She waited eleven seconds before the grandmother answered",
    "changed comment": "Eleven long seconds passed until grandmother spoke",
    "removed comment": "The uncle hummed a sailor's tune meanwhile",
    "strengths": "You let her find the missing bicycle herself",
    "next step": "Ask who keeps the cellar key at night",
    "overtaken": "Written in another tab about the purple umbrella",
    "reply": "I was afraid that the canary would start again",
    "tried": "She laughed and showed me the empty birdcage",
    "clip": "Asking about the broken greenhouse",
}
OWN_WORDS = "Practise asking open questions first"  # of the development plan, which is kept


def live(*, team, people, sound, seconds):
    """Uploaded, processed, edited, exported, reviewed, answered, muted, cut, taught. `people`: a signed-in client for each name."""
    thea = people["thea"]
    family = factories.make_family(team, thea.person)
    consent = factories.make_consent(family, purposes=PURPOSES)
    _post(thea, "names", [family.pk], {"names": NAME})
    recording = _sent(thea, consent, sound)
    steps.perform(recording.pk, ledger.claim(recording.pk, now=timezone.now()))
    recording.refresh_from_db()
    assert recording.state == Recording.State.READY
    _edited(thea, recording)
    _taken_away(thea, recording)
    _reviewed(people["cora"], recording)
    _answered(thea, people["cora"], Review.objects.get(recording=recording))
    _muted(thea, recording)
    return SimpleNamespace(recording=recording, consent=consent, clip=_taught(people, recording, seconds))


def _post(client, name, arguments, data, *, status=302, **headers):
    answer = client.post(reverse(f"recordings:{name}", args=arguments), data, headers=headers)
    assert answer.status_code == status, (name, answer.status_code, answer.content[:3000].decode("utf-8", "replace"))
    return answer


def _sent(client, consent, sound):
    tus = Tus(client, consent)
    address = tus.begin(len(sound), filename=WORDS["file"])
    assert tus.patch(address, 0, sound).status_code == 204
    other = tus.begin(len(sound), filename=WORDS["unfinished file"])
    assert tus.patch(other, 0, sound[:200_000]).status_code == 204
    recording = Upload.objects.get(recording__isnull=False).recording
    if ledger.claim(recording.pk, now=timezone.now()) is None:
        pipeline.submit(recording=recording, now=timezone.now())
    else:
        ledger.release(recording.pk, 1)
    return recording


def _edited(client, recording):
    turn = transcript.layer(recording).turns[0]
    text = f"{turn['text']} {WORDS['edit']} {NAME}"
    data = {"do": "save", "turn": turn["id"], "expected": turn["edit"], "at": turn["start"], "text": text}
    _post(client, "transcript-edit", [recording.pk], data)
    _post(client, "transcript-edit", [recording.pk], data, status=409)  # as from a second tab


def _taken_away(client, recording):
    for name in ("detail", "audio", "transcript", "transcript-words"):
        assert client.get(reverse(f"recordings:{name}", args=[recording.pk])).status_code == 200
    for kind in exports.TITLES:
        answer = client.get(reverse("recordings:transcript-export", args=[recording.pk, kind]))
        assert answer.status_code == 200


def _reviewed(client, recording):
    load_instruments()
    _post(client, "review", [recording.pk], {})
    own = Review.objects.get(recording=recording)
    code = review_setup.code(own).slug
    about = {"code": code, "start": "0:01", "end": "0:04"}
    _post(client, "annotation-create", [own.pk], {**about, "comment": WORDS["comment"]})
    made = Annotation.objects.get(review=own)
    _post(client, "annotation-change", [made.pk], {**about, "version": made.version, "comment": WORDS["changed comment"]})
    _post(client, "annotation-change", [made.pk], {**about, "version": made.version, "comment": WORDS["overtaken"]}, status=409)
    _post(client, "annotation-create", [own.pk], {**about, "comment": WORDS["removed comment"]})
    _post(client, "annotation-remove", [Annotation.objects.exclude(pk=made.pk).get(review=own).pk], {})
    for name, field in (("strengths", "strengths"), ("next_step", "next step")):
        _post(client, "review-words", [own.pk, name], {"text": WORDS[field]})
    _post(client, "review-words", [own.pk, "next_step"], {"text": f"{WORDS['overtaken']} " * 60})  # and its message is never looked at
    review_setup.rate_all(own)
    review_setup.hear(recording, client.person)
    for kind in ("eaf", "textgrid", "csv"):
        client.get(reverse("recordings:review-file", args=[own.pk, kind]))
    _post(client, "review-submit", [own.pk], {})
    _post(client, "review-release", [own.pk], {})


def _answered(thea, cora, own):
    assert WORDS["next step"].encode() in thea.get(reverse("recordings:feedback", args=[own.pk])).content
    _post(thea, "reply", [own.pk], {"text": WORDS["reply"]})
    _post(thea, "tried", [own.pk], {"outcome": "helped", "text": WORDS["tried"]})
    _post(cora, "reply", [own.pk], {"text": WORDS["reply"]})
    assert review.completeness(own)
    goal = {"look_again_on": factories.today().isoformat()}
    _post(thea, "feedback-goal", [own.pk], {**goal, "text": WORDS["next step"]}, status=422)
    _post(thea, "feedback-goal", [own.pk], {**goal, "text": OWN_WORDS})
    assert DevelopmentGoal.objects.get().text == OWN_WORDS


def _muted(client, recording):
    """As often as the second look still finds something, as a person would."""
    _post(client, "redaction-create", [recording.pk], {})
    row = Redaction.objects.get(recording=recording)
    assert any(span["kind"] == "name" for span in row.spans)
    sent.note(recording=recording, person=client.person, spans=[(0, recording.duration_ms)], now=timezone.now())
    heard = [(0, recording.duration_ms)]
    listening.heard(recording=recording, person=client.person, purpose="redaction", intervals_ms=heard, now=timezone.now())
    for _ in range(3):
        row.refresh_from_db()
        if row.state == Redaction.State.READY:
            return
        client.get(reverse("recordings:redaction", args=[recording.pk, row.number]))
        data = {"action": "confirm", "has_listened": "on", "seen": redaction.version(row)}
        _post(client, "redaction", [recording.pk, row.number], data)
        mutework.perform(row.pk)
    row.refresh_from_db()
    assert row.state == Redaction.State.READY, row.failure


def _taught(people, recording, seconds):
    thea, sam, tom = people["thea"], people["sam"], people["tom"]
    _post(thea, "clip-create", [recording.pk], {"title": WORDS["clip"], "start": "0:02", "end": f"0:{seconds - 1:02}"})
    clip = Clip.objects.get(recording=recording)
    clipping.make_clip.call(str(clip.pk))
    clip.refresh_from_db()
    hear(clip, sam.person)
    approved = clips.decide(clip=clip, approves=True, by=sam.person, now=timezone.now())
    course = factories.make_course(lessons=1, body=[factories.text_block(), block(approved)])
    enrolment.enrol(learner=tom.person, course=course, reason="R", by=None, now=timezone.now())
    lesson = factories.lessons_of(course)[0]
    assert WORDS["clip"].encode() in tom.get(lesson.url).content
    assert tom.get(reverse("recordings:clip-captions", args=[clip.pk])).status_code == 200
    assert b"".join(tom.get(reverse("recordings:clip-audio", args=[clip.pk])).streaming_content)
    call_command("update_index", verbosity=0)
    return clip
