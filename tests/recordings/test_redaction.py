"""A muted version: proposed by the machine, decided by a person, proved in the sound itself, and thrown away where it fails."""

import io
import json
import re

import numpy as np
import pytest
from django.utils import timezone

from recordings import audio, casefile, destruction, features, mp3frames, mutework, narrowing, redacting, redaction, stretches, vault, voice
from recordings.models import ConsentPerson, Processing, Purpose, Recording, Redaction, SealedObject
from recordings.stretches import Stretch
from tests import factories
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db
NAMES = ["Callum", "Kay"]
ALL = [Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE, Purpose.TEACH]


@pytest.fixture(scope="module")
def clip(session_clip):
    """The sound derivative of the clip."""
    return b"".join(audio.make_playback(io.BytesIO(session_clip)))


@pytest.fixture
def recording(harbour, thea, clip, clip_samples, session_turns):
    consent = factories.make_consent(factories.make_family(harbour, thea), purposes=ALL)
    made = bare_recording(consent=consent, state=Recording.State.READY, duration_ms=22_000)
    Processing.objects.create(recording=made, state=Processing.State.DONE, queued_at=timezone.now())
    vault.seal(made, SealedObject.Kind.PLAYBACK, [clip], now=timezone.now())
    segments = [_segment(turn) for turn in session_turns]
    whole = features.build(clip_samples, segments, recording=str(made.pk), probability=voice.activity(clip_samples))
    vault.seal(made, SealedObject.Kind.FEATURES, [whole], now=timezone.now())
    return made


def _segment(turn):
    """A turn as Whisper would have it, its words spread over its time."""
    words = turn["text"].split()
    each = (turn["end"] - turn["start"]) / len(words)
    timed = [
        {"start": turn["start"] + at * each, "end": turn["start"] + (at + 1) * each, "text": f" {word}", "probability": 0.9}
        for at, word in enumerate(words)
    ]
    return {"start": turn["start"], "end": turn["end"], "text": turn["text"], "words": timed, "supported": True, "speaker": turn["speaker"]}


@pytest.fixture
def proposed(recording, thea):
    casefile.set_names(family=recording.family, names=["Sunday"], by=thea, now=timezone.now())
    return redaction.propose(recording=recording, by=thea, now=timezone.now())


@pytest.fixture
def no_second_look(monkeypatch):
    """The model is not asked again: tests that are about that ask it themselves."""
    monkeypatch.setattr(mutework, "_heard_again", lambda redaction, after: [])


def confirmed(row, by):
    return redaction.confirm(redaction=row, has_listened=True, by=by, now=timezone.now())


def sealed(row):
    return SealedObject.objects.filter(recording=row.recording_id, kind=SealedObject.Kind.REDACTED, number=row.number).first()


def heard(row):
    with vault.open_sealed(sealed(row)) as content:
        return audio.decode(content, rate=44_100)


