"""Signatures, scanned forms and notes: sealed under the family's key from the first byte, shown as what they are, gone in the end."""

import base64
import datetime as dt
import sqlite3
import struct
import tempfile
import uuid
import zlib
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import casefile, replay, vault
from recordings import consent as consents
from recordings.models import Consent, ConsentPaper, FamilyKey, NameList, Recording
from recordings.views.papers import ScanUploadHandler
from tests import factories
from tests.recordings.consent_setup import shown
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db
MARKER = b"the heron stood in the reeds at Llyn Padarn"
PDF = b"%PDF-1.4\n" + MARKER + b"\n%%EOF\n"


def png(width=600, height=200):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + b"\xff" * width for _ in range(height)))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def family(harbour, thea):
    return factories.make_family(harbour, thea)


@pytest.fixture
def consent(family):
    return factories.make_consent(family)


def sealed_files():
    return list(settings.VAULT_DIR.rglob("*.sealed"))


def signed(*people, **changes):
    data = {"people-TOTAL_FORMS": "4", "people-INITIAL_FORMS": "0", "given_on": factories.today().isoformat(), "method": "signed_screen"}
    for number, person in enumerate(people):
        data |= {f"people-{number}-{name}": value for name, value in person.items()}
    return {**data, **changes}


def drawn(content=None):
    return "data:image/png;base64," + base64.b64encode(png() if content is None else content).decode()


MARY = {"role": "caregiver", "initials": "M.B.", "purposes": ["record", "review"]}


