"""axe on the pages of every role, wide and narrow, and nothing sticks out sideways at 320 pixels."""

from urllib.parse import urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

# Per person: addresses; after each arrow the link to follow from there.
LISTED = "main a[href^='/recordings/'][href$='/']:not([href='/recordings/upload/'])"
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
        "/supervision/teams/harbour/families/ > a[href*='/close/']",
        "/help/",
        "/privacy/",
        "/accessibility/",
        "/accounts/password/change/",
        "/accounts/2fa/",
    ],
    "tom@harbour.example": [
        "/",
        f"/recordings/ > {LISTED}",
        f"/recordings/ > {LISTED} > a[href*='/consents/']",
        f"/recordings/ > {LISTED} > a[href*='/consents/'] > a[href*='/withdraw/']",
        f"/recordings/ > {LISTED} > a[href*='/consents/'] > a[href*='/print/']",
        "/recordings/?state=ready > table a[href^='/recordings/'] > a[href$='/transcript/']",
        "/recordings/upload/ > a[href*='/consent/']",
        "/recordings/reviews/ > main a[href*='/feedback/']",
        "/learning/record/ > main a[href^='/learning/record/']:not([href$='.csv'])",
    ],
    "cora@harbour.example": [
        "/",
        "/recordings/reviews/",
        "/recordings/reviews/ > main a[href*='/feedback/']",
        "/supervision/teams/meadow/",
    ],
    "sam@harbour.example": [
        "/",
        "/supervision/teams/harbour/",
        "/supervision/teams/harbour/?show=all",
        "/supervision/teams/harbour/?show=all > td a",
        "/supervision/teams/harbour/?show=all > td a > a[href*='/evidence/new/']",
        "/supervision/teams/harbour/?show=all > th a",
        "/supervision/teams/harbour/members/",
        "/supervision/teams/harbour/members/ > a[href*='/change/']",
        "/supervision/teams/harbour/members/ > a[href*='/end/']",
        "/supervision/teams/harbour/members/add/",
        "/supervision/teams/harbour/invitations/new/",
        "/supervision/teams/harbour/sessions/",
        "/supervision/teams/harbour/sessions/ > a[href*='/cancel/']",
        "/supervision/teams/harbour/sessions/new/",
        "/supervision/teams/harbour/families/new/",
        f"/recordings/ > {LISTED} > a[href*='/delete/']",
    ],
    "ines@northport.example": ["/", "/recordings/", f"/recordings/ > {LISTED}"],
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
    """Opens the first part, then follows the first link that each selector finds; waits for what the demo's worker is still making."""
    start, *selectors = address.split(" > ")
    page.goto(start)
    for selector in selectors:
        target = page.locator(selector).first
        for _ in range(60):
            if target.count():
                break
            page.wait_for_timeout(3000)
            page.reload()
        page.goto(urljoin(page.url, target.get_attribute("href")))


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
