"""A young person grows up: the consent under parental responsibility is looked at again, and no birthday is kept for it."""

import datetime as dt

import pytest
from django.utils import timezone

from recordings import consent as consents
from recordings import lookagain
from recordings.models import Consent, ConsentPerson, ConsentWording
from tests import factories
from tests.recordings.consent_setup import shown

pytestmark = pytest.mark.django_db
LATER = dt.date(2031, 5, 17)


@pytest.fixture
def family(harbour, thea):
    factories.make_wording(harbour.programme)
    return factories.make_family(harbour, thea)


def given(family, *, again=LATER, role="young_person", **more):
    people = [consents.Heard("caregiver", "M.B.", ["record"]), consents.Heard(role, "K.B.", ["record"], None, again)]
    values = {
        "wording": ConsentWording.objects.get(programme=family.team.programme),
        "method": Consent.Method.SIGNED_PAPER,
        "given_on": factories.today(),
        "parental_responsibility": "mother",
    }
    return consents.record(family=family, people=people, by=family.therapist, now=timezone.now(), **{**values, **more})


def young(consent):
    return consent.people.get(initials="K.B.")


def test_of_the_day_only_the_month_is_kept(family):
    assert young(given(family)).look_again_on == dt.date(2031, 5, 1)


@pytest.mark.parametrize(
    ("again", "role", "sentence"),
    [
        (lambda: LATER, "other_family", "Only for a young person"),
        (factories.today, "young_person", "The month has begun already"),
    ],
)
def test_a_month_that_makes_no_sense_is_refused(family, again, role, sentence):
    with pytest.raises(consents.ConsentRefused, match=sentence):
        given(family, again=again(), role=role)
    assert not Consent.objects.exists()


def test_it_is_due_from_the_first_day_of_the_month_for_the_therapist_and_the_supervisor(family, thea, tom, sam, cora):
    consent = given(family)
    eve, first = dt.date(2031, 4, 30), dt.date(2031, 5, 1)
    for membership in [*thea.memberships.all(), *tom.memberships.all(), *sam.memberships.all(), *cora.memberships.all()]:
        assert membership.ends_on is None
    assert [lookagain.due(person, eve) for person in (thea, sam)] == [[], []]
    assert [lookagain.due(person, first) for person in (thea, tom, sam, cora)] == [[consent], [], [consent], []]
    assert (lookagain.is_due(consent, on=eve), lookagain.is_due(consent, on=first)) == (False, True)


@pytest.mark.parametrize("ended", ["withdrawn", "over", "closed", "asked again"])
def test_it_is_not_due_once_it_no_longer_matters(family, thea, ended):
    consent = given(family)
    day = dt.date(2031, 6, 1)
    assert lookagain.due(thea, day) == [consent]
    if ended == "withdrawn":
        Consent.objects.update(withdrawn_at=timezone.now())
    elif ended == "over":
        Consent.objects.update(valid_until=day - dt.timedelta(days=1))
    elif ended == "closed":
        family.closed_on = day - dt.timedelta(days=1)
        family.save()
    else:
        factories.make_consent(family, given_on=dt.date(2031, 5, 2))
    assert lookagain.due(thea, day) == []
    if ended == "withdrawn":
        assert not lookagain.is_due(Consent.objects.get(), on=day)


def test_a_consent_given_before_the_month_does_not_settle_it(family, thea):
    consent = given(family)
    factories.make_consent(family, given_on=dt.date(2031, 4, 30))
    assert lookagain.due(thea, dt.date(2031, 5, 1)) == [consent]


def test_the_therapist_moves_it_on_the_page_and_is_told_at_home(family, thea, as_user):
    consent = given(family, given_on=factories.days_ago(40))
    ConsentPerson.objects.filter(pk=young(consent).pk).update(look_again_on=factories.today().replace(day=1))
    client = as_user(thea)
    sentence = f"Look at the consent of family {family.reference} again"
    assert sentence in client.get("/").content.decode()
    assert "may decide for themselves now" in client.get(f"/recordings/consents/{consent.pk}/").content.decode()
    page, field = f"/recordings/consents/{consent.pk}/again/", f"person-{young(consent).pk}"
    refused = client.post(page, {field: factories.today().isoformat().replace(factories.today().isoformat()[:4], "2020")})
    assert refused.status_code == 422
    assert "The month has begun already" in refused.content.decode()
    assert client.post(page, {field: LATER.isoformat()}).status_code == 302
    assert young(consent).look_again_on == dt.date(2031, 5, 1)
    assert sentence not in client.get("/").content.decode()
    assert "Young person K.B. is asked again in May 2031." in client.get(f"/recordings/consents/{consent.pk}/").content.decode()
    assert client.post(page, {field: ""}).status_code == 302
    assert young(consent).look_again_on is None


def test_the_form_of_a_consent_takes_it_for_a_young_person_and_drops_it_for_others(family, thea, as_user):
    data = {
        **shown(family),
        "people-TOTAL_FORMS": "2", "people-INITIAL_FORMS": "0", "method": "signed_paper", "given_on": factories.today().isoformat(),
        "renewal": "until_withdrawn", "parental_responsibility": "mother",
        "people-0-role": "caregiver", "people-0-initials": "M.B.", "people-0-purposes": ["record"], "people-0-look_again_on": LATER.isoformat(),
        "people-1-role": "young_person", "people-1-initials": "K.B.", "people-1-purposes": ["record"], "people-1-look_again_on": LATER.isoformat(),
    }  # fmt: skip
    assert as_user(thea).post(f"/recordings/families/{family.pk}/consent/", data).status_code == 302
    assert {row.initials: row.look_again_on for row in ConsentPerson.objects.all()} == {"M.B.": None, "K.B.": dt.date(2031, 5, 1)}


def test_nothing_is_changed_in_a_withdrawn_consent(family, thea):
    consent = given(family)
    Consent.objects.update(withdrawn_at=timezone.now())
    with pytest.raises(lookagain.NotAgain, match="was withdrawn"):
        lookagain.set_month(person=young(consent), day=None, by=thea, now=timezone.now())
