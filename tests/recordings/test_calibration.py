"""Gold recordings: made where rater training is agreed to, rated openly or hidden, compared, certified by somebody else."""

import datetime as dt
import re

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import calibration, certifying, destruction, explaining, review
from recordings.models import Assignment, GoldScore, SealedText
from supervision import periods
from supervision.models import Rating
from tests import factories
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
SAID = "Nobody asked the aunt"


@pytest.fixture
def otis(harbour):
    return rating.consultant("otis", factories.make_team("Third team", programme=harbour.programme))


@pytest.fixture
def source(thea, harbour, cora):
    rating.instrument()
    return setup.submitted(rating.recording(thea, harbour), cora)


@pytest.fixture
def gold(source, cora):
    return calibration.make_gold(review=source, label="Exercise 1", by=cora, now=timezone.now())


def give(gold, rater, **fields):
    return calibration.give(gold=gold, rater=rater, by=None, now=timezone.now(), **fields)


def test_gold_takes_the_scores_of_the_review_and_needs_agreement_to_training(gold, source, thea, harbour, cora):
    assert set(GoldScore.objects.filter(gold=gold).values_list("score", flat=True)) == {3}
    other = setup.submitted(rating.recording(thea, harbour, purposes=("record", "review")), cora)
    with pytest.raises(calibration.CalibrationRefused):
        calibration.make_gold(review=other, label="Exercise 2", by=cora, now=timezone.now())


def test_an_exercise_counts_for_nobody_and_is_never_released(gold, otis):
    own = rating.submit(give(gold, otis), score=4)
    assert Rating.objects.get(source=own.pk).kind == "exercise"
    with pytest.raises(review.ReviewRefused, match="calibration"):
        review.release(review=own, by=otis, now=timezone.now())
    assert not Rating.objects.released().exists()


def test_whoever_rated_or_can_see_a_rating_of_it_does_not_do_it(gold, cora, thea, harbour, sam):
    with pytest.raises(calibration.CalibrationRefused, match="asked to rate this session before"):
        give(gold, cora)
    with pytest.raises(calibration.CalibrationRefused, match="consultants"):
        give(gold, sam)
    carl = rating.consultant("carl", harbour)
    review.release(review=gold.recording.reviews.get(), by=cora, now=timezone.now())
    with pytest.raises(calibration.CalibrationRefused, match="can see"):
        give(gold, carl)


