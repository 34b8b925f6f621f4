"""The same sent twice, and two who decide at the same moment: it comes to what it would come to one after the other."""

import pytest
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import calibration, clips, conflicts, reading
from recordings.models import Assignment, Clip, ConflictOfInterest
from tests.at_once import second_of
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup
from tests.recordings.making import bare_recording

pytestmark = pytest.mark.django_db(transaction=True)


def twice(act):
    return second_of(act, act)


def test_a_clip_that_is_taken_back_stays_so_whatever_is_decided_about_it(harbour, thea, sam, cora):
    recording = rating.recording(thea, harbour)
    clip = Clip.objects.create(
        recording=recording, start_ms=0, end_ms=5_000, number=1, state="proposed", made_by=thea, made_at=timezone.now()
    )
    decided = second_of(
        lambda: clips.take_back(clip=clip, by=sam, now=timezone.now()),
        lambda: clips.decide(clip=clip, approves=False, by=cora, now=timezone.now()),
    )
    assert isinstance(decided, clips.ClipRefused)
    assert Clip.objects.get().state == "gone"


def test_a_conflict_is_declared_once(cora, thea):
    answer = twice(lambda: conflicts.declare(rater=cora, therapist=thea, by=cora, now=timezone.now()))
    assert answer == ConflictOfInterest.objects.get()


def test_reading_is_a_line_a_day(thea):
    recording = bare_recording()
    twice(lambda: reading.note_read(recording=recording, person=thea, purpose="transcript", now=timezone.now()))
    assert ModelLogEntry.objects.filter(action=reading.READ).count() == 1


class TestExercises:
    @pytest.fixture
    def gold(self, thea, harbour, cora):
        rating.instrument()
        source = setup.submitted(rating.recording(thea, harbour), cora)
        return calibration.make_gold(review=source, label="Exercise 1", by=cora, now=timezone.now())

    def test_one_is_given_once(self, gold, otis, cora):
        answer = twice(lambda: calibration.give(gold=gold, rater=otis, by=cora, now=timezone.now()))
        assert "asked to rate this session before" in str(answer)
        assert Assignment.objects.filter(part="gold").count() == 1

    def test_two_passes_hide_one(self, gold, otis, thea, harbour):
        for _ in range(calibration.gap(otis, gold.instrument, 0)):
            Assignment.objects.create(
                recording=rating.recording(thea, harbour), rater=otis, instrument=gold.instrument, part="second",
                due_on=timezone.localdate(), assigned_at=timezone.now(),
            )  # fmt: skip
        assert twice(lambda: calibration.hide(now=timezone.now())) == 0
        assert Assignment.objects.filter(part="gold").count() == 1
