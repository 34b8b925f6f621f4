"""Consent: per person and purpose, in a version of the words, from a day to a day."""

import datetime as dt

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from recordings import consent as consents
from recordings import consentwording
from recordings.models import Consent, ConsentPerson, Purpose, Withdrawal
from tests import factories
from tests.recordings.consent_setup import carried

pytestmark = pytest.mark.django_db
Role, Renewal = ConsentPerson.Role, Consent.Renewal
RECORD, REVIEW, TRANSCRIBE = Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE


@pytest.fixture
def family(harbour, thea):
    return factories.make_family(harbour, thea)


@pytest.fixture
def wording(harbour):
    return factories.make_wording(harbour.programme)


@pytest.fixture
def record(family, wording, thea):
    def record(**changes):
        values = {
            "family": family,
            "wording": wording,
            "method": Consent.Method.SIGNED_PAPER,
            "given_on": factories.today(),
            "people": [(Role.CAREGIVER, "M.B.", [RECORD, REVIEW])],
            "by": thea,
            "now": timezone.now(),
        }
        values |= changes
        return consents.record(**{**values, "people": [consents.Heard(*person) for person in values["people"]]})

    return record


def test_it_keeps_who_what_which_words_and_who_wrote_it_down(record, thea, wording):
    consent = record(
        people=[(Role.CAREGIVER, " m.b. ", [REVIEW, RECORD]), (Role.YOUNG_PERSON, "J.B.", [RECORD])], parental_responsibility="Mother"
    )
    assert consents.lines(consent) == [
        "Caregiver M.B.: yes to recording and review; no to transcript, rater training, teaching clips and research.",
        "Young person J.B.: yes to recording; no to review, transcript, rater training, teaching clips and research.",
    ]
    assert (consent.wording, consent.recorded_by) == (wording, thea)


def test_it_is_entered_in_the_audit_log_with_ids_only(record):
    from wagtail.models import ModelLogEntry

    consent = record()
    entry = ModelLogEntry.objects.get(action="recordings.consent")
    assert entry.object_id == str(consent.pk)
    assert "M.B." not in f"{entry.data}{entry.label}"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"people": []}, "at least one person"),
        ({"people": [(Role.CAREGIVER, "M.B.", [RECORD]), (Role.CAREGIVER, "m.b.", [])]}, "same role and initials"),
        ({"people": [(Role.CAREGIVER, "M.B.", [REVIEW])]}, "not to being recorded"),
        ({"people": [(Role.YOUNG_PERSON, "J.B.", [RECORD])]}, "parental responsibility"),
        ({"people": [(Role.YOUNG_PERSON, "J.B.", [RECORD])], "parental_responsibility": "  "}, "parental responsibility"),
        ({"given_on": lambda: factories.days_ago(-1)}, "lies ahead"),
        ({"renewal": Renewal.UNTIL_DATE, "valid_until": lambda: factories.days_ago(1)}, "last day lies before"),
        ({"renewal": Renewal.UNTIL_DATE}, "needs its last day"),
        ({"valid_until": factories.today}, "needs its last day"),
        ({"renewal": Renewal.PER_SESSION}, "needs the day of that session"),
        ({"session_on": factories.today}, "needs the day of that session"),
        ({"renewal": Renewal.PER_SESSION, "session_on": lambda: factories.days_ago(1)}, "Consent comes first"),
        ({"method": "typed"}, "needs a witness"),
        ({"method": "typed", "witness": "family support worker T.O."}, "Caregiver M.B. has said yes but not typed"),
        ({"method": "signed_screen"}, "Caregiver M.B. has said yes but not signed"),
        ({"spoken_at_ms": 12_000}, "Only a spoken consent"),
        ({"method": "spoken", "filed_at": "Cabinet 2"}, "Only a consent on paper"),
        ({"people": [(Role.CAREGIVER, "Kayleigh", [RECORD])]}, "never a name"),
        ({"given_on": lambda: factories.days_ago(400)}, "after the consent was given"),
    ],
)
def test_what_cannot_stand_is_refused_in_a_sentence(record, changes, words):
    with pytest.raises(consents.ConsentRefused, match=words):
        record(**factories.called(changes))
    assert not Consent.objects.exists()


def test_the_words_of_another_programme_are_refused(record, meadow):
    with pytest.raises(consents.ConsentRefused, match="another programme"):
        record(wording=factories.make_wording(meadow.programme))


def test_a_closed_family_gives_no_consent(record, family):
    family.closed_on = factories.days_ago(1)
    family.save()
    with pytest.raises(consents.ConsentRefused, match="closed"):
        record()


def test_the_current_wording_is_the_newest_in_force(harbour):
    today = factories.today()
    factories.make_wording(harbour.programme, version=1)
    second = factories.make_wording(harbour.programme, version=2, effective_from=today)
    factories.make_wording(harbour.programme, version=3, effective_from=today + dt.timedelta(days=1))
    assert consentwording.current(harbour.programme, on=today) == second
    assert consentwording.current(harbour.programme, on=today - dt.timedelta(days=4000)) is None


