"""What the workbench carries: the whole transcript compactly, a part of it in the page."""

import gzip
import json

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from recordings import benchdata, features, vault
from recordings.models import SealedObject
from recordings.workbench import Turn
from tests.recordings import review_setup as setup

WORDS = "so what happened on Friday".split()


def segments(count, *, supported=True):
    made = []
    for number in range(count):
        start = number * 2.5
        words = [
            {"start": start + at * 0.4, "end": start + at * 0.4 + 0.3, "text": f" {word}", "probability": 0.9}
            for at, word in enumerate(WORDS)
        ]
        speaker = "S1" if number % 2 else "S2"
        made.append(
            {"start": start, "end": start + 2.2, "text": " ".join(WORDS), "words": words, "supported": supported, "speaker": speaker}
        )
    return made


def with_transcript(recording, found):
    import numpy as np

    samples = np.zeros(16_000, np.float32)
    probability = np.zeros(1000, np.float32)
    whole = features.with_words(features.peaks_only(samples), found, probability=probability)
    vault.seal(recording, SealedObject.Kind.FEATURES, [whole], now=timezone.now())


@given(st.integers(0, 200), st.integers(1, 50), st.text(max_size=4), st.integers(0, 250))
def test_every_part_of_a_list_can_be_reached_and_none_is_too_long(length, size, asked, holding):
    rows = list(range(length))
    first = benchdata.part(rows, size, asked, holding=min(holding, max(0, length - 1)))
    assert 1 <= first.number <= first.parts
    assert len(first.rows) <= size
    everything = [row for number in range(1, first.parts + 1) for row in benchdata.part(rows, size, str(number)).rows]
    assert everything == rows
    assert length == 0 or min(holding, length - 1) in benchdata.part(rows, size, "", holding=min(holding, length - 1)).rows


def test_the_turn_at_a_time_is_the_last_that_has_begun():
    turns = [Turn(at, at + 900, "S1", []) for at in (1000, 2000, 3000)]
    assert [benchdata.turn_at(turns, ms) for ms in (0, 1000, 1999, 2000, 9000)] == [0, 0, 0, 1, 2]


def test_silence_is_what_lies_between_speech_for_two_seconds():
    assert benchdata.silences([(5, 7), (2.5, 4), (8, 9)], 20_000) == [[0, 2500], [9000, 20_000]]
    assert benchdata.silences([], 20_000) == []


@pytest.mark.django_db
class TestTranscript:
    @pytest.fixture
    def recording(self, thea, harbour):
        return setup.ready_recording(thea, harbour)

    def ask(self, client, own):
        return client.get(reverse("recordings:bench-words", args=[own.pk]))

    def test_its_words_have_the_times_that_they_had(self, recording, cora, as_user):
        with_transcript(recording, segments(4))
        own = setup.begin(recording, cora)
        answer = self.ask(as_user(cora), own)
        assert "no-store" in answer["Cache-Control"]
        found = answer.json()
        start, length, speaker, reason, text, steps = found["turns"][1]
        assert (start, length, found["speakers"][speaker], reason, text) == (2500, 2200, "S1", -1, " ".join(WORDS))
        assert steps == [0, 400, 400, 400, 400]

    def test_words_that_the_sound_does_not_bear_out_say_why(self, recording, cora, as_user):
        with_transcript(recording, segments(1, supported=False))
        found = self.ask(as_user(cora), setup.begin(recording, cora)).json()
        assert found["reasons"][found["turns"][0][3]].endswith(".")

    def test_nobody_but_the_rater_gets_it(self, recording, cora, sam, thea, olly, as_user):
        with_transcript(recording, segments(2))
        own = setup.begin(recording, cora)
        for person in (sam, thea, olly):
            assert self.ask(as_user(person), own).status_code == 404

    def test_the_page_holds_a_part_and_leads_to_the_others_without_scripts(self, recording, cora, as_user):
        with_transcript(recording, segments(100))
        setup.begin(recording, cora)
        client, address = as_user(cora), reverse("recordings:review", args=[recording.pk])
        page = client.get(address).content.decode()
        assert page.count('class="pl-turn"') == benchdata.PART_TURNS
        assert "?part=2#bench-transcript" in page
        assert "Part 3 of 3" in client.get(f"{address}?part=3").content.decode()
        assert "Part 2 of 3" in client.get(f"{address}?at=110000").content.decode()

    def test_a_long_review_stays_a_small_page(self, recording, cora, as_user):
        with_transcript(recording, segments(600))
        own = setup.begin(recording, cora)
        for at in range(200):
            setup.mark(own, start_ms=at * 2000, end_ms=at * 2000 + 1500, comment="")
        page = as_user(cora).get(reverse("recordings:review", args=[recording.pk]))
        assert page.content.count(b"data-note=") == benchdata.PART_NOTES + 1  # and the one to copy
        assert len(gzip.compress(page.content)) < 60_000
        data = json.loads(page.content.split(b'id="bench-data" type="application/json">')[1].split(b"</script>")[0])
        assert len(data["annotations"]) == 200