class TestSigning:
    @pytest.fixture
    def signed(self, family, url):
        return lambda *people, **changes: {**shown(family), **signed(*people, **changes)}

    @pytest.fixture
    def url(self, family):
        factories.make_wording(family.team.programme)
        return f"/recordings/families/{family.pk}/consent/"

    def test_what_was_drawn_is_sealed_with_the_person_who_drew_it(self, as_user, thea, url, signed):
        response = as_user(thea).post(url, signed({**MARY, "drawn": drawn()}))
        assert response.status_code == 302
        paper = ConsentPaper.objects.get()
        assert (paper.kind, paper.person.initials, paper.content_type) == ("signature", "M.B.", "image/png")
        assert casefile.open_paper(paper).read() == png()
        assert all(png() not in path.read_bytes() for path in sealed_files())

    def test_a_name_can_be_typed_instead(self, as_user, thea, url, signed):
        as_user(thea).post(url, signed({**MARY, "typed": "Mary Brown"}))
        assert casefile.open_paper(ConsentPaper.objects.get()).read() == b"Mary Brown"

    def test_whoever_says_no_need_not_sign(self, as_user, thea, url, signed):
        as_user(thea).post(url, signed({**MARY, "drawn": drawn()}, {"role": "other_family", "initials": "G.B."}))
        assert ConsentPaper.objects.count() == 1
        assert Consent.objects.get().people.count() == 2

    @pytest.mark.parametrize("mark", [{}, {"drawn": "data:image/png;base64,AAAA"}, {"drawn": drawn(png(width=2400))}, {"drawn": "x"}])
    def test_without_a_whole_signature_nothing_is_kept(self, as_user, thea, url, signed, mark):
        response = as_user(thea).post(url, signed({**MARY, **mark}))
        assert response.status_code == 422
        assert b"sign" in response.content
        assert not Consent.objects.exists()
        assert not sealed_files()

    def test_typing_needs_a_witness(self, as_user, thea, url, signed):
        typed = {**MARY, "typed": "Mary Brown"}
        assert as_user(thea).post(url, signed(typed, method="typed")).status_code == 422
        as_user(thea).post(url, signed(typed, method="typed", witness="social worker T.O."))
        assert Consent.objects.get().witness == "social worker T.O."

    def test_a_signature_that_came_with_another_way_is_not_kept(self, as_user, thea, url, signed):
        as_user(thea).post(url, signed({**MARY, "drawn": drawn(), "typed": "Mary Brown"}, method="signed_paper"))
        assert Consent.objects.exists()
        assert not ConsentPaper.objects.exists()

    def test_what_fails_after_the_sealing_leaves_no_file(self, family, thea, monkeypatch):
        wording = factories.make_wording(family.team.programme)
        mary = consents.Heard("caregiver", "M.B.", ["record"], casefile.signature(png()))
        monkeypatch.setattr("recordings.consent.log", lambda **fields: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            consents.record(
                family=family,
                wording=wording,
                method="signed_screen",
                given_on=factories.today(),
                people=[mary],
                by=thea,
                now=timezone.now(),
            )
        assert not Consent.objects.exists()
        assert not sealed_files()


class TestScans:
    @pytest.fixture
    def url(self, consent):
        return f"/recordings/consents/{consent.pk}/papers/"

    def send(self, client, url, content, *, name="Brown family.pdf", **fields):
        return client.post(url, {"kind": "form", "scan": SimpleUploadedFile(name, content), **fields})

    @pytest.mark.parametrize(
        ("content", "media_type", "disposition"),
        [
            (PDF, "application/pdf", "attachment"),
            (png(), "image/png", "inline"),
            (b"\xff\xd8\xff\xe0" + bytes(100), "image/jpeg", "inline"),
        ],
    )
    def test_it_is_shown_as_what_its_bytes_say(self, as_user, thea, url, content, media_type, disposition):
        client = as_user(thea)
        assert self.send(client, url, content, name="form.html").status_code == 302
        response = client.get(f"/recordings/papers/{ConsentPaper.objects.get().pk}/")
        assert b"".join(response.streaming_content) == content
        assert response["Content-Type"] == media_type
        assert response["Content-Disposition"].startswith(disposition)
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in response["Cache-Control"]
        assert response["Content-Security-Policy"].startswith("sandbox;")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"<html><script>alert(1)</script>", "not a PDF, JPEG or PNG"),
            (b"GIF89a" + bytes(50), "not a PDF, JPEG or PNG"),
            (b"", "empty"),
            (PDF + bytes(casefile.MAX_SCAN_BYTES), "larger than"),
        ],
    )
    def test_anything_else_is_refused_and_nothing_of_it_kept(self, as_user, thea, url, content, words):
        response = self.send(as_user(thea), url, content)
        assert response.status_code == 422
        assert words in response.content.decode()
        assert not ConsentPaper.objects.exists()
        assert not sealed_files()

    def test_a_form_without_a_file_says_so(self, as_user, thea, url):
        response = as_user(thea).post(url, {"kind": "form"})
        assert response.status_code == 422
        assert b"Choose the file" in response.content

    def test_neither_its_name_nor_a_word_of_it_touches_a_disk(self, as_user, thea, url, tmp_path, monkeypatch):
        """Looks into every folder after each piece of a scan that is bigger than what Django keeps in memory."""
        folder = tmp_path / "tmp"
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        places, looks = [tmp_path, Path(settings.PLUMBLINE_DATA)], []
        take = ScanUploadHandler.receive_data_chunk

        def look(handler, data, start):
            take(handler, data, start)
            files = [path for place in places for path in place.rglob("*") if path.is_file()]
            looks.append([path for path in files if MARKER in path.read_bytes()])

        monkeypatch.setattr(ScanUploadHandler, "receive_data_chunk", look)
        assert self.send(as_user(thea), url, PDF + MARKER * 100_000).status_code == 302
        assert len(looks) > 10
        assert not any(looks)
        everything = [path.read_bytes() for place in places for path in place.rglob("*") if path.is_file()]
        assert not any(MARKER in data or b"Brown family" in data for data in everything)

    def test_without_the_token_nothing_is_taken(self, client, thea, url):
        from django.test import Client

        strict = Client(enforce_csrf_checks=True)
        strict.force_login(thea)
        assert self.send(strict, url, PDF).status_code == 403
        assert not sealed_files()

    def test_a_note_about_capacity_is_sealed(self, as_user, thea, url):
        client = as_user(thea)
        client.post(url, {"kind": "capacity", "note": MARKER.decode()})
        paper = ConsentPaper.objects.get()
        response = client.get(f"/recordings/papers/{paper.pk}/")
        assert (b"".join(response.streaming_content), response["Content-Type"]) == (MARKER, "text/plain; charset=utf-8")
        assert client.post(url, {"kind": "capacity", "note": "  "}).status_code == 422

    def test_each_opening_is_written_down(self, as_user, iggy, thea, url):
        self.send(as_user(thea), url, PDF)
        paper = ConsentPaper.objects.get()
        as_user(iggy).get(f"/recordings/papers/{paper.pk}/")
        entry = ModelLogEntry.objects.get(action="recordings.paper_read")
        assert (entry.user, entry.data) == (iggy, {"paper": str(paper.pk)})

    def test_one_added_by_mistake_can_be_destroyed(self, as_user, thea, url, django_capture_on_commit_callbacks):
        self.send(as_user(thea), url, PDF)
        paper = ConsentPaper.objects.get()
        with django_capture_on_commit_callbacks(execute=True):
            as_user(thea).post(f"/recordings/papers/{paper.pk}/remove/")
        assert not ConsentPaper.objects.exists()
        assert not sealed_files()


