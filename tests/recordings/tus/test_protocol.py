"""Resumable uploads by tus 1.0.0: every answer of the protocol, and that the bytes are the same at the end."""

import datetime as dt

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.utils import timezone

from recordings import audio, tus
from recordings.models import Recording, SealedObject, Upload
from tests import factories
from tests.recordings.tus.left import GOOD, HALF, files, keys, nothing_is_left, original
from tests.recordings.tus_client import checksum, said

pytestmark = pytest.mark.django_db


class TestTheWholeWay:
    def test_in_two_parts_it_becomes_a_recording(self, thea_sends, thea, consent):
        address = thea_sends.begin(len(GOOD))
        first = thea_sends.patch(address, 0, GOOD[:HALF])
        assert (first.status_code, first["Upload-Offset"]) == (204, str(HALF))
        last = thea_sends.patch(address, HALF, GOOD[HALF:])
        recording = Recording.objects.get()
        assert (last.status_code, last["Upload-Offset"], last["X-Recording"]) == (204, str(len(GOOD)), f"/recordings/{recording.pk}/")
        assert original() == GOOD
        assert (recording.consent, recording.therapist, recording.size) == (consent, thea, len(GOOD))

    def test_afterwards_only_the_recordings_original_lies_there(self, thea_sends):
        thea_sends.patch(thea_sends.begin(len(GOOD)), 0, GOOD)
        (path,) = files()
        assert path.stem == str(SealedObject.objects.get().pk)
        assert not keys()
        upload = Upload.objects.get()
        assert (upload.state, bytes(upload.name_sealed), upload.recording) == (Upload.State.FINISHED, b"", Recording.objects.get())

    def test_it_is_sealed_from_the_first_byte(self, thea_sends):
        thea_sends.patch(thea_sends.begin(len(GOOD), filename="Blodwen.wav"), 0, GOOD[:HALF])
        assert files()
        for path in files():
            assert GOOD[2000:2050] not in path.read_bytes()
        assert b"Blodwen" not in bytes(Upload.objects.get().name_sealed)

    def test_a_client_that_missed_the_end_hears_it_by_asking(self, thea_sends):
        address = thea_sends.begin(len(GOOD))
        thea_sends.patch(address, 0, GOOD)
        head = thea_sends.head(address)
        assert (head["Upload-Offset"], head["X-Recording"]) == (str(len(GOOD)), f"/recordings/{Recording.objects.get().pk}/")
        again = thea_sends.patch(address, len(GOOD), b"")
        assert (again.status_code, again["X-Recording"]) == (204, head["X-Recording"])

    def test_a_client_that_a_proxy_cut_off_during_the_last_look_waits_and_hears_the_end_by_asking(self, thea_sends, monkeypatch):
        """Looking at three hours of sound takes longer than proxies wait. Who sends the end once more is told to come again."""
        address = thea_sends.begin(len(GOOD))
        thea_sends.patch(address, 0, GOOD[:HALF])
        look, meanwhile = audio.inspect, []

        def long_look(*args, **kwargs):
            meanwhile.append(thea_sends.head(address))
            meanwhile.append(thea_sends.patch(address, HALF, GOOD[HALF:]))
            return look(*args, **kwargs)

        with monkeypatch.context() as patched:
            patched.setattr("recordings.uploads.audio.inspect", long_look)
            thea_sends.patch(address, HALF, GOOD[HALF:])
        head, again = meanwhile
        assert (head.status_code, head["Upload-Offset"], "X-Recording" in head) == (200, str(HALF), False)
        assert (again.status_code, again.json()["error"]) == (423, str(tus.Busy()))
        assert thea_sends.head(address)["X-Recording"] == f"/recordings/{Recording.objects.get().pk}/"
        assert thea_sends.patch(address, HALF, GOOD[HALF:]).status_code == 409  # which leads a client to ask, and so to the recording
        assert original() == GOOD

    def test_the_last_part_counts_only_with_the_verdict(self, thea_sends, monkeypatch):
        """The service is killed while it looks at the sound: the client finds its last bytes missing and sends them again."""
        address = thea_sends.begin(len(GOOD))
        thea_sends.patch(address, 0, GOOD[:HALF])

        def killed(*args, **kwargs):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("recordings.uploads.audio.inspect", killed)
            with pytest.raises(KeyboardInterrupt):
                thea_sends.patch(address, HALF, GOOD[HALF:])
        assert thea_sends.offset(address) == HALF
        assert thea_sends.patch(address, HALF, GOOD[HALF:]).status_code == 204
        assert original() == GOOD

    def test_a_day_later(self, thea_sends):
        address = thea_sends.begin(len(GOOD))
        thea_sends.patch(address, 0, GOOD[:HALF])
        Upload.objects.update(began_at=timezone.now() - dt.timedelta(hours=24), changed_at=timezone.now() - dt.timedelta(hours=24))
        assert tus.expire(now=timezone.now() + dt.timedelta(hours=24)) == 0
        assert thea_sends.patch(address, thea_sends.offset(address), GOOD[HALF:]).status_code == 204
        assert original() == GOOD


