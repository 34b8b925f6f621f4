"""Retention: the programme's days, extensions with a reason, and warnings beforehand."""

import datetime as dt

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils import timezone

from recordings import destruction, keeping, withdrawal
from recordings.models import DestructionCertificate, Recording, RetentionWarning
from tests.recordings import keeping_setup as setup
from tests.recordings.keeping_setup import DAY

pytestmark = pytest.mark.django_db(transaction=True)
Reason = DestructionCertificate.Reason


@pytest.fixture(autouse=True)
def clean_cache():
    cache.clear()


@pytest.fixture
def now():
    return setup.midday()


@pytest.fixture
def today(now):
    return timezone.localdate(now)


@pytest.fixture
def recording(harbour, thea, now):
    return setup.sealed_recording(harbour, thea, now=now)


def uploaded(recording, moment):
    Recording.objects.filter(pk=recording.pk).update(uploaded_at=moment)
    return Recording.objects.get(pk=recording.pk)


class TestItsDay:
    def test_it_ends_so_long_after_the_upload(self, recording, today):
        assert keeping.due_on(recording) == today + 90 * DAY

    def test_a_released_review_shortens_it(self, recording, now, today):
        setup.released(recording, now)
        assert keeping.due_on(recording) == today + 28 * DAY

    def test_of_two_the_first_release_counts(self, recording, now, today):
        setup.released(recording, now + 9 * DAY)
        setup.released(recording, now)
        assert keeping.due_on(recording) == today + 28 * DAY

    def test_a_late_review_does_not_lengthen_it(self, recording, now, today):
        recording = uploaded(recording, now - 80 * DAY)
        setup.released(recording, now)
        assert keeping.due_on(recording) == today + 10 * DAY

    @pytest.mark.parametrize(("days", "is_destroyed"), [(89, False), (90, True), (200, True)])
    def test_on_its_day_it_is_destroyed(self, recording, now, days, is_destroyed):
        recording = uploaded(recording, now - days * DAY)
        assert destruction.finish_pending(now=now) == int(is_destroyed)
        recording.refresh_from_db()
        assert (recording.state == Recording.State.DESTROYED) is is_destroyed
        if is_destroyed:
            assert (recording.certificate.reason, recording.certificate.destroyed_by) == (Reason.RETENTION, None)

    @pytest.mark.parametrize(("days", "is_destroyed"), [(27, False), (28, True)])
    def test_so_it_is_after_the_feedback(self, recording, now, days, is_destroyed):
        setup.released(uploaded(recording, now - 40 * DAY), now - days * DAY)
        assert destruction.finish_pending(now=now) == int(is_destroyed)

    def test_each_programme_has_its_own(self, recording, meadow, olly, now):
        meadow.programme.retention_days_after_upload = 10
        meadow.programme.save()
        quick = setup.sealed_recording(meadow, olly, now=now)
        for each in (recording, quick):
            uploaded(each, now - 12 * DAY)
        assert destruction.finish_pending(now=now) == 1
        quick.refresh_from_db()
        assert quick.state == Recording.State.DESTROYED

    @pytest.mark.parametrize(
        ("release", "upload", "words"),
        [(0, 90, "at least 1 day"), (28, 366, "365 days at the most"), (60, 30, "cannot be less than the days after the feedback")],
    )
    def test_a_programme_cannot_have_days_that_make_no_sense(self, harbour, release, upload, words):
        programme = harbour.programme
        programme.retention_days_after_release, programme.retention_days_after_upload = release, upload
        with pytest.raises(ValidationError, match=words):
            programme.full_clean()


class TestExtension:
    def extend(self, recording, sam, now, days, reason="Second review"):
        return keeping.extend(recording=recording, until=timezone.localdate(now) + days * DAY, reason=reason, by=sam, now=now)

    def test_it_moves_the_day(self, recording, sam, now, today):
        self.extend(recording, sam, now, 120)
        assert keeping.due_on(recording) == today + 120 * DAY
        assert destruction.finish_pending(now=now + 119 * DAY) == 0
        assert destruction.finish_pending(now=now + 120 * DAY) == 1

    def test_the_latest_counts(self, recording, sam, now, today):
        self.extend(recording, sam, now, 200)
        self.extend(recording, sam, now + dt.timedelta(minutes=1), 100)
        assert keeping.due_on(recording) == today + 100 * DAY

    @pytest.mark.parametrize(
        ("days", "reason", "words"),
        [
            (90, "Why", "Enter a later day"),
            (-3, "Why", "Enter a later day"),
            (366, "Why", "a year after its upload"),
            (120, " ", "Say why"),
        ],
    )
    def test_what_it_refuses(self, recording, sam, now, days, reason, words):
        with pytest.raises(keeping.KeepingRefused, match=words):
            self.extend(recording, sam, now, days, reason)

    def test_the_last_permitted_day(self, recording, sam, now, today):
        assert self.extend(recording, sam, now, 365).until == today + 365 * DAY

    def test_a_withdrawn_recording_is_not_extended(self, recording, sam, iggy, thea, now):
        setup.held(recording, sam, iggy, now=now)
        withdrawal.withdraw(consent=recording.consent, channel="telephone", by=thea, now=now)
        with pytest.raises(keeping.KeepingRefused, match="cannot be kept any longer"):
            self.extend(recording, sam, now, 120)

    def test_nor_is_one_whose_time_is_up(self, recording, sam, now):
        recording = uploaded(recording, now - 90 * DAY)
        with pytest.raises(keeping.KeepingRefused, match="cannot be kept any longer"):
            self.extend(recording, sam, now, 20)


