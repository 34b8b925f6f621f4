"""A consent rests on the words that were shown, is made once however often its form is sent, and needs something to show for it."""

import datetime as dt
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from recordings import consent as consents
from recordings import consentproof, evidence, permissions
from recordings.models import Consent, ConsentPaper, Processing, Purpose, Recording
from supervision.initials import are_initials
from tests import factories
from tests.recordings.consent_setup import carried
from tests.recordings.making import bare_recording
from tests.recordings.test_consent_papers import PDF

pytestmark = pytest.mark.django_db
Method = Consent.Method


@pytest.fixture
def family(harbour, thea):
    return factories.make_family(harbour, thea)


@pytest.fixture
def old(harbour):
    return factories.make_wording(harbour.programme, version=1001, text="Old words.", effective_from=factories.days_ago(100))


@pytest.fixture
def new(harbour, old):
    return factories.make_wording(harbour.programme, version=1002, text="New words.", effective_from=factories.days_ago(2))


@pytest.fixture
def send(as_user, thea, family):
    """Sends the form; answers that are not given are those of one caregiver who says yes to being recorded."""

    def send(wording, /, **changes):
        data = {
            **carried(wording), "method": "signed_paper", "given_on": factories.today().isoformat(), "renewal": "until_withdrawn",
            "people-TOTAL_FORMS": "4", "people-INITIAL_FORMS": "0", "people-0-role": "caregiver", "people-0-initials": "M.B.",
            "people-0-purposes": ["record", "review"],
        }  # fmt: skip
        return as_user(thea).post(f"/recordings/families/{family.pk}/consent/", {**data, **changes})

    return send


class TestWords:
    def test_the_form_carries_what_it_shows(self, as_user, thea, family, old):
        page = as_user(thea).get(f"/recordings/families/{family.pk}/consent/").content.decode()
        given = carried(old)
        assert f'name="wording" value="{given["wording"]}"' in page
        assert f'name="shown" value="{given["shown"]}"' in page

    def test_words_that_came_into_force_meanwhile_are_shown_before_anything_is_kept(self, send, old, new):
        response = send(old, witness="social worker T.O.", method="spoken")
        page = response.content.decode()
        assert response.status_code == 422
        assert not Consent.objects.exists()
        assert "Version 1002 was in force on" in page
        assert "this page showed version 1001" in page
        assert "New words." in page
        assert "social worker T.O." in page
        assert f'name="wording" value="{new.pk}"' in page
        assert send(new).status_code == 302
        assert Consent.objects.get().wording == new

    def test_words_that_were_changed_meanwhile_too(self, send, old):
        before = carried(old)
        old.text = "Other words."
        old.save()
        response = send(old, **before)
        assert response.status_code == 422
        assert "The words of version 1001 were changed" in response.content.decode()
        assert not Consent.objects.exists()

    def test_words_that_change_in_the_last_moment_stop_it_too(self, family, thea, old):
        shown = carried(old)["shown"]
        type(old).objects.filter(pk=old.pk).update(text="Other words.")
        with pytest.raises(consents.WordsChanged):
            consents.record(
                family=family, wording=old, shown=shown, method="signed_paper", given_on=factories.today(), by=thea, now=timezone.now(),
                people=[consents.Heard("caregiver", "M.B.", ["record"])],
            )  # fmt: skip
        assert not Consent.objects.exists()

    def test_a_mark_given_for_other_words_is_not_carried_over(self, send, old, new):
        page = send(old, method="typed", witness="social worker T.O.", **{"people-0-typed": "Mary Brown"}).content.decode()
        assert "Whoever signed signs again" in page
        assert "Mary Brown" not in page
        assert 'value="M.B."' in page

    @pytest.mark.parametrize(("method", "mark"), [("signed_screen", "drawn"), ("typed", "typed")])
    def test_a_missing_mark_leads_to_the_person_who_has_yet_to_leave_it(self, send, old, method, mark):
        second = {"people-2-role": "caregiver", "people-2-initials": "A.B.", "people-2-purposes": ["record"]}
        given = {"method": method, "witness": "social worker T.O.", "people-0-typed": "Mary", **second}
        response = send(old, **given)
        page = response.content.decode()
        assert response.status_code == 422
        assert f'<a href="#id_people-2-{mark}">Person 3: Caregiver A.B. has said yes but not' in page
        assert page.count(f'id="id_people-2-{mark}"') == 1
        assert f'href="#id_people-0-{mark}"' not in page
        assert not Consent.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "target"),
        [
            ({"people-1-role": "young_person", "people-1-initials": "J.B."}, "parental_responsibility"),
            ({"method": "typed", "people-0-typed": "Mary"}, "witness"),
            ({"renewal": "until_date", "valid_until": "2020-01-01"}, "valid_until"),
            ({"renewal": "per_session", "session_on": "2020-01-01"}, "session_on"),
        ],
    )
    def test_what_is_missing_leads_to_where_it_is_entered(self, send, old, changes, target):
        response = send(old, **changes)
        assert response.status_code == 422
        assert f'<a href="#id_{target}">' in response.content.decode()

    @pytest.mark.parametrize("missing", ["wording", "shown"])
    def test_a_form_that_does_not_say_what_it_showed_makes_nothing(self, send, old, missing):
        assert send(old, **{missing: ""}).status_code == 422
        assert not Consent.objects.exists()

    def test_what_was_signed_on_paper_rests_on_the_words_of_that_day(self, send, old, new):
        signed = factories.days_ago(20).isoformat()
        response = send(new, given_on=signed)
        assert response.status_code == 422
        page = response.content.decode()
        assert "Old words." in page
        assert "Compare the signed form with the words below" in page
        assert send(old, given_on=signed).status_code == 302
        assert Consent.objects.get().wording == old

    def test_a_paper_form_of_an_older_version_keeps_that_version(self, send, old, new):
        assert send(new, version=str(old.pk)).status_code == 422
        assert send(old, version=str(old.pk)).status_code == 302
        assert Consent.objects.get().wording == old

    def test_a_version_that_came_after_the_signing_is_refused(self, send, old, new):
        response = send(new, version=str(new.pk), given_on=factories.days_ago(20).isoformat())
        assert response.status_code == 422
        assert "after the consent was given" in response.content.decode()
        assert not Consent.objects.exists()

    def test_a_day_before_there_were_words_is_asked_for_again(self, send, old):
        response = send(old, given_on=factories.days_ago(200).isoformat())
        assert response.status_code == 422
        assert "No words were in force on that day" in response.content.decode()

    def test_the_sheet_says_its_version_where_it_is_signed(self, as_user, thea, old):
        page = as_user(thea).get(f"/recordings/wordings/{old.pk}/sheet/").content.decode()
        assert "version 1001" in page.partition("Your answers")[2]


