"""A family gives several consents, and lives with one wish: whoever takes one back is told of the others, and what is done is said."""

import datetime as dt
import sqlite3

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from recordings import destruction, erasurelog, keystore, vault, withdrawal, withdrawallink
from recordings.management.commands import tick
from recordings.models import Consent, EarlierConsent, LegalHold, Recording, Upload, Withdrawal
from tests import factories
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db(transaction=True)
State = Recording.State


@pytest.fixture
def family(harbour, thea):
    return factories.make_family(harbour, thea)


@pytest.fixture
def older(family):
    return _for_one_session(family, 9)


@pytest.fixture
def newer(family):
    return _for_one_session(family, 2)


@pytest.fixture
def recordings(older, newer):
    return [bare_recording(consent=one, session_on=one.session_on) for one in (older, newer)]


@pytest.fixture
def telephone():
    cache.clear()
    return Client(enforce_csrf_checks=True)


def _for_one_session(family, days):
    day = factories.days_ago(days)
    return factories.make_consent(family, given_on=day, renewal="per_session", session_on=day)


def _day(consent):
    return f"{consent.given_on:%-d %B %Y}"


def link_of(consent, thea):
    return f"/recordings/withdraw/{withdrawallink.make(consent=consent, by=thea, now=timezone.now())}/"


def states():
    return dict(Recording.objects.values_list("session_on", "state"))


class TestByTheLink:
    def test_the_page_tells_of_the_other_sessions_by_their_days_and_by_no_name(self, telephone, older, newer, recordings, thea):
        words = telephone.get(link_of(newer, thea)).content.decode()
        assert _day(older) in words
        assert "All that was agreed to, also on other days" in words
        assert "Both recordings" in words
        for secret in (newer.family.reference, newer.family.initials, thea.last_name, "M.B."):
            assert secret not in words

    def test_everything_goes_unless_less_was_chosen(self, telephone, older, newer, recordings, thea):
        words = telephone.post(link_of(newer, thea)).content.decode()
        assert set(states().values()) == {State.DESTROYED}
        assert "2 recordings were destroyed" in words
        assert "Not taken back" not in words
        for one in recordings:
            assert not vault.has_key(one.pk)
        assert set(Withdrawal.objects.values_list("consent", "channel")) == {(older.pk, "link"), (newer.pk, "link")}

    def test_only_that_session_where_it_was_chosen_and_the_page_says_what_remains(self, telephone, older, newer, recordings, thea):
        words = telephone.post(link_of(newer, thea), {"scope": "one"}).content.decode()
        assert states() == {older.session_on: State.QUEUED, newer.session_on: State.DESTROYED}
        assert "One recording was destroyed" in words
        assert "Not taken back" in words
        assert f"the recording of the session of {_day(older)} is kept" in words

    def test_the_page_that_was_left_open_says_the_same_when_it_is_sent_again(self, telephone, older, newer, recordings, thea):
        address = link_of(newer, thea)
        telephone.post(address, {"scope": "one"})
        again = telephone.post(address)
        assert again.status_code == 410
        assert f"the recording of the session of {_day(older)} is kept" in again.content.decode()
        assert states()[older.session_on] == State.QUEUED

    def test_another_family_keeps_everything(self, telephone, harbour, thea, newer, recordings):
        strangers = factories.make_consent(factories.make_family(harbour, thea))
        theirs = bare_recording(consent=strangers)
        telephone.post(link_of(newer, thea))
        assert vault.has_key(theirs.pk)


class TestByStaff:
    def told(self, consent, **changes):
        return {"person": str(consent.people.get().pk), "channel": "telephone", **changes}

    def test_the_page_lists_the_others_and_takes_all_back(self, as_user, thea, older, newer, recordings):
        address = f"/recordings/consents/{newer.pk}/withdraw/"
        assert _day(older) in as_user(thea).get(address).content.decode()
        assert as_user(thea).post(address, self.told(newer)).status_code == 302
        assert set(states().values()) == {State.DESTROYED}

    def test_only_this_session(self, as_user, thea, older, newer, recordings):
        address = f"/recordings/consents/{newer.pk}/withdraw/"
        shown = as_user(thea).post(address, self.told(newer, scope="one"), follow=True).content.decode()
        assert states() == {older.session_on: State.QUEUED, newer.session_on: State.DESTROYED}
        assert "Not taken back" in shown

    def test_the_list_of_consents_leads_there(self, as_user, thea, newer, older):
        words = as_user(thea).get(f"/recordings/families/{newer.family_id}/consents/").content.decode()
        assert f"/recordings/consents/{newer.pk}/withdraw/" in words

    def test_twice_is_once(self, as_user, thea, newer, recordings):
        for _ in range(2):
            as_user(thea).post(f"/recordings/consents/{newer.pk}/withdraw/", self.told(newer))
        assert Withdrawal.objects.filter(consent=newer).count() == 1


def test_a_hold_on_one_session_keeps_none_of_the_others(older, newer, recordings, thea, sam, iggy):
    now = timezone.now()
    until = factories.today() + dt.timedelta(days=30)
    held = {"reason": "Court", "ends_on": until, "asked_at": now, "asked_by": sam, "agreed_at": now, "agreed_by": iggy}
    LegalHold.objects.create(recording=recordings[0], **held)
    withdrawal.withdraw(consent=newer, channel="telephone", by=thea, now=now, is_everything=True)
    assert states() == {older.session_on: State.QUEUED, newer.session_on: State.DESTROYED}
    assert withdrawal.outcome(Consent.objects.get(pk=newer.pk), on=factories.today()).held_until == [until]


