"""With the system's own colours in place of ours, what is chosen or playing can still be told from the rest."""

import os

import pytest
from playwright.sync_api import expect

from tests.browser import bench_setup

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop in this thread; nothing of ours is asynchronous

LOOKS = "(element, name) => getComputedStyle(element)[name]"


@pytest.fixture
def opened(browser, live_server, client):
    contexts = []

    def go(person, address):
        client.force_login(person)
        context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900}, forced_colors="active")
        contexts.append(context)
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
        page = context.new_page()
        page.goto(address)
        return page, page.evaluate("getComputedStyle(document.body).backgroundColor")

    yield go
    for context in contexts:
        context.close()


def test_what_is_current_in_the_workbench(opened, harbour, thea, cora, sam):
    own = bench_setup.review(bench_setup.recording(thea, harbour, bench_setup.sound()), cora)
    page, canvas = opened(cora, f"/recordings/{own.recording_id}/review/")
    page.locator("#bench-transcript .pl-turn__time").nth(1).click()
    now = page.locator("#bench-transcript .pl-turn.is-now")
    expect(now).to_have_count(1)
    assert now.evaluate(LOOKS, "borderLeftColor") != canvas
    assert page.locator("#bench-transcript .pl-turn:not(.is-now)").first.evaluate(LOOKS, "borderLeftColor") == canvas
    assert now.locator("span.is-now").evaluate(LOOKS, "backgroundColor") not in {canvas, "rgba(0, 0, 0, 0)"}
    tab = page.locator(".pl-tab[aria-selected='true']:visible").first
    assert tab.evaluate(LOOKS, "borderBottomColor") != canvas
    assert page.locator(".pl-tab[aria-selected='false']:visible").first.evaluate(LOOKS, "borderBottomColor") == canvas


def test_which_tab_of_a_team_is_open(opened, harbour, sam):
    page, canvas = opened(sam, f"/supervision/teams/{harbour.slug}/families/")
    assert page.locator(".sup-tabs a[aria-current]").evaluate(LOOKS, "borderBottomColor") != canvas
    assert page.locator(".sup-tabs a:not([aria-current])").first.evaluate(LOOKS, "borderBottomColor") == canvas
