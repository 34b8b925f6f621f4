"""What both engines do with real speech. Their weights are the same, so the same is asked of them."""

import io
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recordings import audio, speech, voice
from tests.factories import AUDIO

RATE = 16_000


@pytest.fixture(scope="session")
def heard(engine, clip_samples):
    return transcribed(engine, clip_samples)


def transcribed(engine, samples, **options):
    return [segment for _done, _total, found in speech.run(samples, engine=engine, **options) for segment in found]


def words_of(segments):
    return [word for segment in segments for word in segment.words]


def texts_of(segments):
    return [re.sub(r"\W", "", word.text.lower()) for word in words_of(segments)]


def test_what_was_said_is_heard(heard, session_turns):
    import jiwer
    from whisper.normalizers import EnglishTextNormalizer

    normal = EnglishTextNormalizer()
    said = " ".join(turn["text"] for turn in session_turns)
    assert jiwer.wer(normal(said), normal(" ".join(segment.text for segment in heard))) <= 0.1


def test_every_word_has_a_time_in_order_and_a_probability(heard):
    words = words_of(heard)
    assert len(words) > 40
    last = 0.0
    for word in words:
        assert type(word.start) is float
        assert last <= word.start < word.end <= 22.1
        assert 0 <= word.probability <= 1
        assert word.text == word.text.strip() != ""
        last = word.end


def test_segments_hold_their_words(heard):
    for segment in heard:
        assert segment.supported
        assert segment.text == " ".join(word.text for word in segment.words)
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)


def test_words_begin_where_the_turns_begin(heard, session_turns):
    words = words_of(heard)
    errors = []
    for turn in session_turns:
        first = re.sub(r"\W", "", turn["text"].split()[0].lower())
        same = [word.start for word in words if re.sub(r"\W", "", word.text.lower()) == first]
        errors.append(min(abs(start - turn["start"]) for start in same))
    assert np.median(errors) < 0.15


def test_an_apostrophe_does_not_split_a_word(heard):
    assert not [word.text for word in words_of(heard) if word.text.startswith("'")]


def test_a_long_silence_is_left_out_of_the_pieces(clip_samples):
    quiet = np.concatenate([clip_samples, np.zeros(40 * RATE, np.float32), clip_samples])
    pieces = voice.cuts(voice.activity(quiet), duration_s=len(quiet) / RATE)
    assert not [piece for piece in pieces if piece[0] < 40 < piece[1]]


def test_a_quiet_voice_after_a_loud_one_is_found(clip_samples):
    both = np.concatenate([clip_samples, clip_samples * 0.06])
    spans = voice.segments(voice.activity(both))
    assert voice.overlap(spans, 22, 44) > 0.8 * voice.overlap(spans, 0, 22)


def test_a_broken_off_run_goes_on_from_its_piece(engine, clip_samples, monkeypatch):
    monkeypatch.setattr(speech, "MAX_PIECE_S", 12.0)
    whole = list(speech.run(clip_samples, engine=engine))
    assert [(done, total) for done, total, _found in whole] == [(1, 2), (2, 2)]
    seen = []
    rest = list(speech.run(clip_samples, engine=engine, start_piece=1, on_progress=lambda done, total: seen.append(done)))
    assert seen == [2]
    assert [[one.text for one in found] for _d, _t, found in rest] == [[one.text for one in found] for _d, _t, found in whole[1:]]


class Counting(speech.Engine):
    """Hears nothing, and keeps what it was given."""

    name, model_name, languages = "counting", "none", frozenset({"en", "cy"})

    def __init__(self, answers=()):
        self.given, self.answers = [], list(answers)

    def language_probabilities(self, stretches):
        self.given.append(stretches)
        return self.answers[: len(stretches)]

    def _hear(self, pieces, language, prompt, encoded=None):
        self.given.append(pieces)
        return [speech.Heard((), 0.0, 1.0, 0.0) for _piece in pieces]


def test_the_first_pieces_come_in_a_small_group_so_that_text_is_soon_seen(clip_samples):
    long = np.concatenate([clip_samples] * 6)
    engine = Counting()
    assert len(list(speech.run(long, engine=engine))) == 6
    pieces = [[round(len(piece.samples) / RATE) for piece in batch] for batch in engine.given]
    assert [len(batch) for batch in pieces if max(batch) > 15][:1] == [speech.SMALL_GROUP]
    assert max(map(len, pieces)) > speech.SMALL_GROUP


@pytest.mark.parametrize(("total", "begun"), [(0, 0), (1, 0), (13, 0), (13, 5), (75, 0)])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_groups_hold_each_piece_that_is_left_once_and_in_order(workers, total, begun):
    engine = Counting()
    engine.workers = workers
    groups = list(speech._groups(begun, total, engine))
    assert [at for group in groups for at in group] == list(range(begun, total))
    assert all(len(group) <= engine.batch for group in groups)


def test_workers_side_by_side_give_the_pieces_in_order(clip_samples):
    engine = Counting()
    engine.workers = 2
    found = [(done, total) for done, total, _segments in speech.run(np.concatenate([clip_samples] * 6), engine=engine)]
    assert found == [(number, 6) for number in range(1, 7)]


