"""While somebody is still rating a session, no answer of the site to that person differs by what the other rater, or the therapist, gave."""

import io
import re
import zipfile
from collections import Counter

import pytest
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse
from django.utils import timezone
from wagtail.log_actions import LogContext

from recordings import clips, review, selfrating
from recordings.models import Annotation, Clip, Comparison, Purpose, Redaction, Review, SelfRating
from supervision.models import Instrument, Item, Membership, Rating
from tests import factories
from tests.recordings import rating_setup as rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
TITLES = ("Scored a 4 because of this", "Clip for a lesson on what went wrong")
TELLTALE = (setup.SECRET, "You let her find it", "Ask who checks at night", "My own note on it", *TITLES)
OTHER = {"first": "second", "second": "first"}


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
        text = re.sub(r'name="submission" value="[0-9a-f-]+"', "", text)  # drawn for each form that is sent once
        answers[url] = (answer.status_code, answer.get("Location", ""), text)
    return answers


@pytest.fixture
def recording(thea, harbour, cora, sam):
    rating.make_plan(harbour, sam)
    made = rating.recording(thea, harbour, purposes=(*rating.ALL, Purpose.TEACH))
    now = timezone.now()
    state = {"state": Redaction.State.READY, "proposed_at": now, "proposed_by": thea, "confirmed_at": now, "confirmed_by": thea}
    Redaction.objects.create(recording=made, number=1, spans=[], **state)
    return made


def give_all(recording, part="first"):
    """The other rater submits and makes a clip for lessons and one that waits; the therapist hands in a rating of their own."""
    first = rating.asked(recording, part)
    own = rating.begin(first)
    review.write(review=own, name="strengths", text="You let her find it", seen=None, by=own.rater)
    review.write(review=own, name="next_step", text="Ask who checks at night", seen=None, by=own.rater)
    rating.submit(first, score=4)
    for title, state in zip(TITLES, (Clip.State.APPROVED, Clip.State.PROPOSED), strict=True):
        clip = clips.make(recording=recording, start_ms=10_000, end_ms=18_000, title=title, by=own.rater, now=timezone.now())
        Clip.objects.filter(pk=clip.pk).update(state=state, decided_at=timezone.now() if state == Clip.State.APPROVED else None)
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


@pytest.mark.parametrize("part", ["first", "second"])
@pytest.mark.parametrize("has_begun", [False, True], ids=["asked", "in progress"])
@pytest.mark.parametrize("who", ["carl", "otis"])
def test_every_page_and_file_is_the_same_with_and_without_the_others_rating(
    recording, harbour, thea, who, has_begun, part, request, as_user
):
    second = request.getfixturevalue(who)
    rating.run()
    assert rating.asked(recording, "second").rater == second
    mine, _theirs = (rating.asked(recording, one) for one in (part, OTHER[part]))
    rater = mine.rater
    if has_begun:
        rating.begin(mine)
    urls = addresses(recording, harbour, thea)
    client = as_user(rater)
    told(client, urls)  # what a first visit changes, such as the record of reading
    before = told(client, urls)
    assert sum(status == 200 for status, _, _ in before.values()) > 10
    other = give_all(recording, OTHER[part])
    after = told(client, urls)
    assert differing(urls, before, after) == {}
    assert not [url for url, (_, _, text) in after.items() if any(word in text for word in TELLTALE) or str(other.pk) in text]
    for name in ("recordings:feedback", "recordings:review-submit", "recordings:reply", "recordings:review-release"):
        assert client.get(reverse(name, args=[other.pk])).status_code in {404, 405}


def differing(urls, before, after):
    """Up to six lines that only one of the two answers has, by the name of the address."""
    changed = [url for url in urls if before[url] != after[url]]
    return {urls[url]: list(set(after[url][2].splitlines()) ^ set(before[url][2].splitlines()))[:6] for url in changed}


def test_a_first_rater_who_supervises_the_team_sees_the_other_row_go_from_what_is_due_and_nothing_else(
    recording, harbour, thea, cora, carl, as_user
):
    """That it is in, then, as whoever chases ratings has to know; not what is in it."""
    rating.run()
    first, _second = rating.asked(recording, "first"), rating.asked(recording, "second")
    factories.make_membership(first.rater, harbour, Membership.Role.SUPERVISOR)
    rating.begin(first)
    urls = addresses(recording, harbour, thea)
    client = as_user(first.rater)
    told(client, urls)
    before = told(client, urls)
    give_all(recording, "second")
    after = told(client, urls)
    assert set(differing(urls, before, after)) == {"recordings:review-list"}
    was, now = (answers[reverse("recordings:review-list")][2] for answers in (before, after))
    row = re.search(r"<h2>Due in your teams.*?</table>\s*</div>", was, re.S).group()
    assert row.count("<tr>") == 2  # the head, and the second rating
    assert lines(was) - lines(row) == lines(now)
    assert not [url for url, (_, _, text) in after.items() if any(word in text for word in TELLTALE)]