class TestProposing:
    def test_names_of_the_familys_list_are_found_with_their_times(self, proposed):
        named = [one for one in Stretch.read(proposed.spans) if one.kind == "name"]
        assert len(named) == 1
        assert 15_000 < named[0].start_ms < named[0].end_ms < 19_700
        assert proposed.state == Redaction.State.PROPOSED
        assert "Sunday" not in json.dumps(proposed.spans)

    def test_without_agreement_to_teaching_or_training_nothing_is_proposed(self, recording, thea):
        recording.consent.people.update(purposes=[Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE])
        with pytest.raises(redaction.RedactionRefused, match="teaching"):
            redaction.propose(recording=recording, by=thea, now=timezone.now())

    def test_without_a_transcript_nothing_is_proposed(self, recording, thea):
        SealedObject.objects.filter(kind=SealedObject.Kind.FEATURES).delete()
        with pytest.raises(redaction.RedactionRefused, match="no transcript"):
            redaction.propose(recording=recording, by=thea, now=timezone.now())

    def test_whoever_opened_the_page_before_the_use_was_taken_back_has_nothing_proposed_after_it(self, recording, thea):
        opened = Recording.objects.select_related("consent", "family", "team").get(pk=recording.pk)
        narrowing.narrow(consent=recording.consent, purposes=[Purpose.TEACH], channel="therapist", by=thea, now=timezone.now())
        with pytest.raises(redaction.RedactionRefused, match="teaching"):
            redaction.propose(recording=opened, by=thea, now=timezone.now())
        assert not Redaction.objects.exists()

    def test_where_no_speech_was_found_nothing_is_proposed_and_nobody_is_sent_to_transcribe_it_again(self, recording, clip_samples, thea):
        wordless = features.with_words(features.peaks_only(clip_samples), [])
        vault.seal(recording, SealedObject.Kind.FEATURES, [wordless], now=timezone.now())
        with pytest.raises(redaction.RedactionRefused, match="No speech was found"):
            redaction.propose(recording=recording, by=thea, now=timezone.now())
        assert not Redaction.objects.exists()

    def test_each_attempt_has_a_number_of_its_own(self, recording, proposed, thea):
        assert redaction.propose(recording=recording, by=thea, now=timezone.now()).number == proposed.number + 1


class TestDeciding:
    def choose(self, row, by, **more):
        values = {"muted": set(range(len(row.spans))), "seen": redaction.version(row), "by": by, "now": timezone.now(), **more}
        return redaction.choose(redaction=row, **values)

    def test_what_is_kept_and_what_is_added(self, proposed, thea):
        after = self.choose(proposed, thea, muted=set(), new=[(2000, 2500)])
        rows = Stretch.read(after.spans)
        assert (2000, 2500) in [(one.start_ms, one.end_ms) for one in rows if one.kind == "by hand" and one.is_muted]
        assert all(not one.is_muted for one in rows if one.kind != "by hand")

    def test_two_people_at_once_do_not_overwrite_each_other(self, proposed, thea, cora):
        seen = redaction.version(proposed)
        self.choose(proposed, thea, new=[(1000, 2000)])
        with pytest.raises(redaction.RedactionRefused, match="Somebody else"):
            self.choose(proposed, cora, seen=seen)

    @pytest.mark.parametrize("stretch", [(5000, 5000), (5000, 4000), (21_000, 30_000), (-5, 400)])
    def test_a_stretch_outside_the_recording_is_refused(self, proposed, thea, stretch):
        with pytest.raises(redaction.RedactionRefused):
            self.choose(proposed, thea, new=[stretch])

    def test_somebody_must_say_that_they_listened(self, proposed, thea):
        with pytest.raises(redaction.RedactionRefused, match="Listen"):
            redaction.confirm(redaction=proposed, has_listened=False, by=thea, now=timezone.now())

    @pytest.mark.parametrize("kind", ["gap", "unsupported"])
    def test_speech_without_words_stays_audible_only_for_who_has_heard_it(self, proposed, thea, kind):
        from recordings import listening, sent

        sent.note(recording=proposed.recording, person=thea, spans=[(0, 10_000)], now=timezone.now())
        proposed.spans = [Stretch(4000, 6000, kind, is_muted=False).row()]
        proposed.save()
        with pytest.raises(redaction.RedactionRefused, match="not listened"):
            confirmed(proposed, thea)
        listening.heard(recording=proposed.recording, person=thea, purpose="redaction", intervals_ms=[(3900, 6100)], now=timezone.now())
        assert confirmed(proposed, thea).state == Redaction.State.CONFIRMED

    def test_what_was_confirmed_is_not_changed_any_more(self, proposed, thea):
        confirmed(proposed, thea)
        with pytest.raises(redaction.RedactionRefused, match="further on"):
            self.choose(proposed, thea)


