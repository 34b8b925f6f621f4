"""Putting a transcript right: who may, what is kept of it, what two people at once do to each other, and undoing."""

import json

import pytest
from django.utils import timezone

from recordings import correcting, destruction, transcript, vault, workbench
from recordings.models import SealedText, TranscriptEdit
from tests.recordings.transcript_setup import TALK, run_again, said, with_transcript

pytestmark = pytest.mark.django_db
SECRET = "Grandma"


@pytest.fixture
def recording(harbour, thea):
    return with_transcript(harbour, thea)


def texts(recording):
    return [turn["text"] for turn in transcript.edited(recording)]


def turn(recording, place):
    return transcript.layer(recording).turns[place]


def about(recording, place, by):
    there = turn(recording, place)
    return {"recording": recording, "turn": there["id"], "expected": there["edit"], "at": there["start"], "by": by, "now": timezone.now()}


def test_only_the_part_that_differs_is_kept_as_changed(recording, thea):
    made = correcting.correct(**about(recording, 0, thea), text="How did the  curfew\ngo")
    payload = json.loads(vault.open_text(made.payload))
    assert (payload["was"], payload["text"]) == (["cur", "few"], "curfew")
    assert texts(recording)[0] == "How did the curfew go"
    assert correcting.correct(**about(recording, 0, thea), text="How did the curfew go") is None


@pytest.mark.parametrize(
    "text",
    [
        "go",
        "How did the few go",
        "How did the cur few go then",
        "Well how did the cur few go",
        "So How did the cur few go",
        "did the cur few go",
        "x",
    ],
)
def test_whatever_is_typed_is_what_stands_there(recording, thea, text):
    correcting.correct(**about(recording, 0, thea), text=text)
    assert texts(recording)[0] == text


def test_nothing_that_was_typed_is_in_the_database_in_the_clear_and_destruction_takes_it(recording, thea, django_db_blocker):
    from django.db import connection

    correcting.correct(**about(recording, 0, thea), text=f"How is {SECRET}")
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 (our own tables)
            assert not any(
                SECRET.encode() in bytes(str(value), "utf-8") + (bytes(value) if isinstance(value, bytes) else b"")
                for row in cursor.fetchall()
                for value in row
            ), table
    destruction.destroy(recording=recording, reason="mistake", by=thea, now=timezone.now())
    assert not SealedText.objects.filter(recording=recording).exists()
    assert TranscriptEdit.objects.get(recording=recording).payload is None
    assert transcript.edited(recording) == []


def test_an_empty_turn_is_refused(recording, thea):
    with pytest.raises(correcting.EditRefused, match="Not said"):
        correcting.correct(**about(recording, 0, thea), text=" \n ")


def test_whoever_comes_second_is_told_what_stands_there(recording, thea, sam):
    first, second = about(recording, 0, thea), about(recording, 0, sam)
    correcting.correct(**first, text="How did the curfew go")
    with pytest.raises(correcting.Changed) as told:
        correcting.correct(**second, text="How did the cur view go")
    assert told.value.current["text"] == "How did the curfew go"
    correcting.correct(**about(recording, 0, sam), text="How did that curfew go")
    assert texts(recording)[0] == "How did that curfew go"


def test_changes_to_different_turns_do_not_meet(recording, thea, sam):
    first, second = about(recording, 0, thea), about(recording, 3, sam)
    correcting.correct(**first, text="How did the curfew go")
    correcting.correct(**second, text="So what happened then")
    assert (texts(recording)[0], texts(recording)[-1]) == ("How did the curfew go", "So what happened then")


def test_a_turn_that_is_gone_is_known_by_its_time(recording, thea, sam):
    stale = about(recording, 1, sam)
    correcting.join(**about(recording, 1, thea))
    with pytest.raises(correcting.Changed) as told:
        correcting.confirm(**stale)
    assert told.value.current["text"] == "How did the cur few go He was late again"


def test_each_person_undoes_their_own_changes_whichever_and_puts_them_back(recording, thea, sam):
    one = correcting.correct(**about(recording, 0, thea), text="How did the curfew go")
    two = correcting.correct(**about(recording, 3, sam), text="So what happened then")
    with pytest.raises(correcting.EditRefused, match="Only the person"):
        correcting.undo(recording=recording, number=two.number, by=thea, now=timezone.now())
    correcting.undo(recording=recording, number=one.number, by=thea, now=timezone.now())
    assert texts(recording) == [TALK[0]["text"], TALK[1]["text"], TALK[2]["text"], "So what happened then"]
    correcting.redo(recording=recording, number=one.number, by=thea, now=timezone.now())
    assert texts(recording)[0] == "How did the curfew go"


