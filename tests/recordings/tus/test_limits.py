"""When an upload may not go on: expiry, termination, other people, consent, what the sound turns out to be, room."""

import datetime as dt
import email.utils
import json
import time
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from recordings import audio, keystore, tus, vault, withdrawal
from recordings.models import Recording, Upload
from supervision.models import Membership
from tests import factories
from tests.recordings.making import bare_recording, tone, wav
from tests.recordings.tus.left import GOOD, HALF, files, keys, nothing_is_left, original
from tests.recordings.tus_client import Tus, said

pytestmark = pytest.mark.django_db


class TestExpiry:
    def test_each_patch_puts_it_off(self, thea_sends, settings):
        settings.UPLOAD_EXPIRY_HOURS = 2
        address = thea_sends.begin(len(GOOD))
        Upload.objects.update(expires_at=timezone.now() + dt.timedelta(minutes=1))
        until = email.utils.parsedate_to_datetime(thea_sends.patch(address, 0, GOOD[:10])["Upload-Expires"])
        for expires_at in (until, Upload.objects.get().expires_at):
            assert abs(expires_at - timezone.now() - dt.timedelta(hours=2)) < dt.timedelta(minutes=1)

    def test_afterwards_it_is_410(self, thea_sends):
        address = thea_sends.begin(len(GOOD))
        Upload.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
        assert thea_sends.head(address).status_code == 410
        assert thea_sends.patch(address, 0, GOOD[:10]).status_code == 410

    def test_what_ran_out_is_cleared_away(self, thea_sends):
        address = thea_sends.begin(len(GOOD))
        thea_sends.patch(address, 0, GOOD[:HALF])
        assert tus.expire(now=timezone.now() + dt.timedelta(hours=47)) == 0
        assert tus.expire(now=timezone.now() + dt.timedelta(hours=49)) == 1
        assert nothing_is_left()
        assert thea_sends.head(address).status_code == 410
        assert Upload.objects.get().state == Upload.State.EXPIRED

    def test_one_that_is_being_written_is_left_alone(self, thea_sends):
        thea_sends.begin(len(GOOD))
        late = timezone.now() + dt.timedelta(hours=49)
        Upload.objects.update(lease="00000000-0000-4000-8000-000000000001", lease_until=late + dt.timedelta(seconds=20))
        assert tus.expire(now=late) == 0

    def test_what_a_crash_left_of_a_finished_one_is_cleared_away(self, thea_sends, monkeypatch):
        with monkeypatch.context() as patched:
            patched.setattr("recordings.parts.clear", lambda upload_id: None)
            address = thea_sends.begin(len(GOOD))
            thea_sends.patch(address, 0, GOOD[:HALF])
            thea_sends.delete(address)
        assert keys()
        tus.expire(now=timezone.now() + dt.timedelta(hours=1))
        assert nothing_is_left()


class TestTheLease:
    def test_a_writer_believed_dead_that_comes_back_changes_nothing(self, thea_sends, monkeypatch):
        monkeypatch.setattr("recordings.parts.PART_BYTES", 100_000)
        address = thea_sends.begin(len(GOOD))
        theirs, real, numbers = uuid.uuid4(), tus.parts.seal, []

        def seal(upload, number, incoming):
            part = real(upload, number, incoming)
            numbers.append(number)
            if number == 1:
                Upload.objects.update(lease=theirs, lease_until=timezone.now() + tus.LEASE)
            return part

        monkeypatch.setattr("recordings.tus.parts.seal", seal)
        assert thea_sends.patch(address, 0, GOOD[:HALF]).status_code == 410
        upload = Upload.objects.get()
        assert (upload.state, upload.offset, upload.lease) == (Upload.State.OPEN, 100_000, theirs)
        assert [part.size for part in upload.parts.all()] == [100_000]
        assert len(files()) == 1
        assert numbers == [0, 1]

    @pytest.mark.django_db(transaction=True)
    def test_looking_at_the_sound_may_take_longer_than_a_lease(self, thea_sends, monkeypatch):
        """Else somebody who sends the end once more would look at it beside this one, and one would undo the other."""
        real, seen = audio.inspect, []

        def long_look(*args, **kwargs):
            first, end = Upload.objects.get().lease_until, time.monotonic() + 20
            while timezone.now() <= first and time.monotonic() < end:
                time.sleep(0.02)
            seen.append(Upload.objects.get().lease_until > timezone.now())
            return real(*args, **kwargs)

        monkeypatch.setattr(tus, "LEASE", dt.timedelta(seconds=5))
        monkeypatch.setattr(tus, "BEAT_SECONDS", 0.2)
        monkeypatch.setattr(audio, "inspect", long_look)
        assert thea_sends.patch(thea_sends.begin(len(GOOD)), 0, GOOD).status_code == 204
        assert seen == [True]
        assert original() == GOOD