def test_a_sentence_that_whisper_skipped_is_heard_after_all(engine, clip_samples, heard, monkeypatch):
    hear, calls = engine._hear, []

    def skip_the_rest_at_first(pieces, language, prompt, encoded=None):
        calls.append(pieces)
        answers = hear(pieces, language, prompt)
        return [speech.Heard(one.timings[:10], -0.1, 1.0, 0.0) for one in answers] if len(calls) == 1 else answers

    monkeypatch.setattr(engine, "_hear", skip_the_rest_at_first)
    again = transcribed(engine, clip_samples)
    assert len(calls) > 1
    assert len(words_of(again)) > 0.9 * len(words_of(heard))


def test_a_language_the_model_does_not_know_is_not_offered(engine):
    assert engine.languages == {"en"}
    assert engine.detect_language(np.zeros(RATE, np.float32)) == "en"


def test_the_language_is_that_of_the_whole_recording_not_of_its_greeting(clip_samples):
    """Welsh at the door, English in the room."""
    engine = Counting([{"en": 0.1, "cy": 0.9}, *[{"en": 0.8, "cy": 0.2}] * 9])
    long = np.concatenate([clip_samples, np.zeros(5 * RATE, np.float32)] * 7)
    assert speech.language_of(long, engine=engine, probability=voice.activity(long)) == "en"
    (stretches,) = engine.given
    assert len(stretches) == speech.PIECES_FOR_LANGUAGE
    assert all(len(one) <= 30 * RATE for one in stretches)


def test_a_silent_recording_has_the_usual_language():
    silence = np.zeros(30 * RATE, np.float32)
    assert speech.language_of(silence, engine=Counting(), probability=voice.activity(silence)) == "en"


def said(text, *, every=0.4, first=0.3):
    return [speech.Timing(f" {word}", first + every * n, first + every * n + 0.35, 0.9) for n, word in enumerate(text.split())]


class Prompted(Counting):
    """Hears one thing or another, by its prompt."""

    languages = frozenset({"en"})

    def __init__(self, **answers):
        super().__init__()
        self.says = answers

    def _hear(self, pieces, language, prompt, encoded=None):
        self.given.append(prompt)
        kind = "sounds" if prompt.startswith(speech.SMALL_SOUNDS) else "words" if prompt else "plain"
        return [speech.Heard(self.says[kind], -0.1, 1.2, 0.0) for _piece in pieces]


def piece(*spans):
    return speech.Piece(np.zeros(10 * RATE, np.float32), 0.0, list(spans))


def heard_by(engine, *spans, prompt=""):
    (segments,) = engine.transcribe_pieces([piece(*spans)], "en", prompt)
    return " ".join(segment.text for segment in segments)


def test_where_speech_is_left_over_the_small_sounds_are_listened_for():
    engine = Prompted(plain=said("so we went home"), sounds=[*said("um", first=0.3), *said("so we went home", first=1.0)])
    assert heard_by(engine, (0.3, 0.65), (1.0, 2.6), (5.0, 5.5)) == "um so we went home"
    assert engine.given == ["", speech.SMALL_SOUNDS]


def test_where_every_sound_has_its_word_nobody_listens_twice():
    engine = Prompted(plain=said("so we went home"))
    assert heard_by(engine, (0.3, 1.9)) == "so we went home"
    assert engine.given == [""]


def test_a_text_that_the_prompt_made_shorter_is_not_taken():
    engine = Prompted(plain=said("so we went home and had tea"), sounds=said("um home"), words=said("so"))
    assert heard_by(engine, (0.3, 4.5), prompt="Callum House.") == "so we went home and had tea"
    assert engine.given == ["Callum House.", "", f"{speech.SMALL_SOUNDS} Callum House."]


def test_a_word_to_expect_is_written_as_the_programme_writes_it(engine, make_media):
    """Of one turn of a session Whisper makes "walk K round"; told to expect Kay, it writes her name, and the rest as before."""
    sound = audio.decode(
        io.BytesIO(make_media("-ss", 247.18, "-t", 6.65, "-i", AUDIO / "session-3.opus", "-ar", RATE, "-ac", 1, format="wav"))
    )
    plain, told = texts_of(transcribed(engine, sound)), texts_of(transcribed(engine, sound, prompt="Kay."))
    assert "kay" not in plain
    assert "kay" in told
    assert len(set(plain) & set(told)) > 0.85 * len(set(plain))


probabilities = arrays.arrays(np.float32, st.integers(0, 4000), elements=st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]))


@given(probability=probabilities, max_s=st.sampled_from([10.0, 28.0]))
def test_pieces_hold_all_speech_in_order_and_none_is_too_long(probability, max_s):
    duration = len(probability) * voice.FRAME_S
    pieces = voice.cuts(probability, duration_s=duration, max_s=max_s)
    assert all(0 <= start < end <= duration + 1e-6 and end - start <= max_s + 0.05 for start, end in pieces)
    assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(pieces))
    for start, end in voice.segments(probability):
        assert voice.overlap(pieces, start, end) == pytest.approx(end - start, abs=1e-6)
