"""Sending a recording: what is taken, what is refused, and that a refusal changes nothing."""

import datetime as dt
import threading

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from recordings import audio, keystore, uploads, vault, withdrawal
from recordings.models import Consent, ConsentPerson, Processing, Purpose, Recording, SealedObject
from supervision.models import Membership
from tests import factories
from tests.recordings.making import bare_recording, tone, upload, wav

pytestmark = pytest.mark.django_db
GOOD = tone(25)
PURPOSES = (vault.KEPT, vault.INCOMING, vault.Staging.KIND)


@pytest.fixture(autouse=True)
def quiet_queue(settings):
    """Recordings are entered in the ledger; no worker runs here."""
    settings.TASKS_URL = "db://"


@pytest.fixture
def family(harbour, thea):
    return factories.make_family(harbour, thea)


@pytest.fixture
def consent(family):
    return factories.make_consent(family)


def nothing_was_kept():
    return (
        not Recording.objects.exists()
        and not SealedObject.objects.exists()
        and not [path for path in settings.VAULT_DIR.rglob("*") if path.is_file()]
        and not [key for purpose in PURPOSES for key in keystore.older_than(timezone.now() + dt.timedelta(days=1), purpose=purpose)]
    )


def staged(content=GOOD):
    staging = vault.Staging()
    staging.write(content)
    return staging


def receive(consent, by, content=GOOD, **changes):
    with staged(content) as staging:
        return uploads.receive(
            **{"consent": consent, "session_on": factories.today(), "staged": staging, "by": by, "now": timezone.now(), **changes}
        )


