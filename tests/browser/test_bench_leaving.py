"""Leaving the workbench while the server is slow: no word that was typed is lost unawares."""

import os
import threading
import time

import pytest

from recordings import review
from tests.browser.bench_words import kept
from tests.browser.test_bench import (
    context,  # noqa: F401 (a fixture, as the next)
    opened,
    own,  # noqa: F401
    sound,  # noqa: F401
)
from tests.browser.waiting import settled, until, until_true

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop in this thread; nothing of ours is asynchronous
SLOW = 2.5  # seconds


@pytest.fixture
def arrived(monkeypatch):
    """Set once words have come to the server, which then takes its time."""
    came, write = threading.Event(), review.write

    def slowly(**values):
        came.set()
        time.sleep(SLOW)
        return write(**values)

    monkeypatch.setattr(review, "write", slowly)
    return came


@pytest.fixture
def page(context, own):  # noqa: F811
    page = opened(context, own, where="#bench-rating")
    page.asked = []

    def stay(dialog):
        page.asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.keyboard.press("r")
    page.locator("#text-strengths").click()
    return page


def reload(page):
    page.evaluate("setTimeout(() => location.reload())")


def test_newer_words_while_older_ones_are_on_their_way_are_asked_about_and_then_saved(page, own, arrived):  # noqa: F811
    page.keyboard.insert_text("he")
    until_true(page, arrived.is_set)
    page.keyboard.insert_text(" answers his mother")
    reload(page)
    settled(page)
    assert page.asked == ["beforeunload"]
    assert page.locator("#text-strengths").input_value() == "he answers his mother"  # the page stayed
    kept(own, "he answers his mother")


def test_words_that_wait_for_a_pause_are_sent_when_the_page_is_left(page, own, arrived):  # noqa: F811
    page.keyboard.insert_text("he answers his mother")
    page.goto("/recordings/reviews/")
    kept(own, "he answers his mother")
    assert page.asked == []


def test_words_that_are_on_their_way_arrive_when_the_page_is_left(page, own, arrived):  # noqa: F811
    page.keyboard.insert_text("he answers")
    until_true(page, arrived.is_set)
    page.goto("/recordings/reviews/")
    kept(own, "he answers")
    assert page.asked == []


def test_a_link_of_the_page_waits_until_all_is_saved(page, own, arrived):  # noqa: F811
    page.keyboard.insert_text("he")
    until_true(page, arrived.is_set)
    page.keyboard.insert_text(" answers his mother")
    page.get_by_role("link", name="All reviews").click()
    page.wait_for_url("**/recordings/reviews/")
    kept(own, "he answers his mother", seconds=1)
    assert page.asked == []


def test_signing_out_waits_until_all_is_saved_and_then_signs_out(page, own, arrived, monkeypatch):  # noqa: F811
    monkeypatch.setitem(globals(), "SLOW", 1)  # well within the five seconds in which a form is sent once
    page.keyboard.insert_text("he")
    until_true(page, arrived.is_set)
    page.keyboard.insert_text(" answers his mother")
    page.locator(".pl-menu--person summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(lambda address: "/review/" not in address)
    kept(own, "he answers his mother", seconds=1)
    assert page.asked == []


def test_without_a_connection_the_browser_asks_and_nothing_is_given_up(page, context, own):  # noqa: F811
    context.set_offline(True)
    page.keyboard.insert_text("he answers his mother")
    until(page, "document.getElementById('bench-saved').textContent.includes('1 change waits here')")
    reload(page)
    until_true(page, lambda: page.asked)
    assert page.asked == ["beforeunload"]
    context.set_offline(False)
    kept(own, "he answers his mother")


def test_a_page_that_is_come_back_to_goes_on_at_once(page, own):  # noqa: F811
    tries = []

    def fail(route):
        tries.append(route.request.url)
        route.fulfill(status=502, body="", content_type="text/html")

    page.route("**/words/**", fail)
    page.keyboard.insert_text("he answers his mother")
    until(page, "document.getElementById('bench-saved').textContent.includes('the server does not answer')")
    until_true(page, lambda: len(tries) == 3)  # two seconds apart, then four; the next is eight away
    page.unroute("**/words/**")
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    kept(own, "he answers his mother", seconds=6)
