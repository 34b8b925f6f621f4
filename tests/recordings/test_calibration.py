"""Gold recordings: made where rater training is agreed to, rated openly or hidden, compared, certified by somebody else."""

import datetime as dt
import itertools
import re
from collections import Counter

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import calibration, certifying, comparing, destruction, explaining, life, review
from recordings.models import Assignment, Consent, GoldScore, Recording, SealedText
from supervision import periods
from supervision.models import Instrument, Membership, Rating
from tests import factories
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
SAID = "Nobody asked the aunt"


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


def test_a_gold_is_offered_of_what_is_ones_own_or_settled_and_to_be_seen_and_once(source, thea, harbour, cora, sam):
    assert list(calibration.sources(cora)) == [source]
    assert not calibration.sources(sam).exists()  # submitted, and nobody else's to know of
    tess = rating.consultant("tess", harbour)
    twice = rating.recording(thea, harbour)
    for rater, part in ((cora, "first"), (tess, "second")):
        ask(twice, rater, part)
    comparison = rating.both(twice)
    with pytest.raises(calibration.CalibrationRefused, match="have not agreed yet"):
        calibration.make_gold(review=comparison.first, label="Exercise 9", by=cora, now=timezone.now())
    for stage, seen_by in ((None, ()), (rating.agree_on_all, (cora, tess)), (release_both, (cora, tess, sam))):
        if stage is not None:
            comparison = stage(comparison)
        for person in (cora, tess, sam):
            offered = [one.pk for one in calibration.sources(person) if one.recording_id == twice.pk]
            assert offered == ([comparison.first_id] if person in seen_by else []), (stage, person)
    made = calibration.make_gold(review=comparison.first, label="Exercise 9", by=cora, now=timezone.now())
    assert made.scores.get(item_key="finding-the-fit").score == 2  # what they settled on, of 3 and 1
    with pytest.raises(calibration.CalibrationRefused, match="already"):
        calibration.make_gold(review=comparison.first, label="Exercise 10", by=tess, now=timezone.now())
    assert list(calibration.sources(cora)) == [source]


def ask(recording, rater, part):
    values = {"part": part, "due_on": factories.today(), "assigned_at": timezone.now(), "instrument": rating.instrument()}
    return Assignment.objects.create(recording=recording, rater=rater, **values)


def release_both(comparison):
    return comparing.release(comparison=comparison, by=comparison.first.rater, now=timezone.now())


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


def words(page, recording):
    """What can be read on a page, without the family that it names."""
    text = re.sub(r"<script.*?</script>|<[^>]+>", " ", page, flags=re.S).replace(recording.family.reference, "FAMILY")
    return re.sub(r"\s+", " ", text.replace(recording.family.initials, "F.F.")).strip()


def test_a_hidden_exercise_looks_like_any_other_in_list_home_and_page(gold, otis, thea, harbour, cora, sam, as_user):
    hidden = give(gold, otis, is_hidden=True)
    rating.make_plan(harbour, sam)
    ordinary = rating.recording(thea, harbour)
    rating.run()
    second = rating.asked(ordinary, "second")
    assert second.rater == otis
    review.release(review=gold.recording.reviews.exclude(rater=otis).get(), by=cora, now=timezone.now())
    Recording.objects.filter(pk=ordinary.pk).update(uploaded_at=gold.recording.uploaded_at)  # of the times nothing is made up
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
        said = [
            re.sub(r"\b[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2}( \d{4})?", "DAY", words(*one))
            for one in zip(pages, (hidden.recording, ordinary), strict=True)
        ]
        assert said[0] == said[1], name  # but its day of destruction: it comes sooner after a release
    pages = [client.get(reverse("recordings:assignment-skip", args=[one.pk])).content.decode() for one in (hidden, second)]
    assert words(pages[0], hidden.recording) == words(pages[1], ordinary)
    home = client.get("/").content.decode()
    assert len(set(re.findall(r"You are asked to rate [^<]*", home))) == 1
    for one in (hidden, second):
        rating.begin(one)
    benches = [client.get(reverse("recordings:review", args=[one.recording_id])).content.decode() for one in (hidden, second)]
    assert shape(benches[0]) == shape(benches[1])
    assert words(benches[0], hidden.recording) == words(benches[1], ordinary)
    for address in (reverse("recordings:calibration"), reverse("recordings:rater-report", args=[otis.pk])):
        answer = client.get(address).content.decode()
        assert str(gold.recording_id) not in answer
        assert "Your exercises" not in answer
    assert "Exercise 1" not in client.get("/").content.decode()


def test_retired_it_is_given_to_nobody_and_the_others_still_are(gold, otis, thea, harbour, cora):
    other = setup.submitted(rating.recording(thea, harbour), cora)
    other = calibration.make_gold(review=other, label="Exercise 2", by=cora, now=timezone.now())
    calibration.retire(gold=gold, by=cora, now=timezone.now())
    with pytest.raises(calibration.CalibrationRefused, match="no longer in use"):
        give(gold, otis)
    assert give(other, otis).gold == other


def test_the_report_gives_bias_exact_and_within_one(gold, otis, as_user):
    rating.submit(give(gold, otis), others={"finding-the-fit": 1}, score=4)
    found = certifying.report(otis, gold.instrument)
    by_key = {item.key: figures for item, figures in found.items}
    assert (by_key["finding-the-fit"].bias.value, by_key["generalisation"].bias.value) == (-2, 1)
    assert found.overall.exact.value == 0
    assert (found.overall.exact.n_units, found.overall.exact.counted, found.overall.n_scores) == (1, "exercises", 9)
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