class TestTaken:
    def test_it_is_sealed_measured_and_handed_on(self, as_user, thea, consent):
        response = upload(as_user(thea), consent, GOOD)
        recording = Recording.objects.get()
        assert (response.status_code, response["Location"]) == (302, f"/recordings/{recording.pk}/")
        assert abs(recording.duration_ms - 25_000) < 100
        assert recording.size == len(GOOD)
        assert -40 < recording.mean_db < 0
        assert (recording.therapist, recording.team, recording.family) == (thea, consent.family.team, consent.family)
        assert Processing.objects.get().recording == recording
        with vault.open_sealed(SealedObject.objects.get()) as reader:
            assert reader.read() == GOOD

    def test_only_its_sealed_original_lies_on_the_disk(self, as_user, thea, consent):
        upload(as_user(thea), consent, GOOD)
        (path,) = [path for path in settings.VAULT_DIR.rglob("*") if path.is_file()]
        assert GOOD[1000:1100] not in path.read_bytes()
        assert not keystore.older_than(timezone.now() + dt.timedelta(days=1), purpose="staging")

    def test_the_files_name_is_kept_nowhere(self, as_user, thea, consent, caplog):
        upload(as_user(thea), consent, GOOD, name="Blodwen Prydderch 3 May.wav")
        recording = Recording.objects.get()
        assert "Blodwen" not in str({**recording.__dict__, **SealedObject.objects.get().__dict__})
        assert "Blodwen" not in caplog.text

    def test_the_page_says_length_and_level(self, as_user, thea, consent):
        client = as_user(thea)
        page = client.get(upload(client, consent, GOOD)["Location"]).content.decode()
        assert "Your recording is safe: 25 seconds. The level is good" in page

    def test_a_supervisor_may_send_for_the_therapist(self, as_user, sam, thea, consent):
        upload(as_user(sam), consent, GOOD)
        assert Recording.objects.get().therapist == thea

    def test_sent_twice_it_is_one_recording_and_both_lead_there(self, as_user, thea, consent):
        client = as_user(thea)
        first, second = upload(client, consent, GOOD), upload(client, consent, GOOD)
        assert first["Location"] == second["Location"]
        assert Recording.objects.count() == 1

    def test_what_was_destroyed_may_come_again_with_a_new_consent(self, as_user, thea, consent, family):
        client = as_user(thea)
        upload(client, consent, GOOD)
        withdrawal.withdraw(consent=consent, channel="telephone", by=thea, now=timezone.now())
        upload(client, factories.make_consent(family), GOOD)
        assert Recording.objects.kept().count() == 1


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (tone(3), "short"),
            (wav(bytes(16_000 * 2 * 25)), "heard|silent"),
            (b"Dear diary, this is no sound at all. " * 5000, "not|sound|audio"),
            (b"", "empty"),
            (GOOD[:200], ""),
            (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n" * 50, "not|sound|audio"),
        ],
        ids=["too short", "silence", "text", "empty", "damaged", "playlist"],
    )
    def test_by_its_content_in_a_sentence_and_nothing_is_kept(self, as_user, thea, consent, content, words):
        import re

        response = upload(as_user(thea), consent, content)
        assert response.status_code == 422
        (sentence,) = response.context["form"].errors["recording"]
        assert re.search(words, sentence, re.IGNORECASE), sentence
        assert sentence.endswith(".")
        assert nothing_was_kept()

    def test_too_long(self, as_user, thea, consent, settings):
        settings.RECORDING_MAX_SECONDS = 22
        response = upload(as_user(thea), consent, GOOD)
        assert "long" in response.context["form"].errors["recording"][0]
        assert nothing_was_kept()

    @pytest.mark.parametrize("limit", [len(GOOD) - 1, 1024])
    def test_too_large_before_or_while_it_comes(self, as_user, thea, consent, settings, limit):
        settings.RECORDING_MAX_BYTES = limit
        response = upload(as_user(thea), consent, GOOD)
        assert response.status_code == 422
        assert "larger than" in response.context["form"].errors["recording"][0]
        assert nothing_was_kept()

    def test_more_than_the_form_takes_in_one_piece(self, as_user, thea, consent, settings):
        settings.RECORDING_PLAIN_MAX_BYTES = len(GOOD) - 1
        response = upload(as_user(thea), consent, GOOD)
        assert response.status_code == 422
        assert "a browser with JavaScript, which can send more" in response.context["form"].errors["recording"][0]
        assert nothing_was_kept()

    def test_no_file(self, as_user, thea, consent):
        assert "Choose the recording." in upload(as_user(thea), consent, None).context["form"].errors["recording"]

    def test_a_full_disk(self, as_user, thea, consent, monkeypatch):
        def full(*args):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(vault.SealedWriter, "write", full)
        response = upload(as_user(thea), consent, GOOD)
        assert "no room left" in response.context["form"].errors["recording"][0]
        assert nothing_was_kept()

    def test_already_here_with_a_way_to_it(self, as_user, thea, consent, family):
        client = as_user(thea)
        upload(client, consent, GOOD)
        other = factories.make_consent(family)
        response = upload(client, other, GOOD)
        assert response.context["form"].errors["recording"] == ["This recording has already been uploaded."]
        assert f"/recordings/{Recording.objects.get().pk}/".encode() in response.content

    def test_already_here_but_in_another_team_shows_no_way(self, as_user, thea, olly, meadow, consent):
        theirs = factories.make_consent(factories.make_family(meadow, olly))
        upload(as_user(olly), theirs, GOOD)
        response = upload(as_user(thea), consent, GOOD)
        assert response.status_code == 422
        assert str(Recording.objects.get().pk).encode() not in response.content

    def test_a_session_that_lies_ahead(self, as_user, thea, consent):
        tomorrow = factories.today() + dt.timedelta(days=1)
        response = upload(as_user(thea), consent, GOOD, session_on=tomorrow.isoformat())
        assert "lies ahead" in response.context["form"].errors["recording"][0]

    def test_a_session_from_before_the_consent(self, as_user, thea, consent):
        response = upload(as_user(thea), consent, GOOD, session_on=factories.days_ago(11).isoformat())
        assert "before the consent was given" in response.context["form"].errors["recording"][0]
        assert nothing_was_kept()


