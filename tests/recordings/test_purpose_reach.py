"""How far it reaches when a consent, or one purpose of it, is taken back: what stands under the consents that were meant, and nothing beside."""

import datetime as dt

import pytest
from django.utils import timezone

from recordings import narrowing, permissions, redaction, sealedfile, vault, withdrawal
from recordings.models import (
    Assignment,
    Clip,
    Consent,
    DestructionCertificate,
    GoldStandard,
    LegalHold,
    Purpose,
    PurposeWithdrawal,
    Recording,
    Redaction,
    Withdrawal,
)
from supervision.models import Instrument, Membership
from tests import factories
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db


def given(family):
    return factories.make_consent(family, purposes=list(Purpose), filed_at="Cabinet 2")


@pytest.fixture
def family(harbour, thea):
    return factories.make_family(harbour, thea)


@pytest.fixture
def consent(family):
    return given(family)


def narrow(consent, **changes):
    asked = {"consent": consent, "purposes": ["teach"], "channel": "telephone", "by": None, "now": timezone.now()}
    return narrowing.narrow(**{**asked, **changes})


def ended(*consents):
    return [Consent.objects.get(pk=one.pk).ended_purposes for one in consents]


def extended(recording, older, newer):
    """The recording, made under the older consent, with the newer one governing it."""
    recording.earlier_consents.create(consent=older, replaced_at=timezone.now(), replaced_by=recording.therapist)
    Recording.objects.filter(pk=recording.pk).update(consent=newer)


def muted(consent, by, *states):
    """A recording with a muted version in each of these states."""
    recording, now = bare_recording(consent=consent, state=Recording.State.READY), timezone.now()
    for number, state in enumerate(states):
        confirmed = {} if state == "proposed" else {"confirmed_at": now, "confirmed_by": by}
        Redaction.objects.create(recording=recording, number=number, state=state, proposed_at=now, proposed_by=by, **confirmed)
    return recording


def hold(recording, asker, agreer):
    now = timezone.now()
    asked = {"reason": "Court", "ends_on": factories.today(), "asked_at": now, "asked_by": asker}
    LegalHold.objects.create(recording=recording, agreed_at=now, agreed_by=agreer, **asked)


class TestOtherFamilies:
    @pytest.mark.parametrize("is_everything", [False, True])
    def test_keep_every_use_of_theirs_also_where_a_newer_consent_governs(self, harbour, tom, consent, is_everything):
        other = factories.make_family(harbour, tom)
        older, newer = given(other), given(other)
        extended(bare_recording(consent=older), older, newer)
        bare_recording(consent=consent)
        narrow(consent, is_everything=is_everything)
        assert ended(consent, older, newer) == [["teach"], [], []]

    def test_keep_their_recordings_where_they_stand_when_one_is_taken_back(self, harbour, tom, thea, consent):
        other = factories.make_family(harbour, tom)
        older, newer = given(other), given(other)
        recording, own = bare_recording(consent=older), bare_recording(consent=consent)
        extended(recording, older, newer)
        withdrawal.withdraw(consent=consent, channel="telephone", by=thea, now=timezone.now(), is_everything=True)
        states = Recording.objects.in_bulk([recording.pk, own.pk])
        assert (states[recording.pk].consent, states[recording.pk].state) == (newer, "queued")
        assert states[own.pk].state == "destroyed"

    def test_are_not_told_that_theirs_is_done(self, harbour, tom, sam, iggy, consent):
        theirs = given(factories.make_family(harbour, tom))
        hold(bare_recording(consent=theirs), sam, iggy)
        (waiting,) = narrow(theirs)
        (row,) = narrow(consent)
        waiting.refresh_from_db()
        assert (row.consent, waiting.finished_at) == (consent, None)
        assert row.finished_at is not None
        assert narrowing.is_held(theirs, on=factories.today())
        assert not narrowing.is_held(consent, on=factories.today())


