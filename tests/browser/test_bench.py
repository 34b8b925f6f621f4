"""The workbench in a real browser: marks dragged, split, undone; keys of one's own; a lost connection; two tabs; a small screen."""

import os
import time

import numpy as np
import pytest
from django.utils import timezone

from recordings import features, vault
from recordings.models import Annotation, BenchSettings, Code, Recording, SealedObject
from tests.browser import bench_setup
from tests.browser.test_accessible import trouble
from tests.browser.waiting import settled, until, until_true

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop in this thread; nothing of ours is asynchronous


@pytest.fixture(scope="module")
def sound():
    return bench_setup.sound()


@pytest.fixture
def own(harbour, thea, cora, sam, sound):
    return bench_setup.review(bench_setup.recording(thea, harbour, sound), cora)


@pytest.fixture
def context(browser, live_server, client, cora):
    client.force_login(cora)
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    yield context
    context.close()


def opened(context, own, *, where=""):
    page = context.new_page()
    page.set_default_timeout(60_000)  # for a machine that is busy with other things
    page.trouble = []
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.on(
        "console", lambda message: page.trouble.append(message.text) if message.type == "error" and " 422 " not in message.text else None
    )
    page.goto(f"/recordings/{own.recording_id}/review/{where}")
    until(page, "document.querySelectorAll('#bench-turns [data-w]').length > 0 && document.querySelector('audio').readyState > 0")
    page.evaluate("document.getElementById('bench-transcript').focus({preventScroll: true})")
    return page


@pytest.fixture
def page(context, own):
    page = opened(context, own)
    yield page
    assert page.trouble == []


