import datetime as dt
import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import annotation, comments, review
from recordings.models import Annotation, SealedText
from recordings.reviewforms import clock_text, parse_clock
from tests import factories
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def own(thea, harbour, cora):
    return setup.begin(setup.ready_recording(thea, harbour), cora)


def change(there, **fields):
    values = {"version": there.version, "code": there.code, "start_ms": there.start_ms, "end_ms": there.end_ms, "comment": setup.SECRET}
    return annotation.change(annotation=there, **(values | fields), by=there.review.rater, now=timezone.now())


def fields(**more):
    return {"code": "fit-explored", "start": "0:10", "end": "0:18.5", "comment": setup.SECRET, **more}


def test_it_is_saved_with_its_comment_sealed(own):
    made = setup.mark(own)
    assert comments.opened(made.comment) == setup.SECRET
    assert setup.SECRET.encode() not in bytes(SealedText.objects.get().ciphertext)


@pytest.mark.parametrize(("start", "end"), [(-1, 5000), (0, 700_000), (5000, 5000), (5000, 5100), (9000, 5000), (601_500, 602_000)])
def test_times_outside_the_recording_or_the_wrong_way_round_are_refused(own, start, end):
    with pytest.raises(annotation.AnnotationRefused):
        setup.mark(own, start_ms=start, end_ms=end)


def test_an_end_that_a_player_rounded_up_is_the_end(own):
    assert setup.mark(own, start_ms=590_000, end_ms=600_400).end_ms == 600_000


def test_a_code_of_another_programme_is_refused(own, meadow):
    from recordings import codebook

    other = codebook.load(meadow.programme)[0]
    with pytest.raises(annotation.AnnotationRefused):
        annotation.annotate(review=own, code=other, start_ms=0, end_ms=1000, by=own.rater, now=timezone.now())


def test_a_change_raises_the_version_and_leaves_no_old_comment(own):
    made = setup.mark(own)
    changed = change(made, comment="Better put")
    assert changed.version == 2
    assert comments.opened(changed.comment) == "Better put"
    assert SealedText.objects.count() == 1


def test_a_change_that_changes_nothing_keeps_the_version(own):
    assert change(setup.mark(own)).version == 1


def test_a_stale_change_is_refused_and_overwrites_nothing(own):
    made = setup.mark(own)
    change(made, comment="From the other tab")
    with pytest.raises(annotation.Stale) as refusal:
        change(made, comment="From this tab")
    assert comments.opened(refusal.value.current.comment) == "From the other tab"
    assert comments.opened(Annotation.objects.get().comment) == "From the other tab"


def test_removing_can_be_undone(own):
    made = setup.mark(own)
    annotation.remove(annotation=made, by=own.rater, now=timezone.now())
    assert not Annotation.objects.kept().exists()
    back = annotation.restore(annotation=made, by=own.rater, now=timezone.now())
    assert Annotation.objects.kept().get() == back
    assert comments.opened(back.comment) == setup.SECRET


def test_nobody_but_the_rater_writes(own, sam):
    with pytest.raises(annotation.Locked):
        annotation.annotate(review=own, code=setup.code(own), start_ms=0, end_ms=1000, by=sam, now=timezone.now())


def test_nothing_is_written_after_submission(own):
    made = setup.mark(own)
    setup.rate_all(own)
    setup.hear(own.recording, own.rater)
    review.submit(review=own, by=own.rater, now=timezone.now())
    for act in (
        lambda: setup.mark(own),
        lambda: change(made, comment="Late"),
        lambda: annotation.remove(annotation=made, by=own.rater, now=timezone.now()),
    ):
        with pytest.raises(annotation.Locked):
            act()


def test_what_was_removed_leaves_no_words_behind_at_submission(own):
    annotation.remove(annotation=setup.mark(own), by=own.rater, now=timezone.now())
    setup.rate_all(own)
    setup.hear(own.recording, own.rater)
    review.submit(review=own, by=own.rater, now=timezone.now())
    assert not SealedText.objects.exists()


# By the scripts


def test_the_script_sends_one_and_gets_it_back(own, as_user):
    key = uuid.uuid4()
    answer = as_user(own.rater).post(reverse("recordings:annotation-create", args=[own.pk]), fields(id=key), **JSON)
    stored = {
        "id": str(key),
        "code": "fit-explored",
        "meant": 1,
        "start": 10_000,
        "end": 18_500,
        "comment": setup.SECRET,
        "version": 1,
        "removed": False,
    }
    assert answer.json() == {"annotation": stored}


