"""Figures of a cohort for research: who is in it, what leaves and what never does."""

import hashlib
import json

import h5py
import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import destruction, features, research, researchasking, transcript, vault
from recordings.models import Purpose, ResearchExport, ResearchRequest
from recordings.turns import Voices
from supervision.models import Membership
from tests import factories
from tests.recordings.making import bare_recording
from tests.recordings.transcript_setup import TALK, with_transcript

pytestmark = pytest.mark.django_db

ALL = (Purpose.RECORD, Purpose.REVIEW, Purpose.TRANSCRIBE, Purpose.RESEARCH)
ADDRESS = "/recordings/governance/exports/new/"


def agreed(team, therapist, *, purposes=ALL, family=None, session_on=None):
    family = family or factories.make_family(team, therapist)
    recording = with_transcript(
        team, therapist, consent=factories.make_consent(family, purposes=purposes), session_on=session_on or factories.days_ago(5)
    )
    silence = np.zeros(16_000 * 12, np.float32)
    voices = Voices(
        ["S1"], [(1.0, 3.0, "S1")], np.array([[1, 2.6]], np.float32), np.full((1, 256), 1 / 16, np.float16), np.zeros(1, np.int8)
    )
    with vault.open_sealed(recording.objects_sealed.get(kind="features")) as content:
        whole = features.with_voices(content.read(), samples=silence, probability=np.zeros(375, np.float32), voices=voices, segments=TALK)
    vault.seal(recording, "features", [whole], now=timezone.now())
    return recording


@pytest.fixture
def cohort(harbour, thea):
    """Four sessions of three families; two of the first."""
    first = agreed(harbour, thea, session_on=factories.days_ago(5))
    second = agreed(harbour, thea, family=first.family, session_on=factories.days_ago(2))
    return [first, second, agreed(harbour, thea), agreed(harbour, thea)]


def chosen(team, **more):
    days = {"since": factories.days_ago(30), "until": factories.today()}
    return {"programme": team.programme, **days, **more}


def made(team, by, **more):
    export, file = research.make(**chosen(team, reason="A study", **more), by=by, now=timezone.now())
    return export, file


def test_the_file_holds_figures_under_random_names(harbour, thea, iggy, cohort):
    _export, file = made(harbour, iggy)
    with file, h5py.File(file, "r") as h5:
        assert (h5.attrs["sessions"], h5.attrs["families"]) == (4, 3)
        groups = [h5["recordings"][name] for name in h5["recordings"]]
        assert sorted(int(group.attrs["session"]) for group in groups) == [1, 1, 1, 2]
        assert len({group.attrs["family"] for group in groups}) == 3
        assert {group.attrs["month"] for group in groups} <= {f"{row.session_on:%Y-%m}" for row in cohort}
        for group in groups:
            assert set(group) == {"vad", "prosody", "words", "turns", "pauses", "overlaps", "measures"}
            assert len(group["words"]) == 18
            assert group["words"].dtype.names == ("t0", "t1", "p", "spk", "supported", "confirmed")
            assert json.loads(group.attrs["speakers"]) == ["S1", "S2"]
            assert group["measures"]["words"].tolist() == [10, 4]


def test_nothing_that_leads_back_is_in_it(harbour, thea, iggy, cohort):
    _export, file = made(harbour, iggy)
    with file:
        content = file.read()
    for recording in cohort:
        for secret in (str(recording.pk), recording.pk.hex, recording.family.reference, recording.therapist.email, "curfew", "cur few"):
            assert secret.encode() not in content
        assert f"{recording.session_on:%Y-%m-%d}".encode() not in content


def test_a_second_file_cannot_be_joined_with_the_first(harbour, thea, iggy, cohort):
    names = []
    for _time in range(2):
        _export, file = made(harbour, iggy)
        with file, h5py.File(file, "r") as h5:
            names.append({*h5["recordings"], *(group.attrs["family"] for group in h5["recordings"].values())})
    assert not names[0] & names[1]


def asked(team, by, **more):
    wanted = {"reason": "A study", "approval": "REC 12/3", "with_text": True, "with_voices": True, **more}
    return researchasking.ask(**chosen(team), **wanted, by=by, now=timezone.now())


