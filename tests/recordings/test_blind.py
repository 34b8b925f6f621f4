"""Before release nobody but the rater learns anything of a review: not its words, not its scores, not that there are any."""

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import review
from recordings.models import Annotation, Review
from supervision.models import Rating
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
TELLTALE = (setup.SECRET, "He said nobody checks", "You let her find it", "Ask who checks at night", "Opening missed", "10000")


@pytest.fixture
def recording(thea, harbour):
    return setup.ready_recording(thea, harbour)


@pytest.fixture
def own(recording, cora):
    return setup.submitted(recording, cora)


def addresses(recording, own):
    note = Annotation.objects.filter(review=own).first()
    return {
        "feedback": reverse("recordings:feedback", args=[own.pk]),
        "reply": reverse("recordings:reply", args=[own.pk]),
        "submit": reverse("recordings:review-submit", args=[own.pk]),
        "release": reverse("recordings:review-release", args=[own.pk]),
        "create": reverse("recordings:annotation-create", args=[own.pk]),
        "change": reverse("recordings:annotation-change", args=[note.pk]),
        "remove": reverse("recordings:annotation-remove", args=[note.pk]),
        "restore": reverse("recordings:annotation-restore", args=[note.pk]),
        "score": reverse("recordings:score", args=[own.pk, "finding-the-fit"]),
        "words": reverse("recordings:review-words", args=[own.pk, "strengths"]),
    }


def assert_tells_nothing(answer, own):
    page = answer.content.decode()
    assert not [word for word in TELLTALE if word in page]
    assert str(own.pk) not in page


@pytest.mark.parametrize("name", ["thea", "tom", "sam", "bea", "carl", "ada", "mona", "iggy", "olly", "otto", "lena"])
def test_every_address_of_an_unreleased_review_is_unknown_to_others(recording, own, name, request, as_user):
    client = as_user(request.getfixturevalue(name))
    for accept in ("text/html", "application/json"):
        for what, address in addresses(recording, own).items():
            for answer in (client.post(address, HTTP_ACCEPT=accept), client.get(address, HTTP_ACCEPT=accept)):
                assert answer.status_code in {404, 405}, (name, what)
                assert_tells_nothing(answer, own)


@pytest.mark.parametrize("name", ["thea", "sam", "carl"])
@pytest.mark.parametrize("page", ["recordings:detail", "recordings:review", "recordings:transcript", "recordings:status"])
def test_no_page_of_the_recording_tells_of_it(recording, own, name, page, request, as_user):
    assert_tells_nothing(as_user(request.getfixturevalue(name)).get(reverse(page, args=[recording.pk])), own)


@pytest.mark.parametrize("name", ["thea", "sam", "carl"])
def test_lists_and_home_do_not_tell_of_it(recording, own, name, request, as_user):
    client = as_user(request.getfixturevalue(name))
    for address in (reverse("recordings:review-list"), reverse("recordings:list"), reverse("home")):
        assert_tells_nothing(client.get(address), own)


@pytest.mark.parametrize("name", ["thea", "sam", "carl"])
def test_querysets_do_not_give_it_away(own, name, request):
    user = request.getfixturevalue(name)
    assert not Review.objects.visible_to(user).exists()
    assert not Annotation.objects.visible_to(user).exists()
    assert not Rating.objects.visible_to(user).exists()


def test_another_consultant_begins_with_an_empty_page(recording, own, carl, as_user):
    assert setup.begin(recording, carl) != own
    answer = as_user(carl).get(reverse("recordings:review", args=[recording.pk]))
    assert b"0 of 9 rated" in answer.content
    page = answer.content.decode()
    assert setup.SECRET not in page
    assert str(own.pk) not in page
    assert answer.context["annotations"].rows == []


def test_released_it_is_there_for_the_therapist_and_those_who_lead_the_team_alone(recording, own, request, as_user):
    review.release(review=own, by=own.rater, now=timezone.now())
    address = reverse("recordings:feedback", args=[own.pk])
    for name in ("thea", "sam", "bea", "carl", "cora"):
        assert as_user(request.getfixturevalue(name)).get(address).status_code == 200, name
    for name in ("tom", "ada", "mona", "iggy", "olly", "otto", "lena"):
        assert as_user(request.getfixturevalue(name)).get(address).status_code == 404, name


def test_released_it_still_cannot_be_changed_by_a_reader(recording, own, thea, as_user):
    review.release(review=own, by=own.rater, now=timezone.now())
    client = as_user(thea)
    for what, address in addresses(recording, own).items():
        if what not in {"feedback", "reply"}:
            assert client.post(address).status_code == 403, what
