"""Reviews with other instruments than the practice review: counts from annotations, yes and no, the share that must be heard."""

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import annotation, codebook, counting, review, workbench
from recordings.models import Code, DraftScore, Review
from supervision import formulas
from supervision.instruments import load_instruments
from supervision.models import Instrument, Item, Rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def recording(thea, harbour):
    return setup.ready_recording(thea, harbour)


@pytest.fixture
def forms(db):
    load_instruments()
    return {one.slug: one for one in Instrument.objects.all()}


def start(recording, rater, instrument=None):
    return review.start(recording=recording, rater=rater, instrument=instrument, now=timezone.now())


@pytest.fixture
def counts(recording, cora, forms):
    return start(recording, cora, forms["motivational-interviewing"])


def item(own, key):
    return Item.objects.get(instrument=own.instrument, key=key)


def score(own, key, **fields):
    draft = DraftScore.objects.filter(review=own, item_key=key).first()
    version = fields.pop("version", draft.version if draft else 0)
    values = {"score": None, **fields}
    return review.score(review=own, item=item(own, key), version=version, by=own.rater, now=timezone.now(), **values)


def row(own, key):
    return next(one for one in workbench.item_rows(own, workbench.annotations(own)) if one.item.key == key)


def impressions(own, value=4):
    for key in ("change-side", "staying-side", "partnership", "empathy"):
        score(own, key, score=value)


def submit(own):
    return review.submit(review=own, by=own.rater, now=timezone.now())


# Which instrument


def test_the_practice_review_comes_first_and_the_others_may_be_chosen(recording, cora, forms, client):
    client.force_login(cora)
    page = client.get(reverse("recordings:review", args=[recording.pk])).content.decode()
    assert page.index("Nine-principle practice review") < page.index("Analytic-process checklist")
    assert "TAM-R" not in page
    assert start(recording, cora).instrument == forms["practice-review"]


def test_the_chosen_instrument_is_the_one_that_is_begun(recording, cora, forms, client):
    client.force_login(cora)
    chosen = forms["analytic-process"]
    client.post(reverse("recordings:review", args=[recording.pk]), {"instrument": chosen.pk})
    assert Review.objects.get(recording=recording, rater=cora).instrument == chosen


def test_an_instrument_that_the_team_does_not_use_cannot_be_chosen(recording, cora, forms, client):
    client.force_login(cora)
    client.post(reverse("recordings:review", args=[recording.pk]), {"instrument": forms["tam-r"].pk})
    assert not Review.objects.filter(recording=recording).exists()


def test_a_programme_with_an_instrument_of_its_own_uses_that(recording, cora, forms):
    own = forms["guided-self-help"]
    own.programmes.set([recording.team.programme])
    own.save()
    assert start(recording, cora).instrument == own


def test_one_person_may_review_a_session_with_two_instruments(recording, cora, forms):
    first, second = start(recording, cora, forms["practice-review"]), start(recording, cora, forms["analytic-process"])
    assert first != second
    assert start(recording, cora, forms["analytic-process"]) == second


def test_the_first_review_locks_the_version(recording, cora, forms):
    assert forms["practice-review"].first_used_at is None
    start(recording, cora)
    assert Instrument.objects.get(slug="practice-review").first_used_at


# Counts and durations


def test_the_codes_that_an_instrument_counts_are_there_when_its_review_begins(counts):
    slugs = [code.slug for code in codebook.current(counts.recording.team.programme)]
    assert {"mi-question-open", "mi-giving-information", "fit-explored"} <= set(slugs)
    digits = list(Code.objects.filter(digit__isnull=False).values_list("digit", flat=True))
    assert len(digits) == len(set(digits))


def test_on_the_bench_the_counted_codes_come_first_and_have_the_digits(counts):
    codes = counting.bench_codes(counts, codebook.current(counts.recording.team.programme))
    assert [code.digit for code in codes[:10]] == [1, 2, 3, 4, 5, 6, 7, 8, 9, None]
    assert all(code.slug.startswith("mi-") for code in codes[:10])
    assert not any(code.digit for code in codes[10:])


