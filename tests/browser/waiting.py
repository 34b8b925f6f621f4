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
