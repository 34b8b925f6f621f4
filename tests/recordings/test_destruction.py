"""Destruction: the key first, then all the rest; again and again if need be; proved by a certificate."""

import datetime as dt

import pytest
from django.conf import settings
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import destruction, keystore, ledger, sealedfile, vault
from recordings.models import (
    DestructionCertificate,
    HeardInterval,
    Processing,
    Recording,
    Redaction,
    Review,
    SealedObject,
    SealedText,
    TranscriptEdit,
    TranscriptRun,
    Upload,
    UploadPart,
)
from supervision.models import Instrument
from tests import factories
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db(transaction=True)
Reason = DestructionCertificate.Reason


@pytest.fixture
def now():
    """Midday, so that so many days back is the same local day of the clock also where the clocks have changed between."""
    return timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def recording(now):
    recording = bare_recording(state=Recording.State.READY)
    for kind, number in (("original", 0), ("playback", 0), ("features", 0), ("piece", 1)):
        vault.seal(recording, kind, [b"what was said " * 100], number=number, now=now)
    Processing.objects.create(recording=recording, queued_at=now, state=Processing.State.DONE)
    TranscriptRun.objects.create(recording=recording, number=1, engine="whisper", model="tiny.en", finished_at=now)
    rater = factories.make_user()
    review = Review.objects.create(
        recording=recording,
        rater=rater,
        instrument=Instrument.objects.create(slug="i", name="I", owner="O", licence_note="N"),
        started_at=now,
        strengths=vault.seal_text(recording, "You let her finish."),
    )
    HeardInterval.objects.create(recording=recording, person=rater, purpose="review", start_ms=0, end_ms=500, first_at=now, last_at=now)
    assert review.strengths
    return recording


def files():
    return list(settings.VAULT_DIR.rglob("*.sealed"))


def destroy(recording, now, **changes):
    return destruction.destroy(
        **{"recording": recording, "reason": Reason.MISTAKE, "note": "Wrong file", "by": None, "now": now, **changes}
    )


def test_content_goes_and_facts_stay(recording, now):
    certificate = destroy(recording, now)
    assert recording.state == Recording.State.DESTROYED
    assert not vault.has_key(recording.pk)
    assert not files()
    assert not SealedObject.objects.exists()
    assert not SealedText.objects.exists()
    review = Review.objects.get()
    assert review.strengths is None
    assert TranscriptRun.objects.count() == HeardInterval.objects.count() == 1
    assert certificate.reason == Reason.MISTAKE


def test_the_certificate_names_every_sealed_file(recording, now):
    expected = {(row.kind, row.number, row.size, row.sha256) for row in SealedObject.objects.all()}
    certificate = destroy(recording, now)
    assert {(item["kind"], item["number"], item["size"], item["sha256"]) for item in certificate.items if "object" in item} == expected
    assert {"kind": "texts", "count": 1} in certificate.items


def test_the_certificate_says_when_backups_become_unreadable(recording, now, settings):
    settings.KEYSTORE_BACKUP_DAYS = 9
    assert destroy(recording, now).backups_unreadable_on == timezone.localdate(now) + dt.timedelta(days=9)


def test_the_sha256_is_that_of_the_sealed_file(recording):
    import hashlib

    row = SealedObject.objects.get(kind="original")
    assert hashlib.sha256(sealedfile.path_of(row.pk).read_bytes()).hexdigest() == row.sha256


def test_doing_it_again_changes_nothing(recording, now):
    first = destroy(recording, now)
    again = destroy(recording, now + dt.timedelta(hours=1), reason=Reason.RETENTION)
    assert again == first
    assert (again.reason, again.key_destroyed_at) == (Reason.MISTAKE, first.key_destroyed_at)
    assert ModelLogEntry.objects.filter(action="recordings.destroy").count() == 1


def test_work_under_way_is_cancelled_and_its_token_worthless(now):
    recording = bare_recording()
    Processing.objects.create(recording=recording, queued_at=now)
    token = ledger.claim(recording.pk, now=now)
    destroy(recording, now)
    row = Processing.objects.get()
    assert row.state == Processing.State.CANCELLED
    assert row.token > token
    with pytest.raises(ledger.LeaseLost), ledger.holding(recording.pk, token):
        pass


