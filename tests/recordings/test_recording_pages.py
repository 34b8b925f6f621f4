"""The library and a recording's own page: its life, who can hear it, and its end."""

import datetime as dt

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recordings import destruction, ledger, listening, pipeline, vault
from recordings.models import Consent, ConsentPerson, Processing, Purpose, Recording, Review
from supervision.models import Instrument
from tests import factories
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db


@pytest.fixture
def family(harbour, thea):
    return factories.make_family(harbour, thea, reference="H-101", initials="K.B.")


@pytest.fixture
def consent(family):
    return factories.make_consent(family)


@pytest.fixture
def recording(consent):
    recording = bare_recording(consent=consent, state=Recording.State.READY)
    vault.seal(recording, "playback", [b"OggS" + bytes(1000)], now=timezone.now())
    Processing.objects.create(recording=recording, queued_at=timezone.now(), state=Processing.State.DONE, finished_at=timezone.now())
    return recording


@pytest.fixture
def page(as_user, recording):
    def page(user, path=""):
        return as_user(user).get(f"/recordings/{recording.pk}/{path}").content.decode()

    return page


def transcribed(recording, segments=None):
    from recordings import features

    word = {"start": 1.5, "end": 2.0, "text": "Hello", "probability": 0.9}
    spoken = [
        {"start": 1.5, "end": 3.0, "text": "Hello <both> of you", "speaker": "S1", "supported": True, "words": [word]},
        {"start": 9.0, "end": 9.5, "text": "Thanks for watching", "speaker": None, "supported": False, "words": []},
    ]
    content = features.with_words(features.peaks_only(np.zeros(16_000 * 10, dtype=np.float32)), spoken if segments is None else segments)
    vault.seal(recording, "features", [content], now=timezone.now())


def released(recording, rater):
    now = timezone.now()
    instrument = Instrument.objects.create(slug="i", name="I", owner="O", licence_note="N")
    return Review.objects.create(
        recording=recording,
        rater=rater,
        instrument=instrument,
        started_at=now,
        submitted_at=now,
        released_at=now,
        state=Review.State.RELEASED,
    )


class TestLibrary:
    def test_a_row_says_family_session_state_and_what_comes_next(self, as_user, thea, recording):
        page = as_user(thea).get("/recordings/").content.decode()
        for words in ("H-101 K.B.", "1 recording", "Ready", "Waits for the consultant", f"/recordings/{recording.pk}/"):
            assert words in page

    def test_empty_it_says_what_will_appear_and_how_to_begin(self, as_user, thea, family):
        page = as_user(thea).get("/recordings/").content.decode()
        assert "No recordings yet" in page
        assert "/recordings/upload/" in page

    def test_the_filters_stay_in_the_address(self, as_user, thea, harbour, recording):
        other = factories.make_consent(factories.make_family(harbour, thea, reference="H-202"))
        bare_recording(consent=other, state=Recording.State.FAILED)
        client = as_user(thea)

        def seen(query):
            rows = client.get(f"/recordings/?{query}").content.decode().split("<tbody>")[-1]
            return [reference for reference in ("H-101", "H-202") if f"{reference} " in rows]

        assert seen("") == ["H-101", "H-202"]
        assert seen("state=failed") == ["H-202"]
        assert seen(f"family={recording.family_id}") == ["H-101"]
        assert seen("state=nonsense&family=x&sort=y&page=-3") == ["H-101", "H-202"]
        assert "No recording matches" in client.get("/recordings/?state=destroyed").content.decode()

    def test_leads_can_filter_by_therapist(self, as_user, sam, thea, tom, harbour, recording):
        bare_recording(consent=factories.make_consent(factories.make_family(harbour, tom, reference="H-303")))
        page = as_user(sam).get(f"/recordings/?therapist={tom.pk}").content.decode()
        assert "H-303" in page.split("<tbody>")[1]
        assert "H-101" not in page.split("<tbody>")[1]

    def test_the_order(self, as_user, thea, harbour, recording):
        older = bare_recording(
            consent=factories.make_consent(factories.make_family(harbour, thea, reference="H-001")), session_on=factories.days_ago(40)
        )
        client = as_user(thea)

        def order(query):
            page = client.get(f"/recordings/?{query}").content.decode()
            return page.index(str(older.pk)) < page.index(str(recording.pk))

        assert not order("")
        assert order("sort=session_on")
        assert order("sort=family")

    def test_destroyed_ones_are_hidden_until_asked_for(self, as_user, thea, recording):
        destruction.destroy(recording=recording, reason="mistake", by=thea, now=timezone.now())
        client = as_user(thea)
        assert str(recording.pk) not in client.get("/recordings/").content.decode()
        assert "Destroyed: uploaded by mistake" in client.get("/recordings/?state=destroyed").content.decode()

    def test_the_number_of_queries_does_not_grow(self, as_user, sam, consent, recording):
        client = as_user(sam)
        client.get("/recordings/")

        def count():
            with CaptureQueriesContext(connection) as queries:
                client.get("/recordings/")
            return len(queries)

        before = count()
        for _ in range(10):
            bare_recording(consent=consent)
        assert count() == before

    def test_many_come_in_pages(self, as_user, thea, consent):
        for _ in range(30):
            bare_recording(consent=consent, with_key=False)
        page = as_user(thea).get("/recordings/?page=2").content.decode()
        assert "30 recordings" in page
        assert page.count("<tr>") == 6  # the head and five

    def test_the_governance_lead_sees_facts(self, as_user, iggy, recording):
        assert "H-101" in as_user(iggy).get("/recordings/").content.decode()