class TestTermination:
    def test_nothing_is_left(self, thea_sends):
        address = thea_sends.begin(len(GOOD))
        thea_sends.patch(address, 0, GOOD[:HALF])
        assert thea_sends.delete(address).status_code == 204
        assert nothing_is_left()
        assert thea_sends.head(address).status_code == 410
        assert thea_sends.patch(address, HALF, GOOD[HALF:]).status_code == 410

    def test_it_does_not_touch_a_recording_that_was_taken(self, thea_sends):
        address = thea_sends.begin(len(GOOD))
        thea_sends.patch(address, 0, GOOD)
        thea_sends.delete(address)
        assert original() == GOOD


class TestWhoMay:
    def test_nobody_elses(self, thea_sends, client_of, tom, sam, iggy):
        address = thea_sends.begin(len(GOOD))
        for other in (tom, sam, iggy):
            theirs = client_of(other)
            answers = [theirs.head(address), theirs.patch(address, 0, GOOD[:10]), theirs.delete(address), theirs.options(address)]
            answers.append(theirs.send("POST", address, content_type="", X_HTTP_Method_Override="DELETE"))
            assert {response.status_code for response in answers} == {404}
        assert thea_sends.offset(address) == 0

    def test_signed_out_is_401_in_json_and_what_came_stays(self, thea_sends, client_of, thea):
        address = thea_sends.begin(len(GOOD))
        thea_sends.patch(address, 0, GOOD[:HALF])
        thea_sends.client.logout()
        response = thea_sends.patch(address, HALF, GOOD[HALF:])
        assert response.status_code == 401
        assert "Sign in again" in response.json()["error"]
        assert client_of(thea).offset(address) == HALF

    def test_without_the_token_403(self, thea, consent):
        client = Client(enforce_csrf_checks=True)
        client.force_login(thea)
        sends = Tus(client, consent)
        assert sends.create(len(GOOD)).status_code == 403
        client.get(f"/recordings/upload/?family={consent.family_id}")
        token = client.cookies["csrftoken"].value
        address = sends.create(len(GOOD), X_CSRFToken=token)["Location"]
        assert sends.patch(address, 0, GOOD[:10]).status_code == 403
        assert sends.delete(address).status_code == 403
        assert sends.patch(address, 0, GOOD[:10], X_CSRFToken=token).status_code == 204

    def test_another_familys_consent_reads_like_none(self, thea_sends, harbour, tom):
        other = factories.make_consent(factories.make_family(harbour, tom))
        answers = [thea_sends.create(10, Upload_Metadata=said(consent=pk)) for pk in (other.pk, 10**9, "x")]
        assert {(answer.status_code, answer.content) for answer in answers} == {(422, answers[0].content)}
        assert not Upload.objects.exists()

    def test_leaving_the_team_ends_it(self, thea_sends, thea):
        address = thea_sends.begin(len(GOOD))
        thea_sends.patch(address, 0, GOOD[:HALF])
        Membership.objects.filter(user=thea).update(ends_on=factories.days_ago(1))
        assert thea_sends.patch(address, HALF, GOOD[HALF:]).status_code == 422
        assert nothing_is_left()


