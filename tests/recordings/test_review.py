import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from recordings import comments, review
from recordings.models import DraftScore, Purpose, Recording, Review, SealedObject
from supervision.models import Item, Rating
from tests import factories
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def recording(thea, harbour):
    return setup.ready_recording(thea, harbour)


@pytest.fixture
def own(recording, cora):
    return setup.begin(recording, cora)


def item(own, key="finding-the-fit"):
    return Item.objects.get(instrument=own.instrument, key=key)


def score(own, *, version=0, by=None, **fields):
    return review.score(review=own, item=item(own), version=version, by=by or own.rater, now=timezone.now(), **fields)


def submit(own):
    return review.submit(review=own, by=own.rater, now=timezone.now())


# Beginning


def test_beginning_twice_gives_the_same_review(recording, cora):
    assert setup.begin(recording, cora) == setup.begin(recording, cora)


def test_a_recording_that_is_not_ready_cannot_be_reviewed(recording, cora):
    recording.state = Recording.State.PROCESSING
    recording.save(update_fields=["state"])
    SealedObject.objects.filter(recording=recording, kind=SealedObject.Kind.FEATURES).delete()
    with pytest.raises(review.ReviewRefused, match="not ready"):
        setup.begin(recording, cora)


def test_without_consent_to_review_it_is_refused_with_the_reason(thea, harbour, cora):
    consent = factories.make_consent(factories.make_family(harbour, thea), purposes=[Purpose.RECORD])
    with pytest.raises(review.ReviewRefused, match="agreed"):
        setup.begin(setup.ready_recording(thea, harbour, consent=consent), cora)


def test_the_button_begins_and_leads_to_the_workbench(recording, cora, as_user):
    from supervision.instruments import load_instruments

    load_instruments()
    answer = as_user(cora).post(reverse("recordings:review", args=[recording.pk]), follow=True)
    assert answer.status_code == 200
    assert Review.objects.get().rater == cora
    assert b"0 of 9 rated" in answer.content
    assert answer["Cache-Control"].count("no-store")


@pytest.mark.parametrize("name", ["thea", "sam", "iggy"])
def test_only_a_consultant_opens_the_workbench(recording, name, request, as_user):
    client = as_user(request.getfixturevalue(name))
    assert client.get(reverse("recordings:review", args=[recording.pk])).status_code == 403
    assert client.post(reverse("recordings:review", args=[recording.pk])).status_code == 403


# Scoring


def test_a_score_is_kept_with_what_it_rests_on(own):
    made = setup.mark(own)
    draft = score(own, score=4, evidence=[made.pk])
    assert (draft.score, draft.version) == (4, 1)
    assert list(draft.evidence.all()) == [made]


def test_not_applicable_is_a_rating_and_a_score_that_was_taken_back_is_not(own):
    score(own, score=None, is_not_applicable=True)
    assert review.completeness(own).rated == 1
    score(own, score=None, version=1)
    assert review.completeness(own).rated == 0


@pytest.mark.parametrize("wrong", [{"score": 5}, {"score": -1}, {"score": 3, "is_not_applicable": True}])
def test_a_score_off_the_scale_is_refused(own, wrong):
    with pytest.raises(review.ReviewRefused):
        score(own, **wrong)


def test_a_stale_score_is_refused_and_overwrites_nothing(own):
    score(own, score=1)
    score(own, score=2, version=1)
    for version in (0, 1, 7):
        with pytest.raises(review.Stale):
            score(own, score=3, version=version)
    assert DraftScore.objects.get().score == 2


def test_evidence_from_another_review_is_left_out(own, thea, harbour, cora):
    elsewhere = setup.mark(setup.begin(setup.ready_recording(thea, harbour), cora))
    assert not score(own, score=3, evidence=[elsewhere.pk]).evidence.exists()


def test_the_script_scores_and_hears_of_a_conflict(own, as_user):
    client, address = as_user(own.rater), reverse("recordings:score", args=[own.pk, "finding-the-fit"])
    made = setup.mark(own)
    answer = client.post(address, {"score": "3", "version": 0, "evidence": [str(made.pk)]}, **JSON)
    assert answer.json() == {
        "score": {"score": "3", "version": 1, "evidence": [str(made.pk)]},
        "progress": {"sentence": "1 of 9 rated, 0\u00a0% heard", "rated": 1, "total": 9},
    }
    stale = client.post(address, {"score": "na", "version": 0}, **JSON)
    assert stale.status_code == 409
    assert stale.json()["stored"]["score"] == "3"


