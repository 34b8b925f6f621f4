"""A consent over its life: listed, renewed, spoken, for one session, printed before and after."""

import datetime as dt
import io

import docx
import pytest
from django.utils import timezone

from recordings import consent as consents
from recordings import consentcopy, uploads
from recordings.models import Consent, ConsentPerson, Recording, WithdrawalLink
from tests import factories
from tests.recordings.consent_setup import shown
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db
Method, Renewal = Consent.Method, Consent.Renewal


@pytest.fixture
def family(harbour, thea):
    return factories.make_family(harbour, thea)


@pytest.fixture
def consent(family):
    return factories.make_consent(family)


class TestTheList:
    def test_every_consent_of_the_family_with_its_standing(self, as_user, thea, family, consent):
        consent.withdrawn_at = timezone.now()
        consent.save()
        today = factories.today()
        factories.make_consent(family, renewal=Renewal.UNTIL_DATE, valid_until=today + dt.timedelta(days=3))
        factories.make_consent(family, renewal=Renewal.UNTIL_DATE, valid_until=factories.days_ago(1))
        factories.make_consent(family, renewal=Renewal.PER_SESSION, session_on=today)
        factories.make_consent(family, purposes=())
        factories.make_consent(family)
        words = as_user(thea).get(f"/recordings/families/{family.pk}/consents/").content.decode()
        for word in ("Withdrawn", "Ends soon", "Ended", "One session", "No recording", "In force"):
            assert f"{word}</strong>" in words

    def test_the_governance_lead_sees_a_list_that_is_not_empty(self, as_user, iggy, family, harbour, thea, consent):
        empty = factories.make_family(harbour, thea)
        assert as_user(iggy).get(f"/recordings/families/{family.pk}/consents/").status_code == 200
        assert as_user(iggy).get(f"/recordings/families/{empty.pk}/consents/").status_code == 404


class TestRenewal:
    def test_people_come_along_and_answers_do_not(self, as_user, thea, family, consent):
        consent.parental_responsibility = "Mother, alone"
        consent.save()
        response = as_user(thea).get(f"/recordings/families/{family.pk}/consent/?renew={consent.pk}")
        first = response.context["people"].forms[0]
        assert first["initials"].value() == "M.B."
        assert first["role"].value() == "caregiver"
        assert not first["purposes"].value()
        words = response.content.decode()
        assert "Mother, alone" in words
        assert "yes to recording, review and transcript" in words

    @pytest.mark.parametrize("other", ["", "x", "9" * 30, "0"])
    def test_a_renewal_of_nothing_is_a_new_consent(self, as_user, thea, family, consent, other):
        response = as_user(thea).get(f"/recordings/families/{family.pk}/consent/?renew={other}")
        assert response.context["last"] is None

    def test_another_familys_people_do_not_come_along(self, as_user, thea, family, harbour):
        stranger = factories.make_consent(factories.make_family(harbour, thea))
        assert as_user(thea).get(f"/recordings/families/{family.pk}/consent/?renew={stranger.pk}").context["last"] is None

    def test_a_form_left_as_it_was_filled_in_still_counts_everybody(self, as_user, thea, family, consent):
        """Role and initials that came along are sent with the form, and count although nobody touched them."""
        data = {
            **shown(family),
            "people-TOTAL_FORMS": "4",
            "people-INITIAL_FORMS": "0",
            "given_on": factories.today().isoformat(),
            "method": "signed_paper",
            "renewal": "until_date",
            "valid_until": (factories.today() + dt.timedelta(days=90)).isoformat(),
            "people-0-role": "caregiver",
            "people-0-initials": "M.B.",
        }
        as_user(thea).post(f"/recordings/families/{family.pk}/consent/?renew={consent.pk}", data)
        renewed = Consent.objects.exclude(pk=consent.pk).get()
        assert renewed.people.get().purposes == []
        assert renewed.valid_until == factories.today() + dt.timedelta(days=90)

    def test_days_of_another_answer_are_left_out(self, as_user, thea, family, consent):
        data = {
            **shown(family),
            "people-TOTAL_FORMS": "4",
            "people-INITIAL_FORMS": "0",
            "given_on": factories.today().isoformat(),
            "method": "signed_paper",
            "renewal": "until_withdrawn",
            "valid_until": "nonsense",
            "spoken_at_ms": "nonsense",
            "people-0-role": "caregiver",
            "people-0-initials": "M.B.",
            "people-0-purposes": ["record"],
            "people-0-research": "on",
        }
        assert as_user(thea).post(f"/recordings/families/{family.pk}/consent/", data).status_code == 302
        made = Consent.objects.exclude(pk=consent.pk).get()
        assert (made.valid_until, made.spoken_at_ms) == (None, None)
        assert made.people.get().purposes == ["record", "research"]

    @pytest.mark.parametrize(("renewal", "words"), [("until_date", "Enter the last day"), ("per_session", "Enter the day of the session")])
    def test_a_day_that_is_missing_is_asked_for(self, as_user, thea, family, consent, renewal, words):
        data = {**shown(family), "people-TOTAL_FORMS": "4", "people-INITIAL_FORMS": "0", "renewal": renewal, "method": "signed_paper"}
        response = as_user(thea).post(f"/recordings/families/{family.pk}/consent/", data)
        assert response.status_code == 422
        assert words in response.content.decode()


