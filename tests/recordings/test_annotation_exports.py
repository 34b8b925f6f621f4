"""A review's annotations and ratings as files that other programs open, and annotations from such files."""

import contextlib
import csv
import datetime as dt
import io
import itertools
import json
import uuid
import warnings

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from praatio import textgrid as praat
from wagtail.models import ModelLogEntry

from recordings import annotationfiles, annotationimport, exports
from recordings.annotationfiles import Document, Mark, Scored
from recordings.models import Annotation
from tests.recordings import review_setup as setup

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pympi


def made(marks, scores=()):
    return Document(dt.date(2026, 5, 12), 600_000, "practice-review 1", "in_progress", marks, scores, keep_until=dt.date(2026, 6, 9))


MARKS = [
    Mark("fit-explored", 10_000, 18_000, "She drew “the fit” herself", uuid.uuid4(), "Fit explored"),
    Mark("fit-explored", 15_000, 20_500, "", uuid.uuid4(), "Fit explored"),
    Mark("opening-missed", 30_000, 41_234, "=1+1 & <more>", uuid.uuid4(), "Opening missed"),
]
SCORES = [Scored("finding-the-fit", "Finding the fit", "3"), Scored("generalisation", "Generalisation", "na")]


def test_elan_opens_it_with_a_tier_for_each_code_and_no_overlap(tmp_path):
    path = tmp_path / "review.eaf"
    path.write_text(annotationfiles.to_eaf(made(MARKS, SCORES)), encoding="utf-8")
    opened = pympi.Elan.Eaf(str(path))
    assert set(opened.get_tier_names()) == {"fit-explored", "fit-explored (2)", "opening-missed"}
    assert opened.get_annotation_data_for_tier("fit-explored") == [(10_000, 18_000, "She drew “the fit” herself")]
    assert opened.get_annotation_data_for_tier("fit-explored (2)") == [(15_000, 20_500, ".")]
    assert opened.get_annotation_data_for_tier("opening-missed") == [(30_000, 41_234, "=1+1 & <more>")]
    assert ("rating finding-the-fit", "3") in opened.get_properties()


def test_praat_opens_it(tmp_path):
    path = tmp_path / "review.TextGrid"
    path.write_text(annotationfiles.to_textgrid(made(MARKS)), encoding="utf-8")
    opened = praat.openTextgrid(str(path), includeEmptyIntervals=False)
    assert opened.tierNames == ("notice", "fit-explored", "fit-explored (2)", "opening-missed")
    entries = opened.getTier("opening-missed").entries
    assert [(one.start, one.end, one.label) for one in entries] == [(30.0, 41.234, "=1+1 & <more>")]


def test_a_spreadsheet_takes_no_comment_for_a_formula():
    rows = list(csv.DictReader(io.StringIO(annotationfiles.to_csv(made(MARKS, SCORES)).lstrip("\ufeff"))))
    assert [row["kind"] for row in rows] == ["annotation"] * 3 + ["rating"] * 2
    assert rows[2]["comment"] == "'=1+1 & <more>"
    assert (rows[0]["start"], rows[0]["end"]) == ("10.0", "18.0")
    assert rows[4]["score"] == "na"


def test_json_has_seconds_numbers_and_a_notice():
    whole = json.loads(annotationfiles.to_json(made(MARKS, [*SCORES, Scored("x", "X", "")])))
    assert whole["annotations"][2]["end"] == 41.234
    assert [one["score"] for one in whole["ratings"]] == [3, "na", None]
    assert "9 June 2026" in whole["notice"]


texts = st.text(max_size=40).map(exports.plain).filter(lambda text: text != annotationfiles.NO_COMMENT)
marks = st.lists(
    st.builds(
        lambda code, start, length, text: Mark(code, start, start + length, text),
        st.sampled_from(["fit-explored", "opening-missed", "a-b"]),
        st.integers(0, 500_000),
        st.integers(200, 60_000),
        texts,
    ),
    max_size=12,
)


def _known(found, skip=()):
    rows = []
    for one in found:
        if one.tier not in skip:
            code = one.tier.split(" (")[0]
            rows.append((code, one.start_ms, one.end_ms, annotationimport.comment_of(one)))
    return sorted(rows)


@given(marks)
def test_what_goes_out_to_elan_comes_back_the_same(marks):
    read = annotationimport.read(annotationfiles.to_eaf(made(marks)).encode())
    assert _known(read.found) == sorted((one.code, one.start_ms, one.end_ms, one.text) for one in marks)
    assert read.missed == []


@given(marks)
def test_what_goes_out_to_praat_comes_back_the_same(marks):
    read = annotationimport.read(annotationfiles.to_textgrid(made(marks)).encode())
    assert _known(read.found, skip={"notice"}) == sorted((one.code, one.start_ms, one.end_ms, one.text) for one in marks)


@given(marks)
def test_no_tier_holds_two_annotations_at_once(marks):
    for _, layer in annotationfiles.tiers(marks):
        assert all(one.end_ms <= other.start_ms for one, other in itertools.pairwise(layer))