class TestConsentIsTheGate:
    def test_at_the_beginning(self, thea_sends, consent):
        consent.withdrawn_at = timezone.now()
        consent.save()
        response = thea_sends.create(len(GOOD))
        assert response.status_code == 422
        assert "was withdrawn" in response.json()["error"]
        assert nothing_is_left()

    def test_withdrawn_on_the_way_everything_goes_at_once(self, thea_sends, thea, consent):
        address = thea_sends.begin(len(GOOD))
        thea_sends.patch(address, 0, GOOD[:HALF])
        withdrawal.withdraw(consent=consent, channel="telephone", by=thea, now=timezone.now())
        tus.end_all(consent=consent, now=timezone.now())
        assert nothing_is_left()
        assert thea_sends.patch(address, HALF, GOOD[HALF:]).status_code == 410

    def test_what_another_family_agreed_to_goes_on(self, thea_sends, client_of, harbour, tom, consent):
        toms = client_of(tom)
        toms.consent = factories.make_consent(factories.make_family(harbour, tom))
        mine, other = thea_sends.begin(len(GOOD)), toms.begin(len(GOOD))
        toms.patch(other, 0, GOOD[:HALF])
        assert tus.end_all(consent=consent, now=timezone.now()) == 1
        assert thea_sends.head(mine).status_code == 410
        assert toms.patch(other, HALF, GOOD[HALF:]).status_code == 204
        assert original() == GOOD

    def test_withdrawn_while_bytes_come_none_of_them_stays(self, thea_sends, consent, monkeypatch):
        monkeypatch.setattr("recordings.parts.PART_BYTES", 100_000)
        address = thea_sends.begin(len(GOOD))
        real, calls = tus.parts.seal, []

        def seal_and_withdraw(*args):
            calls.append(1)
            if len(calls) == 3:
                tus.end_all(consent=consent, now=timezone.now())
            return real(*args)

        monkeypatch.setattr("recordings.tus.parts.seal", seal_and_withdraw)
        assert thea_sends.patch(address, 0, GOOD[:HALF]).status_code == 410
        assert nothing_is_left()

    def test_withdrawn_while_the_sound_is_looked_at(self, thea_sends, consent, monkeypatch):
        real = audio.inspect

        def inspect_and_end(*args, **kwargs):
            probe = real(*args, **kwargs)
            tus.end_all(consent=consent, now=timezone.now())
            return probe

        monkeypatch.setattr(audio, "inspect", inspect_and_end)
        assert thea_sends.patch(thea_sends.begin(len(GOOD)), 0, GOOD).status_code == 410
        assert nothing_is_left()

    def test_given_up_after_its_sound_was_sealed_again_it_does_not_come_about(self, thea_sends, thea, monkeypatch):
        """The last moment: all that is left to do is to enter it."""
        real = vault.seal_original

        def seal_and_end(*args, **kwargs):
            row = real(*args, **kwargs)
            tus.end(upload=Upload.objects.get(), by=thea, now=timezone.now())
            return row

        monkeypatch.setattr(vault, "seal_original", seal_and_end)
        assert thea_sends.patch(thea_sends.begin(len(GOOD)), 0, GOOD).status_code == 410
        assert nothing_is_left()
        assert keystore.older_than(timezone.now() + dt.timedelta(days=1), purpose=vault.INCOMING) == []

    def test_a_session_before_the_consent(self, thea_sends):
        response = thea_sends.create(len(GOOD), session_on=factories.days_ago(11))
        assert "before the consent was given" in response.json()["error"]


