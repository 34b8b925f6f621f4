"""Double rating by keyboard alone, on the demo: open, listen, mark ten moments, rate all items, submit, compare, agree, release.

Nothing here uses a mouse, sets the focus or fills a field by script: every control is reached with Tab, as a person would.
"""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD
from tests.browser.test_accessible import trouble
from tests.browser.waiting import settled, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ITEMS, MARKS = 9, 10
_IS_THERE = "([selector, words]) => { const e = document.activeElement; return e.matches(selector) && e.textContent.includes(words) }"
_SEEN = """() => {
    const e = document.activeElement, box = e.getBoundingClientRect(), middle = [box.left + box.width / 2, box.top + Math.min(box.height / 2, 20)]
    const shown = getComputedStyle(e), label = e.closest('label')
    const lit = [e, label, label && label.querySelector('span')].some((one) => one && (getComputedStyle(one).outlineStyle !== 'none' || getComputedStyle(one).boxShadow !== 'none'))
    return box.width > 0 && shown.visibility === 'visible' && middle[1] >= 0 && middle[1] <= innerHeight && lit
}"""


def tab_to(page, selector, words="", *, most=400):
    """Presses Tab until the control has the focus; it must then be within the window and show that it has it."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(_IS_THERE, [selector, words]):
            until(page, f"({_SEEN})()", 5)  # it may scroll there
            return
    raise AssertionError(f"Tab does not lead to {selector} {words} on {page.url}")


def press(page, selector, words="", *, leads_to):
    tab_to(page, selector, words)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(leads_to))
    page.wait_for_load_state()


@pytest.fixture
def at_the_door(browser, demo_site):
    """A page on the sign-in form; everything after that goes by keyboard."""
    contexts = []

    def go(email):
        context = browser.new_context(base_url=demo_site, viewport={"width": 1280, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto("/accounts/login/")
        tab_to(page, "input[name=login]")
        page.keyboard.type(email)
        tab_to(page, "input[name=password]")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile("^[^/]+//[^/]+/$"))
        page.wait_for_load_state()
        return page

    yield go
    for context in contexts:
        context.close()


def test_double_rating_by_keyboard_alone(at_the_door, sign_in):
    cora = at_the_door("cora@harbour.example")
    begin(cora)
    listen_and_mark(cora)
    rate(cora)
    submit(cora)
    comparison = propose(cora)
    carl = at_the_door("carl@harbour.example")
    agree(carl, comparison)
    feedback = release(carl)
    hears_of_it(sign_in("priya@harbour.example"), feedback)


def begin(page):
    press(page, "nav a, header a", "Reviews", leads_to="/recordings/reviews/$")
    for _ in range(100):  # until the demo's worker has drawn its waveform
        if page.locator(".pl-asked__act button").count():
            break
        page.wait_for_timeout(3000)
        page.reload()
        page.wait_for_load_state()
    press(page, ".pl-asked__act button", "Start", leads_to="/review/$")
    until(page, "document.querySelector('audio').readyState > 1")


def listen_and_mark(page):
    """Hears the whole at two and a half times the speed, and marks ten moments while it plays."""
    before = page.locator("#bench-notes .pl-note").count()
    for _ in range(8):
        page.keyboard.press("=")
    expect(page.locator("[data-slot=rate]")).to_have_text("2.5")
    page.keyboard.press("Space")
    for number in range(MARKS):
        until(page, f"document.querySelector('audio').currentTime > {4 + 5 * number}")
        page.keyboard.press(str(1 + number % 9))
    until(page, "document.querySelector('audio').ended || document.querySelector('audio').paused")
    expect(page.locator("#bench-notes .pl-note")).to_have_count(before + MARKS)
    page.keyboard.press("c")  # a comment on the last mark
    page.keyboard.type("You wait, and he answers his mother.")
    page.keyboard.press("Control+Enter")
    settled(page)
    assert not trouble(page, "the workbench, marked", 1280)


def rate(page):
    page.keyboard.press("r")
    for number in range(ITEMS):
        tab_to(page, "form.pl-item input[name=score]", most=4)
        page.keyboard.press("Space")
        for _ in range(number % 4):
            page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.checked")
    expect(page.locator("#bench-progress")).to_contain_text(f"{ITEMS} of {ITEMS} rated", timeout=60_000)
    tab_to(page, "#text-strengths")
    page.keyboard.type("You let the two of them settle it.")
    tab_to(page, "#text-next_step")
    page.keyboard.type("Ask who is there on the early shifts, and wait.")
    tab_to(page, "#bench-rating a", "Submit")
    settled(page)


def submit(page):
    page.keyboard.press("Enter")
    page.wait_for_url("**/submit/")
    press(page, "main button", "Submit and lock", leads_to="/comparisons/")


def propose(page):
    """A score for every item; the comparison's address."""
    assert not trouble(page, "the comparison", 1280)
    left = page.locator(".pl-compare__row", has_text="To agree").count()
    assert left
    for number in range(left):
        tab_to(page, ".pl-compare__row details[open] input[name=score]")
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        tab_to(page, ".pl-compare__row details[open] button", "Propose")
        page.keyboard.press("Enter")
        expect(page.locator(".pl-compare__row", has_text="proposed by Cora")).to_have_count(number + 1)
    page.set_viewport_size({"width": 375, "height": 800})
    assert not trouble(page, "the comparison", 375)
    return urlsplit(page.url).path


def agree(page, comparison):
    press(page, "nav a, header a", "Reviews", leads_to="/recordings/reviews/$")
    press(page, f"main a[href='{comparison}']", leads_to=comparison)
    for _ in range(page.locator(".pl-compare__row", has_text="proposed by Cora").count()):
        before = page.locator(".pl-compare__row", has_text="proposed by Cora").count()
        tab_to(page, ".pl-compare__row button", "Agree to")
        page.keyboard.press("Enter")
        expect(page.locator(".pl-compare__row", has_text="proposed by Cora")).to_have_count(before - 1)


def release(page):
    """Carl's feedback; Cora's goes out with it."""
    press(page, "main button", "Keep the consensus", leads_to="/comparisons/")
    expect(page.get_by_text("The consensus was kept")).to_be_visible()
    press(page, "main button", "Release both", leads_to="/feedback/")
    return urlsplit(page.url).path


def hears_of_it(page, feedback):
    """The therapist finds it in the list, and reads what the raters wrote."""
    page.goto("/recordings/reviews/")
    page.locator(f"main a[href='{feedback}']").first.click()
    expect(page.get_by_text("You let the two of them settle the hours").first).to_be_visible()