def lines(page):
    """How often each line is there that is not empty."""
    return Counter(line.strip() for line in page.splitlines() if line.strip())


CLIP_PAGES = ("clip", "clip-audio", "clip-captions", "clip-take-back")
CLIP_POSTS = ("clip-decide", "clip-again", "clip-take-back", "clip-heard")


@pytest.mark.parametrize("has_begun", [False, True], ids=["asked", "in progress"])
def test_no_clip_that_another_made_is_there_for_whoever_is_still_rating(recording, carl, thea, has_begun, as_user):
    rating.run()
    second = rating.asked(recording, "second")
    if has_begun:
        rating.begin(second)
    give_all(recording)
    client = as_user(second.rater)
    made = list(Clip.objects.order_by("made_at", "pk"))
    for state in Clip.State.values:
        Clip.objects.update(state=state)
        for one in made:
            assert {client.get(reverse(f"recordings:{name}", args=[one.pk])).status_code for name in CLIP_PAGES} == {404}, state
            assert {client.post(reverse(f"recordings:{name}", args=[one.pk])).status_code for name in CLIP_POSTS} == {404}, state
            assert clips.shown(one.pk, second.rater, on=factories.today()) == clips.Shown(one.pk, closed=clips.NOT_FOR_YOU)
        assert not clips.seen_by(second.rater).exists()
    Clip.objects.update(state=Clip.State.PROPOSED)
    for act in (clips.decide, clips.take_back, clips.again):
        with pytest.raises(clips.ClipRefused):
            act(clip=made[0], by=second.rater, now=timezone.now(), **({"approves": False} if act is clips.decide else {}))
    rating.submit(second)
    assert {clips.title_of(one) for one in clips.seen_by(second.rater)} == set(TITLES)


def test_a_clip_of_ones_own_stays_while_one_is_rating(recording, carl, cora, as_user):
    rating.run()
    second = rating.asked(recording, "second")
    made = clips.make(recording=recording, start_ms=0, end_ms=8_000, title="My own moment", by=second.rater, now=timezone.now())
    give_all(recording)
    page = as_user(second.rater).get(reverse("recordings:clip-list")).text
    assert "My own moment" in page
    assert not [title for title in TITLES if title in page]
    assert as_user(second.rater).get(reverse("recordings:clip", args=[made.pk])).status_code == 200
    assert clips.take_back(clip=made, by=second.rater, now=timezone.now()).state == Clip.State.GONE


def test_an_editor_of_lessons_who_is_still_rating_is_offered_no_title(recording, carl, cora):
    rating.run()
    second = rating.asked(recording, "second")
    give_all(recording)
    used = Clip.objects.get(state=Clip.State.APPROVED)
    assert clips.choices(on=factories.today()) == [(str(used.pk), TITLES[0])]
    with LogContext(user=second.rater):  # as Wagtail's pages are shown
        assert clips.choices(on=factories.today()) == [(str(used.pk), clips.NOT_FOR_YOU)]
    with LogContext(user=rating.asked(recording).rater):
        assert clips.choices(on=factories.today()) == [(str(used.pk), TITLES[0])]


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


def with_another_instrument(recording, rater):
    other = Instrument.objects.get(slug="analytic-process", is_current=True)
    return review.start(recording=recording, rater=rater, instrument=other, now=timezone.now())


def test_a_review_begun_after_seeing_another_is_not_blind(thea, harbour, cora, carl):
    made = rating.recording(thea, harbour)
    assert setup.begin(made, carl).is_blind
    setup.released(made, cora)
    dora = rating.consultant("dora", harbour)
    assert not setup.begin(made, dora).is_blind


def test_nor_is_one_with_another_instrument_that_hides_again_what_was_seen(thea, harbour, cora):
    made = rating.recording(thea, harbour)
    setup.released(made, cora)
    dora = rating.consultant("dora", harbour)
    assert not setup.begin(made, dora).is_blind
    assert not with_another_instrument(made, dora).is_blind


def test_with_two_instruments_begun_before_there_is_anything_to_see_both_are_blind(thea, harbour, cora):
    made = rating.recording(thea, harbour)
    dora = rating.consultant("dora", harbour)
    assert setup.begin(made, dora).is_blind
    setup.released(made, cora)
    assert with_another_instrument(made, dora).is_blind


def test_nor_is_one_begun_after_the_others_scores_were_compared(recording, carl):
    rating.run()
    comparison = rating.both(recording)
    for rater in (comparison.first.rater, comparison.second.rater):
        assert not with_another_instrument(recording, rater).is_blind


def test_nor_is_one_begun_after_reading_what_the_therapist_gave(thea, harbour, cora):
    made = rating.recording(thea, harbour)
    setup.submitted(made, cora)
    scores = dict.fromkeys(rating.instrument().items.values_list("key", flat=True), 3)
    own = selfrating.save(recording=made, instrument=rating.instrument(), scores=scores, note="", version=0, by=thea, now=timezone.now())
    selfrating.submit(own=own, by=thea, now=timezone.now())
    assert not with_another_instrument(made, cora).is_blind


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