class TestConsentIsTheGate:
    def test_nobody_asked(self, as_user, thea, family):
        response = as_user(thea).get(f"/recordings/upload/?family={family.pk}")
        assert b"has been asked yet" in response.content
        assert f"/recordings/families/{family.pk}/consent/".encode() in response.content

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"valid_until": lambda: factories.days_ago(1)}, "ended on"),
            ({"withdrawn_at": timezone.now}, "was withdrawn on"),
            ({"purposes": []}, "has not agreed to being recorded"),
        ],
    )
    def test_no_consent_in_force(self, as_user, thea, family, changes, words):
        consent = factories.make_consent(family, **factories.called(changes))
        client = as_user(thea)
        assert words in client.get(f"/recordings/upload/?family={family.pk}").content.decode()
        assert upload(client, consent, GOOD).status_code == 403
        assert nothing_was_kept()

    def test_one_person_who_said_no_is_enough(self, as_user, thea, family):
        consent = factories.make_consent(family)
        ConsentPerson.objects.create(consent=consent, role=ConsentPerson.Role.YOUNG_PERSON, initials="J.B.", purposes=[])
        assert upload(as_user(thea), consent, GOOD).status_code == 403
        with pytest.raises(uploads.UploadRefused, match=r"Young person J\.B\. has not agreed to being recorded"):
            receive(consent, thea)
        assert nothing_was_kept()

    def test_another_familys_consent_cannot_be_slipped_in(self, as_user, thea, tom, harbour, consent):
        other = factories.make_consent(factories.make_family(harbour, tom))
        response = upload(as_user(thea), consent, GOOD, named=other)
        assert response.status_code == 422
        assert "consent" in response.context["form"].errors
        assert nothing_was_kept()

    def test_withdrawn_while_the_file_came_in(self, thea, consent, monkeypatch):
        real = audio.inspect

        def inspect_and_withdraw(*args, **kwargs):
            probe = real(*args, **kwargs)
            withdrawal.withdraw(consent=Consent.objects.get(pk=consent.pk), channel="telephone", by=thea, now=timezone.now())
            return probe

        monkeypatch.setattr(audio, "inspect", inspect_and_withdraw)
        with pytest.raises(uploads.UploadRefused, match="was withdrawn"):
            receive(consent, thea)
        assert nothing_was_kept()

    def test_the_lines_say_who_agreed_to_what(self, as_user, thea, consent, family):
        page = as_user(thea).get(f"/recordings/upload/?family={family.pk}").content.decode()
        assert "Caregiver M.B.: yes to recording, review and transcript; no to rater training, teaching clips and research." in page

    def test_with_two_consents_one_says_who_was_there(self, as_user, thea, consent, family):
        both = factories.make_consent(family, given_on=factories.days_ago(2))
        ConsentPerson.objects.create(consent=both, role=ConsentPerson.Role.OTHER_FAMILY, initials="G.B.", purposes=[Purpose.RECORD])
        client = as_user(thea)
        page = client.get(f"/recordings/upload/?family={family.pk}").content.decode()
        assert "Who was in the session" in page
        upload(client, both, GOOD)
        assert Recording.objects.get().consent == both


class TestWhoMay:
    @pytest.mark.parametrize(
        ("name", "status"),
        [("thea", 200), ("sam", 200), ("bea", 200), ("tom", 404), ("cora", 404), ("ada", 404), ("iggy", 404), ("olly", 404)],
    )
    def test_the_familys_therapist_and_the_supervisors(self, request, as_user, family, consent, name, status):
        assert as_user(request.getfixturevalue(name)).get(f"/recordings/upload/?family={family.pk}").status_code == status

    @pytest.mark.parametrize("name", ["tom", "cora", "ada", "olly", "lena"])
    def test_nobody_else_by_any_other_way(self, request, consent, name):
        with pytest.raises(uploads.UploadRefused, match="cannot send"):
            receive(consent, request.getfixturevalue(name))
        assert nothing_was_kept()

    def test_not_after_leaving_the_team(self, consent, thea):
        Membership.objects.filter(user=thea).update(ends_on=factories.days_ago(1))
        with pytest.raises(uploads.UploadRefused):
            receive(consent, thea)

    def test_not_for_a_closed_family(self, as_user, thea, family, consent):
        family.closed_on = factories.days_ago(1)
        family.save()
        assert as_user(thea).get(f"/recordings/upload/?family={family.pk}").status_code == 404

    def test_a_forged_form_without_token_is_refused(self, thea, consent):
        client = Client(enforce_csrf_checks=True)
        client.force_login(thea)
        assert upload(client, consent, GOOD).status_code == 403
        assert nothing_was_kept()

    def test_a_token_in_the_form_is_enough(self, thea, consent):
        client = Client(enforce_csrf_checks=True)
        client.force_login(thea)
        client.get(f"/recordings/upload/?family={consent.family_id}")
        token = client.cookies["csrftoken"].value
        assert upload(client, consent, GOOD, csrfmiddlewaretoken=token).status_code == 302

    def test_one_family_needs_no_choice(self, as_user, thea, family, consent):
        assert as_user(thea).get("/recordings/upload/")["Location"].endswith(f"?family={family.pk}")

    def test_several_are_listed_with_what_is_missing(self, as_user, thea, harbour, consent):
        factories.make_family(harbour, thea)
        page = as_user(thea).get("/recordings/upload/").content.decode()
        assert "yes to recording" in page
        assert "Nobody has been asked yet." in page

    @pytest.mark.parametrize("family", ["x", "-1", "9" * 30, "0", "１"])
    def test_a_family_that_is_none(self, as_user, thea, family):
        assert as_user(thea).get("/recordings/upload/", {"family": family}).status_code == 404