def stored(own, count, *, seconds=40, **wanted):
    """The kept annotations in order, once there are so many and the first is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = list(Annotation.objects.kept().filter(review=own).select_related("code").order_by("start_ms", "end_ms"))
        if len(found) == count and all(getattr(found[0], name) == value for name, value in wanted.items()):
            return found
        time.sleep(0.1)
    raise AssertionError(f"{[(one.code.slug, one.start_ms, one.end_ms) for one in found]}, not {count} with {wanted}")


def seek(page, ms):
    page.evaluate(f"document.getElementById('bench').pl.seek({ms})")
    until(page, f"Math.abs(document.getElementById('bench').pl.now() - {ms}) < 30")


def mark(page, own, ms, key="1", count=1):
    seek(page, ms)
    page.keyboard.press(key)
    return stored(own, count)


def lane(page, ms):
    """Where a time is in the first lane of a code, in pixels of the page."""
    page.wait_for_timeout(150)
    at = "pl.wave.view()"
    code = "const {pl} = document.getElementById('bench'); const box = document.getElementById('bench-lanes').getBoundingClientRect();"
    return page.evaluate(
        f"(() => {{ {code} const v = {at}; return [box.left + ({ms} - v.from) / v.span * box.width, box.top + 20 + 9] }})()"
    )


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, end[1], steps=3)
    page.mouse.move(*end, steps=3)
    page.mouse.up()


def test_a_mark_is_moved_made_longer_split_and_all_of_it_undone_and_done_again(page, own):
    (made,) = mark(page, own, 10_800)
    assert (made.start_ms, made.end_ms) == (10_000, 18_000)  # 0.8 s before the key was pressed
    drag(page, lane(page, 14_000), lane(page, 17_000))
    (moved,) = stored(own, 1, version=2)
    assert abs(moved.start_ms - 13_000) < 120
    assert moved.end_ms - moved.start_ms == 8000
    drag(page, lane(page, moved.end_ms - 20), lane(page, moved.end_ms + 2980))
    (longer,) = stored(own, 1, version=3)
    assert longer.start_ms == moved.start_ms
    assert abs(longer.end_ms - moved.end_ms - 3000) < 120
    seek(page, 15_000)
    page.keyboard.press("x")
    settled(page)
    first, second = stored(own, 2)
    assert (first.end_ms, second.start_ms, second.end_ms) == (15_000, 15_000, longer.end_ms)
    page.keyboard.press("z")
    stored(own, 1, start_ms=longer.start_ms, end_ms=longer.end_ms)
    for _ in range(3):
        page.keyboard.press("z")
    settled(page)
    stored(own, 0)
    for _ in range(4):
        page.keyboard.press("Shift+z")
    settled(page)  # the second is there before the first has its times back: each request waits for the one before
    first, second = stored(own, 2)
    assert (first.start_ms, first.end_ms, second.end_ms) == (longer.start_ms, 15_000, longer.end_ms)


def test_words_that_are_selected_are_marked(page, own):
    page.evaluate(
        '(() => { const [a, b] = [5, 8].map((w) => document.querySelector(`[data-w="${w}"]`)); const range = document.createRange();'
        "range.setStart(a.firstChild, 0); range.setEnd(b.firstChild, b.firstChild.length); const s = getSelection(); s.removeAllRanges(); s.addRange(range) })()"
    )
    until(page, "document.getElementById('bench').pl.wave.selection() !== null")
    page.keyboard.press("3")
    (made,) = stored(own, 1)
    words = bench_setup.segments()[0]["words"]
    assert made.code.slug == "sequence-traced"
    assert abs(made.start_ms - 1000 * words[5]["start"]) < 5
    assert abs(made.end_ms - 1000 * words[9]["start"]) < 5
    until(page, "document.querySelectorAll('.is-marked').length >= 4 && getSelection().isCollapsed")


def test_a_letter_after_the_digit_says_more_exactly(own, context):
    parent = Code.objects.get(slug="fit-explored", programme=own.recording.team.programme)
    Code.objects.create(
        programme=parent.programme, slug="own-view", name="Their own view", definition="Asked for.", parent=parent, position=50
    )
    page = opened(context, own)
    mark(page, own, 20_800)
    page.keyboard.press("a")
    (made,) = stored(own, 1, version=2)
    assert made.code.slug == "own-view"
    page.keyboard.press("a")  # nothing is offered any more: the list of annotations
    page.keyboard.press("z")
    stored(own, 1, version=3, code=parent)


def test_a_word_is_found_and_played_from_there(page):
    page.keyboard.press("/")
    page.keyboard.type("before school")
    until(page, "document.getElementById('bench-found').textContent === '1 of 10'")
    page.keyboard.press("Enter")
    until(page, "document.getElementById('bench-found').textContent === '2 of 10'")
    assert page.locator(".is-found").count() == 2
    page.keyboard.press("Control+Enter")
    until(
        page,
        "document.querySelector('audio').currentTime > 6 && document.querySelector('audio').currentTime < 20 && !document.querySelector('audio').paused",
    )


def test_the_current_stretch_is_heard_over_and_over(page, own):
    mark(page, own, 10_800)
    page.evaluate("(() => { const {pl} = document.getElementById('bench'); pl.notes.place(pl.notes.current, 10000, 11500) })()")
    page.evaluate("window.jumps = 0; document.querySelector('audio').addEventListener('seeked', () => { window.jumps += 1 })")
    page.keyboard.press("w")
    until(page, "window.jumps >= 3")
    assert 9_900 <= page.evaluate("document.getElementById('bench').pl.now()") < 12_000
    page.keyboard.press("w")
    page.keyboard.press("Space")


def test_the_spectrogram_is_drawn_when_it_is_asked_for(page):
    assert not page.locator("#bench-spectrum").is_visible()
    page.keyboard.press("g")
    until(page, "Number(document.getElementById('bench-spectrum').dataset.drawn) > 0")
    dark = page.evaluate(
        "(() => { const c = document.getElementById('bench-spectrum'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i] > 60) n += 1; return n / (d.length / 4) })()"
    )
    assert 0.02 < dark < 0.98
    page.keyboard.press("g")
    assert not page.locator("#bench-spectrum").is_visible()


def test_finer_peaks_are_fetched_for_what_is_looked_at_and_only_a_few_are_kept(own, context):
    Recording.objects.filter(pk=own.recording_id).update(duration_ms=90 * 60_000)
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 16_000).astype(np.float32)
    content = features.peaks_only(np.tile(noise, 90 * 60))
    SealedObject.objects.filter(recording=own.recording_id, kind="features").delete()
    vault.seal(Recording.objects.get(pk=own.recording_id), SealedObject.Kind.FEATURES, [content], now=timezone.now())
    asked = []
    page = context.new_page()
    page.on("response", lambda answer: asked.append((answer.url, len(answer.body()))) if "/peaks/" in answer.url else None)
    page.goto(f"/recordings/{own.recording_id}/review/")
    until(page, "document.getElementById('bench').pl?.wave !== undefined && document.querySelector('audio').readyState > 0")
    page.evaluate("document.getElementById('bench').pl.now = () => window.at ?? 0")  # the sound itself is a minute long
    for minute in range(1, 89):  # a tile of the finest level is 102 s
        page.evaluate(f"window.at = {minute * 60_000}; document.getElementById('bench').pl.wave.later()")
        page.wait_for_timeout(60)
    end = time.monotonic() + 40
    while len(asked) < 53 and time.monotonic() < end:
        page.wait_for_timeout(100)
    whole, *fine = asked
    assert "end=" not in whole[0]
    assert whole[1] < 20_000
    assert all("level=0" in url and "end=" in url and size <= 2 * 2048 for url, size in fine)
    first = [url for url, _size in fine if "start=0&" in url]
    assert len(fine) == len({url for url, _size in fine}) == 52
    assert len(first) == 1
    page.evaluate("window.at = 0; document.getElementById('bench').pl.wave.later()")
    page.wait_for_timeout(1500)
    again = [url for url, _size in asked if "level=0&start=0&" in url]
    assert len(again) == 2  # it had been let go


def test_a_key_is_given_another_meaning_and_stays(page, own, cora, context):
    page.keyboard.press("?")
    page.locator("[data-remap='toggle']").click()
    page.keyboard.press("z")
    until(page, "document.getElementById('bench-keys-said').textContent.includes('already does')")
    page.locator("[data-remap='toggle']").click()
    page.keyboard.press("F4")
    until(page, "document.querySelector('[data-keys=\"toggle\"]').textContent.trim() === 'F4'")
    assert BenchSettings.objects.get(person=cora).keys == {"toggle": "F4"}
    page.keyboard.press("Escape")
    mark(page, own, 5_800)
    page.keyboard.press("c")
    page.keyboard.type("Said ")
    page.keyboard.press("F4")  # a pedal works while one writes
    until(page, "!document.querySelector('audio').paused")
    page.keyboard.press("F4")
    until(page, "document.querySelector('audio').paused")
    other = opened(context, own)
    assert other.locator("[data-do='toggle'] kbd").inner_text() == "F4"
    other.keyboard.press("?")
    other.locator("#bench-usual").click()
    until(other, "document.querySelector('[data-keys=\"toggle\"]').textContent.includes('Space')")
    assert BenchSettings.objects.get(person=cora).keys == {}


def test_single_keys_can_be_switched_off(page, own, cora):
    page.keyboard.press("?")
    page.locator("#bench-single").uncheck()
    until(page, "document.querySelector('.pl-keys__switch').textContent.includes('off')")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("j")
    page.keyboard.press("Alt+l")
    until(page, "document.getElementById('bench').pl.now() >= 5000")
    assert not Annotation.objects.exists()
    until_true(page, lambda: not BenchSettings.objects.get(person=cora).has_single_keys)


def test_what_is_done_without_a_connection_waits_says_so_and_is_sent(context, own):
    page = opened(context, own)
    mark(page, own, 3_800)
    context.set_offline(True)
    seek_now = "document.getElementById('bench').pl"
    page.evaluate(f"{seek_now}.actions.mark('sequence-traced')")
    page.keyboard.press("2")
    until(page, "document.getElementById('bench-saved').textContent.includes('2 changes wait here')")
    assert Annotation.objects.count() == 1
    context.set_offline(False)
    stored(own, 3)
    settled(page)


def test_a_second_tab_is_told_at_once_and_nothing_is_overwritten(context, own):
    page = opened(context, own)
    mark(page, own, 10_800)
    other = opened(context, own)
    for one in (page, other):
        until(one, "!document.getElementById('bench-twice').hidden")
    page.evaluate(
        "(() => { const {pl} = document.getElementById('bench'); const n = pl.notes.list()[0]; const b = {...n}; pl.notes.place(n.id, 9000, 17000); pl.notes.stretched(n.id, b) })()"
    )
    stored(own, 1, version=2)
    other.evaluate(
        "(() => { const {pl} = document.getElementById('bench'); const n = pl.notes.list()[0]; const b = {...n}; pl.notes.place(n.id, 20000, 25000); pl.notes.stretched(n.id, b) })()"
    )
    other.get_by_text("Changed in another tab.").wait_for()
    assert stored(own, 1)[0].start_ms == 9000
    other.locator("[data-keep='ours']").click()
    stored(own, 1, start_ms=20_000, version=3)
    other.close()
    until(page, "document.getElementById('bench-twice').hidden")


def test_a_rating_is_undone_and_done_again(page):
    page.keyboard.press("r")
    step = page.locator("form.pl-item").first.locator("input[value='3']")
    page.locator("form.pl-item").first.locator("label.pl-scale__step", has_text="3").first.click()
    assert step.is_checked()
    page.locator("#bench-overview").focus()
    page.keyboard.press("z")
    assert not step.is_checked()
    page.keyboard.press("Shift+z")
    assert step.is_checked()


def test_the_parts_are_resized_by_keyboard_and_remembered(page, context, own):
    side = page.locator("#bench-annotations").bounding_box()["width"]
    page.locator("#bench-split-panes").focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    wider = page.locator("#bench-annotations").bounding_box()["width"]
    assert wider > side + 60
    again = opened(context, own)
    assert abs(again.locator("#bench-annotations").bounding_box()["width"] - wider) < 3


def test_why_nothing_came_of_a_key_is_seen_and_said(page, own):
    hint, said = page.locator("#bench-hint"), page.locator("#bench-said")
    page.keyboard.press("c")
    assert hint.inner_text() == "Mark a moment first, then comment on it."
    until(page, "document.getElementById('bench-said').textContent.startsWith('Mark a moment first')")
    assert said.get_attribute("role") == "status"
    assert not trouble(page, "the workbench with a hint", 1280)
    mark(page, own, 10_800)
    assert page.locator("#bench-undo").is_visible()
    seek(page, 40_000)
    page.evaluate("document.getElementById('bench').pl.actions.split()")
    assert hint.inner_text() == "Go to a place inside the annotation, then split it."
    upper, lower = hint.bounding_box(), page.locator("#bench-undo").bounding_box()
    assert upper["y"] + upper["height"] <= lower["y"]  # beside each other, both to be read


def test_a_concern_takes_the_place_along(page, own, sam):
    seek(page, 31_000)
    page.locator("#bench-concern").click()
    page.get_by_label("Where in the recording").wait_for()
    assert page.get_by_label("Where in the recording").input_value() == "0:31"
    assert not trouble(page, "raising a concern", 1280)


@pytest.mark.parametrize("width", [1280, 768, 375, 320])
def test_nothing_sticks_out_and_axe_finds_nothing(page, own, width):
    mark(page, own, 10_800)
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("document.getElementById('bench-undo').hidden = true")  # it goes by itself after eight seconds
    page.wait_for_timeout(400)
    assert not trouble(page, "the workbench", width)
    page.evaluate("document.getElementById('bench').pl.actions.keys()")
    assert not trouble(page, "its keys", width)


@pytest.mark.parametrize("width", [820, 640, 375])  # a tablet, a laptop enlarged to 200 %, a phone
def test_nothing_that_a_wide_window_offers_is_out_of_reach_of_a_finger_in_a_narrow_one(page, own, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.locator("[data-do=more]").click()
    for what in ("zoom-in", "spectrum", "loop", "silence", "turn-on", "slower", "faster", "comment", "keys"):
        assert page.locator(f".pl-bench [data-do={what}]").first.is_visible(), what
    page.locator("[data-do=faster]").click()
    assert page.locator("[data-slot=rate]").inner_text() == "1.25"
    assert not trouble(page, "the workbench with all its buttons", width)
    page.locator("[data-do=more]").click()
    assert not page.locator("[data-do=faster]").is_visible()
