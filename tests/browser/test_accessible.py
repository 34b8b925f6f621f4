"""axe on the pages of every role, wide and narrow, and nothing sticks out sideways at 320 pixels."""

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

# Per person: addresses, and selectors of links to follow from the address before the arrow.
PAGES = {
    "thea@harbour.example": [
        "/",
        "/learning/",
        "/learning/record/",
        "/courses/mst-orientation/",
        "/courses/mst-orientation/day-1/",
        "/courses/mst-orientation/day-1/why-mst/",
        "/courses/mst-orientation/day-1/nine-principles/",
        "/courses/mst-orientation/day-5/individual-work/",
        "/recordings/",
        "/recordings/upload/",
        "/supervision/teams/",
        "/supervision/teams/harbour/families/",
        "/help/",
        "/privacy/",
        "/accessibility/",
        "/accounts/password/change/",
        "/accounts/2fa/",
    ],
    "tom@harbour.example": [
        "/",
        "/recordings/ > main a[href^='/recordings/'][href$='/']",
        "/recordings/reviews/ > th a",
        "/learning/record/ > main a[href^='/learning/record/']:not([href$='.csv'])",
    ],
    "cora@harbour.example": ["/", "/recordings/reviews/", "/recordings/reviews/ > th a", "/supervision/teams/meadow/"],
    "sam@harbour.example": [
        "/",
        "/supervision/teams/harbour/",
        "/supervision/teams/harbour/?show=all",
        "/supervision/teams/harbour/members/",
        "/supervision/teams/harbour/members/add/",
        "/supervision/teams/harbour/invitations/new/",
        "/supervision/teams/harbour/sessions/",
        "/supervision/teams/harbour/sessions/new/",
        "/supervision/teams/harbour/families/new/",
        "/supervision/teams/harbour/?show=all > td a",
        "/supervision/teams/harbour/?show=all > th a",
    ],
    "ines@northport.example": ["/", "/recordings/"],
    "mona@northport.example": ["/", "/supervision/teams/"],
}
PUBLIC = ["/", "/accounts/login/", "/accounts/password/reset/", "/help/", "/no-such-page/"]


def trouble(page, address, width):
    results = Axe().run(page, options=RULES)
    found = [f"{address} at {width}: {v['id']}: {v['help']}: {v['nodes'][0]['html'][:160]}" for v in results.response["violations"]]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"):
        found.append(f"{address} at {width}: the page scrolls sideways")
    if page.locator("h1").count() != 1:
        found.append(f"{address}: {page.locator('h1').count()} h1")
    return found


def visit(page, address):
    if " > " not in address:
        page.goto(address)
        return
    start, selector = address.split(" > ")
    page.goto(start)
    link = page.locator(selector).first
    target = link.get_attribute("href")
    page.goto(target if target.startswith(("/", "http")) else start.split("?")[0] + target)


@pytest.mark.parametrize("email", PAGES)
def test_pages_have_no_violations(sign_in, email):
    page = sign_in(email)
    found = []
    for address in PAGES[email]:
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 900})
            visit(page, address)
            found += trouble(page, address, width)
    assert not found, "\n".join(found)


def test_public_pages_have_no_violations(browser, demo_site):
    context = browser.new_context(base_url=demo_site)
    page = context.new_page()
    found = []
    for address in PUBLIC:
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(address)
            found += trouble(page, address, width)
    context.close()
    assert not found, "\n".join(found)
