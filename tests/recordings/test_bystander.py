"""Whatever ends, ends for those it concerns: beside them stands a family of the same therapist, and every row and byte of theirs stays."""

import datetime as dt

import pytest
from django.apps import apps
from django.utils import timezone

from recordings import destruction, erasurelog, keeping, narrowing, tus, vault, withdrawal, withdrawallink
from recordings.models import (
    Assignment,
    Clip,
    GoldScore,
    GoldStandard,
    Processing,
    Purpose,
    PurposeWithdrawal,
    Recording,
    Redaction,
    SealedObject,
    TranscriptEdit,
    Upload,
)
from recordings.tus import Label
from tests import factories
from tests.recordings import review_setup
from tests.recordings.making import bare_recording
from tests.recordings.transcript_setup import with_transcript

pytestmark = pytest.mark.django_db
Kind = SealedObject.Kind
USES = list(narrowing.MEANS)


def whole_life(team, therapist, rater):
    """A family with two consents, a renewed and reviewed recording with everything that can hang on it, one in work, and an upload."""
    now = timezone.now()
    family = factories.make_family(team, therapist)
    older, consent = (factories.make_consent(family, purposes=list(Purpose), filed_at="Cabinet 2") for _ in range(2))
    made = with_transcript(team, therapist, consent=consent)
    made.duration_ms = 60_000
    made.save(update_fields=["duration_ms"])
    made.earlier_consents.create(consent=older, replaced_at=now, replaced_by=therapist)
    Processing.objects.create(recording=made, state="running", token=3, lease_until=now + dt.timedelta(minutes=1), queued_at=now)
    for kind in (Kind.PLAYBACK, Kind.REDACTED, Kind.CLIP, Kind.PIECE):
        vault.seal(made, kind, [b"sound" * 1000], number=0 if kind == Kind.PLAYBACK else 1, now=now)
    done = {"proposed_at": now, "proposed_by": therapist, "confirmed_at": now, "confirmed_by": therapist}
    Redaction.objects.create(recording=made, number=1, state="ready", spans=[{"start_ms": 1, "end_ms": 2, "kind": "name"}], **done)
    sealed = {name: vault.seal_text(made, name) for name in ("title", "words", "payload", "reason")}
    words = {"title": sealed["title"], "words": sealed["words"]}
    Clip.objects.create(recording=made, start_ms=3000, end_ms=9000, number=1, state="approved", made_by=therapist, made_at=now, **words)
    edit = {"kind": "replace", "payload": sealed["payload"], "made_at": now, "made_by": therapist}
    TranscriptEdit.objects.create(recording=made, number=1, run=1, **edit)
    own = review_setup.submitted(made, rater)
    about = {"recording": made, "instrument": own.instrument}
    Assignment.objects.create(rater=factories.make_user(), part="second", due_on=factories.today(), assigned_at=now, **about)
    gold = GoldStandard.objects.create(label=str(made.pk), state="in_use", made_by=rater, made_at=now, **about)
    GoldScore.objects.create(gold=gold, item_key="fit", score=3, reason=sealed["reason"])
    queued = bare_recording(consent=older)
    Processing.objects.create(recording=queued, state=Processing.State.QUEUED, queued_at=now)
    withdrawallink.make(consent=consent, by=therapist, now=now)
    label = Label("session.wav")
    tus.begin(consent=consent, session_on=factories.today(), length=9000, about=label, by=therapist, now=now)
    return made


def everything():
    """(model, id) to the row, for all that this application keeps; and each sealed file and key."""
    found = {}
    for model in apps.get_app_config("recordings").get_models():
        for row in model._default_manager.values():
            found[model.__name__, str(row[model._meta.pk.attname])] = row
    for sealed in SealedObject.objects.all():
        with vault.open_sealed(sealed) as content:
            found["bytes", str(sealed.pk)] = content.read()
    for id in [*Recording.objects.values_list("pk", flat=True), *Upload.objects.values_list("pk", flat=True)]:
        found["key", str(id)] = vault.has_key(id)
    return found


def changed(before):
    after = everything()
    return [key for key in before if after.get(key) != before[key]]


@pytest.fixture
def before(harbour, thea, cora):
    """All there is of the family beside."""
    whole_life(harbour, thea, cora)
    return everything()


