"""Search finds lessons that the person may open, and no others."""

import pytest
from django.core.management import call_command
from django.urls import reverse

from learning.editors import grant_editing
from tests.factories import lessons_of, make_course, text_block
from tests.learning.steps import do, put_on, words


@pytest.fixture
def course():
    course = make_course(lessons=2, body=[text_block("<p>About curfews and breakfast.</p>")])
    make_course(title="Other", body=[text_block("<p>About curfews elsewhere.</p>")])
    call_command("update_index", verbosity=0)
    return course


def find(client, query):
    return words(client.get(reverse("learning:home"), {"q": query}))


def test_only_open_lessons_of_my_courses_are_found(as_user, thea, course):
    enrolment = put_on(thea, course)
    first, second = lessons_of(course)
    client = as_user(thea)

    page = find(client, "curfews")
    assert "1 lesson with “curfews”" in page
    assert f'<a href="{first.url}">' in page

    do(enrolment, first)
    page = find(client, "curfews")
    assert "2 lessons with “curfews”" in page
    assert f'<a href="{second.url}">' in page


def test_a_stranger_finds_nothing(as_user, olly, course):
    assert "0 lessons with “curfews”" in find(as_user(olly), "curfews")


def test_a_search_without_a_hit_says_so(as_user, thea, course):
    put_on(thea, course)

    assert "0 lessons with “zebra”" in find(as_user(thea), "zebra")


def test_an_editor_finds_what_they_may_edit(as_user, ed, course):
    from django.contrib.auth.models import Group

    group = Group.objects.create(name="Content")
    grant_editing(group)
    ed.groups.add(group)

    assert "4 lessons with “curfews”" in find(as_user(ed), "curfews")


@pytest.mark.parametrize("query", ["'", '"', "a AND", "*", "(", "x" * 500, "  "])
def test_odd_queries_are_answered(as_user, thea, course, query):
    put_on(thea, course)

    assert as_user(thea).get(reverse("learning:home"), {"q": query}).status_code == 200