@given(st.binary(max_size=300))
def test_whatever_the_file_is_it_is_read_or_refused_with_a_sentence(content):
    for start in (b"", b"<ANNOTATION_DOCUMENT>", b'File type = "ooTextFile"\nObject class = "TextGrid"\n'):
        with contextlib.suppress(annotationimport.FileRefused):  # any other error fails the test
            assert annotationimport.read(start + content).tiers is not None


SHORT = '"ooTextFile"\n"TextGrid"\n0\n10\n<exists>\n2\n"IntervalTier"\n"fit-explored"\n0\n10\n2\n0\n1.5\n""\n1.5\n10\n"He said ""no"""\n"TextTier"\n"p"\n0\n10\n1\n3\n"x"\n'


def test_praats_short_text_and_utf_16_are_read_and_points_are_named():
    read = annotationimport.read(b"\xff\xfe" + SHORT.encode("utf-16-le"))
    assert [(one.start_ms, one.end_ms, one.text) for one in read.found] == [(1_500, 10_000, 'He said "no"')]
    assert read.missed == ["Left out: 1 point. A point has no length; an annotation has."]


def test_more_tiers_than_a_page_can_ask_about_are_refused_with_the_file():
    many = [f'"IntervalTier"\n"t{number}"\n0\n1\n1\n0\n1\n"x"\n' for number in range(annotationimport.MOST_TIERS + 1)]
    head = '"ooTextFile"\n"TextGrid"\n0\n1\n<exists>\n'
    with pytest.raises(annotationimport.FileRefused, match="201 tiers"):
        annotationimport.read(f"{head}{len(many)}\n{''.join(many)}".encode())
    assert len(annotationimport.read(f"{head}{len(many) - 1}\n{''.join(many[1:])}".encode()).tiers) == annotationimport.MOST_TIERS


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>'


@pytest.mark.parametrize("content", [b"", b"hello", b"<ANNOTATION_DOCUMENT", BOMB, b"\xff\xfe\x00", b"x" * (annotationimport.LARGEST + 1)])
def test_what_is_no_such_file_is_refused(content):
    with pytest.raises(annotationimport.FileRefused):
        annotationimport.read(content)


def test_a_time_that_is_no_time_is_left_out_and_named():
    mark, start = Mark("fit-explored", 1_234, 5_678, "Here"), 'TIME_VALUE="1234"'
    for wrong in ("9" * 5_000, "-5", "1.5", "\u0661"):
        content = annotationfiles.to_eaf(made([mark])).replace(start, f'TIME_VALUE="{wrong}"')
        assert start not in content
        read = annotationimport.read(content.encode())
        assert (read.found, read.missed) == ([], ["Left out: 1 without a time of their own. Align them in ELAN first."])


# On the pages


@pytest.fixture
def own(thea, harbour, cora, db):
    return setup.begin(setup.ready_recording(thea, harbour), cora)


def take(client, review, kind):
    return client.get(reverse("recordings:review-file", args=[review.pk, kind]))


def send(client, review, content, name="notes.eaf"):
    return client.post(reverse("recordings:annotations-import", args=[review.pk]), {"file": SimpleUploadedFile(name, content)})


def bring(client, review, content):
    """Both steps, with the tiers as the page offers them."""
    preview = send(client, review, content)
    assert preview.status_code == 200
    form = preview.context["form"]
    values = {"content": form.initial["content"]}
    values |= {name: field.initial for name, field in form.fields.items() if name.startswith("tier-")}
    return client.post(reverse("recordings:annotations-import", args=[review.pk]), values)


@pytest.mark.parametrize("kind", annotationfiles.FORMATS)
def test_ones_own_review_is_taken_away_while_in_progress_and_that_is_recorded(own, cora, as_user, kind):
    setup.mark(own)
    answer = take(as_user(cora), own, kind)
    assert answer.status_code == 200
    assert setup.SECRET in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert setup.SECRET not in answer["Content-Disposition"]
    assert ModelLogEntry.objects.filter(action="recordings.review_export", user=cora).count() == 1


def test_nobody_else_takes_it_before_it_is_released(own, thea, sam, as_user):
    setup.mark(own)
    for person in (thea, sam):
        assert take(as_user(person), own, "json").status_code == 404


def test_a_blind_second_rater_gets_nothing_of_the_first(own, harbour, as_user):
    from tests import factories

    setup.mark(own)
    second = factories.make_member("carl", harbour, "consultant")
    assert take(as_user(second), own, "json").status_code == 404


def test_once_released_those_who_see_it_take_it_with_its_scores(thea, harbour, cora, sam, tom, as_user):
    review = setup.released(setup.ready_recording(thea, harbour), cora)
    for person in (thea, sam, cora):
        whole = json.loads(take(as_user(person), review, "json").content)
        assert {one["score"] for one in whole["ratings"]} == {3}
        assert len(whole["annotations"]) == 2
    assert take(as_user(tom), review, "json").status_code == 404


def test_there_is_no_other_kind(own, cora, as_user):
    assert take(as_user(cora), own, "exe").status_code == 404


