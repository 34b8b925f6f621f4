"""A family that renews its consent: what closes is announced, and the newer consent is used for earlier recordings by an act of its own."""

import datetime as dt

import pytest
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import narrowing, permissions, renewing, vault, withdrawal
from recordings.models import Consent, ConsentPerson, EarlierConsent, LegalHold, Purpose, Recording, SealedObject
from tests import factories
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db
Renewal = Consent.Renewal


@pytest.fixture
def family(harbour, thea):
    return factories.make_family(harbour, thea)


@pytest.fixture
def own(family):
    return factories.make_consent(family, renewal=Renewal.UNTIL_DATE, valid_until=factories.days_ago(1), given_on=factories.days_ago(30))


@pytest.fixture
def recording(own):
    return bare_recording(consent=own, state=Recording.State.READY, session_on=factories.days_ago(20))


@pytest.fixture
def newer(family, own):
    return factories.make_consent(family, given_on=factories.days_ago(0))


def use(recording, newer, by):
    return renewing.use(recording=recording, newer=newer, by=by, now=timezone.now())


def test_a_renewal_opens_what_the_end_had_closed(recording, own, newer, thea, sam):
    assert not permissions.can_listen(thea, recording)
    use(recording, newer, thea)
    recording = Recording.objects.get(pk=recording.pk)
    assert recording.consent == newer
    assert permissions.can_listen(thea, recording)
    assert permissions.can_listen(sam, recording)
    assert [row.consent for row in EarlierConsent.objects.all()] == [own]


@pytest.mark.parametrize("which", ["own", "newer"])
def test_taking_either_back_destroys_it(recording, own, newer, thea, which):
    use(recording, newer, thea)
    withdrawal.withdraw(
        consent=Consent.objects.get(pk=(own if which == "own" else newer).pk), channel="telephone", by=thea, now=timezone.now()
    )
    assert Recording.objects.get(pk=recording.pk).state == Recording.State.DESTROYED


def test_a_use_taken_back_from_the_earlier_one_ends_for_it_too(recording, own, newer, thea, sam):
    use(recording, newer, thea)
    narrowing.narrow(consent=own, purposes=[Purpose.REVIEW], channel="telephone", by=thea, now=timezone.now())
    recording = Recording.objects.get(pk=recording.pk)
    assert permissions.can_listen(thea, recording)
    assert not permissions.can_listen(sam, recording)


class TestRefused:
    def refused(self, recording, newer, thea, words):
        with pytest.raises(renewing.RenewalRefused, match=words):
            use(recording, newer, thea)
        assert Recording.objects.get(pk=recording.pk).consent_id == recording.consent_id
        assert not EarlierConsent.objects.exists()

    def test_another_familys(self, recording, harbour, thea):
        self.refused(recording, factories.make_consent(factories.make_family(harbour, thea)), thea, "same family")

    def test_an_older_one(self, recording, family, thea):
        self.refused(recording, factories.make_consent(family, given_on=factories.days_ago(60)), thea, "newer consent")

    def test_while_its_own_still_holds(self, recording, own, newer, thea):
        Consent.objects.filter(pk=own.pk).update(valid_until=factories.today() + dt.timedelta(days=15))
        self.refused(recording, newer, thea, "still holds")

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"filed_at": ""}, "Nothing shows"),
            ({"valid_until": factories.today, "given_on": lambda: factories.days_ago(3), "withdrawn_at": timezone.now}, "withdrawn"),
            ({"renewal": "per_session", "session_on": factories.today}, "another session only"),
        ],
    )
    def test_one_that_does_not_hold(self, recording, newer, thea, changes, words):
        Consent.objects.filter(pk=newer.pk).update(**factories.called(changes))
        self.refused(recording, newer, thea, words)

    def test_one_that_leaves_somebody_out(self, recording, own, newer, thea):
        ConsentPerson.objects.create(consent=own, role="young_person", initials="J.B.", purposes=["record"])
        self.refused(recording, newer, thea, "everybody who is heard")

    def test_one_in_which_somebody_says_no(self, recording, newer, thea):
        ConsentPerson.objects.create(consent=newer, role="young_person", initials="J.B.", purposes=[])
        self.refused(recording, newer, thea, "not agreed to being recorded")

    def test_when_the_earlier_one_was_withdrawn(self, recording, own, newer, thea):
        Consent.objects.filter(pk=own.pk).update(withdrawn_at=timezone.now())
        self.refused(recording, newer, thea, "was withdrawn")

    def test_when_a_use_was_taken_back_since(self, recording, own, newer, thea):
        narrowing.narrow(consent=own, purposes=[Purpose.REVIEW], channel="telephone", by=thea, now=timezone.now() + dt.timedelta(seconds=1))
        self.refused(recording, newer, thea, "taken a use back")

    def test_when_the_one_before_the_earlier_one_was_withdrawn(self, recording, own, family, newer, thea):
        first = factories.make_consent(family, given_on=factories.days_ago(50), withdrawn_at=timezone.now())
        recording.earlier_consents.create(consent=first, replaced_at=timezone.now(), replaced_by=thea)
        assert "was withdrawn" in renewing.why_not(recording, newer, on=factories.today())

    def test_while_what_was_taken_back_is_kept_by_a_hold_and_then_it_goes(self, recording, own, newer, thea, sam):
        """Under the newer consent nobody would look for it any more: it would be kept, and the withdrawal said to be done."""
        now = timezone.now()
        vault.create_key(recording.pk)
        vault.seal(recording, SealedObject.Kind.CLIP, [b"a moment"], number=1, now=now)
        asked = {"reason": "Court", "ends_on": factories.today(), "asked_by": thea, "asked_at": now}
        hold = LegalHold.objects.create(recording=recording, agreed_by=sam, agreed_at=now, **asked)
        ConsentPerson.objects.update(purposes=list(Purpose))
        narrowing.narrow(consent=own, purposes=[Purpose.TEACH], channel="telephone", by=thea, now=now)
        Consent.objects.filter(pk=newer.pk).update(recorded_at=timezone.now())
        self.refused(recording, newer, thea, "not destroyed yet")
        LegalHold.objects.filter(pk=hold.pk).update(released_at=now, released_by=thea)
        narrowing.finish(now=now)
        assert not SealedObject.objects.filter(recording=recording).exists()
        assert use(recording, Consent.objects.get(pk=newer.pk), thea).consent_id == newer.pk