class TestWarning:
    @pytest.fixture
    def due(self, recording, now):
        return uploaded(recording, now - 85 * DAY)  # in five days

    def test_therapist_and_supervisors_are_told_once(self, due, thea, sam, cora, tom, now):
        assert keeping.warn(now=now) == 2
        assert sorted(to for message in mail.outbox for to in message.to) == sorted([thea.email, sam.email])
        assert keeping.warn(now=now + DAY) == 0
        assert RetentionWarning.objects.count() == 2

    def test_the_mail_counts_and_links_and_names_no_family(self, due, thea, harbour, now):
        also = setup.sealed_recording(harbour, thea, now=now)
        uploaded(also, now - 86 * DAY)
        keeping.warn(now=now)
        (message,) = mail.outbox
        whole = message.subject + message.body
        assert "2 recordings that you can hear on Plumbline will be destroyed within the next 7 days" in message.body
        assert "/recordings/?state=due" in message.body
        for one in (due, also):
            assert one.family.reference not in whole
            assert one.family.initials not in whole
            assert str(one.pk) not in whole

    @pytest.mark.parametrize(("days", "count"), [(82, 0), (83, 1), (89, 1), (90, 0)])
    def test_from_seven_days_before(self, recording, thea, now, days, count):
        uploaded(recording, now - days * DAY)
        assert keeping.warn(now=now) == count

    def test_not_for_what_a_hold_keeps_nor_for_what_is_withdrawn(self, due, harbour, thea, sam, iggy, now):
        setup.held(due, sam, iggy, now=now)
        assert keeping.warn(now=now) == 0

    def test_after_an_extension_there_is_a_new_warning(self, due, thea, sam, now, today):
        keeping.warn(now=now)
        keeping.extend(recording=due, until=today + 40 * DAY, reason="Why", by=sam, now=now)
        assert keeping.warn(now=now + 10 * DAY) == 0
        assert keeping.warn(now=now + 35 * DAY) == 2

    def test_a_mail_that_fails_stops_nothing_and_is_tried_again(self, due, thea, sam, now, monkeypatch, caplog):
        def refuse(subject, text, sender, to):
            if to == [thea.email]:
                raise OSError("mailbox of Thea is full")
            return mail.send_mail(subject, text, sender, to)

        with monkeypatch.context() as patch:
            patch.setattr("recordings.keeping.send_mail", refuse)
            assert keeping.warn(now=now) == 1
        assert "mailbox" not in caplog.text
        assert keeping.warn(now=now) == 0  # it rests
        cache.clear()
        assert keeping.warn(now=now) == 1
        assert [message.to for message in mail.outbox] == [[sam.email], [thea.email]]

    def test_somebody_who_has_left_is_not_told(self, harbour, lena, now):
        uploaded(setup.sealed_recording(harbour, lena, now=now), now - 85 * DAY)
        assert keeping.warn(now=now) == 0


def test_for_the_dashboard_own_ones_and_those_of_the_teams_one_supervises(
    recording, harbour, meadow, thea, tom, sam, olly, cora, now, today
):
    own = uploaded(recording, now - 85 * DAY)
    toms = uploaded(setup.sealed_recording(harbour, tom, now=now), now - 88 * DAY)
    uploaded(setup.sealed_recording(meadow, olly, now=now), now - 88 * DAY)
    assert [due.recording for due in keeping.due_soon(thea, today)] == [own]
    assert [due.recording for due in keeping.due_soon(sam, today)] == [toms, own]
    assert keeping.due_soon(cora, today) == []
    (due,) = keeping.due_soon(thea, today)
    assert (due.on, due.days) == (today + 5 * DAY, 5)
    assert due.words.endswith("in 5 days")


def test_the_page_of_the_list_and_the_filter(recording, as_user, sam, harbour, tom, now):
    uploaded(recording, now - 85 * DAY)
    other = setup.sealed_recording(harbour, tom, now=now)
    page = as_user(sam).get("/recordings/?state=due").content.decode()
    assert "in 5 days" in page
    assert f"/recordings/{recording.pk}/extend/" in page
    assert str(other.pk) not in page