def test_sending_it_again_after_a_lost_answer_makes_no_second_one(own, as_user):
    client, key = as_user(own.rater), uuid.uuid4()
    for _ in range(2):
        answer = client.post(reverse("recordings:annotation-create", args=[own.pk]), fields(id=key), **JSON)
        assert answer.status_code == 200
    assert Annotation.objects.count() == 1


def test_the_script_is_told_of_a_stale_version_with_409_and_both_texts_survive(own, as_user):
    made = setup.mark(own)
    change(made, comment="From the other tab")
    answer = as_user(own.rater).post(reverse("recordings:annotation-change", args=[made.pk]), fields(version=1, comment="Mine"), **JSON)
    assert answer.status_code == 409
    assert answer.json()["stored"]["comment"] == "From the other tab"
    assert answer.json()["stored"]["version"] == 2


def test_without_scripts_a_stale_version_shows_both_and_a_second_try_is_mine(own, as_user):
    made, client = setup.mark(own), as_user(own.rater)
    change(made, comment="From the other tab")
    address = reverse("recordings:annotation-change", args=[made.pk])
    answer = client.post(address, fields(version=1, comment="Mine"))
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "From the other tab" in page
    assert "Mine" in page
    assert 'name="version" value="2"' in page
    assert client.post(address, fields(version=2, comment="Mine")).status_code == 302
    assert comments.opened(Annotation.objects.get().comment) == "Mine"


@pytest.mark.parametrize(
    "wrong",
    [{"start": "abc"}, {"end": ""}, {"start": "0:20", "end": "0:10"}, {"end": "99:00"}, {"code": "none-such"}, {"comment": "x" * 5000}],
)
def test_wrong_input_is_answered_with_422_and_a_sentence(own, as_user, wrong):
    client, address = as_user(own.rater), reverse("recordings:annotation-create", args=[own.pk])
    answer = client.post(address, fields(**wrong), **JSON)
    assert answer.status_code == 422
    assert answer.json()["error"].endswith(".")
    page = client.post(address, fields(**wrong))
    assert page.status_code == 422
    assert b"There is a problem" in page.content
    assert not Annotation.objects.exists()


def test_a_locked_review_answers_the_script_with_409(own, as_user):
    setup.rate_all(own)
    setup.hear(own.recording, own.rater)
    review.submit(review=own, by=own.rater, now=timezone.now())
    answer = as_user(own.rater).post(reverse("recordings:annotation-create", args=[own.pk]), fields(), **JSON)
    assert answer.status_code == 409
    assert answer.json()["locked"] is True


def test_every_address_takes_post_alone(own, as_user):
    made, client = setup.mark(own), as_user(own.rater)
    for name in ("annotation-change", "annotation-remove", "annotation-restore"):
        assert client.get(reverse(f"recordings:{name}", args=[made.pk])).status_code == 405


def test_after_consent_has_ended_nothing_can_be_written(own, as_user):
    consent = own.recording.consent
    consent.valid_until = factories.days_ago(1)
    consent.save()
    answer = as_user(own.rater).post(reverse("recordings:annotation-create", args=[own.pk]), fields(), **JSON)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("text", "ms"),
    [("2:10", 130_000), ("0:34.25", 34_250), ("34", 34_000), ("1:02:10.5", 3_730_500), ("90:00", 5_400_000), ("0:05,5", 5500)],
)
def test_times_are_read_as_people_type_them(text, ms):
    assert parse_clock(text) == ms
    assert parse_clock(clock_text(ms)) == ms


@pytest.mark.parametrize("text", ["", "abc", "1:99", "-1", "1:2:3:4", "0:1.23456", "1:75:00"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r".*"):
        parse_clock(text)


def test_it_is_in_the_audit_log_without_its_words(own):
    from wagtail.models import ModelLogEntry

    made = setup.mark(own)
    change(made, comment="Other words", start_ms=11_000)
    annotation.remove(annotation=made, by=own.rater, now=timezone.now() + dt.timedelta(seconds=1))
    entries = ModelLogEntry.objects.filter(action__startswith="recordings.annotat")
    assert {entry.action for entry in entries} == {"recordings.annotate", "recordings.annotation_change", "recordings.annotation_remove"}
    assert not any(setup.SECRET in f"{entry.label}{entry.data}" for entry in entries)