class TestMaking:
    def test_it_is_as_long_and_silent_in_every_stretch_and_untouched_elsewhere(self, proposed, thea, clip, no_second_look):
        proposed.spans = [Stretch(3000, 3800, "name").row(), Stretch(12_000, 12_400, "date", is_muted=False).row()]
        proposed.save()
        confirmed(proposed, thea)
        mutework.perform(proposed.pk)
        proposed.refresh_from_db()
        assert (proposed.state, proposed.failure) == (Redaction.State.READY, "")
        before, after = audio.decode(io.BytesIO(clip), rate=44_100), heard(proposed)
        assert len(before) == len(after)
        assert np.abs(after[3 * 44_100 : int(3.8 * 44_100)]).max() < 0.001
        assert np.array_equal(before[: int(2.85 * 44_100)], after[: int(2.85 * 44_100)])
        assert np.array_equal(before[int(3.95 * 44_100) :], after[int(3.95 * 44_100) :])

    def test_a_stretch_that_can_still_be_heard_fails_and_nothing_is_kept(self, proposed, thea, clip, monkeypatch):
        monkeypatch.setattr(mp3frames, "silenced", lambda data, spans: data)
        confirmed(proposed, thea)
        mutework.perform(proposed.pk)
        proposed.refresh_from_db()
        assert proposed.state == Redaction.State.FAILED
        assert "still be heard" in proposed.failure
        assert sealed(proposed) is None

    def test_a_version_of_another_length_fails_and_nothing_is_kept(self, proposed, thea, monkeypatch):
        quieten = mp3frames.silenced
        monkeypatch.setattr(mp3frames, "silenced", lambda data, spans: quieten(data, spans)[:-20_000])
        confirmed(proposed, thea)
        mutework.perform(proposed.pk)
        proposed.refresh_from_db()
        assert (proposed.state, sealed(proposed)) == (Redaction.State.FAILED, None)
        assert "longer or shorter" in proposed.failure

    def test_a_sound_that_is_not_ours_is_not_touched(self, proposed, thea, session_clip):
        vault.seal(proposed.recording, SealedObject.Kind.PLAYBACK, [session_clip], now=timezone.now())
        confirmed(proposed, thea)
        mutework.perform(proposed.pk)
        proposed.refresh_from_db()
        assert (proposed.state, sealed(proposed)) == (Redaction.State.FAILED, None)
        assert "cannot" in proposed.failure or "not of the form" in proposed.failure

    def test_what_is_still_found_goes_back_to_a_person(self, proposed, thea, monkeypatch):
        monkeypatch.setattr(mutework, "_heard_again", lambda redaction, after: [Stretch(7000, 7600, "name", confidence=85)])
        confirmed(proposed, thea)
        mutework.perform(proposed.pk)
        proposed.refresh_from_db()
        assert (proposed.state, sealed(proposed)) == (Redaction.State.PROPOSED, None)
        assert "One more stretch" in proposed.failure
        assert any(one.start_ms <= 7000 and one.end_ms >= 7600 for one in Stretch.read(proposed.spans))

    def test_it_is_made_once_however_often_it_is_started(self, proposed, thea, no_second_look):
        confirmed(proposed, thea)
        mutework.perform(proposed.pk)
        first = sealed(proposed).pk
        mutework.perform(proposed.pk)
        assert sealed(proposed).pk == first

    def test_a_job_that_was_killed_can_be_started_again(
        self, proposed, thea, no_second_look, django_capture_on_commit_callbacks, monkeypatch
    ):
        sent = []
        confirmed(proposed, thea)  # its worker is killed: the row stays as it is
        monkeypatch.setattr(type(redacting.make_redaction), "enqueue", lambda task, pk: sent.append(pk))
        with django_capture_on_commit_callbacks(execute=True):
            redaction.restart(redaction=proposed, by=thea, now=timezone.now())
        assert sent == [proposed.pk]
        mutework.perform(proposed.pk)
        proposed.refresh_from_db()
        assert proposed.state == Redaction.State.READY

    def test_nothing_lands_once_the_consent_is_withdrawn(self, proposed, thea, monkeypatch):
        def withdrawn_meanwhile(row, after):
            destruction.destroy(recording=row.recording, reason="withdrawal", by=None, now=timezone.now())
            return []

        monkeypatch.setattr(mutework, "_heard_again", withdrawn_meanwhile)
        confirmed(proposed, thea)
        with pytest.raises(vault.KeyGone):
            mutework.perform(proposed.pk)
        assert sealed(proposed) is None

    def test_nothing_is_made_when_the_consent_has_ended(self, proposed, thea):
        confirmed(proposed, thea)
        type(proposed.recording.consent).objects.update(valid_until=factories.days_ago(1))
        mutework.perform(proposed.pk)
        proposed.refresh_from_db()
        assert (proposed.state, sealed(proposed)) == (Redaction.State.FAILED, None)

    def test_nothing_is_made_under_a_newer_consent_that_agrees_to_neither_use(self, proposed, thea, no_second_look):
        confirmed(proposed, thea)
        ConsentPerson.objects.update(purposes=[Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE])
        mutework.perform(proposed.pk)
        proposed.refresh_from_db()
        assert (proposed.state, sealed(proposed)) == (Redaction.State.FAILED, None)
        assert "teaching" in proposed.failure

    def test_rater_training_alone_is_enough_for_one_to_be_made(self, proposed, thea, no_second_look):
        confirmed(proposed, thea)
        ConsentPerson.objects.update(purposes=[Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE, Purpose.TRAIN_RATERS])
        mutework.perform(proposed.pk)
        proposed.refresh_from_db()
        assert (proposed.state, proposed.failure) == (Redaction.State.READY, "")