@pytest.mark.parametrize("wrong", [{"score": "9"}, {"score": "x"}, {"score": "3", "version": "-1"}])
def test_a_wrong_score_is_answered_with_422(own, as_user, wrong):
    assert as_user(own.rater).post(reverse("recordings:score", args=[own.pk, "finding-the-fit"]), wrong, **JSON).status_code == 422


def test_the_plain_form_scores_and_returns_to_the_item(own, as_user):
    answer = as_user(own.rater).post(reverse("recordings:score", args=[own.pk, "finding-the-fit"]), {"score": "2", "version": "0"})
    assert answer["Location"].endswith("#item-finding-the-fit")


def test_until_an_item_is_rated_annotations_whose_code_bears_on_it_are_offered_ticked(own):
    from recordings import workbench

    made = setup.mark(own)
    rows = {row.item.key: row for row in workbench.item_rows(own, [made])}
    assert rows["finding-the-fit"].offers == [(made, True)]
    assert rows["continuous-effort"].offers == [(made, False)]
    score(own, score=2, evidence=[])
    rows = {row.item.key: row for row in workbench.item_rows(own, [made])}
    assert rows["finding-the-fit"].offers == [(made, False)]


# Overall words


def test_words_are_kept_sealed_and_a_stale_one_is_refused(own, as_user):
    first = review.write(review=own, name="strengths", text="Calm", seen=None, by=own.rater)
    with pytest.raises(review.Stale):
        review.write(review=own, name="strengths", text="Other tab", seen=None, by=own.rater)
    answer = as_user(own.rater).post(reverse("recordings:review-words", args=[own.pk, "strengths"]), {"text": "Mine", "seen": ""}, **JSON)
    assert answer.status_code == 409
    assert answer.json()["stored"] == {"text": "Calm", "seen": str(first.pk)}
    own.refresh_from_db()
    assert comments.opened(own.strengths) == "Calm"


def test_emptying_the_words_removes_them(own):
    first = review.write(review=own, name="next_step", text="Ask", seen=None, by=own.rater)
    assert review.write(review=own, name="next_step", text=" ", seen=first.pk, by=own.rater) is None


def test_there_are_no_other_words(own, as_user):
    with pytest.raises(review.ReviewRefused):
        review.write(review=own, name="rater", text="x", seen=None, by=own.rater)
    assert as_user(own.rater).post(reverse("recordings:review-words", args=[own.pk, "rater"]), {"text": "x"}, **JSON).status_code == 422


# Submitting


def test_an_unrated_item_refuses_and_is_named(own, as_user):
    setup.rate_all(own, leave_out=["generalisation"])
    setup.hear(own.recording, own.rater)
    with pytest.raises(review.NotReady, match="One item is not rated"):
        submit(own)
    answer = as_user(own.rater).post(reverse("recordings:review-submit", args=[own.pk]))
    assert answer.status_code == 422
    assert item(own, "generalisation").name in answer.content.decode()


def test_nothing_heard_refuses_and_too_little_heard_warns(own):
    setup.rate_all(own)
    with pytest.raises(review.NotReady, match="not heard any"):
        submit(own)
    setup.hear(own.recording, own.rater, 0, 6 * setup.MINUTE)
    state = review.completeness(own)
    assert state.can_submit
    assert "60\u00a0%" in state.warnings[0]
    assert state.gaps == [(6 * setup.MINUTE, 10 * setup.MINUTE)]


def test_submitting_locks_and_makes_the_rating(own, thea, harbour):
    setup.rate_all(own, score=2, leave_out=["generalisation"])
    review.score(
        review=own, item=item(own, "generalisation"), score=None, is_not_applicable=True, version=0, by=own.rater, now=timezone.now()
    )
    setup.hear(own.recording, own.rater, 0, 9 * setup.MINUTE)
    submit(own)
    rating = Rating.objects.get(source=own.pk)
    assert (rating.therapist, rating.team, rating.session_on, rating.share_heard) == (thea, harbour, own.recording.session_on, 0.9)
    assert rating.released_at is None
    assert {row.item.key: row.score for row in rating.scores.select_related("item")}["generalisation"] is None
    assert ModelLogEntry.objects.filter(action="recordings.review_submit", user=own.rater).count() == 1
    with pytest.raises(review.Locked):
        score(own, score=4, version=1)
    with pytest.raises(review.Locked):
        review.write(review=own, name="strengths", text="Late", seen=None, by=own.rater)


def test_a_double_click_submits_once(own, as_user):
    setup.rate_all(own)
    setup.hear(own.recording, own.rater)
    client, address = as_user(own.rater), reverse("recordings:review-submit", args=[own.pk])
    for _ in range(2):
        assert client.post(address).status_code == 302
    submit(own)
    assert Rating.objects.count() == 1