def test_a_count_follows_the_annotations(counts):
    assert row(counts, "question-open").counted == 0
    one = setup.mark(counts, "mi-question-open", 1_000, 2_000)
    setup.mark(counts, "mi-question-open", 5_000, 6_000)
    setup.mark(counts, "mi-question-closed", 8_000, 9_000)
    assert (row(counts, "question-open").counted, row(counts, "question-open").chosen) == (2, "counted")
    annotation.remove(annotation=one, by=counts.rater, now=timezone.now())
    assert row(counts, "question-open").counted == 1


def test_what_another_rater_marked_in_that_session_is_not_counted(counts, carl, forms):
    theirs = start(counts.recording, carl, forms["motivational-interviewing"])
    for times in ((1_000, 2_000), (3_000, 4_000)):
        setup.mark(theirs, "mi-question-open", *times)
    setup.mark(counts, "mi-question-open", 5_000, 6_000)
    assert score(counts, "question-open", is_counted=True).score == 1


@pytest.mark.parametrize("is_there", [False, True], ids=["no such code", "out of use"])
def test_what_nobody_could_mark_is_not_counted_as_nought(recording, cora, forms, is_there):
    form = forms["motivational-interviewing"]
    codes = ["question-that-is-open"]
    Item.objects.filter(instrument=form, key="question-open").update(codes=codes)
    if is_there:
        Code.objects.create(programme=recording.team.programme, slug=codes[0], name="Open", definition="A question", is_current=False)
    with pytest.raises(review.ReviewRefused, match=r"question-that-is-open, and .* has no such code in use"):
        start(recording, cora, form)
    assert not Review.objects.exists()
    values = {"slug": codes[0], "defaults": {"name": "Open", "definition": "A question", "is_current": True}}
    Code.objects.update_or_create(programme=recording.team.programme, **values)
    assert start(recording, cora, form).state == Review.State.IN_PROGRESS


def test_a_code_under_a_counted_code_counts_too(counts):
    parent = Code.objects.get(slug="mi-question-open")
    Code.objects.filter(slug="fit-explored").update(parent=parent)
    setup.mark(counts, "fit-explored", 1_000, 2_000)
    assert row(counts, "question-open").counted == 1


def test_a_duration_counts_what_overlaps_once(recording, cora, forms):
    own = start(recording, cora, forms["parent-infant"])
    for times in ((0, 10_000), (5_000, 12_000), (20_000, 21_600)):
        setup.mark(own, "pi-to-and-fro", *times)
    assert row(own, "turn-taking").counted == 14  # 12 and 1.6 seconds


def test_a_figure_of_ones_own_takes_the_place_of_the_count_until_the_count_is_used_again(counts):
    setup.mark(counts, "mi-question-open", 1_000, 2_000)
    score(counts, "question-open", score=7)
    assert (row(counts, "question-open").chosen, row(counts, "question-open").figure) == ("own", 7)
    setup.mark(counts, "mi-question-open", 5_000, 6_000)
    assert row(counts, "question-open").figure == 7
    score(counts, "question-open", is_counted=True)
    assert (row(counts, "question-open").chosen, row(counts, "question-open").counted) == ("counted", 2)


def test_at_submission_the_figures_are_kept_as_they_stand(counts):
    setup.mark(counts, "mi-question-open", 1_000, 2_000)
    setup.mark(counts, "mi-reflection-simple", 5_000, 6_000)
    setup.mark(counts, "mi-reflection-complex", 8_000, 9_000)
    score(counts, "affirming", score=3)
    impressions(counts)
    setup.hear(counts.recording, counts.rater)
    submit(counts)
    rating = Rating.objects.get(source=counts.pk)
    kept = dict(rating.scores.values_list("item__key", "score"))
    assert (kept["question-open"], kept["question-closed"], kept["affirming"], kept["empathy"]) == (1, 0, 3, 4)
    found = {one.score.key: one for one in formulas.derived(rating)}
    assert (found["reflections-to-questions"].text, found["reflections-to-questions"].label) == ("2.0", "good")
    assert (found["complex-share"].text, found["complex-share"].label) == ("50\u00a0%", "good")