@pytest.mark.slow
def test_a_name_that_was_kept_back_from_the_list_is_found_by_the_second_look(recording, thea, tiny_checkpoint, settings):
    """Real speech, real weights: the first look knows no names; before the second, the name is put on the list."""
    settings.WHISPER_MODEL = "tiny.en"
    row = redaction.propose(recording=recording, by=thea, now=timezone.now())
    assert not [one for one in row.spans if one["kind"] == "name"]
    confirmed(row, thea)
    casefile.set_names(family=recording.family, names=["Sunday"], by=thea, now=timezone.now())
    mutework.perform(row.pk)
    row.refresh_from_db()
    assert row.state == Redaction.State.PROPOSED, row.failure
    (again,) = [one for one in Stretch.read(row.spans) if one.kind == "name"]
    assert 15_000 < again.start_ms < again.end_ms < 19_700
    confirmed(row, thea)
    mutework.perform(row.pk)
    row.refresh_from_db()
    assert row.state == Redaction.State.READY, row.failure


class TestOfTwoWorkersAtOnce:
    """One was thought dead and the work was started again; the slower one ends when things have moved on."""

    @pytest.fixture
    def sunday(self):
        return Stretch(15_600, 16_100, "name").row()

    def ends_after(self, monkeypatch, row, found, **values):
        def meanwhile(redaction, after):
            Redaction.objects.filter(pk=row.pk).update(**values)
            return found

        monkeypatch.setattr(mutework, "_heard_again", meanwhile)
        mutework.perform(row.pk)
        row.refresh_from_db()

    @pytest.mark.parametrize("found", [[], [Stretch(7000, 7600, "name")]])
    def test_what_was_muted_by_an_older_decision_is_not_kept_as_the_newer_one(self, proposed, thea, sunday, found, monkeypatch):
        confirmed(proposed, thea)
        self.ends_after(monkeypatch, proposed, found, spans=[sunday, Stretch(3000, 3800, "name").row()])
        assert (proposed.state, sealed(proposed), len(proposed.spans)) == (Redaction.State.CONFIRMED, None, 2)

    @pytest.mark.parametrize("found", [[], [Stretch(7000, 7600, "name")]])
    def test_what_waits_for_a_person_again_is_not_made_over_their_head(self, proposed, thea, found, monkeypatch):
        confirmed(proposed, thea)
        kept = proposed.spans
        self.ends_after(monkeypatch, proposed, found, state=Redaction.State.PROPOSED, failure="Listen again.")
        assert (proposed.state, proposed.failure, proposed.spans, sealed(proposed)) == ("proposed", "Listen again.", kept, None)