class Crash(BaseException):
    pass


@pytest.mark.parametrize(
    "place", ["vault.destroy_key", "_items", "ledger.cancel", "log", "_remove_files", "sealedfile.remove_file", "keystore.complete"]
)
def test_a_crash_anywhere_is_finished_later(recording, now, monkeypatch, place):
    def crash(*args, **kwargs):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(f"recordings.destruction.{place}", crash)
        with pytest.raises(Crash):
            destroy(recording, now)
    if place == "vault.destroy_key":  # nothing had happened yet
        assert vault.has_key(recording.pk)
        return
    assert not vault.has_key(recording.pk)
    destruction.finish_pending(now=now)
    recording.refresh_from_db()
    assert recording.state == Recording.State.DESTROYED
    assert recording.certificate.reason == Reason.MISTAKE
    assert recording.certificate.note == "Wrong file"
    assert not files()
    assert not SealedObject.objects.exists()
    assert not SealedText.objects.exists()
    assert not keystore.unfinished()


def test_finishing_with_nothing_to_finish_does_nothing(recording, now):
    assert destruction.finish_pending(now=now) == 0
    assert destruction.finish_pending(now=now) == 0
    recording.refresh_from_db()
    assert recording.state == Recording.State.READY


def test_edits_redactions_and_what_is_left_of_the_upload_go_too(recording, now):
    edit = TranscriptEdit.objects.create(
        recording=recording,
        number=1,
        run=1,
        kind="replace",
        payload=vault.seal_text(recording, "{}"),
        made_at=now,
        made_by=recording.therapist,
    )
    redaction = Redaction.objects.create(
        recording=recording, number=1, spans=[{"start_ms": 100, "end_ms": 900, "kind": "name", "is_muted": True}],
        proposed_at=now, proposed_by=recording.therapist,
    )  # fmt: skip
    upload = Upload.objects.create(
        user=recording.therapist, consent=recording.consent, session_on=recording.session_on, state="finished", length=9, offset=9,
        name_sealed=b"sealed", recording=recording, began_at=now, changed_at=now, expires_at=now,
    )  # fmt: skip
    vault.create_key(upload.pk, purpose="upload")
    part = vault.seal_apart(upload.pk, "part", [b"what was said"])
    UploadPart.objects.create(upload=upload, number=0, object_id=part.object_id, size=13)
    certificate = destroy(recording, now)
    for row in (edit, redaction, upload):
        row.refresh_from_db()
    assert edit.payload is None
    assert redaction.spans == []
    assert bytes(upload.name_sealed) == b""
    assert not upload.parts.exists()
    assert not vault.has_key(upload.pk)
    assert not files()
    assert {"kind": "edits", "count": 1} in certificate.items
    assert {"kind": "texts", "count": 1} in certificate.items
    assert {"kind": "redactions", "count": 1} in certificate.items


def test_the_certificate_counts_words_and_voices_that_lay_in_the_features(recording, now):
    TranscriptRun.objects.update(words=812, speakers=2)
    items = destroy(recording, now).items
    assert {"kind": "words", "count": 812} in items
    assert {"kind": "voices", "count": 2} in items


def test_an_object_that_a_late_worker_left_is_entered_and_removed(recording, now):
    destroy(recording, now)
    late = SealedObject.objects.create(recording=recording, kind="features", size=3, sha256="0" * 64, sealed_at=now)
    path = sealedfile.path_of(late.pk)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"PLMB")
    certificate = destroy(recording, now)
    assert str(late.pk) in {item.get("object") for item in certificate.items}
    assert not path.exists()


def test_a_database_restored_from_before_is_destroyed_again(recording, now):
    destroy(recording, now)
    DestructionCertificate.objects.all().delete()
    Recording.objects.update(state=Recording.State.READY, destroyed_at=None)
    destruction.finish_pending(now=now)
    recording.refresh_from_db()
    assert recording.state == Recording.State.DESTROYED