class TestTheProtocol:
    def test_options_say_what_there_is_whatever_version_is_asked_for(self, thea_sends, settings):
        response = thea_sends.options(version="0.2.2")
        assert response.status_code == 204
        assert response["Tus-Version"] == "1.0.0"
        assert response["Tus-Extension"] == "creation,expiration,checksum,termination"
        assert response["Tus-Max-Size"] == str(settings.RECORDING_MAX_BYTES)
        assert "sha1" in response["Tus-Checksum-Algorithm"].split(",")

    @pytest.mark.parametrize("version", ["", "0.2.2", "1.0.1"])
    def test_any_other_version_is_412_and_changes_nothing(self, thea_sends, version):
        address = thea_sends.begin(len(GOOD))
        for response in (
            thea_sends.create(len(GOOD), version=version),
            thea_sends.head(address, version=version),
            thea_sends.patch(address, 0, GOOD[:100], version=version),
            thea_sends.delete(address, version=version),
        ):
            assert (response.status_code, response["Tus-Version"]) == (412, "1.0.0")
        assert thea_sends.offset(address) == 0
        assert Upload.objects.count() == 1

    def test_every_answer_names_the_version(self, thea_sends, client_of, tom):
        address = thea_sends.begin(len(GOOD))
        answers = [
            thea_sends.create(10),
            thea_sends.create(-1),
            thea_sends.head(address),
            thea_sends.patch(address, 5, b"x"),
            thea_sends.patch(address, 0, b"x", content_type="text/plain"),
            client_of(tom).head(address),
            client_of(None).head(address),
            thea_sends.delete(address),
            thea_sends.head(address),
        ]
        assert [response.status_code for response in answers] == [201, 400, 200, 409, 415, 404, 401, 204, 410]
        assert {response["Tus-Resumable"] for response in answers} == {"1.0.0"}

    def test_head_says_how_far_it_is_and_is_never_stored(self, thea_sends):
        address = thea_sends.begin(len(GOOD), filename="Blodwen.wav")
        thea_sends.patch(address, 0, GOOD[:1000])
        head = thea_sends.head(address)
        assert (head.status_code, head["Upload-Offset"], head["Upload-Length"]) == (200, "1000", str(len(GOOD)))
        assert head["Cache-Control"] == "no-store"
        assert said(session_on=factories.today()) in head["Upload-Metadata"]
        assert "QmxvZHdlb" not in head["Upload-Metadata"]

    @pytest.mark.parametrize("length", ["-1", "x", "", "1.5", "9" * 30, "１"])
    def test_a_length_that_is_none_is_400(self, thea_sends, length):
        if length.isascii():
            assert thea_sends.create(length).status_code == 400
        assert not Upload.objects.exists()

    def test_without_a_length_or_with_a_later_one_400(self, thea_sends):
        metadata = said(consent=thea_sends.consent.pk)
        assert thea_sends.send("POST", "/recordings/uploads/", content_type="", Upload_Metadata=metadata).status_code == 400
        assert thea_sends.create(10, Upload_Defer_Length=1).status_code == 400

    def test_what_is_not_offered_is_not_half_honoured(self, thea_sends):
        assert thea_sends.create(10, Upload_Concat="partial").status_code == 400
        metadata = said(consent=thea_sends.consent.pk)
        with_bytes = thea_sends.send("POST", "/recordings/uploads/", body=b"abc", Upload_Length=10, Upload_Metadata=metadata)
        assert with_bytes.status_code == 400
        assert nothing_is_left()

    def test_too_large_is_413(self, thea_sends, settings):
        settings.RECORDING_MAX_BYTES = 1000
        response = thea_sends.create(1001)
        assert response.status_code == 413
        assert "larger than" in response.json()["error"]
        assert nothing_is_left()

    def test_an_empty_recording_is_not_begun(self, thea_sends):
        assert thea_sends.create(0).status_code == 422
        assert nothing_is_left()

    @pytest.mark.parametrize("metadata", ["consent", "consent MQ==,consent MQ==", "consent *", "consent /w==", ",", "filename YQ=="])
    def test_metadata_that_is_none_is_400(self, thea_sends, metadata):
        assert thea_sends.create(10, Upload_Metadata=metadata).status_code == 400

    def test_the_wrong_content_type_is_415(self, thea_sends):
        address = thea_sends.begin(len(GOOD))
        assert thea_sends.patch(address, 0, GOOD[:10], content_type="application/octet-stream").status_code == 415
        assert thea_sends.offset(address) == 0

    def test_a_form_is_never_read(self, thea_sends):
        response = thea_sends.send(
            "POST", "/recordings/uploads/", content_type="multipart/form-data; boundary=x", body=b"--x--", Upload_Length=9
        )
        assert response.status_code == 415

    @pytest.mark.parametrize("offset", [0, 99, 101, 10**9])
    def test_a_wrong_offset_is_409_and_changes_nothing(self, thea_sends, offset):
        address = thea_sends.begin(len(GOOD))
        thea_sends.patch(address, 0, GOOD[:100])
        before = len(files())
        assert thea_sends.patch(address, offset, GOOD[:50]).status_code == 409
        assert thea_sends.offset(address) == 100
        assert len(files()) == before

    @pytest.mark.parametrize("offset", ["", "-1", "x"])
    def test_an_offset_that_is_none_is_400(self, thea_sends, offset):
        assert thea_sends.patch(thea_sends.begin(10), offset, b"x").status_code == 400

    def test_more_bytes_than_were_announced_are_413(self, thea_sends):
        address = thea_sends.begin(100)
        assert thea_sends.patch(address, 0, bytes(101)).status_code == 413
        assert thea_sends.offset(address) == 0

    def test_bytes_without_a_length_are_411(self, thea_sends):
        assert thea_sends.patch(thea_sends.begin(100), 0, b"", Transfer_Encoding="chunked").status_code == 411

    def test_no_bytes_at_all_change_nothing(self, thea_sends):
        address = thea_sends.begin(100)
        assert thea_sends.patch(address, 0, b"").status_code == 204
        assert thea_sends.offset(address) == 0

    def test_a_post_may_say_that_it_is_a_patch(self, thea_sends):
        address = thea_sends.begin(len(GOOD))
        response = thea_sends.send("POST", address, body=GOOD[:50], Upload_Offset=0, X_HTTP_Method_Override="PATCH")
        assert (response.status_code, response["Upload-Offset"]) == (204, "50")

    def test_a_get_may_not_say_that_it_is_a_delete(self, thea_sends):
        address = thea_sends.begin(len(GOOD))
        assert thea_sends.send("GET", address, content_type="", X_HTTP_Method_Override="DELETE").status_code == 405
        assert thea_sends.offset(address) == 0


