"""What is written and ticked in the form is undone and done again like everything else, and never over another tab's words."""

import os

import pytest

from recordings.models import DraftScore
from tests.browser.bench_words import kept
from tests.browser.test_bench import (
    context,  # noqa: F401 (a fixture, as the next)
    mark,
    opened,
    own,  # noqa: F401
    page,  # noqa: F401
    sound,  # noqa: F401
    stored,
)
from tests.browser.waiting import settled, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop in this thread; nothing of ours is asynchronous


def away(page):  # noqa: F811
    page.locator("#bench-overview").focus()


def write(page, text):  # noqa: F811
    page.locator("#text-next_step").focus()
    page.keyboard.press("End")
    page.keyboard.insert_text(text)  # at once: a pause between two letters would be a step


def test_overall_words_are_undone_a_pause_at_a_time_and_done_again(page, own):  # noqa: F811
    page.keyboard.press("r")
    write(page, "Ask one more.")
    page.wait_for_timeout(1200)
    write(page, " Then wait.")
    away(page)
    kept(own, "Ask one more. Then wait.", name="next_step")
    area = page.locator("#text-next_step")
    for key, text in [("z", "Ask one more."), ("z", ""), ("Shift+z", "Ask one more."), ("Shift+z", "Ask one more. Then wait.")]:
        page.keyboard.press(key)
        assert area.input_value() == text
        settled(page)
        kept(own, text, name="next_step")


def test_what_is_being_typed_is_a_step_when_a_pedal_undoes_it(page, own):  # noqa: F811
    assert "error" not in page.evaluate("document.getElementById('bench').pl.keep({keys: {undo: 'F8'}})")  # waits for the answer
    page.reload()
    until(page, "document.querySelector('audio').readyState > 0")
    (made,) = mark(page, own, 10_800)
    page.keyboard.press("c")
    page.keyboard.insert_text("Said gently")
    page.keyboard.press("F8")
    note = page.locator(f"#annotation-{made.pk} textarea")
    assert note.input_value() == ""
    settled(page)
    assert stored(own, 1)[0].pk == made.pk  # not the mark itself


def test_undoing_words_that_another_tab_changed_overwrites_nothing(page, context, own):  # noqa: F811
    page.keyboard.press("r")
    write(page, "Ask one more.")
    away(page)
    kept(own, "Ask one more.", name="next_step")
    settled(page)
    other = opened(context, own)
    other.keyboard.press("r")
    write(other, " Then wait.")
    away(other)
    kept(own, "Ask one more. Then wait.", name="next_step")
    page.keyboard.press("z")
    page.get_by_text("Changed in another tab.").wait_for()
    kept(own, "Ask one more. Then wait.", name="next_step", seconds=1)
    page.locator("[data-keep='theirs']").click()
    assert page.locator("#text-next_step").input_value() == "Ask one more. Then wait."
    page.trouble.clear()  # the browser reports the answer 409 in its console


def test_what_a_rating_rests_on_is_undone_and_done_again(page, own):  # noqa: F811
    (made,) = mark(page, own, 10_800)
    page.keyboard.press("r")
    form = next(one for one in page.locator("form.pl-item").all() if one.locator("[data-slot=evidence]").count())
    key = form.get_attribute("data-item")
    form.locator("label.pl-scale__step", has_text="3").first.click()
    settled(page)
    form.locator("summary", has_text="Rests on").click()
    box = form.locator("input[name=evidence]")
    box.wait_for()
    ticked = box.is_checked()

    def rests(is_on):
        settled(page)
        draft = DraftScore.objects.get(review=own, item_key=key)
        assert [one.pk for one in draft.evidence.all()] == ([made.pk] if is_on else [])
        assert draft.score == 3

    rests(ticked)
    box.click()
    rests(not ticked)
    away(page)
    page.keyboard.press("z")
    assert box.is_checked() is ticked
    rests(ticked)
    page.keyboard.press("Shift+z")
    assert box.is_checked() is not ticked
    rests(not ticked)
    page.keyboard.press("z")
    page.keyboard.press("z")  # the rating itself
    assert form.locator("input[name=score]:checked").count() == 0