class TestPage:
    def test_its_life_in_order(self, page, thea):
        text = page(thea)
        places = [text.index(f"<h3>{step}</h3>") for step in ("Consent", "Upload", "Transcript", "Review", "Feedback", "Destruction")]
        assert places == sorted(places)

    def test_who_can_hear_it_who_has_and_until_when(self, page, thea, sam, cora, recording):
        listening.heard(recording=recording, person=cora, purpose="review", intervals_ms=[[0, 30_000]], now=timezone.now())
        text = " ".join(page(thea).split())
        assert "Can be heard by Cora Example, Sam Example, Thea Example, until" in text
        assert "Has been heard by Cora Example (30 s)." in text

    def test_without_agreement_to_review_the_therapist_alone_can_hear_it(self, page, thea, sam, consent):
        consent.people.update(purposes=[Purpose.RECORD])
        text = " ".join(page(thea).split())
        assert "Can be heard by Thea Example, until" in text
        assert "Nobody else listens." in text
        assert "No transcript: Caregiver M.B. has not agreed" in text

    def test_those_who_may_listen_get_a_player(self, page, thea, cora, iggy, recording):
        player = f'src="/recordings/{recording.pk}/audio/"'
        assert player in page(thea)
        assert player in page(cora)
        assert player not in page(iggy)
        assert "Its life" in page(iggy)

    def test_once_the_consent_has_ended_nobody(self, page, thea):
        Consent.objects.update(valid_until=factories.days_ago(1))
        text = page(thea)
        assert "<audio" not in text
        assert "Nobody can hear it. This consent ended on" in text

    def test_the_transcript_with_its_warning_times_and_doubts(self, page, thea, recording):
        transcribed(recording)
        text = page(thea)
        assert "Machine transcript: it can be wrong. Listen before you rely on it." in text
        assert 'data-start="1.5"' in text
        assert "Hello &lt;both&gt; of you" in text
        assert "<s>Thanks for watching</s>" in text

    def test_no_transcript_without_agreement_even_if_there_is_one(self, page, thea, iggy, recording, consent):
        transcribed(recording)
        assert "Hello" not in page(iggy).replace("Hello,", "")
        ConsentPerson.objects.create(consent=consent, role="young_person", initials="J.B.", purposes=[Purpose.RECORD, Purpose.REVIEW])
        assert "of you" not in page(thea)

    def test_where_no_speech_was_found_the_page_says_so(self, page, thea, recording, consent):
        words = "No speech was found in this recording"
        assert words not in page(thea)
        assert "written down what was said" in page(thea)
        transcribed(recording, segments=[])
        assert words in page(thea)
        assert "listened for speech and found none" in page(thea)
        assert "written down what was said" not in page(thea)
        ConsentPerson.objects.create(consent=consent, role="young_person", initials="J.B.", purposes=[Purpose.RECORD, Purpose.REVIEW])
        assert words not in page(thea)

    def test_a_damaged_transcript_is_said_and_the_page_stays(self, page, thea, recording):
        vault.seal(recording, "features", [b"x"], now=timezone.now())
        from recordings import sealedfile

        sealedfile.path_of(recording.objects_sealed.get(kind="features").pk).write_bytes(b"PLMB")
        assert "is damaged or missing" in page(thea)

    def test_while_it_is_processed_the_page_shows_how_far(self, as_user, thea, consent):
        recording = bare_recording(consent=consent)
        pipeline.submit(recording=recording, now=timezone.now())
        text = as_user(thea).get(f"/recordings/{recording.pk}/").content.decode()
        assert f'hx-get="/recordings/{recording.pk}/status/"' in text
        assert "<audio" not in text

    def test_when_processing_stopped_it_can_be_tried_again(self, as_user, thea, cora, consent):
        recording = bare_recording(consent=consent, state=Recording.State.FAILED)
        Processing.objects.create(recording=recording, queued_at=timezone.now(), state=Processing.State.FAILED, failure="It took too long.")
        path = f"/recordings/{recording.pk}/"
        assert "It took too long." in as_user(thea).get(path).content.decode()
        assert f"{path}retry/" in as_user(thea).get(path).content.decode()
        assert f"{path}retry/" not in as_user(cora).get(path).content.decode()

    def test_the_consultant_can_begin_the_review(self, page, cora, sam, thea, recording):
        link = f'href="/recordings/review/{recording.pk}/"'
        assert "Listen and review" in page(cora), link
        assert "Listen and review" not in page(sam)
        assert "Listen and review" not in page(thea)

    def test_released_feedback_brings_the_end_nearer(self, page, thea, cora, recording):
        released(recording, cora)
        day = factories.today() + dt.timedelta(days=28)
        assert f"{day.day} {day:%b}" in page(thea)

    def test_the_number_of_queries_is_bounded(self, as_user, thea, recording, django_assert_max_num_queries):
        client = as_user(thea)
        client.get(f"/recordings/{recording.pk}/")
        with django_assert_max_num_queries(45):
            client.get(f"/recordings/{recording.pk}/")


