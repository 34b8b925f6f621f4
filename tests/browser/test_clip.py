"""A teaching clip in a real browser: its words beneath the player as it plays, and approval once all of it was played."""

import io
import os
import subprocess

import pytest
from django.urls import reverse
from wagtail.models import Locale, Page, Site

from recordings import audio
from recordings.models import Clip
from tests import factories
from tests.browser.waiting import until
from tests.recordings.clip_setup import (
    TITLE,
    approved_fixture,  # noqa: F401 (a fixture, as the four below)
    clip_fixture,  # noqa: F401
    lesson_fixture,  # noqa: F401
    playback_fixture,  # noqa: F401
    recording_fixture,  # noqa: F401
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop in this thread; nothing of ours is asynchronous
CAPTION = "document.querySelector('.lrn-captions')?.textContent ?? ''"
SOUND = "document.querySelector('audio')"


@pytest.fixture(scope="module")
def session_clip():
    """Twenty-two seconds of a role-played session."""
    command = [audio.ffmpeg_path(), "-v", "error", "-i", factories.AUDIO / "session-1.opus", "-t", "22", "-f", "wav", "-"]
    return subprocess.run([str(part) for part in command], check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def clip_samples(playback):
    return audio.decode(io.BytesIO(playback))


@pytest.fixture
def opened(browser, live_server, client):
    """`opened(person, path)`: a page as this person sees it."""
    contexts = []

    def go(person, path, *, width=1280):
        client.force_login(person)
        context = browser.new_context(base_url=live_server.url, viewport={"width": width, "height": 900})
        contexts.append(context)
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.trouble = []
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.goto(path)
        return page

    yield go
    for context in contexts:
        context.close()


def approve(page):
    page.get_by_label("Approve it for lessons").check()
    page.get_by_label("I have listened to all of it").check()
    page.get_by_role("button", name="Decide").click()


@pytest.fixture(autouse=True)
def root_page(db):
    """What another test that commits has emptied."""
    Locale.objects.get_or_create(language_code="en-gb")
    root = Page.objects.filter(depth=1).first() or Page.add_root(instance=Page(title="Root", slug="root"))
    if not Site.objects.exists():
        Site.objects.create(hostname="localhost", root_page=root, is_default_site=True)


def test_approving_asks_for_what_was_not_played_and_then_takes_it(opened, clip, sam):
    page = opened(sam, reverse("recordings:clip", args=[clip.pk]))
    approve(page)
    page.get_by_text("You have not heard this clip yet").first.wait_for()
    assert page.get_by_label("Approve it for lessons").is_checked()

    page.evaluate(f"{SOUND}.play()")
    until(page, f"{SOUND}.currentTime > 2")
    page.evaluate(f"{SOUND}.pause()")
    page.wait_for_timeout(500)
    approve(page)
    page.get_by_text("You have not heard 0:0").first.wait_for()

    page.evaluate(f"{SOUND}.play()")
    until(page, f"{CAPTION}.includes('[name removed]')")
    until(page, f"{SOUND}.ended")
    page.wait_for_timeout(500)
    approve(page)
    page.get_by_text("Approved. Lessons can use it now.").wait_for()
    assert Clip.objects.get(pk=clip.pk).decided_by == sam
    assert page.trouble == []


def test_in_a_lesson_captions_run_along_and_the_words_stand_beneath(opened, lesson, tom):
    for width in (1280, 375):
        _plays(opened(tom, lesson.url, width=width), width)


def _plays(page, width):
    assert page.get_by_role("heading", name=TITLE).is_visible()
    beneath = page.locator(".lrn-media details p").first
    assert "[name removed]" in beneath.inner_text()
    page.evaluate(f"{SOUND}.play()")
    until(page, f"{CAPTION}.includes('[name removed]')")
    assert page.locator(".lrn-captions").is_visible()
    assert "Callum" not in page.content()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.trouble == []