def test_a_file_is_looked_at_first_and_then_brought_in(own, cora, as_user):
    client = as_user(cora)
    content = annotationfiles.to_eaf(made([*MARKS, Mark("my own tier", 50_000, 52_000, "?")])).encode()
    text = send(client, own, content).content.decode()
    assert "3 annotations are new" in text
    assert "Tier “my own tier”: 1 left out." in text
    assert not Annotation.objects.exists()
    assert bring(client, own, content).status_code == 302
    rows = Annotation.objects.filter(review=own).order_by("start_ms")
    assert [(one.code.slug, one.start_ms, one.end_ms) for one in rows] == [(one.code, one.start_ms, one.end_ms) for one in MARKS]


def test_brought_in_twice_nothing_changes(own, cora, as_user):
    client = as_user(cora)
    content = annotationfiles.to_eaf(made(MARKS)).encode()
    bring(client, own, content)
    before = set(Annotation.objects.values_list("pk", "version"))
    assert "3 are in your review already" in send(client, own, content).content.decode()
    bring(client, own, content)
    assert set(Annotation.objects.values_list("pk", "version")) == before


def test_ones_own_export_brings_in_nothing_new(own, cora, as_user):
    setup.mark(own)
    client = as_user(cora)
    content = take(client, own, "eaf").content
    bring(client, own, content)
    assert Annotation.objects.count() == 1


def test_what_was_removed_stays_removed(own, cora, as_user):
    from recordings import annotation

    client = as_user(cora)
    content = annotationfiles.to_eaf(made(MARKS[:1])).encode()
    bring(client, own, content)
    annotation.remove(annotation=Annotation.objects.get(), by=cora, now=timezone.now())
    assert "removed" in send(client, own, content).content.decode()
    bring(client, own, content)
    assert not Annotation.objects.kept().exists()


def test_a_comment_that_was_changed_here_since_stays_and_the_file_adds_nothing(own, cora, as_user):
    from recordings import annotation, comments

    client = as_user(cora)
    content = annotationfiles.to_eaf(made(MARKS[:1])).encode()
    bring(client, own, content)
    there = Annotation.objects.get()
    values = {"code": there.code, "start_ms": there.start_ms, "end_ms": there.end_ms, "comment": "As I see it now"}
    annotation.change(annotation=there, version=there.version, by=cora, now=timezone.now(), **values)
    text = send(client, own, content).content.decode()
    assert "0 annotations are new" in text
    assert "1 that you brought in before and changed here since. What you have here stays." in text
    bring(client, own, content)
    assert comments.opened(Annotation.objects.get().comment) == "As I see it now"


def test_other_words_for_the_same_moment_come_in_beside_and_the_page_says_so_before(own, cora, as_user):
    from recordings import comments

    client = as_user(cora)
    setup.mark(own, comment="Mine")
    page = client.get(reverse("recordings:annotations-import", args=[own.pk])).content.decode()
    assert "Nothing that is in your review is changed" in page
    bring(client, own, annotationfiles.to_eaf(made([Mark("fit-explored", 10_000, 18_000, "Theirs")])).encode())
    assert sorted(comments.opened(one.comment) for one in Annotation.objects.all()) == ["Mine", "Theirs"]


def test_a_person_says_what_a_strange_tier_is(own, cora, as_user):
    client = as_user(cora)
    preview = send(client, own, annotationfiles.to_eaf(made([Mark("strange", 1_000, 2_000, "Hm")])).encode())
    values = {"content": preview.context["form"].initial["content"], "tier-0": "opening-missed"}
    client.post(reverse("recordings:annotations-import", args=[own.pk]), values)
    assert Annotation.objects.get().code.slug == "opening-missed"


def test_what_lies_outside_the_recording_is_named_and_left_out(own, cora, as_user):
    content = annotationfiles.to_eaf(made([Mark("fit-explored", 700_000, 710_000, "Late")])).encode()
    assert "1 outside the recording" in send(as_user(cora), own, content).content.decode()
    bring(as_user(cora), own, content)
    assert not Annotation.objects.exists()


def test_a_wrong_file_is_answered_with_422_and_a_sentence(own, cora, as_user):
    for content in (b"hello", b"x" * (annotationimport.LARGEST + 5)):
        answer = send(as_user(cora), own, content)
        assert answer.status_code == 422
        assert "There is a problem" in answer.content.decode()


def test_nothing_comes_into_a_submitted_review(thea, harbour, cora, as_user):
    review = setup.submitted(setup.ready_recording(thea, harbour), cora)
    count = Annotation.objects.count()
    assert send(as_user(cora), review, annotationfiles.to_eaf(made(MARKS)).encode()).status_code == 302
    assert Annotation.objects.count() == count


def test_nobody_brings_anything_into_the_review_of_another(own, sam, thea, as_user):
    for person in (sam, thea):
        assert send(as_user(person), own, b"x").status_code == 404


def test_the_upload_never_touches_a_disk(own, cora, as_user, tmp_path, settings):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "nowhere")  # a handler that wrote there would fail
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    assert send(as_user(cora), own, annotationfiles.to_eaf(made(MARKS)).encode()).status_code == 200
