"""The page about agreement: which statistics for whom, what is averaged, n in every row, and what was not applicable."""

import csv

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import agreeing, codebook
from recordings.models import Annotation, Comparison, Review
from supervision.models import Instrument, Item, ItemScore, Rating
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db


@pytest.fixture
def rated(thea, harbour):
    """Makes a released comparison: who rated, and what each of the two gave by item; None is not applicable."""
    rating.instrument()
    codebook.load(harbour.programme)

    def give(recording, instrument, rater, scores):
        now = timezone.now()
        review = Review.objects.create(
            recording=recording,
            rater=rater,
            instrument=instrument,
            is_blind=True,
            started_at=now,
            submitted_at=now,
            released_at=now,
            state="released",
        )
        given = Rating.objects.create(
            instrument=instrument,
            therapist=recording.therapist,
            rater=rater,
            team=recording.team,
            source=review.pk,
            session=recording.pk,
            session_on=recording.session_on,
            share_heard=1,
            submitted_at=now,
        )
        items = {item.key: item for item in Item.objects.filter(instrument=instrument)}
        ItemScore.objects.bulk_create(ItemScore(rating=given, item=items[key], score=score) for key, score in scores.items())
        return review

    def made(raters, first, second, *, slug="practice-review", on=None):
        instrument = Instrument.objects.get(slug=slug, is_current=True)
        recording = on or setup.ready_recording(thea, harbour)
        reviews = [give(recording, instrument, rater, scores) for rater, scores in zip(raters, (first, second), strict=True)]
        return Comparison.objects.create(first=reviews[0], second=reviews[1], opened_at=timezone.now(), released_at=timezone.now())

    return made


def mark(review, code, start, length):
    now = timezone.now()
    return Annotation.objects.create(review=review, code=code, start_ms=start, end_ms=start + length, created_at=now, changed_at=now)


def found(slug="practice-review"):
    return agreeing.figures(
        Instrument.objects.get(slug=slug, is_current=True), Comparison.objects.select_related("first__recording", "second")
    )


def row(of, name):
    [one] = [one for table in of.tables for one in table.rows if one.name == name]
    return one


def test_counts_alike_and_impressions_opposed_do_not_agree_as_a_whole(rated, cora, carl):
    """Audited: the mean of all items made an ICC of 1.00 of it."""
    rating.instrument()
    items = list(Item.objects.filter(instrument__slug="motivational-interviewing"))
    for session in range(12):
        high, low = (5, 1) if session % 3 else (4, 2)
        one = {item.key: 5 * session if item.scale == "count" else high for item in items}
        rated(
            (cora, carl), one, {key: value if value == 5 * session else low for key, value in one.items()}, slug="motivational-interviewing"
        )
    of = found("motivational-interviewing")
    [whole] = of.whole
    assert (len(whole.items), whole.least, whole.most, whole.form) == (4, 1, 5, "2,1")
    assert whole.figure.value < 0
    assert of.left_out
    assert [table.title for table in of.tables] == ["Items with steps", "Counts and seconds"]
    assert row(of, "Open questions").figures["icc_2_1"].value == 1
    assert set(row(of, "Open questions").figures) == {"percent_agreement", "icc_2_1", "krippendorff_alpha"}


def test_an_instrument_without_items_to_average_says_so(rated, cora, carl, as_user):
    rating.instrument()
    keys = [item.key for item in Item.objects.filter(instrument__slug="analytic-process")]
    rated((cora, carl), dict.fromkeys(keys, 1), dict.fromkeys(keys, 0), slug="analytic-process")
    page = as_user(cora).get(reverse("recordings:agreement")).content.decode()
    assert "There is no figure for the whole" in page
    assert "Gwet’s AC1" in page  # yes or no has no near misses, so it is AC1 and not AC2
    assert row(found("analytic-process"), Item.objects.filter(key=keys[0]).first().name).figures["gwet_ac1"].value is not None


def test_two_people_are_two_raters_and_three_are_not(rated, cora, carl, otis, as_user):
    for session in range(3):
        rated((cora, carl), {"finding-the-fit": session}, {"finding-the-fit": 1})
    of = row(found(), "Finding the fit")
    assert set(of.figures) == {"percent_agreement", "cohen_kappa_quadratic", "gwet_ac2", "krippendorff_alpha"}
    page = as_user(cora).get(reverse("recordings:agreement")).content.decode()
    assert "The same two people rated all of these sessions" in page
    rated((carl, otis), {"finding-the-fit": 4}, {"finding-the-fit": 3})
    of = row(found(), "Finding the fit")
    assert set(of.figures) == {"percent_agreement", "fleiss_kappa_quadratic", "gwet_ac2", "krippendorff_alpha"}
    assert {figure.n_raters for figure in of.figures.values()} == {3}
    page = as_user(cora).get(reverse("recordings:agreement")).content.decode()
    assert "3 people rated these sessions, two at a time" in page
    assert "Fleiss’ κ, weighted" in page
    assert "Cohen" not in page
    assert "ICC(1,1)" in page


def everything(of):
    rows = [*of.codes, *(one for table in of.tables for one in table.rows)]
    return {(one.name, name): figure for one in rows for name, figure in one.figures.items()} | {"whole": of.whole[0].figure}