class TestChecksums:
    @pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
    def test_the_right_sum_counts(self, thea_sends, algorithm):
        address = thea_sends.begin(len(GOOD))
        body = GOOD[:5000]
        response = thea_sends.patch(address, 0, body, Upload_Checksum=checksum(algorithm, body))
        assert (response.status_code, response["Upload-Offset"]) == (204, "5000")

    def test_the_wrong_sum_is_460_and_none_of_the_bytes_counts(self, thea_sends, monkeypatch):
        monkeypatch.setattr("recordings.parts.PART_BYTES", 1000)
        address = thea_sends.begin(len(GOOD))
        thea_sends.patch(address, 0, GOOD[:100])
        before = len(files())
        assert thea_sends.patch(address, 100, GOOD[100:5100], Upload_Checksum=checksum("sha1", b"other")).status_code == 460
        assert thea_sends.offset(address) == 100
        assert len(files()) == before

    def test_the_whole_in_one_with_its_sum(self, thea_sends):
        address = thea_sends.begin(len(GOOD))
        assert thea_sends.patch(address, 0, GOOD, Upload_Checksum=checksum("sha256", GOOD)).status_code == 204
        assert original() == GOOD

    def test_the_whole_with_a_wrong_sum_is_no_recording(self, thea_sends):
        address = thea_sends.begin(len(GOOD))
        assert thea_sends.patch(address, 0, GOOD, Upload_Checksum=checksum("sha256", b"")).status_code == 460
        assert not Recording.objects.exists()
        assert thea_sends.offset(address) == 0

    @pytest.mark.parametrize("header", ["md4 AAAA", "sha1", "sha1 *", "", "crc32 AAAA"])
    def test_an_unknown_sum_is_400(self, thea_sends, header):
        address = thea_sends.begin(len(GOOD))
        assert thea_sends.patch(address, 0, GOOD[:10], Upload_Checksum=header).status_code == 400
        assert thea_sends.offset(address) == 0

    def test_more_than_can_hang_on_one_sum_is_413(self, thea_sends, monkeypatch):
        monkeypatch.setattr("recordings.tus.CHECKED_AT_MOST", 100)
        address = thea_sends.begin(len(GOOD))
        assert thea_sends.patch(address, 0, GOOD[:101], Upload_Checksum=checksum("sha1", GOOD[:101])).status_code == 413


@pytest.mark.parametrize("is_set_up", [False, True])
def test_a_session_without_its_second_step_is_told_so_in_json_and_not_led_elsewhere(thea_sends, thea, settings, is_set_up):
    address = thea_sends.begin(len(GOOD))
    if is_set_up:
        TOTP.activate(thea, generate_totp_secret())
    settings.REQUIRE_MFA = True
    for response in (thea_sends.create(len(GOOD)), thea_sends.patch(address, 0, GOOD), thea_sends.delete(address)):
        assert (response.status_code, response["Tus-Resumable"], response["Cache-Control"]) == (401, "1.0.0", "no-store")
        assert response.json() == {
            "error": "Your sign-in still needs its second step. Confirm it in another tab, then go on here. What has arrived is safe."
        }
    assert thea_sends.head(address).status_code == 401
    settings.REQUIRE_MFA = False
    assert thea_sends.offset(address) == 0
