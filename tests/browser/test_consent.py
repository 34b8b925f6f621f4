"""Consent as people meet it: signed by hand on the device, printed with its link, taken back by the family on a telephone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_accessible import trouble

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def begin(page, family):
    page.goto("/recordings/upload/")
    row = page.locator("li.rec-families__row", has_text=family)
    address = row.get_by_role("link", name=re.compile("All consents")).first.get_attribute("href")
    pk = re.search(r"/families/(\d+)/", address).group(1)
    page.goto(f"/recordings/families/{pk}/consent/")


def sign(page, number):
    pad = page.locator("fieldset.rec-person").nth(number).locator("canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(12):
        page.mouse.move(box["x"] + 40 + step * 25, box["y"] + box["height"] * (0.3 if step % 2 else 0.7))
    page.mouse.up()


def test_from_signing_on_the_device_to_the_familys_own_withdrawal(sign_in, browser, demo_site):
    page = sign_in("priya@harbour.example")
    begin(page, "H-2047")
    assert not trouble(page, page.url, 1280)
    page.get_by_label("Signed on the therapist's device").check()
    page.get_by_label("Who holds parental responsibility").fill("mother")
    first = page.locator("fieldset.rec-person").nth(0)
    first.get_by_label("Who", exact=True).select_option("caregiver")
    first.get_by_label("Initials").fill("A.S.")
    for box in ("The session is recorded", "The supervisor and the consultant listen"):
        first.get_by_label(box).check()
    page.get_by_role("button", name="Record the consent").click()
    page.get_by_role("alert").first.get_by_role("link", name="Caregiver A.S. has said yes but not signed").click()
    expect(page.locator(".rec-sign__pad").first).to_be_in_viewport(ratio=1)

    page.wait_for_timeout(5200)  # a form is sent once in five seconds
    sign(page, 0)
    expect(page.locator("fieldset.rec-person").nth(0).locator(".rec-sign__note")).to_contain_text("Signed")
    page.get_by_text("Add person 2").click()
    second = page.locator("fieldset.rec-person").nth(1)
    second.get_by_label("Who", exact=True).select_option("young_person")
    expect(second.get_by_text("A young person decides too")).to_be_visible()
    second.get_by_label("Initials").fill("R.S.")
    second.get_by_label("The session is recorded").check()
    second.get_by_label("Name, typed by this person").fill("Ro")
    page.get_by_role("button", name="Record the consent").click()
    expect(page.get_by_text("The consent is recorded")).to_be_visible()
    picture = page.get_by_role("img", name="Signature of caregiver A.S.")
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 600
    expect(page.get_by_role("link", name="Typed name")).to_be_visible()
    assert not trouble(page, page.url, 1280)
    consent = page.url

    page.get_by_role("link", name="Copy for the family").click()
    page.get_by_role("button", name="Make a link for the family").click()
    address = page.locator(".rec-link__address").inner_text().strip()
    assert re.fullmatch(rf"{demo_site}/recordings/withdraw/[\w-]{{43}}/", address)
    assert not trouble(page, page.url, 1280)
    page.emulate_media(media="print")
    expect(page.locator(".pl-header")).to_be_hidden()
    expect(page.locator(".rec-link img")).to_be_visible()

    context = browser.new_context(viewport={"width": 375, "height": 740}, has_touch=True, is_mobile=True, java_script_enabled=False)
    phone = context.new_page()
    phone.goto(address)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Take your consent back?")
    words = phone.locator("body").inner_text()
    assert "H-2047" not in words
    assert "A.S." not in words
    phone.get_by_role("button", name="Take it back").tap()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Your consent is taken back")
    assert not context.cookies()
    phone.goto(address)
    expect(phone.get_by_text("This link has been used")).to_be_visible()
    context.close()

    page.emulate_media(media="screen")
    page.goto(consent)
    expect(page.locator(".pl-tag", has_text="Withdrawn")).to_be_visible()
    expect(page.get_by_text("by the family, through its own link")).to_be_visible()
