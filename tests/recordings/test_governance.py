"""The information governance lead's pages, the certificate, and what a supervisor does about keeping: as people meet them."""

import csv
import io

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from wagtail.models import ModelLogEntry

from recordings import destruction, governance, keeping, legalhold, listening, vault, withdrawal
from recordings.models import DestructionCertificate, LegalHold, Recording, ResearchExport, RetentionExtension, TranscriptRun
from tests.recordings import keeping_setup as setup
from tests.recordings.keeping_setup import DAY

pytestmark = pytest.mark.django_db


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
def gone(harbour, thea, sam, now):
    recording = setup.sealed_recording(harbour, thea, now=now)
    destruction.destroy(recording=recording, reason="mistake", note="=cmd|calc", by=sam, now=now)
    return recording


@pytest.fixture
def look(as_user, iggy):
    def look(name="governance", **query):
        return as_user(iggy).get(reverse(f"recordings:{name}"), query)

    return look


def text(response):
    assert response.status_code == 200
    return response.content.decode()


def rows(response):
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


class TestRecordings:
    def test_state_consent_day_and_hold(self, recording, gone, sam, iggy, now, today, look):
        setup.held(recording, sam, iggy, now=now)
        page = text(look())
        for words in (recording.family.reference, "In force", f"Until {today + 30 * DAY:%-d %B %Y}", "1 recording"):
            assert words in page
        assert gone.family.reference not in page
        assert gone.family.reference in text(look(show="all"))
        assert recording.family.reference in text(look(show="held"))
        assert recording.family.reference not in text(look(show="withdrawn"))

    def test_withdrawn_and_held(self, recording, thea, sam, iggy, now, look):
        setup.held(recording, sam, iggy, now=now)
        withdrawal.withdraw(consent=recording.consent, channel="telephone", by=thea, now=now)
        assert "Withdrawn" in text(look(show="withdrawn"))

    def test_as_csv(self, recording, look):
        (row,) = rows(look(format="csv"))
        assert (row["recording"], row["consent"], row["state"]) == (str(recording.pk), "In force", "Ready")
        assert row["due_on"] == keeping.due_on(recording).isoformat()
        line = ModelLogEntry.objects.get(action="recordings.governance_export")
        assert line.data == {"list": "recordings", "rows": 1}

    def test_nothing_is_kept_by_the_browser(self, look):
        assert "no-store" in look()["Cache-Control"]

    def test_the_number_of_queries_does_not_grow(self, recording, harbour, thea, now, look, django_assert_max_num_queries):
        for _ in range(5):
            setup.sealed_recording(harbour, thea, now=now)
        with django_assert_max_num_queries(30):
            look(show="all")


class TestListening:
    @pytest.fixture(autouse=True)
    def heard(self, recording, sam, thea, now):
        listening.heard(recording=recording, person=sam, purpose="listen", intervals_ms=[(10_000, 55_000)], now=now)
        listening.heard(recording=recording, person=thea, purpose="listen", intervals_ms=[(0, 5_000)], now=now - 9 * DAY)

    def test_filtered_by_person_team_and_days(self, sam, meadow, today, look):
        both, one = text(look("governance-listening")), text(look("governance-listening", person=sam.pk))
        assert "0:10 to 0:55" in both
        assert "0:00 to 0:05" in both
        assert "0:00 to 0:05" not in one
        assert "Nobody has listened" in text(look("governance-listening", team=meadow.pk))
        assert "0:00 to 0:05" not in text(look("governance-listening", since=(today - DAY).isoformat()))
        assert "0:10 to 0:55" not in text(look("governance-listening", until=(today - DAY).isoformat()))

    def test_a_filter_that_makes_no_sense_is_left_out(self, look):
        assert "0:10 to 0:55" in text(look("governance-listening", since="yesterday", person="x"))

    def test_as_csv(self, sam, look):
        row = next(row for row in rows(look("governance-listening", format="csv")) if row["person"] == str(sam))
        assert (row["minutes"], row["seconds"], row["role"], row["way"]) == ("0:10 to 0:55", "45", "Supervisor", "Played")