class TestDeletion:
    def test_it_asks_for_the_reason_and_gives_a_certificate(self, as_user, thea, recording):
        client = as_user(thea)
        url = f"/recordings/{recording.pk}/delete/"
        assert "cannot be undone" in client.get(url).content.decode()
        assert client.post(url, {"note": " "}).status_code == 422
        response = client.post(url, {"note": "The wrong session"}, follow=True)
        assert response.redirect_chain == [(f"/recordings/{recording.pk}/certificate/", 302)]
        text = response.content.decode()
        recording.refresh_from_db()
        for words in (
            "Certificate of destruction",
            "Uploaded by mistake: The wrong session",
            str(recording.certificate.reference),
            "Thea Example",
        ):
            assert words in text
        assert recording.state == Recording.State.DESTROYED

    def test_the_therapist_until_a_review_has_begun_the_supervisor_always(self, as_user, thea, sam, cora, iggy, recording):
        url = f"/recordings/{recording.pk}/delete/"
        assert as_user(cora).get(url).status_code == 403
        assert as_user(iggy).get(url).status_code == 403
        assert as_user(thea).get(url).status_code == 200
        released(recording, cora)
        assert as_user(thea).get(url).status_code == 403
        assert as_user(sam).get(url).status_code == 200

    def test_the_tombstone(self, page, thea, recording):
        destruction.destroy(recording=recording, reason="withdrawal", by=thea, now=timezone.now())
        text = " ".join(page(thea).split())
        assert "Nobody can hear it any more." in text
        assert "Consent withdrawn. Nothing that was said can be heard or read any more." in text
        assert "<audio" not in text
        assert "SHA-256" in page(thea, "certificate/")

    def test_no_certificate_for_what_is_kept(self, as_user, thea, recording):
        assert as_user(thea).get(f"/recordings/{recording.pk}/certificate/").status_code == 404

    def test_destroyed_twice_it_stays_destroyed(self, as_user, thea, recording):
        client = as_user(thea)
        client.post(f"/recordings/{recording.pk}/delete/", {"note": "x"})
        assert client.post(f"/recordings/{recording.pk}/delete/", {"note": "y"}).status_code == 403
        assert ledger.claim(recording.pk, now=timezone.now()) is None