def test_a_submitted_review_is_read_only(recording, cora, as_user):
    setup.submitted(recording, cora)
    page = as_user(cora).get(reverse("recordings:review", args=[recording.pk])).content.decode()
    assert "can no longer be changed" in page
    assert setup.SECRET in page
    assert "annotations/" not in page.split("bench-note")[0].split('id="bench-annotations"')[1].replace("data-", "")


# Releasing


def test_release_says_who_will_see_it_and_then_they_do(recording, cora, sam, thea, as_user):
    own = setup.submitted(recording, cora)
    client, address = as_user(cora), reverse("recordings:review-release", args=[own.pk])
    page = client.get(address).content.decode()
    assert str(sam) in page
    assert str(thea) in page
    for _ in range(2):
        assert client.post(address).status_code == 302
    own.refresh_from_db()
    assert own.state == Review.State.RELEASED
    assert Rating.objects.get().released_at == own.released_at
    assert ModelLogEntry.objects.filter(action="recordings.review_release").count() == 1


def test_what_is_not_submitted_cannot_be_released(own, as_user):
    with pytest.raises(review.ReviewRefused):
        review.release(review=own, by=own.rater, now=timezone.now())
    as_user(own.rater).post(reverse("recordings:review-release", args=[own.pk]))
    own.refresh_from_db()
    assert own.state == Review.State.IN_PROGRESS


# The work list


def test_the_list_says_how_far_each_is_oldest_first(thea, tom, harbour, cora, as_user):
    begun = setup.ready_recording(thea, harbour)
    own = setup.begin(begun, cora)
    score(own, score=3)
    setup.hear(begun, cora, 0, 6 * setup.MINUTE)
    setup.ready_recording(tom, harbour, uploaded_at=timezone.localtime() - dt.timedelta(days=1))
    setup.ready_recording(thea, harbour, uploaded_at=timezone.localtime() - dt.timedelta(days=9))
    answer = as_user(cora).get(reverse("recordings:review-list"))
    assert "1 of 9 rated, 60\u00a0% heard" in answer.content.decode()
    assert [row.therapist for row in answer.context["waiting"].rows] == [thea, tom]


def test_the_filter_stays_in_the_address(thea, tom, harbour, cora, as_user):
    setup.ready_recording(thea, harbour)
    setup.ready_recording(tom, harbour)
    answer = as_user(cora).get(reverse("recordings:review-list"), {"therapist": tom.pk})
    assert [row.therapist for row in answer.context["waiting"].rows] == [tom]
    assert as_user(cora).get(reverse("recordings:review-list"), {"therapist": "nobody", "team": "x"}).status_code == 200


def test_only_what_may_be_heard_waits(thea, harbour, meadow, olly, cora):
    family = factories.make_family(harbour, thea)
    setup.ready_recording(thea, harbour, consent=factories.make_consent(family, purposes=[Purpose.RECORD]))
    setup.ready_recording(thea, harbour, consent=factories.make_consent(family, valid_until=factories.days_ago(1)))
    setup.ready_recording(olly, meadow)
    heard = setup.ready_recording(thea, harbour)
    assert list(Recording.objects.visible_to(cora).awaiting_review_by(cora)) == [heard]


def test_the_number_of_queries_does_not_grow_with_the_list(thea, harbour, cora, as_user, django_assert_max_num_queries):
    for _ in range(6):
        setup.ready_recording(thea, harbour)
        setup.begin(setup.ready_recording(thea, harbour), cora)
    client = as_user(cora)
    with django_assert_max_num_queries(22):
        client.get(reverse("recordings:review-list"))


def test_an_empty_list_says_what_will_appear(cora, as_user):
    assert b"Nothing waits for your review" in as_user(cora).get(reverse("recordings:review-list")).content


# Afterwards


def test_after_withdrawal_the_workbench_shows_no_words(recording, cora, as_user):
    from recordings import withdrawal

    own = setup.begin(recording, cora)
    setup.mark(own)
    setup.rate_all(own)
    withdrawal.withdraw(consent=recording.consent, channel="telephone", by=recording.therapist, now=timezone.now())
    answer = as_user(cora).get(reverse("recordings:review", args=[recording.pk]))
    assert answer.status_code == 200
    assert b"The recording is gone" in answer.content
    assert setup.SECRET not in answer.content.decode()
    assert "Fit explored" not in answer.content.decode()
    with pytest.raises(review.ReviewRefused, match="gone"):
        submit(own)