class TestOneSession:
    @pytest.fixture
    def one(self, family):
        return factories.make_consent(family, renewal=Renewal.PER_SESSION, session_on=factories.days_ago(2))

    def test_only_that_session_is_taken_in(self, one, thea):
        now = timezone.now()
        uploads.check(one, factories.days_ago(2), thea, now)
        with pytest.raises(uploads.UploadRefused, match="only"):
            uploads.check(one, factories.days_ago(1), thea, now)

    def test_its_recording_can_be_used_until_it_is_withdrawn(self, one):
        recording = bare_recording(consent=one, session_on=one.session_on)
        later = factories.today() + dt.timedelta(days=40)
        assert recording in Recording.objects.agreed_to("review", on=later)
        assert consents.covers(one, "review", on=later)


class TestSpoken:
    @pytest.fixture
    def said(self, family):
        return factories.make_consent(family, method=Method.SPOKEN)

    def enter(self, client, consent, typed):
        return client.post(f"/recordings/consents/{consent.pk}/spoken/", {"spoken_at_ms": typed})

    def test_the_time_is_entered_after_the_upload_and_played_from_there(self, as_user, thea, said):
        recording = bare_recording(consent=said, state=Recording.State.READY)
        client = as_user(thea)
        assert self.enter(client, said, "0:45").status_code == 302
        said.refresh_from_db()
        assert said.spoken_at_ms == 45_000
        words = client.get(f"/recordings/consents/{said.pk}/").content.decode()
        assert f"/recordings/{recording.pk}/audio/#t=45" in words
        assert "At 0:45" in words or "At 00:45" in words
        assert 'value="0:45"' in client.get(f"/recordings/consents/{said.pk}/spoken/").content.decode()
        self.enter(client, said, "")
        said.refresh_from_db()
        assert said.spoken_at_ms is None

    def test_who_may_not_listen_gets_no_player(self, as_user, iggy, thea, said):
        recording = bare_recording(consent=said, state=Recording.State.READY)
        self.enter(as_user(thea), said, "0:05")
        assert str(recording.pk) + "/audio" not in as_user(iggy).get(f"/recordings/consents/{said.pk}/").content.decode()

    @pytest.mark.parametrize("typed", ["45", "0:75", "1:60:00", "a:10", "-1:10", "1:2:3:4", "²:10", "1:00"])
    def test_what_is_no_place_on_the_recording_is_refused(self, as_user, thea, said, typed):
        bare_recording(consent=said, duration_ms=60_000)
        assert self.enter(as_user(thea), said, typed).status_code == 422
        said.refresh_from_db()
        assert said.spoken_at_ms is None

    def test_no_other_consent_has_one(self, as_user, thea, consent):
        assert self.enter(as_user(thea), consent, "0:10").status_code == 422


class TestPaper:
    def test_the_blank_sheet_asks_for_everything_before_anybody_signs(self, as_user, thea, harbour):
        wording = factories.make_wording(
            harbour.programme, text="## Why\n\nBecause we learn.", young_text="You decide too.", spoken_text="Say this."
        )
        words = as_user(thea).get(f"/recordings/wordings/{wording.pk}/sheet/").content.decode()
        for said in (
            "<h3>Why</h3>",
            "<p>Because we learn.</p>",
            "You decide too.",
            "Say this.",
            "Asked separately",
            "parental responsibility",
        ):
            assert said in words

    def test_a_sheet_of_another_programme_is_not_there(self, as_user, thea, meadow):
        wording = factories.make_wording(meadow.programme)
        assert as_user(thea).get(f"/recordings/wordings/{wording.pk}/sheet/").status_code == 404

    def test_what_was_typed_into_a_wording_stays_text(self, as_user, thea, harbour):
        wording = factories.make_wording(harbour.programme, text="# <b>x</b>\n\n<script>alert(1)</script>")
        words = as_user(thea).get(f"/recordings/wordings/{wording.pk}/sheet/").content.decode()
        assert "<script>alert" not in words
        assert "<b>x</b>" not in words

    def test_the_copy_says_what_was_agreed_by_whom_and_until_when(self, consent):
        ConsentPerson.objects.create(consent=consent, role="young_person", initials="J.B.", purposes=["record"])
        consent.wording.young_text = "You decide too."
        consent.wording.save()
        document = docx.Document(io.BytesIO(consentcopy.as_docx(consent)))
        words = "\n".join(paragraph.text for paragraph in document.paragraphs)
        rows = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
        assert rows[0] == ["Purpose", "Caregiver M.B.", "Young person J.B."]
        assert rows[1][1:] == ["Yes", "Yes"]
        assert rows[2][1:] == ["Yes", "No"]
        for said in (
            consent.wording.text,
            "You decide too.",
            "Until somebody withdraws it",
            "take this consent back",
            str(consent.family.team),
        ):
            assert said in words
        assert "/withdraw/" not in words
        assert document.core_properties.author == ""

    def test_printing_makes_no_link(self, as_user, thea, consent):
        client = as_user(thea)
        for page in ("print/", "copy.docx"):
            assert client.get(f"/recordings/consents/{consent.pk}/{page}").status_code == 200
        assert not WithdrawalLink.objects.exists()
