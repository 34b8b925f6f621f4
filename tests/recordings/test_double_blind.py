"""While somebody is still rating a session, no answer of the site to that person differs by what the other rater, or the therapist, gave."""

import io
import re
import zipfile

import pytest
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse
from django.utils import timezone

from recordings import review, selfrating
from recordings.models import Annotation, Comparison, Review, SelfRating
from supervision.models import Item, Rating
from tests import factories
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
TELLTALE = (setup.SECRET, "You let her find it", "Ask who checks at night", "My own note on it")
CHANGES_NOTHING = {"account_logout", "account_reauthenticate"}


def addresses(recording, team, person):
    """Every address of the site that takes nothing, this recording, this team, or this person in it."""
    found = {}
    for name in names(get_resolver()):
        for arguments in ([], [recording.pk], [team.slug], [person.pk], [team.slug, person.pk], [recording.pk, "txt"]):
            try:
                url = reverse(name, args=arguments)
            except NoReverseMatch:
                continue
            if not url.startswith(("/admin/", "/accounts/", "/documents/", "/static/")):
                found[url] = name
    return found


def names(resolver, namespace=""):
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from names(entry, entry.namespace or namespace)
        elif entry.name:
            yield f"{namespace}:{entry.name}" if namespace else entry.name


def told(client, urls):
    """What each address answers, without what differs from one request to the next by chance."""
    answers = {}
    for url in urls:
        answer = client.get(url)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if body.startswith(b"PK"):  # a Word file: its parts, without the times at which they were packed
            with zipfile.ZipFile(io.BytesIO(body)) as packed:
                body = b"\n".join(packed.read(name) for name in sorted(packed.namelist()))
        text = body.decode(errors="replace")
        text = re.sub(r"\b[A-Za-z0-9]{64}\b|nonce=.[A-Za-z0-9+/=_-]+", "", text)  # tokens against forgery, nonces
        answers[url] = (answer.status_code, answer.get("Location", ""), text)
    return answers


@pytest.fixture
def carl(harbour):
    return rating.consultant("carl", harbour)


@pytest.fixture
def otis(harbour):
    """Consultant of another team of the programme."""
    return rating.consultant("otis", factories.make_team("Third team", programme=harbour.programme))


@pytest.fixture
def recording(thea, harbour, cora, sam):
    rating.make_plan(harbour, sam)
    return rating.recording(thea, harbour)


def give_all(recording):
    """The first rater submits and the therapist hands in a rating of their own."""
    first = rating.asked(recording, "first")
    own = rating.begin(first)
    review.write(review=own, name="strengths", text="You let her find it", seen=None, by=own.rater)
    review.write(review=own, name="next_step", text="Ask who checks at night", seen=None, by=own.rater)
    rating.submit(first, score=4)
    scores = {item.key: 0 for item in Item.objects.filter(instrument=first.instrument)}
    made = selfrating.save(
        recording=recording,
        instrument=first.instrument,
        scores=scores,
        note="My own note on it",
        version=0,
        by=recording.therapist,
        now=timezone.now(),
    )
    selfrating.submit(own=made, by=recording.therapist, now=timezone.now())
    return Review.objects.get(pk=own.pk)


@pytest.mark.parametrize("has_begun", [False, True], ids=["asked", "in progress"])
@pytest.mark.parametrize("who", ["carl", "otis"])
def test_every_page_and_file_is_the_same_with_and_without_the_others_rating(recording, harbour, thea, who, has_begun, request, as_user):
    rater = request.getfixturevalue(who)
    rating.run()
    second = rating.asked(recording, "second")
    assert second.rater == rater
    if has_begun:
        rating.begin(second)
    setup.hear(recording, rating.asked(recording, "first").rater)  # who has listened is no secret; what they think is
    urls = addresses(recording, harbour, thea)
    client = as_user(rater)
    told(client, urls)  # what a first visit changes, such as the record of reading
    before = told(client, urls)
    assert sum(status == 200 for status, _, _ in before.values()) > 10
    other = give_all(recording)
    after = told(client, urls)
    differing = {
        urls[url]: list(set(after[url][2].splitlines()) ^ set(before[url][2].splitlines()))[:6] for url in urls if before[url] != after[url]
    }
    assert differing == {}
    assert not [url for url, (_, _, text) in after.items() if any(word in text for word in TELLTALE) or str(other.pk) in text]
    for name in ("recordings:feedback", "recordings:review-submit", "recordings:reply", "recordings:review-release"):
        assert client.get(reverse(name, args=[other.pk])).status_code in {404, 405}


@pytest.mark.parametrize("who", ["carl", "otis"])
def test_even_what_is_released_is_kept_from_whoever_is_still_rating(recording, harbour, thea, who, request, as_user):
    rater = request.getfixturevalue(who)
    rating.run()
    second = rating.asked(recording, "second")
    other = give_all(recording)
    # By whatever way it may come about: the page refuses it.
    Review.objects.filter(pk=other.pk).update(state="released", released_at=timezone.now())
    Rating.objects.update(released_at=timezone.now())
    for _ in ("asked", "in progress"):
        for model in (Review, Annotation, Rating, SelfRating, Comparison):
            assert not model.objects.visible_to(rater).exclude(**({"rater": rater} if model is Review else {})).exists(), model
        for url, (_status, _to, text) in told(as_user(rater), addresses(recording, harbour, thea)).items():
            assert not [word for word in TELLTALE if word in text], url
            assert str(other.pk) not in text, url
        rating.begin(second)
    assert Review.objects.get(rater=rater).is_blind


def test_releasing_is_refused_until_the_second_rating_is_in_or_taken_off(recording, carl, cora, sam, as_user):
    rating.run()
    first, second = rating.asked(recording, "first"), rating.asked(recording, "second")
    own = rating.submit(first)
    with pytest.raises(review.ReviewRefused, match="ask a supervisor of the team to take it off"):
        review.release(review=own, by=own.rater, now=timezone.now())
    assert as_user(own.rater).post(reverse("recordings:review-release", args=[own.pk])).status_code == 302
    assert not Rating.objects.released().exists()
    as_user(sam).post(reverse("recordings:assignment-take-off", args=[second.pk]))
    review.release(review=own, by=own.rater, now=timezone.now())
    assert Rating.objects.released().exists()
    rating.run(rating.tomorrow())
    assert not second.recording.assignments.filter(part="second", skipped_at__isnull=True).exists()


def test_a_review_begun_after_seeing_another_is_not_blind(thea, harbour, cora, carl):
    made = rating.recording(thea, harbour)
    assert setup.begin(made, carl).is_blind
    setup.released(made, cora)
    dora = rating.consultant("dora", harbour)
    assert not setup.begin(made, dora).is_blind


def test_a_supervisor_sees_that_a_rating_is_due_and_nothing_of_it(recording, carl, cora, sam, as_user):
    rating.run()
    give_all(recording)
    page = as_user(sam).get(reverse("recordings:review-list")).content.decode()
    assert "Due in your teams" in page
    assert not [word for word in TELLTALE if word in page]


def test_the_therapist_is_told_nothing_before_the_release(recording, carl, cora, thea, harbour, as_user):
    rating.run()
    pair = rating.both(recording)
    for url, (_status, _to, text) in told(as_user(thea), addresses(recording, harbour, thea)).items():
        assert setup.SECRET not in text, url
        assert "The uncle was not asked about" not in text, url
        assert str(pair.pk) not in text, url
