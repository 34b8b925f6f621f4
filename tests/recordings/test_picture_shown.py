"""Where a session can be heard, its picture can be seen: to the same people, from the same address, judged in the same way."""

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import vault
from recordings.models import Comparison, Recording, SealedObject, SentInterval
from tests import factories
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup
from tests.recordings.transcript_setup import with_transcript

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256))


def filmed(recording):
    """The same recording with a picture beside its sound."""
    Recording.objects.filter(pk=recording.pk).update(has_video=True)
    vault.seal(recording, SealedObject.Kind.VIDEO, [CONTENT], now=timezone.now())
    return recording


def film(recording):
    return reverse("recordings:video", args=[recording.pk])


def feedback(own, **query):
    return reverse("recordings:feedback", args=[own.pk], query=query)


@pytest.fixture
def own(thea, harbour, cora):
    return setup.released(setup.ready_recording(thea, harbour), cora)


@pytest.mark.parametrize("name", ["thea", "sam", "cora"])
def test_whoever_hears_the_feedback_sees_it_there(own, name, as_user, request):
    client = as_user(request.getfixturevalue(name))
    filmed(own.recording)
    page = client.get(feedback(own)).text
    assert f'src="{film(own.recording)}"' in page
    assert "Hide the picture" in page
    SentInterval.objects.all().delete()
    part = client.get(film(own.recording), headers={"Range": "bytes=10-19"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, CONTENT[10:20])
    assert SentInterval.objects.filter(recording=own.recording).exists()


def test_without_scripts_it_begins_where_the_moment_does(own, thea, as_user):
    filmed(own.recording)
    moment = own.annotations.order_by("start_ms").first()
    assert f'src="{film(own.recording)}#t=10,18"' in as_user(thea).get(feedback(own, moment=moment.pk)).text


def test_of_sound_alone_there_is_none(own, thea, as_user):
    page = as_user(thea).get(feedback(own)).text
    assert "data-player" in page
    assert "<video" not in page
    Recording.objects.filter(pk=own.recording_id).update(has_video=True)  # there was one that could not be made
    assert "<video" not in as_user(thea).get(feedback(own)).text


def test_when_consent_has_ended_it_is_neither_shown_nor_sent(own, thea, sam, as_user):
    consent = filmed(own.recording).consent
    consent.valid_until = factories.days_ago(1)
    consent.save()
    for person in (thea, sam):
        assert "<video" not in as_user(person).get(feedback(own)).text
        assert as_user(person).get(film(own.recording)).status_code == 403


def test_for_another_team_there_is_nothing(own, olly, as_user):
    filmed(own.recording)
    assert [as_user(olly).get(address).status_code for address in (feedback(own), film(own.recording))] == [404, 404]


def test_two_who_talk_their_ratings_over_see_it(thea, harbour, cora, sam, as_user):
    rating.consultant("carl", harbour)
    rating.make_plan(harbour, sam)
    made = rating.recording(thea, harbour)
    rating.run()
    rating.both(made)
    pair = Comparison.objects.get()
    address = reverse("recordings:comparison", args=[pair.pk])
    assert "<video" not in as_user(pair.first.rater).get(address).text
    filmed(made)
    assert film(made) in as_user(pair.first.rater).get(address).text


def test_it_is_beside_the_transcript(thea, harbour, as_user):
    recording = with_transcript(harbour, thea)
    address = reverse("recordings:transcript", args=[recording.pk])
    assert "<video" not in as_user(thea).get(address).text
    filmed(recording)
    assert f'src="{film(recording)}"' in as_user(thea).get(address).text
