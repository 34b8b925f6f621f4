import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import calibration, review, transcript, withdrawal, workbench
from recordings.models import Annotation, Comparison, Purpose, Reply, Review, SealedText
from tests import factories
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db


@pytest.fixture
def recording(thea, harbour):
    return setup.ready_recording(thea, harbour)


@pytest.fixture
def own(recording, cora):
    return setup.released(recording, cora)


def page(client, own):
    answer = client.get(reverse("recordings:feedback", args=[own.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_strengths_come_first_each_moment_with_its_times(own, thea, as_user):
    text = page(as_user(thea), own)
    assert (
        text.index("You let her find it")
        < text.index(setup.SECRET)
        < text.index("Ask who checks at night")
        < text.index("He said nobody checks")
    )
    assert "0:10 to 0:18" in text
    assert 'data-start="10000" data-end="18000"' in text


def test_each_score_stands_with_its_words(own, thea, as_user):
    text = page(as_user(thea), own)
    for item in own.instrument.items.all():
        assert item.name in text
    assert own.instrument.items.first().anchors["3"].replace("'", "&#x27;") in text


def test_the_first_visit_of_the_therapist_is_noted_once(own, thea, sam, as_user):
    page(as_user(sam), own)
    own.refresh_from_db()
    assert own.seen_by_therapist_at is None
    page(as_user(thea), own)
    own.refresh_from_db()
    first = own.seen_by_therapist_at
    assert first is not None
    page(as_user(thea), own)
    own.refresh_from_db()
    assert own.seen_by_therapist_at == first


def test_the_rater_sees_it_before_release_as_the_therapist_will(recording, cora, as_user):
    own = setup.submitted(recording, cora)
    text = page(as_user(cora), own)
    assert setup.SECRET in text
    assert "has not been released" in text


def test_the_preview_offers_release_only_where_the_server_releases(recording, thea, harbour, sam, cora, as_user):
    alone = page(as_user(cora), setup.submitted(recording, cora))
    assert "Release it" in alone
    rating.consultant("carl", harbour)
    rating.make_plan(harbour, sam)
    twice = rating.recording(thea, harbour)
    rating.run()
    first, second = rating.asked(twice, "first"), rating.asked(twice, "second")
    own = rating.submit(first)
    waiting = page(as_user(first.rater), own)
    assert "Release it" not in waiting
    assert "Somebody else is still rating this session" in waiting
    other = rating.submit(second, others={"finding-the-fit": 1})
    for one in (own, other):
        compared = page(as_user(one.rater), one)
        assert "Release it" not in compared
        assert "This session was rated twice" in compared
        assert reverse("recordings:comparison", args=[Comparison.objects.get().pk]) in compared


def test_the_preview_of_an_exercise_says_that_it_is_never_released(thea, harbour, cora, as_user):
    rating.instrument()
    source = setup.submitted(rating.recording(thea, harbour), cora)
    gold = calibration.make_gold(review=source, label="Exercise 1", by=cora, now=timezone.now())
    carl = rating.consultant("carl", harbour)
    own = rating.submit(calibration.give(gold=gold, rater=carl, by=cora, now=timezone.now()))
    text = page(as_user(carl), own)
    assert "Release it" not in text
    assert "never released to a therapist" in text


def test_the_therapist_answers_a_moment_and_the_whole_and_the_consultant_reads_it(own, thea, cora, as_user):
    moment = Annotation.objects.filter(review=own).first()
    address = reverse("recordings:reply", args=[own.pk])
    assert (
        as_user(thea).post(address, {"annotation": moment.pk, "text": "I was nervous there"})["Location"].endswith(f"#moment-{moment.pk}")
    )
    assert as_user(thea).post(address, {"text": "Thank you, all of it helps"}).status_code == 302
    text = page(as_user(cora), own)
    assert "I was nervous there" in text
    assert "Thank you, all of it helps" in text
    assert not any(b"nervous" in bytes(row.ciphertext) for row in SealedText.objects.all())
    as_user(cora).post(address, {"annotation": moment.pk, "text": "It did not show"})
    assert Reply.objects.count() == 3


def test_an_empty_answer_is_answered_with_422(own, thea, as_user):
    answer = as_user(thea).post(reverse("recordings:reply", args=[own.pk]), {"text": "  "})
    assert answer.status_code == 422
    assert b"Write your answer first." in answer.content


def test_a_supervisor_reads_and_does_not_answer(own, sam, as_user):
    client = as_user(sam)
    assert "Send the answer" not in page(client, own)
    assert client.post(reverse("recordings:reply", args=[own.pk]), {"text": "Well"}).status_code == 403


def test_an_answer_to_a_moment_of_another_review_is_unknown(own, thea, harbour, cora, as_user):
    elsewhere = setup.mark(setup.begin(setup.ready_recording(thea, harbour), cora))
    answer = as_user(thea).post(reverse("recordings:reply", args=[own.pk]), {"annotation": elsewhere.pk, "text": "Hm"})
    assert answer.status_code == 404


def test_there_is_no_answer_before_release(recording, cora, thea):
    own = setup.submitted(recording, cora)
    with pytest.raises(review.ReviewRefused):
        review.reply(review=own, text="Early", by=thea, now=timezone.now())


def test_after_withdrawal_the_scores_stay_as_numbers_without_words(own, recording, thea, cora, sam, as_user):
    as_user(thea).post(reverse("recordings:reply", args=[own.pk]), {"text": "Thank you, all of it helps"})
    withdrawal.withdraw(consent=recording.consent, channel="telephone", by=thea, now=timezone.now())
    assert not SealedText.objects.exists()
    for person in (thea, cora, sam):
        text = page(as_user(person), own)
        assert "The recording is gone" in text
        assert "Finding the fit" in text
        for word in (setup.SECRET, "You let her find it", "Thank you, all", "Fit explored", "<audio", "0:10 to"):
            assert word not in text


def test_when_consent_has_ended_the_words_are_not_shown(own, recording, thea, as_user):
    recording.consent.valid_until = factories.days_ago(1)
    recording.consent.save()
    text = page(as_user(thea), own)
    assert "This consent ended" in text
    assert setup.SECRET not in text


def test_the_list_shows_a_therapist_what_was_released_to_them(own, thea, tom, as_user):
    assert reverse("recordings:feedback", args=[own.pk]) in as_user(thea).get(reverse("recordings:review-list")).content.decode()
    assert reverse("recordings:feedback", args=[own.pk]) not in as_user(tom).get(reverse("recordings:review-list")).content.decode()


SPOKEN = [
    {
        "start": 9.0,
        "end": 12.0,
        "text": "What went well?",
        "speaker": "S1",
        "supported": True,
        "words": [{"start": 9.0 + n, "end": 9.5 + n, "text": word, "probability": 0.9} for n, word in enumerate(["What", "went", "well?"])],
    },
    {"start": 13.0, "end": 14.0, "text": "The washing up.", "speaker": "S2", "supported": True, "words": []},
    {"start": 15.0, "end": 16.0, "text": "Thank you, thank you.", "speaker": "S2", "supported": False, "words": []},
]


def test_what_was_said_at_the_moment_stands_beneath_it(own, thea, as_user, monkeypatch):
    monkeypatch.setattr(transcript, "edited", lambda recording: SPOKEN)
    text = page(as_user(thea), own)
    assert "<b>S1</b> … went well?</p><p><b>S2</b> The washing up.</p>" in text
    assert "Thank you, thank you" not in text


def test_without_consent_to_a_transcript_nothing_is_quoted(thea, harbour, cora, as_user):
    consent = factories.make_consent(factories.make_family(harbour, thea), purposes=[Purpose.RECORD, Purpose.REVIEW])
    own = setup.released(setup.ready_recording(thea, harbour, consent=consent), cora)
    assert "pl-moment__words" not in page(as_user(thea), own)


def test_turns_of_one_voice_are_joined_and_unsupported_ones_stand_alone(recording, monkeypatch):
    monkeypatch.setattr(transcript, "edited", lambda recording: SPOKEN)
    found = workbench.turns(recording)
    assert [(turn.speaker, turn.is_supported) for turn in found] == [("S1", True), ("S2", True), ("S2", False)]
    assert found[2].reason


def test_all_that_was_released_is_counted_and_reached(thea, harbour, cora, as_user):
    first, now = setup.released(setup.ready_recording(thea, harbour), cora), timezone.now()
    for number in range(50):
        Review.objects.create(
            recording=setup.ready_recording(thea, harbour, consent=first.recording.consent),
            rater=cora,
            instrument=first.instrument,
            state=Review.State.RELEASED,
            started_at=now,
            submitted_at=now,
            released_at=now + dt.timedelta(minutes=number + 1),
        )
    client, url = as_user(cora), reverse("recordings:review-list")
    pages = [client.get(url, {"page": number}).text for number in (1, 2)]
    assert all("Released (51)" in page for page in pages)
    assert [reverse("recordings:feedback", args=[first.pk]) in page for page in pages] == [False, True]
