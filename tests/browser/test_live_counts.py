"""Counts and durations of the rating form follow the annotations while the page is open, as the server counts them."""

import os
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from recordings import review
from recordings.models import Annotation
from supervision.instruments import load_instruments
from supervision.models import Instrument
from tests.browser import bench_setup
from tests.browser.test_bench import (
    context,  # noqa: F401 (a fixture, as the next)
    opened,
    seek,
    sound,  # noqa: F401
    stored,
)
from tests.browser.waiting import settled, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright keeps an event loop in this thread; nothing of ours is asynchronous
START, TURNS = "initiatives", "turn-taking"  # a count and a duration of the parent-infant observation


@pytest.fixture
def own(harbour, thea, cora, sam, sound):  # noqa: F811
    load_instruments()
    made = bench_setup.recording(thea, harbour, sound)
    instrument = Instrument.objects.get(slug="parent-infant", is_current=True)
    return review.start(recording=made, rater=cora, instrument=instrument, now=timezone.now())


@pytest.fixture
def page(context, own):  # noqa: F811
    page = opened(context, own)
    yield page
    assert page.trouble == []


def counts(page, key, figure):
    """Waits until the form says so."""
    until(page, f"document.querySelector('#item-{key} [data-slot=counted]').textContent === '{figure}'")


def of_the_server(page, own, key):
    text = page.request.get(reverse("recordings:review", args=[own.recording_id])).text()
    return re.search(rf'id="item-{key}".*?data-slot="counted">(\d+)<', text, re.S)[1]


def mark(page, ms, code):
    seek(page, ms)
    page.evaluate(f"document.getElementById('bench').pl.actions.mark('{code}')")


def test_a_count_follows_marks_that_are_made_undone_and_removed(page, own):
    counts(page, START, 0)
    for number, ms in enumerate((5_800, 20_800, 40_800), 1):
        mark(page, ms, "pi-initiative")
        counts(page, START, number)
    page.keyboard.press("z")
    counts(page, START, 2)
    page.keyboard.press("Shift+z")
    counts(page, START, 3)
    page.evaluate("document.getElementById('bench').pl.actions.remove()")
    counts(page, START, 2)
    stored(own, 2)
    assert of_the_server(page, own, START) == "2"


def test_a_duration_grows_with_its_mark_and_counts_what_overlaps_once(page, own):
    counts(page, TURNS, 0)
    mark(page, 10_800, "pi-to-and-fro")
    counts(page, TURNS, 8)  # from 0.8 s before the key, 8 s long
    mark(page, 14_800, "pi-to-and-fro")  # while it lasts: longer, until 22.8 s
    counts(page, TURNS, 13)
    stored(own, 1, end_ms=22_800)
    page.evaluate("document.getElementById('bench').pl.wave.select(20000, 24000)")
    mark(page, 40_000, "pi-to-and-fro")  # what is selected: 2.8 s of it are counted already
    counts(page, TURNS, 14)
    stored(own, 2)
    assert of_the_server(page, own, TURNS) == "14"


def test_a_figure_of_ones_own_stays_while_the_count_beside_it_goes_on(page, own):
    mark(page, 5_800, "pi-initiative")
    counts(page, START, 1)
    page.evaluate("document.getElementById('bench').pl.open('rating')")
    figure = page.locator(f"#item-{START} [name=figure]")
    figure.fill("7")
    figure.press("Tab")
    settled(page)
    mark(page, 20_800, "pi-initiative")
    counts(page, START, 2)
    assert figure.input_value() == "7"
    assert page.locator(f"#item-{START} [value=own]").is_checked()
    stored(own, 2)
    page.reload()
    counts(page, START, 2)
    assert page.locator(f"#item-{START} [name=figure]").input_value() == "7"
    assert Annotation.objects.kept().filter(review=own).count() == 2
