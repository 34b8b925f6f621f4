"""A teaching clip in a real browser: its words beneath the player as it plays, and approval once all of it was played."""

import io
import os
import subprocess
import time

import pytest
from django.urls import reverse
from wagtail.models import Locale, Page, Site

from recordings import audio, clipheard
from recordings.models import Clip
from tests import factories
from tests.browser.test_accessible import trouble
from tests.browser.waiting import until
from tests.recordings.clip_setup import (
    TITLE,
)

pytest_plugins = ["tests.recordings.clip_fixtures"]
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


@pytest.fixture
def slow_reports(monkeypatch):
    """The server takes a second over every report of what was played."""
    at_once = clipheard.note

    def slowly(**values):
        time.sleep(1)
        return at_once(**values)

    monkeypatch.setattr(clipheard, "note", slowly)


@pytest.mark.usefixtures("slow_reports")
def test_approving_asks_for_what_was_not_played_and_then_takes_it(opened, clip, sam):
    page = opened(sam, reverse("recordings:clip", args=[clip.pk]))
    approve(page)
    page.get_by_text("You have not heard this clip yet").first.wait_for()
    assert page.get_by_label("Approve it for lessons").is_checked()

    page.evaluate(f"{SOUND}.play()")
    until(page, f"{SOUND}.currentTime > 2")
    page.evaluate(f"{SOUND}.pause()")
    approve(page)
    page.get_by_text("You have not heard 0:0").first.wait_for()

    page.evaluate(f"{SOUND}.play()")
    until(page, f"{CAPTION}.includes('[name removed]')")
    until(page, f"{SOUND}.ended")
    approve(page)  # at once: the decision waits for the report of what was played
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


def test_axe_finds_nothing_on_the_pages_of_clips_wide_and_narrow(opened, recording, clip, thea, sam):
    own = reverse("recordings:clip", args=[clip.pk])
    found = []
    for width in (1280, 320):
        for person, path in (
            (sam, reverse("recordings:clip-list")),
            (sam, own),
            (sam, reverse("recordings:clip-take-back", args=[clip.pk])),
            (thea, reverse("recordings:clip-create", args=[recording.pk])),
        ):
            found += trouble(opened(person, path, width=width), path, width)
        page = opened(sam, own, width=width)
        approve(page)
        page.get_by_text("You have not heard this clip yet").first.wait_for()
        found += trouble(page, "a decision without having heard it", width)
        page = opened(thea, reverse("recordings:clip-create", args=[recording.pk]), width=width)
        page.get_by_role("button", name="Make the clip").click()
        page.locator(".nhsuk-error-summary").wait_for()
        found += trouble(page, "a clip without times", width)
    assert not found, "\n".join(found)


def test_axe_finds_nothing_where_a_clip_has_no_captions_and_is_made_again(opened, approved, sam):
    approved.words.delete()
    found = []
    for width in (1280, 320):
        page = opened(sam, reverse("recordings:clip", args=[approved.pk]), width=width)
        assert page.get_by_role("button", name="Make it again").is_visible()
        found += trouble(page, "a clip without captions", width)
        found += trouble(opened(sam, reverse("recordings:clip-list"), width=width), "the list with one for lessons", width)
    assert not found, "\n".join(found)