def test_everybody_heard_must_have_agreed(record):
    consent = record(people=[(Role.CAREGIVER, "M.B.", [RECORD, REVIEW]), (Role.CAREGIVER, "D.B.", [RECORD])])
    today = factories.today()
    assert consents.covers(consent, RECORD, on=today)
    assert not consents.covers(consent, REVIEW, on=today)
    assert consents.why_not(consent, REVIEW, on=today) == "Caregiver D.B. has not agreed to the supervisor and the consultant listening."
    assert "Caregiver M.B. and Caregiver D.B. have" in consents.why_not(consent, TRANSCRIBE, on=today)


def test_a_young_persons_no_stands_whoever_else_agreed(record):
    consent = record(
        people=[(Role.CAREGIVER, "M.B.", [RECORD]), (Role.CAREGIVER, "D.B.", [RECORD]), (Role.YOUNG_PERSON, "J.B.", [])],
        parental_responsibility="Mother",
    )
    assert not consents.covers(consent, RECORD, on=factories.today())
    assert (
        consents.why_not(consent, RECORD, on=factories.today())
        == "Young person J.B. has not agreed to being recorded. That stands, whoever else agreed."
    )


def test_the_lawful_basis_is_kept_as_it_stood(record, family):
    consent = record()
    basis = family.team.programme.lawful_basis
    family.team.programme.lawful_basis = "Another one"
    family.team.programme.save()
    consent.refresh_from_db()
    assert consent.lawful_basis == basis


def test_withdrawn_covers_nothing_on_no_day(record):
    consent = record()
    consent.withdrawn_at = timezone.now()
    assert not consents.covers(consent, RECORD, on=factories.today())
    assert not consents.covers(consent, RECORD, on=consent.given_on)
    assert "was withdrawn on" in consents.why_not(consent, RECORD, on=factories.today())


def test_a_consent_that_names_nobody_covers_nothing(family):
    consent = factories.make_consent(family)
    consent.people.all().delete()
    assert not consents.covers(consent, RECORD, on=factories.today())


PEOPLE = st.lists(st.tuples(st.sampled_from(Role.values), st.sets(st.sampled_from(Purpose.values))), min_size=1, max_size=4)
DAYS = st.dates(dt.date(2023, 1, 1), dt.date(2028, 1, 1))


@hypothesis_settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.dates(dt.date(2024, 1, 1), dt.date(2026, 12, 31)),
    length=st.integers(0, 800),
    renewal=st.sampled_from(Renewal.values),
    day=DAYS,
    session_on=DAYS,
    people=PEOPLE,
    purpose=st.sampled_from(Purpose.values),
)
def test_it_covers_exactly_its_days_and_what_all_agreed_to(family, start, length, renewal, day, session_on, people, purpose):
    """From the first to the last day, both included; for one session the use goes on, but no other session is taken in."""
    last = start + dt.timedelta(days=length)
    terms = {Renewal.UNTIL_DATE: {"valid_until": last}, Renewal.PER_SESSION: {"session_on": last}}.get(renewal, {})
    consent = factories.make_consent(family, given_on=start, renewal=renewal, **terms)
    consent.people.all().delete()
    for number, (role, purposes) in enumerate(people):
        ConsentPerson.objects.create(consent=consent, role=role, initials=f"P{number}", purposes=sorted(purposes))

    def holds(on, wanted):
        return start <= on and (renewal != Renewal.UNTIL_DATE or on <= last) and all(wanted in purposes for _, purposes in people)

    assert consents.covers(consent, purpose, on=day) is holds(day, purpose)
    assert bool(consents.why_not(consent, purpose, on=day)) is not holds(day, purpose)
    assert (consent in Consent.objects.in_force(day)) is (start <= day and (renewal != Renewal.UNTIL_DATE or day <= last))
    may_take_in = holds(session_on, RECORD) and holds(day, RECORD) and (renewal != Renewal.PER_SESSION or session_on == last)
    assert (consents.why_not_session(consent, session_on, on=day) == "") is may_take_in


def test_the_last_days_are_announced_and_a_longer_consent_ends_the_warning(family, thea, sam, tom, cora):
    today = factories.today()

    def until(days, **fields):
        return factories.make_consent(family, renewal=Renewal.UNTIL_DATE, valid_until=today + dt.timedelta(days=days), **fields)

    over, far = until(-1), until(15)
    soon = until(14)
    assert consents.ending(thea, today) == []  # the far one lasts longer
    far.people.all().delete()
    far.delete()
    assert consents.ending(thea, today) == [soon]
    assert consents.ending(sam, today) == [soon]
    assert consents.ending(tom, today) == consents.ending(cora, today) == []
    assert consents.is_ending(soon, on=today)
    assert not consents.is_ending(over, on=today)
    factories.make_consent(family, renewal=Renewal.PER_SESSION, session_on=today)
    assert consents.ending(thea, today) == [soon]
    factories.make_consent(family)
    assert consents.ending(thea, today) == []


