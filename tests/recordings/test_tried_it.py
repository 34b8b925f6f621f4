"""What became of feedback: asked some days after it was read, told in sealed words, seen by the reviewer and the team's leads."""

import datetime as dt
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from cms import dashboard
from recordings import casefile, contesting, transcript, trying, withdrawal
from recordings.models import Annotation, Assignment, Review, SealedText, TriedIt
from supervision import boosters, development
from supervision.models import DevelopmentGoal
from tests import factories
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
WORDS = "He laughed and told me more"


@pytest.fixture
def own(thea, harbour, cora):
    return setup.released(setup.ready_recording(thea, harbour), cora)


@pytest.fixture
def read_long_ago(own):
    now = timezone.now()
    Review.objects.filter(pk=own.pk).update(seen_by_therapist_at=now - dt.timedelta(days=8), released_at=now - dt.timedelta(days=9))
    return own


def asked(person):
    return [need for need in dashboard.build(person, now=timezone.now()).needs if "What became of" in need.sentence]


def test_it_is_told_of_the_next_step_and_of_a_moment_and_others_read_it(own, thea, cora, sam, as_user):
    moment = Annotation.objects.get(review=own, code__slug="opening-missed")
    address = reverse("recordings:tried", args=[own.pk])
    assert as_user(thea).post(address, {"outcome": "helped", "text": WORDS}).status_code == 302
    answer = as_user(thea).post(address, {"annotation": moment.pk, "outcome": "mixed"})
    assert answer["Location"].endswith(f"#moment-{moment.pk}")
    for person in (cora, sam):
        text = as_user(person).get(reverse("recordings:feedback", args=[own.pk])).content.decode()
        assert WORDS in text
        assert "I tried it, with mixed results" in text
    assert not any(WORDS.encode() in bytes(row.ciphertext) for row in SealedText.objects.all())


def test_only_the_therapist_tells(own, cora, sam, as_user):
    for person in (cora, sam):
        assert as_user(person).post(reverse("recordings:tried", args=[own.pk]), {"outcome": "helped"}).status_code == 403
    with pytest.raises(trying.TryRefused):
        trying.tell(review=own, outcome="helped", by=cora, now=timezone.now())


def test_without_an_outcome_nothing_is_kept(own, thea, as_user):
    as_user(thea).post(reverse("recordings:tried", args=[own.pk]), {"text": WORDS})
    assert not TriedIt.objects.exists()


def test_it_is_asked_some_days_after_the_feedback_was_read(own, thea):
    Review.objects.filter(pk=own.pk).update(seen_by_therapist_at=timezone.localtime() - dt.timedelta(days=3))
    assert asked(thea) == []
    Review.objects.filter(pk=own.pk).update(seen_by_therapist_at=timezone.localtime() - dt.timedelta(days=8))
    assert len(asked(thea)) == 1


def test_it_is_not_asked_of_what_has_not_been_read(own, thea):
    assert trying.to_ask(thea, now=timezone.now() + dt.timedelta(days=20)) == []


def test_once_told_it_is_not_asked_again_but_not_yet_is(read_long_ago, thea):
    now = timezone.now()
    trying.tell(review=read_long_ago, outcome="not_yet", by=thea, now=now)
    assert asked(thea) == []
    assert len(trying.to_ask(thea, now=now + dt.timedelta(days=8))) == 1
    trying.tell(review=read_long_ago, outcome="helped", by=thea, now=now)
    assert trying.to_ask(thea, now=now + dt.timedelta(days=8)) == []


def test_after_withdrawal_nothing_is_asked_and_the_words_are_gone(read_long_ago, thea, cora, as_user):
    trying.tell(review=read_long_ago, outcome="not_yet", text=WORDS, by=thea, now=timezone.localtime() - dt.timedelta(days=8))
    withdrawal.withdraw(consent=read_long_ago.recording.consent, channel="telephone", by=thea, now=timezone.now())
    assert asked(thea) == []
    assert WORDS not in as_user(cora).get(reverse("recordings:feedback", args=[read_long_ago.pk])).content.decode()