@pytest.fixture
def own(before, harbour, thea, cora):
    return whole_life(harbour, thea, cora)


@pytest.mark.parametrize("purpose", USES)
def test_one_use_taken_back(before, own, thea, purpose):
    now = timezone.now()
    narrowing.narrow(consent=own.consent, purposes=[purpose], channel="telephone", by=thea, now=now, is_everything=True)
    narrowing.finish(now=now)
    assert changed(before) == []
    assert Processing.objects.get(recording=own).state == ("done" if purpose == Purpose.TRANSCRIBE else "running")


def test_both_uses_of_a_muted_version_taken_back(before, own, thea):
    asked = {"channel": "telephone", "by": thea, "now": timezone.now()}
    narrowing.narrow(consent=own.consent, purposes=[Purpose.TEACH, Purpose.TRAIN_RATERS], **asked)
    assert changed(before) == []
    assert Redaction.objects.get(recording=own).state == "failed"


def test_everything_taken_back(before, own, thea, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        withdrawal.withdraw(consent=own.consent, channel="telephone", by=thea, now=timezone.now(), is_everything=True)
    withdrawal.finish(now=timezone.now())
    destruction.finish_pending(now=timezone.now())
    assert changed(before) == []
    assert not any(vault.has_key(one.pk) for one in Recording.objects.filter(family=own.family_id))


def test_one_consent_taken_back_leaves_what_stands_under_the_familys_other(before, own, thea):
    other = bare_recording(consent=factories.make_consent(own.family))
    withdrawal.withdraw(consent=own.consent, channel="telephone", by=thea, now=timezone.now())
    assert changed(before) == []
    assert vault.has_key(other.pk)


def test_a_recording_deleted_or_past_its_day(before, own, thea, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        destruction.destroy(recording=own, reason="mistake", by=thea, now=timezone.now())
    late = Recording.objects.kept().get(family=own.family_id)
    Recording.objects.filter(pk=late.pk).update(uploaded_at=timezone.localtime() - dt.timedelta(days=400))
    assert keeping.due_by(factories.today())[0][1] == late
    destruction.finish_pending(now=timezone.now())
    assert changed(before) == []
    assert not Recording.objects.kept().filter(family=own.family_id).exists()


class TestWhatTheClockFinds:
    @pytest.fixture
    def row(self, own, thea):
        (row,) = narrowing.narrow(consent=own.consent, purposes=["teach"], channel="telephone", by=thea, now=timezone.now())
        return row

    def test_done_it_is_not_counted_nor_noted_again(self, row):
        noted = erasurelog.place().read_bytes()
        assert narrowing.finish(now=timezone.now()) == 0
        assert erasurelog.place().read_bytes() == noted

    @pytest.mark.parametrize(("minutes", "goes"), [(1, True), (11, False)])
    def test_what_a_page_that_was_open_left_behind_is_looked_for_a_while_and_then_no_more(self, row, own, minutes, goes):
        vault.seal(own, Kind.CLIP, [b"late"], number=9, now=timezone.now())
        narrowing.finish(now=row.withdrawn_at + dt.timedelta(minutes=minutes))
        assert SealedObject.objects.filter(recording=own, kind=Kind.CLIP).exists() is not goes

    def test_each_consent_shows_its_own_and_says_what_went(self, before, row, own, harbour, thea):
        other = factories.make_consent(own.family, purposes=list(Purpose), filed_at="Cabinet 2")
        narrowing.narrow(consent=other, purposes=["teach"], channel="writing", by=thea, now=timezone.now())
        assert narrowing.of(own.consent) == [(row, "Destroyed: 1 sealed file and 2 texts.")]
        assert [words for _, words in narrowing.of(other)] == ["There was nothing to destroy."]
        row.finished_at = None
        assert narrowing.destroyed_words(row).startswith("What hung on it is being destroyed")

    def test_that_fails_again_is_told(self, row, monkeypatch):
        PurposeWithdrawal.objects.update(finished_at=None)

        def crash(*args, **kwargs):
            raise OSError("away")

        monkeypatch.setattr("recordings.narrowing.unmaking.destroy", crash)
        with pytest.raises(OSError, match="away"):
            narrowing.finish(now=timezone.now())
        assert PurposeWithdrawal.objects.get().finished_at is None
