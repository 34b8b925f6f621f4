"""Codes nest, and what a code means has a version that stays with each annotation."""

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import annotation, codebook, workbench
from recordings.models import Code, CodeVersion
from tests import factories
from tests.recordings import review_setup as setup

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    boss = factories.make_user("boss", is_superuser=True, is_staff=True)
    client.force_login(boss)
    return client


def sent(code, **fields):
    values = {name: getattr(code, name) for name in ("name", "definition", "examples", "tone", "colour", "shape", "item_key", "position")}
    values |= {"programme": code.programme_id, "digit": code.digit or "", "parent": code.parent_id or "", "is_current": "on"}
    return {key: value for key, value in (values | fields).items() if value is not None}


def edit(client, code, **fields):
    return client.post(reverse("wagtailsnippets_recordings_code:edit", args=[code.pk]), sent(code, **fields))


def test_loading_makes_the_first_version_of_each():
    codes = codebook.load(factories.make_programme())
    assert {(one.code_id, one.number) for one in CodeVersion.objects.all()} == {(code.pk, 1) for code in codes}


def test_codes_under_another_follow_it(harbour):
    codes = codebook.load(harbour.programme)
    child = Code.objects.create(
        programme=harbour.programme, slug="their-own-view", name="Their own view", definition="x", parent=codes[0], position=40
    )
    lost = Code.objects.create(programme=harbour.programme, slug="lost", name="Lost", definition="x", parent=codes[1], position=41)
    Code.objects.filter(pk=codes[1].pk).update(is_current=False)
    found = codebook.current(harbour.programme)
    assert found[:2] == [codes[0], child]
    assert lost not in found


def test_an_annotation_keeps_what_its_code_meant_when_it_was_made(thea, harbour, cora, admin):
    own = setup.begin(setup.ready_recording(thea, harbour), cora)
    first = setup.mark(own)
    code = setup.code(own)
    assert edit(admin, code, definition="Something stricter").status_code == 302
    code.refresh_from_db()
    assert code.version == 2
    second = setup.mark(own, start_ms=60_000, end_ms=70_000)
    now = timezone.now()
    moved = annotation.change(annotation=first, version=1, code=code, start_ms=11_000, end_ms=18_000, comment="", by=cora, now=now)
    assert (moved.code_version.number, second.code_version.number) == (1, 2)
    assert moved.code_version.definition != second.code_version.definition == "Something stricter"
    assert workbench.annotation_data(moved)["meant"] == 1
    other = annotation.change(
        annotation=moved, version=2, code=setup.code(own, "sequence-traced"), start_ms=11_000, end_ms=18_000, comment="", by=cora, now=now
    )
    back = annotation.change(annotation=other, version=3, code=code, start_ms=11_000, end_ms=18_000, comment="", by=cora, now=now)
    assert back.code_version.number == 2


def test_colour_key_and_place_are_no_part_of_the_meaning(harbour, admin):
    code = codebook.load(harbour.programme)[0]
    assert edit(admin, code, colour=5, shape="cross", digit="", position=30).status_code == 302
    code.refresh_from_db()
    assert (code.version, code.colour, code.shape, code.digit, code.versions.count()) == (1, 5, "cross", None, 1)


def test_a_code_of_before_versions_were_kept_gets_its_first_one(thea, harbour, cora):
    own = setup.begin(setup.ready_recording(thea, harbour), cora)
    CodeVersion.objects.all().delete()
    assert setup.mark(own).code_version.number == 1


def test_a_new_code_is_made_under_another_with_a_version_and_a_slug(harbour, admin):
    parent = codebook.load(harbour.programme)[0]
    new = Code(
        programme=harbour.programme, parent=parent, name="Fit explored", definition="More exactly", colour=2, shape="star", position=50
    )
    answer = admin.post(reverse("wagtailsnippets_recordings_code:add"), sent(new))
    assert answer.status_code == 302
    made = Code.objects.get(parent=parent)
    assert made.slug == "fit-explored-2"
    assert [(one.number, one.made_by.first_name) for one in made.versions.all()] == [(1, "Boss")]


def test_a_new_code_whose_place_is_left_empty_comes_last(harbour, admin):
    before = codebook.load(harbour.programme)
    assert 'name="position" value' not in admin.get(reverse("wagtailsnippets_recordings_code:add")).text
    new = Code(programme=harbour.programme, name="Plan for the week", definition="One is made", colour=2, shape="star")
    assert admin.post(reverse("wagtailsnippets_recordings_code:add"), sent(new, position="")).status_code == 302
    assert [one.name for one in codebook.current(harbour.programme)] == [*(one.name for one in before), "Plan for the week"]
    made = Code.objects.get(name="Plan for the week")
    assert edit(admin, made, position="").status_code == 302
    assert Code.objects.get(pk=made.pk).position == made.position > 0


def test_what_does_not_fit_the_code_book_is_refused(harbour, meadow, admin):
    first, second, *_ = codebook.load(harbour.programme)
    foreign = codebook.load(meadow.programme)[0]
    child = Code.objects.create(programme=harbour.programme, slug="child", name="Child", definition="x", parent=second, position=40)
    for code, fields, sentence in (
        (first, {"digit": "2"}, "is the key of"),
        (child, {"digit": "8", "parent": second.pk}, "no key of its own"),
        (child, {"parent": foreign.pk, "digit": ""}, "valid choice"),
        (second, {"parent": first.pk, "digit": ""}, "codes under this one"),
        (first, {"colour": "9"}, "valid choice"),
        (first, {"shape": "blob"}, "valid choice"),
    ):
        answer = edit(admin, code, **fields)
        assert answer.status_code == 200, sentence
        assert sentence in answer.content.decode()
    assert not CodeVersion.objects.filter(number=2).exists()


def test_a_code_out_of_use_is_still_named_in_the_workbench_and_offered_no_more(thea, harbour, cora, as_user):
    recording = setup.ready_recording(thea, harbour)
    own = setup.begin(recording, cora)
    setup.mark(own)
    Code.objects.filter(slug="fit-explored").update(is_current=False, name="Retired code")
    page = as_user(cora).get(reverse("recordings:review", args=[recording.pk])).content.decode()
    assert page.count("Retired code") >= 2
    assert 'data-code="fit-explored"' not in page
