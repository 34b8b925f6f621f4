"""A legal hold: asked for by one, agreed to by another; it keeps, ends by itself, and opens nothing."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import destruction, keeping, keystore, ledger, legalhold, permissions, vault, withdrawal
from recordings.models import DestructionCertificate, LegalHold, Processing, Recording
from tests.recordings import keeping_setup as setup
from tests.recordings.keeping_setup import DAY

pytestmark = pytest.mark.django_db(transaction=True)
Reason = DestructionCertificate.Reason


@pytest.fixture
def now():
    return setup.midday()


@pytest.fixture
def today(now):
    return timezone.localdate(now)


@pytest.fixture
def recording(harbour, thea, now):
    return setup.sealed_recording(harbour, thea, now=now)


@pytest.fixture
def hold(recording, sam, iggy, now):
    return setup.held(recording, sam, iggy, now=now)


def state(recording):
    recording.refresh_from_db()
    return recording.state


class TestTwoPeople:
    def test_the_asker_cannot_agree(self, recording, sam, now, today):
        asked = legalhold.ask(recording=recording, reason="Complaint", ends_on=today + DAY, by=sam, now=now)
        with pytest.raises(legalhold.HoldRefused, match="second person"):
            legalhold.agree(hold=asked, by=sam, now=now)
        with pytest.raises(IntegrityError), transaction.atomic():
            LegalHold.objects.filter(pk=asked.pk).update(agreed_at=now, agreed_by=sam)

    def test_asking_agreeing_and_ending_are_on_record_with_ids_only(self, hold, recording, iggy, now):
        legalhold.release(hold=hold, by=iggy, now=now)
        lines = ModelLogEntry.objects.filter(action__startswith="recordings.hold", object_id=str(recording.pk))
        assert set(lines.values_list("action", flat=True)) == {"recordings.hold_ask", "recordings.hold_agree", "recordings.hold_release"}
        assert "Complaint" not in str([line.data for line in lines])

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"reason": "  "}, "Say why"),
            ({"days": -1}, "lies in the past"),
            ({"days": 400}, "a year at most"),
        ],
    )
    def test_what_makes_no_sense_is_refused_with_a_sentence(self, recording, sam, now, today, changes, words):
        with pytest.raises(legalhold.HoldRefused, match=words):
            legalhold.ask(
                recording=recording, reason=changes.get("reason", "Why"), ends_on=today + DAY * changes.get("days", 5), by=sam, now=now
            )

    def test_two_requests_do_not_wait_side_by_side(self, recording, sam, iggy, now, today):
        legalhold.ask(recording=recording, reason="One", ends_on=today + DAY, by=sam, now=now)
        with pytest.raises(legalhold.HoldRefused, match="Sam Example has asked"):
            legalhold.ask(recording=recording, reason="Two", ends_on=today + DAY, by=iggy, now=now)

    def test_what_is_destroyed_cannot_be_held(self, recording, sam, now, today):
        destruction.destroy(recording=recording, reason=Reason.MISTAKE, by=None, now=now)
        with pytest.raises(legalhold.HoldRefused, match="has been destroyed"):
            legalhold.ask(recording=recording, reason="Late", ends_on=today + DAY, by=sam, now=now)

    def test_nor_what_a_crash_left_half_destroyed(self, recording, sam, iggy, now, today):
        asked = legalhold.ask(recording=recording, reason="In time", ends_on=today + 9 * DAY, by=sam, now=now)
        vault.destroy_key(recording.pk, at=now)
        with pytest.raises(legalhold.HoldRefused, match="has been destroyed"):
            legalhold.agree(hold=asked, by=iggy, now=now)


class TestBlocks:
    @pytest.mark.parametrize("reason", Reason.values)
    def test_destruction_for_any_reason(self, recording, hold, reason, now):
        with pytest.raises(destruction.Held, match="legal hold keeps this recording until"):
            destruction.destroy(recording=recording, reason=reason, by=None, now=now)
        assert state(recording) == Recording.State.READY
        assert setup.is_readable(recording)

    def test_retention_until_the_first_pass_after_its_last_day(self, recording, hold, now):
        Recording.objects.update(uploaded_at=now - 100 * DAY)
        for days in (0, 29, 30):
            destruction.finish_pending(now=now + days * DAY)
            assert setup.is_readable(recording), days
        assert destruction.finish_pending(now=now + 31 * DAY) == 1
        assert state(recording) == Recording.State.DESTROYED
        assert recording.certificate.reason == Reason.RETENTION

    def test_withdrawal_which_closes_the_consent_and_ends_work_all_the_same(self, recording, hold, thea, sam, now):
        Processing.objects.update(state=Processing.State.QUEUED)
        Recording.objects.update(state=Recording.State.QUEUED)
        token = ledger.claim(recording.pk, now=now)
        withdrawal.withdraw(consent=recording.consent, channel="telephone", by=thea, now=now)
        recording = Recording.objects.get()
        assert setup.is_readable(recording)
        assert not ledger.is_held(recording.pk, token)
        assert ledger.claim(recording.pk, now=now + DAY) is None
        assert not any(permissions.can_listen(person, recording) for person in (thea, sam))

    def test_and_the_withdrawn_recording_goes_once_the_hold_is_ended_early(self, recording, hold, thea, iggy, now):
        withdrawal.withdraw(consent=recording.consent, channel="telephone", by=thea, now=now)
        destruction.finish_pending(now=now)
        assert setup.is_readable(recording)
        legalhold.release(hold=hold, by=iggy, now=now)
        assert destruction.finish_pending(now=now) == 1
        assert state(recording) == Recording.State.DESTROYED
        assert recording.certificate.reason == Reason.WITHDRAWAL

    def test_a_refused_destruction_leaves_work_alone(self, recording, hold, now):
        Processing.objects.update(state=Processing.State.QUEUED)
        with pytest.raises(destruction.Held):
            destruction.destroy(recording=recording, reason=Reason.MISTAKE, by=None, now=now)
        assert Processing.objects.get().state == Processing.State.QUEUED

    def test_one_held_recording_does_not_keep_the_others(self, recording, hold, harbour, thea, now):
        other = setup.sealed_recording(harbour, thea, now=now - 100 * DAY)
        Recording.objects.update(uploaded_at=now - 100 * DAY)
        assert destruction.finish_pending(now=now) == 1
        assert state(other) == Recording.State.DESTROYED


class TestRequest:
    def ask(self, recording, person, now, days=60):
        return legalhold.ask(recording=recording, reason="Complaint", ends_on=timezone.localdate(now) + days * DAY, by=person, now=now)

    @pytest.mark.parametrize(("days", "blocks"), [(0, True), (3, True), (4, False)])
    def test_it_blocks_for_three_days(self, recording, sam, now, days, blocks):
        Recording.objects.update(uploaded_at=now - 100 * DAY)
        self.ask(recording, sam, now)
        destruction.finish_pending(now=now + days * DAY)
        assert setup.is_readable(recording) is blocks

    def test_then_it_lapses_and_nobody_can_agree(self, recording, sam, iggy, now):
        asked = self.ask(recording, sam, now)
        with pytest.raises(legalhold.HoldRefused, match="lapsed"):
            legalhold.agree(hold=asked, by=iggy, now=now + 4 * DAY)

    def test_a_second_request_blocks_nothing_until_it_is_agreed_to(self, recording, sam, iggy, now):
        self.ask(recording, sam, now)
        again = self.ask(recording, sam, now + 4 * DAY)
        on = timezone.localdate(now) + 4 * DAY
        assert keeping.is_held(recording, on) is None
        legalhold.agree(hold=again, by=iggy, now=now + 4 * DAY)
        assert keeping.is_held(recording, on) == again

    def test_turned_down_it_blocks_no_longer(self, recording, sam, iggy, now):
        asked = self.ask(recording, sam, now)
        legalhold.release(hold=asked, by=iggy, now=now)
        assert keeping.is_held(recording, timezone.localdate(now)) is None

    def test_a_longer_hold_follows_without_a_gap(self, recording, hold, sam, iggy, now):
        again = self.ask(recording, iggy, now, days=90)
        assert keeping.is_held(recording, timezone.localdate(now)) == hold
        legalhold.agree(hold=again, by=sam, now=now)
        assert keeping.is_held(recording, timezone.localdate(now) + 31 * DAY) == again


class TestErasureLedger:
    def test_an_erasure_that_has_begun_is_finished_under_a_hold(self, recording, hold, now):
        vault.destroy_key(recording.pk, reason=Reason.WITHDRAWAL, at=now)
        assert destruction.finish_pending(now=now) == 1
        assert state(recording) == Recording.State.DESTROYED

    def test_it_wins_over_the_hold_of_a_restored_database_and_a_restored_key(self, recording, harbour, thea, sam, iggy, now):
        wrapped = keystore.get(recording.pk)
        destruction.destroy(recording=recording, reason=Reason.MISTAKE, by=None, now=now)
        DestructionCertificate.objects.all().delete()
        Recording.objects.update(state=Recording.State.READY, destroyed_at=None)
        LegalHold.objects.create(
            recording=recording, reason="Old", ends_on=timezone.localdate(now) + 90 * DAY,
            asked_at=now - 5 * DAY, asked_by=sam, agreed_at=now - 5 * DAY, agreed_by=iggy,
        )  # fmt: skip
        with keystore._writing() as connection:
            connection.execute(
                "INSERT INTO keys (id, purpose, wrapped, created_at) VALUES (?, 'recording', ?, ?)",
                (recording.pk.hex, wrapped, now.isoformat()),
            )
        destruction.finish_pending(now=now)
        assert state(recording) == Recording.State.DESTROYED
        assert not vault.has_key(recording.pk)


def test_a_hold_opens_nothing_once_the_time_is_up(recording, hold, thea, sam, now):
    assert permissions.can_listen(thea, recording)
    Recording.objects.update(uploaded_at=now - dt.timedelta(days=90))
    recording = Recording.objects.get()
    assert not any(permissions.can_listen(person, recording) for person in (thea, sam))