def test_a_consent_that_ended_goes_too_where_something_is_kept_under_it(family, newer, thea):
    ended = factories.make_consent(family, given_on=factories.days_ago(60), renewal="until_date", valid_until=factories.days_ago(30))
    nothing_left = factories.make_consent(family, given_on=factories.days_ago(90), renewal="until_date", valid_until=factories.days_ago(70))
    kept = bare_recording(consent=ended, session_on=factories.days_ago(50))
    withdrawal.withdraw(consent=newer, channel="telephone", by=thea, now=timezone.now(), is_everything=True)
    kept.refresh_from_db()
    assert kept.state == State.DESTROYED
    assert not Withdrawal.objects.filter(consent=nothing_left).exists()


def test_what_was_on_its_way_under_a_consent_that_has_ended_since_goes_too(family, newer, thea):
    now = timezone.now()
    ended = factories.make_consent(family, given_on=factories.days_ago(60), renewal="until_date", valid_until=factories.days_ago(1))
    times = {"began_at": now, "changed_at": now, "expires_at": now + dt.timedelta(days=1)}
    upload = Upload.objects.create(user=thea, consent=ended, session_on=factories.days_ago(1), length=1000, **times)
    vault.create_key(upload.pk, purpose="upload")
    withdrawal.withdraw(consent=newer, channel="telephone", by=thea, now=now, is_everything=True)
    assert Upload.objects.get().state == Upload.State.ENDED
    assert not vault.has_key(upload.pk)
    assert Withdrawal.objects.filter(consent=ended).exists()


def test_a_recording_that_a_newer_consent_was_extended_to_goes_with_the_older_one(older, newer, recordings, thea):
    EarlierConsent.objects.create(recording=recordings[0], consent=older, replaced_at=timezone.now(), replaced_by=thea)
    Recording.objects.filter(pk=recordings[0].pk).update(consent=newer)
    withdrawal.withdraw(consent=older, channel="telephone", by=thea, now=timezone.now())
    assert states() == {older.session_on: State.DESTROYED, newer.session_on: State.QUEUED}


def test_killed_before_the_end_of_closing_nothing_has_changed(newer, older, recordings, thea, monkeypatch):
    """All consents close together: there is no state in which the family's wish is half written down and the link is spent."""

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    address = withdrawallink.make(consent=newer, by=thea, now=timezone.now())
    with monkeypatch.context() as patch:
        patch.setattr("recordings.withdrawal.log", killed)
        with pytest.raises(KeyboardInterrupt):
            withdrawallink.use(token=address, now=timezone.now())
    assert not Consent.objects.filter(withdrawn_at__isnull=False).exists()
    assert withdrawallink.find(address)


def test_killed_after_closing_the_clock_finishes_it(newer, older, recordings, thea, monkeypatch):
    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("recordings.withdrawal._note", killed)
        with pytest.raises(KeyboardInterrupt):
            withdrawal.withdraw(consent=newer, channel="telephone", by=thea, now=timezone.now(), is_everything=True)
    assert Consent.objects.filter(withdrawn_at__isnull=True).count() == 0
    tick.Command().once()
    assert set(states().values()) == {State.DESTROYED}
    known = erasurelog.read(erasurelog.place()).withdrawn
    assert {erasurelog.key(one.pk, one.recorded_at) for one in (older, newer)} <= known.keys()


class TestWhatBreaksOff:
    """The key store is locked: the consent is closed, the page says so, and the clock does the rest."""

    @pytest.fixture
    def locked(self, monkeypatch):
        def locked(*args, **kwargs):
            raise sqlite3.OperationalError("database is locked")

        with monkeypatch.context() as patch:
            patch.setattr(keystore, "erase", locked)
            yield patch

    def test_the_family_sees_that_it_is_done_and_goes_on(self, telephone, older, newer, recordings, thea, locked):
        response = telephone.post(link_of(newer, thea))
        words = response.content.decode()
        assert response.status_code == 200
        assert "Your consent is taken back" in words
        assert "The rest is being destroyed now" in words
        assert set(states().values()) == {State.QUEUED}
        locked.undo()
        assert tick.Command().once() == []
        assert set(states().values()) == {State.DESTROYED}

    def test_so_do_staff(self, as_user, thea, newer, recordings, locked):
        told = {"person": str(newer.people.get().pk), "channel": "telephone"}
        response = as_user(thea).post(f"/recordings/consents/{newer.pk}/withdraw/", told, follow=True)
        assert response.status_code == 200
        assert "The rest is being destroyed now" in response.content.decode()
        locked.undo()
        destruction.finish_pending(now=timezone.now())
        assert set(states().values()) == {State.DESTROYED}

    def test_an_upload_that_could_not_be_ended_is_ended_by_the_clock(self, telephone, newer, thea, monkeypatch):
        now = timezone.now()
        times = {"began_at": now, "changed_at": now, "expires_at": now + dt.timedelta(days=2)}
        upload = Upload.objects.create(user=thea, consent=newer, session_on=factories.today(), length=1000, **times)
        vault.create_key(upload.pk, purpose="upload")

        def away(*args, **kwargs):
            raise OSError

        with monkeypatch.context() as patch:
            patch.setattr("recordings.tus.end_all", away)
            assert telephone.post(link_of(newer, thea)).status_code == 200
        assert Upload.objects.get().state == Upload.State.OPEN
        assert withdrawal.finish(now=now) == 1
        assert Upload.objects.get().state == Upload.State.ENDED
        assert not vault.has_key(upload.pk)
