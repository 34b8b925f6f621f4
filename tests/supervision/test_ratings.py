"""Ratings are written once, checked against their instrument, and seen by others only after release."""

import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from supervision import instruments, ratings
from supervision.models import Instrument, Item, ItemScore, Rating


@pytest.fixture
def form(db):
    instruments.load_instruments()
    return Instrument.objects.get(slug="practice-review")


@pytest.fixture
def rate(form, harbour, thea, cora):
    def record(source=None, **fields):
        scores = dict.fromkeys(form.items.values_list("key", flat=True), 2) | fields.pop("scores", {})
        values = {"therapist": thea, "rater": cora, "team": harbour, "session_on": timezone.localdate(), "share_heard": 0.9, **fields}
        return ratings.record(instrument=form, source=source or uuid.uuid4(), scores=scores, by=cora, now=timezone.now(), **values)

    return record


def test_not_applicable_is_kept_as_such(rate):
    rating = rate(scores={"generalisation": None})
    assert ItemScore.objects.get(rating=rating, item__key="generalisation").score is None
    assert rating.scores.count() == 9


@pytest.mark.parametrize(("scores", "words"), [({"generalisation": 5}, "from 0 to 4"), ({"charm": 3}, "no item called charm")])
def test_scores_must_fit_the_instrument(rate, scores, words):
    with pytest.raises(ratings.RatingRefused, match=words):
        rate(scores=scores)
    assert not Rating.objects.exists()


def test_every_item_is_rated(form, harbour, thea, cora):
    with pytest.raises(ratings.RatingRefused, match="Finding the fit"):
        ratings.record(
            instrument=form,
            therapist=thea,
            rater=cora,
            team=harbour,
            source=uuid.uuid4(),
            session_on=timezone.localdate(),
            share_heard=1,
            scores={},
            by=cora,
            now=timezone.now(),
        )


def test_one_review_gives_one_rating(rate):
    source = uuid.uuid4()
    rate(source)
    with pytest.raises(ratings.RatingRefused, match="already"):
        rate(source)


def test_nobody_rates_themselves(rate, cora):
    with pytest.raises(ratings.RatingRefused, match="of their own"):
        rate(therapist=cora)


def test_until_release_only_the_rater_sees_it(rate, thea, sam, cora, tom, otto):
    rating = rate()
    assert list(Rating.objects.visible_to(cora)) == [rating]
    for other in (thea, sam, tom, otto):
        assert not Rating.objects.visible_to(other).exists()
    ratings.release(source=rating.source, by=cora, now=timezone.now())
    for allowed in (thea, sam, cora):
        assert list(Rating.objects.visible_to(allowed)) == [rating]
    for other in (tom, otto):
        assert not Rating.objects.visible_to(other).exists()


def test_releasing_twice_keeps_the_first_time(rate, cora):
    rating = rate()
    first = ratings.release(source=rating.source, by=cora, now=timezone.now()).released_at
    assert ratings.release(source=rating.source, by=cora, now=timezone.now()).released_at == first


def test_the_persons_page_shows_released_scores_only_to_those_who_may_see_them(rate, as_user, thea, sam, ada, cora):
    rating = rate()
    url = reverse("supervision:person-detail", args=["harbour", thea.pk])
    assert "Finding the fit" not in as_user(sam).get(url).content.decode()
    ratings.release(source=rating.source, by=cora, now=timezone.now())
    for allowed in (thea, sam, cora):
        assert "Finding the fit" in as_user(allowed).get(url).content.decode()
    assert "Finding the fit" not in as_user(ada).get(url).content.decode()


def test_instruments_load_once_and_never_change(form, tmp_path):
    assert instruments.load_instruments() == []
    items = list(form.items.order_by("position"))
    assert len(items) == 9
    assert all(sorted(item.anchors) == ["0", "1", "2", "3", "4"] and all(item.anchors.values()) for item in items)
    changed = (instruments.FILES / "practice-review.yaml").read_text().replace("Names at least one plausible", "Names a plausible")
    (tmp_path / "practice-review.yaml").write_text(changed)
    with pytest.raises(instruments.InstrumentRefused, match="next version"):
        instruments.load_instruments(tmp_path)
    (tmp_path / "practice-review.yaml").write_text(changed.replace("version: 2", "version: 3"))
    [second] = instruments.load_instruments(tmp_path)
    assert second.is_current
    form.refresh_from_db()
    assert not form.is_current
    assert Item.objects.filter(instrument__slug="practice-review").count() == 18


def test_the_note_says_that_it_is_ours_and_unvalidated(form):
    assert "not an MST Services instrument" in form.licence_note
    assert "no validated norms" in form.licence_note