class TestOfOneFamily:
    def test_it_gives_back_only_what_was_asked_for_now_and_names_who_asked_once(self, family, consent):
        other, person = given(family), consent.people.get()
        narrow(consent, purposes=["research"])
        first, second = narrow(consent, is_everything=True, person=person)
        assert [(row.consent, row.purpose, row.person) for row in (first, second)] == [(consent, "teach", person), (other, "teach", None)]

    def test_the_file_goes_at_once_and_one_that_a_crash_left_goes_with_the_clock(self, consent):
        sealed = vault.seal(bare_recording(consent=consent), "clip", [b"sound"], number=1, now=timezone.now())
        path = sealedfile.path_of(sealed.pk)
        assert path.exists()
        narrow(consent)
        assert not path.exists()
        path.write_bytes(b"left behind")
        narrowing.finish(now=timezone.now())
        assert not path.exists()

    def test_what_breaks_off_while_it_closes_changes_nothing(self, consent, monkeypatch):
        bare_recording(consent=consent)

        def crash(*args, **kwargs):
            raise OSError("away")

        monkeypatch.setattr("recordings.narrowing.unmaking.close", crash)
        with pytest.raises(OSError, match="away"):
            narrow(consent)
        assert ended(consent) == [[]]
        assert not PurposeWithdrawal.objects.exists()

    def test_a_destroyed_recording_does_not_widen_it_to_the_consent_it_stood_under(self, family, consent):
        newer = given(family)
        gone = bare_recording(consent=consent, state=Recording.State.DESTROYED, destroyed_at=timezone.now())
        extended(gone, consent, newer)
        narrow(consent)
        assert ended(consent, newer) == [["teach"], []]

    def test_a_consent_that_was_withdrawn_has_nothing_left_to_take_back(self, consent, thea):
        withdrawal.withdraw(consent=consent, channel="telephone", by=thea, now=timezone.now())
        consent.refresh_from_db()
        assert narrowing.can_be_ended([consent]) == []
        with pytest.raises(narrowing.NarrowingRefused, match="has been withdrawn"):
            narrow(consent)
        assert not PurposeWithdrawal.objects.exists()

    def test_the_others_are_narrowed_also_where_the_one_asked_about_is_withdrawn(self, family, consent, thea):
        other = given(family)
        withdrawal.withdraw(consent=consent, channel="telephone", by=thea, now=timezone.now())
        (row,) = narrow(consent, is_everything=True)
        assert row.consent == other
        assert ended(consent, other) == [[], ["teach"]]

    def test_of_the_raters_those_stay_who_consult_to_the_team_today_and_not_for_an_exercise(self, harbour, cora, consent):
        recording, other = (bare_recording(consent=consent) for _ in range(2))
        elsewhere = factories.make_team(programme=harbour.programme)
        leads, left = (factories.make_member(None, elsewhere, Membership.Role.CONSULTANT) for _ in range(2))
        factories.make_membership(leads, harbour, Membership.Role.SUPERVISOR)
        factories.make_membership(left, harbour, Membership.Role.CONSULTANT, ends_on=factories.days_ago(1))
        instrument = Instrument.objects.create(slug="i", name="I", owner="O", licence_note="N")
        asked = {"instrument": instrument, "due_on": factories.today(), "assigned_at": timezone.now()}
        gold = GoldStandard.objects.create(
            recording=other, instrument=instrument, label="Exercise 1", state="in_use", made_by=cora, made_at=timezone.now()
        )
        stays = Assignment.objects.create(recording=recording, rater=cora, part="first", **asked)
        Assignment.objects.create(recording=recording, rater=leads, part="second", **asked)
        Assignment.objects.create(recording=other, rater=left, part="second", **asked)
        Assignment.objects.create(recording=other, rater=cora, part="gold", gold=gold, **asked)
        narrow(consent, purposes=["train_raters"])
        assert list(Assignment.objects.open()) == [stays]

    @pytest.mark.parametrize("purposes", [["transcribe"], ["teach", "train_raters"]])
    def test_a_list_of_names_that_nobody_confirmed_stands_in_nobodys_way_and_goes(self, consent, thea, purposes):
        recording = muted(consent, thea, "proposed")
        shown = Redaction.objects.get()
        narrow(consent, purposes=purposes)
        assert set(ended(consent)[0]) == set(purposes)
        assert not Redaction.objects.filter(recording=recording).exists()
        with pytest.raises(redaction.RedactionRefused, match="This list is gone"):
            redaction.confirm(redaction=shown, has_listened=True, by=thea, now=timezone.now())

    def test_a_muting_under_way_reads_the_words_and_ends_with_them_and_a_muted_version_stays(self, consent, thea):
        muted(consent, thea, "confirmed", "ready")
        narrow(consent, purposes=["transcribe"])
        assert list(Redaction.objects.order_by("number").values_list("state", "failure")) == [
            ("failed", Redaction.NO_LONGER),
            ("ready", ""),
        ]

    def test_what_lost_its_stretches_is_not_made_again_with_every_name_in_it_under_a_newer_consent(self, family, consent, thea):
        recording = muted(consent, thea, "ready")
        narrow(consent, purposes=["teach", "train_raters"])
        Recording.objects.filter(pk=recording.pk).update(consent=given(family))
        assert permissions.can_redact(thea, Recording.objects.get(pk=recording.pk))
        with pytest.raises(redaction.RedactionRefused, match="looked for anew"):
            redaction.restart(redaction=Redaction.objects.get(), by=thea, now=timezone.now())
        assert Redaction.objects.get().state == "failed"

    def test_a_muted_version_that_served_teaching_alone_goes_with_it(self, family, thea):
        consent = factories.make_consent(family, purposes=["record", "review", "transcribe", "teach"])
        recording = muted(consent, thea, "ready")
        vault.seal(recording, "redacted", [b"sound"], number=0, now=timezone.now())
        narrow(consent)
        assert Redaction.objects.get().state == "failed"
        assert not recording.objects_sealed.exists()

    def test_a_clip_that_went_before_keeps_its_day(self, consent, thea):
        recording, before = bare_recording(consent=consent), timezone.localtime() - dt.timedelta(days=5)
        made = {"recording": recording, "start_ms": 0, "end_ms": 5000, "made_by": thea, "made_at": before}
        Clip.objects.create(number=1, state="gone", gone_at=before, **made)
        Clip.objects.create(number=2, state="approved", **made)
        (row,) = narrow(consent)
        assert [clip.gone_at for clip in Clip.objects.order_by("number")] == [before, row.withdrawn_at]


