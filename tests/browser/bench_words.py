"""What the browser tests of the overall words share."""

import time

from recordings import comments


def kept(own, text, *, name="strengths", seconds=30):
    """Waits until that is what the server has."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        own.refresh_from_db()
        if (found := comments.opened(getattr(own, name))) == text:
            return
        time.sleep(0.1)
    raise AssertionError(f"{found!r}, not {text!r}")