def test_what_is_marked_as_not_said_is_shown_nowhere_but_can_be_restored(recording, thea):
    made = correcting.refuse(**about(recording, 2, thea))
    assert TALK[2]["text"] not in texts(recording)
    assert turn(recording, 2)["refused"]
    correcting.confirm(**about(recording, 2, thea))
    assert TALK[2]["text"] in texts(recording)
    assert made.number == 1


def test_a_name_is_a_role_and_initials_from_the_consent_and_reaches_the_workbench(recording, thea):
    person = recording.consent.people.get()
    correcting.name(recording=recording, speaker="S2", who=str(person.pk), by=thea, now=timezone.now())
    correcting.name(recording=recording, speaker="S1", who="therapist", by=thea, now=timezone.now())
    assert [one.speaker for one in workbench.turns(recording)][:2] == ["Therapist", "Caregiver M.B."]


@pytest.mark.parametrize("initials", ["", "Katie Bloggs", "<b>", "K1"])
def test_a_name_is_refused_where_initials_belong(recording, thea, initials):
    with pytest.raises(correcting.EditRefused, match="initials"):
        correcting.name(recording=recording, speaker="S2", who="other", initials=initials, by=thea, now=timezone.now())


def test_a_third_voice_can_be_made_up_and_named(recording, thea):
    correcting.assign(**about(recording, 3, thea), speaker="new")
    label = turn(recording, 3)["voice"]
    assert label not in ("S1", "S2")
    correcting.name(recording=recording, speaker=label, who="other", initials="k.l.", by=thea, now=timezone.now())
    assert turn(recording, 3)["speaker"] == "Another person K.L."


def test_what_was_said_in_a_gap_is_written_there_and_nowhere_else(recording, thea):
    fill = {"recording": recording, "text": "mm hm", "speaker": "S2", "by": thea, "now": timezone.now()}
    correcting.fill(**fill, start=6.8, end=7.8)
    assert texts(recording)[3] == "mm hm"
    with pytest.raises(correcting.Changed):
        correcting.fill(**fill, start=6.9, end=7.5)
    with pytest.raises(correcting.EditRefused):
        correcting.fill(**fill, start=600, end=601)


def test_a_new_run_keeps_the_changes_and_a_person_settles_what_does_not_fit(recording, thea, sam):
    correcting.correct(**about(recording, 0, thea), text="How did the curfew go")
    lost = correcting.correct(**about(recording, 1, thea), text="He was early again")
    person = recording.consent.people.get()
    correcting.name(recording=recording, speaker="S2", who=str(person.pk), by=thea, now=timezone.now())
    run_again(recording, [said(1.1, 3.1, "how did the cur few go,", speaker="S2"), said(3.5, 5.0, "He was great again", speaker="S1")])
    layer = transcript.layer(recording)
    assert [row["text"] for row in layer.turns] == ["how did the curfew go,", "He was great again"]
    assert [row["speaker"] for row in layer.turns] == ["S2", "Caregiver M.B."]
    assert [left.edit.number for left in layer.unplaced] == [lost.number]
    correcting.settle(recording=recording, number=lost.number, keep=True, by=sam, now=timezone.now())
    layer = transcript.layer(recording)
    assert [row["text"] for row in layer.turns] == ["how did the curfew go,", "He was early again"]
    assert layer.unplaced == []
    with pytest.raises(correcting.EditRefused, match="already"):
        correcting.settle(recording=recording, number=lost.number, keep=False, by=sam, now=timezone.now())


def test_the_new_words_can_be_taken_instead(recording, thea):
    lost = correcting.correct(**about(recording, 1, thea), text="He was early again")
    run_again(recording, [said(3.5, 5.0, "He was great again")])
    correcting.settle(recording=recording, number=lost.number, keep=False, by=thea, now=timezone.now())
    assert texts(recording) == ["He was great again"]
    assert transcript.layer(recording).unplaced == []