def test_the_next_step_becomes_a_goal_in_a_persons_own_words(own, thea, as_user):
    address = reverse("recordings:feedback-goal", args=[own.pk])
    text = as_user(thea).get(address).content.decode()
    assert "<p>Ask who checks at night</p>" in text
    assert '<textarea name="text"' in text
    assert "Ask who checks at night</textarea>" not in text
    assert "never about a family" in text
    item = own.instrument.items.first()
    as_user(thea).post(address, {"text": "Ask one question further", "item": item.pk})
    goal = DevelopmentGoal.objects.get()
    assert (goal.text, goal.item, goal.source, goal.therapist) == ("Ask one question further", item, own.pk, thea)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("Ask who checks at night", "Ask who checks at night"),  # the next step as it is
        ("ask: WHO checks, at night", "ask: WHO checks, at night"),
        ("Find out why He said nobody checks anything", ""),  # four words of a comment
        ("I will listen when he answers his mother first", "when he answers his mother"),  # what was said in the session
        ("Notice when Callum goes quiet", "Callum is a name of the family"),
    ],
)
def test_a_goal_takes_over_neither_sealed_words_nor_what_was_said_nor_a_name(own, thea, as_user, monkeypatch, words, named):
    monkeypatch.setattr(transcript, "edited", lambda recording: [{"text": "And when he answers his mother, what then?"}])
    casefile.set_names(family=own.recording.family, names=["Callum"], by=thea, now=timezone.now())
    answer = as_user(thea).post(reverse("recordings:feedback-goal", args=[own.pk]), {"text": words})
    if not named:
        assert answer.status_code == 302
        return
    assert answer.status_code == 422
    assert named in unescape(answer.content.decode())
    assert not DevelopmentGoal.objects.exists()


def test_the_address_of_the_goal_holds_none_of_the_words(own, thea, as_user):
    text = as_user(thea).get(reverse("recordings:feedback", args=[own.pk])).content.decode()
    assert f'href="{reverse("recordings:feedback-goal", args=[own.pk])}"' in text


def test_over_time_shows_each_item_with_its_sessions(own, thea, harbour, cora, as_user):
    setup.released(setup.ready_recording(thea, harbour), cora)
    text = as_user(thea).get(reverse("recordings:feedback", args=[own.pk])).content.decode()
    assert "2 reviewed sessions" in text
    assert "Under ten sessions nothing can be said about a direction" in text
    assert text.count('<svg class="pl-trend__picture"') == own.instrument.items.count()
    assert "Mean 3.0 of 4, 2 sessions (all alike, so no interval)." in text


def test_whoever_still_rates_the_session_sees_nothing_that_came_of_its_first_review(own, thea, sam, harbour, as_user):
    """Neither the goal, nor a contested score, nor a file, nor the team's figures: until the second, blind rating is submitted."""
    development.set_goal(therapist=thea, team=harbour, text="Ask one question further", source=own.pk, by=thea, now=timezone.now())
    item = own.instrument.items.first()
    raised = contesting.contest(review=own, item=item, text=WORDS, by=thea, now=timezone.now())
    second = factories.make_member("carl", harbour, "consultant")
    addresses = [
        reverse("recordings:feedback", args=[own.pk]),
        reverse("recordings:contest", args=[raised.pk]),
        reverse("recordings:review-file", args=[own.pk, "json"]),
    ]
    plan = reverse("supervision:plan", args=[harbour.slug, thea.pk])
    client = as_user(second)
    assert [client.get(address).status_code for address in addresses] == [200, 200, 200]
    assert "Ask one question further" in client.get(plan).content.decode()
    Assignment.objects.create(
        recording=own.recording,
        rater=second,
        instrument=own.instrument,
        part="second",
        due_on=factories.today(),
        assigned_at=timezone.now(),
    )
    assert [client.get(address).status_code for address in addresses] == [404, 404, 404]
    text = client.get(plan).content.decode()
    assert "Ask one question further" not in text
    assert "Mean" not in text
    period = boosters.looked_at(factories.today())
    assert boosters.released(harbour, period, second) == []
    assert len(boosters.released(harbour, period, sam)) == 1