class TestTwice:
    def test_a_form_sent_twice_makes_one_consent(self, send, old):
        form = {"submission": str(uuid.uuid4())}
        first, second = send(old, **form), send(old, **form)
        assert Consent.objects.count() == 1
        assert first.url == second.url == f"/recordings/consents/{Consent.objects.get().pk}/"

    def test_two_at_once_make_one_too(self, family, thea, old, monkeypatch):
        def record():
            return consents.record(
                family=family, wording=old, method="signed_paper", given_on=factories.today(), by=thea, now=timezone.now(),
                people=[consents.Heard("caregiver", "M.B.", ["record"])], submission=number,
            )  # fmt: skip

        number = uuid.uuid4()
        first = record()
        known = consents.already_made
        answers = iter([None])  # the look before the work finds nothing yet
        monkeypatch.setattr(consents, "already_made", lambda *about: next(answers, known(*about)))
        assert record() == first
        assert Consent.objects.count() == 1

    def test_another_form_makes_another(self, send, old):
        send(old)
        send(old)
        assert Consent.objects.count() == 2


EVERYTHING = [str(purpose) for purpose in Purpose]


class TestEvidence:
    @pytest.fixture(params=["spoken", "signed_paper"])
    def bare(self, request, family):
        return factories.make_consent(family, method=request.param, filed_at="", purposes=EVERYTHING)

    def test_without_it_only_the_therapist_listens_and_nothing_is_transcribed(self, bare, thea, sam, cora):
        recording = bare_recording(consent=bare, state=Recording.State.READY)
        assert permissions.can_listen(thea, recording)
        assert not permissions.can_listen(sam, recording)
        assert not permissions.can_listen(cora, recording)
        today = factories.today()
        assert consents.covers(bare, Purpose.RECORD, on=today)
        for purpose in EVERYTHING[1:]:
            assert consents.why_not(bare, purpose, on=today) == evidence.missing(bare)
            assert not Recording.objects.agreed_to(purpose, on=today).exists()
        assert Recording.objects.agreed_to(Purpose.RECORD, on=today).exists()

    def test_a_witness_or_a_time_shows_a_spoken_one(self, family, thea):
        spoken = factories.make_consent(family, method=Method.SPOKEN)
        for given in ({"spoken_at_ms": 12_000}, {"spoken_at_ms": None, "witness": "social worker T.O."}):
            consentproof.place_spoken(consent=spoken, by=thea, now=timezone.now(), **given)
            assert not evidence.missing(spoken)
            assert Consent.objects.evidenced().filter(pk=spoken.pk).exists()
        consentproof.place_spoken(consent=spoken, spoken_at_ms=None, witness="", by=thea, now=timezone.now())
        assert evidence.missing(spoken) == evidence.SPOKEN
        assert not Consent.objects.evidenced().filter(pk=spoken.pk).exists()

    def test_a_scan_shows_one_on_paper_until_it_is_removed(self, as_user, thea, family):
        paper = factories.make_consent(family, filed_at="")
        client = as_user(thea)
        scan = {"kind": "form", "scan": SimpleUploadedFile("scan.pdf", PDF)}
        assert client.post(f"/recordings/consents/{paper.pk}/papers/", scan).status_code == 302
        assert not evidence.missing(paper)
        client.post(f"/recordings/papers/{ConsentPaper.objects.get().pk}/remove/")
        assert evidence.missing(paper) == evidence.PAPER

    def test_the_page_says_what_is_missing_and_leads_there(self, as_user, thea, sam, family):
        paper = factories.make_consent(family, filed_at="")
        recording = bare_recording(consent=paper, state=Recording.State.READY)
        Processing.objects.create(recording=recording, state="done", queued_at=timezone.now())
        client = as_user(thea)
        page = client.get(f"/recordings/consents/{paper.pk}/").content.decode()
        assert evidence.PAPER in page
        assert f"/recordings/consents/{paper.pk}/filed/" in page
        assert client.post(f"/recordings/consents/{paper.pk}/filed/", {"filed_at": "Paper file, cabinet 2"}).status_code == 302
        assert "Paper file, cabinet 2" in client.get(f"/recordings/consents/{paper.pk}/").content.decode()
        assert permissions.can_listen(sam, Recording.objects.get(pk=recording.pk))

    def test_with_it_a_waiting_recording_is_transcribed(self, bare, thea, monkeypatch):
        started = []
        monkeypatch.setattr("recordings.pipeline.rerun", lambda **about: started.append(about["recording"].pk))
        recording = bare_recording(consent=bare, state=Recording.State.READY)
        if bare.method == Method.SPOKEN:
            consentproof.place_spoken(consent=bare, spoken_at_ms=None, witness="social worker T.O.", by=thea, now=timezone.now())
        else:
            consentproof.file_form(consent=bare, filed_at="Cabinet 2", by=thea, now=timezone.now())
        assert started == [recording.pk]

    def test_a_recorded_consent_without_it_says_so_at_once(self, send, old, as_user, thea):
        assert "what is still missing is said below" in as_user(thea).get(send(old).url).content.decode()

    def test_after_a_week_it_is_on_the_home_page_and_the_governance_page(self, bare, as_user, thea, tom, iggy):
        words = f"Nothing shows the consent of family {bare.family.reference}"
        today = factories.today()
        assert evidence.overdue(on=today) == []
        Consent.objects.update(recorded_at=timezone.localtime() - dt.timedelta(days=9))
        assert evidence.overdue(on=today) == evidence.overdue_for(thea, on=today) == [bare]
        assert evidence.overdue_for(tom, on=today) == []
        assert words in as_user(thea).get("/").content.decode()
        assert words not in as_user(tom).get("/").content.decode()
        page = as_user(iggy).get("/recordings/governance/").content.decode()
        assert "1 consent" in page
        assert f"/recordings/consents/{bare.pk}/" in page


@pytest.mark.parametrize("typed", ["M.B.", "mb", "J", "A.B.C.D.", "Ö.Ł.", "李"])
def test_these_are_initials(typed):
    assert are_initials(typed)


@pytest.mark.parametrize("typed", ["", "Kayleigh", "Mohammed", "A B", "Anna-May", "M.B.\n", "M..B", "4B", "J\u202eB", "A.B.C.D.E."])
def test_these_are_not(typed):
    assert not are_initials(typed)


@pytest.mark.parametrize("typed", ["Anna-May", "K-B", "1234"])
def test_a_family_has_initials_and_no_name_either(as_user, sam, thea, harbour, typed):
    data = {"therapist": thea.pk, "reference": "H-9001", "initials": typed, "opened_on": factories.today().isoformat()}
    response = as_user(sam).post(reverse("supervision:family-create", args=[harbour.slug]), data)
    assert response.status_code == 422
    assert "at most four letters, never a name" in response.content.decode()
