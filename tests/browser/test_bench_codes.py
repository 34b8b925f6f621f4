"""Codes by keyboard: a pedal of one's own, keys that work with single keys off, and any code by its name."""

import os

import pytest

from recordings.models import Annotation, Code
from tests.browser.test_accessible import trouble
from tests.browser.test_bench import (
    context,  # noqa: F401 (a fixture, as the next)
    opened,
    own,  # noqa: F401
    page,  # noqa: F401
    seek,
    sound,  # noqa: F401
    stored,
)
from tests.browser.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop in this thread; nothing of ours is asynchronous


def code(own, digit):  # noqa: F811
    return Code.objects.get(programme=own.recording.team.programme, digit=digit, is_current=True)


def without_single_keys(page):  # noqa: F811
    page.keyboard.press("?")
    page.locator("#bench-single").uncheck()
    until(page, "document.querySelector('.pl-keys__switch').textContent.includes('off')")
    page.keyboard.press("Escape")


def test_a_pedal_marks_a_code_also_while_one_writes(page, own):  # noqa: F811
    page.keyboard.press("?")
    second = code(own, 2)
    assert page.locator("tr", has=page.locator("[data-remap='code-2']")).locator("th").inner_text() == f"Mark code 2: {second.name}"
    page.locator("[data-remap='code-2']").click()
    page.keyboard.press("F6")
    until(page, "document.querySelector('[data-keys=\"code-2\"]').textContent.trim() === 'F6'")
    page.keyboard.press("Escape")
    assert page.locator(f"[data-code='{second.slug}'] kbd").inner_text() == "F6"
    seek(page, 10_800)
    page.keyboard.press("F6")
    (made,) = stored(own, 1)
    assert made.code == second
    page.keyboard.press("c")
    page.keyboard.type("Said ")
    seek(page, 30_800)
    page.keyboard.press("F6")
    assert stored(own, 2)[1].code == second
    page.keyboard.press("Control+Enter")
    page.keyboard.press("2")  # its old key is free, and does nothing
    page.wait_for_timeout(500)
    assert Annotation.objects.count() == 2


def test_with_single_keys_off_a_code_is_marked_with_alt(page, own):  # noqa: F811
    without_single_keys(page)
    second = code(own, 2)
    assert page.locator(f"[data-code='{second.slug}'] kbd").inner_text() == "Alt+2"
    seek(page, 10_800)
    page.keyboard.press("2")
    page.keyboard.press("Alt+2")
    (made,) = stored(own, 1)
    assert made.code == second
    seek(page, 30_800)
    page.keyboard.press("Alt+m")
    page.keyboard.type(code(own, 4).name[:5])
    page.keyboard.press("Enter")
    assert stored(own, 2)[1].code == code(own, 4)


def test_a_code_without_a_key_is_marked_by_its_name_where_the_list_was_opened(own, context):  # noqa: F811
    first = code(own, 1)
    values = {"programme": first.programme, "definition": "Asked for."}
    Code.objects.create(slug="own-view", name="Their own view", parent=first, position=50, **values)
    Code.objects.create(slug="quiet", name="Zwölf quiet moments", position=60, **values)
    page = opened(context, own)  # noqa: F811
    seek(page, 20_800)
    page.keyboard.press("m")
    assert page.locator("#bench-byname-text").evaluate("one => one === document.activeElement")
    assert page.locator("#bench-byname [role=option]").count() == len(Code.objects.filter(programme=first.programme, is_current=True))
    page.evaluate("document.getElementById('bench').pl.seek(40000)")  # the session goes on meanwhile
    page.keyboard.type("zwolf")
    assert page.locator("#bench-byname [role=option]").all_inner_texts() == ["Zwölf quiet moments"]
    page.keyboard.press("Enter")
    (made,) = stored(own, 1)
    assert (made.code.slug, made.start_ms) == ("quiet", 20_000)
    page.keyboard.press("m")
    page.keyboard.type("view")  # a word within it
    assert not trouble(page, "a code by its name", 1280)
    page.keyboard.press("Enter")
    assert {one.code.slug for one in stored(own, 2)} == {"quiet", "own-view"}
    page.keyboard.press("m")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    selected = page.locator("#bench-byname [aria-selected=true]")
    assert page.locator("#bench-byname-text").get_attribute("aria-activedescendant") == selected.get_attribute("id")
    assert page.locator("#bench-byname [role=option]").nth(2).get_attribute("aria-selected") == "true"
    page.keyboard.press("Escape")
    assert Annotation.objects.count() == 2
    page.keyboard.press("m")
    page.keyboard.type("nothing such")
    assert page.locator("#bench-byname-said").inner_text() == "No code has that name. Type other letters."
    page.keyboard.press("Enter")
    assert Annotation.objects.count() == 2