class TestPages:
    """What the therapist types, and what the page makes of it."""

    @pytest.fixture
    def url(self, family, wording):
        return f"/recordings/families/{family.pk}/consent/"

    @pytest.fixture
    def filled(self, wording):
        return lambda *people, **changes: {**carried(wording), **self.answers(*people, **changes)}

    def answers(self, *people, **changes):
        data = {"people-TOTAL_FORMS": "4", "people-INITIAL_FORMS": "0", "given_on": factories.today().isoformat(), "method": "signed_paper"}
        for number, (role, initials, purposes) in enumerate(people):
            data |= {f"people-{number}-role": role, f"people-{number}-initials": initials, f"people-{number}-purposes": purposes}
        return {**data, **changes}

    def test_the_words_in_force_are_shown(self, as_user, thea, url, wording):
        assert wording.text in as_user(thea).get(url).content.decode()

    def test_it_records_and_says_what_can_be_done_now(self, as_user, thea, url, filled):
        response = as_user(thea).post(url, filled(("caregiver", "M.B.", ["record", "review"]), filed_at="Cabinet 2"), follow=True)
        consent = Consent.objects.get()
        assert response.redirect_chain == [(f"/recordings/consents/{consent.pk}/", 302)]
        assert b"You can upload sessions" in response.content

    def test_somebody_who_said_no_is_recorded_and_named(self, as_user, thea, url, filled):
        response = as_user(thea).post(url, filled(("caregiver", "M.B.", ["record"]), ("other_family", "G.B.", [])), follow=True)
        assert Consent.objects.count() == 1
        assert b"Other family member G.B. has not agreed to being recorded" in response.content

    @pytest.mark.parametrize(
        ("people", "changes", "words"),
        [
            ([("caregiver", "", ["record"])], {}, "Enter this person&#x27;s initials"),
            ([("caregiver", "Mary Brown", ["record"])], {}, "at most 8 characters"),
            ([("caregiver", "<b>", ["record"])], {}, "Enter initials only"),
            ([("caregiver", "Kayleigh", ["record"])], {}, "at most four letters, never a name"),
            ([("caregiver", "Anna-May", ["record"])], {}, "Enter initials only"),
            ([], {}, "at least one person"),
            ([("caregiver", "M.B.", ["record"])], {"method": ""}, "Choose how the consent was given"),
            ([("caregiver", "M.B.", ["record"])], {"given_on": ""}, "Enter the day on which"),
        ],
    )
    def test_what_is_missing_is_said_beside_it(self, as_user, thea, url, filled, people, changes, words):
        response = as_user(thea).post(url, filled(*people, **changes))
        assert response.status_code == 422
        assert words in response.content.decode()
        assert not Consent.objects.exists()

    def test_without_wording_the_page_says_so(self, as_user, thea, family):
        assert b"There is no wording yet" in as_user(thea).get(f"/recordings/families/{family.pk}/consent/").content

    def test_only_who_may_upload_may_record(self, as_user, url, sam, cora, tom, ada):
        assert as_user(sam).get(url).status_code == 200
        assert as_user(cora).get(url).status_code == 403
        assert as_user(tom).get(url).status_code == 404
        assert as_user(ada).get(url).status_code == 404

    def test_it_can_be_read_and_printed(self, as_user, thea, family):
        consent = factories.make_consent(family)
        for page in ("", "print/"):
            response = as_user(thea).get(f"/recordings/consents/{consent.pk}/{page}")
            assert b"Caregiver M.B." in response.content
            assert consent.wording.text.encode() in response.content

    def test_withdrawing_says_what_goes_and_acts(self, as_user, thea, family):
        consent = factories.make_consent(family)
        page = f"/recordings/consents/{consent.pk}/withdraw/"
        assert b"Nothing has been recorded under it" in as_user(thea).get(page).content
        assert as_user(thea).post(page, {}).status_code == 422
        assert as_user(thea).post(page, {"channel": "telephone"}).status_code == 422
        person = consent.people.get()
        response = as_user(thea).post(page, {"person": person.pk, "channel": "telephone"}, follow=True)
        assert b"by caregiver M.B." in response.content
        assert Withdrawal.objects.get().person == person
        assert as_user(thea).get(page).status_code == 302

    def test_somebody_elses_person_cannot_be_named(self, as_user, thea, family):
        consent, other = factories.make_consent(family), factories.make_consent(family)
        response = as_user(thea).post(
            f"/recordings/consents/{consent.pk}/withdraw/", {"person": other.people.get().pk, "channel": "telephone"}
        )
        assert response.status_code == 422
        assert not Withdrawal.objects.exists()

    def test_the_governance_lead_may_withdraw_and_the_consultant_not(self, as_user, iggy, cora, family):
        consent = factories.make_consent(family)
        page = f"/recordings/consents/{consent.pk}/withdraw/"
        assert as_user(iggy).get(page).status_code == 200
        assert as_user(cora).get(page).status_code == 403