def test_without_a_question_the_ratio_is_not_scorable_and_the_feedback_says_why(counts, client, thea):
    impressions(counts)
    setup.hear(counts.recording, counts.rater)
    submit(counts)
    review.release(review=counts, by=counts.rater, now=timezone.now())
    client.force_login(thea)
    page = client.get(reverse("recordings:feedback", args=[counts.pk])).content.decode()
    assert "Not scorable" in page
    assert "“Questions” is nothing" in page
    assert "Technical impression" in page
    assert "Good: 4.0 or more" in page


def test_the_page_takes_a_count_by_the_plain_form_and_says_what_is_wrong(counts, client):
    client.force_login(counts.rater)
    url = reverse("recordings:score", args=[counts.pk, "question-open"])
    assert client.post(url, {"score": "own", "figure": "5", "version": 1}, **JSON).json()["score"]["figure"] == 5
    assert client.post(url, {"score": "own", "figure": "", "version": 2}, **JSON).status_code == 422
    assert client.post(url, {"score": "own", "figure": "-1", "version": 2}, **JSON).status_code == 422
    assert "always rated" in client.post(url, {"score": "na", "version": 2}, **JSON).json()["error"]
    answer = client.post(url, {"score": "counted", "version": 2}, **JSON).json()
    assert (answer["score"]["score"], answer["score"]["figure"]) == ("counted", 0)
    page = client.get(reverse("recordings:review", args=[counts.recording_id])).content.decode()
    assert 'data-codes="mi-question-open"' in page
    assert "From your annotations" in page


# Yes and no, sections, not applicable


def test_a_checklist_has_headings_and_yes_and_no(recording, cora, forms, client):
    own = start(recording, cora, forms["analytic-process"])
    client.force_login(cora)
    page = client.get(reverse("recordings:review", args=[recording.pk])).content.decode()
    assert page.count('class="pl-section__name"') == 5
    assert "<span>Yes</span>" in page
    score(own, "fit-tested", score=1)
    with pytest.raises(review.ReviewRefused, match="from 0 to 1"):
        score(own, "fit-tested", score=2)


def test_an_item_that_is_always_rated_offers_no_not_applicable(recording, cora, forms, client):
    own = start(recording, cora, forms["guided-self-help"])
    with pytest.raises(review.ReviewRefused, match="always rated"):
        score(own, "risk-asked", is_not_applicable=True)
    client.force_login(cora)
    page = client.get(reverse("recordings:review", args=[recording.pk])).content.decode()
    assert page.count('value="na"') == own.instrument.items.count() - 1


# How much must be heard


def test_less_than_the_least_share_heard_refuses_submission_and_names_both(counts):
    impressions(counts)
    setup.hear(counts.recording, counts.rater, 0, 60_000)
    with pytest.raises(review.NotReady, match=r"heard 10\s%.*at least 30\s%"):
        submit(counts)
    setup.hear(counts.recording, counts.rater, 60_000, 180_000)
    assert submit(counts).share_heard == pytest.approx(0.3)
    assert Rating.objects.get(source=counts.pk).share_heard == pytest.approx(0.3)


def test_the_rating_knows_its_session_and_that_it_was_blind(recording, cora):
    own = setup.submitted(recording, cora)
    rating = Rating.objects.get(source=own.pk)
    assert (rating.session, rating.is_blind, rating.kind) == (recording.pk, True, Rating.Kind.RATER)