@pytest.mark.parametrize("people", [2, 3])
def test_neither_the_order_of_the_two_nor_of_the_sessions_changes_the_page(people, rated, cora, carl, otis, harbour):
    """Audited: which of two reviews was first moved ICC from .43 to .54 and κ from .29 to .44."""
    pairs = ([(cora, carl)] if people == 2 else [(cora, carl), (carl, otis), (otis, cora)]) * 4
    lean = {cora: 0, carl: 1, otis: 2}
    keys = [item.key for item in Item.objects.filter(instrument=rating.instrument())]
    code = harbour.programme.codes.first()
    for session, raters in enumerate(pairs):
        scores = [{key: min(4, (session + place) % 3 + lean[rater]) for place, key in enumerate(keys)} for rater in raters]
        made = rated(raters, *scores)
        for review in (made.first, made.second):
            mark(review, code, 4000 + 700 * lean[review.rater], 2000 + 100 * session * lean[review.rater])
    before = everything(found())
    assert before["whole"].n_raters == people
    for number, one in enumerate(Comparison.objects.select_related("first", "second").order_by("pk")):
        if number % 3 != 1:
            Comparison.objects.filter(pk=one.pk).update(first=one.second, second=one.first)
    assert everything(found()) == before
    comparisons = list(Comparison.objects.select_related("first__recording", "second"))
    assert everything(agreeing.figures(rating.instrument(), comparisons[::-1])) == before


def test_n_stands_in_each_row_with_a_word_where_it_is_under_ten(rated, cora, carl, as_user):
    for session in range(10):
        rated(
            (cora, carl),
            {"finding-the-fit": session % 4, "generalisation": 2},
            {"finding-the-fit": 2, "generalisation": None if session else 3},
        )
    of = found()
    assert (row(of, "Finding the fit").is_few, row(of, "Generalisation").is_few) == (False, True)
    page = as_user(cora).get(reverse("recordings:agreement")).content.decode()
    assert "Where n is under 10" in page
    assert '<td class="pl-number" data-label="n, sessions">10</td>' in page
    assert '<td class="pl-number" data-label="n, sessions">1 <span class="pl-few">too few to call good or bad</span></td>' in page


def test_annotations_have_their_n_too(rated, cora, carl, harbour, as_user):
    made = rated((cora, carl), {"finding-the-fit": 1}, {"finding-the-fit": 2})
    code = harbour.programme.codes.first()
    for review, starts in ((made.first, (1000, 5000)), (made.second, (1200,))):
        for start in starts:
            mark(review, code, start, 900)
    page = as_user(cora).get(reverse("recordings:agreement")).content.decode()
    annotations = page.partition("<h2>Annotations</h2>")[2]
    assert 'data-label="n, ranges">2 <span class="pl-few">' in annotations


def test_not_applicable_against_a_score_is_shown_with_the_agreement_on_it(rated, cora, carl, as_user):
    """Audited: ten alike and ten where one said "not applicable" were 100 %, n = 10, and nothing more."""
    for session in range(20):
        rated((cora, carl), {"finding-the-fit": 3}, {"finding-the-fit": 3 if session < 10 else None})
    of = row(found(), "Finding the fit")
    assert (of.figures["percent_agreement"].value, of.n) == (1, 10)
    assert (of.applicable.one_sided, of.applicable.neither, of.applicable.percent.value, of.applicable.percent.n_units) == (10, 0, 0.5, 20)
    assert of.applicable.ac1.low < of.applicable.ac1.value < of.applicable.ac1.high
    client = as_user(cora)
    page = client.get(reverse("recordings:agreement")).content.decode()
    assert 'data-label="Not applicable to one of the two">10</td>' in page
    lines = list(csv.DictReader(client.get(reverse("recordings:agreement-csv")).content.decode().splitlines()))
    said = {line["statistic"]: line for line in lines if line["name"] == "Finding the fit"}
    assert (said["not_applicable_by_one"]["value"], said["not_applicable_by_one"]["n"]) == ("10.0000", "20")
    assert said["applicable_percent_agreement"]["value"] == "0.5000"
    assert said["applicable_gwet_ac1"]["low_95"]
    assert {line["raters"] for line in lines if line["name"] == "Finding the fit"} == {"2"}
    assert not any(line["statistic"].startswith("applicable") for line in lines if line["name"] != "Finding the fit")


def test_where_other_days_were_asked_for_it_is_not_said_that_nothing_was_ever_rated_twice(rated, cora, carl, as_user):
    client, url = as_user(cora), reverse("recordings:agreement")
    assert "No session has been rated twice" in client.get(url).text
    rated((cora, carl), {"finding-the-fit": 3}, {"finding-the-fit": 2})
    assert "1 session rated twice" in client.get(url).text
    other = client.get(url, {"since": "2020-01-01", "until": "2020-02-01"}).text
    assert "No session from 1 January 2020 to 1 February 2020 was rated twice and released" in other
    assert "No session has been rated twice" not in other
    swapped = client.get(url, {"since": "2020-02-01", "until": "2020-01-01"}).text
    assert "The first day is after the last" in swapped
    assert "1 session rated twice" in swapped