class TestNotRefused:
    """What the family took back elsewhere, or before it agreed anew, stands in no way."""

    def taken_back(self, consent, thea):
        narrowing.narrow(consent=consent, purposes=[Purpose.REVIEW], channel="telephone", by=thea, now=timezone.now())

    def test_for_a_use_that_was_taken_back_before_the_family_agreed_to_it_anew(self, recording, own, family, thea):
        self.taken_back(own, thea)
        newer = factories.make_consent(family, given_on=factories.today())
        assert use(recording, newer, thea).consent == newer

    def test_for_a_use_that_another_family_took_back(self, recording, harbour, newer, thea):
        self.taken_back(factories.make_consent(factories.make_family(harbour, thea)), thea)
        assert use(recording, newer, thea).consent == newer

    def test_for_a_use_that_the_newer_one_does_not_agree_to(self, recording, own, newer, thea):
        newer.people.update(purposes=["record"])
        self.taken_back(own, thea)
        assert use(recording, newer, thea).consent == newer


def test_it_is_on_record_and_what_had_no_transcript_gets_one(recording, own, newer, thea, monkeypatch):
    begun = []
    monkeypatch.setattr(renewing.consentproof, "begin_transcripts", lambda consent, *, by, now: begun.append((consent, by)))
    use(recording, newer, thea)
    (entry,) = ModelLogEntry.objects.filter(action="recordings.consent_renew")
    assert (entry.user, entry.data) == (thea, {"consent": newer.pk, "earlier": own.pk})
    assert begun == [(newer, thea)]


class TestThePanel:
    def panel(self, recording):
        return renewing.panel(recording, on=factories.today())

    def test_of_two_that_can_be_used_it_offers_the_later_given_and_of_one_day_the_later_recorded(self, recording, family, newer):
        factories.make_consent(family, given_on=factories.days_ago(5))
        assert self.panel(recording).newer == newer
        latest = factories.make_consent(family, given_on=factories.today())
        assert self.panel(recording).newer == latest

    def test_one_given_on_the_same_day_and_recorded_later_can_be_used(self, recording, own, family):
        again = factories.make_consent(family, given_on=own.given_on)
        assert self.panel(recording).newer == again

    def test_where_the_latest_cannot_be_used_an_earlier_one_is_offered_without_a_reproach(self, recording, family, newer):
        factories.make_consent(family, given_on=factories.today(), filed_at="")
        assert (self.panel(recording).newer, self.panel(recording).why_not) == (newer, "")

    def test_one_that_was_withdrawn_is_not_spoken_of_nor_another_familys_nor_an_older_one(self, recording, harbour, family, thea, newer):
        Consent.objects.filter(pk=newer.pk).update(withdrawn_at=timezone.now())
        factories.make_consent(factories.make_family(harbour, thea), given_on=factories.today())
        factories.make_consent(family, given_on=factories.days_ago(60))
        assert self.panel(recording)[2:] == (None, "", [])

    def test_without_an_end_there_is_none(self, recording, own):
        Consent.objects.filter(pk=own.pk).update(valid_until=None)
        assert self.panel(Recording.objects.get(pk=recording.pk)) is None