def test_an_upload_that_breaks_off_leaves_nothing(as_user, thea, consent, rf):
    from django.http import UnreadablePostError

    from recordings.views.uploads import upload as view

    class Broken:
        def __init__(self, data):
            self.data = data

        def read(self, size=-1):
            if not self.data:
                raise OSError("the client went away")
            part, self.data = self.data[:size], self.data[size:]
            return part

    boundary = "x" * 20
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="recording"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    request = rf.generic(
        "POST", f"/recordings/upload/?family={consent.family_id}", b"x", content_type=f"multipart/form-data; boundary={boundary}"
    )
    request.META["CONTENT_LENGTH"] = str(len(GOOD))
    request._stream = request.environ["wsgi.input"] = Broken(head.encode() + GOOD[:300_000])
    request.user = thea
    request._dont_enforce_csrf_checks = True
    with pytest.raises(UnreadablePostError):
        view(request)
    assert nothing_was_kept()


@pytest.mark.django_db(transaction=True)
def test_the_same_bytes_at_the_same_time_are_one_recording(thea, consent):
    start, results = threading.Barrier(3), []

    def send():
        try:
            with staged() as staging:
                start.wait()
                results.append(uploads.receive(consent=consent, session_on=factories.today(), staged=staging, by=thea, now=timezone.now()))
        except uploads.AlreadyUploaded as refusal:
            results.append(refusal)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert connection.vendor
    assert sum(isinstance(result, Recording) for result in results) == 1
    assert sum(isinstance(result, uploads.AlreadyUploaded) for result in results) == 2
    assert Recording.objects.count() == SealedObject.objects.count() == 1
    assert len(list(settings.VAULT_DIR.rglob("*.sealed"))) == 1


@pytest.mark.parametrize(("mean", "peak", "words"), [(-23, -3, "good"), (-60, -30, "very quiet"), (-8, 0.0, "distorted"), (None, None, "")])
def test_the_level_in_words(mean, peak, words):
    assert words in uploads.level_sentence(bare_recording(mean_db=mean, peak_db=peak))


def test_what_goes_wrong_after_the_recording_was_kept_does_not_undo_it(thea, consent, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr(keystore, "settle", fail)
    with pytest.raises(RuntimeError):
        receive(consent, thea)
    with vault.open_sealed(SealedObject.objects.get()) as reader:
        assert reader.read() == GOOD


def test_a_wrong_vault_key_stops_the_start(tmp_path):
    import os
    import subprocess
    import sys

    environment = {**os.environ, "DEBUG": "1", "PLUMBLINE_DATA": str(tmp_path), "PLUMBLINE_VAULT_KEY": "not a key"}
    run = subprocess.run([sys.executable, "manage.py", "check"], env=environment, capture_output=True, text=True, cwd=settings.BASE_DIR)
    assert run.returncode != 0
    assert "PLUMBLINE_VAULT_KEY must be 32 bytes in base64" in run.stderr


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "less than a second"), (25, "25 seconds"), (60, "1 minute"), (3600, "1 hour"), (21_725, "6 hours 2 minutes 5 seconds")],
)
def test_how_long_a_recording_is_is_said_in_hours(seconds, words):
    assert uploads.length_words(seconds * 1000) == words