def test_a_certification_is_ended_with_a_reason_for_good(gold, otis, cora, sam, thea, harbour, as_user):
    another = setup.submitted(rating.recording(thea, harbour), cora)
    second = calibration.make_gold(review=another, label="Exercise 2", by=cora, now=timezone.now())
    for exercise in (gold, second):  # renewed early: both are in force
        rating.submit(give(exercise, otis))
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


def ask_again(otis, thea, harbour, instrument, days=0):
    values = {"part": "second", "due_on": factories.today() + dt.timedelta(days=days), "assigned_at": timezone.now()}
    Assignment.objects.create(recording=rating.recording(thea, harbour), rater=otis, instrument=instrument, **values)


def test_a_hidden_exercise_comes_when_its_gap_is_over_and_is_due_as_the_others_are(gold, otis, thea, harbour, cora):
    newer = setup.submitted(rating.recording(thea, harbour), cora)
    Recording.objects.filter(pk=newer.recording_id).update(session_on=factories.days_ago(1))
    newer = calibration.make_gold(review=newer, label="Exercise 2", by=cora, now=timezone.now())
    for number, hidden in enumerate((newer, gold)):  # the latest session first
        ask_again(cora, thea, harbour, gold.instrument)  # what others are asked does not count
        for _ in range(calibration.gap(otis, gold.instrument, number)):
            assert calibration.hide(now=timezone.now()) == 0
            ask_again(otis, thea, harbour, gold.instrument, days=9)
        ask_again(cora, thea, harbour, gold.instrument, days=3)  # another rater's time is not theirs
        assert calibration.hide(now=timezone.now()) == 1
        made = Assignment.objects.filter(part="gold").latest("assigned_at")
        assert (made.gold, made.is_hidden, made.due_on) == (hidden, True, factories.today() + dt.timedelta(days=9))
    assert calibration.hide(now=timezone.now()) == 0


def test_a_gold_recording_whose_consent_has_run_out_does_not_keep_the_others_from_being_hidden(gold, otis, thea, harbour, cora):
    lapsed = setup.submitted(rating.recording(thea, harbour), cora)
    Recording.objects.filter(pk=lapsed.recording_id).update(session_on=factories.days_ago(1))
    lapsed = calibration.make_gold(review=lapsed, label="Exercise 2", by=cora, now=timezone.now())
    Consent.objects.filter(pk=lapsed.recording.consent_id).update(valid_until=factories.days_ago(1))
    for _ in range(calibration.gap(otis, gold.instrument, 0)):
        ask_again(otis, thea, harbour, gold.instrument, days=9)
    assert calibration.hide(now=timezone.now()) == 1
    assert Assignment.objects.get(part="gold").gold == gold


def test_an_exercise_shows_another_persons_scores_so_no_review_of_that_session_is_blind_after_it(gold, otis, harbour):
    rating.submit(give(gold, otis))
    factories.make_membership(otis, harbour, Membership.Role.CONSULTANT)
    other = Instrument.objects.get(slug="analytic-process", is_current=True)
    assert not review.start(recording=gold.recording, rater=otis, instrument=other, now=timezone.now()).is_blind


def test_nobody_can_count_ahead_to_a_hidden_exercise_and_one_in_ten_it_is(gold, otis, cora, settings):
    def gaps(rater):
        return [calibration.gap(rater, gold.instrument, number) for number in range(900)]

    drawn = gaps(otis)
    assert drawn == gaps(otis)  # nothing is kept, so it has to be the same at every pass
    counts = Counter(drawn)
    assert set(counts) == set(range(6, 15))
    assert all(70 <= count <= 130 for count in counts.values()), counts  # 100 each; the binomial's deviation is below 10
    assert sum(drawn) / len(drawn) == pytest.approx(10, abs=0.4)
    after = Counter(itertools.pairwise(drawn))
    assert len(after) == 81  # any gap may follow any
    assert sum(one == other for one, other in zip(drawn, gaps(cora), strict=True)) < 180  # of another rater tells nothing
    settings.SECRET_KEY = "another site"
    assert sum(one == other for one, other in zip(drawn, gaps(otis), strict=True)) < 180


@pytest.mark.parametrize("is_begun", [False, True], ids=["asked", "in progress"])
def test_whoever_is_still_rating_learns_neither_who_has_listened_nor_who_else_was_asked(gold, otis, thea, harbour, cora, iggy, is_begun):
    tess = rating.consultant("tess", factories.make_team("Fourth team", programme=harbour.programme))
    give(gold, tess)
    mine = give(gold, otis, is_hidden=True)
    if is_begun:
        rating.begin(mine)
    setup.hear(gold.recording, otis, 0, 60_000)
    told = life.privacy(gold.recording, reader=otis)
    assert told.heard == ["Otis Example (1 min)"]
    assert told.listeners == ["Cora Example", "Thea Example", "whoever is asked to rate it"]
    for reader in (thea, iggy, cora):
        told = life.privacy(gold.recording, reader=reader)
        assert "Cora Example (10 min)" in told.heard
        assert told.listeners[-2:] == ["Otis Example", "Tess Example"]
    factories.make_membership(otis, None, Membership.Role.IG_LEAD)
    assert "Cora Example (10 min)" in life.privacy(gold.recording, reader=otis).heard
