"""The page of a transcript: that it works as plain forms and as JSON, what a rater does not see there, and how fast it is."""

import re
import time

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import correcting, destruction, transcript, transcriptpage
from recordings.models import Purpose, TranscriptEdit
from tests.factories import make_consent, make_family
from tests.recordings.review_setup import begin
from tests.recordings.transcript_setup import TALK, run_again, said, with_transcript

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(harbour, thea):
    return with_transcript(harbour, thea)


def address(recording, name=""):
    return reverse(f"recordings:transcript{name and '-' + name}", args=[recording.pk])


def first(recording, place=0):
    turn = transcript.layer(recording).turns[place]
    return {"turn": turn["id"], "expected": turn["edit"], "at": turn["start"]}


def shown(response):
    text = re.sub(r"<template.*?</template>", "", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))


def test_it_shows_turns_gaps_and_what_the_sound_does_not_bear_out(as_user, thea, recording):
    page = shown(as_user(thea).get(address(recording)))
    assert "How did the cur few go" in page
    assert "s of speech without words" in page
    assert "Left out until somebody confirms it" in page
    assert "it can be wrong" in page


def test_of_a_destroyed_recording_it_says_so_and_does_not_speak_of_roles(as_user, thea, olly, recording):
    destruction.destroy(recording=recording, reason="mistake", by=thea, now=timezone.now())
    response = as_user(thea).get(address(recording))
    assert response.status_code == 403
    assert "This recording has been destroyed" in shown(response)
    assert as_user(olly).get(address(recording)).status_code == 404


def test_without_scripts_a_turn_is_opened_by_a_link_and_saved_by_a_form(as_user, thea, recording):
    client = as_user(thea)
    page = client.get(address(recording), {"open": first(recording)["turn"]}).content.decode()
    assert page.count('class="tr-form"') == 2  # the turn's, and the blank one for the script
    response = client.post(address(recording, "edit"), {**first(recording), "do": "save", "text": "How did the curfew go"})
    assert response.status_code == 302
    assert response["Location"].startswith(address(recording))
    assert "How did the curfew go" in shown(client.get(address(recording)))


def test_a_refused_change_comes_back_with_what_was_typed(as_user, thea, recording):
    response = as_user(thea).post(address(recording, "edit"), {**first(recording), "do": "split", "text": TALK[0]["text"]})
    assert response.status_code == 422
    assert "Choose the word before which to split" in shown(response)
    long = as_user(thea).post(address(recording, "edit"), {**first(recording), "do": "save", "text": "x" * 5000})
    assert long.status_code == 422
    assert "x" * 5000 in long.content.decode()


def test_words_typed_beside_another_button_are_not_lost(as_user, thea, recording):
    as_user(thea).post(address(recording, "edit"), {**first(recording), "do": "confirm", "text": "How did the curfew go"})
    assert [edit.kind for edit in TranscriptEdit.objects.all()] == ["replace"]


def test_a_stale_form_shows_both_texts(as_user, thea, sam, recording):
    stale = {**first(recording), "do": "save", "text": "What I typed"}
    correcting.correct(recording=recording, **first(recording), text="How did the curfew go", by=sam, now=timezone.now())
    client = as_user(thea)
    response = client.post(address(recording, "edit"), stale)
    assert response.status_code == 409
    assert "Somebody else changed this turn" in shown(response)
    assert "What I typed" in response.content.decode()
    answer = client.post(address(recording, "edit"), stale, headers={"Accept": "application/json"})
    assert answer.status_code == 409
    assert answer.json()["current"] == "How did the curfew go"
    again = {**stale, "turn": answer.json()["turn"], "expected": answer.json()["edit"]}
    assert client.post(address(recording, "edit"), again, headers={"Accept": "application/json"}).status_code == 200
    assert transcript.edited(recording)[0]["text"] == "What I typed"


def test_json_gets_only_the_part_that_differs(as_user, thea, recording):
    form = {**first(recording, 1), "do": "split", "word": 2, "text": TALK[1]["text"]}
    answer = as_user(thea).post(address(recording, "edit"), form, headers={"Accept": "application/json"})
    assert answer.headers["Cache-Control"].startswith("private") or "no-store" in answer.headers["Cache-Control"]
    body = answer.json()
    assert len(body["gone"]) == 1
    assert body["items"].count("<li ") == 2
    assert "Undo my last change" in body["panels"]


def test_a_rater_puts_words_right_but_does_not_see_talk_time_before_submitting(as_user, cora, thea, recording):
    begin(recording, cora)
    assert "of the speech" not in shown(as_user(cora).get(address(recording)))
    form = {**first(recording), "do": "save", "text": "How did the curfew go"}
    assert as_user(cora).post(address(recording, "edit"), form).status_code == 302
    page = shown(as_user(thea).get(address(recording)))
    assert "of the speech" in page
    assert "How did the curfew go" in page


def test_without_consent_to_transcription_there_is_nothing_to_read_or_change(as_user, harbour, thea):
    consent = make_consent(make_family(harbour, thea), purposes=[Purpose.RECORD, Purpose.REVIEW])
    recording = with_transcript(harbour, thea, consent=consent)
    response = as_user(thea).get(address(recording))
    assert response.status_code == 200
    assert "cur few" not in shown(response)
    assert as_user(thea).post(address(recording, "edit"), {"do": "save"}).status_code == 403


def test_what_no_longer_fits_is_listed_and_settled(as_user, thea, recording):
    correcting.correct(recording=recording, **first(recording, 1), text="He was early again", by=thea, now=timezone.now())
    run_again(recording, [said(3.5, 5.0, "He was great again")])
    client = as_user(thea)
    assert "Changes that no longer fit" in shown(client.get(address(recording)))
    client.post(address(recording, "undo"), {"number": 1, "do": "keep"})
    page = shown(client.get(address(recording)))
    assert "Changes that no longer fit" not in page
    assert "He was early again" in page


@pytest.mark.slow
def test_an_hour_with_two_hundred_changes_is_quick_and_under_two_megabytes(as_user, harbour, thea):
    turns = [said(2.0 * n, 2.0 * n + 1.9, "one two three four five", speaker=f"S{n % 2 + 1}") for n in range(1800)]
    recording = with_transcript(harbour, thea, segments=turns)
    now = timezone.now()
    layer = transcript.layer(recording)
    for place in range(0, 1800, 9):
        words = layer.turns[place]["words"]
        correcting._add(recording, layer, "replace", {**correcting._about(words[1:2]), "text": "six"}, thea, now)
    client = as_user(thea)
    response = client.get(address(recording))
    began = time.process_time()  # of this process, whatever else the machine does
    response = client.get(address(recording))
    took = time.process_time() - began
    assert response.content.count(b"<li ") >= 1800
    assert len(response.content) < 2_000_000
    assert took < 5  # well under 1 s on a machine that does nothing else


def test_the_difference_can_always_be_put_in_its_place(recording):
    items = transcriptpage.items(transcript.layer(recording))
    for before, after in ((items[:2], items[:3]), (items[1:], items), (items, items[1:]), (items, items[:-1]), (items, items)):
        gone, new = transcriptpage.differing(before, after)
        if before == after:
            assert (gone, new) == ([], [])
            continue
        keys = [item.key for item in before]
        assert gone
        at = keys.index(gone[0])
        rebuilt = [*before[:at], *new, *before[at + len(gone) :]]
        assert rebuilt == after