class TestThePages:
    @pytest.fixture
    def page(self, proposed):
        return f"/recordings/{proposed.recording_id}/redactions/{proposed.number}/"

    def sent(self, row, **fields):
        return {"seen": redaction.version(row), **{f"stretch-{place}": "mute" for place in range(len(row.spans))}, **fields}

    def test_from_the_recordings_page_to_the_muted_version(self, as_user, thea, recording, no_second_look):
        client = as_user(thea)
        assert "Look for names to mute" in client.get(f"/recordings/{recording.pk}/").content.decode()
        made = client.post(f"/recordings/{recording.pk}/redactions/")
        assert made.status_code == 302
        row = Redaction.objects.get()
        assert client.get(made["Location"]).status_code == 200
        added = client.post(made["Location"], self.sent(row, start="0:02", end="0:02.5", action="save"))
        assert added.status_code == 302
        assert re.search(r"found, \d\.\d seconds in all", client.get(made["Location"]).content.decode())
        row.refresh_from_db()
        done = client.post(made["Location"], self.sent(row, has_listened="on", action="confirm"))
        assert done.status_code == 302
        assert "Being made" in client.get(made["Location"]).content.decode()
        mutework.perform(row.pk)
        ready = client.get(made["Location"]).content.decode()
        assert re.search(r"\d\.\d seconds of it are muted", ready)
        assert "voice can still be recognised" in ready
        sound = client.get(f"{made['Location']}audio/", headers={"range": "bytes=0-1"})
        assert (sound.status_code, sound["Content-Type"]) == (206, "audio/mpeg")

    def test_the_page_shows_the_words_around_a_stretch(self, as_user, thea, page):
        text = as_user(thea).get(page).content.decode()
        assert "<mark>" in text
        assert "Sunday" in text
        assert "washing up" in text

    def test_confirming_without_having_listened_keeps_the_choices_and_says_why(self, as_user, thea, page, proposed):
        answer = as_user(thea).post(page, self.sent(proposed, **{"stretch-0": "keep", "action": "confirm"}))
        assert answer.status_code == 422
        assert "Listen to each stretch" in answer.content.decode()
        proposed.refresh_from_db()
        assert (proposed.state, proposed.spans[0]["is_muted"]) == (Redaction.State.PROPOSED, False)

    @pytest.mark.parametrize(("start", "end"), [("soon", "0:05"), ("0:05", ""), ("0:06", "0:05"), ("9:00", "9:05")])
    def test_times_that_make_no_sense_are_refused_with_a_sentence(self, as_user, thea, page, proposed, start, end):
        answer = as_user(thea).post(page, self.sent(proposed, start=start, end=end, action="save"))
        assert answer.status_code == 422
        assert "There is a problem" in answer.content.decode()

    def test_a_stretch_that_the_form_does_not_name_stays_muted(self, as_user, thea, page, proposed):
        as_user(thea).post(page, {"seen": redaction.version(proposed), "action": "save"})
        proposed.refresh_from_db()
        assert all(row["is_muted"] for row in proposed.spans)

    def test_nothing_that_was_said_is_in_the_database(self, proposed, thea):
        from wagtail.models import ModelLogEntry

        confirmed(proposed, thea)
        kept = json.dumps([proposed.spans, proposed.failure, *(entry.data for entry in ModelLogEntry.objects.all())])
        for word in ("Sunday", "washing", "phone"):
            assert word not in kept


def test_the_stretches_of_a_destroyed_recording_cannot_be_decided(proposed, thea):
    vault.destroy_key(proposed.recording_id)
    with pytest.raises(redaction.RedactionRefused, match="destroyed"):
        confirmed(proposed, thea)
    assert stretches.muted(Stretch.read(proposed.spans))
