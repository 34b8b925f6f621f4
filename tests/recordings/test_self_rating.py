"""The therapist's own rating: before the feedback, apart from it, hidden from raters until they have submitted, counted nowhere."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import selfrating
from recordings.models import SelfRating
from recordings.ratingforms import ConsensusForm
from supervision.models import Instrument, Item, Rating
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


def test_another_tab_is_not_overwritten_but_told_and_shown_both(recording, thea, as_user):
    client = as_user(thea)
    page = reverse("recordings:self-rating", args=[recording.pk])
    client.post(page, {"item-finding-the-fit": "2", "note": "From the first tab", "version": "0"})
    later = {"item-finding-the-fit": "0", "note": "From the second", "version": "0"}
    refused = client.post(page, later)
    assert refused.status_code == 422
    assert own(recording).scores == {"finding-the-fit": 2}
    text = refused.content.decode()
    for words in ("Changed in another tab", "There: 2", "Here: 0", "There: From the first tab", "Here: From the second"):
        assert words in text
    sent_again = later | {"version": re.search(r'name="version" value="(\d+)"', text).group(1)}
    assert client.post(page, sent_again).status_code == 302
    assert own(recording).scores == {"finding-the-fit": 0}


def saved_by_itself(client, recording, **fields):
    sent = {key.replace("_", "-"): value for key, value in fields.items()}
    return client.post(reverse("recordings:self-rating", args=[recording.pk]), sent, headers={"accept": "application/json"})


def test_the_script_is_answered_with_the_version_or_what_the_other_tab_stored(recording, thea, as_user):
    client = as_user(thea)
    first = saved_by_itself(client, recording, item_finding_the_fit="2", note="Mine", version="0")
    assert (first.status_code, first.json()) == (200, {"version": 1})
    stale = saved_by_itself(client, recording, item_finding_the_fit="3", version="0")
    assert stale.status_code == 409
    assert stale.json() == {"stored": {"version": 1, "fields": {"item-finding-the-fit": "2", "note": "Mine"}}}
    wrong = saved_by_itself(client, recording, item_finding_the_fit="77", version="1")
    assert wrong.status_code == 422
    assert wrong.json()["error"]
    assert own(recording).scores == {"finding-the-fit": 2}
    client.post(reverse("recordings:self-rating", args=[recording.pk]), form(version="1", do="submit"))
    locked = saved_by_itself(client, recording, item_finding_the_fit="0", version="2")
    assert (locked.status_code, locked.json()["locked"]) == (409, True)
    assert own(recording).scores["finding-the-fit"] == 1


@pytest.fixture
def counting(recording, harbour):
    """The same session, in a programme that rates with counts."""
    instrument = Instrument.objects.get(slug="motivational-interviewing", is_current=True)
    instrument.programmes.add(harbour.programme)
    instrument.save()  # the relation is kept with it
    return instrument


def test_counts_are_written_and_nothing_is_counted_that_was_not(recording, counting, thea, as_user):
    client = as_user(thea)
    page = reverse("recordings:self-rating", args=[recording.pk])
    assert b"<select" not in client.get(page).content
    assert saved_by_itself(client, recording, item_question_open="140", version="0").status_code == 200
    assert own(recording).scores == {"question-open": 140}
    refused = client.post(page, {"item-question-open": "many", "version": "1"})
    assert refused.status_code == 422
    assert b"Open questions: enter a whole number from 0 to" in refused.content
    assert b'value="many"' in refused.content
    items = list(Item.objects.filter(instrument=counting))
    figures = {f"item-{item.key}": "3" for item in items} | {"item-question-open": "140", "version": "1", "do": "submit"}
    assert client.post(page, figures).status_code == 302
    kept = Rating.objects.get(kind="self")
    assert kept.scores.count() == len(items)
    assert kept.scores.get(item__key="question-open").score == 140
    assert b"140" in client.get(page).content


def test_a_count_is_proposed_as_a_figure_and_nothing_stands_for_nought(counting):
    item = Item.objects.get(instrument=counting, key="question-open")
    proposed = ConsensusForm({"action": "propose", "version": "0", "score": "140"}, item=item)
    assert proposed.is_valid()
    assert proposed.score == 140
    for wrong in ("", "-1", "10000", "na", "1.5"):
        assert not ConsensusForm({"action": "propose", "version": "0", "score": wrong}, item=item).is_valid(), wrong


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
