"""Two reviews of one recording by one person: the place where each was left, and how far each is, are its own."""

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import listening, review
from supervision.models import Instrument
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db


@pytest.fixture
def both(thea, harbour, cora):
    recording = setup.ready_recording(thea, harbour)
    first = setup.begin(recording, cora)
    other = Instrument.objects.filter(is_current=True).exclude(pk=first.instrument_id).order_by("pk").first()
    return first, review.start(recording=recording, rater=cora, instrument=other, now=timezone.now())


def report(client, recording, **values):
    return client.post(
        reverse("recordings:heard", args=[recording.pk]), {"purpose": "review", "intervals": "[[0, 60000]]", "position": "77000", **values}
    )


@pytest.mark.parametrize("which", [0, 1])
def test_the_place_and_the_sentence_are_of_the_review_that_reported(both, as_user, cora, which):
    own, other = both[which], both[1 - which]
    answer = report(as_user(cora), own.recording, review=own.pk)
    own.refresh_from_db()
    other.refresh_from_db()
    assert (own.position_ms, other.position_ms) == (77_000, 0)
    assert answer.json()["sentence"] == review.completeness(own).sentence
    assert answer.json()["sentence"] != review.completeness(other).sentence


def test_what_was_heard_counts_for_both(both, as_user, cora):
    answer = report(as_user(cora), both[0].recording, review=both[0].pk)
    assert answer.json()["heard"] == [list(pair) for pair in listening.heard_by(both[1].recording, cora)]


def test_without_a_review_no_place_is_kept(both, as_user, cora):
    answer = report(as_user(cora), both[0].recording)
    assert answer.json()["sentence"] == ""
    for own in both:
        own.refresh_from_db()
        assert own.position_ms == 0


def test_somebody_elses_review_is_not_to_be_found(both, as_user, sam, cora):
    theirs = setup.begin(both[0].recording, sam)
    assert report(as_user(cora), theirs.recording, review=theirs.pk).status_code == 404
    theirs.refresh_from_db()
    assert theirs.position_ms == 0


def test_a_review_of_another_recording_is_not_to_be_found(both, as_user, thea, harbour, cora):
    elsewhere = setup.begin(setup.ready_recording(thea, harbour), cora)
    assert report(as_user(cora), both[0].recording, review=elsewhere.pk).status_code == 404
    elsewhere.refresh_from_db()
    assert elsewhere.position_ms == 0


def test_a_review_that_is_no_identifier_is_refused(both, as_user, cora):
    assert report(as_user(cora), both[0].recording, review="first").status_code == 422
