"""A transcript put right in a real browser: by keys, with and without scripts, by two people at once, and on a phone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessible import LISTED, trouble

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MINUTES = 60_000


def open_transcript(page):
    """The page of the first recording that has one; the demo's worker may still be at it."""
    page.goto("/recordings/")
    page.goto(page.locator(LISTED).first.get_attribute("href"))
    link = page.get_by_role("link", name=re.compile("Correct the transcript"))
    link.wait_for(timeout=10 * MINUTES)
    link.click()
    page.wait_for_selector("#tr.is-live")
    return page.url


def turn(page, place):
    return page.locator("#tr-turns > li:not(.tr-turn--gap)").nth(place)


def saved(page, sentence):
    expect(page.locator("#tr-saved")).to_have_text(re.compile(sentence), timeout=MINUTES)


def edit(page, place, text):
    turn(page, place).locator(".tr-turn__edit").click()
    page.fill("#tr-text", text)


def test_a_therapist_corrects_by_keys_and_undoes(sign_in):
    page = sign_in("tom@harbour.example")
    open_transcript(page)
    was = turn(page, 0).locator(".tr-turn__text").inner_text().strip()
    count = page.locator("#tr-turns > li").count()
    turn(page, 0).locator(".tr-turn__edit").focus()
    page.keyboard.press("e")
    expect(page.locator("#tr-text")).to_have_value(was)
    page.fill("#tr-text", "These are quite other words")
    page.keyboard.press("Control+Enter")
    saved(page, "Saved")
    expect(turn(page, 0)).to_contain_text("These are quite other words")
    page.keyboard.press("Escape")
    turn(page, 0).locator(".tr-turn__edit").click()
    for _ in "These ar":
        page.keyboard.press("ArrowRight")
    expect(page.locator("#tr-word option:checked")).to_have_text("are")
    page.get_by_role("button", name="Split").click()
    saved(page, "split")
    expect(page.locator("#tr-turns > li")).to_have_count(count + 1)
    page.keyboard.press("z")
    saved(page, "Undone")
    expect(page.locator("#tr-turns > li")).to_have_count(count)
    page.keyboard.press("z")
    expect(turn(page, 0).locator(".tr-turn__text")).to_have_text(was, timeout=MINUTES)
    page.keyboard.press("y")
    saved(page, "Restored")
    expect(turn(page, 0)).to_contain_text("These are quite other words")
    page.keyboard.press("z")
    saved(page, "Undone")
    for width in (1280, 375, 320):
        page.set_viewport_size({"width": width, "height": 800})
        turn(page, 1).locator(".tr-turn__edit").click()
        assert not trouble(page, "the transcript", width)


def test_on_a_phone_the_voices_are_one_tap_away(sign_in):
    page = sign_in("tom@harbour.example", width=375, height=740)
    open_transcript(page)
    page.get_by_role("link", name="Say whose voice is whose").click()
    expect(page.get_by_role("heading", name="Voices")).to_be_in_viewport()
    expect(page.get_by_role("heading", name="Voices")).to_be_focused()
    assert not trouble(page, "the transcript's panels", 375)
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(page.get_by_role("link", name="Say whose voice is whose")).to_be_hidden()


def test_two_people_at_one_turn_see_both_texts(sign_in):
    tom, sam = sign_in("tom@harbour.example"), sign_in("sam@harbour.example")
    address = open_transcript(tom)
    sam.goto(address)
    sam.wait_for_selector("#tr.is-live")
    edit(tom, 1, "What the therapist hears")
    edit(sam, 1, "What the supervisor hears")
    tom.keyboard.press("Control+Enter")
    saved(tom, "Saved")
    sam.get_by_role("button", name="Save", exact=True).first.click()
    expect(sam.locator(".tr-form__conflict")).to_contain_text("What the therapist hears")
    expect(sam.locator("#tr-text")).to_have_value("What the supervisor hears")
    sam.get_by_role("button", name="Save", exact=True).first.click()
    saved(sam, "Saved")
    expect(turn(sam, 1)).to_contain_text("What the supervisor hears")


def test_without_scripts_the_forms_do_the_same(sign_in, browser, demo_site):
    page = sign_in("tom@harbour.example")
    address = open_transcript(page)
    context = browser.new_context(
        base_url=demo_site, java_script_enabled=False, storage_state=page.context.storage_state(), viewport={"width": 375, "height": 800}
    )
    plain = context.new_page()
    plain.goto(address)
    turn(plain, 2).locator(".tr-turn__edit").click()
    plain.locator("li #tr-text").fill("Typed without any script")
    plain.locator("li .tr-form").get_by_role("button", name="Save", exact=True).click()
    expect(turn(plain, 2)).to_contain_text("Typed without any script")
    plain.get_by_role("button", name="Undo my last change").click()
    expect(turn(plain, 2)).not_to_contain_text("Typed without any script")
    context.close()
