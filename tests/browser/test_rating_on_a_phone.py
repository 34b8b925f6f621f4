"""The pages around ratings on a phone: their tables read as lists, and nothing is cut off at the side."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TOO_WIDE = """() => [document.documentElement, ...document.querySelectorAll('main .pl-scroll-x')]
    .filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.getAttribute('aria-label') ?? 'the page')"""


def test_no_table_about_ratings_scrolls_sideways(sign_in):
    page = sign_in("cora@harbour.example", width=375, height=800)
    for address in ("plans/", "agreement/", "calibration/", "reviews/"):
        page.goto(f"/recordings/{address}")
        assert page.evaluate(TOO_WIDE) == [], address
    page.goto("/recordings/plans/")
    cell = page.locator(".pl-as-list td[data-label]").first
    assert cell.evaluate("one => getComputedStyle(one, '::before').content") == f'"{cell.get_attribute("data-label")}: "'