def test_a_signature_is_not_removed(consent, thea):
    with casefile.sealed(consent.family, "signature", [casefile.signature(png())]) as sheets:
        paper = casefile.add_row(sheets[0], consent=consent, person=consent.people.get(), by=thea, now=timezone.now())
    with pytest.raises(casefile.PaperRefused, match="rests on"):
        casefile.remove_paper(paper=paper, by=thea, now=timezone.now())
    assert casefile.open_paper(paper).read() == png()


class TestTheEnd:
    @pytest.fixture
    def paper(self, consent, thea):
        casefile.set_names(family=consent.family, names=["Jayden"], by=thea, now=timezone.now())
        return casefile.keep_note(consent=consent, kind="capacity", text=MARKER.decode(), by=thea, now=timezone.now())

    def close(self, family):
        family.closed_on = factories.days_ago(1)
        family.save()

    def test_papers_outlive_a_withdrawal(self, consent, paper, thea):
        consent.withdrawn_at = timezone.now()
        consent.save()
        assert casefile.finish(timezone.now()) == 0
        assert casefile.open_paper(paper).read() == MARKER

    def test_they_stay_while_a_recording_is_kept(self, consent, paper):
        recording = bare_recording(consent=consent)
        self.close(consent.family)
        assert casefile.finish(timezone.now()) == 0
        recording.state, recording.destroyed_at = Recording.State.DESTROYED, timezone.now()
        recording.save()
        assert casefile.finish(timezone.now()) == 1

    def test_then_key_files_and_names_go_and_the_facts_stay(self, as_user, thea, consent, paper):
        key = FamilyKey.objects.get()
        self.close(consent.family)
        assert casefile.finish(timezone.now()) == 1
        assert casefile.finish(timezone.now()) == 0
        assert not vault.has_key(key.pk)
        assert not sealed_files()
        assert not NameList.objects.exists()
        assert casefile.names(consent.family) == []
        paper.refresh_from_db()
        assert paper.size == len(MARKER)
        with pytest.raises(vault.KeyGone):
            casefile.open_paper(paper)
        client = as_user(thea)
        assert client.get(f"/recordings/papers/{paper.pk}/").status_code == 410
        assert b"They were destroyed" in client.get(f"/recordings/consents/{consent.pk}/").content
        with pytest.raises(vault.KeyGone):
            casefile.set_names(family=consent.family, names=["Jayden"], by=thea, now=timezone.now())

    def test_every_family_that_is_due_goes_although_the_store_is_away(self, consent, paper, harbour, tom, settings):
        """Nothing answers at that address: a real refusal. The files go once the store is back."""
        other = factories.make_consent(factories.make_family(harbour, tom))
        casefile.set_names(family=other.family, names=["Kayleigh"], by=tom, now=timezone.now())
        casefile.keep_note(consent=other, kind="capacity", text=MARKER.decode(), by=tom, now=timezone.now())
        for each in (consent, other):
            self.close(each.family)
        for name, value in {"BUCKET": "b", "ENDPOINT_URL": "http://127.0.0.1:9", "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s"}.items():
            setattr(settings, f"S3_{name}", value)
        assert casefile.finish(timezone.now()) == 2
        assert not [key for key in FamilyKey.objects.all() if vault.has_key(key.pk)]
        assert not NameList.objects.exists()
        settings.S3_BUCKET = settings.S3_ENDPOINT_URL = settings.S3_ACCESS_KEY_ID = settings.S3_SECRET_ACCESS_KEY = ""
        assert len(sealed_files()) == 2
        assert vault.sweep(before=timezone.now() + dt.timedelta(days=1)) == 2
        assert not sealed_files()

    def test_a_restore_brings_neither_papers_nor_names_back(self, consent, paper, thea, settings):
        """Database and key store of the day before: the erasure log alone knows."""
        keys, names = settings.KEYSTORE_PATH.read_bytes(), NameList.objects.get()
        self.close(consent.family)
        now = timezone.now()
        casefile.finish(now)
        settings.KEYSTORE_PATH.write_bytes(keys)
        FamilyKey.objects.update(destroyed_at=None)
        names.save(force_insert=True)
        assert casefile.names(consent.family) == ["Jayden"]
        assert replay.is_shut()
        replay.replay(now=now + dt.timedelta(hours=1))
        assert not replay.is_shut()
        key = FamilyKey.objects.get()
        assert key.destroyed_at == now
        assert not vault.has_key(key.pk)
        assert not NameList.objects.exists()
        with pytest.raises(vault.KeyGone, match="The papers of this family have been destroyed"):
            casefile.set_names(family=consent.family, names=["Jayden"], by=thea, now=now)

    def test_the_sweep_spares_what_only_misses_its_key(self, consent, paper, settings):
        """A key store from before this family signed: the one of today may yet come back."""
        vault.create_key(uuid.uuid4())
        keys, later = settings.KEYSTORE_PATH, timezone.now() + dt.timedelta(days=1)
        today = keys.read_bytes()
        with sqlite3.connect(keys) as store:
            store.execute("DELETE FROM keys WHERE id = ?", (FamilyKey.objects.get().pk.hex,))
        assert vault.sweep(before=later) == 0
        keys.write_bytes(today)
        assert casefile.open_paper(paper).read() == MARKER
        self.close(consent.family)
        casefile.finish(timezone.now())
        assert not sealed_files()

    def test_no_second_key_is_made_beside_what_the_missing_one_sealed(self, as_user, thea, consent, paper, settings):
        """Else neither would open everything once the first is back; and nothing missing is called destroyed."""
        vault.create_key(uuid.uuid4())
        keys, key = settings.KEYSTORE_PATH, FamilyKey.objects.get()
        today = keys.read_bytes()
        with sqlite3.connect(keys) as store:
            store.execute("DELETE FROM keys WHERE id = ?", (key.pk.hex,))
        client = as_user(thea)
        address = f"/recordings/families/{consent.family_id}/names/"
        for answer in (client.get(f"/recordings/papers/{paper.pk}/"), client.get(address), client.post(address, {"names": "Kayleigh"})):
            assert answer.status_code == 503
            assert b"papers and names is missing. Nothing is lost." in answer.content.replace(b"&#x27;", b"'")
        assert not vault.has_key(key.pk)
        keys.write_bytes(today)
        assert client.get(f"/recordings/papers/{paper.pk}/").getvalue() == MARKER
        assert casefile.names(consent.family) == ["Jayden"]