class TestTheVerdict:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (tone(3), "shortest"),
            (wav(bytes(16_000 * 2 * 25)), "heard"),
            (b"Dear diary. " * 5000, "not an audio"),
            (GOOD[:200_000], "stops after"),
        ],
        ids=["too short", "silent", "text", "cut off"],
    )
    def test_what_cannot_be_used_is_refused_with_its_reason_and_nothing_stays(self, thea_sends, content, words):
        address = thea_sends.begin(len(content))
        thea_sends.patch(address, 0, content[:1000])
        response = thea_sends.patch(address, 1000, content[1000:])
        assert response.status_code == 422
        assert words in response.json()["error"]
        assert nothing_is_left()
        upload = Upload.objects.get()
        assert (upload.state, upload.refusal) == (Upload.State.REFUSED, response.json()["error"])
        assert thea_sends.head(address).status_code == 410

    def test_the_same_recording_again_leads_to_the_first(self, thea_sends):
        thea_sends.patch(thea_sends.begin(len(GOOD)), 0, GOOD)
        response = thea_sends.patch(thea_sends.begin(len(GOOD)), 0, GOOD)
        recording = Recording.objects.get()
        assert response.json() == {"error": "This recording has already been uploaded.", "url": f"/recordings/{recording.pk}/"}

    def test_the_same_recording_that_came_in_meanwhile_does_too_and_no_other(self, thea_sends, monkeypatch):
        another = bare_recording()
        real, first, second = vault.seal_original, thea_sends.begin(len(GOOD)), thea_sends.begin(len(GOOD))

        def overtaken(*args, **kwargs):
            monkeypatch.setattr(vault, "seal_original", real)
            assert thea_sends.patch(second, 0, GOOD).status_code == 204
            return real(*args, **kwargs)

        monkeypatch.setattr(vault, "seal_original", overtaken)
        refused = thea_sends.patch(first, 0, GOOD)
        kept = Recording.objects.exclude(pk=another.pk).get()
        assert refused.json() == {"error": "This recording has already been uploaded.", "url": f"/recordings/{kept.pk}/"}
        assert original() == GOOD
        assert len(files()) == 1
        assert keystore.older_than(timezone.now() + dt.timedelta(days=1), purpose=vault.INCOMING) == []

    def test_without_ffmpeg_it_waits(self, thea_sends, monkeypatch):
        def missing(*args, **kwargs):
            raise audio.UnreadableAudio(audio.NO_FFMPEG, "no_ffmpeg")

        address = thea_sends.begin(len(GOOD))
        with monkeypatch.context() as patched:
            patched.setattr(audio, "inspect", missing)
            assert thea_sends.patch(address, 0, GOOD).status_code == 503
        assert thea_sends.patch(address, thea_sends.offset(address), GOOD).status_code == 204


class TestRoom:
    def test_at_most_so_many_at_once(self, thea_sends):
        for _ in range(tus.OPEN_AT_MOST):
            thea_sends.begin(len(GOOD))
        response = thea_sends.create(len(GOOD))
        assert response.status_code == 422
        assert "20 unfinished uploads" in response.json()["error"]
        assert len(keys()) == tus.OPEN_AT_MOST

    def test_a_full_disk_refuses_the_beginning(self, thea_sends, monkeypatch):
        monkeypatch.setattr("recordings.tus._free", lambda: tus.ROOM_LEFT + 2 * len(GOOD) - 1)
        assert "no room" in thea_sends.create(len(GOOD)).json()["error"]
        monkeypatch.setattr("recordings.tus._free", lambda: tus.ROOM_LEFT + 3 * len(GOOD))
        thea_sends.begin(len(GOOD))
        assert thea_sends.create(len(GOOD) + 1).status_code == 422  # what the first may still bring is counted
        assert len(keys()) == 1

    def test_a_disk_that_fills_on_the_way_keeps_what_is_durable(self, thea_sends, monkeypatch):
        monkeypatch.setattr("recordings.parts.PART_BYTES", 100_000)
        address = thea_sends.begin(len(GOOD))
        real, written = vault.SealedWriter.write, []

        def full(writer, data):
            written.append(len(data))
            if sum(written) > 250_000:
                raise OSError(28, "No space left on device")
            return real(writer, data)

        with monkeypatch.context() as patched:
            patched.setattr(vault.SealedWriter, "write", full)
            response = thea_sends.patch(address, 0, GOOD)
        assert response.status_code == 507
        assert "What has arrived is safe" in response.json()["error"]
        kept = thea_sends.offset(address)
        assert kept == 200_000
        assert len(files()) == 2
        assert thea_sends.patch(address, kept, GOOD[kept:]).status_code == 204
        assert original() == GOOD


def test_no_log_names_the_file_or_the_family(thea_sends, caplog, consent):
    caplog.set_level("DEBUG")
    address = thea_sends.begin(len(GOOD), filename="Blodwen Prydderch.wav")
    thea_sends.patch(address, 0, b"no sound at all" * 2000)
    thea_sends.delete(address)
    assert "Blodwen" not in caplog.text
    assert consent.family.reference not in caplog.text


def test_a_name_is_shown_to_its_owner_as_data(thea_sends):
    thea_sends.begin(len(GOOD), filename="a\u202etxt\n.wav" + "x" * 400)
    from recordings.declared import label

    assert label(Upload.objects.get()).name == ("atxt.wav" + "x" * 400)[:255]
    assert json.loads(json.dumps(label(Upload.objects.get()).name))
