"""The therapist's own rating: before the feedback, apart from it, hidden from raters until they have submitted, counted nowhere."""

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import selfrating
from recordings.models import SelfRating
from supervision.models import Item, Rating
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(thea, harbour):
    rating.instrument()
    return rating.recording(thea, harbour)


def form(score="1", **more):
    return {f"item-{item.key}": score for item in Item.objects.filter(instrument=rating.instrument())} | {"version": "0"} | more


def own(recording):
    return SelfRating.objects.get(recording=recording)


def test_it_is_saved_in_parts_and_handed_in_once(recording, thea, as_user):
    client = as_user(thea)
    page = reverse("recordings:self-rating", args=[recording.pk])
    assert b"Rate it yourself first" not in client.get(page).content
    assert client.post(page, {"item-finding-the-fit": "2", "version": "0", "do": "save"}).status_code == 302
    assert own(recording).scores == {"finding-the-fit": 2}
    refused = client.post(page, {"item-finding-the-fit": "2", "version": "1", "do": "submit"})
    assert refused.status_code == 422
    assert b"Not rated yet" in refused.content
    assert client.post(page, form(version=str(own(recording).version), do="submit")).status_code == 302
    kept = Rating.objects.get()
    assert (kept.kind, kept.rater, kept.therapist, kept.session) == ("self", thea, thea, recording.pk)
    assert client.post(page, form(do="save")).status_code == 403


def test_another_tab_is_not_overwritten(recording, thea, as_user):
    client = as_user(thea)
    page = reverse("recordings:self-rating", args=[recording.pk])
    client.post(page, {"item-finding-the-fit": "2", "version": "0"})
    assert client.post(page, {"item-finding-the-fit": "0", "version": "0"}).status_code == 422
    assert own(recording).scores == {"finding-the-fit": 2}


def test_raters_see_it_only_once_they_have_submitted(recording, thea, cora, sam, as_user):
    as_user(thea).post(reverse("recordings:self-rating", args=[recording.pk]), form(do="submit", note="I lost my way"))
    assert not SelfRating.objects.visible_to(cora).exists()
    setup.begin(recording, cora)
    assert not SelfRating.objects.visible_to(cora).exists()
    review = setup.submitted(recording, cora)
    assert SelfRating.objects.visible_to(cora).exists()
    assert not SelfRating.objects.visible_to(sam).exists()
    page = as_user(cora).get(reverse("recordings:feedback", args=[review.pk])).content.decode()
    assert "Thea, beforehand" in page
    assert "I lost my way" not in page


def test_with_the_feedback_it_stands_beside_and_is_counted_nowhere(recording, thea, cora, sam, as_user):
    as_user(thea).post(reverse("recordings:self-rating", args=[recording.pk]), form(do="submit"))
    review = setup.released(recording, cora)
    for user, words in ((thea, "You, beforehand"), (sam, "Thea, beforehand"), (cora, "Thea, beforehand")):
        assert words in as_user(user).get(reverse("recordings:feedback", args=[review.pk])).content.decode()
    assert [one.kind for one in Rating.objects.released()] == ["rater"]


def test_it_does_not_come_after_the_feedback(recording, thea, cora, as_user):
    setup.released(recording, cora)
    client = as_user(thea)
    assert client.get(reverse("recordings:self-rating", args=[recording.pk])).status_code == 403
    with pytest.raises(selfrating.SelfRatingRefused, match="feedback is there"):
        selfrating.save(recording=recording, instrument=rating.instrument(), scores={}, note="", version=0, by=thea, now=timezone.now())


def test_nobody_else_gets_at_it(recording, thea, sam, tom, cora, as_user):
    as_user(thea).post(reverse("recordings:self-rating", args=[recording.pk]), form(do="submit"))
    page = reverse("recordings:self-rating", args=[recording.pk])
    for user, status in ((sam, 403), (cora, 403), (tom, 404)):
        assert as_user(user).get(page).status_code == status
        assert as_user(user).post(page, form()).status_code == status