class TestEverythingTakenBack:
    def test_who_asked_stands_at_the_consent_that_was_meant_and_at_no_other(self, family, consent, thea):
        other, person = given(family), consent.people.get()
        asked = {"channel": "telephone", "by": thea, "now": timezone.now()}
        withdrawal.withdraw(consent=consent, person=person, is_everything=True, **asked)
        assert set(Withdrawal.objects.values_list("consent", "person")) == {(consent.pk, person.pk), (other.pk, None)}
        assert withdrawal.others(consent, on=factories.today()) == []

    def test_the_backups_are_unreadable_from_the_last_of_the_days(self):
        days = [factories.days_ago(number) for number in (3, 1, 2)]
        certificates = [DestructionCertificate(backups_unreadable_on=day) for day in days]
        assert withdrawal.Outcome(timezone.now(), [], certificates, [], 0, []).unreadable_on == days[1]

    def test_what_the_clock_cannot_finish_is_told(self, consent, thea, monkeypatch):
        withdrawal.withdraw(consent=consent, channel="telephone", by=thea, now=timezone.now())

        def crash(*args, **kwargs):
            raise OSError("away")

        monkeypatch.setattr("recordings.withdrawal._note", crash)
        with pytest.raises(OSError, match="away"):
            withdrawal.finish(now=timezone.now())