class TestCertificates:
    def test_filtered_by_reason_team_and_days(self, gone, meadow, today, look):
        assert gone.family.reference in text(look("governance-certificates", reason="mistake", since=today.isoformat()))
        for query in ({"reason": "retention"}, {"team": meadow.pk}, {"until": (today - DAY).isoformat()}):
            assert gone.family.reference not in text(look("governance-certificates", **query))

    def test_as_csv_with_hashes_and_without_formulas(self, gone, look):
        (row,) = rows(look("governance-certificates", format="csv"))
        assert row["note"] == "'=cmd|calc"
        assert row["sha256"] == gone.certificate.items[0]["sha256"]
        assert row["on_the_word_of"] == "Sam Example"

    def test_it_says_what_was_destroyed_and_on_whose_word(self, recording, thea, sam, iggy, as_user, now):
        TranscriptRun.objects.create(recording=recording, number=1, engine="whisper", model="m", words=812, speakers=2, finished_at=now)
        vault.seal(recording, "features", [b"words"], now=now)
        vault.seal(recording, "video", [b"picture"], now=now)
        hold = setup.held(recording, sam, iggy, now=now)
        withdrawal.withdraw(consent=recording.consent, channel="telephone", by=thea, now=now)
        legalhold.release(hold=hold, by=iggy, now=now)
        destruction.finish_pending(now=now)
        page = text(as_user(thea).get(f"/recordings/{recording.pk}/certificate/"))
        for words in (
            "812 words of the transcript", "2 voices told apart", "Picture and sound", "Consent withdrawn",
            "The family. By telephone, written down by Thea Example", "ended early",
        ):  # fmt: skip
            assert words in page

    def test_retention_is_carried_out_by_the_system(self, recording, thea, as_user, now):
        Recording.objects.update(uploaded_at=now - 90 * DAY)
        destruction.finish_pending(now=now)
        assert "retention rule, carried out by the system" in text(as_user(thea).get(f"/recordings/{recording.pk}/certificate/"))

    def test_it_outlives_the_person_who_destroyed(self, gone, iggy, look):
        DestructionCertificate.objects.update(destroyed_by=None)
        assert gone.family.reference in text(look("governance-certificates"))


class TestHolds:
    def test_the_second_person_agrees_on_the_page(self, recording, sam, as_user, iggy, now, today, look):
        hold = legalhold.ask(recording=recording, reason="Complaint 12", ends_on=today + 20 * DAY, by=sam, now=timezone.now())
        assert f"Asked for: to be agreed by {date_format(today + 3 * DAY, 'j F Y')}" in text(look("governance"))
        page = text(look("governance-holds"))
        assert "Waits for agreement" in page
        assert "Complaint 12" in page
        assert reverse("recordings:hold-agree", args=[hold.pk]) in page
        answer = as_user(iggy).post(reverse("recordings:hold-agree", args=[hold.pk]), follow=True)
        assert "Nothing destroys the recording until" in answer.content.decode()
        hold.refresh_from_db()
        assert hold.agreed_by == iggy

    def test_ended_ones_are_behind_a_filter(self, recording, sam, iggy, now, look):
        legalhold.release(hold=setup.held(recording, sam, iggy, now=now), by=iggy, now=now)
        assert "No legal holds" in text(look("governance-holds"))
        assert "Ended early" in text(look("governance-holds", show="all"))

    def test_exports_are_listed_with_their_hash(self, harbour, iggy, now, today, look):
        ResearchExport.objects.create(
            programme=harbour.programme, reason="Pauses study", sessions_from=today, sessions_until=today,
            recordings=["a", "b", "c"], sha256="f" * 64, size=9, made_at=now, made_by=iggy,
        )  # fmt: skip
        page = text(look("governance-exports"))
        assert "Pauses study" in page
        assert "f" * 64 in page

    def test_keys_and_backups(self, gone, today, settings):
        settings.KEYSTORE_BACKUP_DAYS = 7
        facts = {fact.key: fact.value for fact in governance.facts(on=today)}
        assert "7 days" in facts["Backups of the key store"]
        assert facts["Destroyed, a key may be in a backup"] == "1 recording; each for 7 days"
        assert f"{today - 7 * DAY:%-d %B %Y}" in facts["Destroyed, backups included"]


