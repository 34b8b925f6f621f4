"""Waiting for a page: Playwright's own wait for a condition would need eval, which the content security policy forbids."""

import time


def until(page, what, seconds=60):
    """Asks the page until the JavaScript holds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if page.evaluate(what):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"in vain: {what}")


def until_true(page, condition, seconds=60):
    """Asks `condition` until it holds; the page goes on meanwhile."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        page.wait_for_timeout(50)
    assert condition()


def settled(page):
    """The workbench says that all is saved, and holds nothing that it has not begun to send."""
    until(page, "!document.getElementById('bench').pl.waiting() && document.getElementById('bench-saved').textContent === 'Saved'")