class TestWhatCloses:
    @pytest.fixture
    def ends(self, recording, own):
        Consent.objects.filter(pk=own.pk).update(valid_until=factories.today() + dt.timedelta(days=14))
        return own

    def closing(self, person):
        return renewing.closing(person, factories.today())

    def test_a_day_later_than_a_fortnight_it_is_not_said_nor_once_it_is_over_or_taken_back_or_nothing_is_kept(self, ends, recording, thea):
        for values in ({"valid_until": factories.today() + dt.timedelta(days=15)}, {"valid_until": factories.days_ago(1)}):
            Consent.objects.filter(pk=ends.pk).update(**values)
            assert self.closing(thea) == {}
        Consent.objects.filter(pk=ends.pk).update(valid_until=factories.today())
        assert self.closing(thea) == {ends: [recording]}
        Recording.objects.update(state="destroyed", destroyed_at=timezone.now())
        assert self.closing(thea) == {}

    def test_who_has_left_is_not_told_nor_the_therapist_of_another_session(self, ends, recording, harbour, thea, tom):
        other = factories.make_member("other", harbour, "therapist")
        assert self.closing(other) == {}
        thea.memberships.update(ends_on=factories.days_ago(1))
        assert self.closing(thea) == {}

    def test_a_therapist_who_is_now_in_another_team_is_not_told(self, ends, recording, harbour, thea):
        thea.memberships.update(team=factories.make_team(programme=harbour.programme))
        assert self.closing(thea) == {}


class TestPages:
    def test_it_is_offered_and_done_on_the_recordings_page(self, recording, own, newer, thea, as_user):
        client = as_user(thea)
        address = f"/recordings/{recording.pk}/consent/{newer.pk}/"
        page = client.get(f"/recordings/{recording.pk}/").content.decode()
        assert "so nobody can hear it" in page
        assert "It does not cover" not in page
        assert address in page
        assert client.post(address).url == f"/recordings/{recording.pk}/"
        page = client.get(f"/recordings/{recording.pk}/").content.decode()
        assert address not in page
        assert "The family renewed" in page
        assert f"/recordings/{recording.pk}/" in client.get(f"/recordings/consents/{own.pk}/").content.decode()
        client.post(address)
        assert EarlierConsent.objects.count() == 1

    def test_what_the_newer_one_does_not_cover_is_said_before(self, recording, newer, thea, as_user):
        newer.people.update(purposes=["record"])
        page = as_user(thea).get(f"/recordings/{recording.pk}/").content.decode()
        assert "It does not cover review or transcript: nobody uses the recording for that any more." in page

    def test_who_may_not_is_refused(self, recording, newer, cora, tom, iggy, as_user):
        address = f"/recordings/{recording.pk}/consent/{newer.pk}/"
        assert [as_user(one).post(address).status_code for one in (cora, tom, iggy)] == [403, 404, 403]
        assert "Use the consent" not in as_user(cora).get(f"/recordings/{recording.pk}/").content.decode()

    def test_what_an_end_will_close_is_said_before(self, recording, own, thea, sam, tom, as_user):
        soon = factories.today() + dt.timedelta(days=14)
        Consent.objects.filter(pk=own.pk).update(valid_until=soon)
        for person in (thea, sam):
            assert renewing.closing(person, factories.today()) == {own: [recording]}
            assert "After that day nobody can hear the recording made under it" in as_user(person).get("/").content.decode()
        assert renewing.closing(tom, factories.today()) == {}
        page = as_user(thea).get(f"/recordings/{recording.pk}/").content.decode()
        assert "After that day nobody can hear it" in page
        assert "Ask the family again" in page

    def test_it_is_said_also_where_the_family_has_renewed(self, recording, own, newer, thea, as_user):
        Consent.objects.filter(pk=own.pk).update(valid_until=factories.today() + dt.timedelta(days=3))
        assert "Use the new one for what was recorded before" in as_user(thea).get("/").content.decode()
        use(recording, newer, thea)
        assert "Use the new one" not in as_user(thea).get("/").content.decode()