class TestOnTheRecordingsPage:
    def test_a_supervisor_keeps_it_longer(self, recording, sam, as_user, today):
        client = as_user(sam)
        answer = client.post(
            reverse("recordings:extend", args=[recording.pk]), {"until": today + 120 * DAY, "reason": "Second review"}, follow=True
        )
        assert "The recording is kept until" in answer.content.decode()
        assert "Sam Example moved it to this day: Second review." in answer.content.decode()
        assert RetentionExtension.objects.get().made_by == sam

    @pytest.mark.parametrize(
        ("data", "words"), [({"reason": ""}, "Say why it is kept longer"), ({"until": "2020-01-01", "reason": "x"}, "Enter a later day")]
    )
    def test_a_form_that_is_refused_says_why(self, recording, sam, as_user, data, words):
        answer = as_user(sam).post(reverse("recordings:extend", args=[recording.pk]), data)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert not RetentionExtension.objects.exists()

    def test_a_supervisor_asks_for_a_hold_and_is_told_that_another_must_agree(self, recording, sam, as_user, today):
        client = as_user(sam)
        answer = client.post(
            reverse("recordings:hold-ask", args=[recording.pk]), {"reason": "Complaint 12", "ends_on": today + 9 * DAY}, follow=True
        )
        page = answer.content.decode()
        assert "A second person has until" in page
        hold = LegalHold.objects.get()
        assert reverse("recordings:hold-agree", args=[hold.pk]) not in page
        assert client.post(reverse("recordings:hold-agree", args=[hold.pk])).status_code == 403

    def test_the_therapist_reads_that_there_is_a_hold_and_not_why(self, recording, thea, sam, iggy, now, as_user):
        setup.held(recording, sam, iggy, now=now, reason="Complaint about the therapist")
        page = text(as_user(thea).get(f"/recordings/{recording.pk}/"))
        assert "A legal hold keeps it until" in page
        assert "Complaint" not in page

    def test_under_a_hold_it_cannot_be_deleted_and_the_page_says_so(self, recording, sam, iggy, now, as_user):
        setup.held(recording, sam, iggy, now=now)
        client = as_user(sam)
        answer = client.post(f"/recordings/{recording.pk}/delete/", {"note": "Wrong file"}, follow=True)
        assert "A legal hold keeps this recording until" in answer.content.decode()
        assert setup.is_readable(recording)
        assert f"/recordings/{recording.pk}/delete/" not in text(client.get(f"/recordings/{recording.pk}/"))

    def test_withdrawn_and_held_the_page_says_that_nobody_hears_it(self, recording, thea, sam, iggy, now, as_user):
        setup.held(recording, sam, iggy, now=now)
        withdrawal.withdraw(consent=recording.consent, channel="telephone", by=thea, now=now)
        client = as_user(sam)
        page = text(client.get(f"/recordings/{recording.pk}/"))
        assert "Nobody can hear or read it. A legal hold keeps this recording until" in page
        assert "<audio" not in page
        assert client.get(f"/recordings/{recording.pk}/audio/").status_code == 403

    def test_a_stranger_gets_404(self, recording, sam, iggy, now, olly, as_user):
        hold = setup.held(recording, sam, iggy, now=now)
        client = as_user(olly)
        for name in ("hold-agree", "hold-release"):
            assert client.post(reverse(f"recordings:{name}", args=[hold.pk])).status_code == 404