@pytest.fixture
def ivy():
    """A second information governance lead."""
    return factories.make_member("ivy", None, Membership.Role.IG_LEAD)


def granted(team, by, second, **more):
    return researchasking.agree(request=asked(team, by, **more), by=second, now=timezone.now())


def test_words_and_voice_prints_only_where_two_people_agreed(harbour, thea, iggy, ivy, cohort):
    request = granted(harbour, iggy, ivy)
    export, file = research.make_agreed(request=request, by=iggy, now=timezone.now())
    with file, h5py.File(file, "r") as h5:
        for group in h5["recordings"].values():
            assert group["text"].asstr()[:4].tolist() == ["How", "did", "the", "cur"]
            assert group["voices/emb"].shape == (1, 256)
    assert (export.with_text, export.with_voices) == (True, True)
    assert export.reason == "A study (approval: REC 12/3)"
    request.refresh_from_db()
    assert request.export == export


def test_nobody_agrees_to_their_own_request(harbour, iggy, ivy, cohort):
    request = asked(harbour, iggy)
    with pytest.raises(researchasking.AskingRefused, match="A second information governance lead has to agree"):
        researchasking.agree(request=request, by=iggy, now=timezone.now())
    with pytest.raises(researchasking.AskingRefused, match="Nobody has agreed"):
        research.make_agreed(request=request, by=iggy, now=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        ResearchRequest.objects.filter(pk=request.pk).update(agreed_by=iggy, agreed_at=timezone.now())
    assert not ResearchExport.objects.exists()


def test_what_was_agreed_to_is_made_once_by_the_one_who_asked(harbour, iggy, ivy, cohort):
    request = granted(harbour, iggy, ivy)
    with pytest.raises(researchasking.AskingRefused, match="Only the person who asked"):
        research.make_agreed(request=request, by=ivy, now=timezone.now())
    research.make_agreed(request=request, by=iggy, now=timezone.now())[1].close()
    for stale in (request, ResearchRequest.objects.get(pk=request.pk)):  # also by somebody whose page is old
        with pytest.raises(researchasking.AskingRefused, match="has been made"):
            research.make_agreed(request=stale, by=iggy, now=timezone.now())
    assert ResearchExport.objects.count() == 1


@pytest.mark.parametrize(("days", "is_agreed"), [(researchasking.AGREE_WITHIN_DAYS, False), (researchasking.MAKE_WITHIN_DAYS, True)])
def test_a_request_lapses(harbour, iggy, ivy, cohort, days, is_agreed):
    request = granted(harbour, iggy, ivy) if is_agreed else asked(harbour, iggy)
    day = timezone.timedelta(days=1)

    def go_on(now):
        return (
            research.make_agreed(request=request, by=iggy, now=now) if is_agreed else researchasking.agree(request=request, by=ivy, now=now)
        )

    assert researchasking.open_requests(on=factories.today() + days * day) == [request]
    assert researchasking.open_requests(on=factories.today() + (days + 1) * day) == []
    with pytest.raises(researchasking.AskingRefused, match="has lapsed"):
        go_on(timezone.now() + (days + 1) * day)
    assert go_on(timezone.now() + (days - 1) * day)


def test_a_closed_request_stays_closed(harbour, iggy, ivy, cohort):
    request = researchasking.close(request=granted(harbour, iggy, ivy), by=ivy, now=timezone.now())
    for _time in range(2):
        with pytest.raises(researchasking.AskingRefused, match="closed"):
            research.make_agreed(request=request, by=iggy, now=timezone.now())


def test_it_explains_itself_and_carries_the_hash_of_every_table(harbour, thea, iggy, ivy, cohort):
    request = granted(harbour, iggy, ivy, with_voices=False)
    _export, file = research.make_agreed(request=request, by=iggy, now=timezone.now())
    with file, h5py.File(file, "r") as h5:
        explained = " ".join(h5["dictionary"].asstr()[:, 0])
        manifest = dict(h5["manifest"].asstr()[:].tolist())
        tables = {}
        h5["recordings"].visititems(
            lambda path, item: tables.update({f"recordings/{path}": item}) if isinstance(item, h5py.Dataset) else None
        )
        assert manifest.keys() == tables.keys()
        for path, table in tables.items():
            name = path.split("/", 2)[2]
            assert name.split("/")[-1] in explained
            if name != "text":
                assert manifest[path] == hashlib.sha256(table[()].tobytes()).hexdigest()


def test_the_names_of_people_who_were_heard_become_roles(harbour, thea, iggy, cohort, monkeypatch):
    named = {"S1": "Therapist", "S2": "Caregiver M.B."}
    real = transcript.edited
    monkeypatch.setattr(transcript, "edited", lambda recording: [{**row, "speaker": named[row["speaker"]]} for row in real(recording)])
    _export, file = made(harbour, iggy)
    with file:
        with h5py.File(file, "r") as h5:
            assert {group.attrs["roles"] for group in h5["recordings"].values()} == {'["Therapist", "Caregiver"]'}
        file.seek(0)
        assert b"M.B." not in file.read()


def test_what_was_made_is_kept_and_audited(harbour, thea, iggy, cohort):
    export, file = made(harbour, iggy)
    with file:
        content = file.read()
    assert (export.sha256, export.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert sorted(export.recordings) == sorted(str(row.pk) for row in cohort)
    entry = ModelLogEntry.objects.get(action="recordings.research_export")
    assert entry.user == iggy
    assert entry.data["export"] == str(export.pk)
    assert list(research.exports_with(cohort[0])) == [export]
    assert not research.exports_with(bare_recording()).exists()


def test_the_certificate_of_a_recording_says_in_which_files_it_was(harbour, thea, iggy, cohort, as_user):
    export, file = made(harbour, iggy)
    file.close()
    destruction.destroy(recording=cohort[0], reason="withdrawal", by=thea, now=timezone.now())
    shown = as_user(iggy).get(f"/recordings/{cohort[0].pk}/certificate/").content.decode()
    assert "were in 1 research export," in shown
    assert export.sha256 in shown


@pytest.mark.parametrize("missing", [Purpose.RESEARCH, Purpose.TRANSCRIBE, Purpose.RECORD])
def test_without_everybodys_agreement_a_session_is_not_in_it(harbour, thea, cohort, missing):
    agreed(harbour, thea, purposes=[purpose for purpose in ALL if purpose != missing])
    found = research.cohort(**chosen(harbour), on=factories.today())
    assert {row.pk for row in found.recordings} == {row.pk for row in cohort}


def test_nor_after_withdrawal_nor_outside_the_dates_nor_of_another_programme(harbour, thea, meadow, olly, cohort):
    agreed(meadow, olly)
    agreed(harbour, thea, session_on=factories.days_ago(40))
    cohort[3].consent.withdrawn_at = timezone.now()
    cohort[3].consent.save()
    found = research.cohort(**chosen(harbour), on=factories.today())
    assert {row.pk for row in found.recordings} == {row.pk for row in cohort[:3]}


def test_two_families_are_too_few(harbour, thea, iggy, cohort):
    cohort[3].consent.withdrawn_at = timezone.now()
    cohort[3].consent.save()
    with pytest.raises(research.ExportRefused, match="at least 3 families, so that nobody can be picked out"):
        made(harbour, iggy)
    assert not ResearchExport.objects.exists()


def test_a_withdrawal_while_the_file_is_made_throws_it_away(harbour, thea, iggy, cohort, monkeypatch):
    write = research._write

    def withdrawn(*arguments, **options):
        write(*arguments, **options)
        type(cohort[0].consent).objects.filter(pk=cohort[0].consent_id).update(withdrawn_at=timezone.now())

    monkeypatch.setattr(research, "_write", withdrawn)
    with pytest.raises(research.ExportRefused, match="withdrew while the file was being made"):
        made(harbour, iggy)
    assert not ResearchExport.objects.exists()


def test_a_key_that_goes_meanwhile_throws_it_away(harbour, thea, iggy, cohort):
    vault.destroy_key(cohort[1].pk)
    with pytest.raises(research.ExportRefused, match="withdrew while the file was being made"):
        made(harbour, iggy)


# The page


@pytest.fixture
def governing(iggy):
    """The lead, who has just given the password once more."""
    return freshly_in(iggy)


def freshly_in(person):
    person.set_password("the lead's own words")
    person.save()
    client = Client()
    client.force_login(person)
    assert client.post("/accounts/reauthenticate/", {"password": "the lead's own words"}).status_code == 302
    return client


def answers(team, **more):
    days = {"since": factories.days_ago(30).isoformat(), "until": factories.today().isoformat()}
    return {"programme": team.programme.pk, **days, "reason": "A study", **more}


def test_only_the_information_governance_lead_and_only_freshly_signed_in(harbour, thea, sam, iggy, as_user):
    for person in (thea, sam):
        assert as_user(person).get(ADDRESS).status_code == 403
    answer = as_user(iggy).get(ADDRESS)
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]


def test_it_is_looked_at_once_more_and_then_made(harbour, cohort, governing):
    assert governing.get(ADDRESS).status_code == 200
    look = governing.post(ADDRESS, answers(harbour))
    assert "4 sessions of 3 families" in look.content.decode()
    assert not ResearchExport.objects.exists()
    answer = governing.post(ADDRESS, answers(harbour, confirmed="yes"))
    content = b"".join(answer.streaming_content)
    export = ResearchExport.objects.get()
    assert hashlib.sha256(content).hexdigest() == export.sha256
    assert answer["Content-Disposition"] == f'attachment; filename="research-{timezone.localdate():%Y-%m-%d}-{export.pk.hex[:8]}.h5"'
    assert "no-store" in answer["Cache-Control"]


def test_words_need_an_approval_and_a_second_person(harbour, cohort, governing, iggy, ivy):
    refused = governing.post(ADDRESS, answers(harbour, with_text="on"))
    assert refused.status_code == 422
    assert "Give the reference of the approval." in refused.content.decode()
    look = governing.post(ADDRESS, answers(harbour, with_text="on", approval="REC 12/3")).content.decode()
    assert "Every word that was said, names included." in look
    assert "Names, references, initials and dates other than as they were said." in look
    assert "Ask a second person" in look
    assert researchasking.NOBODY_ELSE not in look
    assert governing.post(ADDRESS, answers(harbour, with_text="on", approval="REC 12/3", confirmed="yes")).status_code == 302
    assert not ResearchExport.objects.exists()
    request = ResearchRequest.objects.get()
    page = f"/recordings/governance/exports/requests/{request.pk}/"
    shown = governing.get(page).content.decode()
    assert "REC 12/3" in shown
    assert "I have seen the approval" not in shown
    governing.post(page, {"decision": "agree"})
    governing.post(page, {"decision": "make"})
    assert not ResearchExport.objects.exists()
    assert page in governing.get("/recordings/governance/exports/").content.decode()

    second = freshly_in(ivy)
    assert "asks for a research export with words or voice prints" in second.get("/").content.decode()
    assert "I have seen the approval" in second.get(page).content.decode()
    second.post(page, {"decision": "agree"})
    assert "Your research export has been agreed to." in governing.get("/").content.decode()
    assert b"".join(governing.post(page, {"decision": "make"}).streaming_content)[1:4] == b"HDF"
    assert ResearchExport.objects.get().reason == "A study (approval: REC 12/3)"
    assert governing.post(page, {"decision": "nonsense"}).status_code == 422


def test_where_nobody_else_could_agree_it_says_so(harbour, cohort, governing, iggy):
    look = governing.post(ADDRESS, answers(harbour, with_text="on", approval="REC 12/3")).content.decode()
    assert researchasking.NOBODY_ELSE in look
    assert researchasking.NOBODY_ELSE not in governing.post(ADDRESS, answers(harbour)).content.decode()
    request = asked(harbour, iggy, with_text=True)
    page = f"/recordings/governance/exports/requests/{request.pk}/"
    assert researchasking.NOBODY_ELSE in governing.get(page).content.decode()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"reason": ""}, "Say what it is for."),
        ({"until": "2020-01-01"}, "The last day must not lie before the first."),
        ({"since": ""}, "Enter the first day."),
    ],
)
def test_what_is_missing_is_said(harbour, cohort, governing, wrong, sentence):
    answer = governing.post(ADDRESS, {**answers(harbour), **wrong})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_too_few_families_is_said_on_the_page(harbour, governing):
    answer = governing.post(ADDRESS, answers(harbour))
    assert answer.status_code == 422
    assert "of those who agreed to research, these dates have none" in answer.content.decode().lower()