def shape(page):
    """A page's tags, without what names one thing: ids, times, words."""
    return re.findall(r"<(/?\w+)([^>]*)>", re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b\w{64}\b", "", re.sub(r"/\d+/", "//", page)))


def test_a_hidden_exercise_looks_like_any_other_in_list_home_and_page(gold, otis, thea, harbour, sam, as_user):
    hidden = give(gold, otis, is_hidden=True)
    rating.make_plan(harbour, sam)
    ordinary = rating.recording(thea, harbour)
    rating.run()
    second = rating.asked(ordinary, "second")
    assert second.rater == otis
    Assignment.objects.filter(pk=hidden.pk).update(due_on=second.due_on)
    client = as_user(otis)
    page = client.get(reverse("recordings:review-list")).content.decode()
    rows = re.findall(r'<li class="pl-needs__row">.*?</li>', page, re.S)
    assert len(rows) == 2
    blank = [re.sub(r"\s+", " ", re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b\w{64}\b", "", row)) for row in rows]
    assert blank[0] == blank[1]
    for name in ("recordings:review", "recordings:detail"):
        pages = [client.get(reverse(name, args=[one.recording_id])).content.decode() for one in (hidden, second)]
        assert shape(pages[0]) == shape(pages[1]), name
    for one in (hidden, second):
        rating.begin(one)
    benches = [client.get(reverse("recordings:review", args=[one.recording_id])).content.decode() for one in (hidden, second)]
    assert shape(benches[0]) == shape(benches[1])
    for address in (reverse("recordings:calibration"), reverse("recordings:rater-report", args=[otis.pk])):
        answer = client.get(address).content.decode()
        assert str(gold.recording_id) not in answer
        assert "Your exercises" not in answer
    assert "Exercise 1" not in client.get("/").content.decode()


def test_the_report_gives_bias_exact_and_within_one(gold, otis, as_user):
    rating.submit(give(gold, otis), others={"finding-the-fit": 1}, score=4)
    found = certifying.report(otis, gold.instrument)
    by_key = {item.key: figures for item, figures in found.items}
    assert (by_key["finding-the-fit"].bias.value, by_key["generalisation"].bias.value) == (-2, 1)
    assert found.overall.exact.value == 0
    assert found.overall.within_one.value == pytest.approx(8 / 9)
    page = as_user(otis).get(reverse("recordings:rater-report", args=[otis.pk]))
    assert page.status_code == 200
    assert "too few to call it good or bad" in page.content.decode()


def test_somebody_else_certifies_for_six_calendar_months(gold, otis, cora, sam, thea, as_user):
    rating.submit(give(gold, otis))
    with pytest.raises(certifying.CertificationRefused):
        certifying.certify(rater=otis, instrument=gold.instrument, by=otis, now=timezone.now())
    address = reverse("recordings:certify", args=[otis.pk, gold.instrument_id])
    assert as_user(thea).post(address).status_code == 404
    assert as_user(cora).post(address).status_code == 302
    made = otis.certifications.get()
    assert made.valid_until == periods.last_valid_day(factories.today(), 6)
    assert made.basis["exercises"] == 1
    assert certifying.in_force(otis, gold.instrument, on=made.valid_until)
    assert not certifying.in_force(otis, gold.instrument, on=made.valid_until + dt.timedelta(days=1))
    assert "Until" in as_user(cora).get(reverse("recordings:calibration")).content.decode()


def test_whoever_made_the_gold_says_why_and_raters_read_it_once_they_have_submitted(gold, otis, cora, sam, harbour, as_user):
    address = reverse("recordings:gold-reasons", args=[gold.pk])
    assert as_user(sam).get(address).status_code == 403
    assert as_user(cora).post(address, {"why-finding-the-fit": SAID}).status_code == 302
    assert SAID in as_user(cora).get(address).content.decode()
    assert not any(SAID.encode() in bytes(row.ciphertext) for row in SealedText.objects.all())
    tess = rating.consultant("tess", harbour)
    asked = give(gold, otis)
    report = reverse("recordings:rater-report", args=[otis.pk])
    assert SAID not in as_user(otis).get(report).content.decode()
    rating.submit(asked, others={"finding-the-fit": 1})
    page = as_user(otis).get(report).content.decode()
    assert SAID in page
    assert "Exercise by exercise" in page
    for other in (tess, sam):  # either may yet look at it for the first time
        seen = as_user(other).get(report).content.decode()
        assert "Item by item" in seen
        assert "Exercise by exercise" not in seen
        assert SAID not in seen
    with pytest.raises(explaining.ExplanationRefused):
        explaining.explain(gold=gold, reasons={"finding-the-fit": ""}, by=sam, now=timezone.now())


def test_the_reasons_go_with_the_recording_or_the_consent_and_the_scores_stay(gold, otis, cora, as_user):
    explaining.explain(gold=gold, reasons={"finding-the-fit": SAID}, by=cora, now=timezone.now())
    rating.submit(give(gold, otis))
    report = reverse("recordings:rater-report", args=[otis.pk])
    consent = gold.recording.consent
    consent.valid_until = factories.days_ago(1)
    consent.save()
    page = as_user(otis).get(report).content.decode()
    assert SAID not in page
    assert "Exercise by exercise" in page
    assert SAID not in as_user(cora).get(reverse("recordings:gold-reasons", args=[gold.pk])).content.decode()
    destruction.destroy(recording=gold.recording, reason="withdrawn", by=None, now=timezone.now())
    assert GoldScore.objects.filter(gold=gold, reason__isnull=True, score=3).count() == 9
    assert as_user(otis).get(report).status_code == 200


def test_a_certification_is_ended_with_a_reason_for_good(gold, otis, cora, sam, as_user):
    rating.submit(give(gold, otis))
    for _ in range(2):  # renewed early: both are in force
        certifying.certify(rater=otis, instrument=gold.instrument, by=cora, now=timezone.now())
    address = reverse("recordings:certification-end", args=[otis.pk, gold.instrument_id])
    assert as_user(otis).post(address, {"reason": "Mine"}).status_code == 403
    refused = as_user(sam).post(address, {"reason": " "})
    assert refused.status_code == 422
    assert certifying.in_force(otis, gold.instrument, on=factories.today())
    assert as_user(sam).post(address, {"reason": "Away for a year"}).status_code == 302
    assert certifying.in_force(otis, gold.instrument, on=factories.today()) is None
    assert {(one.ended_by, one.end_reason) for one in otis.certifications.all()} == {(sam, "Away for a year")}
    entries = ModelLogEntry.objects.filter(action="recordings.certification_end")
    assert [entry.user for entry in entries] == [sam, sam]
    assert not any("Away" in str(entry.data) for entry in entries)
    for reader in (otis, cora):
        assert "Away for a year" in as_user(reader).get(reverse("recordings:rater-report", args=[otis.pk])).content.decode()
    assert "Ended" in as_user(cora).get(reverse("recordings:calibration")).content.decode()
    assert as_user(sam).get(address).status_code == 404
    with pytest.raises(certifying.CertificationRefused, match="no certification in force"):
        certifying.end(rater=otis, instrument=gold.instrument, reason="Again", by=sam, now=timezone.now())


def test_withdrawal_closes_what_is_open_and_keeps_the_numbers(gold, otis, harbour, as_user):
    done = rating.submit(give(gold, otis))
    third = rating.consultant("tess", harbour)
    calibration_open = give(gold, third)
    destruction.destroy(recording=gold.recording, reason="withdrawn", by=None, now=timezone.now())
    rating.run()
    assert Assignment.objects.get(pk=calibration_open.pk).skip_reason == "gone"
    assert Rating.objects.get(source=done.pk).scores.count() == 9
    assert certifying.report(otis, gold.instrument).overall.exact.value == 1
    with pytest.raises(calibration.CalibrationRefused):
        give(gold, rating.consultant("una", harbour))


def test_one_in_ten_is_a_hidden_exercise(gold, otis, thea, harbour, sam):
    plan = rating.make_plan(harbour, sam)
    for number in range(10):
        assert calibration.hide(now=timezone.now()) == 0, number
        Assignment.objects.create(
            recording=rating.recording(thea, harbour),
            rater=otis,
            instrument=plan.instrument,
            part="second",
            due_on=factories.today(),
            assigned_at=timezone.now(),
        )
    assert calibration.hide(now=timezone.now()) == 1
    assert calibration.hide(now=timezone.now()) == 0
    assert Assignment.objects.get(part="gold").is_hidden
