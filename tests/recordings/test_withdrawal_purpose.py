"""One purpose taken back: it ends at once, what it alone had made is destroyed, and everything else stays."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import (
    assigning,
    calibration,
    clips,
    editing,
    erasurelog,
    explaining,
    features,
    ledger,
    narrowing,
    permissions,
    pipeline,
    replay,
    serving,
    transcript,
    vault,
    withdrawal,
    withdrawallink,
)
from recordings import consent as consents
from recordings.models import (
    Assignment,
    Clip,
    Consent,
    GoldScore,
    GoldStandard,
    LegalHold,
    Processing,
    Purpose,
    PurposeWithdrawal,
    Recording,
    Redaction,
    SealedObject,
    SealedText,
    TranscriptEdit,
    TranscriptRun,
)
from supervision.models import Membership
from tests import factories
from tests.recordings import review_setup
from tests.recordings.making import bare_recording
from tests.recordings.transcript_setup import with_transcript

pytestmark = pytest.mark.django_db
Kind, State = SealedObject.Kind, Recording.State
ALL = list(Purpose)


@pytest.fixture
def consent(harbour, thea):
    return factories.make_consent(factories.make_family(harbour, thea), purposes=ALL, filed_at="Cabinet 2")


@pytest.fixture
def recording(consent, harbour, thea):
    """With a transcript, an edit, a muted version and a clip."""
    made, now = with_transcript(harbour, thea, consent=consent), timezone.now()
    made.duration_ms = 60_000
    made.save(update_fields=["duration_ms"])
    Processing.objects.create(recording=made, state=Processing.State.DONE, queued_at=now)
    for kind in (Kind.PLAYBACK, Kind.REDACTED, Kind.CLIP):
        vault.seal(made, kind, [b"sound" * 1000], number=0 if kind == Kind.PLAYBACK else 1, now=now)
    done = {"proposed_at": now, "proposed_by": thea, "confirmed_at": now, "confirmed_by": thea}
    Redaction.objects.create(recording=made, number=1, state="ready", spans=[{"start_ms": 1, "end_ms": 2, "kind": "name"}], **done)
    texts = {"title": vault.seal_text(made, "A title"), "words": vault.seal_text(made, "[]")}
    Clip.objects.create(recording=made, start_ms=3000, end_ms=9000, number=1, state="approved", made_by=thea, made_at=now, **texts)
    payload = vault.seal_text(made, '{"text": "He was late again"}')
    TranscriptEdit.objects.create(
        recording=made, number=1, run=1, kind=editing.Kind.REPLACE, payload=payload, made_at=now, made_by=thea, undone_at=now
    )
    return made


def narrow(consent, *purposes, by=None, **changes):
    asked = {"consent": consent, "purposes": purposes, "channel": "telephone", "by": by, "now": timezone.now()}
    return narrowing.narrow(**{**asked, **changes})


def test_what_was_taken_back_reads_as_a_no_from_everybody(consent):
    narrow(consent, Purpose.TRANSCRIBE)
    consent.refresh_from_db()
    assert [line.partition("; no to ")[2] for line in consents.lines(consent)] == ["transcript."] * consent.people.count()
    answers = dict(consents.table(consent))
    assert not any(yes for _, yes in answers[Purpose.TRANSCRIBE.label])
    assert all(yes for _, yes in answers[Purpose.REVIEW.label])


def kinds(recording):
    return set(SealedObject.objects.filter(recording=recording).values_list("kind", flat=True))


def fresh(recording):
    return Recording.objects.select_related("consent", "team__programme").get(pk=recording.pk)


class TestTeachingClips:
    def test_clips_go_from_everywhere_at_once_and_the_recording_stays(self, recording, consent, thea, tom):
        clip = Clip.objects.get()
        assert clips.shown(str(clip.pk), tom, on=factories.today()).closed == ""
        (row,) = narrow(consent, Purpose.TEACH, by=thea)
        assert clips.shown(str(clip.pk), tom, on=factories.today()).closed.startswith("This clip was withdrawn on")
        clip.refresh_from_db()
        assert (clip.state, clip.title, clip.words) == ("gone", None, None)
        assert kinds(recording) == {Kind.FEATURES, Kind.PLAYBACK, Kind.REDACTED}  # the muted version still serves rater training
        assert permissions.can_listen(thea, fresh(recording))
        assert transcript.segments(fresh(recording))
        assert row.finished_at is not None
        assert {item["kind"] for item in row.items} == {"clip", "texts"}
        assert row.items[0]["sha256"]

    @pytest.mark.parametrize("state", ["making", "proposed", "refused"])
    def test_in_whatever_state_a_clip_is(self, recording, consent, state):
        Clip.objects.update(state=state)
        narrow(consent, Purpose.TEACH)
        assert Clip.objects.get().state == "gone"

    def test_the_muted_version_goes_once_it_serves_nothing(self, recording, consent):
        narrow(consent, Purpose.TEACH)
        narrow(consent, Purpose.TRAIN_RATERS)
        assert kinds(recording) == {Kind.FEATURES, Kind.PLAYBACK}
        redaction = Redaction.objects.get()
        assert (redaction.state, redaction.spans) == ("failed", [])


class TestTheTranscript:
    def test_words_edits_and_what_was_computed_from_them_are_destroyed_and_the_waveform_stays(self, recording, consent, thea):
        vault.seal(recording, Kind.PIECE, [b"words"], now=timezone.now())
        narrow(consent, Purpose.TRANSCRIBE, by=thea)
        now = fresh(recording)
        assert kinds(recording) == {Kind.FEATURES, Kind.PLAYBACK, Kind.REDACTED, Kind.CLIP}
        with vault.open_sealed(SealedObject.objects.get(recording=recording, kind=Kind.FEATURES)) as content:
            whole = content.read()
        assert features.runs(whole) == []
        assert b"curfew" not in whole
        assert transcript.peaks(now, 0, 0, 10)
        assert not TranscriptRun.objects.exists()
        assert TranscriptEdit.objects.get().payload is None
        assert Clip.objects.get().words is None
        assert permissions.can_listen(thea, now)
        assert not permissions.can_read(thea, now)
        assert "There is no transcript. The family no longer agrees" in pipeline.progress(now).sentence

    @pytest.mark.parametrize(("work", "state"), [("running", "processing"), ("queued", "queued"), ("failed", "failed")])
    def test_a_transcription_that_is_not_done_is_stopped_and_the_sound_goes_on(self, consent, work, state):
        now = timezone.now()
        recording = bare_recording(consent=consent, state=state)
        vault.seal(recording, Kind.PIECE, [b"words"], now=now)
        Processing.objects.create(recording=recording, queued_at=now, state=work, token=3, lease_until=now + dt.timedelta(minutes=1))
        narrow(consent, Purpose.TRANSCRIBE)
        assert not ledger.is_held(recording.pk, 3)
        with pytest.raises(ledger.LeaseLost), ledger.holding(recording.pk, 3):
            pass
        assert kinds(recording) == set()
        recording.refresh_from_db()
        assert recording.state == State.QUEUED
        assert ledger.claim(recording.pk, now=now) is not None

    def test_a_run_once_more_is_stopped_and_the_recording_stays_ready(self, recording, consent):
        Processing.objects.update(state="running", token=7, lease_until=timezone.now() + dt.timedelta(minutes=1))
        narrow(consent, Purpose.TRANSCRIBE)
        assert not ledger.is_held(recording.pk, 7)
        assert fresh(recording).state == State.READY
        assert Processing.objects.get().state == "done"


class TestRaterTraining:
    @pytest.fixture
    def gold(self, recording, harbour, sam, cora):
        instrument = review_setup.submitted(review_setup.ready_recording(recording.therapist, harbour), cora).instrument
        now = timezone.now()
        made = GoldStandard.objects.create(
            recording=recording, instrument=instrument, label="Exercise 1", state="in_use", made_by=sam, made_at=now
        )
        GoldScore.objects.create(gold=made, item_key="fit", score=3, reason=vault.seal_text(recording, "Because she asked"))
        return made

    def test_exercises_and_gold_recordings_close_and_their_words_go(self, recording, consent, gold, harbour):
        elsewhere = factories.make_team(programme=harbour.programme)
        rater = factories.make_member(None, elsewhere, Membership.Role.CONSULTANT)
        given = calibration.give(gold=gold, rater=rater, by=None, now=timezone.now())
        assert permissions.can_listen(rater, fresh(recording))
        narrow(consent, Purpose.TRAIN_RATERS)
        given.refresh_from_db()
        gold.refresh_from_db()
        assert (given.skip_reason, gold.state) == ("not_agreed", "retired")
        assert not permissions.can_listen(rater, fresh(recording))
        assert GoldScore.objects.get().reason is None
        gold = GoldStandard.objects.select_related("recording__consent", "recording__team__programme").get()
        assert not explaining.can_be_read(gold)
        with pytest.raises(calibration.CalibrationRefused):
            calibration.give(gold=gold, rater=rater, by=None, now=timezone.now())

    def test_a_rater_of_another_team_is_let_go_and_one_of_the_team_goes_on(self, recording, consent, gold, harbour, cora):
        elsewhere = factories.make_member(None, factories.make_team(programme=harbour.programme), Membership.Role.CONSULTANT)
        asked = {"recording": recording, "instrument": gold.instrument, "due_on": factories.today(), "assigned_at": timezone.now()}
        inside = Assignment.objects.create(rater=cora, part="first", **asked)
        outside = Assignment.objects.create(rater=elsewhere, part="second", **asked)
        narrow(consent, Purpose.TRAIN_RATERS)
        inside.refresh_from_db()
        outside.refresh_from_db()
        assert (inside.skip_reason, outside.skip_reason) == ("", "not_agreed")


class TestTheReview:
    def test_only_the_therapist_hears_it_and_what_reviewers_wrote_is_gone(self, recording, consent, thea, sam, cora):
        done = review_setup.submitted(recording, cora)
        narrow(consent, Purpose.REVIEW, by=thea)
        now = fresh(recording)
        assert permissions.can_listen(thea, now)
        assert not permissions.can_listen(sam, now)
        assert not permissions.can_listen(cora, now)
        done.refresh_from_db()
        assert (done.strengths, done.next_step) == (None, None)
        assert not done.annotations.filter(comment__isnull=False).exists()
        assert done.state == "submitted"
        assert SealedText.objects.filter(recording=recording).count() == 3  # the clip's two, and the edit
        assert transcript.segments(now)
        assert recording not in Recording.objects.agreed_to(Purpose.REVIEW, on=factories.today())

    def test_open_ratings_close_and_nobody_is_asked_again(self, recording, consent, cora):
        own = review_setup.begin(recording, cora)
        asked = {"recording": recording, "instrument": own.instrument, "due_on": factories.today(), "assigned_at": timezone.now()}
        open_one = Assignment.objects.create(rater=cora, part="first", **asked)
        narrow(consent, Purpose.REVIEW)
        open_one.refresh_from_db()
        assert open_one.skip_reason == "not_agreed"
        assert assigning.candidates(fresh(recording), own.instrument, "first", on=factories.today()) == []

    def test_what_a_supervisor_is_hearing_stops_at_the_next_step_and_what_the_therapist_hears_goes_on(
        self, recording, consent, as_user, sam, thea
    ):
        vault.seal(recording, Kind.PLAYBACK, [bytes(3 * serving.STEP)], now=timezone.now())
        bodies = [iter(as_user(one).get(f"/recordings/{recording.pk}/audio/").streaming_content) for one in (sam, thea)]
        assert [len(next(body)) for body in bodies] == [serving.STEP] * 2
        narrow(consent, Purpose.REVIEW)
        assert [sum(len(part) for part in body) for body in bodies] == [0, 2 * serving.STEP]


def test_figures_for_research_leave_the_cohort(recording, consent):
    assert recording in Recording.objects.agreed_to(Purpose.RESEARCH, on=factories.today())
    (row,) = narrow(consent, Purpose.RESEARCH)
    assert recording not in Recording.objects.agreed_to(Purpose.RESEARCH, on=factories.today())
    assert (row.items, row.finished_at is None) == ([], False)


@pytest.mark.parametrize("purpose", list(narrowing.MEANS))
def test_every_purpose_leaves_the_recording_and_its_sound(recording, consent, thea, purpose):
    narrow(consent, purpose)
    assert vault.has_key(recording.pk)
    assert Kind.PLAYBACK in kinds(recording)
    assert permissions.can_listen(thea, fresh(recording))
    assert fresh(recording).state == State.READY


def test_to_be_recorded_is_not_one_of_them(consent):
    with pytest.raises(narrowing.NarrowingRefused):
        narrow(consent, Purpose.RECORD)
    with pytest.raises(narrowing.NarrowingRefused):
        narrow(consent)


def test_doing_it_again_changes_nothing(recording, consent, thea, sam):
    (first,) = narrow(consent, Purpose.TEACH, by=thea)
    (again,) = narrow(consent, Purpose.TEACH, by=sam, channel="writing")
    assert (again.pk, again.items, again.channel) == (first.pk, first.items, "telephone")
    assert ModelLogEntry.objects.filter(action="recordings.purpose_withdraw").count() == 1


def test_a_legal_hold_closes_the_use_and_puts_the_destruction_off(recording, consent, sam, iggy):
    now = timezone.now()
    held = {"reason": "Court", "ends_on": factories.today() + dt.timedelta(days=3), "asked_at": now, "asked_by": sam}
    LegalHold.objects.create(recording=recording, agreed_at=now, agreed_by=iggy, **held)
    (row,) = narrow(consent, Purpose.TRANSCRIBE)
    assert (row.items, row.finished_at) == ([], None)
    assert transcript.segments(fresh(recording)) == []
    assert narrowing.finish(now=now + dt.timedelta(days=2)) == 0
    assert narrowing.finish(now=now + dt.timedelta(days=4)) == 1
    assert not TranscriptRun.objects.exists()
    assert PurposeWithdrawal.objects.get().items


def test_what_broke_off_the_clock_finishes(recording, consent, monkeypatch):
    def crash(*args, **kwargs):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("recordings.narrowing.unmaking.destroy", crash)
        with pytest.raises(withdrawal.Unfinished):
            narrow(consent, Purpose.TEACH)
    assert consent.pk in Consent.objects.exclude(ended_purposes=[]).values_list("pk", flat=True)
    assert Kind.CLIP in kinds(recording)
    assert narrowing.finish(now=timezone.now()) == 1
    assert Kind.CLIP not in kinds(recording)


def test_a_restore_does_not_bring_a_purpose_back(recording, consent):
    narrow(consent, Purpose.TEACH)
    assert erasurelog.key(consent.pk, consent.recorded_at, "teach") in erasurelog.read(erasurelog.place()).withdrawn
    PurposeWithdrawal.objects.all().delete()  # as in a database from before
    Consent.objects.update(ended_purposes=[])
    Clip.objects.update(state="approved", gone_at=None)
    assert replay.is_shut()
    replay.replay(now=timezone.now())
    assert not replay.is_shut()
    assert Consent.objects.get(pk=consent.pk).ended_purposes == ["teach"]
    assert Clip.objects.get().state == "gone"
    assert Consent.objects.get(pk=consent.pk).withdrawn_at is None


class TestOnThePages:
    def told(self, consent, *purposes, **changes):
        return {"person": str(consent.people.get().pk), "channel": "telephone", "what": "uses", "purposes": purposes, **changes}

    @pytest.fixture
    def telephone(self):
        cache.clear()
        return Client(enforce_csrf_checks=True)

    @pytest.fixture
    def link(self, consent, thea):
        return f"/recordings/withdraw/{withdrawallink.make(consent=consent, by=thea, now=timezone.now())}/"

    def test_staff_take_one_use_back_and_the_consent_shows_who_asked_when_and_how(self, as_user, thea, recording, consent):
        address = f"/recordings/consents/{consent.pk}/withdraw/"
        for _ in range(2):
            assert as_user(thea).post(address, self.told(consent, "teach", "research")).status_code == 302
        assert set(PurposeWithdrawal.objects.values_list("purpose", "recorded_by")) == {("teach", thea.pk), ("research", thea.pk)}
        for page in ("", "print/"):
            words = as_user(thea).get(f"/recordings/consents/{consent.pk}/{page}").content.decode()
            assert "Short clips are used in teaching" in words
            assert "by telephone" in words
        words = as_user(thea).get(f"/recordings/consents/{consent.pk}/").content.decode()
        row = PurposeWithdrawal.objects.get(purpose="teach")
        assert str(row.reference) in words
        assert row.items[0]["sha256"] in words
        assert "taken back by caregiver M.B. on" in words

    @pytest.mark.parametrize("changes", [{"what": "everything"}, {"purposes": []}, {"purposes": ["record"]}, {"purposes": ["teach", "no"]}])
    def test_what_is_unclear_is_refused_and_nothing_happens(self, as_user, thea, recording, consent, changes):
        told = self.told(consent, "teach", **changes)
        assert as_user(thea).post(f"/recordings/consents/{consent.pk}/withdraw/", told).status_code == 422
        consent.refresh_from_db()
        assert (consent.withdrawn_at, consent.ended_purposes) == (None, [])

    def test_another_teams_consent_is_not_there(self, as_user, consent, otto):
        assert as_user(otto).post(f"/recordings/consents/{consent.pk}/withdraw/", self.told(consent, "teach")).status_code == 404

    def test_the_family_takes_one_use_back_by_its_link_which_goes_on_working(self, telephone, recording, consent, link):
        assert narrowing.MEANS["teach"] in telephone.get(link).content.decode()
        for _ in range(2):
            response = telephone.post(link, {"what": "uses", "purposes": ["teach"]})
            assert response.status_code == 200
            assert "It is taken back for these uses" in response.content.decode()
        row = PurposeWithdrawal.objects.get()
        assert (row.channel, row.recorded_by, row.person) == ("link", None, None)
        assert Clip.objects.get().state == "gone"
        assert vault.has_key(recording.pk)
        assert narrowing.MEANS["teach"] not in telephone.get(link).content.decode()
        assert telephone.post(link, {"what": "everything"}).status_code == 200
        assert not vault.has_key(recording.pk)

    def test_a_tick_beside_everything_destroys_nothing(self, telephone, recording, link):
        assert telephone.post(link, {"purposes": ["teach"]}).status_code == 422
        assert vault.has_key(recording.pk)

    def test_it_holds_for_all_sessions_of_the_family_unless_one_was_chosen(self, telephone, recording, consent, link):
        other = factories.make_consent(consent.family, purposes=ALL)
        telephone.post(link, {"what": "uses", "purposes": ["research"], "scope": "one"})
        telephone.post(link, {"what": "uses", "purposes": ["teach"]})
        consent.refresh_from_db()
        other.refresh_from_db()
        assert (consent.ended_purposes, other.ended_purposes) == (["research", "teach"], ["teach"])

    def test_the_family_sees_that_it_is_done_also_when_something_breaks_off(self, telephone, recording, consent, link, monkeypatch):
        def crash(*args, **kwargs):
            raise OSError

        monkeypatch.setattr("recordings.narrowing.unmaking.destroy", crash)
        response = telephone.post(link, {"what": "uses", "purposes": ["teach"]})
        assert response.status_code == 200
        assert "The rest is being destroyed now" in response.content.decode()
